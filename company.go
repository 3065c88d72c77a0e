package coaching

import "time"

// Who is with the customer: a customer always has an audible party, or music,
// or the farewell.

const (
	silencePatience = 3 * time.Second  // then music, while whoever is in is being made audible
	mendPatience    = 20 * time.Second // then somebody else is sought
)

// company looks after the customer: it sees whether somebody is audible, puts
// them on hold (music) where not, restores whom verbs or policies have made
// silent, and decides what a loss means.
func (m *machine) company(c *Call, now time.Time) {
	cust, r := c.customer(), &c.work.Route
	if c.work.Ending {
		if r.Hold && cust != nil && c.State == StateActive {
			return // the music goes on until the end
		}
		return
	}
	if cust == nil {
		m.alone(c, now)
		return
	}
	if c.State != StateActive {
		return
	}
	for p := range c.live(0) {
		if c.audible(p) {
			if r.Hold || !r.Silent.IsZero() || !r.Since.IsZero() || r.Lost != "" {
				c.work.moved = true
			}
			r.Hold, r.Silent, r.Since, r.Lost, r.Grace, r.Stopped = false, time.Time{}, time.Time{}, "", time.Time{}, false
			return
		}
	}
	if r.Silent.IsZero() {
		r.Silent, c.work.moved = now, true
	}
	if r.Lost == "" && !r.Hold && now.Sub(c.Activated) < silencePatience {
		c.wantReadFrom(c.Activated, 0) // whoever made it active may not be in our books yet
		return
	}
	if c.takeoverIn() {
		m.holdFor(c, now.Sub(r.Silent) >= opPatience)
		return // whoever takes over is being made audible
	}
	if m.soon(c) && now.Sub(r.Silent) < mendPatience {
		m.holdFor(c, r.Hold || now.Sub(r.Silent) >= silencePatience)
		return
	}
	if m.restore(c) {
		return
	}
	m.holdFor(c, true)
	if !r.Since.IsZero() {
		return // being routed already
	}
	if p := c.member(r.Lost); p != nil && !p.kick {
		if p.cause == causeNone && now.Before(r.Grace) {
			if !c.hasStep(stepCause, nil) && p.CallUUID != "" {
				c.addStep(step{Kind: stepCause, UUID: p.CallUUID})
			}
			return
		}
		if p.cause == causeGoodbye && m.leave.AfterGoodbye != LeaveRoute && r.For == 0 {
			m.end(c, now, ExitAgent)
			return
		}
	}
	cust.askHold = false // whoever asked for it is gone: the next agent finds the customer off hold
	r.Losses++
	r.Since, r.Lost, r.Grace, c.work.moved = now, "", time.Time{}, true
	m.record(c, Record{Kind: RecordLost, At: now, Detail: "nobody is with the customer"})
	if r.Losses > maxLosses {
		m.end(c, now, ExitNobody)
	}
}

func (m *machine) holdFor(c *Call, on bool) {
	if c.work.Route.Hold != on {
		c.work.Route.Hold, c.work.moved = on, true
	}
}

// takeoverIn reports whether a supervisor who is in the call is being raised.
func (c *Call) takeoverIn() bool {
	o := c.pending(opTakeOver)
	if o == nil || o.State != opPending {
		return false
	}
	s := c.supervision(o.Sup)
	return s != nil && s.State == SupervisionJoined
}

// soon reports whether somebody in the call is to be audible and is only not
// confirmed yet.
func (m *machine) soon(c *Call) bool {
	for p := range c.live(RoleAgent) {
		if mute, hold := c.wantAgent(p); !p.kick && !mute && !hold {
			return true
		}
	}
	for i := range c.Supervisions {
		s := &c.Supervisions[i]
		if p := c.member(s.Member); s.State == SupervisionJoined && s.Want == ModeOpen && s.firm && p != nil && p.Live() && !p.kick {
			return true
		}
	}
	return false
}

// restore gives agents whom we muted or held their voice back; it reports
// whether there were any.
func (m *machine) restore(c *Call) bool {
	any := false
	for p := range c.live(RoleAgent) {
		if p.kick {
			continue
		}
		mute, hold := c.wantAgent(p)
		if !mute && !hold {
			continue // mending did not help
		}
		p.askMute, p.askHold, any = false, false, true
	}
	if any {
		for i := range c.Supervisions {
			if s := &c.Supervisions[i]; s.State == SupervisionJoined {
				s.Agent = AgentKeep
			}
		}
		c.work.Route.Silent, c.work.moved = time.Time{}, true
	}
	return any
}

// wantAgent returns what mute and hold of an agent are to be: what verbs asked
// for, with the policies of take-overs on top.
func (c *Call) wantAgent(p *Participant) (mute, hold bool) {
	mute, hold = p.askMute, p.askHold
	for i := range c.Supervisions {
		s := &c.Supervisions[i]
		if s.State == SupervisionJoined && s.TookOver && p.Role == RoleAgent {
			mute = mute || s.Agent == AgentMute
			hold = hold || s.Agent == AgentHold
		}
	}
	return mute, hold
}

// alone ends a call whose customer is gone.
func (m *machine) alone(c *Call, now time.Time) {
	if c.State == StateAnswered || c.work.Ghost {
		return
	}
	for i := range c.Participants {
		if p := &c.Participants[i]; p.Role == RoleCustomer && !p.Live() && (c.CallUUID == "" || p.CallUUID == "" || p.CallUUID == c.CallUUID) {
			m.end(c, now, ExitCustomer)
			return
		}
	}
	if len(c.Participants) > 0 {
		agents := false
		for range c.live(RoleAgent) {
			agents = true
		}
		if !agents && c.State == StateActive && now.Sub(c.Activated) > 5*time.Second {
			m.end(c, now, ExitLeft)
		}
	}
}

// left notes that a participant is gone, and what follows for their leg and
// supervision.
func (m *machine) left(c *Call, p *Participant, now time.Time, why string) {
	if !p.Live() {
		return
	}
	talked := p.Role == RoleAgent && !p.kick || p.Role == RoleSupervisor && c.tookOver(p)
	p.Left, c.work.moved = now, true
	if l := c.legByCall(p.CallUUID); l != nil && l.State == legIn {
		l.State = legOver
	}
	for i := range c.work.Legs {
		if l := &c.work.Legs[i]; l.Member == p.Member && l.State == legIn {
			l.State = legOver
		}
	}
	if s := c.supervisionOf(p.Member); s != nil {
		m.endSupervision(c, s, now, why)
	}
	if talked && c.State == StateActive {
		c.work.Route.Lost, c.work.Route.Grace = p.Member, now.Add(m.causeGrace)
	}
	if p.Role != RoleSupervisor {
		m.record(c, Record{Kind: RecordLeft, At: now, Agent: p.Agent, Member: p.Member, Detail: why})
	}
}

func (c *Call) tookOver(p *Participant) bool {
	s := c.supervisionOf(p.Member)
	return s != nil && s.TookOver
}
