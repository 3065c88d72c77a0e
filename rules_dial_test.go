package coaching_test

import (
	"context"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/mpc-coaching/coaching"
	"github.com/mpc-coaching/coaching/plivotest"
)

// R6: what a dial comes to.

// TestR6Outcomes plays each answer to a first dial, which rings Ann; the next
// attempt rings Bob.
func TestR6Outcomes(t *testing.T) {
	tests := []struct {
		name     string
		fault    plivotest.Failure // of the first dial
		plan     plivotest.PhonePlan
		dials    int
		served   string                // by whom
		by       time.Duration         // at the latest
		outcomes []coaching.LegOutcome // of the attempts
	}{
		{name: "201", dials: 1, served: ann, by: 5 * time.Second, outcomes: []coaching.LegOutcome{coaching.LegAnswered}},
		{name: "429 with Retry-After", fault: plivotest.Failure{Status: 429, Header: http.Header{"Retry-After": {"3"}}}, dials: 2, served: ann, by: 9 * time.Second,
			outcomes: []coaching.LegOutcome{coaching.LegAnswered}},
		{name: "429 for an hour", fault: plivotest.Failure{Status: 429, Header: http.Header{"Retry-After": {"3600"}}}, dials: 2, served: ann, by: 11 * time.Second,
			outcomes: []coaching.LegOutcome{coaching.LegAnswered}},
		{name: "never connected", fault: plivotest.Failure{Refused: true}, dials: 2, served: ann, by: 6 * time.Second,
			outcomes: []coaching.LegOutcome{coaching.LegAnswered}},
		{name: "400", fault: plivotest.Failure{Status: 400}, dials: 2, served: bob, by: 9 * time.Second,
			outcomes: []coaching.LegOutcome{coaching.LegRefused, coaching.LegAnswered}},
		{name: "500 before the effect", fault: plivotest.Failure{Status: 500, NoEffect: true}, dials: 2, served: bob, by: 90 * time.Second,
			outcomes: []coaching.LegOutcome{coaching.LegNoAnswer, coaching.LegAnswered}},
		{name: "500 after the effect", fault: plivotest.Failure{Status: 500}, dials: 1, served: ann, by: 6 * time.Second,
			outcomes: []coaching.LegOutcome{coaching.LegAnswered}},
		{name: "time-out", fault: plivotest.Failure{AfterDelay: time.Minute}, dials: 1, served: ann, by: 6 * time.Second,
			outcomes: []coaching.LegOutcome{coaching.LegAnswered}},
		{name: "time-out without effect", fault: plivotest.Failure{Delay: time.Minute, NoEffect: true}, dials: 2, served: bob, by: 95 * time.Second,
			outcomes: []coaching.LegOutcome{coaching.LegNoAnswer, coaching.LegAnswered}},
		{name: "cut before", fault: plivotest.Failure{CutBefore: true}, dials: 2, served: bob, by: 90 * time.Second,
			outcomes: []coaching.LegOutcome{coaching.LegNoAnswer, coaching.LegAnswered}},
		{name: "cut after", fault: plivotest.Failure{CutAfter: true}, dials: 1, served: ann, by: 6 * time.Second,
			outcomes: []coaching.LegOutcome{coaching.LegAnswered}},
		{name: "no answer", plan: plivotest.PhonePlan{Action: plivotest.NoAnswer}, dials: 2, served: bob, by: 20 * time.Second,
			outcomes: []coaching.LegOutcome{coaching.LegNoAnswer, coaching.LegAnswered}},
		{name: "busy", plan: plivotest.PhonePlan{Action: plivotest.Busy}, dials: 2, served: bob, by: 10 * time.Second,
			outcomes: []coaching.LegOutcome{coaching.LegBusy, coaching.LegAnswered}},
		{name: "rejected", plan: plivotest.PhonePlan{Action: plivotest.Reject, After: time.Second}, dials: 2, served: bob, by: 10 * time.Second,
			outcomes: []coaching.LegOutcome{coaching.LegRefused, coaching.LegAnswered}},
		{name: "unregistered", plan: plivotest.PhonePlan{Action: plivotest.Unregistered}, dials: 2, served: bob, by: 10 * time.Second,
			outcomes: []coaching.LegOutcome{coaching.LegRefused, coaching.LegAnswered}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				s := open(t, nil, ringing(agentAnn, agentBob))
				if tt.plan != (plivotest.PhonePlan{}) {
					s.phone(ann, tt.plan)
				}
				first := true
				s.srv.FailFunc(func(r plivotest.Request) *plivotest.Failure {
					if r.Op != "AddParticipant" || !first {
						return nil
					}
					first = false
					return &tt.fault
				})
				begun := time.Now()
				c := s.call()
				v := s.watchOver(c)
				s.eventually("the customer is served", func() bool { return s.talks(c, s.leg(tt.served)) })
				if d := time.Since(begun); d > tt.by {
					t.Errorf("served after %v, want at most %v", d, tt.by)
				}
				after(2 * time.Minute)
				if !s.talks(c, s.leg(tt.served)) {
					t.Error("two minutes later they do not talk any more")
				}
				s.dials(tt.name, tt.dials)
				s.heardExactly("the customer", c, "wait music")
				v.atMost(5 * time.Second)
				var got []coaching.LegOutcome
				for _, a := range s.book(s.id(c)).Attempts {
					for _, r := range a.Rings {
						got = append(got, r.Outcome)
					}
				}
				if !slices.Equal(got, tt.outcomes) {
					t.Errorf("outcomes = %v, want %v", got, tt.outcomes)
				}
			})
		})
	}
}

