package coaching_test

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/mpc-coaching/coaching"
	"github.com/mpc-coaching/coaching/plivotest"
)

// What may go wrong in a story: instances that die, requests and callbacks that
// fail, a store that takes its time.

// boot starts an instance on the store, whose store and transport a crash cuts.
func (m *model) boot() {
	alive := &atomic.Bool{}
	alive.Store(true)
	cfg := m.s.cfg
	m.boots++
	cfg.Store = &mortalStore{watchedStore: cfg.Store.(watchedStore), alive: alive, longest: m.slow, seed: m.s.seed + m.boots<<32, nth: map[string]uint64{}}
	inner := cfg.HTTPClient.Transport
	cfg.HTTPClient = &http.Client{Transport: mortalTransport{inner, alive}}
	flow, stop := m.s.startWith(cfg)
	m.mu.Lock()
	defer m.mu.Unlock()
	m.instances = append(m.instances, modelInstance{flow, alive, stop})
	m.s.flow = flow
}

// second starts a second instance beside the first.
func (m *model) second() {
	if len(m.instances) < 2 {
		m.note("second instance")
		m.boot()
	}
}

// crash kills an instance between two of its steps; there is always another,
// or a new one.
func (m *model) crash(i int) {
	m.sum.crashes++
	i %= len(m.instances)
	m.note("crash of instance %d of %d", i+1, len(m.instances))
	dead := m.instances[i]
	dead.alive.Store(false)
	dead.stop()
	m.mu.Lock()
	m.instances = slices.Delete(m.instances, i, i+1)
	left := len(m.instances)
	if left > 0 {
		m.s.front.set(m.instances[left-1].flow.Handler())
	}
	m.mu.Unlock()
	m.touchAll()
	if left == 0 {
		m.boot()
	}
}

var errDead = errors.New("this instance is dead")

type watchedStore interface {
	coaching.Store
	coaching.Watcher
}

// A mortalStore is the store as one instance has it. It may take its time, which
// seed and operation give: what would fall on one instant happens in many
// orders then, and in the same one when the story is told again.
type mortalStore struct {
	watchedStore
	alive   *atomic.Bool
	longest time.Duration // of an operation; 0: they take no time
	seed    uint64

	mu  sync.Mutex
	nth map[string]uint64 // of each operation
}

func (s *mortalStore) take(op string) {
	if s.longest == 0 {
		return
	}
	s.mu.Lock()
	s.nth[op]++
	h := fnv.New64a()
	fmt.Fprint(h, s.seed, s.nth[op], op)
	s.mu.Unlock()
	time.Sleep(time.Duration(1 + h.Sum64()%uint64(s.longest)))
}

func (s *mortalStore) Get(ctx context.Context, id coaching.CallID) (coaching.Call, error) {
	s.take("get " + string(id))
	if !s.alive.Load() {
		return coaching.Call{}, errDead
	}
	return s.watchedStore.Get(ctx, id)
}

func (s *mortalStore) Put(ctx context.Context, c coaching.Call) (coaching.Call, error) {
	s.take(fmt.Sprint("put ", c.ID, c.Version))
	if !s.alive.Load() {
		return coaching.Call{}, errDead
	}
	return s.watchedStore.Put(ctx, c)
}

type mortalTransport struct {
	http.RoundTripper
	alive *atomic.Bool
}

func (t mortalTransport) RoundTrip(r *http.Request) (*http.Response, error) {
	if !t.alive.Load() {
		return nil, errDead
	}
	resp, err := t.RoundTripper.RoundTrip(r)
	if !t.alive.Load() {
		return nil, errDead
	}
	return resp, err
}

// setFaults lets requests fail from now on; 0 ends that.
func (m *model) setFaults(kind int) {
	m.note("faults %d", kind)
	m.mu.Lock()
	m.faulty = kind != 0
	m.trouble = time.Now()
	m.mu.Unlock()
	if kind == 0 {
		m.s.srv.FailFunc(nil)
		return
	}
	r := rand.New(rand.NewPCG(uint64(kind), m.r.Uint64()))
	m.s.srv.FailFunc(func(q plivotest.Request) *plivotest.Failure {
		if r.IntN(3) != 0 {
			return nil
		}
		m.mu.Lock()
		m.sum.faults++
		m.mu.Unlock()
		switch r.IntN(8) {
		case 0:
			return &plivotest.Failure{Status: 500, NoEffect: true}
		case 1:
			return &plivotest.Failure{Status: 503}
		case 2:
			return &plivotest.Failure{CutBefore: true}
		case 3:
			return &plivotest.Failure{CutAfter: true}
		case 4:
			return &plivotest.Failure{Status: 500, LateEffect: time.Duration(r.IntN(55)) * time.Second}
		case 5:
			return &plivotest.Failure{AfterDelay: 7 * time.Second}
		case 6:
			return &plivotest.Failure{Status: 429, Header: http.Header{"Retry-After": {[]string{"1", "600"}[r.IntN(2)]}}}
		}
		return &plivotest.Failure{Delay: time.Duration(r.IntN(3000)) * time.Millisecond}
	})
}

func (m *model) setCallbackFaults(kind int) {
	m.note("callback faults %d", kind)
	m.mu.Lock()
	m.deaf = kind != 0
	m.lossy = time.Now()
	m.mu.Unlock()
	if kind == 0 {
		m.s.srv.CallbackFunc(nil)
		return
	}
	r := rand.New(rand.NewPCG(uint64(kind), m.r.Uint64()))
	m.s.srv.CallbackFunc(func(c plivotest.Callback) *plivotest.CallbackFault {
		if c.Kind == "answer" || c.Kind == "music" || r.IntN(3) != 0 {
			return nil
		}
		m.mu.Lock()
		m.sum.callbacks++
		m.mu.Unlock()
		switch r.IntN(3) {
		case 0:
			return &plivotest.CallbackFault{Drop: true}
		case 1:
			return &plivotest.CallbackFault{Double: true, DoubleDelay: time.Duration(r.IntN(20000)) * time.Millisecond}
		}
		return &plivotest.CallbackFault{Delay: time.Duration(r.IntN(8000)) * time.Millisecond}
	})
}
