package coaching_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/mpc-coaching/coaching"
)

// A call remembers what happened to it, with or without an Observer, and who
// asked for what; old entries make room.
func TestCallHistory(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := open(t, nil)
		_, agent, id := s.connected()
		ctx := coaching.WithActor(t.Context(), coaching.Actor{ID: "lee", Role: "supervisor"})
		member := coaching.MemberID(agent.MemberID())
		steps := []func() error{
			func() error {
				_, err := s.flow.Barge(ctx, id, supLee, &coaching.JoinOptions{Mode: coaching.ModeMonitor})
				return err
			},
			func() error { return s.flow.SetMode(ctx, id, "lee", coaching.ModeCoach) },
			func() error {
				_, err := s.flow.TakeOver(ctx, id, supLee, &coaching.TakeOverOptions{Agent: coaching.AgentMute})
				return err
			},
			func() error { _, err := s.flow.HandBack(ctx, id, "lee", nil); return err },
			func() error { return s.flow.Hold(ctx, id, member) },
			func() error { return s.flow.Resume(ctx, id, member) },
		}
		for i, step := range steps {
			if err := step(); err != nil {
				t.Fatalf("step %d = %v, want nil", i, err)
			}
			after(5 * time.Second)
		}
		want := []string{"answered", "ringing", "joined ann", "reached ann", "asked lee monitor", "joined lee", "done lee monitor: join",
			"done lee coach: set mode", "raised lee open", "done lee open: take over", "lowered lee coach", "done lee coach: hand back",
			"done: hold", "done: resume"}
		if got := history(s.book(id)); !slices.Equal(got, want) {
			t.Errorf("History = %q, want %q", got, want)
		}
		for _, r := range s.book(id).History[7:] {
			if r.Actor.ID != "lee" || r.At.IsZero() || r.Call != "" {
				t.Errorf("record %+v, want lee as its actor, a time and no call", r)
			}
		}
		for range 20 {
			if err := errors.Join(s.flow.Hold(ctx, id, member), s.flow.Resume(ctx, id, member)); err != nil {
				t.Fatal(err)
			}
		}
		h := s.book(id).History
		if len(h) != 32 || h[31].Detail != "resume" || h[0].Seq+31 != h[31].Seq {
			t.Errorf("History has %d records, from %d to %d, want the last 32", len(h), h[0].Seq, h[len(h)-1].Seq)
		}
	})
}

func history(c coaching.Call) (out []string) {
	for _, r := range c.History {
		line := string(r.Kind)
		if who := string(r.Agent) + string(r.Supervisor); who != "" {
			line += " " + who
		}
		if r.Mode != 0 {
			line += " " + r.Mode.String()
		}
		if r.Detail != "" {
			line += ": " + r.Detail
		}
		out = append(out, line)
	}
	return out
}

// What the host does for itself is not asked about; an actor's context stays
// under Authorize, and Flow.Authorize gives the same answers as the verbs.
func TestAsHost(t *testing.T) {
	bubble(t, func(t *testing.T) {
		var asked []string
		s := open(t, nil, func(cfg *coaching.Config) {
			cfg.Authorize = func(_ context.Context, r coaching.AccessRequest) error {
				asked = append(asked, fmt.Sprintf("%s %s", r.Actor.ID, r.Op))
				if r.Actor.ID != "lee" {
					return errors.New("no")
				}
				return nil
			}
		})
		if !s.flow.Authorizes() {
			t.Error("Authorizes() = false, want true")
		}
		s.call()
		after(10 * time.Second)
		list := func(ctx context.Context) (ids []coaching.CallID) {
			for c, err := range s.flow.Calls(ctx, coaching.CallFilter{}) {
				if err != nil {
					t.Fatal(err)
				}
				ids = append(ids, c.ID)
			}
			return ids
		}
		asked = nil
		host := coaching.AsHost(t.Context())
		ids := list(host)
		if len(ids) != 1 || len(asked) != 0 {
			t.Fatalf("Calls(AsHost) = %v after asking %q, want one call and no question", ids, asked)
		}
		c, err := s.flow.Call(host, ids[0])
		if err != nil || len(asked) != 0 {
			t.Errorf("Call(AsHost) = %v after asking %q, want nil and no question", err, asked)
		}
		eve := coaching.WithActor(t.Context(), coaching.Actor{ID: "eve"})
		if got := list(eve); len(got) != 0 {
			t.Errorf("Calls(eve) = %v, want none", got)
		}
		lee := coaching.WithActor(t.Context(), coaching.Actor{ID: "lee"})
		r := coaching.AccessRequest{Op: "Barge", Call: c}
		if err := s.flow.Authorize(eve, r); !errors.Is(err, coaching.ErrDenied) {
			t.Errorf("Authorize(eve) = %v, want ErrDenied", err)
		}
		if err := s.flow.Authorize(lee, r); err != nil {
			t.Errorf("Authorize(lee) = %v, want nil", err)
		}
	})
}
