package coaching_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync/atomic"
	"testing"
	"time"

	"github.com/mpc-coaching/coaching"
	"github.com/mpc-coaching/coaching/plivotest"
)

// The schedules about the two locks: requests that open one get lost, land
// late or are undone while nobody knows. Ears listen throughout.

// asks says whether a request sets that flag of that leg to that value.
func asks(r plivotest.Request, l *plivotest.Leg, flag string, v bool) bool {
	return r.Op == "UpdateParticipant" && l != nil && r.Target == l.MemberID() && r.Body[flag] == v
}

// once lets the first request that ok accepts fail like f.
func (s *shop) once(ok func(plivotest.Request) bool, f plivotest.Failure) {
	s.times(1, ok, f)
}

// times does so for the first n of them.
func (s *shop) times(n int32, ok func(plivotest.Request) bool, f plivotest.Failure) {
	var left atomic.Int32
	left.Store(n)
	s.srv.FailFunc(func(r plivotest.Request) *plivotest.Failure {
		if !ok(r) || left.Add(-1) < 0 {
			return nil
		}
		return &f
	})
}

// landsLate is a request without an answer that takes effect 20 s later.
var landsLate = plivotest.Failure{LateEffect: 20 * time.Second, CutBefore: true}

// joined connects a customer and lets Lee join in a mode.
func joined(t *testing.T, s *shop, mode coaching.CoachMode) (e *ears, id coaching.CallID, legs map[string]*plivotest.Leg) {
	t.Helper()
	c, a, id := s.connected()
	e = s.listen(c)
	if _, err := s.flow.Barge(t.Context(), id, supLee, &coaching.JoinOptions{Mode: mode}); err != nil {
		t.Fatalf("Barge = %v", err)
	}
	return e, id, map[string]*plivotest.Leg{"customer": c, "agent": a, "lee": s.leg(lee)}
}

var (
	monitored = []string{"customer<-agent", "agent<-customer", "lee<-customer", "lee<-agent"}
	coached   = append([]string{"agent<-lee"}, monitored...)
	opened    = append([]string{"customer<-lee"}, coached...)
)

// A take-over's opening goes without an answer. The supervisor is muted, the
// verb says that it does not know, and 20 s later the opening lands: the
// customer hears nothing of it (R10 d).
func TestS1TakeOverLandsLate(t *testing.T) {
	for _, tt := range []struct {
		name string
		from coaching.CoachMode
		flag string
	}{
		{"the only lock from coach", coaching.ModeCoach, "coach_mode"},
		{"the first from monitor", coaching.ModeMonitor, "mute"},
		{"the second from monitor", coaching.ModeMonitor, "coach_mode"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				s := open(t, nil)
				e, id, legs := joined(t, s, tt.from)
				s.once(func(r plivotest.Request) bool { return asks(r, legs["lee"], tt.flag, false) }, landsLate)
				if _, err := e.takeOver(t.Context(), s.flow, id, supLee, coaching.AgentMute); !errors.Is(err, coaching.ErrUnknown) {
					t.Errorf("TakeOver = %v, want ErrUnknown", err)
				}
				after(15 * time.Second)
				s.hears("before it lands", legs, monitored...)
				after(10 * time.Second)
				s.hears("after it landed", legs, monitored...)
				after(2 * time.Minute)
				s.hears("two minutes later", legs, monitored...)
				if got, _ := s.book(id).Supervision("lee"); got.Mode != coaching.ModeMonitor || got.Audible || got.TookOver {
					t.Errorf("the books say %+v, want monitoring, not audible", got)
				}
				e.atMost(0)
			})
		})
	}
}

// The same, and before it lands somebody presses Coach. The microphone stays
// shut until nothing can land any more; who leaves and joins again owes
// nothing (R10 d).
func TestS2CoachWhileAnOpeningMayLand(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := open(t, nil)
		e, id, legs := joined(t, s, coaching.ModeCoach)
		ctx := t.Context()
		s.once(func(r plivotest.Request) bool { return asks(r, legs["lee"], "coach_mode", false) }, landsLate)
		if _, err := e.takeOver(ctx, s.flow, id, supLee, coaching.AgentKeep); !errors.Is(err, coaching.ErrUnknown) {
			t.Fatalf("TakeOver = %v, want ErrUnknown", err)
		}
		for range 20 {
			if err := s.flow.SetMode(ctx, id, "lee", coaching.ModeCoach); !errors.Is(err, coaching.ErrConflict) {
				t.Errorf("SetMode(coach) = %v, want ErrConflict", err)
			}
			if err := s.flow.SetMode(ctx, id, "lee", coaching.ModeMonitor); err != nil {
				t.Errorf("SetMode(monitor) = %v", err)
			}
			after(2 * time.Second)
		}
		s.hears("after it landed", legs, monitored...)
		if err := s.flow.Leave(ctx, id, "lee"); err != nil {
			t.Fatalf("Leave = %v", err)
		}
		if _, err := s.flow.Barge(ctx, id, supLee, nil); err != nil {
			t.Fatalf("Barge after Leave = %v", err)
		}
		legs["lee"] = s.leg(lee)
		s.hears("joined again", legs, coached...)
		if _, err := e.takeOver(ctx, s.flow, id, supLee, coaching.AgentKeep); err != nil {
			t.Errorf("TakeOver after joining again = %v", err)
		}
		s.hears("taken over", legs, opened...)
	})
}

