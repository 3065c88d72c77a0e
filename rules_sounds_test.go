package coaching_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/mpc-coaching/coaching"
	"github.com/mpc-coaching/coaching/plivotest"
)

// R16: the tables of docs/sounds.md. Each story is played once by Plivo's own
// music and once by ours, and every sound that reached anybody's ear is
// compared.

// A stage is what a story of the sounds has to play with.
type stage struct {
	*shop
	c, a *plivotest.Leg
	id   coaching.CallID
}

func (g *stage) must(err error) {
	g.t.Helper()
	if err != nil {
		g.t.Fatal(err)
	}
}

func (g *stage) barge(m coaching.CoachMode) {
	g.t.Helper()
	_, err := g.flow.Barge(g.t.Context(), g.id, supLee, &coaching.JoinOptions{Mode: m})
	g.must(err)
}

func (g *stage) takeOver(p coaching.AgentPart) {
	g.t.Helper()
	_, err := g.flow.TakeOver(g.t.Context(), g.id, supLee, &coaching.TakeOverOptions{Agent: p})
	g.must(err)
}

func (g *stage) handBack() {
	g.t.Helper()
	_, err := g.flow.HandBack(g.t.Context(), g.id, "lee", nil)
	g.must(err)
}

func (g *stage) setMode(m coaching.CoachMode) {
	g.t.Helper()
	g.must(g.flow.SetMode(g.t.Context(), g.id, "lee", m))
}

type soundStory struct {
	name            string
	waiting         bool // no agent is rung before the story
	play            func(g *stage)
	customer, agent []string // "wait music" of the customer's waiting stands first
	lee             []string
	bob             []string
}

func soundStories() []soundStory {
	const wait, hold, beep = "wait music", "hold music", "beep:1"
	quiet := func(g *stage) { after(time.Minute) }
	return []soundStory{
		{name: "connect", play: quiet, customer: []string{wait}},
		{name: "nobody answers, the next is rung", waiting: true, play: func(g *stage) {
			g.phone(ann, plivotest.PhonePlan{Action: plivotest.NoAnswer})
			g.c = g.call()
			g.eventually("bob serves", func() bool { return g.talks(g.c, g.leg(bob)) })
		}, customer: []string{wait}},
		{name: "nobody is found", waiting: true, play: func(g *stage) {
			g.phone(ann, plivotest.PhonePlan{Action: plivotest.Busy})
			g.phone(bob, plivotest.PhonePlan{Action: plivotest.Busy})
			g.c = g.call()
			after(time.Minute)
		}, customer: []string{wait, "speak"}},
		{name: "supervisor while waiting", waiting: true, play: func(g *stage) {
			g.phone(ann, plivotest.PhonePlan{After: 8 * time.Second})
			g.c = g.call()
			after(time.Second)
			g.id = g.shop.id(g.c)
			g.barge(coaching.ModeCoach)
			after(time.Minute)
		}, customer: []string{wait}, lee: []string{wait}},
		{name: "add supervisor", play: func(g *stage) {
			_, err := g.flow.AddSupervisor(g.t.Context(), g.id, supLee, nil)
			g.must(err)
			after(time.Minute)
		}, customer: []string{wait}},
		{name: "barge, monitor, coach, leave", play: func(g *stage) {
			g.barge(coaching.ModeMonitor)
			g.setMode(coaching.ModeCoach)
			g.setMode(coaching.ModeMonitor)
			g.must(g.flow.Leave(g.t.Context(), g.id, "lee"))
		}, customer: []string{wait}},
		{name: "ticket", play: func(g *stage) {
			k, err := g.flow.Ticket(g.t.Context(), g.id, supLee, nil)
			g.must(err)
			name, value := k.Header()
			g.srv.Dial(lee, lee, map[string]string{name: value})
			after(time.Minute)
			if _, ok := g.book(g.id).Supervisor("lee"); !ok {
				g.t.Error("the supervisor with a ticket is not in")
			}
		}, customer: []string{wait}},
		{name: "take over, keep", play: func(g *stage) { g.takeOver(coaching.AgentKeep); quiet(g) },
			customer: []string{wait, beep}, agent: []string{beep}, lee: []string{beep}},
		{name: "take over, mute", play: func(g *stage) { g.barge(coaching.ModeMonitor); g.takeOver(coaching.AgentMute); quiet(g) },
			customer: []string{wait, beep}, agent: []string{beep}, lee: []string{beep}},
		{name: "take over, hold", play: func(g *stage) { g.takeOver(coaching.AgentHold); quiet(g) },
			customer: []string{wait, beep}, agent: []string{beep, hold}, lee: []string{beep}},
		{name: "take over, remove", play: func(g *stage) { g.takeOver(coaching.AgentRemove); quiet(g) },
			customer: []string{wait, beep}, agent: []string{beep}, lee: []string{beep}},
		{name: "take over while the customer is on hold", play: func(g *stage) {
			g.must(g.flow.Hold(g.t.Context(), g.id, member(g.c)))
			g.takeOver(coaching.AgentKeep)
		}, customer: []string{wait, hold, beep}, agent: []string{beep}, lee: []string{beep}},
		{name: "hand back, kept", play: func(g *stage) { g.takeOver(coaching.AgentKeep); g.handBack(); quiet(g) },
			customer: []string{wait, beep, beep}, agent: []string{beep, beep}, lee: []string{beep, beep}},
		{name: "hand back, muted", play: func(g *stage) { g.takeOver(coaching.AgentMute); g.handBack(); quiet(g) },
			customer: []string{wait, beep, beep}, agent: []string{beep, beep}, lee: []string{beep, beep}},
		{name: "hand back, on hold", play: func(g *stage) { g.takeOver(coaching.AgentHold); g.handBack(); quiet(g) },
			customer: []string{wait, beep, beep}, agent: []string{beep, hold, beep}, lee: []string{beep, beep}},
		{name: "hand back, removed", play: func(g *stage) {
			g.takeOver(coaching.AgentRemove)
			g.handBack()
			if got := sounds(g.leg(ann)); len(got) != 1 || got[0] != beep {
				g.t.Errorf("the agent who came back heard %q, want one beep", got)
			}
		}, customer: []string{wait, beep, beep}, agent: []string{beep}, lee: []string{beep, beep}},
		{name: "hand back, removed, nobody answers", play: func(g *stage) {
			g.takeOver(coaching.AgentRemove)
			g.phone(ann, plivotest.PhonePlan{Action: plivotest.Busy})
			if _, err := g.flow.HandBack(g.t.Context(), g.id, "lee", nil); err == nil {
				g.t.Error("HandBack(busy) = nil")
			}
		}, customer: []string{wait, beep}, agent: []string{beep}, lee: []string{beep}},
		{name: "who took over drops out, agent muted", play: func(g *stage) {
			g.takeOver(coaching.AgentMute)
			g.leg(lee).Hangup()
			after(time.Minute)
			if !g.talks(g.c, g.a) {
				g.t.Error("customer and agent do not talk")
			}
		}, customer: []string{wait, beep}, agent: []string{beep}, lee: []string{beep}},
		{name: "agent lost, replaced", play: func(g *stage) {
			g.must(g.flow.Remove(g.t.Context(), g.id, member(g.a)))
			g.eventually("bob serves", func() bool { return g.talks(g.c, g.leg(bob)) })
			quiet(g)
		}, customer: []string{wait, hold}},
		{name: "agent says goodbye", play: func(g *stage) { g.a.Hangup(); quiet(g) }, customer: []string{wait, hold}},
		{name: "transfer", play: func(g *stage) {
			g.must(g.flow.Transfer(g.t.Context(), g.id, coaching.Next{Ring: []coaching.Agent{agentBob}}))
			quiet(g)
		}, customer: []string{wait}},
		{name: "hold and resume", play: func(g *stage) {
			ctx := g.t.Context()
			g.must(g.flow.Hold(ctx, g.id, member(g.c)))
			after(time.Minute)
			g.must(g.flow.Resume(ctx, g.id, member(g.c)))
			quiet(g)
		}, customer: []string{wait, hold}},
		{name: "customer hangs up", play: func(g *stage) { g.barge(coaching.ModeCoach); g.c.Hangup(); quiet(g) }, customer: []string{wait}},
		{name: "end", play: func(g *stage) { g.must(g.flow.End(g.t.Context(), g.id, nil)); quiet(g) }, customer: []string{wait}},
		{name: "an open lock goes unanswered", play: func(g *stage) {
			g.barge(coaching.ModeCoach)
			done := false
			g.srv.FailFunc(func(r plivotest.Request) *plivotest.Failure {
				if r.Body["coach_mode"] == false && !done {
					done = true
					return &plivotest.Failure{CutAfter: true}
				}
				return nil
			})
			if _, err := g.flow.TakeOver(g.t.Context(), g.id, supLee, nil); !isOneOf(err, coaching.ErrUnknown, coaching.ErrNotApplied) {
				g.t.Errorf("TakeOver(cut) = %v, want ErrUnknown", err)
			}
			after(2 * time.Minute)
		}, customer: []string{wait, beep, beep}, agent: []string{beep, beep}, lee: []string{beep, beep}},
	}
}

