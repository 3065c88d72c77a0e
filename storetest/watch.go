package storetest

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"sync"
	"time"

	"github.com/mpc-coaching/coaching"
)

// A stream reads a feed in a goroutine, so that a case can lose its patience.
type stream struct {
	s    *suite
	t    tb
	ch   chan coaching.Change
	end  chan error
	stop context.CancelFunc
	last map[coaching.CallID]uint64 // highest version seen
}

// watch subscribes now and starts to read. The caller must call stop.
func (s *suite) watch(t tb, store coaching.Store, after coaching.Cursor) *stream {
	ctx, cancel := context.WithCancel(t.Context())
	return s.read(t, store.(coaching.Watcher).Changes(ctx, after), cancel)
}

func (s *suite) read(t tb, changes iter.Seq2[coaching.Change, error], stop context.CancelFunc) *stream {
	r := &stream{s: s, t: t, ch: make(chan coaching.Change, 1<<16), end: make(chan error, 1), stop: stop, last: map[coaching.CallID]uint64{}}
	go func() {
		var last error
		for ch, err := range changes {
			if err != nil {
				last = err
				continue
			}
			r.ch <- ch
		}
		r.end <- last
	}()
	return r
}

// next returns the next change, which must come in time; versions must rise.
func (r *stream) next(what string) coaching.Change {
	r.t.Helper()
	timer := time.NewTimer(r.s.Patience)
	defer timer.Stop()
	select {
	case ch := <-r.ch:
		return r.check(ch)
	case err := <-r.end:
		r.t.Fatalf("Changes ends with %v, want %s", err, what)
	case <-timer.C:
		r.t.Fatalf("Changes yields nothing for %v, want %s", r.s.Patience, what)
	}
	return coaching.Change{}
}

func (r *stream) check(ch coaching.Change) coaching.Change {
	r.t.Helper()
	if ch.Cursor == "" {
		r.t.Errorf("a change has no cursor")
	}
	if ch.Resync {
		if ch.Call.ID != "" {
			r.t.Errorf("a Resync change has a Call")
		}
		return ch
	}
	if old := r.last[ch.Call.ID]; ch.Call.Version <= old {
		r.t.Errorf("Changes yields version %d of %s after %d: versions must rise", ch.Call.Version, ch.Call.ID, old)
	}
	r.last[ch.Call.ID] = max(r.last[ch.Call.ID], ch.Call.Version)
	return ch
}

// until reads up to a version of a call, and returns that change.
func (r *stream) until(id coaching.CallID, version uint64) coaching.Change {
	r.t.Helper()
	for {
		ch := r.next(fmt.Sprintf("version %d of %s", version, id))
		if ch.Resync {
			r.t.Fatalf("Changes yields a Resync, want version %d of %s", version, id)
		}
		if ch.Call.ID == id && ch.Call.Version >= version {
			if ch.Call.Version > version {
				r.t.Fatalf("Changes yields version %d of %s, which nobody has put", ch.Call.Version, id)
			}
			return ch
		}
	}
}

// The subscription starts when Changes is called, not when it is ranged over.
func (s *suite) watchStarts(t tb, store coaching.Store) {
	before := put(t, store, live(1))
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	changes := store.(coaching.Watcher).Changes(ctx, "")
	c := put(t, store, busy(t, 2))
	r := s.read(t, changes, cancel)
	ch := r.next("the first change after the call of Changes")
	if ch.Resync || ch.Call.ID != c.ID {
		t.Fatalf("the first change is of %q (resync %v), want %s; %s was put before", ch.Call.ID, ch.Resync, c.ID, before.ID)
	}
	same(t, "the first change", ch.Call, c)
}

