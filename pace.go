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
// in evenly, so that no 5 s hold more.
const (
	accountBudget = 300
	watchBudget   = 120 // of reads that nobody waits for, and sweeps
)

// A pace is two token buckets: one for all requests, one for those that nobody
// waits for. Closing requests pass in any case: the account's own limit decides
// about them.
type pace struct {
	mu    sync.Mutex
	all   bucket
	watch bucket
}

type bucket struct {
	tokens, most float64
	perSecond    float64
	at           time.Time
}

func newPace() *pace { return &pace{all: newBucket(accountBudget), watch: newBucket(watchBudget)} }

func newBucket(budget float64) bucket {
	return bucket{tokens: budget / 5, most: budget / 5, perSecond: budget * 4 / 25}
}

func (b *bucket) fill(now time.Time) {
	if !b.at.IsZero() {
		b.tokens = min(b.most, b.tokens+b.perSecond*now.Sub(b.at).Seconds())
	}
	b.at = now
}

// allow reports whether the step may be sent now, and counts it if so.
func (p *pace) allow(c *Call, s *step, now time.Time) bool {
	if s.Kind == stepRoute || s.Kind == stepDrain {
		return true
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.all.fill(now)
	p.watch.fill(now)
	n := 1.0
	if s.Kind == stepRead && s.MPC {
		n = 2
	}
	switch {
	case s.closing(c):
	case p.all.tokens < n, s.Watch && p.watch.tokens < n:
		return false
	}
	p.all.tokens -= n
	if s.Watch {
		p.watch.tokens -= n
	}
	return true
}

// sweepMay is allow for one request of a sweep.
func (p *pace) sweepMay(now time.Time) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.all.fill(now)
	p.watch.fill(now)
	if p.all.tokens < 1 || p.watch.tokens < 1 {
		return false
	}
	p.all.tokens--
	p.watch.tokens--
	return true
}
