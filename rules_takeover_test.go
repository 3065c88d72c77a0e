package coaching_test

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/mpc-coaching/coaching"
	"github.com/mpc-coaching/coaching/plivotest"
)

// R11: taking over and handing back, step by step.

var agentParts = []coaching.AgentPart{coaching.AgentKeep, coaching.AgentMute, coaching.AgentHold, coaching.AgentRemove}

// did returns what was asked of Plivo since the nth request, with "read" for
// any number of reads in a row.
func (s *shop) did(since int, legs map[string]*plivotest.Leg) (out []string) {
	for _, r := range s.srv.Requests() {
		text := r.Op
		switch {
		case r.Nth <= since:
			continue
		case r.Op == "ListParticipants" || r.Op == "GetMPC":
			text = "read"
		case r.Op == "ListMPCs":
			continue
		}
		for name, l := range legs {
			if l != nil && r.Target == l.MemberID() && r.Target != "" {
				text += " " + name
			}
		}
		for k, v := range r.Body {
			if r.Op == "UpdateParticipant" {
				text = fmt.Sprintf("%s=%v%s", k, v, text[len(r.Op):])
			}
		}
		if text != "read" || len(out) == 0 || out[len(out)-1] != "read" {
			out = append(out, text)
		}
	}
	return out
}

// Each step is confirmed by a read before the next is sent: active, customer
// off hold, supervisor audible, and then the agents' part.
func TestR11Order(t *testing.T) {
	part := map[coaching.AgentPart][]string{
		coaching.AgentKeep: nil, coaching.AgentMute: {"mute=true agent", "read"},
		coaching.AgentHold: {"hold=true agent", "read"}, coaching.AgentRemove: {"Kick agent", "read"},
	}
	for _, p := range agentParts {
		for _, held := range []bool{false, true} {
			t.Run(fmt.Sprint(p, " customer on hold: ", held), func(t *testing.T) {
				bubble(t, func(t *testing.T) {
					s := open(t, nil)
					e, id, legs := joined(t, s, coaching.ModeMonitor)
					var want []string
					if held {
						ann, _ := s.book(id).Agent("ann")
						if err := s.flow.Hold(t.Context(), id, ann.Member); err != nil {
							t.Fatalf("Hold = %v", err)
						}
						want = append(want, "hold=false customer", "read")
					}
					want = append(want, "mute=false lee", "read", "coach_mode=false lee", "read")
					n, was := s.nth(), legs["agent"].MemberID()
					if _, err := e.takeOver(t.Context(), s.flow, id, supLee, p); err != nil {
						t.Fatalf("TakeOver = %v", err)
					}
					want = append(want, part[p]...)
					got := s.did(n, legs)
					for i, g := range got {
						if g == "Kick" && len(was) > 0 {
							got[i] = "Kick agent"
						}
					}
					if !slices.Equal(got, want) {
						t.Errorf("asked of Plivo:\n%q, want\n%q", got, want)
					}
					if !s.talks(legs["customer"], legs["lee"]) {
						t.Error("customer and supervisor do not hear each other")
					}
					e.atMost(0)
				})
			})
		}
	}
}

// In a call that still waits, it is made active first.
func TestR11OrderInAWaitingCall(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := open(t, nil, ringing(agentBob))
		s.phone(bob, plivotest.PhonePlan{Action: plivotest.NoAnswer})
		c := s.call()
		e := s.listen(c)
		after(4 * time.Second)
		id := s.id(c)
		if _, err := s.flow.Barge(t.Context(), id, supLee, &coaching.JoinOptions{Mode: coaching.ModeMonitor}); err != nil {
			t.Fatalf("Barge = %v", err)
		}
		n := s.nth()
		if _, err := e.takeOver(t.Context(), s.flow, id, supLee, coaching.AgentKeep); err != nil {
			t.Fatalf("TakeOver = %v", err)
		}
		got := s.did(n, map[string]*plivotest.Leg{"lee": s.leg(lee)})
		got = slices.DeleteFunc(got, func(x string) bool { return x != "ActivateMPC" && x != "mute=false lee" && x != "coach_mode=false lee" })
		if want := []string{"ActivateMPC", "mute=false lee", "coach_mode=false lee"}; !slices.Equal(got, want) {
			t.Errorf("asked of Plivo: %q, want %q", got, want)
		}
		if !s.talks(c, s.leg(lee)) {
			t.Error("customer and supervisor do not hear each other")
		}
		e.atMost(5 * time.Second)
	})
}

