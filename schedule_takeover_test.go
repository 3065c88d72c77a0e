package coaching_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/mpc-coaching/coaching"
	"github.com/mpc-coaching/coaching/plivotest"
)

// The schedules about taking over and about who is left with the customer.

// TakeOver rings Lee, its caller goes away, and she answers 15 s later: nobody
// waits for her to be heard any more. She joins, coaching (the verb's context).
func TestS3CallerGoesAwayWhileItRings(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := open(t, nil)
		c, a, id := s.connected()
		e := s.listen(c)
		s.phone(lee, plivotest.PhonePlan{Action: plivotest.Answer, After: 20 * time.Second})
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		defer cancel()
		_, err := e.takeOver(ctx, s.flow, id, supLee, coaching.AgentRemove)
		if !errors.Is(err, coaching.ErrUnknown) || !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("TakeOver = %v, want ErrUnknown and the context's error", err)
		}
		s.eventually("she answers", func() bool { return s.leg(lee).MemberID() != "" })
		after(time.Minute)
		s.hears("a minute later", map[string]*plivotest.Leg{"customer": c, "agent": a, "lee": s.leg(lee)}, coached...)
		if got, _ := s.book(id).Supervision("lee"); got.Mode != coaching.ModeCoach || got.TookOver {
			t.Errorf("the books say %+v, want coaching", got)
		}
		e.unheard()
		e.atMost(0)
	})
}

// Lee is rung to listen, Mia to take over. Both 201s are cut, no callback says
// which leg is whose, and they join in the other order. Who they are can be
// told by their address alone, and that raises nobody (R8). With one phone for
// both it cannot be told at all, and they go.
func TestS4TwoSupervisorsSwapped(t *testing.T) {
	for _, shared := range []bool{false, true} {
		t.Run(map[bool]string{false: "two phones", true: "one phone"}[shared], func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				s := open(t, &plivotest.Options{CPS: -1, Switches: plivotest.Switches{Sparse: true, NoLegCallbacks: true}})
				c, a, id := s.connected()
				e := s.listen(c)
				s.phone(lee, plivotest.PhonePlan{After: 9 * time.Second})
				s.phone(mia, plivotest.PhonePlan{After: 2 * time.Second})
				other := supMia
				if shared {
					other.Address = lee
				}
				s.srv.FailFunc(func(r plivotest.Request) *plivotest.Failure {
					if r.Op == "AddParticipant" {
						return &plivotest.Failure{CutAfter: true}
					}
					return nil
				})
				barge := make(chan error, 1)
				go func() {
					_, err := s.flow.Barge(t.Context(), id, supLee, &coaching.JoinOptions{Mode: coaching.ModeMonitor})
					barge <- err
				}()
				after(time.Second)
				_, err := e.takeOver(t.Context(), s.flow, id, other, coaching.AgentRemove)
				if !errors.Is(err, coaching.ErrNotApplied) {
					t.Errorf("TakeOver = %v, want ErrNotApplied", err)
				}
				if err := <-barge; shared != errors.Is(err, coaching.ErrNotApplied) {
					t.Errorf("Barge = %v", err)
				}
				after(time.Minute)
				if !s.talks(c, a) {
					t.Error("customer and agent do not hear each other")
				}
				for _, l := range append(s.srv.Phone(lee, nil).Calls(), s.srv.Phone(mia, nil).Calls()...) {
					if shared && l.State() != plivotest.Ended {
						t.Errorf("%s is in the call", l.Phone().Address())
					}
					if l.Phone().Address() == lee && s.srv.Hears(a, l) {
						t.Error("the agent hears Lee, who was to listen")
					}
				}
				e.unheard()
				e.atMost(0)
			})
		})
	}
}

