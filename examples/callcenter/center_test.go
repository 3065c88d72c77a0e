package main

import (
	"context"
	"net"
	"net/http"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/mpc-coaching/coaching"
	"github.com/mpc-coaching/coaching/plivotest"
)

func freeAddr(t *testing.T) string {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	return ln.Addr().String()
}

// inBubble runs f with a center in memory, where time costs nothing.
func inBubble(t *testing.T, f func(t *testing.T, c *center, emu *plivotest.Server)) {
	synctest.Test(t, func(t *testing.T) {
		emu := plivotest.NewServer(nil)
		defer emu.Close()
		const public = "https://voice.example.com/plivo"
		c, err := newCenter(centerConfig{staff: emulatedStaff(), authID: emu.AuthID(), authToken: emu.AuthToken(), publicURL: public,
			client: emu.Client(), readLag: emulatedLag, ringTime: 20 * time.Second})
		if err != nil {
			t.Fatal(err)
		}
		emu.Mount("https://voice.example.com", http.StripPrefix("/plivo", c.flow.Handler()))
		for n := range c.staff.teams {
			emu.Number(n, public+"/answer")
		}
		for _, p := range c.staff.people {
			emu.Phone(p.Address, &plivotest.PhonePlan{Action: plivotest.Manual, BusyInCall: true})
		}
		ctx, stop := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- c.flow.Run(ctx) }()
		defer func() { stop(); <-done }()
		f(t, c, emu)
	})
}

func state(emu *plivotest.Server, address string) plivotest.State {
	if l := emu.Phone(address, nil).Last(); l != nil {
		return l.State()
	}
	return plivotest.Ended
}

func sip(id string) string { return "sip:" + id + "@phone.plivo.com" }

func TestRouteFreeAgents(t *testing.T) {
	inBubble(t, func(t *testing.T, c *center, emu *plivotest.Server) {
		first := emu.Dial("14155550123", "14155550100", nil)
		second := emu.Dial("14155550124", "14155550100", nil)
		third := emu.Dial("14155550125", "14155550100", nil)
		other := emu.Dial("14155550126", "14155550101", nil)
		time.Sleep(6 * time.Second)
		for _, id := range []string{"ann", "cay", "bob"} {
			if got := state(emu, sip(id)); got != plivotest.Ringing {
				t.Errorf("%s’s phone is %s, want ringing", id, got)
			}
			if n := len(emu.Phone(sip(id), nil).Calls()); n != 1 {
				t.Errorf("%s was rung for %d calls, want 1", id, n)
			}
			emu.Phone(sip(id), nil).Answer()
		}
		time.Sleep(5 * time.Second)
		talking := 0
		for _, l := range []*plivotest.Leg{first, second, third} {
			if l.Listening() == "mpc" {
				talking++
			} else if l.Listening() != "wait music" {
				t.Errorf("a customer hears %s, want somebody or wait music", l.Listening())
			}
		}
		if talking != 2 || other.Listening() != "mpc" {
			t.Errorf("%d sales customers talk, support hears %s; want 2 and mpc", talking, other.Listening())
		}
		emu.Phone(sip("cay"), nil).Last().Hangup()
		time.Sleep(10 * time.Second)
		if got := state(emu, sip("cay")); got != plivotest.Ringing {
			t.Errorf("after hanging up Cay’s phone is %s, want ringing for the one who waits", got)
		}
	})
}

func TestRouteNext(t *testing.T) {
	inBubble(t, func(t *testing.T, c *center, emu *plivotest.Server) {
		customer := emu.Dial("14155550123", "14155550100", nil)
		var order []string
		seen := map[string]int{}
		for range 400 { // 40 s, in which nobody answers and Ann declines at once
			time.Sleep(100 * time.Millisecond)
			for _, id := range []string{"ann", "cay"} {
				if n := len(emu.Phone(sip(id), nil).Calls()); n > seen[id] {
					seen[id] = n
					order = append(order, id)
				}
			}
			emu.Phone(sip("ann"), nil).Reject()
		}
		if want := []string{"ann", "cay", "ann", "cay"}; !slices.Equal(order[:min(len(order), 4)], want) {
			t.Errorf("rung in the order %v, want %v", order, want)
		}
		if got := customer.Listening(); got != "wait music" {
			t.Errorf("the customer hears %s, want wait music", got)
		}
	})
}

func TestRouteNobodysNumber(t *testing.T) {
	inBubble(t, func(t *testing.T, c *center, emu *plivotest.Server) {
		emu.Number("14155550199", "https://voice.example.com/plivo/answer")
		l := emu.Dial("14155550123", "14155550199", nil)
		time.Sleep(30 * time.Second)
		if l.State() != plivotest.Ended {
			t.Errorf("a call to a number of no team is %s, want ended after the farewell", l.State())
		}
	})
}

