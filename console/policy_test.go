package console_test

import (
	"context"
	"errors"
	"slices"

	"github.com/mpc-coaching/coaching"
)

// teams says whose calls a supervisor looks after.
var teams = map[string][]coaching.AgentID{"lee": {"ann"}, "mia": {"bob"}}

var (
	agentOps      = []string{"Calls", "Call", "Watch", "AddSupervisor", "Await", "Hold", "Resume", "Mute", "Unmute", "Transfer", "End"}
	supervisorOps = []string{"Calls", "Call", "Watch", "Barge", "TakeOver", "HandBack", "SetMode", "Leave", "Await", "Ticket", "Redeem",
		"Hold", "Resume", "Mute", "Unmute", "Remove", "Transfer", "End"}
)

// policy is the Authorize that the table in docs/console.md is about: agents have
// their own calls, supervisors those of their team, in which they bring in
// nobody but themselves.
func policy(_ context.Context, r coaching.AccessRequest) error {
	self := coaching.AgentID(r.Actor.ID)
	switch {
	case r.Actor.Role == "agent" && rung(r.Call, self) && slices.Contains(agentOps, r.Op):
		return nil
	case r.Actor.Role == "supervisor" && rung(r.Call, teams[r.Actor.ID]...) && slices.Contains(supervisorOps, r.Op) &&
		(r.Supervisor == "" || string(r.Supervisor) == r.Actor.ID):
		return nil
	}
	return errors.New("not theirs")
}

// rung reports whether one of the agents was or is being rung for the call.
func rung(c coaching.Call, agents ...coaching.AgentID) bool {
	for _, a := range c.Attempts {
		for _, r := range a.Rings {
			if slices.Contains(agents, r.Agent) {
				return true
			}
		}
	}
	return false
}
