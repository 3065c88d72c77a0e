package coaching_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/mpc-coaching/coaching"
	"github.com/mpc-coaching/coaching/plivotest"
)

// Who is with the customer: each way of leaving, whoever remains, and what the
// customer gets. The rule is one: they have an audible party, or music, or the
// farewell.

type companyCase struct {
	name   string
	adjust func(*coaching.Config)
	sw     plivotest.Switches
	play   func(g *stage)
	wait   time.Duration       // for the outcome; 0: 30 s
	with   string              // whom the customer talks with in the end; "": nobody
	hears  string              // else what they listen to
	ended  coaching.ExitReason // else why it ended
	sounds []string            // all they heard after the wait music
	dials  int
	silent time.Duration // the longest silence allowed
}

// kick lets somebody with the account's credentials kick a participant.
func (g *stage) kick(l *plivotest.Leg) {
	g.t.Helper()
	client := coaching.NewClient(g.cfg.Plivo, g.srv.Client())
	g.must(client.KickParticipants(g.t.Context(), coaching.ByUUID(l.MPCUUID()), coaching.MemberIDs(member(l))))
}

// cut ends a call by the API: the line broke, nobody said goodbye.
func (g *stage) cut(l *plivotest.Leg) {
	g.t.Helper()
	client := coaching.NewClient(g.cfg.Plivo, g.srv.Client())
	g.must(client.HangUp(g.t.Context(), l.UUID()))
}

const (
	holdMusic = "hold music"
	beepOne   = "beep:1"
	spoken    = "speak"
	atOnce    = 100 * time.Millisecond // from the event to the music
)

func routeAgain(cfg *coaching.Config) { cfg.Leave.AfterGoodbye = coaching.LeaveRoute }

func (g *stage) conflict(what string, err error) {
	g.t.Helper()
	if !errors.Is(err, coaching.ErrConflict) {
		g.t.Errorf("%s = %v, want ErrConflict", what, err)
	}
}

// The customer leaves, whoever remains: the call ends.
func TestCompanyC1(t *testing.T) {
	playCompany(t, []companyCase{
		{name: "the customer leaves", play: func(g *stage) { g.barge(coaching.ModeCoach); g.c.Hangup() },
			ended: coaching.ExitCustomer, dials: 2},
	})
}

// An agent leaves, another audible party remains: carry on.
func TestCompanyC2(t *testing.T) {
	playCompany(t, []companyCase{
		{name: "one of two agents hangs up", play: func(g *stage) { b := g.second(g.id); g.a.Hangup(); _ = b },
			with: bob, sounds: []string{beepOne, beepOne}, dials: 3},
		{name: "an agent hangs up beside a supervisor who took over", play: func(g *stage) { g.takeOver(coaching.AgentKeep); g.a.Hangup() },
			with: lee, sounds: []string{beepOne}, dials: 2},
		{name: "a muted agent hangs up beside a supervisor who took over", play: func(g *stage) { g.takeOver(coaching.AgentMute); g.a.Hangup() },
			with: lee, sounds: []string{beepOne}, dials: 2},
		{name: "an agent is removed beside a supervisor who took over", play: func(g *stage) {
			g.takeOver(coaching.AgentHold)
			g.must(g.flow.Remove(g.t.Context(), g.id, member(g.a)))
		}, with: lee, sounds: []string{beepOne}, dials: 2},
	})
}

