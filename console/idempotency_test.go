package console_test

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/mpc-coaching/coaching"
	"github.com/mpc-coaching/coaching/console"
	"github.com/mpc-coaching/coaching/plivotest"
)

func keyed(a ask, key string) ask {
	a.header = http.Header{"Idempotency-Key": {key}}
	return a
}

// tickets counts: each Ticket is a new one, so that an answer given again shows.
func TestIdempotencyKey(t *testing.T) {
	bubble(t, func(t *testing.T) {
		o := open(t, flowConfig(func(c *coaching.Config) {
			c.Authorize = func(context.Context, coaching.AccessRequest) error { return nil }
		}))
		_, _, id := o.connected()
		ticket := ask{as: "supervisor:lee", path: "/api/calls/" + string(id) + "/ticket", body: `{"supervisor":"lee"}`}
		first := o.want(keyed(ticket, "key-0001"), 200, "")
		if got := first.header.Get("Idempotency-Replayed"); got != "" {
			t.Errorf("the first answer has Idempotency-Replayed %q", got)
		}
		same := func(name string, a ask, want bool) {
			t.Helper()
			p := o.want(a, 200, "")
			if got := string(p.body) == string(first.body); got != want || (p.header.Get("Idempotency-Replayed") == "true") != want {
				t.Errorf("%s: the same answer: %v, replayed %q, want %v", name, got, p.header.Get("Idempotency-Replayed"), want)
			}
		}
		same("the same again", keyed(ticket, "key-0001"), true)
		same("another key", keyed(ticket, "key-0002"), false)
		same("no key", ticket, false)
		other := ticket
		other.as = "supervisor:mia"
		same("another actor", keyed(other, "key-0001"), false)
		other.as = "agent:lee"
		same("the same name in another role", keyed(other, "key-0001"), false)
		other = ticket
		other.body = `{"supervisor":"mia"}`
		o.want(keyed(other, "key-0001"), 422, "idempotency-mismatch")
		other = ticket
		other.path = strings.Replace(other.path, "/ticket", "/barge", 1)
		o.want(keyed(other, "key-0001"), 422, "idempotency-mismatch")
		time.Sleep(9 * time.Minute)
		same("9 minutes later", keyed(ticket, "key-0001"), true)
		time.Sleep(time.Minute)
		o.eventually("there is a call", func() bool { return o.do(ask{as: "supervisor:lee", path: "/api/calls/" + string(id)}).status == 200 })
		same("10 minutes later", keyed(ticket, "key-0001"), false)
		// A refusal is an answer too.
		hold := ask{as: "supervisor:lee", path: "/api/calls/" + string(id) + "/hold", body: `{"member":"99"}`}
		o.want(keyed(hold, "key-0003"), 404, "not-found")
		if p := o.want(keyed(hold, "key-0003"), 404, "not-found"); p.header.Get("Idempotency-Replayed") != "true" {
			t.Errorf("a refusal is not given again: %v", p.header)
		}
		// A request that is malformed is none.
		bad := ask{as: "supervisor:lee", path: hold.path, body: `{}`}
		o.want(keyed(bad, "key-0004"), 400, "invalid")
		o.want(keyed(hold, "key-0004"), 404, "not-found")
	})
}

// A second request joins the first one, also where that one's client has gone:
// then it carries on by itself.
func TestIdempotencyKeyJoins(t *testing.T) {
	for name, c := range map[string]struct {
		leave bool
		dials int
	}{"both wait": {false, 1}, "the first one leaves": {true, 1}} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				o := open(t)
				_, _, id := o.connected()
				o.srv.Phone(lee, &plivotest.PhonePlan{After: 10 * time.Second})
				barge := keyed(ask{as: "supervisor:lee", path: "/api/calls/" + string(id) + "/barge", body: `{"supervisor":"lee"}`}, "key-0001")
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				answers := make([]reply, 3)
				done := make(chan int, 3)
				for i := range answers {
					a := barge
					if i == 0 {
						a.ctx = ctx
					}
					go func() { answers[i] = o.do(a); done <- i }()
					time.Sleep(time.Second)
				}
				if c.leave {
					cancel()
					if i := <-done; i != 0 || answers[0].problem() != "unknown" {
						t.Errorf("request %d = %s, want the first one's unknown", i, answers[0].body)
					}
				}
				for range cap(done) - map[bool]int{true: 1}[c.leave] {
					<-done
				}
				replayed := 0
				for i, p := range answers {
					if i == 0 && c.leave {
						continue
					}
					if p.status != 200 || !strings.Contains(string(p.body), `"joined"`) {
						t.Errorf("request %d = %d %s, want 200 and joined", i, p.status, p.body)
					}
					if p.header.Get("Idempotency-Replayed") != "" {
						replayed++
					}
				}
				if want := 2 - map[bool]int{true: 1}[c.leave]; replayed != want {
					t.Errorf("%d answers are replayed, want %d", replayed, want)
				}
				rang := 0
				for _, l := range o.srv.Legs() {
					if l.Phone().Address() == lee {
						rang++
					}
				}
				if rang != c.dials {
					t.Errorf("Lee's phone rang %d times, want %d", rang, c.dials)
				}
			})
		})
	}
}

