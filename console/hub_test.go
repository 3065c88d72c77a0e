package console_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/mpc-coaching/coaching"
)

// A store without a feed is read every 2 s, for all streams together.
func TestStreamWithoutFeed(t *testing.T) {
	bubble(t, func(t *testing.T) {
		var store *asking
		o := newBooks(t, flowConfig(func(f *coaching.Config) {
			store = &asking{Store: f.Store} // hides Changes
			f.Store = store
		}))
		o.put(1)
		o.put(2)
		tabs := []*browser{newBrowser(t), newBrowser(t), newBrowser(t)}
		for _, b := range tabs {
			defer b.listen(o.console, asLee).hangUp()
		}
		lists := store.lists.Load()
		o.put(1)
		o.put(2, ended)
		o.put(3)
		time.Sleep(2100 * time.Millisecond)
		o.put(2, ended) // the books go on with it
		time.Sleep(2 * time.Second)
		for i, b := range tabs {
			if got := keys(b.view()); !slices.Equal(got, []string{string(callID(1)), string(callID(3))}) || !strings.Contains(b.view()[string(callID(1))], secret(1, 2)) {
				t.Errorf("tab %d shows %v after 2 s", i, b.events())
			}
			b.same(o.console, asLee, "after 2 s")
		}
		if n := countOf(tabs[0].events(), `"state":"ended"`); n != 1 {
			t.Errorf("the end of a call is told %d times, want once", n)
		}
		time.Sleep(18 * time.Second)
		if n := store.lists.Load() - lists; n != 11 {
			t.Errorf("the store was listed %d times in 22 s, want 11", n)
		}
	})
}

func countOf(events []event, what string) (n int) {
	for _, e := range events {
		if strings.Contains(e.data, what) {
			n++
		}
	}
	return n
}

// A store that fails for a moment is borne with; one that fails for longer ends
// the streams, and those who come back are told, until it works again.
func TestStreamOutlivesTheStore(t *testing.T) {
	for name, c := range map[string]struct {
		down time.Duration
		over bool
	}{"a moment": {500 * time.Millisecond, false}, "longer": {6 * time.Second, true}} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				var store *failing
				o := newBooks(t, flowConfig(func(f *coaching.Config) {
					store = &failing{Store: f.Store, err: errors.New("secret: down")}
					f.Store = store
				}))
				o.put(1)
				b := newBrowser(t)
				l := b.listen(o.console, asLee)
				time.Sleep(1800 * time.Millisecond)
				fails.Store(true)
				defer fails.Store(false)
				time.Sleep(c.down)
				if l.over() != c.over {
					t.Errorf("after %v the stream is over: %v, want %v", c.down, l.over(), c.over)
				}
				if c.over {
					start := time.Now()
					p := send(t, o.console, asLeeAt("/api/stream"))
					if p.status != 500 || strings.Contains(string(p.body), "secret") || time.Since(start) > 3*time.Second {
						t.Errorf("a stream meanwhile = %d %s after %v, want 500", p.status, p.body, time.Since(start))
					}
				}
				fails.Store(false)
				o.put(1)
				o.put(2)
				time.Sleep(3 * time.Second)
				if c.over {
					l = b.listen(o.console, asLee)
				}
				b.same(o.console, asLee, "when the store works again")
				l.hangUp()
			})
		})
	}
}

// A store that panics is one that fails, though nobody's request asks it.
func TestStreamOutlivesAPanic(t *testing.T) {
	for name, watched := range map[string]bool{"with a feed": true, "without": false} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				var store *panicking
				o := newBooks(t, flowConfig(func(f *coaching.Config) {
					store = &panicking{MemoryStore: f.Store.(*coaching.MemoryStore)}
					if f.Store = store; !watched {
						f.Store = unwatched{store}
					}
				}))
				o.put(1)
				b := newBrowser(t)
				l := b.listen(o.console, asLee)
				store.now.Store(true)
				time.Sleep(40 * time.Second)
				if !l.over() || !strings.Contains(o.log.String(), "panicked") {
					t.Errorf("the stream is over: %v, want true and a line in the log: %s", l.over(), o.log)
				}
				store.now.Store(false)
				l = b.listen(o.console, asLee)
				b.same(o.console, asLee, "afterwards")
				l.hangUp()
			})
		})
	}
}