// The last agent hangs up normally: music at once, and the end without a
// farewell, unless LeavePolicy routes.
func TestCompanyC3(t *testing.T) {
	playCompany(t, []companyCase{
		{name: "goodbye", play: func(g *stage) { g.a.Hangup() },
			ended: coaching.ExitAgent, sounds: []string{holdMusic}, dials: 1, silent: atOnce},
		{name: "goodbye, a supervisor monitors", play: func(g *stage) { g.barge(coaching.ModeMonitor); g.a.Hangup() },
			ended: coaching.ExitAgent, sounds: []string{holdMusic}, dials: 2, silent: atOnce},
		{name: "goodbye, routed by policy", adjust: routeAgain, play: func(g *stage) { g.a.Hangup() },
			with: bob, sounds: []string{holdMusic}, dials: 2, silent: atOnce},
		{name: "goodbye, routed by policy, a supervisor coaches", adjust: routeAgain, play: func(g *stage) { g.barge(coaching.ModeCoach); g.a.Hangup() },
			with: bob, sounds: []string{holdMusic}, dials: 3, silent: atOnce},
		{name: "goodbye, the cause is read", sw: plivotest.Switches{NoLegCallbacks: true}, play: func(g *stage) { g.a.Hangup() },
			ended: coaching.ExitAgent, sounds: []string{holdMusic}, dials: 1, silent: atOnce},
		{name: "goodbye, the cause comes within the grace", sw: plivotest.Switches{NoLegCallbacks: true, HangupCauseDelay: time.Second}, play: func(g *stage) { g.a.Hangup() },
			ended: coaching.ExitAgent, sounds: []string{holdMusic}, dials: 1, silent: atOnce},
		{name: "goodbye, the cause comes too late", sw: plivotest.Switches{NoLegCallbacks: true, HangupCauseDelay: 10 * time.Second}, play: func(g *stage) { g.a.Hangup() },
			with: bob, sounds: []string{holdMusic}, dials: 2, silent: atOnce},
	})
}

// The last agent is lost otherwise: music and routing, three times and MaxWait
// at most, then the farewell. Nobody unheard is promoted.
func TestCompanyC4(t *testing.T) {
	playCompany(t, []companyCase{
		{name: "line cut", play: func(g *stage) { g.cut(g.a) }, with: bob, sounds: []string{holdMusic}, dials: 2, silent: atOnce},
		{name: "line cut, a supervisor coaches", play: func(g *stage) { g.barge(coaching.ModeCoach); g.cut(g.a) },
			with: bob, sounds: []string{holdMusic}, dials: 3, silent: atOnce},
		{name: "kicked by others", play: func(g *stage) { g.kick(g.a) }, with: bob, sounds: []string{holdMusic}, dials: 2, silent: atOnce},
		{name: "removed by a verb", play: func(g *stage) { g.must(g.flow.Remove(g.t.Context(), g.id, member(g.a))) },
			with: bob, sounds: []string{holdMusic}, dials: 2, silent: atOnce},
		{name: "line cut, nobody is found", adjust: func(cfg *coaching.Config) { cfg.Route = coaching.RingOnce(agentAnn) }, play: func(g *stage) {
			g.phone(ann, plivotest.PhonePlan{Action: plivotest.Busy})
			g.cut(g.a)
		}, ended: coaching.ExitNobody, sounds: []string{holdMusic, spoken}, dials: 2, silent: atOnce},
		{name: "line cut, nobody until MaxWait", adjust: func(cfg *coaching.Config) {
			cfg.MaxWait = time.Minute
			cfg.Route = func(_ context.Context, c coaching.Call) (coaching.Next, error) {
				if len(c.Attempts) == 0 {
					return coaching.Next{Ring: []coaching.Agent{agentAnn}}, nil
				}
				return coaching.Next{Wait: 7 * time.Second}, nil
			}
		}, play: func(g *stage) { g.barge(coaching.ModeCoach); g.cut(g.a) }, wait: 90 * time.Second,
			ended: coaching.ExitNobody, sounds: []string{holdMusic, spoken}, dials: 2, silent: atOnce},
		{name: "line cut, music for two hours if need be", adjust: func(cfg *coaching.Config) {
			cfg.MaxWait = 3 * time.Hour
			cfg.Route = func(_ context.Context, c coaching.Call) (coaching.Next, error) {
				if len(c.Attempts) == 0 {
					return coaching.Next{Ring: []coaching.Agent{agentAnn}}, nil
				}
				return coaching.Next{Wait: time.Minute}, nil
			}
		}, play: func(g *stage) { g.cut(g.a) }, wait: 2 * time.Hour, hears: holdMusic, sounds: []string{holdMusic}, dials: 1, silent: atOnce},
		{name: "three losses, then the farewell", play: func(g *stage) {
			for k := range 4 {
				l := g.talker()
				if l == nil {
					g.t.Fatalf("before loss %d the customer talks with nobody", k+1)
				}
				g.cut(l)
				after(20 * time.Second)
			}
		}, ended: coaching.ExitNobody, sounds: []string{holdMusic, holdMusic, holdMusic, holdMusic, spoken}, dials: 4, silent: atOnce},
	})
}

