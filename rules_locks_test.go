package coaching_test

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/mpc-coaching/coaching"
	"github.com/mpc-coaching/coaching/plivotest"
)

// R10, on the emulator. The order of single requests is searched exhaustively
// in locks_model_test.go; here the rules are seen from outside, by what reaches
// Plivo and by who hears whom.

// A flagSet is one request that set flags of a supervisor.
type flagSet struct {
	text string // such as "mute=false"
	nth  int
	at   time.Time
}

// updates returns the requests that set flags of a leg, oldest first.
func (s *shop) updates(l *plivotest.Leg) (out []flagSet) {
	s.t.Helper()
	for _, r := range s.requests("UpdateParticipant") {
		if r.Target != l.MemberID() {
			continue
		}
		if len(r.Body) != 1 {
			s.t.Errorf("a request carries %d flags: %v", len(r.Body), r.Body)
		}
		for k, v := range r.Body {
			out = append(out, flagSet{fmt.Sprintf("%s=%v", k, v), r.Nth, r.Time})
		}
	}
	return out
}

// sent checks which updates a leg got since the nth request.
func (s *shop) sent(when string, l *plivotest.Leg, since int, want ...string) {
	s.t.Helper()
	var got []string
	for _, u := range s.updates(l) {
		if u.nth > since {
			got = append(got, u.text)
		}
	}
	if !slices.Equal(got, want) {
		s.t.Errorf("%s: sent %q, want %q", when, got, want)
	}
}

// nth returns the number of the newest request.
func (s *shop) nth() int {
	all := s.srv.Requests()
	return all[len(all)-1].Nth
}

// through leads Lee, who coaches, through all modes; each verb must be true as
// it returns, within the bound.
func through(t *testing.T, s *shop, e *ears, id coaching.CallID, legs map[string]*plivotest.Leg, bound time.Duration) {
	t.Helper()
	ctx := t.Context()
	verbs := map[string]func() error{
		"monitor":  func() error { return s.flow.SetMode(ctx, id, "lee", coaching.ModeMonitor) },
		"coach":    func() error { return s.flow.SetMode(ctx, id, "lee", coaching.ModeCoach) },
		"open":     func() error { _, err := e.takeOver(ctx, s.flow, id, supLee, coaching.AgentKeep); return err },
		"handback": func() error { _, err := s.flow.HandBack(ctx, id, "lee", nil); return err },
	}
	want := map[string][]string{"monitor": monitored, "coach": coached, "open": opened}
	for i, v := range []string{"monitor", "coach", "open", "handback", "monitor", "open", "monitor", "open", "coach"} {
		began := time.Now()
		if err := verbs[v](); err != nil {
			t.Errorf("%d. %s = %v", i+1, v, err)
		}
		if took := time.Since(began); took > bound {
			t.Errorf("%d. %s took %v, want at most %v", i+1, v, took, bound)
		}
		if v == "handback" {
			v = "coach"
		}
		s.hears(fmt.Sprint(i+1, ". ", v), legs, want[v]...)
	}
}

// (a) One flag a request, also where Plivo would apply two of them apart; and
// between a request for one lock and the opening of the other lies a read.
func TestR10OneFlagARequest(t *testing.T) {
	for seed := range uint64(8) {
		bubble(t, func(t *testing.T) {
			s := open(t, &plivotest.Options{Seed: seed, Switches: plivotest.Switches{SplitFlags: true}})
			e, id, legs := joined(t, s, coaching.ModeCoach)
			through(t, s, e, id, legs, 8*time.Second)
			reads := s.requests("ListParticipants")
			last := map[bool]flagSet{}
			for _, u := range s.updates(legs["lee"]) {
				mute := u.text == "mute=true" || u.text == "mute=false"
				if other := last[!mute]; other.nth > 0 && (u.text == "mute=false" || u.text == "coach_mode=false") {
					if !slices.ContainsFunc(reads, func(r plivotest.RequestRecord) bool { return r.Nth > other.nth && r.Nth < u.nth }) {
						t.Errorf("no read between %s and %s", other.text, u.text)
					}
				}
				last[mute] = u
			}
		})
	}
}