func (s *suite) watchTellsTheLast(t tb, store coaching.Store) {
	r := s.watch(t, store, "")
	defer r.stop()
	const calls, changes = 4, 50
	final := make([]coaching.Call, calls)
	var wg sync.WaitGroup
	for i := range calls {
		wg.Go(func() {
			c := live(i)
			for n := range changes {
				next, err := store.Put(t.Context(), marked(c, fmt.Sprint(n)))
				if err != nil {
					t.Errorf("Put = %v", err)
					return
				}
				c = next
			}
			final[i] = c
		})
	}
	wg.Wait()
	missing := map[coaching.CallID]coaching.Call{}
	for _, c := range final {
		missing[c.ID] = c
	}
	for len(missing) > 0 {
		ch := r.next("the last change of every call")
		if want, ok := missing[ch.Call.ID]; ok && ch.Call.Version == want.Version {
			same(t, "the last change", ch.Call, want)
			delete(missing, ch.Call.ID)
		}
	}
}

func (s *suite) watchTellsEnds(t tb, store coaching.Store) {
	r := s.watch(t, store, "")
	defer r.stop()
	c := put(t, store, end(put(t, store, live(1)), time.Hour))
	if ch := r.until(c.ID, c.Version); ch.Call.State != coaching.StateEnded {
		t.Errorf("the last change has state %v, want ended", ch.Call.State)
	}
}

func (s *suite) watchCopies(t tb, store coaching.Store) {
	r, other := s.watch(t, store, ""), s.watch(t, store, "")
	defer r.stop()
	defer other.stop()
	c := put(t, store, live(1))
	want := document(t, c)
	scribble(r.until(c.ID, c.Version).Call)
	if got := document(t, get(t, store, c.ID)); got != want {
		t.Errorf("changing what Changes yielded changes the stored call: %s\nwant %s", got, want)
	}
	if got := document(t, other.until(c.ID, c.Version).Call); got != want {
		t.Errorf("two readers of Changes share memory: %s\nwant %s", got, want)
	}
}

func (s *suite) watchTwice(t tb, store coaching.Store) {
	a, b := s.watch(t, store, ""), s.watch(t, store, "")
	defer a.stop()
	defer b.stop()
	for i := range 5 {
		c := put(t, store, live(i))
		a.until(c.ID, c.Version)
		b.until(c.ID, c.Version)
	}
	a.stop() // which is none of b's business
	c := put(t, store, live(9))
	b.until(c.ID, c.Version)
	for range store.(coaching.Watcher).Changes(t.Context(), b.resumeAt(t, store)) {
		break // which must not hurt
	}
	put(t, store, live(10))
}

// resumeAt returns a cursor after which there is a change.
func (r *stream) resumeAt(t tb, store coaching.Store) coaching.Cursor {
	c := put(t, store, live(20))
	cursor := r.until(c.ID, c.Version).Cursor
	put(t, store, live(21))
	return cursor
}

func (s *suite) watchResumes(t tb, store coaching.Store) {
	r := s.watch(t, store, "")
	defer r.stop()
	var stored [3]coaching.Call
	var cursors [3]coaching.Cursor
	for i := range stored {
		stored[i] = put(t, store, live(i))
		cursors[i] = r.until(stored[i].ID, stored[i].Version).Cursor
	}
	changed := put(t, store, marked(stored[0], "changed"))
	for i, after := range cursors {
		again := s.watch(t, store, after)
		for _, c := range append(stored[i+1:len(stored):len(stored)], changed) {
			ch := again.next("what came after the cursor")
			if ch.Resync || ch.Call.ID != c.ID || ch.Call.Version != c.Version {
				t.Errorf("after cursor %d: a change of %s, version %d, resync %v; want %s, version %d", i, ch.Call.ID, ch.Call.Version, ch.Resync, c.ID, c.Version)
			}
		}
		again.stop()
	}
	// And what comes later, after the newest cursor.
	again := s.watch(t, store, r.until(changed.ID, changed.Version).Cursor)
	defer again.stop()
	c := put(t, store, live(9))
	if ch := again.next("a later change"); ch.Call.ID != c.ID {
		t.Errorf("after the newest cursor: a change of %q (resync %v), want %s", ch.Call.ID, ch.Resync, c.ID)
	}
}

