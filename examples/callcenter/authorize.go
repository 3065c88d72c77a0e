package main

import (
	"context"
	"errors"
	"slices"

	"github.com/mpc-coaching/coaching"
)

var errNotYours = errors.New("not yours")

// seeing are the operations that show and change nothing.
var seeing = []string{"Call", "Calls", "Watch"}

// authorize is the house rule. Agents see the calls they are or were in, and
// act in those they are in; supervisors see and do all in their team's calls,
// as themselves.
func (c *center) authorize(_ context.Context, r coaching.AccessRequest) error {
	p, ok := c.staff.find(r.Actor.Role, r.Actor.ID)
	if !ok {
		return errNotYours
	}
	if r.Call.ID == "" && (r.Op == "Calls" || r.Op == "Watch") {
		return nil // asked again for each call
	}
	allowed := c.supervisorMay
	if p.Role == agentRole {
		allowed = c.agentMay
	}
	if !allowed(p, r) {
		return errNotYours
	}
	return nil
}

func (c *center) agentMay(p person, r coaching.AccessRequest) bool {
	id := coaching.AgentID(p.ID)
	_, in := r.Call.Agent(id)
	switch r.Op {
	case "Call", "Calls", "Watch":
		return in || slices.Contains(rungNow(r.Call), id) ||
			slices.ContainsFunc(r.Call.Participants, func(q coaching.Participant) bool { return q.Agent == id })
	case "AddSupervisor":
		if r.Supervisor == "" { // asked in general, for a button
			return in
		}
		s, ok := c.staff.find(supervisorRole, string(r.Supervisor))
		return in && ok && s.Team == p.Team
	case "Await":
		return in
	case "Hold", "Resume", "Transfer", "End":
		return in
	}
	return false
}

func (c *center) supervisorMay(p person, r coaching.AccessRequest) bool {
	if c.staff.team(r.Call) != p.Team {
		return false
	}
	return slices.Contains(seeing, r.Op) || r.Supervisor == "" || string(r.Supervisor) == p.ID
}