// What only says that the asker had gone, or that nothing was done, is asked
// anew.
func TestIdempotencyKeyForgets(t *testing.T) {
	bubble(t, func(t *testing.T) {
		o := newBooks(t) // without Run
		id := o.put(1).ID
		end := keyed(ask{as: "supervisor:lee", path: "/api/calls/" + string(id) + "/end", body: `{}`}, "key-0001")
		for range 2 {
			if p := send(t, o.console, end); p.problem() != "not-running" || p.header.Get("Idempotency-Replayed") != "" {
				t.Errorf("without Run: %d %s %v, want not-running and not replayed", p.status, p.body, p.header)
			}
		}
	})
	bubble(t, func(t *testing.T) {
		n := 0
		o := open(t, config(func(c *console.Config) {
			c.Agent = func(ctx context.Context, id coaching.AgentID) (coaching.Agent, error) {
				if n++; n == 1 {
					panic("the first time")
				}
				return agents(ctx, id)
			}
		}))
		_, _, id := o.connected()
		transfer := keyed(ask{as: "supervisor:lee", path: "/api/calls/" + string(id) + "/transfer", body: `{"agents":["bob"]}`}, "key-0001")
		o.want(transfer, 500, "internal")
		o.want(transfer, 204, "")
		o.want(transfer, 204, "")
		if n != 2 {
			t.Errorf("Agent was asked %d times, want 2", n)
		}
	})
}

// There is no more room than for so many, and the oldest finished make it.
func TestIdempotencyKeysAreBounded(t *testing.T) {
	bubble(t, func(t *testing.T) {
		var asked atomic.Int32
		o := newBooks(t, flowConfig(func(c *coaching.Config) {
			c.Authorize = func(context.Context, coaching.AccessRequest) error { asked.Add(1); return fmt.Errorf("no") }
		}))
		end := ask{as: "supervisor:lee", path: "/api/calls/" + string(o.put(1).ID) + "/end", body: `{}`}
		for i := range 5000 {
			send(t, o.console, keyed(end, fmt.Sprintf("key-%05d", i)))
		}
		if n := o.console.Keys(); n != 4096 {
			t.Errorf("%d keys are remembered, want 4096", n)
		}
		before := asked.Load()
		send(t, o.console, keyed(end, "key-04999"))
		if asked.Load() != before {
			t.Error("the newest key is forgotten")
		}
		send(t, o.console, keyed(end, "key-00000"))
		if asked.Load() == before {
			t.Error("the oldest key is remembered")
		}
		time.Sleep(10 * time.Minute)
		send(t, o.console, keyed(end, "key-again"))
		if n := o.console.Keys(); n != 1 {
			t.Errorf("%d keys are remembered after 10 minutes, want 1", n)
		}
	})
	// Those that still run are not thrown away, and one more runs all the same.
	bubble(t, func(t *testing.T) {
		gate := make(chan struct{})
		o := newBooks(t, flowConfig(func(c *coaching.Config) {
			c.RouteTimeout = time.Minute
			c.Authorize = func(context.Context, coaching.AccessRequest) error { <-gate; return fmt.Errorf("no") }
		}))
		end := ask{as: "supervisor:lee", path: "/api/calls/" + string(o.put(1).ID) + "/end", body: `{}`}
		var done atomic.Int32
		for i := range 4100 {
			go func() {
				if p := send(t, o.console, keyed(end, fmt.Sprintf("key-%05d", i))); p.status == 403 {
					done.Add(1)
				}
			}()
		}
		synctest.Wait()
		if n := o.console.Keys(); n != 4096 {
			t.Errorf("%d keys are remembered, want 4096", n)
		}
		close(gate)
		synctest.Wait()
		if done.Load() != 4100 {
			t.Errorf("%d requests were answered, want 4100", done.Load())
		}
	})
}
