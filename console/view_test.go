package console_test

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/mpc-coaching/coaching"
	"github.com/mpc-coaching/coaching/console"
	"github.com/mpc-coaching/coaching/plivotest"
)

func TestMask(t *testing.T) {
	for in, want := range map[string]string{
		"14155550123":                     "••••••••123",
		"+14155550123":                    "•••••••••123",
		"sip:14155550123@trunk.example":   "sip:••••••••123@trunk.example",
		"sip:alice@home.example":          "sip:•••••@home.example",
		"sip:alice.smith123@home.example": "sip:•••••••••••123@home.example",
		"sip:14155550123":                 "sip:••••••••123",
		"anonymous":                       "•••••••••",
		"911":                             "•••",
		"123456":                          "••••••",
		"1234567":                         "••••567",
		"":                                "",
		"müller7":                         "•••••••",
	} {
		if got := console.Mask(in); got != want {
			t.Errorf("Mask(%q) = %q, want %q", in, got, want)
		}
	}
}

// A masked viewer gets no byte of a customer's number by any way.
func TestMaskNumbers(t *testing.T) {
	bubble(t, func(t *testing.T) {
		o := open(t, config(func(c *console.Config) {
			c.View = func(a coaching.Actor) console.View { return console.View{MaskNumbers: a.Role == "agent"} }
		}))
		b := newBrowser(t)
		l := b.listen(o.console, ask{as: "agent:ann"})
		_, agent, id := o.connected()
		var all strings.Builder
		for _, a := range []ask{
			{path: "/api/me"}, {path: "/api/calls"}, {path: "/api/calls/" + string(id)}, {path: "/api/calls/" + string(id) + "/may"},
			{path: "/api/calls/" + string(id) + "/add-supervisor", body: `{"supervisor":"lee"}`},
			{path: "/api/calls/" + string(id) + "/mute", body: `{"member":"` + agent.MemberID() + `"}`},
			{path: "/api/calls/" + string(id) + "/end", body: `{}`},
		} {
			a.as = "agent:ann"
			all.Write(o.do(a).body)
		}
		time.Sleep(time.Second)
		l.hangUp()
		all.WriteString(b.sent.String())
		for _, number := range []string{caller, caller[3:], hotline} {
			if strings.Contains(all.String(), number) {
				t.Errorf("Ann sees %s: %s", number, all.String())
			}
		}
		if !strings.Contains(all.String(), "••••••••123") {
			t.Errorf("Ann does not see what is left of the number: %s", all.String())
		}
		if p := o.do(ask{as: "supervisor:lee", path: "/api/calls/" + string(id)}); !strings.Contains(string(p.body), caller) {
			t.Errorf("Lee does not see the number: %s", p.body)
		}
	})
}

// Ann's page does not show who listens, until they are more than listening.
func TestHideMonitors(t *testing.T) {
	bubble(t, func(t *testing.T) {
		o := open(t, config(func(c *console.Config) {
			c.View = func(a coaching.Actor) console.View { return console.View{HideMonitors: a.Role == "agent"} }
		}))
		_, _, id := o.connected()
		b := newBrowser(t)
		l := b.listen(o.console, ask{as: "agent:ann"})
		defer l.hangUp()
		look := func(when string, want bool) {
			t.Helper()
			time.Sleep(3 * time.Second)
			p := o.want(ask{as: "agent:ann", path: "/api/calls/" + string(id)}, 200, "")
			list := o.want(ask{as: "agent:ann", path: "/api/calls?supervisor=lee"}, 200, "")
			for what, got := range map[string]bool{
				"the call":  strings.Contains(string(p.body), "lee"),
				"a search":  strings.Contains(string(list.body), string(id)),
				"the page":  strings.Contains(b.view()[string(id)], "lee"),
				"the roles": strings.Contains(string(p.body), `"role":"supervisor"`),
				"who hears": strings.Contains(string(p.body), `"listener":"1003"`),
			} {
				if got != want {
					t.Errorf("%s, %s shows Lee: %v, want %v: %s", when, what, got, want, p.body)
				}
			}
			if p := o.do(ask{as: "supervisor:lee", path: "/api/calls?supervisor=lee"}); !strings.Contains(string(p.body), `"listener":"1003"`) {
				t.Errorf("%s, Lee does not see himself: %s", when, p.body)
			}
		}
		lee := func(verb, body string) {
			t.Helper()
			o.want(ask{as: "supervisor:lee", path: "/api/calls/" + string(id) + "/" + verb, body: body}, 200, "")
		}
		lee("barge", `{"supervisor":"lee","mode":"monitor"}`)
		look("while he listens", false)
		before := b.sent.String()
		if strings.Contains(before, "lee") {
			t.Errorf("the stream has told of Lee: %s", before)
		}
		lee("set-mode", `{"supervisor":"lee","mode":"coach"}`)
		look("while he coaches", true)
		lee("set-mode", `{"supervisor":"lee","mode":"monitor"}`)
		look("when he listens again", true)
	})
}

