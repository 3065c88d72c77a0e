package coaching_test

import (
	"context"
	"testing"
	"time"

	"github.com/mpc-coaching/coaching"
	"github.com/mpc-coaching/coaching/plivotest"
)

// R7 and R8: phones that nobody needs, and whose leg it is.

// The race is lost: whoever else was rung is hung up, also over two requests.
func TestR7LosersAreHungUp(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := open(t, nil, func(cfg *coaching.Config) {
			cfg.Route = coaching.RingOnce(agentAnn, coaching.Agent{ID: "bob", Address: bob, CallerID: "14155559999"})
		})
		s.phone(bob, plivotest.PhonePlan{Action: plivotest.NoAnswer})
		c, a, _ := s.connected()
		after(5 * time.Second)
		if st := s.leg(bob).State(); st != plivotest.Ended {
			t.Errorf("bob's phone is %s, want ended", st)
		}
		if !s.talks(c, a) {
			t.Error("customer and ann do not talk")
		}
	})
}

// The customer hangs up while phones ring: they stop within seconds.
func TestR7CustomerGone(t *testing.T) {
	for _, sw := range []plivotest.Switches{{}, {JoinAfterEndCreates: true}, {JoinAfterEndCreates: true, NoLegCallbacks: true, Sparse: true}} {
		t.Run(switchNames(sw), func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				s := open(t, &plivotest.Options{Switches: sw})
				s.phone(ann, plivotest.PhonePlan{Action: plivotest.NoAnswer})
				c := s.call()
				after(5 * time.Second)
				c.Hangup()
				after(5 * time.Second)
				if st := s.leg(ann).State(); st != plivotest.Ended {
					t.Errorf("ann's phone is %s, want ended", st)
				}
			})
		})
	}
}

// A phone of an attempt that was given up is answered all the same. The
// customer has nobody, so that agent is kept and the others are given up.
func TestR7LateAgentIsKept(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := open(t, nil, func(cfg *coaching.Config) {
			cfg.QueueAllowance = time.Second
			cfg.Route = func(_ context.Context, c coaching.Call) (coaching.Next, error) {
				return coaching.Next{Ring: []coaching.Agent{[]coaching.Agent{agentAnn, agentBob}[min(len(c.Attempts), 1)]}, For: 5 * time.Second}, nil
			}
		})
		first := true
		s.srv.FailFunc(func(r plivotest.Request) *plivotest.Failure {
			switch {
			case r.Op == "HangupCall" && s.leg(ann) != nil && s.leg(ann).UUID() == r.Target:
				return &plivotest.Failure{Status: 500, NoEffect: true}
			case r.Op != "AddParticipant" || !first:
				return nil
			}
			first = false
			return &plivotest.Failure{CutBefore: true, LateEffect: 7 * time.Second}
		})
		s.phone(bob, plivotest.PhonePlan{Action: plivotest.NoAnswer})
		c := s.call()
		s.eventually("ann serves the customer", func() bool { return s.talks(c, s.leg(ann)) })
		after(5 * time.Second)
		if st := s.leg(bob).State(); st != plivotest.Ended {
			t.Errorf("bob's phone is %s, want ended", st)
		}
		after(time.Minute)
		if !s.talks(c, s.leg(ann)) {
			t.Error("a minute later they do not talk any more")
		}
		s.dials("two attempts", 2)
		if _, ok := s.book(s.id(c)).Agent("ann"); !ok {
			t.Error("the books do not have ann in the call")
		}
	})
}

// Whose leg it is, where events say little or leg callbacks are missing: by
// the call UUID of the 201, else by the address.
func TestR8Matching(t *testing.T) {
	for _, sw := range []plivotest.Switches{{}, {Sparse: true}, {NoLegCallbacks: true}, {Sparse: true, NoLegCallbacks: true}} {
		for _, cut := range []bool{false, true} {
			name := switchNames(sw)
			if cut {
				name += ", 201 lost"
			}
			t.Run(name, func(t *testing.T) {
				bubble(t, func(t *testing.T) {
					s := open(t, &plivotest.Options{Switches: sw})
					if cut {
						s.srv.FailFunc(func(r plivotest.Request) *plivotest.Failure {
							if r.Op == "AddParticipant" {
								return &plivotest.Failure{CutAfter: true}
							}
							return nil
						})
					}
					c, a, id := s.connected()
					v := s.watchOver(c)
					after(5 * time.Second)
					if p, ok := s.book(id).Agent("ann"); !ok || p.CallUUID != a.UUID() {
						t.Errorf("Agent(ann) = %v, call %q, want the phone that was rung", ok, p.CallUUID)
					}
					got, err := s.flow.Barge(t.Context(), id, supLee, &coaching.JoinOptions{Mode: coaching.ModeMonitor})
					if err != nil || got.Mode != coaching.ModeMonitor {
						t.Fatalf("Barge = %+v, %v, want monitoring", got, err)
					}
					v.unheard()
					// who was matched by address alone is never raised
					byAddress := cut && sw.NoLegCallbacks
					_, err = s.flow.TakeOver(t.Context(), id, supLee, nil)
					if byAddress != isOneOf(err, coaching.ErrConflict) {
						t.Errorf("TakeOver = %v, matched by address: %v", err, byAddress)
					}
					if byAddress {
						v.unheard()
					} else if !s.talks(c, s.leg(lee)) {
						t.Error("TakeOver returned nil, but they do not talk")
					}
				})
			})
		}
	}
}

// Two supervisors on one address: whose join it is cannot be told by that, so
// it is nobody's, muted and gone.
func TestR8TwoOfOneAddress(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := open(t, &plivotest.Options{Switches: plivotest.Switches{Sparse: true, NoLegCallbacks: true}})
		c, a, id := s.connected()
		v := s.watchOver(c)
		s.srv.FailFunc(func(r plivotest.Request) *plivotest.Failure {
			if r.Op == "AddParticipant" {
				return &plivotest.Failure{CutAfter: true}
			}
			return nil
		})
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
		defer cancel()
		errs := make(chan error, 2)
		for _, sup := range []coaching.Supervisor{supLee, {ID: "max", Address: lee}} {
			go func() {
				_, err := s.flow.TakeOver(ctx, id, sup, nil)
				errs <- err
			}()
		}
		for range 2 {
			if err := <-errs; err == nil {
				t.Error("TakeOver of an unknown leg = nil")
			}
		}
		after(2 * time.Minute)
		v.unheard()
		if !s.talks(c, a) {
			t.Error("customer and agent do not talk any more")
		}
		for _, l := range s.srv.Phone(lee, nil).Calls() {
			if l.State() != plivotest.Ended {
				t.Errorf("the unknown supervisor's phone is %s, want ended", l.State())
			}
		}
	})
}
