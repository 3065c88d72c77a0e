package console_test

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"testing"
	"time"

	"github.com/mpc-coaching/coaching"
)

type page struct {
	Calls []struct{ ID coaching.CallID }
	Next  string
}

func (p page) ids() (out []coaching.CallID) {
	for _, c := range p.Calls {
		out = append(out, c.ID)
	}
	return out
}

// Pages follow each other without a gap and without a repetition, oldest first,
// though calls come and go meanwhile, and hold what the actor may see.
func TestCallsPages(t *testing.T) {
	bubble(t, func(t *testing.T) {
		asked := 0
		o := newBooks(t, flowConfig(func(c *coaching.Config) {
			c.Authorize = func(_ context.Context, r coaching.AccessRequest) error {
				asked++
				if r.Op != "Calls" || r.Actor.ID != "lee" || r.Call.ID >= callID(100) && r.Call.ID < callID(200) {
					return errors.New("no")
				}
				return nil
			}
		}))
		var want []coaching.CallID
		for i := range 30 { // two of each kind at one time; Lee may not see those from 100 on
			o.put(i)
			want = append(want, callID(i))
			o.put(100 + i)
			if i%2 == 1 {
				time.Sleep(time.Second)
			}
		}
		o.put(999, ended)
		for _, limit := range []int{1, 2, 7, 29, 30, 31, 200} {
			asked = 0
			var got []coaching.CallID
			next, pages := "", 0
			for {
				pages++
				path := fmt.Sprintf("/api/calls?limit=%d", limit)
				if next != "" {
					path += "&after=" + url.QueryEscape(next)
				}
				var p page
				send(t, o.console, ask{as: "supervisor:lee", path: path}).into(t, &p)
				got = append(got, p.ids()...)
				if next = p.Next; next == "" {
					break
				}
				if len(p.Calls) != limit {
					t.Errorf("limit %d: a page of %d with another after it", limit, len(p.Calls))
				}
			}
			if !slices.Equal(got, want) {
				t.Errorf("limit %d: %v, want %v", limit, got, want)
			}
			if want := (30 + limit - 1) / limit; pages != want {
				t.Errorf("limit %d: %d pages, want %d", limit, pages, want)
			}
			if limit == 1 && asked > 150 {
				t.Errorf("%d pages of one call ask Authorize %d times, want no more than they need", pages, asked)
			}
		}
		// A call that ends between two pages shifts nothing.
		var first, second page
		send(t, o.console, ask{as: "supervisor:lee", path: "/api/calls?limit=5"}).into(t, &first)
		o.put(2, ended)
		o.put(4, ended)
		send(t, o.console, ask{as: "supervisor:lee", path: "/api/calls?limit=5&after=" + first.Next}).into(t, &second)
		if got := append(first.ids(), second.ids()...); !slices.Equal(got, want[:10]) {
			t.Errorf("two pages are %v, want %v", got, want[:10])
		}
		var mias page
		send(t, o.console, ask{as: "supervisor:mia", path: "/api/calls"}).into(t, &mias)
		if len(mias.Calls) != 0 || mias.Next != "" {
			t.Errorf("Mia sees %+v, want nothing", mias)
		}
	})
}

func TestCallsFilters(t *testing.T) {
	bubble(t, func(t *testing.T) {
		o := newBooks(t)
		o.put(1, func(c *coaching.Call) { c.State = coaching.StateAnswered })
		o.put(2, func(c *coaching.Call) { c.State = coaching.StateWaiting })
		o.put(3, func(c *coaching.Call) {
			c.Participants = []coaching.Participant{{Member: "1", Role: coaching.RoleAgent, Agent: "ann", Joined: time.Now()}}
		})
		o.put(4, func(c *coaching.Call) {
			c.Participants = []coaching.Participant{{Member: "1", Role: coaching.RoleAgent, Agent: "ann", Joined: time.Now(), Left: time.Now()}}
			c.Supervisions = []coaching.Supervision{{ID: "lee", State: coaching.SupervisionRinging, Asked: time.Now()}}
		})
		o.put(5, func(c *coaching.Call) {
			c.Supervisions = []coaching.Supervision{{ID: "lee", State: coaching.SupervisionEnded, Asked: time.Now(), Ended: time.Now()}}
		})
		o.put(6, ended)
		for query, want := range map[string][]int{
			"":                               {1, 2, 3, 4, 5},
			"?state=answered":                {1},
			"?state=waiting":                 {2},
			"?state=active":                  {3, 4, 5},
			"?agent=ann":                     {3},
			"?agent=bob":                     nil,
			"?supervisor=lee":                {4},
			"?supervisor=mia":                nil,
			"?supervisor=lee&agent=ann":      nil,
			"?state=active&agent=ann&_=1234": {3},
		} {
			var p page
			send(t, o.console, ask{as: "supervisor:lee", path: "/api/calls" + query}).into(t, &p)
			var ids []coaching.CallID
			for _, i := range want {
				ids = append(ids, callID(i))
			}
			if !slices.Equal(p.ids(), ids) {
				t.Errorf("GET calls%s = %v, want %v", query, p.ids(), ids)
			}
		}
	})
}

