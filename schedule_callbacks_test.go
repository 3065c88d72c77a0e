package coaching_test

import (
	"fmt"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/mpc-coaching/coaching"
	"github.com/mpc-coaching/coaching/plivotest"
)

// The schedules about callbacks in the wrong order, and about what a hand back
// has to restore.

// HandBack after the agent was removed: they are rung again, the supervisor
// keeps talking until they are confirmed audible, and coaches then (R11).
func TestS26HandBackAfterRemove(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := open(t, nil)
		c, first, id := s.connected()
		ctx := t.Context()
		if _, err := s.flow.TakeOver(ctx, id, supLee, &coaching.TakeOverOptions{Agent: coaching.AgentRemove}); err != nil {
			t.Fatalf("TakeOver = %v", err)
		}
		if st := first.State(); st != plivotest.Ended {
			t.Errorf("after the take-over the agent's line is %s, want ended", st)
		}
		v := s.watchOver(c)
		got, err := s.flow.HandBack(ctx, id, "lee", nil)
		if err != nil || got.Mode != coaching.ModeCoach || got.Audible || got.TookOver {
			t.Errorf("HandBack = %+v, %v, want coaching", got, err)
		}
		a, l := s.leg(ann), s.leg(lee)
		if a == first {
			t.Fatal("the agent was not rung again")
		}
		s.hears("handed back", map[string]*plivotest.Leg{"customer": c, "agent": a, "lee": l},
			"customer<-agent", "agent<-customer", "agent<-lee", "lee<-agent", "lee<-customer")
		v.atMost(0)
	})
}

// HandBackOptions.To names somebody else.
func TestS26HandBackToAnother(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := open(t, nil)
		c, _, id := s.connected()
		ctx := t.Context()
		if _, err := s.flow.TakeOver(ctx, id, supLee, &coaching.TakeOverOptions{Agent: coaching.AgentRemove}); err != nil {
			t.Fatalf("TakeOver = %v", err)
		}
		v := s.watchOver(c)
		got, err := s.flow.HandBack(ctx, id, "lee", &coaching.HandBackOptions{To: []coaching.Agent{agentBob}, Mode: coaching.ModeMonitor})
		if err != nil || got.Mode != coaching.ModeMonitor {
			t.Errorf("HandBack = %+v, %v, want monitoring", got, err)
		}
		s.hears("handed back", map[string]*plivotest.Leg{"customer": c, "bob": s.leg(bob), "lee": s.leg(lee)},
			"customer<-bob", "bob<-customer", "lee<-bob", "lee<-customer")
		if got := len(s.srv.Phone(ann, nil).Calls()); got != 1 {
			t.Errorf("ann's phone had %d calls, want only the first", got)
		}
		v.atMost(0)
	})
}

// Two supervisors took over, both muting the agent. When one of them hands
// back, the agent stays as the other wants them (section 6: nobody else's mute
// or hold changes); when the other does, the agent is heard again.
func TestS26HandBackByOneOfTwo(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := open(t, nil)
		c, a, id := s.connected()
		ctx := t.Context()
		for _, sup := range []coaching.Supervisor{supLee, supMia} {
			if _, err := s.flow.TakeOver(ctx, id, sup, &coaching.TakeOverOptions{Agent: coaching.AgentMute}); err != nil {
				t.Fatalf("TakeOver(%s) = %v", sup.ID, err)
			}
		}
		legs := map[string]*plivotest.Leg{"customer": c, "agent": a, "lee": s.leg(lee), "mia": s.leg(mia)}
		s.hears("both took over", legs, "customer<-lee", "customer<-mia", "agent<-customer", "agent<-lee", "agent<-mia",
			"lee<-customer", "lee<-mia", "mia<-customer", "mia<-lee")
		v := s.watchOver(c)
		if _, err := s.flow.HandBack(ctx, id, "lee", nil); err != nil {
			t.Fatalf("HandBack(lee) = %v", err)
		}
		s.hears("lee handed back", legs, "customer<-mia", "agent<-customer", "agent<-lee", "agent<-mia",
			"lee<-customer", "lee<-mia", "mia<-customer")
		if _, err := s.flow.HandBack(ctx, id, "mia", nil); err != nil {
			t.Fatalf("HandBack(mia) = %v", err)
		}
		s.hears("both handed back", legs, "customer<-agent", "agent<-customer", "agent<-lee", "agent<-mia",
			"lee<-customer", "lee<-agent", "mia<-customer", "mia<-agent")
		v.atMost(0)
	})
}

