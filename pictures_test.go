package coaching_test

import (
	"context"
	"slices"
	"strings"
	"testing"

	"github.com/mpc-coaching/coaching"
	"github.com/mpc-coaching/coaching/internal/pictures"
	"github.com/mpc-coaching/coaching/plivotest"
)

// TestPicturesAreTrue plays every panel of docs/pictures on the emulator.
func TestPicturesAreTrue(t *testing.T) {
	barge := func(mode coaching.CoachMode) func(context.Context, *coaching.Flow, coaching.CallID) error {
		return func(ctx context.Context, f *coaching.Flow, id coaching.CallID) error {
			_, err := f.Barge(ctx, id, supMia, &coaching.JoinOptions{Mode: mode})
			return err
		}
	}
	takeOver := func(part coaching.AgentPart) func(context.Context, *coaching.Flow, coaching.CallID) error {
		return func(ctx context.Context, f *coaching.Flow, id coaching.CallID) error {
			_, err := f.TakeOver(ctx, id, supMia, &coaching.TakeOverOptions{Agent: part})
			return err
		}
	}
	handBack := func(ctx context.Context, f *coaching.Flow, id coaching.CallID) error {
		if err := takeOver(coaching.AgentMute)(ctx, f, id); err != nil {
			return err
		}
		_, err := f.HandBack(ctx, id, supMia.ID, nil)
		return err
	}
	plays := map[string]func(context.Context, *coaching.Flow, coaching.CallID) error{
		"connect: the customer waits": nil,
		"connect: Ann answers":        func(context.Context, *coaching.Flow, coaching.CallID) error { return nil },
		"add-supervisor: Lee coaches: Ann alone hears her": func(ctx context.Context, f *coaching.Flow, id coaching.CallID) error {
			_, err := f.AddSupervisor(ctx, id, supLee, nil)
			return err
		},
		"barge: Mia listens: nobody hears her":  barge(coaching.ModeMonitor),
		"barge: Mia coaches":                    barge(coaching.ModeCoach),
		"take-over: AgentKeep":                  takeOver(coaching.AgentKeep),
		"take-over: AgentMute":                  takeOver(coaching.AgentMute),
		"take-over: AgentHold":                  takeOver(coaching.AgentHold),
		"take-over: AgentRemove":                takeOver(coaching.AgentRemove),
		"hand-back: before":                     takeOver(coaching.AgentMute),
		"hand-back: first Ann is audible again": handBack,
		"hand-back: then Mia is lowered":        handBack,
	}
	for _, scene := range pictures.Scenes() {
		for _, panel := range scene.Panels {
			name := scene.File + ": " + panel.Caption
			play, known := plays[name]
			if !known {
				t.Errorf("nobody knows how to play %q", name)
				continue
			}
			t.Run(name, func(t *testing.T) {
				bubble(t, func(t *testing.T) {
					s := open(t, nil)
					var c *plivotest.Leg
					if play == nil {
						s.srv.Phone(ann, &plivotest.PhonePlan{Action: plivotest.Manual})
						c = s.call()
						s.eventually("Ann's phone rings", func() bool { return s.leg(ann) != nil })
					} else {
						c, _, _ = s.connected()
					}
					legs := func() map[string]*plivotest.Leg {
						return map[string]*plivotest.Leg{pictures.TheCustomer: c, pictures.Ann: s.leg(ann), pictures.Lee: s.leg(lee), pictures.Mia: s.leg(mia)}
					}
					passing := strings.Contains(panel.Caption, "first") // what it shows does not last
					shown := false
					if passing {
						s.srv.OnChange(func() { shown = shown || differs(s.srv, panel, legs()) == "" })
					}
					if play != nil {
						if err := play(t.Context(), s.flow, s.id(c)); err != nil {
							t.Fatal(err)
						}
					}
					s.srv.OnChange(nil)
					if d := differs(s.srv, panel, legs()); d != "" && !shown || passing && !shown {
						t.Errorf("the picture is wrong: %s", d)
					}
				})
			})
		}
	}
}

// differs says where a panel is not as things are; "" if nowhere.
func differs(srv *plivotest.Server, p pictures.Panel, legs map[string]*plivotest.Leg) string {
	drawn := map[string]bool{}
	for _, l := range p.People {
		drawn[l.Name] = true
		leg := legs[l.Name]
		for _, s := range p.People {
			if l.Name == s.Name {
				continue
			}
			got := leg != nil && legs[s.Name] != nil && srv.Hears(leg, legs[s.Name])
			if want := slices.Contains(p.Hears, [2]string{l.Name, s.Name}); got != want {
				return l.Name + " hears " + s.Name + ", or does not"
			}
		}
		music := leg != nil && strings.HasSuffix(leg.Listening(), " music")
		if music != slices.Contains(p.Music, l.Name) {
			return l.Name + " hears music, or does not"
		}
		if in := leg != nil && leg.MemberID() != ""; in == l.Absent {
			return l.Name + " is in the call, or is not"
		}
	}
	for name, leg := range legs {
		if !drawn[name] && leg != nil && leg.MemberID() != "" {
			return name + " is in the call, but not in the picture"
		}
	}
	return ""
}
