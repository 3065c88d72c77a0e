package coaching

import (
	"testing"
	"time"
)

// A call that is due now although the rules have just looked at it would be
// looked at again at once, and so on: Run would spin on it.
func TestDueLiesAhead(t *testing.T) {
	now := time.Unix(1_700_000_000, 0)
	m := machine{maxWait: time.Minute, settle: time.Minute, lag: 2 * time.Second, retention: time.Hour, requestTimeout: 5 * time.Second}
	active := func() Call {
		c := Call{ID: testID, State: StateActive, MPC: "m", CallUUID: "u", Created: now.Add(-time.Hour), Activated: now.Add(-time.Hour)}
		c.Participants = []Participant{
			{Member: "1", Role: RoleCustomer, CallUUID: "u", Joined: c.Created},
			{Member: "2", Role: RoleAgent, Agent: "ann", Joined: c.Created},
		}
		for i := range c.Participants {
			p := &c.Participants[i]
			p.mute.Known, p.hold.Known = true, true
		}
		return c
	}
	for name, adjust := range map[string]func(*Call){
		"an operation's deadline is now": func(c *Call) {
			c.work.Ops = []operation{{ID: 1, Kind: opMute, Member: "2", Value: true, Since: now.Add(-opPatience), Deadline: now}}
			c.member("2").askMute = true
		},
		"an operation's deadline has passed": func(c *Call) {
			c.work.Ops = []operation{{ID: 1, Kind: opTransfer, Deadline: now.Add(-time.Second)}}
		},
		"the end is decided, and the customer has waited too long": func(c *Call) {
			c.work.Ending, c.work.Route.Since = true, now.Add(-time.Hour)
		},
	} {
		c := active()
		adjust(&c)
		for range 50 { // let what it writes down be under way
			next, err := m.apply(c, tick{}, now)
			if err != nil {
				t.Fatal(err)
			}
			c = next
			for i := range c.work.Steps {
				if s := &c.work.Steps[i]; !s.From.After(now) {
					s.Sent, s.At, s.Until = true, now, now.Add(time.Minute)
				}
			}
		}
		if steps := runnable(&c, now); len(steps) == 0 && !c.Due().IsZero() && !c.Due().After(now) {
			t.Errorf("%s: due %v after now, want later than now", name, c.Due().Sub(now))
		}
	}
}
