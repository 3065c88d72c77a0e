package coaching_test

import (
	"context"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mpc-coaching/coaching"
)

// scribble writes into everything that a Call shows.
func scribble(c coaching.Call) {
	for k := range c.Headers {
		c.Headers[k] = "scribbled"
	}
	for k := range c.Query {
		c.Query[k][0] = "scribbled"
		c.Query[k] = append(c.Query[k], "scribbled")
	}
	for k := range c.Data {
		c.Data[k] = "scribbled"
	}
	for i := range c.Attempts {
		for j := range c.Attempts[i].Rings {
			c.Attempts[i].Rings[j].Agent = "scribbled"
		}
		c.Attempts[i].Reached = "scribbled"
	}
	for i := range c.Participants {
		c.Participants[i] = coaching.Participant{Address: "scribbled"}
	}
	for i := range c.Supervisions {
		c.Supervisions[i] = coaching.Supervision{Reason: "scribbled"}
	}
}

// A host may do with a Call what it likes: wherever it gets one, it is a copy.
func TestHostsOwnTheirCopies(t *testing.T) {
	bubble(t, func(t *testing.T) {
		var mu sync.Mutex
		seen := map[string]int{}
		spoil := func(where string, c coaching.Call) {
			scribble(c)
			mu.Lock()
			seen[where]++
			mu.Unlock()
		}
		s := open(t, nil, func(c *coaching.Config) {
			route := c.Route
			c.Route = func(ctx context.Context, c coaching.Call) (coaching.Next, error) {
				next, err := route(ctx, c)
				next.Data = map[string]string{"queue": "gold"}
				spoil("Route", c)
				return next, err
			}
			c.Authorize = func(_ context.Context, r coaching.AccessRequest) error {
				spoil("Authorize", r.Call)
				return nil
			}
			c.Exit = func(_ context.Context, c coaching.Call, _ coaching.ExitReason) (coaching.Document, error) {
				spoil("Exit", c)
				return coaching.NewDocument(coaching.Hangup{})
			}
		})
		ctx, stop := context.WithCancel(t.Context())
		changes := s.flow.Watch(ctx, nil)
		done := make(chan struct{})
		go func() {
			defer close(done)
			for ch, err := range changes {
				if err == nil {
					spoil("Watch", ch.Call)
				}
			}
		}()
		s.srv.Number(hotline, publicURL+"/answer?lang=fr")
		_, _, id := s.connected()
		if _, err := s.flow.TakeOver(ctx, id, supLee, nil); err != nil {
			t.Fatalf("TakeOver = %v", err)
		}
		for c := range s.flow.Calls(ctx, coaching.CallFilter{}) {
			spoil("Calls", c)
		}
		spoil("Call", s.book(id))

		got := s.book(id)
		if a, ok := got.Agent("ann"); !ok || a.Address != ann {
			t.Errorf("Agent(ann) = %+v, %v, want her as she was", a, ok)
		}
		if sup, ok := got.Supervision("lee"); !ok || sup.Mode != coaching.ModeOpen {
			t.Errorf("Supervision(lee) = %+v, %v, want him open", sup, ok)
		}
		if diff := cmp.Diff(map[string][]string{"lang": {"fr"}}, got.Query); diff != "" || got.Data["queue"] != "gold" || got.Attempts[0].Reached != "ann" {
			t.Errorf("Query, Data, Attempts were scribbled on: %s %v %+v", diff, got.Data, got.Attempts)
		}
		if err := s.flow.End(ctx, id, &coaching.EndOptions{Farewell: true}); err != nil {
			t.Errorf("End = %v", err)
		}
		stop()
		<-done
		mu.Lock()
		defer mu.Unlock()
		for _, where := range []string{"Route", "Authorize", "Exit", "Watch", "Calls", "Call"} {
			if seen[where] == 0 {
				t.Errorf("%s was given no Call", where)
			}
		}
	})
}
