package coaching_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/mpc-coaching/coaching"
	"github.com/mpc-coaching/coaching/plivotest"
)

// The schedules about finding somebody for the customer.

// A supervisor takes over a customer whom no agent has reached yet. The call
// is still waiting, so an unlocked supervisor is not yet heard: TakeOver must
// make it active first, or its nil would be a lie (R11).
func TestS13TakeOverWhileTheCustomerWaits(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := open(t, nil, func(cfg *coaching.Config) {
			cfg.Route = func(context.Context, coaching.Call) (coaching.Next, error) {
				return coaching.Next{Wait: time.Minute}, nil
			}
		})
		c := s.call()
		after(5 * time.Second)
		id := s.id(c)
		v := s.watchOver(c)
		got, err := s.flow.TakeOver(t.Context(), id, supLee, nil)
		if err != nil || !got.Audible || got.Mode != coaching.ModeOpen {
			t.Errorf("TakeOver = %+v, %v, want audible in ModeOpen", got, err)
		}
		if !s.talks(c, s.leg(lee)) {
			t.Error("TakeOver returned nil, but customer and supervisor do not hear each other")
		}
		after(time.Minute)
		if !s.talks(c, s.leg(lee)) {
			t.Error("a minute later customer and supervisor do not hear each other")
		}
		s.dials("only the supervisor", 1)
		v.atMost(5 * time.Second)
	})
}

// The agent has put the customer on hold when a supervisor takes over. The
// customer has to be off hold before the beep, or they would hear music where
// TakeOver said that they hear the supervisor (R11).
func TestS13TakeOverWhileTheCustomerIsOnHold(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := open(t, nil)
		c, _, id := s.connected()
		if err := s.flow.Hold(t.Context(), id, member(c)); err != nil {
			t.Fatalf("Hold = %v", err)
		}
		if got := c.Listening(); got != "hold music" {
			t.Fatalf("after Hold the customer listens to %q, want hold music", got)
		}
		if _, err := s.flow.TakeOver(t.Context(), id, supLee, &coaching.TakeOverOptions{Agent: coaching.AgentHold}); err != nil {
			t.Fatalf("TakeOver = %v", err)
		}
		if !s.talks(c, s.leg(lee)) {
			t.Error("TakeOver returned nil, but customer and supervisor do not hear each other")
		}
		s.heardExactly("the customer", c, "wait music", "hold music", "beep:1")
	})
}

// The first attempt's dial takes effect so late that its phone is answered
// just when the second attempt's is: two agents are on their way in. Exactly
// one of them may stay (R7).
func TestS16TwoAgentsAnswer(t *testing.T) {
	for seed := range uint64(8) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				s := open(t, &plivotest.Options{Seed: seed, CPS: -1}, func(cfg *coaching.Config) {
					cfg.QueueAllowance = time.Second
					cfg.Route = func(_ context.Context, c coaching.Call) (coaching.Next, error) {
						a := agentAnn
						if len(c.Attempts) > 0 {
							a = agentBob
						}
						return coaching.Next{Ring: []coaching.Agent{a}, For: 5 * time.Second}, nil
					}
				})
				first, begun := true, time.Now()
				s.srv.FailFunc(func(r plivotest.Request) *plivotest.Failure {
					switch {
					case r.Op == "HangupCall" && time.Since(begun) < 20*time.Second:
						return &plivotest.Failure{Status: 500, NoEffect: true}
					case r.Op != "AddParticipant" || !first:
						return nil
					}
					first = false
					return &plivotest.Failure{Status: 500, LateEffect: 7 * time.Second}
				})
				s.phone(ann, plivotest.PhonePlan{After: 1500 * time.Millisecond})
				s.phone(bob, plivotest.PhonePlan{After: 2500 * time.Millisecond})
				c := s.call()
				v := s.watchOver(c)
				s.eventually("both agents' phones have rung", func() bool { return s.leg(ann) != nil && s.leg(bob) != nil })
				after(20 * time.Second)
				a, b := s.leg(ann), s.leg(bob)
				if s.talks(c, a) == s.talks(c, b) {
					t.Errorf("the customer talks with ann: %v, with bob: %v, want exactly one", s.talks(c, a), s.talks(c, b))
				}
				if a.State() != plivotest.Ended && b.State() != plivotest.Ended {
					t.Errorf("ann's phone is %s, bob's is %s, want one of them ended", a.State(), b.State())
				}
				s.dials("two attempts", 2)
				v.atMost(5 * time.Second)
			})
		})
	}
}

