// Package enginetest has what the tests of the store adapters of this
// repository share: what a store promises while its engine stops, starts again,
// loses its data or cannot be reached, and the tools to look at it. What a store
// promises while its engine works is in storetest.
package enginetest

import (
	"errors"
	"fmt"
	"net"
	"testing"
	"time"

	"github.com/mpc-coaching/coaching"
)

// An Engine is one server, listening on loopback, that keeps its data when it
// stops.
type Engine interface {
	Addr() string // host:port, the same after it was started again
	// Open returns a store over a connection of its own to addr, which may be a
	// way around. An operation may take as long as timeout; 0: the default.
	Open(tb testing.TB, addr string, timeout time.Duration) Store
	Stop()
	Start()
	Lose() // stops it, and its data are gone
}

// A Store is what an adapter makes of an engine.
type Store interface {
	coaching.Store
	coaching.Watcher
}

// Options say how an engine differs from others.
type Options struct {
	ForgetsWithin time.Duration // after a call has expired
	KeepsFeed     bool          // a reader that was cut off for a moment has missed nothing
}

// Run runs all cases, each with an engine of its own.
func Run(t *testing.T, start func(testing.TB) Engine, o Options) {
	for name, run := range map[string]func(*testing.T, Engine){
		"Restarts":              restarts,
		"LosesItsData":          losesItsData,
		"ConnectionIsCut":       func(t *testing.T, e Engine) { connectionIsCut(t, e, o.KeepsFeed) },
		"ChangesWhileAway":      changesWhileAway,
		"SlowReader":            slowReader,
		"TwoStores":             twoStores,
		"VersionsRise":          func(t *testing.T, e Engine) { versionsRise(t, e, o.ForgetsWithin) },
		"TwoInstances":          twoInstances,
		"TwoInstancesAfterLoss": twoInstancesAfterLoss,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			run(t, start(t))
		})
	}
}

// Live is a small call that goes on.
func Live(n int) coaching.Call {
	return coaching.Call{ID: coaching.CallID(fmt.Sprintf("cctest%026d", n)), State: coaching.StateActive, Created: time.Now()}
}

// Ended is c when it is over, kept for a while.
func Ended(c coaching.Call, retention time.Duration) coaching.Call {
	c.State, c.EndReason, c.Ended = coaching.StateEnded, coaching.ExitCustomer, time.Now()
	c.Expires = c.Ended.Add(retention)
	return c
}

// Put stores a call, and returns it as it is stored.
func Put(tb testing.TB, s coaching.Store, c coaching.Call) coaching.Call {
	tb.Helper()
	c, err := s.Put(tb.Context(), c)
	if err != nil {
		tb.Fatalf("Put = %v, want nil", err)
	}
	return c
}

// Reach is Put that is tried again while the engine is away; one that failed
// may have happened.
func Reach(tb testing.TB, s coaching.Store, c coaching.Call) coaching.Call {
	tb.Helper()
	failed := false
	var out coaching.Call
	Eventually(tb, "the store takes calls", func() bool {
		var err error
		if out, err = s.Put(tb.Context(), c); !errors.Is(err, coaching.ErrConflict) {
			failed = failed || err != nil
			return err == nil
		}
		if !failed {
			tb.Fatalf("Put(version %d) = %v", c.Version, err)
		}
		if got, err := s.Get(tb.Context(), c.ID); err == nil {
			c = got
		}
		return false
	})
	return out
}

// Eventually polls until ok.
func Eventually(tb testing.TB, what string, ok func() bool) {
	tb.Helper()
	for deadline := time.Now().Add(30 * time.Second); !ok(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			tb.Fatalf("%s: not so within 30 s", what)
		}
	}
}

// FreePort returns a port of loopback that nobody listens on, nor on the one
// 10000 higher: members of a Redis Cluster want both.
func FreePort(tb testing.TB) int {
	tb.Helper()
	for {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			tb.Fatal(err)
		}
		port := l.Addr().(*net.TCPAddr).Port
		l.Close()
		if port >= 55536 {
			continue
		}
		if l, err = net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port+10000)); err == nil {
			l.Close()
			return port
		}
	}
}
