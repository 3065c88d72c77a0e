package storetest

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/mpc-coaching/coaching"
)

func (s *suite) missingKey(t tb, store coaching.Store) {
	if c, err := store.Get(t.Context(), id(1)); !errors.Is(err, coaching.ErrNotFound) {
		t.Errorf("Get(no such call) = %v, %v, want ErrNotFound", c.ID, err)
	}
	c := live(1)
	c.Version = 7
	refused(t, store, c, coaching.ErrConflict)
	if _, err := store.Get(t.Context(), id(1)); !errors.Is(err, coaching.ErrNotFound) {
		t.Errorf("Get after a refused Put = %v, want ErrNotFound", err)
	}
	if got := s.listed(t, store); len(got) != 0 {
		t.Errorf("Live of an empty store yields %d calls, want none", len(got))
	}
}

func (s *suite) roundTrip(t tb, store coaching.Store) {
	odd := live(3)
	odd.From, odd.Data = "a\"\\\n\x00<&>é\u2028😀", map[string]string{"": "", "é\"": "\t"}
	odd.Query = map[string][]string{"": {"", ""}, "none": nil}
	odd.Created = time.Date(1999, 12, 31, 23, 59, 59, 999999999, time.FixedZone("x", -3600))
	for what, c := range map[string]coaching.Call{
		"a busy call": busy(t, 1), "a small call": live(2), "odd text": odd, "an empty call": {ID: id(4)},
		"an ended call": ended(5, time.Hour), "an ended call with a step left": lingering(t, 6),
	} {
		stored := put(t, store, c)
		want := c
		want.Version = stored.Version
		same(t, what+": what Put returns", stored, want)
		got := get(t, store, c.ID)
		same(t, what+": what Get returns", got, want)
		if got.Live() != c.Live() || !got.Due().Equal(c.Due()) || !got.Expires.Equal(c.Expires) {
			t.Errorf("%s: Live, Due, Expires = %v, %v, %v, want %v, %v, %v", what, got.Live(), got.Due(), got.Expires, c.Live(), c.Due(), c.Expires)
		}
		got.From = "changed"
		stored = put(t, store, got)
		got.Version = stored.Version
		same(t, what+": after a change", get(t, store, c.ID), got)
	}
}

func (s *suite) largeCall(t tb, store coaching.Store) {
	c := busy(t, 1)
	c.Data = map[string]string{"large": strings.Repeat("x", 64<<10)}
	c.Version = put(t, store, c).Version
	same(t, "a call of 64 KiB", get(t, store, c.ID), c)
}

func (s *suite) staleVersion(t tb, store coaching.Store) {
	first := put(t, store, marked(live(1), "first"))
	second := put(t, store, marked(first, "second"))
	for _, version := range []uint64{0, first.Version, second.Version + 1} {
		stale := marked(first, "stale")
		stale.Version = version
		refused(t, store, stale, coaching.ErrConflict)
	}
	same(t, "after stale Puts", get(t, store, id(1)), second)
	put(t, store, second) // the version is still good
}

func (s *suite) createConflict(t tb, store coaching.Store) {
	first := put(t, store, marked(live(1), "first"))
	refused(t, store, marked(live(1), "second"), coaching.ErrConflict)
	same(t, "after a second create", get(t, store, id(1)), first)
	put(t, store, live(2)) // another call is none of its business
}

func (s *suite) versionsRise(t tb, store coaching.Store) {
	c, other := put(t, store, live(1)), put(t, store, live(2))
	for i := range 20 {
		next := put(t, store, marked(c, fmt.Sprint(i)))
		if got := get(t, store, id(1)); got.Version != next.Version {
			t.Fatalf("Get after Put = version %d, want %d", got.Version, next.Version)
		}
		c = next
	}
	same(t, "another call meanwhile", get(t, store, id(2)), other)
}

// copiesNotShared changes whatever a host can reach: Put's argument and
// result, and what Get and Live give out.
func (s *suite) copiesNotShared(t tb, store coaching.Store) {
	check := func(what string, want string, c coaching.Call) {
		t.Helper()
		scribble(c)
		if got := document(t, get(t, store, id(1))); got != want {
			t.Fatalf("changing %s changes the stored call: %s\nwant %s", what, got, want)
		}
	}
	c := busy(t, 1)
	fill(&c)
	want := document(t, c)
	stored, err := store.Put(t.Context(), c)
	if err != nil {
		t.Fatalf("Put = %v", err)
	}
	check("Put's argument", want, c)
	check("Put's result", want, stored)
	check("what Get returned", want, get(t, store, id(1)))
	for range 2 {
		for _, l := range s.listed(t, store) {
			if got := document(t, l); got != want {
				t.Errorf("changing what Live yielded changes what it yields: %s\nwant %s", got, want)
			}
			check("what Live yielded", want, l)
		}
	}
	a, b := get(t, store, id(1)), get(t, store, id(1))
	scribble(a)
	if got := document(t, b); got != want {
		t.Errorf("two results of Get share memory: %s\nwant %s", got, want)
	}
}

