package plivotest

import (
	"container/heap"
	"encoding/binary"
	"hash/fnv"
	"time"
)

// maxJitter bounds the delay drawn for everything that happens.
const maxJitter = time.Millisecond

// clock is the server's agenda. Everything that happens later stands in one
// heap and is run by one goroutine, so that order never depends on the
// scheduler: events are ordered by time, then by their drawn tie-break. The
// goroutine lives only while there is something to wait for.
type clock struct {
	start   time.Time
	events  agenda
	running bool
	closed  bool
	wake    chan struct{} // the earliest event may have changed
	seq     uint64
	nth     map[string]uint64 // how often each key was drawn

	busy int           // things in flight, see Server.Wait
	tick chan struct{} // closed and replaced after every change
}

func (c *clock) init() {
	c.start = time.Now()
	c.wake = make(chan struct{}, 1)
	c.tick = make(chan struct{})
	c.nth = map[string]uint64{}
}

func (c *clock) pulse() {
	close(c.tick)
	c.tick = make(chan struct{})
}

// draw returns a number that depends only on seed, key and how often key was
// drawn before. Requires the lock.
func (s *Server) draw(key string) uint64 {
	n := s.nth[key]
	s.nth[key] = n + 1
	h := fnv.New64a()
	var b [16]byte
	binary.LittleEndian.PutUint64(b[:8], s.opts.Seed)
	binary.LittleEndian.PutUint64(b[8:], n)
	h.Write(b[:])
	h.Write([]byte(key))
	return mix(h.Sum64())
}

// mix spreads the entropy of FNV's high bits into the low ones, which the
// modulo below uses.
func mix(x uint64) uint64 {
	x ^= x >> 33
	x *= 0xff51afd7ed558ccd
	x ^= x >> 33
	x *= 0xc4ceb9fe1a85ec53
	return x ^ x>>33
}

// upTo draws a duration in [0, d).
func (s *Server) upTo(d time.Duration, key string) time.Duration {
	if d <= 0 {
		return 0
	}
	return time.Duration(s.draw(key) % uint64(d))
}

// event is one thing that will happen.
type event struct {
	at    time.Time
	tie   uint64
	seq   uint64
	quiet bool // does not count as in flight
	run   func()
	index int // in the heap; -1 once taken out
}

type agenda []*event

func (a agenda) Len() int { return len(a) }
func (a agenda) Less(i, j int) bool {
	x, y := a[i], a[j]
	if !x.at.Equal(y.at) {
		return x.at.Before(y.at)
	}
	if x.tie != y.tie {
		return x.tie < y.tie
	}
	return x.seq < y.seq
}
func (a agenda) Swap(i, j int) {
	a[i], a[j] = a[j], a[i]
	a[i].index, a[j].index = i, j
}
func (a *agenda) Push(x any) {
	e := x.(*event)
	e.index = len(*a)
	*a = append(*a, e)
}
func (a *agenda) Pop() any {
	old := *a
	e := old[len(old)-1]
	old[len(old)-1] = nil
	*a = old[:len(old)-1]
	e.index = -1
	return e
}

// after runs f, with the lock held, d and a drawn jitter from now. It counts
// as in flight. Requires the lock, as all functions below do.
func (s *Server) after(d time.Duration, key string, f func()) *event {
	return s.schedule(d, key, false, func() { s.do(f) })
}

// afterQuiet is after for what does not count as in flight.
func (s *Server) afterQuiet(d time.Duration, key string, f func()) *event {
	return s.schedule(d, key, true, func() { s.do(f) })
}

// schedule is after for a run that takes the lock itself.
func (s *Server) schedule(d time.Duration, key string, quiet bool, run func()) *event {
	tie := s.draw(key)
	at := time.Now().Add(max(d, 0) + 1 + time.Duration(tie%uint64(maxJitter)))
	return s.scheduleAt(at, tie, quiet, run)
}

func (s *Server) scheduleAt(at time.Time, tie uint64, quiet bool, run func()) *event {
	s.seq++
	e := &event{at: at, tie: tie, seq: s.seq, quiet: quiet, run: run, index: -1}
	if s.closed {
		return e
	}
	heap.Push(&s.events, e)
	if !quiet {
		s.busy++
	}
	if !s.running {
		s.running = true
		s.wg.Add(1)
		go s.work()
	} else if e.index == 0 {
		select {
		case s.wake <- struct{}{}:
		default:
		}
	}
	return e
}

// drop takes e out of the agenda; nil or a past event is fine.
func (s *Server) drop(e *event) {
	if e == nil || e.index < 0 || s.closed {
		return
	}
	heap.Remove(&s.events, e.index)
	if !e.quiet {
		s.busy--
	}
}

// work runs events until none is left or the server is closed.
func (s *Server) work() {
	defer s.wg.Done()
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	for {
		s.mu.Lock()
		if s.closed || len(s.events) == 0 {
			s.running = false
			s.mu.Unlock()
			return
		}
		if d := time.Until(s.events[0].at); d > 0 {
			s.mu.Unlock()
			timer.Reset(d)
			select {
			case <-timer.C:
			case <-s.wake:
			case <-s.ctx.Done():
			}
			continue
		}
		e := heap.Pop(&s.events).(*event)
		s.mu.Unlock()
		e.run()
		if !e.quiet {
			s.do(func() { s.busy-- })
		}
	}
}

// spawn runs f in a goroutine that Close joins and Wait waits for.
func (s *Server) spawn(f func()) {
	if s.closed {
		return
	}
	s.busy++
	s.wg.Add(1)
	go func() {
		defer s.wg.Done()
		f()
		s.do(func() { s.busy-- })
	}()
}