// The customer hangs up just before the dial for their agent reaches Plivo.
// Had the dial named the call by name, Plivo would make a new one and ring the
// agent into it, alone; it names the call by UUID (R3).
func TestS17CustomerGoneBeforeTheDial(t *testing.T) {
	for _, sw := range []plivotest.Switches{{}, {CreateAtJoin: true}, {JoinAfterEndCreates: true}} {
		t.Run(switchNames(sw), func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				s := closed(t, &plivotest.Options{Switches: sw})
				i := s.instance(true)
				s.flow = i.flow
				s.front.set(i.flow.Handler())
				i.hook(func(r *http.Request) {
					if isDial(r) {
						s.leg(caller).Hangup()
					}
				}, nil)
				s.call()
				after(time.Minute)
				if a := s.leg(ann); a != nil {
					t.Errorf("ann's phone rang (now %s) for a customer who had gone", a.State())
				}
				if got := len(s.srv.MPCs()); got != 1 {
					t.Errorf("there were %d multiparty calls, want 1", got)
				}
				s.dials("one dial, refused", 1)
				for _, err := range s.flow.Calls(t.Context(), coaching.CallFilter{}) {
					t.Errorf("Calls yields a call (err %v), want none", err)
				}
			})
		})
	}
}

// The customer hangs up while the agent's phone rings, hang-ups fail for a
// while, and Plivo lets the answered phone make a new multiparty call of our
// name. The customer is not in it: nobody is rung for it and it is ended (R3).
func TestS17AgentAnswersForNobody(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := open(t, &plivotest.Options{Switches: plivotest.Switches{JoinAfterEndCreates: true}})
		s.phone(ann, plivotest.PhonePlan{After: 6 * time.Second})
		s.srv.FailFunc(func(r plivotest.Request) *plivotest.Failure {
			if r.Op == "HangupCall" {
				return &plivotest.Failure{Status: 500, NoEffect: true}
			}
			return nil
		})
		c := s.call()
		s.eventually("ann's phone rings", func() bool { return s.leg(ann) != nil })
		after(2 * time.Second)
		c.Hangup()
		after(30 * time.Second)
		s.dials("only for the customer who was there", 1)
		for _, x := range s.srv.MPCs() {
			if x.Status != "Ended" {
				t.Errorf("multiparty call %s is %s, want it ended", x.UUID, x.Status)
			}
		}
		if st := s.leg(ann).State(); st != plivotest.Ended {
			t.Errorf("ann's phone is %s, want ended", st)
		}
	})
}

// A ticket is good, the document that lets the supervisor in is on its way,
// and the call ends before Plivo carries it out: the document makes a new
// multiparty call of that name. No agent is rung for it, and it is ended (R3).
func TestS18CallEndsUnderATicket(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := open(t, nil)
		c, _, id := s.connected()
		inner := s.flow.Handler()
		s.front.set(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			inner.ServeHTTP(w, r)
			if strings.HasSuffix(r.URL.Path, "/supervisor") {
				c.Hangup()
				time.Sleep(2 * time.Second)
			}
		}))
		ticket, err := s.flow.Ticket(t.Context(), id, supLee, nil)
		if err != nil {
			t.Fatalf("Ticket = %v", err)
		}
		name, value := ticket.Header()
		l := s.srv.Dial(lee, lee, map[string]string{name: value})
		after(time.Minute)
		s.dials("the agent, once", 1)
		if l.State() != plivotest.Ended {
			t.Errorf("the supervisor's call is %s, want ended", l.State())
		}
		for _, x := range s.srv.MPCs() {
			if x.Status != "Ended" {
				t.Errorf("multiparty call %s is %s, want it ended", x.UUID, x.Status)
			}
		}
	})
}

// Somebody sends a captured MPCInitialized again when the retention has long
// forgotten the call. Its signature is good, but a read does not find the
// customer: nobody is rung, and nothing stays in the books (R15).
func TestS19OldEventReplayed(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := open(t, nil, func(cfg *coaching.Config) { cfg.Retention = time.Minute })
		m := &mailroom{}
		s.front.set(m.keep(s.flow.Handler()))
		c, _, id := s.connected()
		c.Hangup()
		after(10 * time.Minute)
		if _, err := s.flow.Call(t.Context(), id); !errors.Is(err, coaching.ErrNotFound) {
			t.Fatalf("Call(forgotten) = %v, want ErrNotFound", err)
		}
		sent := 0
		for _, l := range m.all() {
			if strings.Contains(l.url, "/events") || strings.Contains(l.url, "/leg") {
				if status, body := s.post(l); status != http.StatusOK || body != "" {
					t.Errorf("replay of %s = %d, %q, want 200 and nothing", l.url, status, body)
				}
				sent++
				after(5 * time.Second)
			}
		}
		if sent < 5 {
			t.Fatalf("only %d callbacks were captured", sent)
		}
		after(time.Minute)
		s.dials("the agent, once", 1)
		for c := range s.flow.Calls(t.Context(), coaching.CallFilter{}) {
			t.Errorf("call %s (%v) is in the books, want none", c.ID, c.State)
		}
	})
}

