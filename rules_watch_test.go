package coaching_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/mpc-coaching/coaching"
	"github.com/mpc-coaching/coaching/plivotest"
)

// TestR18WatchKeepsToItsBudget has far more calls than the watch may read at
// its ordinary interval: it stays within its part of the account's limit, so
// that nothing is ever refused, and says how far behind it is.
func TestR18WatchKeepsToItsBudget(t *testing.T) {
	bubble(t, func(t *testing.T) {
		const calls = 1500
		var o intervals
		s := open(t, &plivotest.Options{CPS: -1}, func(c *coaching.Config) {
			c.Observer = &o
			c.Route = func(_ context.Context, c coaching.Call) (coaching.Next, error) {
				if len(c.Attempts) > 0 {
					return coaching.Next{Wait: time.Hour}, nil
				}
				return coaching.Next{Ring: []coaching.Agent{{ID: coaching.AgentID("a" + c.From), Address: "sip:a" + c.From + "@phone.plivo.com"}}}, nil
			}
		})
		for i := range calls {
			from := fmt.Sprintf("1415%07d", 2000000+i)
			s.srv.Phone(from, nil)
			s.srv.Phone("sip:a"+from+"@phone.plivo.com", nil)
			s.srv.Dial(from, hotline, nil)
			time.Sleep(250 * time.Millisecond)
		}
		after(10 * time.Minute)
		var window []time.Time
		for _, r := range s.srv.Requests() {
			if r.Status == 429 {
				t.Fatalf("%s %s was refused: the account's limit", r.Method, r.Path)
			}
			window = append(window, r.Time)
		}
		last := window[len(window)-1]
		n := 0
		for _, at := range window {
			if last.Sub(at) < time.Minute {
				n++
			}
		}
		if perFive := n / 12; perFive > 125 {
			t.Errorf("the watch sends %d requests in 5 s, want at most 120", perFive)
		}
		if len(o.seen()) == 0 {
			t.Error("the Observer was not told that the interval is stretched")
		}
	})
}

type intervals struct {
	mu  sync.Mutex
	all []coaching.Record
}

func (o *intervals) Observe(_ context.Context, r coaching.Record) {
	if r.Kind == coaching.RecordInterval {
		o.mu.Lock()
		o.all = append(o.all, r)
		o.mu.Unlock()
	}
}

func (o *intervals) seen() []coaching.Record {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.all
}