// (b), (c) What is sent, in which order.
func TestR10OrderOfRequests(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := open(t, nil)
		e, id, legs := joined(t, s, coaching.ModeMonitor)
		l, ctx := legs["lee"], t.Context()
		n := s.nth()
		if _, err := e.takeOver(ctx, s.flow, id, supLee, coaching.AgentKeep); err != nil {
			t.Fatalf("TakeOver = %v", err)
		}
		s.sent("raised from monitor", l, n, "mute=false", "coach_mode=false")
		n = s.nth()
		if err := s.flow.SetMode(ctx, id, "lee", coaching.ModeCoach); err != nil {
			t.Fatalf("SetMode(coach) = %v", err)
		}
		s.sent("lowered to coach", l, n, "mute=true", "coach_mode=true", "mute=false")
		n = s.nth()
		if _, err := e.takeOver(ctx, s.flow, id, supLee, coaching.AgentKeep); err != nil {
			t.Fatalf("TakeOver = %v", err)
		}
		s.sent("raised from coach", l, n, "coach_mode=false")
		n = s.nth()
		if err := s.flow.SetMode(ctx, id, "lee", coaching.ModeMonitor); err != nil {
			t.Fatalf("SetMode(monitor) = %v", err)
		}
		s.sent("lowered to monitor", l, n, "mute=true", "coach_mode=true")
		n = s.nth()
		if err := errors.Join(s.flow.SetMode(ctx, id, "lee", coaching.ModeCoach), s.flow.SetMode(ctx, id, "lee", coaching.ModeMonitor)); err != nil {
			t.Fatal(err)
		}
		s.sent("coach and back", l, n, "mute=false", "mute=true")
		// (e) Two raises, two beeps, and one for each lowering.
		s.heardExactly("the customer", legs["customer"], "wait music", "beep:1", "beep:1", "beep:1", "beep:1")
	})
}

// (b) Plivo answers 500 to closing requests: they are sent again until a read
// shows them, and the customer is rid of the supervisor as soon as one of the
// locks is closed.
func TestR10ClosesUntilARead(t *testing.T) {
	for _, tt := range []struct {
		flag  string // that does not get through
		fails int32
		err   error
	}{{"mute", 3, nil}, {"mute", 1000, coaching.ErrUnknown}, {"coach_mode", 3, nil}, {"both", 3, nil}} {
		t.Run(fmt.Sprint(tt.flag, " fails ", tt.fails, " times"), func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				s := open(t, nil)
				e, id, legs := joined(t, s, coaching.ModeCoach)
				ctx := t.Context()
				if _, err := e.takeOver(ctx, s.flow, id, supLee, coaching.AgentKeep); err != nil {
					t.Fatalf("TakeOver = %v", err)
				}
				s.times(tt.fails, func(r plivotest.Request) bool {
					return tt.flag != "coach_mode" && asks(r, legs["lee"], "mute", true) || tt.flag != "mute" && asks(r, legs["lee"], "coach_mode", true)
				}, plivotest.Failure{Status: 500, NoEffect: true})
				began := time.Now()
				err := s.flow.SetMode(ctx, id, "lee", coaching.ModeMonitor)
				if !errors.Is(err, tt.err) {
					t.Errorf("SetMode = %v after %v, want %v", err, time.Since(began), tt.err)
				}
				if s.srv.Hears(legs["customer"], legs["lee"]) {
					t.Error("SetMode returned, and the customer hears the supervisor")
				}
				s.srv.FailFunc(nil)
				after(20 * time.Second)
				s.hears("when Plivo works again", legs, monitored...)
			})
		})
	}
}

// (b) Plivo asks for ten minutes' patience: the customer is rid of the
// supervisor all the same, by the same lock or the other.
func TestR10NoPatienceWithAnOpenLock(t *testing.T) {
	for _, n := range []int32{1, 1000} {
		t.Run(fmt.Sprint(n, " answers"), func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				s := open(t, nil)
				e, id, legs := joined(t, s, coaching.ModeCoach)
				if _, err := e.takeOver(t.Context(), s.flow, id, supLee, coaching.AgentKeep); err != nil {
					t.Fatalf("TakeOver = %v", err)
				}
				s.times(n, func(r plivotest.Request) bool { return asks(r, legs["lee"], "mute", true) },
					plivotest.Failure{Status: 429, Header: http.Header{"Retry-After": {"600"}}, NoEffect: true})
				go s.flow.HandBack(t.Context(), id, "lee", nil)
				s.within(3*time.Second, "the customer hears Lee no more", func() bool { return !s.srv.Hears(legs["customer"], legs["lee"]) })
				s.srv.FailFunc(nil)
				after(20 * time.Second)
				s.hears("when Plivo works again", legs, coached...)
			})
		})
	}
}