// One instance sets Lee to coach while another lets her take over. Whoever
// comes first, the locks never contradict what the books say, and at the end
// everybody hears what the last one told was done (R10, one call one hand).
func TestS5TwoInstancesDisagree(t *testing.T) {
	for _, apart := range []time.Duration{0, time.Millisecond, 3 * time.Millisecond, 20 * time.Millisecond, 300 * time.Millisecond, time.Second, 2500 * time.Millisecond} {
		for _, first := range []string{"SetMode", "TakeOver"} {
			t.Run(fmt.Sprint(first, " first by ", apart), func(t *testing.T) {
				bubble(t, func(t *testing.T) {
					s, a := crowd(t, 2, nil)
					e, id, legs := joined(t, s, coaching.ModeMonitor)
					var took, set error
					verbs := map[string]func(){
						"TakeOver": func() { _, took = e.takeOver(t.Context(), a.to[0].flow, id, supLee, coaching.AgentKeep) },
						"SetMode":  func() { set = a.to[1].flow.SetMode(t.Context(), id, "lee", coaching.ModeCoach) },
					}
					done := make(chan struct{}, 2)
					for name, verb := range verbs {
						go func() {
							if name != first {
								after(apart)
							}
							verb()
							done <- struct{}{}
						}()
					}
					<-done
					<-done
					for name, err := range map[string]error{"TakeOver": took, "SetMode": set} {
						if err != nil && !errors.Is(err, coaching.ErrConflict) {
							t.Errorf("%s = %v, want nil or ErrConflict", name, err)
						}
					}
					after(10 * time.Second)
					got, _ := s.book(id).Supervision("lee")
					switch {
					case took != nil && set != nil:
						t.Errorf("TakeOver = %v, SetMode = %v: neither was done", took, set)
					case got.Mode == coaching.ModeOpen && took == nil:
						s.hears("taken over", legs, opened...)
					case got.Mode == coaching.ModeCoach && set == nil:
						s.hears("coaching", legs, coached...)
					default:
						t.Errorf("TakeOver = %v, SetMode = %v, and the books say %v", took, set, got.Mode)
					}
					e.atMost(0)
				})
			})
		}
	}
}

// The instance dies when coach_mode=false has taken effect, before it is
// stored. Another one takes the claim for dead, does not know what became of
// it, and closes both locks: the customer, who was to hear the supervisor,
// hears her no longer, and is not told that she took over (R10 d).
func TestS6CrashAfterTheOpening(t *testing.T) {
	for _, alone := range []bool{false, true} {
		t.Run(map[bool]string{false: "another instance runs", true: "restart 20 s later"}[alone], func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				s, a := crowd(t, 2, nil)
				e, id, legs := joined(t, s, coaching.ModeCoach)
				for k, i := range a.to {
					if alone && k == 1 {
						i.kill()
					}
					i.hook(nil, func(r *http.Request) {
						if last := s.requests("UpdateParticipant"); len(last) > 0 && asks(last[len(last)-1].Request, legs["lee"], "coach_mode", false) {
							a.to[0].hook(nil, nil)
							a.to[1].hook(nil, nil)
							i.kill()
						}
					})
				}
				ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
				defer cancel()
				verb := make(chan error, 1)
				go func() {
					_, err := e.takeOver(ctx, a.to[0].flow, id, supLee, coaching.AgentHold)
					verb <- err
				}()
				s.eventually("one dies", func() bool { return a.to[0].isDead() || a.to[1].isDead() && !alone })
				died := time.Now()
				if alone {
					after(20 * time.Second)
					a.to = append(a.to, s.instance(true))
				}
				for _, i := range a.to {
					if !i.isDead() {
						s.flow = i.flow
					}
				}
				s.eventually("both locks are closed", func() bool { return !s.srv.Hears(legs["customer"], legs["lee"]) })
				if took := time.Since(died); !alone && took > 11*time.Second {
					t.Errorf("undone after %v, want 11s at most", took)
				}
				if err := <-verb; !errors.Is(err, coaching.ErrUnknown) {
					t.Errorf("TakeOver = %v, want ErrUnknown", err)
				}
				after(2 * time.Minute)
				s.hears("two minutes later", legs, monitored...)
				if got, _ := s.book(id).Supervision("lee"); got.TookOver || got.Audible || got.Mode != coaching.ModeMonitor {
					t.Errorf("the books say %+v, want monitoring", got)
				}
				e.atMost(0)
			})
		})
	}
}

