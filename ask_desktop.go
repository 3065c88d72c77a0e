package coaching

import (
	"slices"
	"time"
)

// The verbs of the agent's desktop on their way into the Call.

func (a ask) flag(m *machine, c *Call, now time.Time) (*operation, error) {
	p := c.member(a.op.Member)
	if p == nil || !p.Live() {
		return nil, ErrNotFound
	}
	if p.Role == RoleSupervisor {
		return nil, invalid("a supervisor's voice is changed by SetMode, TakeOver and HandBack")
	}
	if p.kick {
		return nil, conflict("the participant is leaving")
	}
	if c.State != StateActive {
		return nil, conflict("the call is not active")
	}
	n := a.op.flag()
	only := p.Role == RoleAgent && !c.otherAudible(p)
	cust := c.customer()
	if n == flagHold && p.Role == RoleAgent && cust != nil {
		_, held := c.wantAgent(p)
		if a.op.Value && only && !held || !a.op.Value && !held && cust.askHold {
			p, a.op.Member = cust, cust.Member // the only audible party is held by holding the customer
		}
	}
	if n == flagMute && a.op.Value && only && !p.askMute {
		return nil, conflict("the customer would hear nobody; mute the softphone, or hold")
	}
	if !a.op.Value && p.Role == RoleAgent && c.overlaid(p, nil) {
		return nil, conflict("a take-over keeps this agent silent; hand back first")
	}
	if !a.op.Value && cust == p && n == flagHold && c.work.Route.Hold {
		return nil, conflict("nobody is with the customer: the music goes on")
	}
	for i := range c.work.Ops {
		if o := &c.work.Ops[i]; o.State == opPending && o.Kind == a.op.Kind && o.Member == a.op.Member {
			if o.Value == a.op.Value {
				return o, nil
			}
			return nil, conflict("the opposite is pending for this participant")
		}
	}
	if n == flagHold && cust == p && a.op.Value && c.pending(opTakeOver) != nil {
		return nil, conflict("a take-over is pending")
	}
	if n == flagMute {
		p.askMute = a.op.Value
	} else {
		p.askHold = a.op.Value
	}
	return c.addOp(a.op, now, opPatience), nil
}

func (a ask) remove(m *machine, c *Call, now time.Time) (*operation, error) {
	p := c.member(a.op.Member)
	if p == nil {
		return nil, ErrNotFound
	}
	if !p.Live() {
		return nil, nil
	}
	if p == c.customer() {
		return nil, invalid("removing the customer ends the call: use End")
	}
	if p.Role == RoleSupervisor && p.Supervisor != "" {
		a.op.Kind, a.op.Sup, a.op.Member = opLeave, p.Supervisor, ""
		return a.leave(m, c, now)
	}
	for i := range c.work.Ops {
		if o := &c.work.Ops[i]; o.State == opPending && o.Kind == opRemove && o.Member == p.Member {
			return o, nil
		}
	}
	p.kick = true
	return c.addOp(a.op, now, opPatience), nil
}

func (a ask) transfer(m *machine, c *Call, now time.Time) (*operation, error) {
	if o := c.pending(opTransfer); o != nil {
		if slices.Equal(o.To, a.to) {
			return o, nil
		}
		return nil, conflict("a transfer to others is pending")
	}
	if c.State != StateActive || !c.hasLiveAgent() {
		return nil, conflict("no agent is in the call to be transferred from")
	}
	if c.work.Route.Attempt != 0 {
		return nil, conflict("somebody is being rung already")
	}
	if err := c.roomFor(1); err != nil {
		return nil, err
	}
	for p := range c.live(RoleAgent) {
		if slices.ContainsFunc(a.to, func(g Agent) bool { return g.ID == p.Agent }) {
			return nil, conflict("agent %s is in the call already", p.Agent)
		}
		if !p.kick {
			a.op.Members = append(a.op.Members, p.Member)
		}
	}
	a.op.To = slices.Clone(a.to)
	o := c.addOp(a.op, now, opPatience)
	id := o.ID
	attempt := m.ring(c, a.to, a.op.For, id, now)
	o = c.op(id)
	o.Attempt, o.Deadline = attempt, now.Add(24*time.Hour) // the ring time bounds it
	return o, nil
}