// panicking is a store that panics when it is listed.
type panicking struct {
	*coaching.MemoryStore
	now atomic.Bool
}

func (p *panicking) Live(ctx context.Context) iter.Seq2[coaching.Call, error] {
	if p.now.Load() {
		panic("the driver gives up")
	}
	return p.MemoryStore.Live(ctx)
}

// A call that was over before a stream began is none of its business, and one that
// ends is told of once, though the books go on with it.
func TestStreamTellsAnEndOnce(t *testing.T) {
	bubble(t, func(t *testing.T) {
		o := newBooks(t)
		o.put(1)
		o.put(2)
		defer newBrowser(t).listen(o.console, ask{as: "supervisor:mia"}).hangUp()
		o.put(1, ended)
		time.Sleep(time.Second)
		b := newBrowser(t)
		l := b.listen(o.console, asLee)
		o.put(2, ended)
		time.Sleep(time.Second)
		o.put(2, ended)
		time.Sleep(31 * time.Second)
		l.hangUp()
		b.listen(o.console, asLee).hangUp()
		if got := b.events(); len(got) != 2 || got[1].kind != "call" || !strings.Contains(got[1].data, string(callID(2))) {
			t.Errorf("the stream tells %v, want a snapshot and the end of one call", got)
		}
	})
}

// A call that the books have lost is taken from the pages.
func TestStreamLosesACall(t *testing.T) {
	bubble(t, func(t *testing.T) {
		var store *hiding
		o := newBooks(t, flowConfig(func(f *coaching.Config) {
			store = &hiding{MemoryStore: f.Store.(*coaching.MemoryStore)}
			f.Store = store
		}))
		o.put(1)
		o.put(2)
		b := newBrowser(t)
		l := b.listen(o.console, asLee)
		store.hidden.Store(callID(1))
		time.Sleep(31 * time.Second)
		if b.count("gone") != 1 || len(b.view()) != 1 {
			t.Errorf("a call that the books have lost: %v, want gone", b.events())
		}
		l.hangUp()
	})
}

// hiding is a store that forgets a call without a word.
type hiding struct {
	*coaching.MemoryStore
	hidden atomic.Value // of CallID
}

func (h *hiding) Get(ctx context.Context, id coaching.CallID) (coaching.Call, error) {
	if id == h.hidden.Load() {
		return coaching.Call{}, coaching.ErrNotFound
	}
	return h.MemoryStore.Get(ctx, id)
}

func (h *hiding) Live(ctx context.Context) iter.Seq2[coaching.Call, error] {
	return func(yield func(coaching.Call, error) bool) {
		for c, err := range h.MemoryStore.Live(ctx) {
			if c.ID != h.hidden.Load() && !yield(c, err) {
				return
			}
		}
	}
}

// A long day leaves no more behind than what is going on.
func TestHubHoldsNoMoreThanThereIs(t *testing.T) {
	bubble(t, func(t *testing.T) {
		o := newBooks(t)
		b := newBrowser(t)
		l := b.listen(o.console, asLee)
		most := 0
		for i := range 1500 { // each lives for 10 s or so; ten are alive at once
			o.put(i)
			if i >= 10 {
				o.put(i - 10)
				o.put(i-10, ended)
			}
			time.Sleep(time.Second)
			calls, changes, _ := o.console.Held()
			most = max(most, calls, changes)
		}
		if want := 500; most > want { // 130 are alive or have ended within 2 min, 190 before the next look
			t.Errorf("%d calls or changes were held, want %d at most", most, want)
		}
		if n := len(b.view()); n != 10 {
			t.Errorf("the page shows %d calls, want 10", n)
		}
		l.hangUp()
		for range 1100 { // lines that break
			newBrowser(t).listen(o.console, asLee).hangUp()
		}
		if _, _, sessions := o.console.Held(); sessions > 1024 {
			t.Errorf("%d broken streams are remembered, want 1024 at most", sessions)
		}
		time.Sleep(2*time.Minute + time.Second)
		synctest.Wait()
		if calls, changes, sessions := o.console.Held(); calls+changes+sessions != 0 {
			t.Errorf("%d calls, %d changes and %d streams are remembered when all have gone for 2 min", calls, changes, sessions)
		}
	})
}