// The agent was muted by their desktop while a second one talked. A take-over
// that mutes agents must not make the hand back unmute the first: they get
// back what they had (R11).
func TestS26AgentWasMutedBefore(t *testing.T) {
	for _, part := range []coaching.AgentPart{coaching.AgentMute, coaching.AgentHold} {
		t.Run(part.String(), func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				s := open(t, nil)
				ctx := t.Context()
				c, a, id := s.connected()
				b := s.second(id)
				if err := s.flow.Mute(ctx, id, member(a)); err != nil {
					t.Fatalf("Mute = %v", err)
				}
				if _, err := s.flow.TakeOver(ctx, id, supLee, &coaching.TakeOverOptions{Agent: part}); err != nil {
					t.Fatalf("TakeOver = %v", err)
				}
				if _, err := s.flow.HandBack(ctx, id, "lee", nil); err != nil {
					t.Fatalf("HandBack = %v", err)
				}
				after(5 * time.Second)
				s.hears("handed back", map[string]*plivotest.Leg{"customer": c, "ann": a, "bob": b, "lee": s.leg(lee)},
					"customer<-bob", "ann<-customer", "ann<-bob", "bob<-customer", "lee<-customer", "lee<-bob", "ann<-lee", "bob<-lee")
				if p, _ := s.book(id).Agent("ann"); !p.Muted || p.Held {
					t.Errorf("the books have the agent muted: %v, on hold: %v, want true, false", p.Muted, p.Held)
				}
			})
		})
	}
}

// second brings another agent in: a hand back that names somebody while the
// first agent is still there. The supervisor leaves again.
func (s *shop) second(id coaching.CallID) *plivotest.Leg {
	s.t.Helper()
	ctx := s.t.Context()
	if _, err := s.flow.TakeOver(ctx, id, supMia, nil); err != nil {
		s.t.Fatalf("TakeOver = %v", err)
	}
	if _, err := s.flow.HandBack(ctx, id, "mia", &coaching.HandBackOptions{To: []coaching.Agent{agentBob}}); err != nil {
		s.t.Fatalf("HandBack = %v", err)
	}
	if err := s.flow.Leave(ctx, id, "mia"); err != nil {
		s.t.Fatalf("Leave = %v", err)
	}
	return s.leg(bob)
}

// MPCEnd comes before the exits of those it removes, and a late
// ParticipantJoin after it. Nobody lives in the books of an ended call (R14).
func TestS31EndBeforeExits(t *testing.T) {
	for _, late := range []string{"ParticipantJoin", "MPCStart", "ParticipantUnmute", "MPCInitialized"} {
		t.Run(late, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				s := open(t, &plivotest.Options{Switches: plivotest.Switches{EndBeforeExits: true}})
				delay := false
				s.srv.CallbackFunc(func(cb plivotest.Callback) *plivotest.CallbackFault {
					if cb.Event == late && (delay || late == "MPCInitialized") {
						return &plivotest.CallbackFault{Double: true, DoubleDelay: 20 * time.Second}
					}
					return nil
				})
				c, _, id := s.connected()
				delay = true
				if _, err := s.flow.AddSupervisor(t.Context(), id, supLee, nil); err != nil {
					t.Fatalf("AddSupervisor = %v", err)
				}
				after(2 * time.Second)
				c.Hangup()
				after(time.Minute)
				got := s.book(id)
				if got.State != coaching.StateEnded || got.EndReason != coaching.ExitCustomer {
					t.Errorf("the call is %v, %v, want ended, customer", got.State, got.EndReason)
				}
				for _, p := range got.Participants {
					if p.Live() {
						t.Errorf("%v %s lives in an ended call", p.Role, p.Member)
					}
				}
				for _, v := range got.Supervisions {
					if v.State != coaching.SupervisionEnded || v.Audible {
						t.Errorf("supervision %+v in an ended call, want ended and not audible", v)
					}
				}
				s.dials("agent and supervisor", 2)
			})
		})
	}
}