// Whatever fails before the agents' part is sent undoes everything: the agents
// are not touched, a customer who was on hold is again, and the supervisor is
// what they were, or monitors where it is not known what became of a request.
func TestR11RollsBackBeforeTheAgentsPart(t *testing.T) {
	refused := plivotest.Failure{Status: 400, Body: `{"error":"no"}`}
	unknown := plivotest.Failure{Status: 500, NoEffect: true}
	for _, tt := range []struct {
		name, flag string
		from       coaching.CoachMode
		f          plivotest.Failure
		err        error
		hears      []string
	}{
		{"mute refused", "mute", coaching.ModeMonitor, refused, coaching.ErrNotApplied, monitored},
		{"mute unknown", "mute", coaching.ModeMonitor, unknown, coaching.ErrUnknown, monitored},
		{"coach_mode refused from monitor", "coach_mode", coaching.ModeMonitor, refused, coaching.ErrNotApplied, monitored},
		{"coach_mode refused from coach", "coach_mode", coaching.ModeCoach, refused, coaching.ErrNotApplied, coached},
		{"coach_mode unknown", "coach_mode", coaching.ModeCoach, unknown, coaching.ErrUnknown, monitored},
	} {
		for _, p := range agentParts {
			t.Run(fmt.Sprint(tt.name, ", ", p), func(t *testing.T) {
				bubble(t, func(t *testing.T) {
					s := open(t, nil)
					e, id, legs := joined(t, s, tt.from)
					ctx := t.Context()
					held := p == coaching.AgentHold
					ann, _ := s.book(id).Agent("ann")
					if held {
						if err := s.flow.Hold(ctx, id, ann.Member); err != nil {
							t.Fatalf("Hold = %v", err)
						}
					}
					s.times(1000, func(r plivotest.Request) bool { return asks(r, legs["lee"], tt.flag, false) }, tt.f)
					n := s.nth()
					got, err := e.takeOver(ctx, s.flow, id, supLee, p)
					if !errors.Is(err, tt.err) || got.TookOver {
						t.Errorf("TakeOver = %+v, %v, want not taken over, %v", got, err, tt.err)
					}
					after(10 * time.Second)
					for _, r := range s.requests("UpdateParticipant") {
						if r.Nth > n && r.Target == legs["agent"].MemberID() {
							t.Errorf("the agent was touched: %v", r.Body)
						}
					}
					if kicks := s.requests("Kick"); len(kicks) > 0 {
						t.Error("the agent was removed")
					}
					if held {
						if got := legs["customer"].Listening(); got != "hold music" {
							t.Errorf("the customer, who was on hold, hears %q", got)
						}
						if err := s.flow.Resume(ctx, id, ann.Member); err != nil {
							t.Errorf("Resume = %v", err)
						}
					}
					s.hears("rolled back", legs, tt.hears...)
					e.atMost(0)
				})
			})
		}
	}
}

// The agents' part is refused: the verb says so, the supervisor stays audible
// and so does the agent. Handing back works as ever.
func TestR11ForwardAfterTheAgentsPart(t *testing.T) {
	for _, p := range agentParts[1:] {
		t.Run(p.String(), func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				s := open(t, nil)
				e, id, legs := joined(t, s, coaching.ModeCoach)
				ctx := t.Context()
				s.times(1000, func(r plivotest.Request) bool {
					return (r.Op == "Kick" || r.Op == "UpdateParticipant") && r.Target == legs["agent"].MemberID()
				}, plivotest.Failure{Status: 400, Body: `{"error":"no"}`})
				got, err := e.takeOver(ctx, s.flow, id, supLee, p)
				if !errors.Is(err, coaching.ErrNotApplied) {
					t.Errorf("TakeOver = %+v, %v, want ErrNotApplied", got, err)
				}
				after(time.Minute)
				s.hears("the agents' part refused", legs, opened...)
				s.srv.FailFunc(nil)
				after(10 * time.Second)
				if _, err := s.flow.HandBack(ctx, id, "lee", nil); err != nil {
					t.Errorf("HandBack = %v", err)
				}
				s.hears("handed back", legs, coached...)
				s.dials("nobody was rung again", 2)
				e.atMost(0)
			})
		})
	}
}