// (d) After an unanswered opening both verbs that open are refused for a
// minute, whichever lock it was, and fine afterwards.
func TestR10DebtOfAMinute(t *testing.T) {
	for _, f := range []plivotest.Failure{{CutBefore: true}, {CutAfter: true}, {Status: 503}, {AfterDelay: 7 * time.Second}, {Delay: 30 * time.Second}} {
		t.Run(fmt.Sprintf("%+v", f), func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				s := open(t, nil)
				e, id, legs := joined(t, s, coaching.ModeCoach)
				ctx := t.Context()
				s.once(func(r plivotest.Request) bool { return asks(r, legs["lee"], "coach_mode", false) }, f)
				if _, err := e.takeOver(ctx, s.flow, id, supLee, coaching.AgentKeep); !errors.Is(err, coaching.ErrUnknown) {
					t.Fatalf("TakeOver = %v, want ErrUnknown", err)
				}
				unanswered := time.Now()
				n := s.nth()
				for time.Since(unanswered) < 54*time.Second {
					_, take := e.takeOver(ctx, s.flow, id, supLee, coaching.AgentKeep)
					for name, err := range map[string]error{"TakeOver": take, "SetMode(coach)": s.flow.SetMode(ctx, id, "lee", coaching.ModeCoach)} {
						if !errors.Is(err, coaching.ErrConflict) {
							t.Fatalf("%s after %v = %v, want ErrConflict", name, time.Since(unanswered), err)
						}
					}
					after(3 * time.Second)
				}
				for _, u := range s.updates(legs["lee"]) {
					if u.nth > n && (u.text == "mute=false" || u.text == "coach_mode=false") {
						t.Errorf("%s was sent in that minute", u.text)
					}
				}
				after(20 * time.Second)
				s.hears("after a minute", legs, monitored...)
				if err := s.flow.SetMode(ctx, id, "lee", coaching.ModeCoach); err != nil {
					t.Errorf("SetMode(coach) after a minute = %v", err)
				}
				if _, err := e.takeOver(ctx, s.flow, id, supLee, coaching.AgentKeep); err != nil {
					t.Errorf("TakeOver after a minute = %v", err)
				}
				s.hears("and taken over", legs, opened...)
			})
		})
	}
}

// (d) Plivo takes the opening, and a read shows that nothing happened. It may
// happen yet: the raise is not applied, both locks close, and the late effect
// meets a closed one.
func TestR10AnsweredAndNotSeen(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := open(t, nil)
		e, id, legs := joined(t, s, coaching.ModeCoach)
		ctx := t.Context()
		s.once(func(r plivotest.Request) bool { return asks(r, legs["lee"], "coach_mode", false) }, plivotest.Failure{LateEffect: 20 * time.Second})
		if _, err := e.takeOver(ctx, s.flow, id, supLee, coaching.AgentMute); !errors.Is(err, coaching.ErrNotApplied) {
			t.Errorf("TakeOver = %v, want ErrNotApplied", err)
		}
		for range 10 {
			if err := s.flow.SetMode(ctx, id, "lee", coaching.ModeCoach); !errors.Is(err, coaching.ErrConflict) {
				t.Errorf("SetMode(coach) = %v, want ErrConflict", err)
			}
			after(5 * time.Second)
		}
		after(40 * time.Second)
		s.hears("when it has landed", legs, monitored...)
		if err := s.flow.SetMode(ctx, id, "lee", coaching.ModeCoach); err != nil {
			t.Errorf("SetMode(coach) = %v", err)
		}
		s.hears("coaching again", legs, coached...)
	})
}

// (e) An opening reaches Plivo only where its lock is closed, so nobody hears
// a beep for nothing; (f) where reads are stale the answers are true all the
// same, within 8 s.
func TestR10StaleReads(t *testing.T) {
	for seed := range uint64(12) {
		bubble(t, func(t *testing.T) {
			s := open(t, &plivotest.Options{Seed: seed, Switches: plivotest.Switches{StaleReads: 2 * time.Second, SplitFlags: seed%2 == 0}})
			e, id, legs := joined(t, s, coaching.ModeCoach)
			s.srv.FailFunc(func(r plivotest.Request) *plivotest.Failure {
				for _, x := range s.srv.MPCs() {
					for _, p := range x.Participants {
						if p.MemberID == legs["lee"].MemberID() && r.Target == p.MemberID && (r.Body["coach_mode"] == false && !p.CoachMode || r.Body["mute"] == false && !p.Mute) {
							t.Errorf("%v is sent where it is so already", r.Body)
						}
					}
				}
				return nil
			})
			through(t, s, e, id, legs, 8*time.Second)
		})
	}
}