// fill puts something into every map and list that a host can reach.
func fill(c *coaching.Call) {
	l := live(0)
	c.Headers, c.Query, c.Data, c.Attempts = l.Headers, l.Query, l.Data, l.Attempts
}

// scribble changes everything in place that a host can reach.
func scribble(c coaching.Call) {
	for k := range c.Headers {
		c.Headers[k] = "scribble"
	}
	for k, v := range c.Query {
		for i := range v {
			v[i] = "scribble"
		}
		delete(c.Query, k)
	}
	for k := range c.Data {
		c.Data[k] = "scribble"
	}
	for i := range c.Attempts {
		for j := range c.Attempts[i].Rings {
			c.Attempts[i].Rings[j].Agent = "scribble"
		}
		c.Attempts[i].Reached = "scribble"
	}
	for i := range c.Participants {
		c.Participants[i].Member = "99"
	}
	for i := range c.Supervisions {
		c.Supervisions[i].Reason = "scribble"
	}
	if len(c.Participants) > 0 {
		_ = append(c.Participants[:0], coaching.Participant{Member: "98"})
	}
}

// listed returns what Live yields, by id; it must yield each call once.
func (s *suite) listed(t tb, store coaching.Store) map[coaching.CallID]coaching.Call {
	t.Helper()
	out := map[coaching.CallID]coaching.Call{}
	for c, err := range store.Live(t.Context()) {
		if err != nil {
			t.Fatalf("Live = %v", err)
		}
		if _, twice := out[c.ID]; twice {
			t.Errorf("Live yields %s twice", c.ID)
		}
		out[c.ID] = c
	}
	return out
}

func (s *suite) liveListsLiveCalls(t tb, store coaching.Store) {
	answered, waiting := live(1), live(2)
	answered.State, waiting.State = coaching.StateAnswered, coaching.StateWaiting
	want := map[coaching.CallID]coaching.Call{}
	for _, c := range []coaching.Call{answered, waiting, live(3), busy(t, 4), lingering(t, 5), ended(6, time.Hour), ended(7, 0), {ID: id(8), State: coaching.StateEnded}} {
		if stored := put(t, store, c); c.Live() {
			want[c.ID] = stored
		}
	}
	got := s.listed(t, store)
	for id, c := range want {
		if g, ok := got[id]; !ok {
			t.Errorf("Live does not yield %s, whose Live is true (state %v)", id, c.State)
		} else {
			same(t, "what Live yields", g, c)
		}
	}
	for id, c := range got {
		if _, ok := want[id]; !ok {
			t.Errorf("Live yields %s, whose Live is false (state %v)", id, c.State)
		}
	}
	for range store.Live(t.Context()) {
		break // which must not hurt
	}
	put(t, store, live(9))
}

func (s *suite) liveListsMany(t tb, store coaching.Store) {
	const n = 300 // more than a page of any cursor
	for i := range n {
		put(t, store, live(i))
	}
	if got := s.listed(t, store); len(got) != n {
		t.Errorf("Live yields %d of %d calls", len(got), n)
	}
}

func (s *suite) endedLeaveLive(t tb, store coaching.Store) {
	c := put(t, store, live(1))
	put(t, store, live(2))
	put(t, store, end(c, time.Hour))
	got := s.listed(t, store)
	if _, there := got[id(1)]; there {
		t.Errorf("Live yields a call that has ended")
	}
	if len(got) != 1 {
		t.Errorf("Live yields %d calls, want the one that goes on", len(got))
	}
	// What was over can have something left to do again.
	again := lingering(t, 1)
	again.Version = get(t, store, id(1)).Version
	put(t, store, again)
	if got := s.listed(t, store); len(got) != 2 {
		t.Errorf("Live yields %d calls after a step was added to an ended one, want 2", len(got))
	}
	if got := get(t, store, id(1)); !got.Live() {
		t.Errorf("a live call whose Expires has passed is not as it was put")
	}
}

