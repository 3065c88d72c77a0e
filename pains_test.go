package coaching_test

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/mpc-coaching/coaching"
	"github.com/mpc-coaching/coaching/plivotest"
)

// Pains of docs/pains.md that no rule and no schedule has a test for.

// Two coaches at once; one leaves and comes back, as somebody new.
func TestSupervisorsComeAndGo(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := open(t, nil)
		ctx := t.Context()
		c, a, id := s.connected()
		barge := func(sup coaching.Supervisor) coaching.Supervision {
			v, err := s.flow.Barge(ctx, id, sup, nil)
			if err != nil {
				t.Fatalf("Barge(%s) = %v", sup.ID, err)
			}
			return v
		}
		first := barge(supLee)
		barge(supMia)
		all := map[string]*plivotest.Leg{"c": c, "a": a, "mia": s.leg(mia)}
		mias := []string{"c<-a", "a<-c", "mia<-c", "mia<-a", "a<-mia"}
		with := func(l *plivotest.Leg) map[string]*plivotest.Leg {
			legs := maps.Clone(all)
			legs["lee"] = l
			return legs
		}
		both := append([]string{"lee<-c", "lee<-a", "a<-lee"}, mias...)
		s.hears("two coaches", with(s.leg(lee)), both...)
		if err := s.flow.Leave(ctx, id, "lee"); err != nil {
			t.Fatalf("Leave = %v", err)
		}
		s.hears("one has left", all, mias...)
		again := barge(supLee)
		s.hears("and is back", with(s.leg(lee)), both...)
		if again.Member == first.Member {
			t.Errorf("member %s came back to life", again.Member)
		}
		if n := len(s.srv.Phone(lee, nil).Calls()); n != 2 {
			t.Errorf("lee was rung %d times, want 2", n)
		}
	})
}

// The end of a call is known as soon with supervisors in it as without.
func TestSupervisorsDelayNoEnd(t *testing.T) {
	took := map[string]time.Duration{}
	for name, join := range map[string]func(*shop, coaching.CallID) error{
		"nobody": func(*shop, coaching.CallID) error { return nil },
		"a coach": func(s *shop, id coaching.CallID) error {
			_, err := s.flow.Barge(s.t.Context(), id, supLee, nil)
			return err
		},
		"who took over": func(s *shop, id coaching.CallID) error {
			_, err := s.flow.TakeOver(s.t.Context(), id, supLee, nil)
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				s := open(t, nil)
				c, _, id := s.connected()
				if err := join(s, id); err != nil {
					t.Fatal(err)
				}
				start := time.Now()
				c.Hangup()
				s.eventually("the call is over", func() bool { return s.book(id).State == coaching.StateEnded })
				took[name] = s.book(id).Ended.Sub(start)
			})
		})
	}
	for name, d := range took {
		if d > took["nobody"]+100*time.Millisecond || d > time.Second {
			t.Errorf("with %s: ended %v after the hang-up, without %v", name, d, took["nobody"])
		}
	}
}

// Holding and resuming the customer leaves every supervisor in their mode, and
// nobody of them on hold.
func TestHoldInEveryMode(t *testing.T) {
	for _, mode := range []coaching.CoachMode{coaching.ModeMonitor, coaching.ModeCoach, coaching.ModeOpen} {
		t.Run(mode.String(), func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				s := open(t, nil)
				ctx := t.Context()
				c, a, id := s.connected()
				var err error
				if mode == coaching.ModeOpen {
					_, err = s.flow.TakeOver(ctx, id, supLee, nil)
				} else {
					_, err = s.flow.Barge(ctx, id, supLee, &coaching.JoinOptions{Mode: mode})
				}
				if err != nil {
					t.Fatal(err)
				}
				all := map[string]*plivotest.Leg{"c": c, "a": a, "lee": s.leg(lee)}
				held := []string{"lee<-a"}
				talking := []string{"c<-a", "a<-c", "lee<-c", "lee<-a"}
				if mode != coaching.ModeMonitor {
					held, talking = append(held, "a<-lee"), append(talking, "a<-lee")
				}
				if mode == coaching.ModeOpen {
					talking = append(talking, "c<-lee")
				}
				s.hears("before", all, talking...)
				if err := s.flow.Hold(ctx, id, member(c)); err != nil {
					t.Fatalf("Hold = %v", err)
				}
				s.hears("on hold", all, held...)
				after(time.Minute)
				if err := s.flow.Resume(ctx, id, member(c)); err != nil {
					t.Fatalf("Resume = %v", err)
				}
				s.hears("resumed", all, talking...)
				if v, ok := s.book(id).Supervision("lee"); !ok || v.Mode != mode {
					t.Errorf("lee is in %v, want %v", v.Mode, mode)
				}
			})
		})
	}
}