// Two agents share a telephone: each of its calls is one's of them.
func TestR6SharedPhone(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := open(t, nil, func(cfg *coaching.Config) {
			cfg.Route = coaching.RingOnce(agentAnn, coaching.Agent{ID: "desk", Address: ann})
		})
		c := s.call()
		after(40 * time.Second)
		b := s.book(s.id(c))
		_, first := b.Agent(agentAnn.ID)
		_, second := b.Agent("desk")
		if first == second {
			t.Errorf("Ann is in: %v, the desk is in: %v, want one of them", first, second)
		}
		if len(b.Attempts) != 1 || b.Attempts[0].Reached == "" {
			t.Errorf("attempts = %+v, want one that reached somebody", b.Attempts)
		}
	})
}

// A status that nobody declared is no end: the phone rings on, and whoever
// answers it is let in.
func TestR6UndeclaredStatus(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := open(t, nil)
		_, _, id := s.connected()
		s.phone(lee, plivotest.PhonePlan{After: 5 * time.Second})
		barged := make(chan error, 1)
		go func() { _, err := s.flow.Barge(t.Context(), id, supLee, nil); barged <- err }()
		after(2 * time.Second)
		l := s.leg(lee)
		f := form("CallUUID", l.UUID(), "CallStatus", "early-media", "From", hotline, "To", lee, "Direction", "outbound")
		if status, _ := s.post(s.sign("/leg?call="+string(id), f, "early")); status != http.StatusOK {
			t.Errorf("a status nobody declared is answered with %d, want 200", status)
		}
		if err := <-barged; err != nil {
			t.Errorf("Barge = %v, want nil", err)
		}
		if after(10 * time.Second); l.State() != plivotest.InProgress {
			t.Errorf("Lee is %v, want in progress", l.State())
		}
	})
}

// Plivo refuses our credentials: dialling again would not help. The customer
// keeps the music until MaxWait, in the hope that somebody mends it, and then
// hears the farewell.
func TestR6Unauthorized(t *testing.T) {
	for _, status := range []int{401, 403} {
		bubble(t, func(t *testing.T) {
			asked := 0
			s := open(t, nil, func(cfg *coaching.Config) {
				cfg.MaxWait = 2 * time.Minute
				cfg.Route = func(context.Context, coaching.Call) (coaching.Next, error) {
					asked++
					return coaching.Next{Ring: []coaching.Agent{agentAnn}}, nil
				}
			})
			s.srv.FailFunc(func(r plivotest.Request) *plivotest.Failure {
				if r.Op == "AddParticipant" {
					return &plivotest.Failure{Status: status}
				}
				return nil
			})
			c := s.call()
			after(110 * time.Second)
			if got := c.Listening(); got != "wait music" {
				t.Errorf("%d: before MaxWait the customer hears %q, want wait music", status, got)
			}
			after(40 * time.Second)
			s.heardExactly("the customer", c, "wait music", "speak")
			if !farewell(c) || c.State() != plivotest.Ended {
				t.Errorf("%d: after MaxWait the farewell was played: %v, the call is %s", status, farewell(c), c.State())
			}
			s.dials("refused for good", 1)
			if asked != 1 {
				t.Errorf("%d: Route was asked %d times, want once", status, asked)
			}
		})
	}
}