// A refused removal is an answer too: Remove and Transfer say so at once, and
// whoever was to leave stays.
func TestR11RefusedRemoval(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := open(t, nil)
		c, a, id := s.connected()
		s.times(1000, func(r plivotest.Request) bool { return r.Op == "Kick" }, plivotest.Failure{Status: 400, Body: `{"error":"no"}`})
		began := time.Now()
		if err := s.flow.Remove(t.Context(), id, member(a)); !errors.Is(err, coaching.ErrNotApplied) || time.Since(began) > 2*time.Second {
			t.Errorf("Remove = %v after %v, want ErrNotApplied at once", err, time.Since(began))
		}
		if err := s.flow.Transfer(t.Context(), id, coaching.Next{Ring: []coaching.Agent{agentBob}}); !errors.Is(err, coaching.ErrNotApplied) {
			t.Errorf("Transfer = %v, want ErrNotApplied", err)
		}
		s.srv.FailFunc(nil)
		after(time.Minute)
		if !s.talks(c, a) || !s.talks(c, s.leg(bob)) {
			t.Error("customer and agents do not hear each other")
		}
	})
}

// Hand back gives the agent what they had before: on hold by the host they are
// on hold again, muted they are muted again; silenced by the take-over alone
// they talk. Only then is the supervisor lowered, so that there is a voice at
// every moment.
func TestR11HandBackRestores(t *testing.T) {
	for _, p := range agentParts[:3] {
		t.Run(p.String(), func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				s := open(t, nil)
				e, id, legs := joined(t, s, coaching.ModeCoach)
				ctx := t.Context()
				if _, err := e.takeOver(ctx, s.flow, id, supLee, p); err != nil {
					t.Fatalf("TakeOver = %v", err)
				}
				after(5 * time.Second)
				n := s.nth()
				got, err := s.flow.HandBack(ctx, id, "lee", &coaching.HandBackOptions{Mode: coaching.ModeMonitor})
				if err != nil || got.Mode != coaching.ModeMonitor || got.TookOver {
					t.Errorf("HandBack = %+v, %v, want monitoring", got, err)
				}
				s.hears("handed back", legs, monitored...)
				want := map[coaching.AgentPart][]string{
					coaching.AgentMute: {"mute=false agent", "read"}, coaching.AgentHold: {"hold=false agent", "read"},
				}[p]
				want = append(want, "mute=true lee", "read", "coach_mode=true lee", "read")
				if got := s.did(n, legs); !slices.Equal(got, want) {
					t.Errorf("asked of Plivo:\n%q, want\n%q", got, want)
				}
				e.atMost(0)
			})
		})
	}
}

// The agent who was removed is rung again, and the supervisor talks until they
// are heard; if nobody answers she keeps the call.
func TestR11HandBackRings(t *testing.T) {
	for _, answers := range []bool{true, false} {
		t.Run(fmt.Sprint("answers: ", answers), func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				s := open(t, nil)
				e, id, legs := joined(t, s, coaching.ModeCoach)
				ctx := t.Context()
				if _, err := e.takeOver(ctx, s.flow, id, supLee, coaching.AgentRemove); err != nil {
					t.Fatalf("TakeOver = %v", err)
				}
				if !answers {
					s.phone(ann, plivotest.PhonePlan{Action: plivotest.NoAnswer})
				}
				got, err := s.flow.HandBack(ctx, id, "lee", &coaching.HandBackOptions{RingTime: 10 * time.Second})
				if answers {
					if err != nil {
						t.Errorf("HandBack = %v", err)
					}
					legs["agent"] = s.leg(ann)
					s.hears("handed back", legs, coached...)
				} else {
					if !errors.Is(err, coaching.ErrNotApplied) || !got.TookOver || !got.Audible {
						t.Errorf("HandBack = %+v, %v, want ErrNotApplied and taken over", got, err)
					}
					after(time.Minute)
					if !s.talks(legs["customer"], legs["lee"]) {
						t.Error("customer and supervisor do not hear each other")
					}
				}
				e.atMost(0)
			})
		})
	}
}