func TestR16Sounds(t *testing.T) {
	for _, tt := range soundStories() {
		for _, own := range []bool{false, true} {
			name := tt.name
			if own {
				name += ", own music"
			}
			t.Run(name, func(t *testing.T) {
				bubble(t, func(t *testing.T) {
					g := &stage{shop: open(t, nil, ringing(agentAnn, agentBob), func(cfg *coaching.Config) {
						if own {
							cfg.WaitMusic, cfg.HoldMusic = "https://cdn.example.com/wait.mp3", "https://cdn.example.com/hold.mp3"
						}
						inner := cfg.Route
						cfg.Route = func(ctx context.Context, c coaching.Call) (coaching.Next, error) {
							if len(c.Attempts) > 3 {
								return coaching.Next{}, nil
							}
							return inner(ctx, c)
						}
					})}
					if !tt.waiting {
						g.c, g.a, g.id = g.connected()
					}
					tt.play(g)
					first := func(address string) *plivotest.Leg {
						if calls := g.srv.Phone(address, nil).Calls(); len(calls) > 0 {
							return calls[0]
						}
						return nil
					}
					for _, who := range []struct {
						name string
						l    *plivotest.Leg
						want []string
					}{{"the customer", g.c, tt.customer}, {"ann", first(ann), tt.agent}, {"lee", first(lee), tt.lee}, {"bob", first(bob), tt.bob}} {
						if who.l != nil {
							g.heardExactly(who.name, who.l, who.want...)
						}
					}
					for _, x := range g.c.Sounds() {
						if kind, music := strings.CutSuffix(x.Kind, " music"); own && music && x.Name != publicURL+"/music?kind="+kind {
							t.Errorf("the customer heard %s %q, want our own", x.Kind, x.Name)
						}
					}
				})
			})
		}
	}
}