// A 404 by UUID, and a read that says that the call is over.
func TestR6Gone(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := open(t, nil)
		s.srv.CallbackFunc(func(cb plivotest.Callback) *plivotest.CallbackFault {
			if cb.Kind == "status" && cb.Event != "MPCInitialized" || cb.Kind == "exit" {
				return &plivotest.CallbackFault{Drop: true}
			}
			return nil
		})
		var c *plivotest.Leg
		var begun atomic.Bool
		s.srv.FailFunc(func(r plivotest.Request) *plivotest.Failure {
			if r.Op == "AddParticipant" {
				begun.Store(true)
				return &plivotest.Failure{Delay: 3 * time.Second}
			}
			return nil
		})
		c = s.call()
		s.eventually("the dial is on its way", begun.Load)
		id := s.id(c)
		c.Hangup()
		after(70 * time.Second)
		s.dials("gone", 1)
		if got := s.book(id).State; got != coaching.StateEnded {
			t.Errorf("the call is %v, want ended", got)
		}
		if s.leg(ann) != nil {
			t.Error("ann's phone rang")
		}
	})
}

// 429 for ever is given up, and routed again.
func TestR6ThrottledForEver(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := open(t, nil, ringing(agentAnn, agentBob))
		s.srv.FailFunc(func(r plivotest.Request) *plivotest.Failure {
			if to, _ := r.Body["to"].(string); r.Op == "AddParticipant" && to == ann {
				return &plivotest.Failure{Status: 429, Header: http.Header{"Retry-After": {"1"}}}
			}
			return nil
		})
		c := s.call()
		s.eventually("bob serves the customer", func() bool { return s.talks(c, s.leg(bob)) })
		if n := len(s.requests("AddParticipant")); n > 8 {
			t.Errorf("%d dials, want a bounded number", n)
		}
	})
}

// Whatever comes of it, the history tells Route what was tried.
func TestR6RouteSeesTheHistory(t *testing.T) {
	bubble(t, func(t *testing.T) {
		var mu sync.Mutex
		var seen [][]coaching.Attempt
		s := open(t, nil, func(cfg *coaching.Config) {
			cfg.Route = func(_ context.Context, c coaching.Call) (coaching.Next, error) {
				mu.Lock()
				seen = append(seen, c.Attempts)
				mu.Unlock()
				switch len(c.Attempts) {
				case 0:
					return coaching.Next{Ring: []coaching.Agent{agentAnn, agentBob}, For: 10 * time.Second, Data: map[string]string{"queue": "sales"}}, nil
				case 1:
					return coaching.Next{Ring: []coaching.Agent{agentBob}, For: 10 * time.Second, Data: map[string]string{"try": "2"}}, nil
				}
				return coaching.Next{}, nil
			}
		})
		s.phone(ann, plivotest.PhonePlan{Action: plivotest.Busy})
		s.phone(bob, plivotest.PhonePlan{Action: plivotest.NoAnswer})
		c := s.call()
		after(time.Second)
		id := s.id(c)
		after(time.Minute)
		mu.Lock()
		defer mu.Unlock()
		if len(seen) != 3 || len(seen[1]) != 1 || len(seen[2]) != 2 {
			t.Fatalf("Route saw %v, want none, one and two attempts", seen)
		}
		want := []coaching.Ring{{Agent: "ann", Outcome: coaching.LegBusy}, {Agent: "bob", Outcome: coaching.LegNoAnswer}}
		if got := seen[2][0].Rings; !slices.Equal(got, want) {
			t.Errorf("the first attempt came to %v, want %v", got, want)
		}
		if !farewell(c) {
			t.Errorf("the customer heard %q, want the farewell", sounds(c))
		}
		if got := s.book(id); got.EndReason != coaching.ExitNobody || got.Data["queue"] != "sales" || got.Data["try"] != "2" {
			t.Errorf("EndReason %v, Data %v, want nobody and both entries", got.EndReason, got.Data)
		}
	})
}

