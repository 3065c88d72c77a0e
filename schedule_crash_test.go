package coaching_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/mpc-coaching/coaching"
	"github.com/mpc-coaching/coaching/plivotest"
)

// The schedules about crashes, restarts, and a store or a connection that is
// away for a while.

// A supervisor took over and the agent was removed: theirs is the only voice.
// Somebody else mutes them; the request that mends it goes unanswered. The
// safe side would be to close both locks, and the customer would hear nobody:
// after the agents' part was sent, doubt rolls forward (R11).
func TestS12TheOnlyVoiceIsInDoubt(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := open(t, nil, ringing(agentAnn, agentBob))
		c, _, id := s.connected()
		if _, err := s.flow.TakeOver(t.Context(), id, supLee, &coaching.TakeOverOptions{Agent: coaching.AgentRemove}); err != nil {
			t.Fatalf("TakeOver = %v", err)
		}
		after(time.Minute)
		v := s.watchOver(c)
		l := s.leg(lee)
		before := len(s.requests("UpdateParticipant"))
		refuse := 1
		s.srv.FailFunc(func(r plivotest.Request) *plivotest.Failure {
			if r.Op == "UpdateParticipant" && r.Target == l.MemberID() && r.Body["mute"] == false && refuse > 0 {
				refuse--
				return &plivotest.Failure{Status: 503, NoEffect: true}
			}
			return nil
		})
		s.foreign(l, coaching.ParticipantUpdate{Mute: ptr(true)})
		after(2 * time.Minute)
		if !s.talks(c, l) {
			t.Errorf("two minutes later customer and supervisor do not hear each other; the customer hears %q", c.Listening())
		}
		for _, r := range s.requests("UpdateParticipant")[before+1:] {
			if r.Target == l.MemberID() && (r.Body["mute"] == true || r.Body["coach_mode"] == true) {
				t.Errorf("the library closed a lock of the only voice: %v", r.Body)
			}
		}
		v.atMost(8 * time.Second)
	})
}

// The same, and the verbs that would take the only voice away are refused.
func TestS12TheOnlyVoiceStays(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := open(t, nil)
		c, _, id := s.connected()
		ctx := t.Context()
		if _, err := s.flow.TakeOver(ctx, id, supLee, &coaching.TakeOverOptions{Agent: coaching.AgentRemove}); err != nil {
			t.Fatalf("TakeOver = %v", err)
		}
		for name, err := range map[string]error{
			"SetMode(coach)":   s.flow.SetMode(ctx, id, "lee", coaching.ModeCoach),
			"SetMode(monitor)": s.flow.SetMode(ctx, id, "lee", coaching.ModeMonitor),
			"Leave":            s.flow.Leave(ctx, id, "lee"),
		} {
			if !errors.Is(err, coaching.ErrConflict) {
				t.Errorf("%s = %v, want ErrConflict", name, err)
			}
		}
		s.phone(ann, plivotest.PhonePlan{Action: plivotest.Busy})
		if _, err := s.flow.HandBack(ctx, id, "lee", nil); !errors.Is(err, coaching.ErrNotApplied) {
			t.Errorf("HandBack(agent busy) = %v, want ErrNotApplied", err)
		}
		if !s.talks(c, s.leg(lee)) {
			t.Error("customer and supervisor do not hear each other any more")
		}
		if got, _ := s.book(id).Supervision("lee"); !got.TookOver || !got.Audible {
			t.Errorf("after a hand back that failed: %+v, want still taken over and audible", got)
		}
	})
}

// The instance dies after it swapped the dial to sent, before the request
// left. No other may dial: the phone might be ringing. When its ring time is
// over the customer is routed again, and has had music all the time (R6).
func TestS14CrashBeforeTheDial(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s, a := crowd(t, 2, nil, ringing(agentAnn))
		first := a.to
		for _, i := range first {
			i.hook(func(r *http.Request) {
				if isDial(r) {
					i.hook(nil, nil)
					i.kill()
				}
			}, nil)
		}
		killed := func() (dead, live *instance) {
			for k, i := range first {
				if i.isDead() {
					return i, first[1-k]
				}
			}
			return nil, nil
		}
		c := s.call()
		v := s.watchOver(c)
		s.eventually("one instance dies", func() bool { d, _ := killed(); return d != nil })
		_, live := killed()
		live.hook(nil, nil)
		s.flow = live.flow
		s.dials("nothing has reached Plivo", 0)
		after(30 * time.Second)
		s.dials("the phone might be ringing", 0)
		s.eventually("the customer is served", func() bool { return s.talks(c, s.leg(ann)) })
		s.dials("the second attempt", 1)
		s.heardExactly("the customer", c, "wait music")
		v.atMost(5 * time.Second)
		if got := s.book(s.id(c)).Attempts; len(got) != 2 || got[0].Reached != "" || got[1].Reached != "ann" {
			t.Errorf("Attempts = %+v, want two, the second of which reached ann", got)
		}
	})
}