// (f) Somebody changes their mind before the first answer is in, again and
// again: what is true when the last verb has returned is what it says.
func TestR10ChangeOfMind(t *testing.T) {
	for seed := range uint64(10) {
		bubble(t, func(t *testing.T) {
			s := open(t, &plivotest.Options{Seed: seed, Switches: plivotest.Switches{StaleReads: time.Duration(seed%2) * 2 * time.Second}})
			e, id, legs := joined(t, s, coaching.ModeCoach)
			ctx := t.Context()
			for i := range 6 {
				take := make(chan error, 1)
				go func() { _, err := e.takeOver(ctx, s.flow, id, supLee, coaching.AgentKeep); take <- err }()
				wait := time.Duration(seed*7+uint64(i)*11) % 60 * 10 * time.Millisecond
				after(wait)
				if err := s.flow.SetMode(ctx, id, "lee", coaching.ModeMonitor); err != nil {
					t.Errorf("SetMode(monitor) = %v", err)
				}
				s.hears("lowered", legs, monitored...)
				err := <-take
				if err == nil && wait == 0 { // of two who ask at one instant the take-over was the second
					s.hears("taken over", legs, opened...)
					if err := s.flow.SetMode(ctx, id, "lee", coaching.ModeMonitor); err != nil {
						t.Errorf("SetMode(monitor) after all = %v", err)
					}
				} else if err != nil && !errors.Is(err, coaching.ErrConflict) {
					t.Errorf("TakeOver = %v, want nil or ErrConflict", err)
				}
				s.hears("and that stays so", legs, monitored...)
				after(time.Duration(i) * 20 * time.Second)
			}
		})
	}
}

// (f) The books may be overtaken by what nobody told us: a request of long ago
// that landed, a colleague. So a verb whose target the books show already is
// answered by a read made for it.
func TestR10NoAnswerFromTheBooks(t *testing.T) {
	for _, tt := range []struct {
		name  string
		who   string
		was   coaching.ParticipantUpdate
		verb  func(*shop, *ears, coaching.CallID, coaching.MemberID) error
		hears []string
	}{
		{"SetMode(coach)", "lee", coaching.ParticipantUpdate{Mute: ptr(true)}, func(s *shop, _ *ears, id coaching.CallID, _ coaching.MemberID) error {
			return s.flow.SetMode(s.t.Context(), id, "lee", coaching.ModeCoach)
		}, coached},
		{"TakeOver again", "lee", coaching.ParticipantUpdate{CoachMode: ptr(true)}, func(s *shop, e *ears, id coaching.CallID, _ coaching.MemberID) error {
			_, err := e.takeOver(s.t.Context(), s.flow, id, supLee, coaching.AgentKeep)
			return err
		}, opened},
		{"Unmute", "agent", coaching.ParticipantUpdate{Mute: ptr(true)}, func(s *shop, _ *ears, id coaching.CallID, m coaching.MemberID) error {
			return s.flow.Unmute(s.t.Context(), id, m)
		}, coached},
		{"Resume", "agent", coaching.ParticipantUpdate{Hold: ptr(true)}, func(s *shop, _ *ears, id coaching.CallID, m coaching.MemberID) error {
			return s.flow.Resume(s.t.Context(), id, m)
		}, coached},
	} {
		t.Run(tt.name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				s := open(t, nil)
				e, id, legs := joined(t, s, coaching.ModeCoach)
				if tt.name == "TakeOver again" {
					if err := tt.verb(s, e, id, ""); err != nil {
						t.Fatalf("TakeOver = %v", err)
					}
				}
				after(5 * time.Second)
				s.deaf()
				s.foreign(legs[tt.who], tt.was)
				after(time.Second)
				if err := tt.verb(s, e, id, member(legs[tt.who])); err != nil {
					t.Errorf("%s = %v", tt.name, err)
				}
				s.hears("when the verb has returned", legs, tt.hears...)
			})
		})
	}
}