// Twenty customers call within a second, and Plivo dials two phones a second.
// The last agent's phone rings ten seconds late: that is no reason to give it
// up, dial again or play the farewell (R6).
func TestS22TwentyCallsInASecond(t *testing.T) {
	bubble(t, func(t *testing.T) {
		const n = 20
		var mu sync.Mutex
		next := 0
		given := map[coaching.CallID]int{}
		s := open(t, nil, func(cfg *coaching.Config) {
			cfg.Route = func(_ context.Context, c coaching.Call) (coaching.Next, error) {
				mu.Lock()
				defer mu.Unlock()
				k, ok := given[c.ID]
				if !ok {
					k = next
					given[c.ID] = k
					next++
				}
				a := coaching.Agent{ID: coaching.AgentID(fmt.Sprintf("a%d", k)), Address: fmt.Sprintf("sip:a%d@phone.plivo.com", k)}
				return coaching.Next{Ring: []coaching.Agent{a}, For: 8 * time.Second}, nil
			}
		})
		for k := range n {
			s.srv.Phone(fmt.Sprintf("sip:a%d@phone.plivo.com", k), &plivotest.PhonePlan{After: 4 * time.Second, BusyInCall: true})
		}
		var customers []*plivotest.Leg
		for range n {
			customers = append(customers, s.call())
			after(50 * time.Millisecond)
		}
		after(25 * time.Second)
		s.dials("one for each", n)
		for k, c := range customers {
			if got := c.Listening(); got != "mpc" || farewell(c) {
				t.Errorf("customer %d listens to %q (farewell: %v), want their agent", k, got, farewell(c))
			}
		}
	})
}

// The agent and the customer have said goodbye, and the agent hangs up first.
// Nobody is looked for, and "nobody is available" is not played.
func TestS24AgentHangsUpAfterGoodbye(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := open(t, nil, ringing(agentAnn, agentBob))
		c, a, id := s.connected()
		a.Hangup()
		after(10 * time.Second)
		s.dials("nobody else is rung", 1)
		if c.State() != plivotest.Ended {
			t.Errorf("the customer's call is %s, want ended", c.State())
		}
		s.heardExactly("the customer", c, "wait music", "hold music")
		if got := s.book(id); got.State != coaching.StateEnded || got.EndReason != coaching.ExitAgent {
			t.Errorf("the call is %v, %v, want ended, agent", got.State, got.EndReason)
		}
	})
}

// The host ends the call: the line goes, without the words for a customer whom
// nobody had time for.
func TestS25EndWithoutFarewell(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := open(t, nil)
		c, a, id := s.connected()
		if err := s.flow.End(t.Context(), id, nil); err != nil {
			t.Fatalf("End = %v", err)
		}
		after(5 * time.Second)
		s.heardExactly("the customer", c, "wait music")
		if c.State() != plivotest.Ended || a.State() != plivotest.Ended {
			t.Errorf("after End the customer's call is %s, the agent's %s, want both ended", c.State(), a.State())
		}
	})
}

// With EndOptions.Farewell it is played.
func TestS25EndWithFarewell(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := open(t, nil)
		c, _, id := s.connected()
		if err := s.flow.End(t.Context(), id, &coaching.EndOptions{Farewell: true}); err != nil {
			t.Fatalf("End = %v", err)
		}
		after(20 * time.Second)
		if !farewell(c) {
			t.Errorf("after End with a farewell the customer heard %q, want speak among them", sounds(c))
		}
	})
}

// Route names one agent twice: one phone rings once, one dial is made (R5).
func TestS27AgentNamedTwice(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := open(t, nil, func(cfg *coaching.Config) { cfg.Route = coaching.RingOnce(agentAnn, agentAnn) })
		s.phone(ann, plivotest.PhonePlan{After: 2 * time.Second, BusyInCall: true})
		c, a, _ := s.connected()
		after(10 * time.Second)
		s.dials("one", 1)
		if got := len(s.srv.Phone(ann, nil).Calls()); got != 1 {
			t.Errorf("ann's phone had %d calls, want 1", got)
		}
		if !s.talks(c, a) {
			t.Error("customer and agent do not talk")
		}
	})
}

// Two calls choose one agent. The second finds the phone busy: the next agent
// is rung, and the customer keeps the music meanwhile (R6).
func TestS27TwoCallsChooseOneAgent(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := open(t, nil, ringing(agentAnn, agentBob))
		for _, p := range []string{ann, bob} {
			s.phone(p, plivotest.PhonePlan{After: 2 * time.Second, BusyInCall: true})
		}
		one := s.call()
		two := s.srv.Dial("14155550124", hotline, nil)
		after(20 * time.Second)
		a, b := s.leg(ann), s.leg(bob)
		if a == nil || b == nil {
			t.Fatal("not both agents were rung")
		}
		served := map[*plivotest.Leg]bool{}
		for _, c := range []*plivotest.Leg{one, two} {
			for _, l := range s.srv.Legs() {
				if l != c && s.talks(c, l) {
					served[c] = true
				}
			}
		}
		if !served[one] || !served[two] {
			t.Errorf("the first customer is served: %v, the second: %v, want both", served[one], served[two])
		}
		s.dials("ann twice, bob once", 3)
		for _, c := range []*plivotest.Leg{one, two} {
			if farewell(c) {
				t.Error("a customer heard the farewell")
			}
		}
	})
}
