package enginetest

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/mpc-coaching/coaching"
)

// A Feed is a sequence of changes that is read in a goroutine, so that a test
// can lose its patience. Versions of a call that do not rise fail the test.
type Feed struct {
	tb testing.TB
	ch chan coaching.Change
}

// Watch reads changes until the test ends.
func Watch(tb testing.TB, s coaching.Watcher, after coaching.Cursor) *Feed {
	tb.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	f := &Feed{tb: tb, ch: make(chan coaching.Change, 1<<14)}
	done := make(chan struct{})
	changes := s.Changes(ctx, after)
	go func() {
		defer close(done)
		last := map[coaching.CallID]uint64{}
		for ch, err := range changes {
			if err != nil {
				if !errors.Is(err, context.Canceled) {
					tb.Errorf("Changes = %v", err)
				}
				return
			}
			if !ch.Resync && ch.Call.Version <= last[ch.Call.ID] {
				tb.Errorf("Changes yields version %d of %s after %d", ch.Call.Version, ch.Call.ID, last[ch.Call.ID])
			}
			last[ch.Call.ID] = ch.Call.Version
			f.ch <- ch
		}
	}()
	tb.Cleanup(func() {
		cancel()
		<-done
	})
	return f
}

// Next returns the next change.
func (f *Feed) Next(what string) coaching.Change {
	f.tb.Helper()
	select {
	case ch := <-f.ch:
		return ch
	case <-time.After(30 * time.Second):
		f.tb.Fatalf("Changes yields nothing for 30 s, want %s", what)
		return coaching.Change{}
	}
}

// Until reads up to a version; it reports whether a Resync came before.
func (f *Feed) Until(c coaching.Call) (ch coaching.Change, resync bool) {
	f.tb.Helper()
	for {
		ch := f.Next(fmt.Sprintf("version %d of %s", c.Version, c.ID))
		resync = resync || ch.Resync
		if ch.Call.ID == c.ID && ch.Call.Version >= c.Version {
			return ch, resync
		}
	}
}

// Resync fails the test if the next change is not a Resync.
func (f *Feed) Resync(why string) {
	f.tb.Helper()
	if ch := f.Next("a Resync"); !ch.Resync {
		f.tb.Errorf("the next change is version %d of %s, want a Resync: %s", ch.Call.Version, ch.Call.ID, why)
	}
}