// A supervisor who took over drops out. The agents, whom the take-over had
// silenced, have their voice back at once; where they were removed the
// customer has music and the next one is rung. Where every callback is lost
// the watch finds out.
func TestS9SupervisorsLineDrops(t *testing.T) {
	for _, part := range []coaching.AgentPart{coaching.AgentMute, coaching.AgentHold, coaching.AgentRemove} {
		for _, lost := range []bool{false, true} {
			t.Run(fmt.Sprint(part, " lost=", lost), func(t *testing.T) {
				bubble(t, func(t *testing.T) {
					s := open(t, nil, ringing(agentAnn, agentBob))
					c, a, id := s.connected()
					e := s.listen(c)
					if _, err := e.takeOver(t.Context(), s.flow, id, supLee, part); err != nil {
						t.Fatalf("TakeOver = %v", err)
					}
					after(20 * time.Second)
					if lost {
						s.srv.CallbackFunc(func(c plivotest.Callback) *plivotest.CallbackFault {
							return &plivotest.CallbackFault{Drop: c.Kind == "status" || c.Kind == "leg"}
						})
					}
					// Cut by the network: a goodbye of hers would end the call.
					if err := coaching.NewClient(s.cfg.Plivo, s.srv.Client()).HangUp(t.Context(), s.leg(lee).UUID()); err != nil {
						t.Fatal(err)
					}
					bound := 5 * time.Second
					if lost {
						bound = 65 * time.Second
					}
					s.eventually("an agent talks with the customer", func() bool { return s.talks(c, a) || s.talks(c, s.leg(bob)) })
					e.atMost(bound)
					if part != coaching.AgentRemove && !s.talks(c, a) {
						t.Error("the agent who was there is not heard")
					}
				})
			})
		}
	}
}

// The agent was removed, and somebody wants the supervisor back to coaching:
// the customer would have nobody (R11).
func TestS10LoweringTheOnlyVoice(t *testing.T) {
	for _, part := range []coaching.AgentPart{coaching.AgentMute, coaching.AgentHold, coaching.AgentRemove} {
		t.Run(part.String(), func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				s := open(t, nil)
				c, _, id := s.connected()
				e := s.listen(c)
				ctx := t.Context()
				if _, err := e.takeOver(ctx, s.flow, id, supLee, part); err != nil {
					t.Fatalf("TakeOver = %v", err)
				}
				for _, m := range []coaching.CoachMode{coaching.ModeCoach, coaching.ModeMonitor} {
					if err := s.flow.SetMode(ctx, id, "lee", m); !errors.Is(err, coaching.ErrConflict) {
						t.Errorf("SetMode(%v) = %v, want ErrConflict", m, err)
					}
				}
				after(time.Minute)
				if !s.talks(c, s.leg(lee)) {
					t.Error("customer and supervisor do not hear each other")
				}
				e.atMost(0)
			})
		})
	}
}

// The agents' part goes without an answer and takes effect 20 s later. It was
// sent, so the supervisor stays whatever comes of it: at no moment is the
// customer without a voice (R11).
func TestS11AgentsPartLandsLate(t *testing.T) {
	for _, part := range []coaching.AgentPart{coaching.AgentMute, coaching.AgentHold, coaching.AgentRemove} {
		for _, f := range []plivotest.Failure{landsLate, {Status: 500, NoEffect: true}, {AfterDelay: 7 * time.Second}} {
			t.Run(fmt.Sprintf("%v %+v", part, f), func(t *testing.T) {
				bubble(t, func(t *testing.T) {
					s := open(t, nil)
					c, a, id := s.connected()
					e := s.listen(c)
					s.times(2, func(r plivotest.Request) bool {
						return (r.Op == "Kick" || r.Op == "UpdateParticipant") && r.Target == a.MemberID()
					}, f)
					_, err := e.takeOver(t.Context(), s.flow, id, supLee, part)
					if err != nil {
						t.Errorf("TakeOver = %v", err)
					}
					if s.srv.Hears(c, a) {
						t.Error("TakeOver returned, and the agent is heard")
					}
					after(2 * time.Minute)
					if !s.talks(c, s.leg(lee)) {
						t.Error("customer and supervisor do not hear each other")
					}
					e.atMost(0)
				})
			})
		}
	}
}

