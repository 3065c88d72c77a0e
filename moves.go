package coaching

import "time"

// moves compares what is wanted of every participant with what is confirmed,
// and plans the requests and reads that bring the two together.
func (m *machine) moves(c *Call, now time.Time) {
	for i := range c.Participants {
		p := &c.Participants[i]
		if !p.Live() {
			m.noOpening(c, p)
			continue
		}
		if p.kick {
			m.noOpening(c, p)
			m.planKick(c, p, now)
			if mayBeHeard(p) && !(p.mute.Asked && p.mute.Want) {
				m.planUpdate(c, p, flagMute, true, now) // the kick may take long
			}
			continue
		}
		switch p.Role {
		case RoleCustomer:
			hold := p.askHold
			if cust := c.customer(); cust == p {
				hold = hold || c.work.Route.Hold
			}
			m.bring(c, p, flagMute, p.askMute, now)
			if c.State == StateActive {
				m.bring(c, p, flagHold, hold, now)
			}
		case RoleAgent:
			if p.Agent == "" && !p.adopted {
				continue // not matched yet
			}
			mute, hold := c.wantAgent(p)
			m.bring(c, p, flagMute, mute, now)
			m.bring(c, p, flagHold, hold, now)
		case RoleSupervisor:
			s := c.supervisionOf(p.Member)
			if s == nil {
				m.noOpening(c, p)
				continue
			}
			want := s.Want
			if c.work.Ending && want == ModeOpen && !s.firm {
				m.noOpening(c, p) // the end replaces a raise that is under way
				continue
			}
			if p.byAddress && want > ModeMonitor && !p.mute.confirmed(false) {
				want = ModeMonitor
			}
			m.planLock(c, p, nextMove(p, want, s.firm, m.lag), now)
			if s.Want == ModeOpen {
				m.bring(c, p, flagHold, false, now)
			} else if !p.hold.settled() {
				c.wantReadFrom(p.hold.readFrom(p.hold.Want, m.lag), p.hold.Tick)
			}
		}
	}
	if o := c.pending(opTakeOver); o != nil && c.State == StateWaiting && c.takeoverIn() {
		m.planOnce(c, stepActivate, now)
	}
	if c.work.Ending && c.MPC != "" {
		from := now
		if c.EndReason == ExitCustomer {
			from = now.Add(time.Second) // it ends by itself when the customer leaves
		}
		m.planOnce(c, stepEnd, from)
	}
}

// planOnce plans a step of which one is enough, backing off after failures.
func (m *machine) planOnce(c *Call, k stepKind, from time.Time) {
	if c.hasStep(k, nil) {
		return
	}
	if n := c.work.Retries[k.String()]; n > 0 {
		from = from.Add(backoff(n))
	} else if c.work.Tick > 0 && !c.work.Asked.IsZero() && c.work.AskedKind == k {
		from = later(from, c.work.Asked.Add(m.lag+time.Second)) // its effect may not show yet
	}
	c.work.Asked, c.work.AskedKind = from, k
	c.addStep(step{Kind: k, UUID: c.MPC, From: from})
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// bring plans what makes a flag of a customer or an agent v.
func (m *machine) bring(c *Call, p *Participant, n flagName, v bool, now time.Time) {
	f := p.flag(n)
	switch {
	case f.confirmed(v) || f.Fly > 0:
	case !f.Known && !f.Asked:
		c.wantReadFrom(p.Joined, 0)
	case f.settled() || f.Asked && f.Want != v || f.Tries > 0:
		m.planUpdate(c, p, n, v, now)
		if f.Asked {
			c.wantReadFrom(f.readFrom(v, m.lag), f.Tick)
		}
	default:
		c.wantReadFrom(f.readFrom(v, m.lag), f.Tick)
	}
}

// planUpdate plans one flag of one member; a planned request for the opposite
// is taken back.
func (m *machine) planUpdate(c *Call, p *Participant, n flagName, v bool, now time.Time) {
	same := func(s *step) bool { return s.Member == p.Member && s.Flag == n && s.Value == v && !s.Sent }
	if c.hasStep(stepUpdate, same) {
		return
	}
	m.unplan(c, p, n, !v)
	from := later(now, p.flag(n).Next)
	if v && p.Role == RoleSupervisor && n != flagHold && p.flag(n).Want != v {
		from = now // the first closing request never waits
	}
	c.addStep(step{Kind: stepUpdate, Member: p.Member, Flag: n, Value: v, From: from})
}

// unplan takes back planned updates of a flag to v.
func (m *machine) unplan(c *Call, p *Participant, n flagName, v bool) {
	for i := len(c.work.Steps) - 1; i >= 0; i-- {
		if s := c.work.Steps[i]; s.Kind == stepUpdate && !s.Sent && s.Member == p.Member && s.Flag == n && s.Value == v {
			c.drop(s.ID)
		}
	}
}

// planLock plans one move of the two locks. A planned opening that is no
// longer wanted is taken back first: it was not sent, so it owes nothing.
func (m *machine) planLock(c *Call, p *Participant, mv lockMove, now time.Time) {
	for _, n := range [...]flagName{flagMute, flagCoach} {
		if mv.send != n || mv.value {
			m.unplan(c, p, n, false)
		}
	}
	if mv.send != 0 {
		m.planUpdate(c, p, mv.send, mv.value, now)
	}
	if mv.read {
		c.wantReadFrom(later(mv.from, p.Joined), max(p.mute.Tick, p.coach.Tick))
	}
}

// noOpening takes back what was planned to open a lock of a supervisor whom
// nobody expects to be heard any more.
func (m *machine) noOpening(c *Call, p *Participant) {
	if p.Role == RoleSupervisor {
		m.planLock(c, p, lockMove{}, time.Time{})
	}
}

func (m *machine) planKick(c *Call, p *Participant, now time.Time) {
	if c.hasStep(stepKick, func(s *step) bool { return s.Member == p.Member }) {
		return
	}
	c.addStep(step{Kind: stepKick, Member: p.Member, From: later(now, p.kickNext)})
}