// Whether the coach is recorded is said outright, never left to a default.
func TestRecordingSaysWhetherTheCoachIsIn(t *testing.T) {
	for _, voice := range []bool{true, false} {
		d := newDesk(t, func(cfg *coaching.Config) { cfg.Recording = &coaching.Recording{CoachVoice: voice} })
		want := map[bool]string{true: `recordCoachVoice="true"`, false: `recordCoachVoice="false"`}[voice]
		w := d.post("/answer", deskAnswer())
		if d.ok(w); !strings.Contains(w.Body.String(), want) {
			t.Errorf("/answer = %s, want %s", w.Body, want)
		}
	}
}

// Whom Authorize refuses may do nothing, whatever they ask for.
func TestAuthorizeGuardsEveryVerb(t *testing.T) {
	bubble(t, func(t *testing.T) {
		var asked []string
		closed := false
		s := open(t, nil, func(cfg *coaching.Config) {
			cfg.Authorize = func(_ context.Context, r coaching.AccessRequest) error {
				if !closed {
					return nil
				}
				asked = append(asked, r.Op)
				return errors.New("no")
			}
		})
		ctx := t.Context()
		c, a, id := s.connected()
		closed = true
		before := len(s.srv.Requests())
		two := func(_ coaching.Supervision, err error) error { return err }
		for op, verb := range map[string]func() error{
			"AddSupervisor": func() error { return two(s.flow.AddSupervisor(ctx, id, supLee, nil)) },
			"Barge":         func() error { return two(s.flow.Barge(ctx, id, supLee, nil)) },
			"Ticket":        func() error { _, err := s.flow.Ticket(ctx, id, supLee, nil); return err },
			"SetMode":       func() error { return s.flow.SetMode(ctx, id, "lee", coaching.ModeCoach) },
			"TakeOver":      func() error { return two(s.flow.TakeOver(ctx, id, supLee, nil)) },
			"HandBack":      func() error { return two(s.flow.HandBack(ctx, id, "lee", nil)) },
			"Leave":         func() error { return s.flow.Leave(ctx, id, "lee") },
			"Await":         func() error { return two(s.flow.Await(ctx, id, "lee")) },
			"Hold":          func() error { return s.flow.Hold(ctx, id, member(c)) },
			"Resume":        func() error { return s.flow.Resume(ctx, id, member(c)) },
			"Mute":          func() error { return s.flow.Mute(ctx, id, member(a)) },
			"Unmute":        func() error { return s.flow.Unmute(ctx, id, member(a)) },
			"Remove":        func() error { return s.flow.Remove(ctx, id, member(a)) },
			"Transfer":      func() error { return s.flow.Transfer(ctx, id, coaching.Next{Ring: []coaching.Agent{agentBob}}) },
			"End":           func() error { return s.flow.End(ctx, id, nil) },
			"Call":          func() error { _, err := s.flow.Call(ctx, id); return err },
		} {
			asked = nil
			if err := verb(); !errors.Is(err, coaching.ErrDenied) {
				t.Errorf("%s = %v, want ErrDenied", op, err)
			}
			if !slices.Equal(asked, []string{op}) {
				t.Errorf("%s asked about %q", op, asked)
			}
		}
		after(5 * time.Second)
		for _, r := range s.srv.Requests()[before:] {
			if r.Method != "GET" {
				t.Errorf("refused, and yet: %s %s", r.Method, r.Path)
			}
		}
		closed = false
	})
}
