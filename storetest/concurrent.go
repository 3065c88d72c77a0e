package storetest

import (
	"errors"
	"fmt"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/mpc-coaching/coaching"
)

const rivals = 16

// race lets rivals put at once; exactly one may win, and what it put must be
// what is stored.
func race(t tb, store coaching.Store, c coaching.Call) coaching.Call {
	t.Helper()
	var wg sync.WaitGroup
	var won atomic.Int32
	var winner coaching.Call
	start := make(chan struct{})
	errs := make([]error, rivals)
	for i := range rivals {
		wg.Go(func() {
			<-start
			got, err := store.Put(t.Context(), marked(c, fmt.Sprint(i)))
			if errs[i] = err; err == nil && won.Add(1) == 1 {
				winner = got
			}
		})
	}
	close(start)
	wg.Wait()
	for i, err := range errs {
		if err != nil && !errors.Is(err, coaching.ErrConflict) {
			t.Errorf("rival %d: Put = %v, want nil or ErrConflict", i, err)
		}
	}
	if n := won.Load(); n != 1 {
		t.Fatalf("%d of %d Puts of version %d at once were taken, want one", n, rivals, c.Version)
	}
	same(t, "what the winner put", get(t, store, c.ID), winner)
	return winner
}

func (s *suite) concurrentCreates(t tb, store coaching.Store) {
	for i := range 8 {
		race(t, store, live(i))
	}
}

func (s *suite) concurrentUpdates(t tb, store coaching.Store) {
	c := put(t, store, live(1))
	for range 8 {
		c = race(t, store, c)
	}
}

// noLostUpdate counts in a call, from several sides.
func (s *suite) noLostUpdate(t tb, store coaching.Store) {
	put(t, store, marked(live(1), "0"))
	const each = 10
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for n := 0; n < each; {
				c, err := store.Get(t.Context(), id(1))
				if err != nil {
					t.Errorf("Get = %v", err)
					return
				}
				v, _ := strconv.Atoi(c.Data["note"])
				_, err = store.Put(t.Context(), marked(c, strconv.Itoa(v+1)))
				switch {
				case err == nil:
					n++
				case !errors.Is(err, coaching.ErrConflict):
					t.Errorf("Put = %v, want nil or ErrConflict", err)
					return
				}
			}
		})
	}
	wg.Wait()
	if got := get(t, store, id(1)).Data["note"]; got != strconv.Itoa(8*each) {
		t.Errorf("after %d updates the count is %s", 8*each, got)
	}
}

// getAfterPut reads from several sides what a writer has just been told is
// stored.
func (s *suite) getAfterPut(t tb, store coaching.Store) {
	var known atomic.Uint64 // a version whose Put has returned
	c := put(t, store, live(1))
	known.Store(c.Version)
	done := make(chan struct{})
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			var last uint64
			for {
				select {
				case <-done:
					return
				default:
				}
				least := max(known.Load(), last)
				got, err := store.Get(t.Context(), id(1))
				if err != nil {
					t.Errorf("Get = %v", err)
					return
				}
				if got.Version < least {
					t.Errorf("Get = version %d although %d was there before", got.Version, least)
					return
				}
				last = got.Version
			}
		})
	}
	for range 200 {
		next, err := store.Put(t.Context(), c)
		if err != nil {
			t.Errorf("Put = %v", err)
			break
		}
		known.Store(next.Version)
		if got, err := store.Get(t.Context(), id(1)); err != nil || got.Version != next.Version {
			t.Errorf("Get after Put = version %d, %v, want %d", got.Version, err, next.Version)
			break
		}
		c = next
	}
	close(done)
	wg.Wait()
}

// liveWhileWriting ranges over Live again and again while calls come, change
// and go: those that stay must be there each time, those that are over never.
func (s *suite) liveWhileWriting(t tb, store coaching.Store) {
	const stay = 20
	for i := range stay {
		put(t, store, live(i))
		put(t, store, ended(100+i, time.Hour))
	}
	done := make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() { // some that stay are written to
		for n := 0; ; n++ {
			select {
			case <-done:
				return
			default:
			}
			c, err := store.Get(t.Context(), id(n%stay))
			if err == nil {
				_, err = store.Put(t.Context(), marked(c, fmt.Sprint(n)))
			}
			if err != nil {
				t.Errorf("writing meanwhile: %v", err)
				return
			}
		}
	})
	wg.Go(func() { // others come and go
		for n := 1000; ; n++ {
			select {
			case <-done:
				return
			default:
			}
			c, err := store.Put(t.Context(), live(n))
			if err == nil {
				_, err = store.Put(t.Context(), end(c, time.Hour))
			}
			if err != nil {
				t.Errorf("writing meanwhile: %v", err)
				return
			}
		}
	})
	for range 20 {
		there := map[coaching.CallID]bool{}
		for c, err := range store.Live(t.Context()) {
			if err != nil {
				t.Errorf("Live = %v", err)
				break
			}
			if !c.Live() {
				t.Errorf("Live yields %s, whose Live is false", c.ID)
			}
			if there[c.ID] {
				t.Errorf("Live yields %s twice", c.ID)
			}
			there[c.ID] = true
		}
		for i := range stay {
			if !there[id(i)] {
				t.Errorf("Live leaves out %s, which is live all the time", id(i))
			}
		}
	}
	close(done)
	wg.Wait()
}