// liveLetsWrite writes in the loop over Live.
func (s *suite) liveLetsWrite(t tb, store coaching.Store) {
	for i := range 5 {
		put(t, store, live(i))
	}
	s.within(t, "writing while ranging over Live", func() {
		for c, err := range store.Live(context.WithoutCancel(t.Context())) {
			if err != nil {
				t.Errorf("Live = %v", err)
				return
			}
			if _, err := store.Put(t.Context(), marked(c, "seen")); err != nil {
				t.Errorf("Put within a loop over Live = %v", err)
			}
			if _, err := store.Get(t.Context(), c.ID); err != nil {
				t.Errorf("Get within a loop over Live = %v", err)
			}
		}
	})
}

func (s *suite) endedStayReadable(t tb, store coaching.Store) {
	c := put(t, store, ended(1, time.Hour))
	forever := ended(2, 0)
	forever.Expires = time.Time{}
	forever = put(t, store, forever)
	later := put(t, store, ended(3, 100*time.Millisecond))
	later.Expires = later.Ended.Add(time.Hour)
	later = put(t, store, later)
	going := live(4) // live: Expires is nobody's business yet
	going.Expires = time.Now().Add(-time.Minute)
	going = put(t, store, going)
	sleep(t, 300*time.Millisecond)
	for i := range 10 {
		put(t, store, ended(10+i, time.Millisecond)) // whatever forgets, forgets now
	}
	for what, want := range map[string]coaching.Call{"until Expires": c, "without Expires": forever, "whose Expires was put off": later, "that is live": going} {
		same(t, "a call "+what, get(t, store, want.ID), want)
	}
	refused(t, store, live(1), coaching.ErrConflict)
}

func (s *suite) expiry(t tb, store coaching.Store) {
	c := put(t, store, ended(1, 200*time.Millisecond))
	over, revived := put(t, store, ended(2, time.Second)), lingering(t, 2)
	revived.Version = over.Version
	revived = put(t, store, revived) // so that it must not be forgotten when it should have been
	sleep(t, time.Until(over.Expires)+s.ForgetsWithin)
	if _, err := store.Get(t.Context(), id(1)); !errors.Is(err, coaching.ErrNotFound) {
		t.Errorf("Get %v after Expires = %v, want ErrNotFound", s.ForgetsWithin, err)
	}
	same(t, "a call that lives again", get(t, store, id(2)), revived)
	if got := s.listed(t, store); len(got) != 1 {
		t.Errorf("Live yields %d calls, want the one that lives again", len(got))
	}
	refused(t, store, c, coaching.ErrConflict) // there is nothing to change
	again := put(t, store, live(1))
	same(t, "created again", get(t, store, id(1)), again)
}

func (s *suite) cancelledContext(t tb, store coaching.Store) {
	for i := range 3 {
		put(t, store, live(i))
	}
	ctx, cancel := context.WithCancel(t.Context())
	seen := 0
	var last error
	for _, err := range store.Live(ctx) {
		if err != nil {
			last = err
			continue
		}
		seen++
		cancel()
	}
	if seen == 0 {
		t.Errorf("Live yields nothing")
	} else if last == nil && seen < 3 {
		t.Errorf("Live ends early without an error when its context does")
	} else if last != nil && !errors.Is(last, context.Canceled) {
		t.Errorf("Live = %v, want context.Canceled", last)
	}
	if _, err := store.Get(ctx, id(1)); !errors.Is(err, context.Canceled) {
		t.Errorf("Get(cancelled) = %v, want context.Canceled", err)
	}
	if _, err := store.Put(ctx, live(9)); !errors.Is(err, context.Canceled) {
		t.Errorf("Put(cancelled) = %v, want context.Canceled", err)
	}
	err, n := error(nil), 0
	for _, e := range store.Live(ctx) {
		err, n = e, n+1
	}
	if n != 1 || !errors.Is(err, context.Canceled) {
		t.Errorf("Live(cancelled) yields %d times and %v at last, want context.Canceled once", n, err)
	}
	deadline, cancel := context.WithTimeout(t.Context(), -time.Second)
	defer cancel()
	if _, err := store.Get(deadline, id(1)); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("Get(too late) = %v, want context.DeadlineExceeded", err)
	}
	get(t, store, id(1)) // the store is none the worse
}

func sleep(t tb, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-t.Context().Done():
	}
}