// A supervisor who took over leaves: the agents get back what they had; agent
// gone, as for the last agent.
func TestCompanyC5(t *testing.T) {
	playCompany(t, []companyCase{
		{name: "who took over drops out, agent muted", play: func(g *stage) { g.takeOver(coaching.AgentMute); g.leg(lee).Hangup() },
			with: ann, sounds: []string{beepOne}, dials: 2, silent: atOnce},
		{name: "who took over is cut off, agent on hold", play: func(g *stage) { g.takeOver(coaching.AgentHold); g.cut(g.leg(lee)) },
			with: ann, sounds: []string{beepOne}, dials: 2, silent: atOnce},
		{name: "who took over leaves by the verb, agent on hold", play: func(g *stage) {
			g.takeOver(coaching.AgentHold)
			g.must(g.flow.Leave(g.t.Context(), g.id, "lee"))
		}, with: ann, sounds: []string{beepOne}, dials: 2, silent: atOnce},
		{name: "who took over is cut off, agent removed", play: func(g *stage) { g.takeOver(coaching.AgentRemove); g.cut(g.leg(lee)) },
			with: bob, sounds: []string{beepOne, holdMusic}, dials: 3, silent: atOnce},
		{name: "who took over says goodbye, agent removed", play: func(g *stage) { g.takeOver(coaching.AgentRemove); g.leg(lee).Hangup() },
			ended: coaching.ExitAgent, sounds: []string{beepOne, holdMusic}, dials: 2, silent: atOnce},
		{name: "who took over drops out, agent gone, another monitors", play: func(g *stage) {
			_, err := g.flow.Barge(g.t.Context(), g.id, supMia, &coaching.JoinOptions{Mode: coaching.ModeMonitor})
			g.must(err)
			g.takeOver(coaching.AgentRemove)
			g.cut(g.leg(lee))
		}, with: bob, sounds: []string{beepOne, holdMusic}, dials: 4, silent: atOnce},
	})
}

// Another supervisor leaves: nobody else's mute or hold changes.
func TestCompanyC6(t *testing.T) {
	playCompany(t, []companyCase{
		{name: "a monitoring supervisor leaves", play: func(g *stage) {
			_, err := g.flow.Barge(g.t.Context(), g.id, supMia, &coaching.JoinOptions{Mode: coaching.ModeMonitor})
			g.must(err)
			g.takeOver(coaching.AgentHold)
			g.leg(mia).Hangup()
			after(10 * time.Second)
			if p, _ := g.book(g.id).Agent("ann"); !p.Held || g.a.Listening() != holdMusic {
				g.t.Errorf("the agent is on hold: %v, hears %s; want them left alone", p.Held, g.a.Listening())
			}
		}, with: lee, sounds: []string{beepOne}, dials: 3},
	})
}

// All but supervisors leave: the end, and phones that ring are given up.
func TestCompanyC7(t *testing.T) {
	playCompany(t, []companyCase{
		{name: "customer leaves while a supervisor rings", play: func(g *stage) {
			g.phone(mia, plivotest.PhonePlan{Action: plivotest.NoAnswer})
			_, err := g.flow.Barge(g.t.Context(), g.id, supMia, &coaching.JoinOptions{NoWait: true})
			g.must(err)
			g.barge(coaching.ModeCoach)
			g.c.Hangup()
		}, ended: coaching.ExitCustomer, dials: 3},
	})
}