// The instance dies between its dial and the answer to it; MPCInitialized
// comes again. The phone is answered: it rang once, and the leg is found by
// what its status says (R6, R8, R14).
func TestS15CrashAfterTheDial(t *testing.T) {
	for _, sw := range []plivotest.Switches{{}, {NoLegCallbacks: true}, {Sparse: true, NoLegCallbacks: true}} {
		t.Run(switchNames(sw), func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				s, a := crowd(t, 2, &plivotest.Options{Switches: sw}, ringing(agentAnn, agentBob))
				m := &mailroom{}
				a.wrap = m.keep
				var dead atomic.Pointer[instance]
				for _, i := range a.to {
					i.hook(nil, func(r *http.Request) {
						if isDial(r) && dead.CompareAndSwap(nil, i) {
							i.kill()
						}
					})
				}
				c := s.call()
				v := s.watchOver(c)
				s.eventually("ann's phone rings", func() bool { return s.leg(ann) != nil })
				for _, i := range a.to {
					if i != dead.Load() {
						s.flow = i.flow
					}
				}
				for _, l := range m.all() {
					if strings.Contains(string(l.body), "MPCInitialized") {
						if status, _ := s.post(l); status != http.StatusOK {
							t.Errorf("MPCInitialized again = %d, want 200", status)
						}
					}
				}
				s.eventually("the customer is served", func() bool { return s.talks(c, s.leg(ann)) })
				after(2 * time.Minute)
				if !s.talks(c, s.leg(ann)) {
					t.Error("two minutes later customer and agent do not talk")
				}
				s.dials("one phone rang", 1)
				if got, ok := s.book(s.id(c)).Agent("ann"); !ok || got.CallUUID != s.leg(ann).UUID() {
					t.Errorf("Agent(ann) = member %s, %v, want the phone that rang", got.Member, ok)
				}
				v.atMost(5 * time.Second)
			})
		})
	}
}

// The store is down when the customer calls, and stays down when their call
// comes to life. They get the document all the same, and music; when the store
// is back they are found and served (R4, R15, R18).
func TestS20StoreDownAtAnswer(t *testing.T) {
	for _, d := range []time.Duration{3 * time.Second, 20 * time.Second, 5 * time.Minute} {
		t.Run(d.String(), func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				s, a := crowd(t, 1, nil)
				a.to[0].storeDown(d)
				c := s.call()
				v := s.watchOver(c)
				after(2 * time.Second)
				if got := c.Listening(); got != "wait music" {
					t.Errorf("while the store is down the customer listens to %q, want wait music", got)
				}
				after(d)
				s.eventually("the customer is served", func() bool { return s.talks(c, s.leg(ann)) })
				s.dials("once", 1)
				got := s.book(s.id(c))
				if got.From != caller || got.To != hotline {
					t.Errorf("From, To = %q, %q, want %q, %q", got.From, got.To, caller, hotline)
				}
				s.heardExactly("the customer", c, "wait music")
				v.atMost(5 * time.Second)
				if at := got.Activated.Sub(got.Created); at > 15*time.Second {
					t.Errorf("served %v after the store was back, want at most 15s", at)
				}
			})
		})
	}
}

// The store comes back between the answer and the first event, and reads lag:
// the first one may not show the customer. Their call is no ghost for that.
func TestS20StoreBackWhileReadsLag(t *testing.T) {
	for seed := range uint64(20) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				s, a := crowd(t, 1, &plivotest.Options{Seed: seed, Switches: plivotest.Switches{StaleReads: 2 * time.Second}})
				a.to[0].storeDown(1200 * time.Millisecond)
				c := s.call()
				after(3 * time.Second)
				s.eventually("the customer is served", func() bool { return s.talks(c, s.leg(ann)) })
				s.dials("once", 1)
			})
		})
	}
}

// The first event of a call is lost, and a look for it by name finds nothing
// yet. That proves nothing: the customer is there (R3).
func TestS21NotFoundRightAfterTheAnswer(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := open(t, nil)
		start := time.Now()
		s.srv.CallbackFunc(func(cb plivotest.Callback) *plivotest.CallbackFault {
			if cb.Kind == "status" && time.Since(start) < 20*time.Second {
				return &plivotest.CallbackFault{Drop: true}
			}
			return nil
		})
		s.srv.FailFunc(func(r plivotest.Request) *plivotest.Failure {
			if (r.Op == "GetMPC" || r.Op == "ListMPCs") && time.Since(start) < 20*time.Second {
				if r.Op == "GetMPC" {
					return &plivotest.Failure{Status: 404, Body: "{}"}
				}
				return &plivotest.Failure{Status: 500, NoEffect: true}
			}
			return nil
		})
		c := s.call()
		s.eventually("the customer is served", func() bool { return s.talks(c, s.leg(ann)) })
		if d := time.Since(start); d > 35*time.Second {
			t.Errorf("served after %v, want at most 35s", d)
		}
		s.dials("once", 1)
		if got := s.book(s.id(c)); got.State != coaching.StateActive {
			t.Errorf("State = %v, want active", got.State)
		}
	})
}

