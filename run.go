package coaching

import (
	"cmp"
	"container/heap"
	"context"
	"encoding/hex"
	"errors"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"
)

// Run does the work: it sends what stands in the calls as steps, lets time
// pass, drains records to the Observer and looks for calls that the store lost.
// It returns nil when ctx ends, after requests in flight have their answer or
// their time-out; it never ends early because a store or Plivo fails. Several
// Runs over one store, in one process or many, share the work.
//
// # Concurrency
//
// Steps of one call are sent one after another, except those that make a
// supervisor less audible, reads, hang-ups and asking Route, which never wait
// for their call's other steps. Steps of different calls are sent at once.
func (f *Flow) Run(ctx context.Context) error {
	f.mu.Lock()
	if f.running++; f.running == 1 {
		close(f.started)
	}
	f.mu.Unlock()
	r := &runner{f: f, due: map[CallID]time.Time{}, busy: map[CallID]bool{}, slots: newSlots()}
	var around errgroup.Group
	around.Go(func() error { r.follow(ctx); return nil })
	around.Go(func() error { r.sweeping(ctx); return nil })
	r.loop(ctx)
	_ = r.group.Wait() // workers and requests never return errors
	_ = around.Wait()
	f.mu.Lock()
	if f.running--; f.running == 0 {
		f.started = make(chan struct{})
		clear(f.fresh)
		clear(f.own)
		clear(f.dirty)
		f.order = nil
	}
	f.ranOnce = true
	f.mu.Unlock()
	f.stir("")
	return nil
}

// A runner is one Run: it knows which call is due when, and works on each with
// one goroutine at a time.
type runner struct {
	f     *Flow
	slots *slots
	group errgroup.Group // workers and requests

	mu   sync.Mutex
	due  map[CallID]time.Time
	heap dueHeap
	busy map[CallID]bool // a worker is on it; true: it was wanted again meanwhile
	told time.Time       // when the Observer was last told that the watch is behind

	resynced atomic.Bool // the feed may have lost changes: the store may have lost calls
}

// headStart is how long the instance that committed a change has before others
// claim its steps.
const headStart = 250 * time.Millisecond

// want makes a call due at a moment, if it is not due earlier.
func (r *runner) want(id CallID, at time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if at.IsZero() {
		return
	}
	if _, on := r.busy[id]; on {
		r.busy[id] = true
		return
	}
	if old, ok := r.due[id]; ok && !at.Before(old) {
		return
	}
	r.due[id] = at
	heap.Push(&r.heap, dueCall{at, id})
}

// ready takes out the calls that are due and says when the next one is.
func (r *runner) ready(now time.Time) (ids []CallID, next time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for len(r.heap) > 0 {
		top := r.heap[0]
		if at, ok := r.due[top.id]; !ok || !at.Equal(top.at) {
			heap.Pop(&r.heap) // overtaken by an earlier wish
			continue
		}
		if top.at.After(now) {
			return ids, top.at
		}
		heap.Pop(&r.heap)
		delete(r.due, top.id)
		r.busy[top.id] = false
		ids = append(ids, top.id)
	}
	return ids, time.Time{}
}

// loop hands due calls to workers until ctx ends.
func (r *runner) loop(ctx context.Context) {
	// What is due at a moment all instances would claim at that moment, and all
	// but one in vain: each has its own part of a millisecond.
	skew := r.f.jitter(time.Millisecond)
	timer := time.NewTimer(0)
	defer timer.Stop()
	for ctx.Err() == nil {
		now := time.Now()
		for _, id := range r.f.takeDirty() {
			r.want(id, now)
		}
		ids, next := r.ready(now)
		for _, id := range ids {
			r.group.Go(func() error { r.worker(ctx, id); return nil })
		}
		wait := time.Hour
		if !next.IsZero() {
			wait = max(time.Until(next)+skew, 0)
		}
		timer.Reset(wait)
		select {
		case <-ctx.Done():
		case <-timer.C:
		case <-r.f.wake:
		}
	}
}