// What the history tells of a monitor is hidden, and what it tells of others is
// not, also where one person came several times.
func TestHideMonitorsInHistory(t *testing.T) {
	at := func(s int) time.Time { return time.Date(2026, 1, 2, 3, 4, s, 0, time.UTC) }
	sup := func(id coaching.SupervisorID, member coaching.MemberID, mode coaching.CoachMode, asked, over int) coaching.Supervision {
		s := coaching.Supervision{ID: id, Member: member, State: coaching.SupervisionJoined, Mode: mode, Want: mode, Asked: at(asked)}
		if over > 0 {
			s.State, s.Ended = coaching.SupervisionEnded, at(over)
		}
		return s
	}
	bubble(t, func(t *testing.T) {
		o := newBooks(t, config(func(c *console.Config) {
			c.View = func(coaching.Actor) console.View { return console.View{HideMonitors: true} }
		}))
		c := o.put(1, func(c *coaching.Call) {
			c.Supervisions = []coaching.Supervision{
				sup("mia", "1003", coaching.ModeMonitor, 10, 20), sup("lee", "1004", coaching.ModeMonitor, 12, 0),
				sup("mia", "1005", coaching.ModeCoach, 30, 40), sup("mia", "1006", coaching.ModeMonitor, 50, 0),
				{ID: "zoe", State: coaching.SupervisionRinging, Want: coaching.ModeMonitor, Asked: at(55)},
				sup("kim", "1007", coaching.ModeMonitor, 56, 0),
			}
			for _, m := range []coaching.MemberID{"1003", "1004", "1005", "1006", "1007", "1008"} {
				c.Participants = append(c.Participants, coaching.Participant{Member: m, Role: coaching.RoleSupervisor, Joined: at(11)})
			}
			for i, r := range []coaching.Record{
				{Kind: coaching.RecordTicket, At: at(5), Supervisor: "mia", Mode: coaching.ModeMonitor},
				{Kind: coaching.RecordTicket, At: at(6), Supervisor: "lee", Mode: coaching.ModeCoach}, // shown: 2
				{Kind: coaching.RecordAsked, At: at(10), Supervisor: "mia", Mode: coaching.ModeMonitor},
				{Kind: coaching.RecordJoined, At: at(11), Supervisor: "mia", Member: "1003"},
				{Kind: coaching.RecordAsked, At: at(12), Supervisor: "lee", Mode: coaching.ModeMonitor},
				{Kind: coaching.RecordLeft, At: at(20), Supervisor: "mia", Member: "1003"},
				{Kind: coaching.RecordAsked, At: at(30), Supervisor: "mia", Mode: coaching.ModeCoach}, // shown: 7
				{Kind: coaching.RecordLeft, At: at(40), Supervisor: "mia", Member: "1005"},            // shown: 8
				{Kind: coaching.RecordAsked, At: at(50), Supervisor: "mia", Mode: coaching.ModeMonitor},
				{Kind: coaching.RecordLeft, At: at(51), Member: "1008"},
				{Kind: coaching.RecordDone, At: at(52), Member: "1001", Detail: "hold"}, // shown: 11
				{Kind: coaching.RecordAsked, At: at(55), Supervisor: "zoe", Mode: coaching.ModeMonitor},
				{Kind: coaching.RecordAsked, At: at(56), Supervisor: "kim", Mode: coaching.ModeMonitor}, // shown: 13
				{Kind: coaching.RecordDone, At: at(57), Supervisor: "kim", Mode: coaching.ModeCoach},    // shown: 14
				{Kind: coaching.RecordDone, At: at(58), Supervisor: "kim", Mode: coaching.ModeMonitor},  // shown: 15
			} {
				r.Seq = uint64(i + 1)
				c.History = append(c.History, r)
			}
		})
		var got struct {
			Supervisions []struct{ ID, Member string }
			Participants []struct{ Member string }
			History      []struct{ Seq int }
		}
		send(t, o.console, ask{as: "agent:ann", path: "/api/calls/" + string(c.ID)}).into(t, &got)
		var sups, members []string
		var seqs []int
		for _, s := range got.Supervisions {
			sups = append(sups, s.ID+" "+s.Member)
		}
		for _, p := range got.Participants {
			members = append(members, p.Member)
		}
		for _, r := range got.History {
			seqs = append(seqs, r.Seq)
		}
		if want := []string{"mia 1005", "kim 1007"}; !slices.Equal(sups, want) {
			t.Errorf("supervisions %v, want %v", sups, want)
		}
		if want := []string{"1005", "1007"}; !slices.Equal(members, want) {
			t.Errorf("participants %v, want %v", members, want)
		}
		if want := []int{2, 7, 8, 11, 13, 14, 15}; !slices.Equal(seqs, want) {
			t.Errorf("history %v, want %v", seqs, want)
		}
	})
}