// only returns the one live call.
func only(t *testing.T, c *center) coaching.Call {
	t.Helper()
	var calls []coaching.Call
	for call, err := range c.flow.Calls(coaching.AsHost(t.Context()), coaching.CallFilter{}) {
		if err != nil {
			t.Fatal(err)
		}
		calls = append(calls, call)
	}
	if len(calls) != 1 {
		t.Fatalf("%d live calls, want 1", len(calls))
	}
	return calls[0]
}

func TestAuthorize(t *testing.T) {
	inBubble(t, func(t *testing.T, c *center, emu *plivotest.Server) {
		emu.Dial("14155550123", "14155550100", nil)
		time.Sleep(3 * time.Second)
		call := only(t, c)
		may := func(role, id, op, sup string) bool {
			ctx := coaching.WithActor(t.Context(), coaching.Actor{ID: id, Role: role})
			return c.flow.Authorize(ctx, coaching.AccessRequest{Op: op, Call: call, Supervisor: coaching.SupervisorID(sup)}) == nil
		}
		if !may(agentRole, "ann", "Call", "") || may(agentRole, "ann", "Hold", "") {
			t.Error("while her phone rings Ann may see the call and not act in it")
		}
		emu.Phone(sip("ann"), nil).Answer()
		time.Sleep(3 * time.Second)
		call = only(t, c)
		for _, tt := range []struct {
			role, id, op, sup string
			want              bool
		}{
			{agentRole, "ann", "Call", "", true},
			{agentRole, "ann", "Watch", "", true},
			{agentRole, "ann", "Hold", "", true},
			{agentRole, "ann", "End", "", true},
			{agentRole, "ann", "AddSupervisor", "lee", true},
			{agentRole, "ann", "AddSupervisor", "mia", false}, // another team's
			{agentRole, "ann", "AddSupervisor", "nobody", false},
			{agentRole, "ann", "Barge", "lee", false},
			{agentRole, "ann", "TakeOver", "lee", false},
			{agentRole, "ann", "Mute", "", false},
			{agentRole, "cay", "Call", "", false}, // another's call
			{agentRole, "cay", "AddSupervisor", "lee", false},
			{agentRole, "bob", "Watch", "", false},
			{supervisorRole, "lee", "Call", "", true},
			{supervisorRole, "lee", "Barge", "lee", true},
			{supervisorRole, "lee", "TakeOver", "lee", true},
			{supervisorRole, "lee", "Ticket", "lee", true},
			{supervisorRole, "lee", "Redeem", "lee", true},
			{supervisorRole, "lee", "Transfer", "", true},
			{supervisorRole, "lee", "Barge", "mia", false}, // in somebody else's name
			{supervisorRole, "mia", "Call", "", false},     // another team's
			{supervisorRole, "mia", "Barge", "mia", false},
			{supervisorRole, "ann", "Call", "", false}, // not her role
			{agentRole, "nobody", "Call", "", false},
			{"", "", "Call", "", false},
		} {
			if got := may(tt.role, tt.id, tt.op, tt.sup); got != tt.want {
				t.Errorf("%s %s may %s %s = %v, want %v", tt.role, tt.id, tt.op, tt.sup, got, tt.want)
			}
		}
	})
}

func TestPeopleFor(t *testing.T) {
	c := &center{staff: emulatedStaff()}
	names := func(role, id string) (agents, supervisors []string) {
		p, err := c.peopleFor(t.Context(), coaching.Actor{ID: id, Role: role})
		if err != nil {
			t.Fatal(err)
		}
		for _, a := range p.Agents {
			agents = append(agents, a.ID)
		}
		for _, s := range p.Supervisors {
			supervisors = append(supervisors, s.ID)
		}
		return agents, supervisors
	}
	if a, s := names(agentRole, "ann"); !slices.Equal(a, []string{"ann", "cay", "bob"}) || !slices.Equal(s, []string{"lee"}) {
		t.Errorf("Ann chooses from %v and %v, want all agents and lee", a, s)
	}
	if a, s := names(supervisorRole, "mia"); !slices.Equal(a, []string{"ann", "cay", "bob"}) || !slices.Equal(s, []string{"mia"}) {
		t.Errorf("Mia chooses from %v and %v, want all agents and herself", a, s)
	}
	if _, err := c.peopleFor(t.Context(), coaching.Actor{ID: "ann", Role: supervisorRole}); err == nil {
		t.Error("somebody who does not work here may choose")
	}
}