func (r *runner) worker(ctx context.Context, id CallID) {
	next := r.pass(ctx, id)
	r.mu.Lock()
	again := r.busy[id]
	delete(r.busy, id)
	r.mu.Unlock()
	if again {
		next = time.Now()
	}
	r.want(id, next)
	r.f.nudge()
}

// pass claims and starts whatever may be sent for a call now, and returns when
// it wants to be looked at next.
//
// What this process has just committed is looked at as it is, without asking
// the store again: who claims a step reads the call anew.
func (r *runner) pass(ctx context.Context, id CallID) time.Time {
	c, have := r.f.takeCommitted(id)
	for ticked := false; ctx.Err() == nil; {
		var err error
		if !have {
			c, err = r.f.cfg.Store.Get(ctx, id)
		}
		if errors.Is(err, ErrNotFound) {
			return time.Time{}
		}
		now := time.Now()
		if err != nil {
			return now.Add(time.Second)
		}
		steps := runnable(&c, now)
		admitted, again := r.admit(&c, steps, now)
		switch {
		case len(admitted) > 0:
			c, have = r.claim(ctx, &c, admitted)
			ticked = false
		case len(steps) > 0:
			return again
		case c.Due().IsZero() || c.Due().After(now):
			return c.Due()
		case ticked:
			return now.Add(100 * time.Millisecond)
		default:
			if c, err = r.f.commit(ctx, id, tick{}); err != nil {
				return now.Add(time.Second)
			}
			have, ticked = true, true
		}
	}
	return time.Time{}
}

// admit takes a slot and a place in the budget for each step that can have
// them now. Where none can, again is when to try.
func (r *runner) admit(c *Call, steps []step, now time.Time) (out []step, again time.Time) {
	try := func(at time.Time) {
		if again.IsZero() || at.Before(again) {
			again = at
		}
	}
	for i := range steps {
		s := &steps[i]
		if s.Kind == stepDrain && r.f.cfg.Observer == nil {
			try(now.Add(time.Minute)) // for an instance that has one
			continue
		}
		if !r.slots.take(classOf(c, s)) {
			try(now.Add(25 * time.Millisecond))
			continue
		}
		if at := r.f.pace.at(c, s, now); at.After(now) {
			r.slots.free(classOf(c, s))
			try(at)
			continue
		}
		out = append(out, *s)
	}
	return out, again
}

// claim swaps steps to sent and starts them. It returns the call as stored; false:
// it could not be stored.
func (r *runner) claim(ctx context.Context, c *Call, steps []step) (Call, bool) {
	var owner [8]byte
	for i, v := 0, r.f.source(); i < len(owner); i++ {
		owner[i] = byte(v >> (8 * i))
	}
	var taken []step
	k := claim{owner: hex.EncodeToString(owner[:]), by: r.f.m.by, hold: r.f.cfg.RequestTimeout + claimMargin, taken: &taken}
	for _, s := range steps {
		k.ids = append(k.ids, s.ID)
		if s.Kind == stepRoute {
			k.hold = max(k.hold, r.f.cfg.RouteTimeout+claimMargin)
		}
	}
	after, err := r.f.commit(ctx, c.ID, k)
	if err != nil {
		taken = nil
	}
	for i := range steps {
		s := &steps[i]
		class := classOf(c, s)
		j := slices.IndexFunc(taken, func(t step) bool { return t.ID == s.ID })
		if j < 0 {
			r.slots.free(class)
			continue
		}
		t := taken[j]
		r.stretched(t)
		r.group.Go(func() error {
			d := r.f.perform(context.WithoutCancel(ctx), &after, t)
			r.slots.free(class)
			r.f.finished(after.ID, d)
			return nil
		})
	}
	return after, err == nil
}

