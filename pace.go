package coaching

import (
	"sync"
	"time"
)

// Requests share the account's limit of 300 in 5 s, and goroutines are not
// endless: slots bound how many steps of a class are under way, and pace how
// fast reads that nobody waits for may go.

type class uint8

const (
	classWork  class = iota // requests in their call's lane, reads, hang-ups
	classClose              // requests that make a supervisor less audible
	classHost               // host code: Route, the Observer
	classes
)

func classOf(c *Call, s *step) class {
	switch {
	case s.Kind == stepRoute || s.Kind == stepDrain:
		return classHost
	case s.closing(c):
		return classClose
	}
	return classWork
}

// slots counts what is under way in each class. A class that is full does not
// keep another waiting.
type slots struct {
	mu   sync.Mutex
	left [classes]int
}

func newSlots() *slots {
	return &slots{left: [classes]int{classWork: 128, classClose: 64, classHost: 128}}
}

func (s *slots) take(c class) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.left[c] == 0 {
		return false
	}
	s.left[c]--
	return true
}

func (s *slots) free(c class) {
	s.mu.Lock()
	s.left[c]++
	s.mu.Unlock()
}

// Budgets, in requests per 5 s. A fifth of each may go at once, the rest flows
// evenly, so that no 5 s hold more.
const (
	accountBudget = 300
	watchBudget   = 120 // of reads that nobody waits for, and sweeps
)

// A pace spreads requests over time: all of them, and within that those that
// nobody waits for. Who cannot go at once is given a place and comes back for
// it, so that a long queue costs no more than a short one. Closing requests
// pass in any case: the account's own limit decides about them.
type pace struct {
	mu         sync.Mutex
	all, watch flow
	held       map[place]time.Time // given, and not yet taken
}

type place struct {
	call CallID
	step int
}

// A flow lets one request go every so often, and a few at once.
type flow struct {
	every, burst time.Duration
	next         time.Time
}

func newFlow(budget int) flow {
	every := 5 * time.Second * 5 / 4 / time.Duration(budget)
	return flow{every: every, burst: every * time.Duration(budget/5-1)}
}

// take gives n places and returns when they are due.
func (f *flow) take(n int, now time.Time) time.Time {
	start := later(now, f.next)
	f.next = start.Add(time.Duration(n) * f.every)
	return later(now, start.Add(-f.burst))
}

func newPace() *pace {
	return &pace{all: newFlow(accountBudget), watch: newFlow(watchBudget), held: map[place]time.Time{}}
}

// at returns when the step may be sent; it may be sent now if that is not
// after now, and then its place is taken.
func (p *pace) at(c *Call, s *step, now time.Time) time.Time {
	if s.Kind == stepRoute || s.Kind == stepDrain {
		return now
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	n := 1
	if s.Kind == stepRead && s.MPC {
		n = 2
	}
	if s.closing(c) {
		p.all.take(n, now)
		return now
	}
	key := place{c.ID, s.ID}
	at, held := p.held[key]
	if !held {
		at = p.all.take(n, now)
		if s.Watch {
			at = later(at, p.watch.take(n, now))
		}
	}
	if at.After(now) {
		p.held[key] = at
		p.forget(now)
	} else {
		delete(p.held, key)
	}
	return at
}

// forget drops places that nobody came for.
func (p *pace) forget(now time.Time) {
	if len(p.held)%1024 != 0 {
		return
	}
	for k, at := range p.held {
		if now.Sub(at) > time.Minute {
			delete(p.held, k)
		}
	}
}

// sweepAt is at for one request of a sweep.
func (p *pace) sweepAt(now time.Time) time.Time {
	p.mu.Lock()
	defer p.mu.Unlock()
	return later(p.all.take(1, now), p.watch.take(1, now))
}
