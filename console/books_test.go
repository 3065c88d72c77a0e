package console_test

import (
	"context"
	"fmt"
	"iter"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/plivo/plivo-go/v7"

	"github.com/mpc-coaching/coaching"
	"github.com/mpc-coaching/coaching/console"
)

// Books are calls without telephones: a store that a test writes to by itself,
// and a console over it. There is no Run.
type books struct {
	t       testing.TB
	store   *coaching.MemoryStore
	console *console.Console
	log     *lockedBuffer
}

// unwatched is a store without a feed.
type unwatched struct{ s coaching.Store }

func (u unwatched) Get(ctx context.Context, id coaching.CallID) (coaching.Call, error) {
	return u.s.Get(ctx, id)
}

func (u unwatched) Put(ctx context.Context, c coaching.Call) (coaching.Call, error) {
	return u.s.Put(ctx, c)
}

func (u unwatched) Live(ctx context.Context) iter.Seq2[coaching.Call, error] { return u.s.Live(ctx) }

// newBooks makes books whose calls everybody who is logged in may see.
func newBooks(t testing.TB, adjust ...adjustment) *books {
	t.Helper()
	b := &books{t: t, store: coaching.NewMemoryStore(), log: &lockedBuffer{}}
	sdk, err := plivo.NewClient("MA00000000000000000000", "token", &plivo.ClientOptions{})
	if err != nil {
		t.Fatal(err)
	}
	fc := coaching.Config{
		Plivo: sdk, PublicURL: publicURL, Store: b.store, Route: coaching.RingOnce(),
		Authorize: func(context.Context, coaching.AccessRequest) error { return nil },
	}
	cc := console.Config{Identify: identify, Logger: logTo(b.log)}
	for _, f := range adjust {
		f(&fc, &cc)
	}
	if cc.Flow, err = coaching.New(fc); err != nil {
		t.Fatal(err)
	}
	if b.console, err = console.New(cc); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.console.Close)
	return b
}

func callID(i int) coaching.CallID { return coaching.CallID(fmt.Sprintf("cc%020d", i)) }

// put writes the next version of call i; its Data names the version.
func (b *books) put(i int, change ...func(*coaching.Call)) coaching.Call {
	b.t.Helper()
	ctx := context.Background()
	c, err := b.store.Get(ctx, callID(i))
	if err != nil {
		c = coaching.Call{ID: callID(i), State: coaching.StateActive, From: caller, To: hotline, Created: time.Now()}
	}
	c.Data = map[string]string{"secret": secret(i, c.Version+1)}
	for _, f := range change {
		f(&c)
	}
	c, err = b.store.Put(ctx, c)
	if err != nil {
		b.t.Fatal(err)
	}
	return c
}

// secret is what nobody may see of a version of a call but who may see that.
func secret(i int, version uint64) string { return fmt.Sprintf("secret-%d-%d-terces", i, version) }

func ended(c *coaching.Call) {
	c.State, c.EndReason, c.Ended, c.Expires = coaching.StateEnded, coaching.ExitHost, time.Now(), time.Now().Add(time.Hour)
}

// A gate lets tests change their mind about who may do what.
type gate struct {
	mu     sync.Mutex
	closed map[string]bool            // "actor call" or "actor"
	yes    map[string]map[string]bool // by actor: the secrets that they may have been shown
}

func newGate() *gate {
	return &gate{closed: map[string]bool{}, yes: map[string]map[string]bool{}}
}

func (g *gate) set(key string, closed bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.closed[key] = closed
}

func (g *gate) authorize(_ context.Context, r coaching.AccessRequest) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.closed[r.Actor.ID] || g.closed[r.Actor.ID+" "+string(r.Call.ID)] {
		return fmt.Errorf("secret: the gate is closed")
	}
	if g.yes[r.Actor.ID] == nil {
		g.yes[r.Actor.ID] = map[string]bool{}
	}
	g.yes[r.Actor.ID][r.Call.Data["secret"]] = true
	return nil
}

// identify knows nobody behind a closed gate.
func (g *gate) identify(r *http.Request) (coaching.Actor, error) {
	a, err := identify(r)
	g.mu.Lock()
	defer g.mu.Unlock()
	if err == nil && g.closed["login "+a.ID] {
		err = fmt.Errorf("secret: logged out")
	}
	return a, err
}

func (g *gate) use() adjustment {
	return func(f *coaching.Config, c *console.Config) { f.Authorize, c.Identify = g.authorize, g.identify }
}