// A join arrives for the first time after the end of its call.
func TestS31FirstJoinAfterTheEnd(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := open(t, nil)
		s.srv.CallbackFunc(func(cb plivotest.Callback) *plivotest.CallbackFault {
			if cb.Event == "ParticipantJoin" && cb.Form.Get("ParticipantRole") == "agent" {
				return &plivotest.CallbackFault{Delay: 40 * time.Second}
			}
			return nil
		})
		c, _, id := s.connected()
		after(10 * time.Second)
		c.Hangup()
		after(time.Minute)
		got := s.book(id)
		if got.State != coaching.StateEnded {
			t.Errorf("the call is %v, want ended", got.State)
		}
		for _, p := range got.Participants {
			if p.Live() {
				t.Errorf("%v %s lives in an ended call", p.Role, p.Member)
			}
		}
		s.dials("the agent, once", 1)
	})
}

// namedSwitches is each switch of the emulator by itself, and all at once.
func namedSwitches() []plivotest.Switches {
	return []plivotest.Switches{
		{},
		{Sparse: true}, {NoSequenceNumber: true}, {SequencePerURL: true}, {CapitalRoles: true}, {PreciseTimestamps: true},
		{NoMPCInitialized: true}, {JoinBeforeStart: true}, {EndBeforeExits: true}, {NoLegCallbacks: true},
		{TimeoutAsNoAnswer: true}, {RetryNewNonce: true}, {StatusCallbackGET: true},
		{HarshStayAlone: true}, {CreateAtJoin: true}, {JoinAfterEndCreates: true}, {EndMpcOnExitCause3000: true},
		{OnExitAfterHangup: true}, {FullXMLHangup: true}, {KickCause4020: true},
		{CoachesHearEachOther: true}, {MuteHoldSound: true}, {NoSupervisorHoldMusic: true}, {MusicUnsigned: true},
		{StaleReads: 2 * time.Second}, {SplitFlags: true}, {ListExited: true}, {CoachFlagOnOthersOK: true},
		{FullRESTDials: true}, {DialsCount: true}, {LastSettingsWin: true}, {PartialListsFail: true},
		{NotFoundBraces: true}, {TransferWithoutCalls: true}, {HangupCauseDelay: 5 * time.Second}, {LiveCallsByStatus: true},
		{LenientXML: true}, {StrictNames: true},
		{Sparse: true, NoLegCallbacks: true},
		{Sparse: true, NoLegCallbacks: true, NoSequenceNumber: true, CapitalRoles: true, StaleReads: 2 * time.Second, SplitFlags: true, ListExited: true,
			EndBeforeExits: true, JoinBeforeStart: true, NotFoundBraces: true, OnExitAfterHangup: true, HangupCauseDelay: 3 * time.Second},
	}
}

// Nothing that no source settles may break a promise: the four scenarios under
// every switch of the emulator.
func TestScenariosUnderEverySwitch(t *testing.T) {
	for _, sw := range namedSwitches() {
		t.Run(switchNames(sw), func(t *testing.T) {
			for seed := range uint64(3) {
				bubble(t, func(t *testing.T) { fourScenarios(t, &plivotest.Options{Switches: sw, Seed: seed}) })
			}
		})
	}
}

// No switch is forgotten above.
func TestEverySwitchIsPlayed(t *testing.T) {
	all := reflect.TypeFor[plivotest.Switches]()
	for i := range all.NumField() {
		name := all.Field(i).Name
		if !slices.ContainsFunc(namedSwitches(), func(sw plivotest.Switches) bool { return switchNames(sw) == name }) {
			t.Errorf("no scenario is played under %s alone", name)
		}
	}
}

func fourScenarios(t *testing.T, o *plivotest.Options) { playScenarios(t, open(t, o)) }

// Several instances over one store: verbs at one of them, callbacks in turn at
// all. Nothing is done twice.
func TestScenariosWithManyInstances(t *testing.T) {
	for _, n := range []int{2, 3, 5} {
		for seed := range uint64(4) {
			t.Run(fmt.Sprint(n, " instances, seed ", seed), func(t *testing.T) {
				bubble(t, func(t *testing.T) {
					s, _ := crowd(t, n, &plivotest.Options{Seed: seed})
					playScenarios(t, s)
				})
			})
		}
	}
}