// Plivo gives a callback up while the store is still busy with it, and sends
// it again; the request's context ends in between. The dial that follows from
// it is not bound to that context, and is made once (R6, R14).
func TestS23CallbackTimesOutDuringTheDial(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s, a := crowd(t, 1, nil)
		s.srv.FailFunc(func(r plivotest.Request) *plivotest.Failure {
			if r.Op == "AddParticipant" {
				return &plivotest.Failure{AfterDelay: 3 * time.Second}
			}
			return nil
		})
		a.wrap = func(h http.Handler) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				begun := time.Now()
				ctx, cancel := context.WithCancel(r.Context())
				h.ServeHTTP(w, r.WithContext(ctx))
				cancel() // the connection is gone as soon as the answer is written
				if d := time.Since(begun); d > 100*time.Millisecond {
					t.Errorf("%s took %v: a callback must not wait for Plivo", r.URL.Path, d)
				}
			})
		}
		c := s.call()
		s.eventually("the customer is served", func() bool { return s.talks(c, s.leg(ann)) })
		s.dials("once", 1)
	})
}

// The write of a callback took effect, but its answer came too late for the
// context: the callback is answered 503 and comes again, and changes nothing.
func TestS23CallbackIsStoredButTimesOut(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s, a := crowd(t, 2, nil)
		slow, quick := a.to[0], a.to[1]
		s.flow = quick.flow
		slow.storeSlow(true)
		a.wrap = func(http.Handler) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				// each callback first reaches the slow instance, in vain
				ctx, cancel := context.WithTimeout(r.Context(), 500*time.Millisecond)
				defer cancel()
				in := r.Clone(ctx)
				p := &paper{header: http.Header{}}
				body := readAll(t, r)
				in.Body, r.Body = body(), body()
				slow.flow.Handler().ServeHTTP(p, in)
				if r.URL.Path == "/plivo/answer" || r.URL.Path == "/plivo/events" {
					slow.storeSlow(true)
				}
				quick.flow.Handler().ServeHTTP(w, r)
			})
		}
		c := s.call()
		s.eventually("the customer is served", func() bool { return s.talks(c, s.leg(ann)) })
		after(time.Minute)
		s.dials("once", 1)
		if !s.talks(c, s.leg(ann)) {
			t.Error("a minute later customer and agent do not talk")
		}
	})
}

// The process is killed with everything it knew, and a new one starts with an
// empty store while two people talk. It finds the call, leaves the two
// talking, and serves it from then on (R18).
func TestS30RestartWhileTheyTalk(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s, a := crowd(t, 1, nil)
		c, ag, id := s.connected()
		a.to[0].kill()
		after(20 * time.Second)
		v := s.watchOver(c)
		s.cfg.Store = coaching.NewMemoryStore()
		fresh := s.instance(true)
		a.at(fresh)
		s.flow = fresh.flow
		after(10 * time.Second)
		if !s.talks(c, ag) {
			t.Error("customer and agent do not talk any more")
		}
		got := s.book(id)
		if got.State != coaching.StateActive || len(got.Participants) != 2 {
			t.Errorf("adopted: %v with %d participants, want active with 2", got.State, len(got.Participants))
		}
		if _, err := s.flow.Barge(t.Context(), id, supLee, nil); err != nil {
			t.Errorf("Barge into the adopted call = %v", err)
		}
		v.unheard()
		v.atMost(0)
		c.Hangup()
		after(10 * time.Second)
		if got := s.book(id); got.State != coaching.StateEnded {
			t.Errorf("after the customer hung up the call is %v, want ended", got.State)
		}
	})
}

// The same while the customer waits and an agent's phone rings: the phone may
// be answered by nobody's account. The customer is served by whoever answers.
func TestS30RestartWhileTheCustomerWaits(t *testing.T) {
	for _, tt := range []struct {
		name string
		ring time.Duration // ann's phone
	}{{"the phone rings on", time.Hour}, {"the phone is answered meanwhile", 6 * time.Second}, {"the phone is answered afterwards", 25 * time.Second}} {
		t.Run(tt.name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				s, a := crowd(t, 1, nil, ringing(agentAnn, agentBob))
				s.phone(ann, plivotest.PhonePlan{After: tt.ring})
				c := s.call()
				after(4 * time.Second)
				a.to[0].kill()
				after(10 * time.Second)
				s.cfg.Store = coaching.NewMemoryStore()
				s.phone(ann, plivotest.PhonePlan{After: 4 * time.Second, BusyInCall: true})
				fresh := s.instance(true)
				a.at(fresh)
				s.flow = fresh.flow
				v := s.watchOver(c)
				s.eventually("the customer is served", func() bool { return s.talks(c, s.leg(ann)) || s.talks(c, s.leg(bob)) })
				after(time.Minute)
				if !s.talks(c, s.leg(ann)) && !s.talks(c, s.leg(bob)) && !s.talks(c, s.srv.Phone(ann, nil).Calls()[0]) {
					t.Error("a minute later the customer talks with nobody")
				}
				if farewell(c) {
					t.Error("the customer heard the farewell")
				}
				v.atMost(5 * time.Second)
			})
		})
	}
}