// What a customer hears, in a word, through a call's life.
func TestCustomerHears(t *testing.T) {
	bubble(t, func(t *testing.T) {
		o := open(t, flowConfig(func(c *coaching.Config) {
			c.Route = func(_ context.Context, c coaching.Call) (coaching.Next, error) {
				if len(c.Attempts) > 0 {
					return coaching.Next{}, nil
				}
				return coaching.Next{Ring: []coaching.Agent{{ID: "ann", Address: ann}}}, nil
			}
		}))
		var heard []string
		note := func(id coaching.CallID) {
			time.Sleep(3 * time.Second)
			var got struct {
				CustomerHears string `json:"customer_hears"`
			}
			o.want(ask{as: "supervisor:lee", path: "/api/calls/" + string(id)}, 200, "").into(t, &got)
			heard = append(heard, got.CustomerHears)
		}
		customer, agent, id := o.connected()
		note(id)
		flow := func(err error) {
			t.Helper()
			if err != nil {
				t.Fatal(err)
			}
		}
		host := coaching.AsHost(t.Context())
		flow(o.flow.Hold(host, id, coaching.MemberID(customer.MemberID())))
		note(id)
		flow(o.flow.Resume(host, id, coaching.MemberID(customer.MemberID())))
		note(id)
		flow(o.flow.Remove(host, id, coaching.MemberID(agent.MemberID()))) // nobody else is found: the farewell
		note(id)
		if want := []string{"people", "music", "people", "farewell"}; !slices.Equal(heard, want) {
			t.Errorf("the customer hears %v, want %v", heard, want)
		}
	})
	bubble(t, func(t *testing.T) {
		o := newBooks(t)
		for i, c := range []struct {
			call coaching.Call
			want string
		}{
			{coaching.Call{State: coaching.StateAnswered}, "nothing-yet"},
			{coaching.Call{State: coaching.StateWaiting}, "music"},
			{coaching.Call{State: coaching.StateActive}, "nothing"},
			{coaching.Call{State: coaching.StateActive, Participants: []coaching.Participant{{Member: "1", Role: coaching.RoleCustomer, Confirmed: true}}}, "silence"},
			{coaching.Call{State: coaching.StateActive, Participants: []coaching.Participant{{Member: "1", Role: coaching.RoleCustomer}}}, "unknown"},
			{coaching.Call{State: coaching.StateActive, Participants: []coaching.Participant{{Member: "1", Role: coaching.RoleCustomer, Held: true}}}, "music"},
			{coaching.Call{State: coaching.StateEnded, EndReason: coaching.ExitHost}, "nothing"},
		} {
			o.put(i, func(to *coaching.Call) {
				to.State, to.EndReason, to.Participants = c.call.State, c.call.EndReason, c.call.Participants
				for i := range to.Participants {
					to.Participants[i].Joined = time.Now()
				}
			})
			var got struct {
				CustomerHears string `json:"customer_hears"`
			}
			send(t, o.console, ask{as: "supervisor:lee", path: "/api/calls/" + string(callID(i))}).into(t, &got)
			if got.CustomerHears != c.want {
				t.Errorf("customer_hears of %v = %q, want %q", c.call, got.CustomerHears, c.want)
			}
		}
	})
}

// One call with everything in it, to the letter: what a page can count on.
func TestCallJSON(t *testing.T) {
	bubble(t, func(t *testing.T) {
		o := open(t, flowConfig(func(c *coaching.Config) {
			c.Route = func(_ context.Context, c coaching.Call) (coaching.Next, error) {
				return coaching.Next{Ring: []coaching.Agent{{ID: "ann", Address: ann}, {ID: "bob", Address: bob}}, Data: map[string]string{"order": "4711"}}, nil
			}
		}))
		o.srv.Phone(bob, &plivotest.PhonePlan{Action: plivotest.Busy})
		_, _, id := o.connected()
		path := "/api/calls/" + string(id)
		o.want(ask{as: "agent:ann", path: path + "/add-supervisor", body: `{"supervisor":"lee","mode":"monitor"}`}, 200, "")
		o.want(ask{as: "supervisor:lee", path: path + "/take-over", body: `{"supervisor":"lee","agent":"hold"}`}, 200, "")
		time.Sleep(5 * time.Second)
		o.want(ask{as: "supervisor:lee", path: path + "/hand-back", body: `{"supervisor":"lee"}`}, 200, "")
		time.Sleep(time.Second)
		o.want(ask{as: "supervisor:lee", path: path + "/end", body: `{}`}, 204, "")
		time.Sleep(time.Minute)
		p := o.want(ask{as: "supervisor:lee", path: path}, 200, "")
		times := regexp.MustCompile(`"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z"`)
		version := regexp.MustCompile(`"version":\d+`) // how often the books were written is not ours to say
		golden(t, "call.json", version.ReplaceAll(times.ReplaceAll(p.body, []byte(`"a time"`)), []byte(`"version":1`)))
	})
}

// golden compares JSON with what was last agreed on.
func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	var v any
	if err := json.Unmarshal(got, &v); err != nil {
		t.Fatal(err)
	}
	got, _ = json.MarshalIndent(v, "", "  ")
	file := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(file, append(got, '\n'), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if d := cmp.Diff(read(t, file), string(got)+"\n"); d != "" {
		t.Errorf("%s is not what it was; if that is meant, run with -update (-file +now):\n%s", file, d)
	}
}