// Mute and hold of the only audible party, by verbs and behind our back.
func TestCompanyMuteAndHold(t *testing.T) {
	playCompany(t, []companyCase{
		{name: "mute of the only audible party", play: func(g *stage) {
			g.conflict("Mute", g.flow.Mute(g.t.Context(), g.id, member(g.a)))
		}, with: ann, dials: 1},
		{name: "hold of the only audible party", play: func(g *stage) {
			g.must(g.flow.Hold(g.t.Context(), g.id, member(g.a)))
		}, hears: holdMusic, sounds: []string{holdMusic}, dials: 1, silent: atOnce},
		{name: "hold of the only audible party, resumed", play: func(g *stage) {
			g.must(g.flow.Hold(g.t.Context(), g.id, member(g.a)))
			after(time.Minute)
			g.must(g.flow.Resume(g.t.Context(), g.id, member(g.a)))
		}, with: ann, sounds: []string{holdMusic}, dials: 1, silent: atOnce},
		{name: "hold of the customer, resumed", play: func(g *stage) {
			g.must(g.flow.Hold(g.t.Context(), g.id, member(g.c)))
			after(time.Minute)
			g.must(g.flow.Resume(g.t.Context(), g.id, member(g.c)))
		}, with: ann, sounds: []string{holdMusic}, dials: 1},
		{name: "mute and hold of one of two agents, who stays alone", play: func(g *stage) {
			b := g.second(g.id)
			g.must(g.flow.Mute(g.t.Context(), g.id, member(g.a)))
			g.must(g.flow.Hold(g.t.Context(), g.id, member(g.a)))
			g.cut(b)
		}, with: ann, sounds: []string{beepOne, beepOne}, dials: 3, silent: atOnce},
		{name: "muted behind our back", play: func(g *stage) {
			g.foreign(g.a, coaching.ParticipantUpdate{Mute: ptr(true)})
		}, with: ann, dials: 1, silent: 5 * time.Second},
		{name: "held behind our back", play: func(g *stage) {
			g.foreign(g.a, coaching.ParticipantUpdate{Hold: ptr(true)})
		}, with: ann, dials: 1, silent: 5 * time.Second},
		{name: "the customer held behind our back", play: func(g *stage) {
			g.foreign(g.c, coaching.ParticipantUpdate{Hold: ptr(true)})
		}, with: ann, sounds: []string{holdMusic}, dials: 1, silent: 5 * time.Second},
		{name: "agent lost while the customer is on hold", play: func(g *stage) {
			g.must(g.flow.Hold(g.t.Context(), g.id, member(g.c)))
			after(10 * time.Second)
			g.cut(g.a)
		}, with: bob, sounds: []string{holdMusic}, dials: 2},
	})
}