func (s *suite) watchUnknownCursor(t tb, store coaching.Store) {
	put(t, store, live(1))
	for _, cursor := range []coaching.Cursor{"no cursor of yours", "18446744073709551615", "0-0", "-1", "\x00"} {
		s.resyncs(t, store, s.watch(t, store, cursor), fmt.Sprintf("cursor %q", cursor))
	}
}

// resyncs checks that a stream begins with one Resync, and goes on.
func (s *suite) resyncs(t tb, store coaching.Store, r *stream, what string) {
	t.Helper()
	defer r.stop()
	ch := r.next("a Resync after " + what)
	if !ch.Resync {
		t.Errorf("%s: the first change is version %d of %s, want a Resync", what, ch.Call.Version, ch.Call.ID)
	}
	s.goesOn(t, store, r, ch.Cursor)
}

// goesOn checks that a stream goes on after a Resync, and that another can
// from the Resync's cursor.
func (s *suite) goesOn(t tb, store coaching.Store, r *stream, cursor coaching.Cursor) {
	t.Helper()
	c := put(t, store, get(t, store, id(1)))
	r.until(c.ID, c.Version)
	again := s.watch(t, store, cursor)
	defer again.stop()
	again.until(c.ID, c.Version)
}

// overflow puts more changes than the feed remembers.
func (s *suite) overflow(t tb, store coaching.Store) {
	t.Helper()
	c := get(t, store, id(1))
	for range s.FeedLength + 1 {
		c = put(t, store, c)
	}
}

func (s *suite) watchOldCursor(t tb, store coaching.Store) {
	r := s.watch(t, store, "")
	c := put(t, store, live(1))
	cursor := r.until(c.ID, c.Version).Cursor
	r.stop()
	other := put(t, store, live(2)) // the change that gets lost
	s.overflow(t, store)
	r = s.watch(t, store, cursor)
	defer r.stop()
	if first := r.next("a Resync, or the change of another call"); first.Resync {
		s.goesOn(t, store, r, first.Cursor)
		same(t, "the call whose change was lost", get(t, store, id(2)), other)
		return
	} else if first.Call.ID != id(2) {
		r.until(id(2), other.Version)
	}
	// A feed that forgets no call's last change has them all.
	c = get(t, store, id(1))
	for r.last[c.ID] < c.Version {
		r.next("the last change")
	}
}

// watchSlowReader does not read while the feed overflows: it must be told.
func (s *suite) watchSlowReader(t tb, store coaching.Store) {
	c := put(t, store, live(1))
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	changes := store.(coaching.Watcher).Changes(ctx, "")
	put(t, store, live(2)) // the change that gets lost
	s.overflow(t, store)
	r := s.read(t, changes, cancel)
	for told := false; !told; {
		ch := r.next("a Resync, or the change of another call")
		told = ch.Resync || ch.Call.ID == id(2)
	}
	c = put(t, store, get(t, store, c.ID))
	for r.last[c.ID] < c.Version {
		r.next("the last change")
	}
}

func (s *suite) watchEnds(t tb, store coaching.Store) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	over := func(what string, r *stream) {
		t.Helper()
		timer := time.NewTimer(s.Patience)
		defer timer.Stop()
		select {
		case err := <-r.end:
			if !errors.Is(err, context.Canceled) {
				t.Errorf("%s: Changes ends with %v, want context.Canceled", what, err)
			}
		case <-timer.C:
			t.Fatalf("%s: Changes does not end", what)
		}
	}
	over("cancelled before", s.read(t, store.(coaching.Watcher).Changes(ctx, ""), cancel))
	r := s.watch(t, store, "")
	c := put(t, store, live(1))
	r.until(c.ID, c.Version)
	r.stop()
	over("cancelled while waiting", r)
	put(t, store, live(2))
}