// Changes that come faster than a page can show them are told together, and the
// last one always is.
func TestStreamPaces(t *testing.T) {
	bubble(t, func(t *testing.T) {
		o := newBooks(t)
		o.put(1)
		b := newBrowser(t)
		l := b.listen(o.console, asLee)
		time.Sleep(time.Second)
		before := len(b.events())
		for range 1000 {
			o.put(1)
			time.Sleep(time.Millisecond)
		}
		time.Sleep(60 * time.Millisecond)
		if n := len(b.events()) - before; n < 15 || n > 25 {
			t.Errorf("1000 changes in a second are told in %d events, want about 20", n)
		}
		if !strings.Contains(b.view()[string(callID(1))], secret(1, 1001)) {
			t.Errorf("the last change is not told: %v", b.view())
		}
		l.hangUp()
	})
}

// Two tabs of one actor ask once; each actor, and each round, asks anew.
func TestAuthorizeIsAskedOnce(t *testing.T) {
	bubble(t, func(t *testing.T) {
		var mu sync.Mutex
		asked := map[string]int{}
		o := newBooks(t, flowConfig(func(f *coaching.Config) {
			f.Authorize = func(_ context.Context, r coaching.AccessRequest) error {
				mu.Lock()
				defer mu.Unlock()
				asked[fmt.Sprint(r.Actor.ID, " ", r.Call.Version)]++
				return nil
			}
		}))
		o.put(1)
		for _, as := range []string{"supervisor:lee", "supervisor:lee", "supervisor:mia"} {
			defer newBrowser(t).listen(o.console, ask{as: as}).hangUp()
		}
		time.Sleep(time.Second)
		o.put(1)
		time.Sleep(time.Second)
		mu.Lock()
		want := fmt.Sprint(map[string]int{"lee 1": 1, "lee 2": 1, "mia 1": 1, "mia 2": 1})
		if got := fmt.Sprint(asked); got != want {
			t.Errorf("Authorize was asked %v, want %v", got, want)
		}
		mu.Unlock()
		time.Sleep(30 * time.Second)
		mu.Lock()
		defer mu.Unlock()
		want = fmt.Sprint(map[string]int{"lee 1": 1, "lee 2": 2, "mia 1": 1, "mia 2": 2})
		if got := fmt.Sprint(asked); got != want {
			t.Errorf("after a round Authorize was asked %v, want %v", got, want)
		}
	})
}

// An Authorize that stalls shows nothing, and does not hold the stream up for
// ever.
func TestAuthorizeStalls(t *testing.T) {
	bubble(t, func(t *testing.T) {
		var stall atomic.Bool
		var stalled atomic.Int32
		o := newBooks(t, flowConfig(func(f *coaching.Config) {
			f.Authorize = func(ctx context.Context, r coaching.AccessRequest) error {
				if stall.Load() {
					stalled.Add(1)
					<-ctx.Done()
				}
				return nil
			}
		}))
		for i := range 20 {
			o.put(i)
		}
		b := newBrowser(t)
		l := b.listen(o.console, asLee)
		if n := len(b.view()); n != 20 {
			t.Fatalf("%d calls are shown, want 20", n)
		}
		stall.Store(true)
		time.Sleep(45 * time.Second) // a round, and its 10 s
		if n := len(b.view()); n != 0 {
			t.Errorf("%d calls are shown that nobody has admitted, want none", n)
		}
		if n := stalled.Load(); n > 2 {
			t.Errorf("%d questions were put to an Authorize that does not answer for 5 s, want 2 in 10 s", n)
		}
		stall.Store(false)
		time.Sleep(45 * time.Second)
		if n := len(b.view()); n != 20 {
			t.Errorf("%d calls are shown when Authorize answers again, want 20", n)
		}
		l.hangUp()
	})
}