// No status callback and no leg callback ever arrives but the first: reads
// alone bring everything about.
func TestScenariosWithoutCallbacks(t *testing.T) {
	for _, kind := range []string{"status", "leg", "both"} {
		for seed := range uint64(3) {
			t.Run(fmt.Sprint(kind, ", seed ", seed), func(t *testing.T) {
				bubble(t, func(t *testing.T) {
					s := open(t, &plivotest.Options{Seed: seed})
					s.srv.CallbackFunc(func(cb plivotest.Callback) *plivotest.CallbackFault {
						if cb.Kind == kind || kind == "both" && (cb.Kind == "status" || cb.Kind == "leg") {
							return &plivotest.CallbackFault{Drop: true}
						}
						return nil
					})
					playScenarios(t, s)
				})
			})
		}
	}
}

// fourScenariosThen looks at what is left of them.
func fourScenariosThen(t *testing.T, f func(*shop)) {
	s := open(t, nil)
	playScenarios(t, s)
	f(s)
}

func playScenarios(t *testing.T, s *shop) {
	ctx := t.Context()
	c, a, id := s.connected()
	v := s.watchOver(c)
	lead := func(name string, err error) {
		t.Helper()
		if err != nil {
			t.Fatalf("%s = %v", name, err)
		}
	}
	sup, err := s.flow.AddSupervisor(ctx, id, supLee, nil)
	lead("AddSupervisor", err)
	if sup.Mode != coaching.ModeCoach || sup.Audible {
		t.Errorf("AddSupervisor = %+v, want coaching, not audible", sup)
	}
	_, err = s.flow.Barge(ctx, id, supMia, &coaching.JoinOptions{Mode: coaching.ModeMonitor})
	lead("Barge", err)
	all := map[string]*plivotest.Leg{"customer": c, "agent": a, "lee": s.leg(lee)}
	coach := []string{"customer<-agent", "agent<-customer", "lee<-customer", "lee<-agent", "agent<-lee"}
	s.hears("coaching", all, coach...)
	lead("SetMode(monitor)", s.flow.SetMode(ctx, id, "lee", coaching.ModeMonitor))
	s.hears("monitoring", all, "customer<-agent", "agent<-customer", "lee<-customer", "lee<-agent")
	lead("SetMode(coach)", s.flow.SetMode(ctx, id, "lee", coaching.ModeCoach))
	s.hears("coaching again", all, coach...)
	v.unheard()
	for _, part := range []coaching.AgentPart{coaching.AgentKeep, coaching.AgentMute, coaching.AgentHold} {
		_, err = s.flow.TakeOver(ctx, id, supLee, &coaching.TakeOverOptions{Agent: part})
		lead("TakeOver "+part.String(), err)
		taken := []string{"customer<-lee", "lee<-customer"}
		switch part {
		case coaching.AgentKeep:
			taken = append(taken, "agent<-lee", "agent<-customer", "customer<-agent", "lee<-agent")
		case coaching.AgentMute:
			taken = append(taken, "agent<-lee", "agent<-customer")
		}
		s.hears("taken over, "+part.String(), all, taken...)
		_, err = s.flow.HandBack(ctx, id, "lee", nil)
		lead("HandBack "+part.String(), err)
		s.hears("handed back, "+part.String(), all, coach...)
	}
	lead("Leave", s.flow.Leave(ctx, id, "lee"))
	after(time.Minute)
	s.hears("left", all, "customer<-agent", "agent<-customer")
	if got := fmt.Sprint(v.supervisors()); got != fmt.Sprint([]string{lee}) {
		t.Errorf("the customer heard %s, want lee alone", got)
	}
	v.atMost(0)
	lead("End", s.flow.End(ctx, id, nil))
	after(30 * time.Second)
	for _, l := range s.srv.Legs() {
		if l.State() != plivotest.Ended {
			t.Errorf("the call with %s is %s, want ended", l.Phone().Address(), l.State())
		}
	}
	if got := s.book(id); got.State != coaching.StateEnded || got.EndReason != coaching.ExitHost {
		t.Errorf("after End: %v, %v, want ended, host", got.State, got.EndReason)
	}
	if n := len(s.requests("AddParticipant")); n != 3 {
		t.Errorf("%d dials, want 3", n)
	}
}