// The supervisor's dial: each outcome as the verb's answer.
func TestR6SupervisorOutcomes(t *testing.T) {
	tests := []struct {
		name  string
		fault *plivotest.Failure
		plan  plivotest.PhonePlan
		want  error
	}{
		{"busy", nil, plivotest.PhonePlan{Action: plivotest.Busy}, coaching.ErrNotApplied},
		{"rejected", nil, plivotest.PhonePlan{Action: plivotest.Reject}, coaching.ErrNotApplied},
		{"no answer", nil, plivotest.PhonePlan{Action: plivotest.NoAnswer}, coaching.ErrNotApplied},
		{"400", &plivotest.Failure{Status: 400}, plivotest.PhonePlan{After: time.Second}, coaching.ErrNotApplied},
		{"401", &plivotest.Failure{Status: 401}, plivotest.PhonePlan{After: time.Second}, coaching.ErrNotApplied},
		{"500 without effect", &plivotest.Failure{Status: 500, NoEffect: true}, plivotest.PhonePlan{After: time.Second}, coaching.ErrNotApplied},
		{"500 after the effect", &plivotest.Failure{Status: 500}, plivotest.PhonePlan{After: time.Second}, nil},
		{"429 once", &plivotest.Failure{Status: 429}, plivotest.PhonePlan{After: time.Second}, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				s := open(t, nil)
				c, a, id := s.connected()
				v := s.watchOver(c)
				s.phone(lee, tt.plan)
				first := true
				s.srv.FailFunc(func(r plivotest.Request) *plivotest.Failure {
					if r.Op != "AddParticipant" || !first {
						return nil
					}
					first = false
					return tt.fault
				})
				got, err := s.flow.AddSupervisor(t.Context(), id, supLee, nil)
				if tt.want == nil && err != nil || tt.want != nil && !isOneOf(err, tt.want, coaching.ErrUnknown) {
					t.Errorf("AddSupervisor = %+v, %v, want %v", got, err, tt.want)
				}
				if tt.want == nil && !s.srv.Hears(a, s.leg(lee)) {
					t.Error("the agent does not hear the supervisor")
				}
				if !s.talks(c, a) {
					t.Error("customer and agent do not talk any more")
				}
				v.unheard()
			})
		})
	}
}

// balkyStore takes its time to write, and fails to while down says so.
type balkyStore struct {
	coaching.Store
	takes time.Duration
	down  func() bool
}

func (s balkyStore) Put(ctx context.Context, c coaching.Call) (coaching.Call, error) {
	time.Sleep(s.takes)
	if s.down != nil && s.down() {
		return coaching.Call{}, errOutage
	}
	return s.Store.Put(ctx, c)
}

// R6: no phone is rung by a dial that the store does not know to be under way.
// Two instances find the same dial due at the same instant, and one of them
// makes it; while the store takes no writes, neither does.
func TestR6NoDialWithoutTheSwap(t *testing.T) {
	for _, outage := range []time.Duration{0, 15 * time.Second} {
		t.Run(outage.String(), func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				var first atomic.Int64 // when the first dial was refused
				s := open(t, nil, func(cfg *coaching.Config) {
					cfg.Store = balkyStore{cfg.Store, 5 * time.Millisecond, func() bool {
						at := first.Load()
						since := time.Since(time.Unix(0, at))
						return at != 0 && since > time.Second && since < time.Second+outage
					}}
				})
				s.start()
				s.srv.FailFunc(func(r plivotest.Request) *plivotest.Failure {
					if r.Op == "AddParticipant" && first.CompareAndSwap(0, time.Now().UnixNano()) {
						return &plivotest.Failure{Status: 429, Header: http.Header{"Retry-After": {"4"}}}
					}
					return nil
				})
				c := s.call()
				s.eventually("the first dial", func() bool { return first.Load() != 0 })
				after(outage)
				s.dials("while the store takes no writes", 1)
				s.eventually("the customer is served", func() bool { return s.talks(c, s.leg(ann)) })
				after(time.Minute)
				s.dials("refused once, then made once", 2)
				s.heardExactly("the customer", c, "wait music")
			})
		})
	}
}