// Ten are in the call or being rung, and one more is asked for: nobody is
// dialled (R9).
func TestS29FullCall(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := open(t, &plivotest.Options{CPS: -1})
		c, _, id := s.connected()
		e := s.listen(c)
		ctx := t.Context()
		sup := func(i int) coaching.Supervisor {
			n := coaching.SupervisorID(fmt.Sprint("sup", i))
			return coaching.Supervisor{ID: n, Address: fmt.Sprintf("sip:%s@phone.plivo.com", n)}
		}
		for i := range 8 {
			action := plivotest.Answer
			if i >= 5 {
				action = plivotest.Manual // they count while they ring
			}
			s.phone(sup(i).Address, plivotest.PhonePlan{Action: action, After: time.Second})
			if _, err := s.flow.Barge(ctx, id, sup(i), &coaching.JoinOptions{NoWait: i >= 5}); err != nil {
				t.Fatalf("Barge(%d) = %v", i, err)
			}
		}
		s.phone(sup(8).Address, plivotest.PhonePlan{})
		before := len(s.requests("AddParticipant"))
		_, barge := s.flow.Barge(ctx, id, sup(8), nil)
		_, take := e.takeOver(ctx, s.flow, id, sup(8), coaching.AgentKeep)
		for name, err := range map[string]error{"Barge": barge, "TakeOver": take} {
			if !errors.Is(err, coaching.ErrConflict) || !strings.Contains(err.Error(), "full") {
				t.Errorf("%s of an eleventh = %v, want ErrConflict, full", name, err)
			}
		}
		s.dials("an eleventh", before)
		if err := s.flow.Leave(ctx, id, sup(7).ID); err != nil {
			t.Fatalf("Leave = %v", err)
		}
		if _, err := s.flow.Barge(ctx, id, sup(8), nil); err != nil {
			t.Errorf("Barge when one has left = %v", err)
		}
		e.unheard()
	})
}

// The agent asks for a supervisor and leaves while her phone rings. After a
// goodbye the call ends and the phone falls silent. If the agent was lost, the
// customer has music and is routed on; the supervisor who answers meanwhile is
// not promoted.
func TestS32AgentLeavesWhileTheSupervisorRings(t *testing.T) {
	t.Run("goodbye", func(t *testing.T) {
		bubble(t, func(t *testing.T) {
			s := open(t, nil)
			c, a, id := s.connected()
			e := s.listen(c)
			s.phone(lee, plivotest.PhonePlan{Action: plivotest.Manual})
			verb := make(chan error, 1)
			go func() { _, err := s.flow.AddSupervisor(t.Context(), id, supLee, nil); verb <- err }()
			s.eventually("it rings", func() bool { return s.leg(lee) != nil && s.leg(lee).State() == plivotest.Ringing })
			a.Hangup()
			if err := <-verb; !isOneOf(err, coaching.ErrCallEnded, coaching.ErrNotApplied) {
				t.Errorf("AddSupervisor = %v, want ErrCallEnded or ErrNotApplied", err)
			}
			after(10 * time.Second)
			if c.State() != plivotest.Ended || s.leg(lee).State() != plivotest.Ended || s.leg(lee).CallStatus() == "completed" {
				t.Errorf("customer %v, supervisor's phone %v", c.State(), s.leg(lee).State())
			}
			e.unheard()
			e.atMost(5 * time.Second)
		})
	})
	t.Run("lost", func(t *testing.T) {
		bubble(t, func(t *testing.T) {
			s := open(t, nil, ringing(agentAnn, agentBob))
			c, _, id := s.connected()
			e := s.listen(c)
			s.phone(lee, plivotest.PhonePlan{After: 8 * time.Second})
			s.phone(bob, plivotest.PhonePlan{Action: plivotest.Answer, After: 9 * time.Second})
			verb := make(chan error, 1)
			go func() { _, err := s.flow.AddSupervisor(t.Context(), id, supLee, nil); verb <- err }()
			after(3 * time.Second)
			gone, _ := s.book(id).Agent("ann")
			if err := s.flow.Remove(t.Context(), id, gone.Member); err != nil {
				t.Fatalf("Remove = %v", err)
			}
			if err := <-verb; err != nil {
				t.Errorf("AddSupervisor = %v", err)
			}
			if got := c.Listening(); got != "hold music" {
				t.Errorf("with a coach and no agent the customer hears %q, want hold music", got)
			}
			s.eventually("the next agent talks", func() bool { return s.talks(c, s.leg(bob)) })
			after(time.Second)
			s.hears("coaching the next", map[string]*plivotest.Leg{"customer": c, "agent": s.leg(bob), "lee": s.leg(lee)}, coached...)
			e.unheard()
			e.atMost(5 * time.Second)
		})
	})
}