// may says what Authorize says, for whom and in which mode.
func TestMay(t *testing.T) {
	bubble(t, func(t *testing.T) {
		var asked []string
		o := newBooks(t, flowConfig(func(c *coaching.Config) {
			c.Authorize = func(_ context.Context, r coaching.AccessRequest) error {
				if r.Op != "Call" {
					mode := ""
					if r.Mode != 0 {
						mode = " " + r.Mode.String()
					}
					asked = append(asked, fmt.Sprint(r.Op, " ", r.Supervisor, mode))
				}
				if r.Op == "Call" || r.Op == "Barge" && r.Supervisor == "lee" || r.Op == "End" {
					return nil
				}
				return errors.New("no")
			}
		}))
		id := string(o.put(1).ID)
		for query, want := range map[string][]string{"": {"End"}, "?supervisor=lee": {"Barge", "End"}, "?supervisor=mia&mode=monitor": {"End"}} {
			var got struct{ May []string }
			asked = nil
			send(t, o.console, ask{as: "supervisor:lee", path: "/api/calls/" + id + "/may" + query}).into(t, &got)
			if !slices.Equal(got.May, want) {
				t.Errorf("may%s = %v, want %v", query, got.May, want)
			}
		}
		asked = nil
		send(t, o.console, ask{as: "supervisor:lee", path: "/api/calls/" + id + "/may?supervisor=mia&mode=monitor"})
		want := []string{"AddSupervisor mia monitor", "Barge mia monitor", "TakeOver mia open", "HandBack mia coach", "SetMode mia monitor", "Leave mia", "Await mia",
			"Ticket mia monitor", "Hold ", "Resume ", "Mute ", "Unmute ", "Remove ", "Transfer ", "End "}
		if !slices.Equal(asked, want) {
			t.Errorf("Authorize is asked %q, want %q", asked, want)
		}
	})
}

// What may asks is what the verbs ask: else it would promise what is refused.
func TestMayAsksAsTheVerbsDo(t *testing.T) {
	bubble(t, func(t *testing.T) {
		asked := map[string]bool{}
		o := open(t, flowConfig(func(c *coaching.Config) {
			c.Authorize = func(_ context.Context, r coaching.AccessRequest) error {
				asked[fmt.Sprint(r.Op, " ", r.Supervisor, " ", uint8(r.Mode))] = true
				return nil
			}
		}))
		customer, agent, id := o.connected()
		path := "/api/calls/" + string(id)
		o.want(ask{as: "supervisor:lee", path: path + "/may?supervisor=lee"}, 200, "")
		promised := asked
		for _, v := range []string{"add-supervisor", "await", "set-mode", "take-over", "hand-back", "leave", "ticket", "hold", "resume", "mute", "unmute", "remove", "end"} {
			asked = map[string]bool{}
			body, _ := o.prepare("add-supervisor", id, customer.MemberID(), agent.MemberID(), "supervisor:lee")
			switch v {
			case "set-mode":
				body = `{"supervisor":"lee","mode":"coach"}`
			case "hold", "resume", "mute", "unmute":
				body = `{"member":"` + customer.MemberID() + `"}`
			case "remove":
				body = `{"member":"` + agent.MemberID() + `"}`
			case "end":
				body = `{}`
			}
			o.do(ask{as: "supervisor:lee", path: path + "/" + v, body: body})
			for a := range asked {
				if !promised[a] {
					t.Errorf("%s asks Authorize %q, which may does not", v, a)
				}
			}
			if len(asked) == 0 {
				t.Errorf("%s asks nothing", v)
			}
		}
	})
}
