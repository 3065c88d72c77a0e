package coaching_test

import (
	"context"
	"iter"
	"sync"
	"testing"
	"time"

	"github.com/mpc-coaching/coaching"
	"github.com/mpc-coaching/coaching/plivotest"
)

// A forgetful store loses all it has, as an engine that lost its disk does, and
// says so in its feed.
type forgetfulStore struct {
	mu   sync.Mutex
	kept *coaching.MemoryStore
	gone chan struct{} // closed when kept is lost
}

func (s *forgetfulStore) now() (*coaching.MemoryStore, chan struct{}) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.kept, s.gone
}

func (s *forgetfulStore) forget() {
	s.mu.Lock()
	defer s.mu.Unlock()
	close(s.gone)
	s.kept, s.gone = coaching.NewMemoryStore(), make(chan struct{})
}

func (s *forgetfulStore) Get(ctx context.Context, id coaching.CallID) (coaching.Call, error) {
	kept, _ := s.now()
	return kept.Get(ctx, id)
}

func (s *forgetfulStore) Put(ctx context.Context, c coaching.Call) (coaching.Call, error) {
	kept, _ := s.now()
	return kept.Put(ctx, c)
}

func (s *forgetfulStore) Live(ctx context.Context) iter.Seq2[coaching.Call, error] {
	kept, _ := s.now()
	return kept.Live(ctx)
}

func (s *forgetfulStore) Changes(ctx context.Context, _ coaching.Cursor) iter.Seq2[coaching.Change, error] {
	return func(yield func(coaching.Change, error) bool) {
		for ctx.Err() == nil {
			kept, gone := s.now()
			inner, stop := context.WithCancel(ctx)
			go func() {
				select {
				case <-gone:
				case <-inner.Done():
				}
				stop()
			}()
			for ch, err := range kept.Changes(inner, "") {
				if err == nil && !yield(ch, nil) {
					stop()
					return
				}
			}
			stop()
			if ctx.Err() == nil && !yield(coaching.Change{Cursor: "lost", Resync: true}, nil) {
				return
			}
		}
		yield(coaching.Change{}, ctx.Err())
	}
}

// R18: an engine that has lost its data under running instances tells so by a
// Resync; calls of any age are then looked for at the next sweep, not at the
// next full one.
func TestR18StoreLosesItsData(t *testing.T) {
	for name, outage := range map[string]time.Duration{"Plivo answers": 0, "Plivo is away too": 40 * time.Second} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				store := &forgetfulStore{kept: coaching.NewMemoryStore(), gone: make(chan struct{})}
				s := open(t, nil, func(cfg *coaching.Config) { cfg.Store = store })
				customer, agent, id := s.connected()
				after(5 * time.Minute)
				s.srv.FailFunc(func(plivotest.Request) *plivotest.Failure {
					return &plivotest.Failure{Status: 503, NoEffect: true}
				})
				store.forget()
				after(outage)
				s.srv.FailFunc(nil)
				after(40 * time.Second)
				c := s.book(id)
				if _, ok := c.Customer(); !ok || c.State != coaching.StateActive {
					t.Errorf("40 s after the loss the call is %v in the books, want the customer in an active one", c.State)
				}
				if !s.srv.Hears(customer, agent) {
					t.Error("the customer does not hear the agent any more")
				}
			})
		})
	}
}

// R18: whoever is asked for as soon as a lost call is found again is rung, though
// what the customer dialled is not known yet.
func TestR18AdoptedCallRings(t *testing.T) {
	bubble(t, func(t *testing.T) {
		store := &forgetfulStore{kept: coaching.NewMemoryStore(), gone: make(chan struct{})}
		s := open(t, nil, func(cfg *coaching.Config) { cfg.Store = store })
		_, _, id := s.connected()
		after(time.Minute)
		s.srv.FailFunc(func(r plivotest.Request) *plivotest.Failure {
			if r.Op == "GetCall" {
				return &plivotest.Failure{Status: 500, NoEffect: true}
			}
			return nil
		})
		store.forget()
		after(40 * time.Second)
		if to := s.book(id).To; to != "" {
			t.Fatalf("To = %q, want it unknown for this test to show anything", to)
		}
		if _, err := s.flow.Barge(t.Context(), id, supLee, nil); err != nil {
			t.Errorf("Barge = %v, want nil", err)
		}
	})
}