// A mute of the agent fails, while the late event of an earlier mute comes in
// and seems to confirm it. An event confirms nothing: the verb waits for a
// read, sends the mute again, and returns when it is true (R10 f).
func TestS7LateEventOfAnEarlierMute(t *testing.T) {
	for _, tt := range []struct {
		fails int32
		late  time.Duration // the event; the second mute begins 5 s after the first
	}{{2, 4 * time.Second}, {2, 5200 * time.Millisecond}, {1000, 4 * time.Second}, {1000, 5200 * time.Millisecond}, {1000, 9500 * time.Millisecond}, {1000, 15 * time.Second}} {
		t.Run(fmt.Sprint(tt.fails, " mutes fail, the event is late by ", tt.late), func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				s := open(t, nil)
				e, id, legs := joined(t, s, coaching.ModeCoach)
				ctx := t.Context()
				if _, err := e.takeOver(ctx, s.flow, id, supLee, coaching.AgentKeep); err != nil {
					t.Fatalf("TakeOver = %v", err)
				}
				var held atomic.Bool
				s.srv.CallbackFunc(func(c plivotest.Callback) *plivotest.CallbackFault {
					if c.Event == "ParticipantMute" && held.CompareAndSwap(false, true) {
						return &plivotest.CallbackFault{Delay: tt.late}
					}
					return nil
				})
				ann, _ := s.book(id).Agent("ann")
				if err := errors.Join(s.flow.Mute(ctx, id, ann.Member), s.flow.Unmute(ctx, id, ann.Member)); err != nil {
					t.Fatalf("Mute, Unmute = %v", err)
				}
				after(3 * time.Second)
				s.times(tt.fails, func(r plivotest.Request) bool { return asks(r, legs["agent"], "mute", true) }, plivotest.Failure{Status: 500, NoEffect: true})
				err := s.flow.Mute(ctx, id, ann.Member)
				muted := !s.srv.Hears(legs["customer"], legs["agent"])
				if err == nil != muted || tt.fails == 2 && err != nil {
					t.Errorf("Mute = %v, and the agent is muted: %v", err, muted)
				}
				if err != nil && !errors.Is(err, coaching.ErrUnknown) && !errors.Is(err, coaching.ErrNotApplied) {
					t.Errorf("Mute = %v, want ErrUnknown or ErrNotApplied", err)
				}
			})
		})
	}
}

// From coach to open and back within a second or so, and the event of the
// opening is delivered last. It is old news: the answers are true, and nothing
// is closed or opened for it (R10 f, R14).
func TestS8EventOfTheOpeningComesLast(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := open(t, nil)
		e, id, legs := joined(t, s, coaching.ModeCoach)
		after(5 * time.Second)
		s.srv.CallbackFunc(func(c plivotest.Callback) *plivotest.CallbackFault {
			if c.Event == "ParticipantCoachModeStop" {
				return &plivotest.CallbackFault{Delay: 10 * time.Second}
			}
			return nil
		})
		began := time.Now()
		if _, err := e.takeOver(t.Context(), s.flow, id, supLee, coaching.AgentKeep); err != nil {
			t.Fatalf("TakeOver = %v", err)
		}
		s.hears("taken over", legs, opened...)
		if took := time.Since(began); took > time.Second {
			t.Errorf("TakeOver took %v, want a second at most", took)
		}
		if _, err := s.flow.HandBack(t.Context(), id, "lee", nil); err != nil {
			t.Fatalf("HandBack = %v", err)
		}
		s.hears("handed back", legs, coached...)
		sent := len(s.requests("UpdateParticipant"))
		after(time.Minute)
		s.hears("a minute later", legs, coached...)
		if got, _ := s.book(id).Supervision("lee"); got.Mode != coaching.ModeCoach {
			t.Errorf("the books say %v, want coach", got.Mode)
		}
		if more := s.requests("UpdateParticipant")[sent:]; len(more) > 0 {
			t.Errorf("the late event led to %d requests, the first %v", len(more), more[0].Body)
		}
	})
}
