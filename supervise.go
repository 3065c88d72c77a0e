package coaching

import "time"

// The supervisor's verbs, as far as they are rules: joining, switching, taking
// over, handing back. What is asked for stands in Supervision.Want; moves
// brings the locks there, and these functions watch it happen.

// joining waits for a supervisor to be in, in the mode asked for.
func (m *machine) joining(c *Call, o *operation, now time.Time) {
	s := c.supervision(o.Sup)
	if s == nil || s.State == SupervisionEnded {
		m.opFail(c, o, now, failNotApplied, reasonOf(s))
		return
	}
	p := c.member(s.Member)
	if s.State == SupervisionRinging || p == nil {
		o.Deadline = now.Add(opPatience) // the leg's own deadline bounds the ringing
		return
	}
	if p.byAddress && o.Mode == ModeCoach && p.mute.confirmed(true) {
		s.Want = ModeMonitor
		m.opFail(c, o, now, failNotApplied, "joined muted: which of our phones this is could not be told")
		return
	}
	m.confirmed(c, o, s, p, now)
}

// switching waits for a change of mode to be confirmed.
func (m *machine) switching(c *Call, o *operation, now time.Time) {
	s, p := m.present(c, o, now)
	if p != nil {
		m.confirmed(c, o, s, p, now)
	}
}

func (m *machine) confirmed(c *Call, o *operation, s *Supervision, p *Participant, now time.Time) {
	switch {
	case mode(p) == s.Want && s.Want == o.Mode && c.fresh(o):
		m.opDone(c, o, now)
	case !now.Before(o.Deadline):
		f := failUnknown
		if mode(p) != 0 {
			f = failNotApplied
		}
		m.opFail(c, o, now, f, "no read confirms the mode")
		if o.Mode == ModeCoach {
			s.Want = ModeMonitor
		}
	}
}

// present returns the joined supervision behind an operation; it fails the
// operation if the supervisor has left.
func (m *machine) present(c *Call, o *operation, now time.Time) (*Supervision, *Participant) {
	s := c.supervision(o.Sup)
	if s == nil || s.State == SupervisionEnded {
		m.opFail(c, o, now, failNotApplied, reasonOf(s))
		return nil, nil
	}
	return s, c.member(s.Member)
}

func reasonOf(s *Supervision) string {
	if s == nil || s.Reason == "" {
		return "the supervisor left"
	}
	return s.Reason
}

// takingOver goes through R11: active, customer off hold, supervisor audible,
// each confirmed; then the agents' part. Until that is sent a failure rolls
// back.
func (m *machine) takingOver(c *Call, o *operation, now time.Time) {
	s, p := m.present(c, o, now)
	if s == nil {
		return
	}
	if s.State == SupervisionRinging || p == nil {
		o.Deadline = now.Add(opPatience)
		return
	}
	if p.byAddress {
		m.rollback(c, o, now, failNotApplied, "joined, but which of our phones this is could not be told", false)
		return
	}
	if !now.Before(o.Deadline) {
		if s.firm {
			m.opFail(c, o, now, failUnknown, "the agent's part is not confirmed")
			return
		}
		m.rollback(c, o, now, failUnknown, "not confirmed in time", true)
		return
	}
	cust := c.customer()
	switch {
	case cust == nil:
		return
	case c.State != StateActive: // moves activates
		return
	case cust.askHold:
		o.WasHeld, cust.askHold, c.work.moved = true, false, true
		return
	case !cust.hold.confirmed(false):
		return
	case s.Want != ModeOpen:
		s.Want, c.work.moved = ModeOpen, true
		return
	case mode(p) != ModeOpen:
		return
	case !s.TookOver || !o.Part2:
		o.Part2, s.TookOver, s.Agent, c.work.moved = true, true, o.Part, true
		m.record(c, Record{Kind: RecordRaised, At: now, Supervisor: s.ID, Member: p.Member, Actor: o.Actor, Mode: ModeOpen})
		if o.Part == AgentRemove {
			for a := range c.live(RoleAgent) {
				if l := c.legByCall(a.CallUUID); l != nil && l.isAgent() {
					s.removed = append(s.removed, l.Agent)
				}
				a.kick = true
			}
		}
		return
	}
	for a := range c.live(RoleAgent) {
		switch {
		case o.Part == AgentMute && !a.mute.confirmed(true), o.Part == AgentHold && !a.hold.confirmed(true), o.Part == AgentRemove && a.kick:
			return
		}
	}
	if c.fresh(o) {
		s.firm = true
		m.opDone(c, o, now)
	}
}

// rollback undoes a take-over or another opening that failed: the locks close,
// and the supervisor is where they were, or, in doubt, at the safe side.
func (m *machine) rollback(c *Call, o *operation, now time.Time, f failure, why string, doubt bool) {
	s := c.supervision(o.Sup)
	if s != nil && s.State == SupervisionJoined && !s.firm {
		was := s.prior
		if was == 0 || was == ModeOpen || doubt || o.Kind != opTakeOver {
			was = ModeMonitor
		}
		s.Want, s.TookOver, s.Agent = was, false, AgentKeep
	}
	if cust := c.customer(); cust != nil && o.WasHeld {
		cust.askHold = true
	}
	if s == nil || !s.firm {
		m.opFail(c, o, now, f, why)
	}
}