// One agent goes for another.
func TestCompanyTransfer(t *testing.T) {
	playCompany(t, []companyCase{
		{name: "transfer", play: func(g *stage) {
			g.must(g.flow.Transfer(g.t.Context(), g.id, coaching.Next{Ring: []coaching.Agent{agentBob}}))
		}, with: bob, dials: 2},
		{name: "transfer, nobody answers", play: func(g *stage) {
			g.phone(bob, plivotest.PhonePlan{Action: plivotest.NoAnswer})
			if err := g.flow.Transfer(g.t.Context(), g.id, coaching.Next{Ring: []coaching.Agent{agentBob}, For: 10 * time.Second}); !errors.Is(err, coaching.ErrNotApplied) {
				g.t.Errorf("Transfer = %v, want ErrNotApplied", err)
			}
		}, with: ann, dials: 2},
		{name: "transfer, the first hangs up meanwhile", play: func(g *stage) {
			g.phone(bob, plivotest.PhonePlan{After: 5 * time.Second})
			done := make(chan error, 1)
			go func() {
				done <- g.flow.Transfer(context.Background(), g.id, coaching.Next{Ring: []coaching.Agent{agentBob}, For: 20 * time.Second})
			}()
			after(2 * time.Second)
			g.a.Hangup()
			if err := <-done; err != nil {
				g.t.Errorf("Transfer = %v, want nil", err)
			}
		}, with: bob, sounds: []string{holdMusic}, dials: 2, silent: atOnce},
		{name: "transfer, the first hangs up meanwhile, nobody answers", play: func(g *stage) {
			g.phone(bob, plivotest.PhonePlan{Action: plivotest.NoAnswer})
			done := make(chan error, 1)
			go func() {
				done <- g.flow.Transfer(context.Background(), g.id, coaching.Next{Ring: []coaching.Agent{agentBob}, For: 10 * time.Second})
			}()
			after(2 * time.Second)
			g.phone(ann, plivotest.PhonePlan{After: 2 * time.Second})
			g.a.Hangup()
			if err := <-done; !errors.Is(err, coaching.ErrNotApplied) {
				g.t.Errorf("Transfer = %v, want ErrNotApplied", err)
			}
		}, with: ann, sounds: []string{holdMusic}, dials: 3, silent: atOnce},
		{name: "hand back, the supervisor drops out while the agent rings", play: func(g *stage) {
			g.takeOver(coaching.AgentRemove)
			g.phone(ann, plivotest.PhonePlan{After: 6 * time.Second})
			done := make(chan error, 1)
			go func() {
				_, err := g.flow.HandBack(context.Background(), g.id, "lee", nil)
				done <- err
			}()
			after(2 * time.Second)
			g.leg(lee).Hangup()
			if err := <-done; err == nil {
				g.t.Error("HandBack = nil, although the supervisor left before the agent was there")
			}
		}, with: ann, sounds: []string{beepOne, holdMusic}, dials: 3, silent: atOnce},
		{name: "transfer to oneself", play: func(g *stage) {
			g.conflict("Transfer", g.flow.Transfer(g.t.Context(), g.id, coaching.Next{Ring: []coaching.Agent{agentAnn}}))
		}, with: ann, dials: 1},
		{name: "removing the customer", play: func(g *stage) {
			if err := g.flow.Remove(g.t.Context(), g.id, member(g.c)); !errors.Is(err, coaching.ErrInvalid) {
				g.t.Errorf("Remove(customer) = %v, want ErrInvalid", err)
			}
		}, with: ann, dials: 1},
	})
}

// talker returns whom the customer talks with, or nil.
func (g *stage) talker() *plivotest.Leg {
	for _, l := range g.srv.Legs() {
		if l != g.c && g.talks(g.c, l) {
			return l
		}
	}
	return nil
}

func playCompany(t *testing.T, cases []companyCase) {
	for _, tt := range cases {
		t.Run(tt.name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				adjust := []func(*coaching.Config){ringing(agentAnn, agentBob)}
				if tt.adjust != nil {
					adjust = append(adjust, tt.adjust)
				}
				g := &stage{shop: open(t, &plivotest.Options{Switches: tt.sw}, adjust...)}
				g.c, g.a, g.id = g.connected()
				after(2 * time.Second)
				v := g.watchOver(g.c)
				tt.play(g)
				if after(30 * time.Second); tt.wait > 0 {
					after(tt.wait - 30*time.Second)
				}
				got := g.book(g.id)
				switch {
				case tt.with != "":
					if l := g.talker(); l == nil || l.Phone().Address() != tt.with {
						t.Errorf("the customer talks with %v and hears %s, want %s", address(l), g.c.Listening(), tt.with)
					}
				case tt.hears != "":
					if what := g.c.Listening(); what != tt.hears {
						t.Errorf("the customer listens to %q, want %q", what, tt.hears)
					}
				default:
					if got.State != coaching.StateEnded || got.EndReason != tt.ended {
						t.Errorf("the call is %v, %v, want ended, %v", got.State, got.EndReason, tt.ended)
					}
					for _, l := range g.srv.Legs() {
						if l.State() != plivotest.Ended {
							t.Errorf("the call with %s is %s, want ended", l.Phone().Address(), l.State())
						}
					}
				}
				g.heardExactly("the customer", g.c, append([]string{"wait music"}, tt.sounds...)...)
				g.dials("in all", tt.dials)
				v.atMost(tt.silent)
				if !slices.Contains(tt.sounds, "beep:1") {
					v.unheard()
				}
			})
		})
	}
}

func address(l *plivotest.Leg) string {
	if l == nil {
		return "nobody"
	}
	return l.Phone().Address()
}