// stretched tells the Observer, once a minute at most, by how much the watch
// is behind: reads that nobody waits for wait for the budget (R18).
func (r *runner) stretched(s step) {
	late := s.At.Sub(s.From)
	if !s.Watch || late < waitingWatch {
		return
	}
	r.mu.Lock()
	tell := s.At.Sub(r.told) >= time.Minute
	if tell {
		r.told = s.At
	}
	r.mu.Unlock()
	if tell {
		r.f.count(RecordInterval, (talkingWatch + late).Round(time.Second).String())
	}
}

// finished brings the outcome of a step into its call. If the store does not
// take it the claim runs out, and the step counts as unanswered.
func (f *Flow) finished(id CallID, d done) {
	for range 3 {
		_, err := f.commit(context.Background(), id, d)
		if err == nil || errors.Is(err, errUnchanged) || errors.Is(err, ErrNotFound) {
			return
		}
		f.cfg.Logger.Error("an outcome could not be stored", "call", id, "step", d.ID, "err", err)
	}
}

// takeDirty returns the calls changed in this process since, oldest first.
func (f *Flow) takeDirty() []CallID {
	f.mu.Lock()
	defer f.mu.Unlock()
	out := f.order
	f.order = nil
	clear(f.dirty)
	return out
}

// takeCommitted returns a call as this process committed it since it was last
// looked at.
func (f *Flow) takeCommitted(id CallID) (Call, bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	c, ok := f.fresh[id]
	delete(f.fresh, id)
	return c, ok
}

// follow keeps up with what other instances change: by the store's feed, or by
// reading Live every 2 s.
func (r *runner) follow(ctx context.Context) {
	w, feeds := r.f.cfg.Store.(Watcher)
	var after Cursor
	for ctx.Err() == nil {
		if !feeds {
			r.readLive(ctx)
			sleep(ctx, 2*time.Second)
			continue
		}
		changes := w.Changes(ctx, after) // before Live, so that nothing falls between
		if after == "" {
			r.readLive(ctx)
		}
		for ch, err := range changes {
			if err != nil {
				break
			}
			after = ch.Cursor
			if ch.Resync {
				r.resynced.Store(true)
				r.f.forgetCommitted()
				r.readLive(ctx)
				continue
			}
			if r.f.committedHere(ch.Call) {
				continue
			}
			r.f.stir(ch.Call.ID)
			r.want(ch.Call.ID, later(ch.Call.Due(), time.Now().Add(headStart)))
			r.f.nudge()
		}
		if ctx.Err() == nil {
			sleep(ctx, time.Second)
			after = ""
		}
	}
}

// committedHere reports whether a change is this process's own, or older.
func (f *Flow) committedHere(c Call) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	here := f.own[c.ID].covers(c)
	if !c.Live() {
		delete(f.own, c.ID) // another instance may have ended it
	}
	return here
}

// forgetCommitted is for a feed that may not have told of every end.
func (f *Flow) forgetCommitted() {
	f.mu.Lock()
	defer f.mu.Unlock()
	clear(f.own)
}

func (r *runner) readLive(ctx context.Context) {
	for c, err := range r.f.cfg.Store.Live(ctx) {
		if err != nil {
			r.f.cfg.Logger.Warn("the store does not list its calls", "err", err)
			return
		}
		r.f.stir(c.ID)
		if at := c.Due(); !at.IsZero() {
			r.want(c.ID, later(at, time.Now()))
		}
	}
	r.f.nudge()
}

func sleep(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-t.C:
	}
}

type dueCall struct {
	at time.Time
	id CallID
}

// dueHeap orders by time, then id, so that nothing depends on chance.
type dueHeap []dueCall

func (h dueHeap) Len() int { return len(h) }
func (h dueHeap) Less(i, j int) bool {
	return cmp.Or(h[i].at.Compare(h[j].at), cmp.Compare(h[i].id, h[j].id)) < 0
}
func (h dueHeap) Swap(i, j int) { h[i], h[j] = h[j], h[i] }
func (h *dueHeap) Push(x any)   { *h = append(*h, x.(dueCall)) }
func (h *dueHeap) Pop() any {
	old := *h
	x := old[len(old)-1]
	*h = old[:len(old)-1]
	return x
}