// doubt is what follows when a request that opens a lock went unanswered, or
// was answered and does not show: both locks close (R10 d), unless a take-over
// is firm (R11).
func (m *machine) doubt(c *Call, p *Participant, now time.Time, f failure, why string) {
	s := c.supervisionOf(p.Member)
	if s == nil || s.firm {
		return
	}
	if o := c.opOf(s.ID); o != nil {
		m.rollback(c, o, now, f, why, true)
	}
	s.Want, s.TookOver, s.Agent, c.work.moved = ModeMonitor, false, AgentKeep, true
}

// handingBack restores the agents, confirmed audible, and only then lowers the
// supervisor. Nobody answers: the supervisor keeps the call.
func (m *machine) handingBack(c *Call, o *operation, now time.Time) {
	s, p := m.present(c, o, now)
	if s == nil || p == nil {
		return
	}
	if o.Part2 {
		if mode(p) == o.Mode {
			m.opDone(c, o, now)
		} else if !now.Before(o.Deadline) {
			m.opFail(c, o, now, failUnknown, "the agents are back, the lowering is not confirmed")
		}
		return
	}
	if s.Agent != AgentKeep && s.Agent != AgentRemove {
		s.Agent, o.Part, c.work.moved = AgentKeep, s.Agent, true // their mute and hold are lifted by moves
	}
	if len(o.To) > 0 {
		if o.Attempt == 0 {
			if c.work.Route.Attempt == 0 {
				o.Attempt = m.ring(c, o.To, o.For, o.ID, now)
			}
			return
		}
		if a := c.attemptByID(o.Attempt); a == nil || a.Ended.IsZero() {
			o.Deadline = now.Add(opPatience) // the ring time bounds it
			return
		} else if a.Reached == "" {
			m.opFail(c, o, now, failNotApplied, "nobody answered; the supervisor keeps the call")
			return
		}
	}
	switch {
	case c.otherAudible(p):
		s.removed, s.TookOver, s.firm, s.Agent = nil, false, false, AgentKeep
		s.Want, o.Part2, o.Deadline, c.work.moved = o.Mode, true, now.Add(lowPatience), true
		m.record(c, Record{Kind: RecordLowered, At: now, Supervisor: s.ID, Member: p.Member, Actor: o.Actor, Mode: o.Mode})
	case !now.Before(o.Deadline):
		s.Agent = o.Part
		m.opFail(c, o, now, failNotApplied, "no agent is confirmed audible; the supervisor keeps the call")
	}
}

// endSupervision notes that a supervisor is gone, or never came.
func (m *machine) endSupervision(c *Call, s *Supervision, now time.Time, why string) {
	if s.State == SupervisionEnded {
		return
	}
	if l := c.leg(s.leg); l != nil {
		if l.State == legIn {
			l.State = legOver
		}
		m.giveUp(c, l, why)
	}
	s.State, s.Ended, s.Reason, s.Want, c.work.moved = SupervisionEnded, now, why, 0, true
	m.record(c, Record{Kind: RecordLeft, At: now, Supervisor: s.ID, Member: s.Member, Actor: s.Actor, Detail: why})
}

// otherAudible reports whether somebody besides p is confirmed audible to the
// customer.
func (c *Call) otherAudible(p *Participant) bool {
	for o := range c.live(0) {
		if o != p && c.audible(o) {
			return true
		}
	}
	return false
}

// audible reports whether p is an audible party: an agent neither muted nor on
// hold, or a supervisor in ModeOpen, confirmed, in the active MPC.
func (c *Call) audible(p *Participant) bool {
	if c.State != StateActive || !p.Live() || p.kick || !p.hold.confirmed(false) || !p.mute.confirmed(false) {
		return false
	}
	return p.Role == RoleAgent || p.Role == RoleSupervisor && p.coach.confirmed(false)
}

// couldTalk reports whether somebody besides p would be audible if every
// take-over of p's were undone and nothing else changed.
func (c *Call) couldTalk(p *Participant) bool {
	for o := range c.live(0) {
		if o == p || o.kick {
			continue
		}
		if o.Role == RoleAgent && !o.askMute && !o.askHold && !c.overlaid(o, p) || o.Role == RoleSupervisor && c.audible(o) {
			return true
		}
	}
	return false
}

// overlaid reports whether a take-over by somebody other than except mutes or
// holds the agents.
func (c *Call) overlaid(agent, except *Participant) bool {
	for i := range c.Supervisions {
		s := &c.Supervisions[i]
		if s.State == SupervisionJoined && s.TookOver && (except == nil || s.Member != except.Member) && (s.Agent == AgentMute || s.Agent == AgentHold) {
			return true
		}
	}
	return false
}
