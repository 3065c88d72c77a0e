package coaching

import (
	"strings"
	"time"
)

// Whose leg is it (R8), and giving up the ones nobody needs (R7).

// match finds the person behind each participant that has none yet.
func (m *machine) match(c *Call, now time.Time) {
	for i := range c.Participants {
		p := &c.Participants[i]
		if !p.Live() || p.kick || p.Agent != "" || p.Supervisor != "" || p.adopted || p.Role != RoleAgent && p.Role != RoleSupervisor {
			continue
		}
		if l := c.legByCall(p.CallUUID); l != nil && l.isAgent() == (p.Role == RoleAgent) {
			m.assign(c, p, l, now)
			continue
		}
		if p.CallUUID == "" || p.Address == "" {
			c.wantReadFrom(p.Joined, 0)
			if now.Sub(p.Joined) < 2*m.lag+clockSkew {
				continue // a read will tell
			}
		}
		if c.hasStep(stepDial, func(s *step) bool { return s.Sent }) {
			continue // its answer may name this call
		}
		if l := c.legByAddress(p); l != nil {
			p.byAddress = true
			m.assign(c, p, l, now)
			continue
		}
		if p.CallUUID == "" && now.Sub(p.Joined) < 10*time.Second {
			continue
		}
		m.stranger(c, p)
	}
}

// legByAddress returns the one open leg of unknown call UUID with the
// participant's address; none where two would do.
func (c *Call) legByAddress(p *Participant) *leg {
	var found *leg
	for i := range c.work.Legs {
		l := &c.work.Legs[i]
		if l.State != legOut || l.isAgent() != (p.Role == RoleAgent) || !sameAddress(l.To, p.Address) {
			continue
		}
		if found != nil {
			return nil
		}
		found = l
	}
	if found == nil || found.CallUUID != "" {
		return nil
	}
	return found
}

func sameAddress(a, b string) bool {
	return a != "" && strings.EqualFold(strings.TrimPrefix(a, "+"), strings.TrimPrefix(b, "+"))
}

// stranger is a join that nothing of ours explains: a supervisor goes, an
// agent stays if the customer has none.
func (m *machine) stranger(c *Call, p *Participant) {
	if p.Role == RoleAgent && !c.hasOtherAgent(p) {
		p.adopted = true
		c.work.moved = true
		return
	}
	p.kick, c.work.moved = true, true
}

func (c *Call) hasOtherAgent(p *Participant) bool {
	for o := range c.live(RoleAgent) {
		if o != p && !o.kick {
			return true
		}
	}
	return false
}

// assign gives a participant to the leg that brought them.
func (m *machine) assign(c *Call, p *Participant, l *leg, now time.Time) {
	c.work.moved = true
	late := l.State == legOver
	l.State, l.Member, l.Unknown = legIn, p.Member, false
	if !l.isAgent() {
		p.Supervisor = l.Sup.ID
		s := c.supervision(l.Sup.ID)
		if late || s == nil || s.leg != l.ID || s.State == SupervisionEnded {
			p.kick = true // nobody expects them any more
			return
		}
		s.State, s.Member, s.Joined = SupervisionJoined, p.Member, now
		l.Outcome = LegAnswered
		m.record(c, Record{Kind: RecordJoined, At: now, Supervisor: s.ID, Member: p.Member, Actor: s.Actor})
		return
	}
	p.Agent = l.Agent.ID
	rival := false
	for o := range c.live(RoleAgent) {
		ol := c.legByCall(o.CallUUID)
		if o != p && !o.kick && (late || ol != nil && ol.Attempt == l.Attempt) {
			rival = true
		}
	}
	if rival {
		p.kick = true
		m.ringOver(c, l, LegGivenUp, "somebody else answered")
		return
	}
	m.ringOver(c, l, LegAnswered, "")
	m.unchase(c, l)
	for i := range c.work.Legs {
		if o := &c.work.Legs[i]; o.ID != l.ID && o.isAgent() && (o.Attempt == l.Attempt || late) {
			m.giveUp(c, o, "somebody else answered")
		}
	}
	m.record(c, Record{Kind: RecordJoined, At: now, Agent: p.Agent, Member: p.Member})
}

// ringOver sets the outcome of a leg, in the history too.
func (m *machine) ringOver(c *Call, l *leg, o LegOutcome, why string) {
	l.Outcome = o
	if why != "" {
		l.Reason = why
	}
	for i := range c.Attempts {
		if c.Attempts[i].ID != l.Attempt {
			continue
		}
		for j := range c.Attempts[i].Rings {
			if r := &c.Attempts[i].Rings[j]; r.Agent == l.Agent.ID {
				r.Outcome = o
			}
		}
	}
}

// over closes a leg that came to nothing.
func (m *machine) over(c *Call, l *leg, o LegOutcome, why string) {
	if !l.open() {
		return
	}
	l.State, c.work.moved = legOver, true
	m.ringOver(c, l, o, why)
}

// giveUp ends a leg that nobody needs. If its phone may be ringing it is hung
// up; if it joins all the same, match sees to it.
func (m *machine) giveUp(c *Call, l *leg, why string) {
	if !l.open() {
		return
	}
	l.Chase = l.State == legOut
	if s := c.step(l.Step); s != nil && !s.Sent {
		s.Legs = without(s.Legs, l.ID)
		if len(s.Legs) == 0 {
			c.drop(s.ID)
		}
	}
	m.over(c, l, LegGivenUp, why)
}

func without(ids []int, id int) []int {
	out := make([]int, 0, len(ids))
	for _, i := range ids {
		if i != id {
			out = append(out, i)
		}
	}
	return out
}

// unchase takes back the hanging up of a leg that is wanted after all.
func (m *machine) unchase(c *Call, l *leg) {
	if !l.chased() {
		return
	}
	l.Chase = false
	for i := len(c.work.Steps) - 1; i >= 0; i-- {
		if s := &c.work.Steps[i]; !s.Sent && s.UUID != "" && (s.Kind == stepHangup && s.UUID == l.CallUUID || s.Kind == stepCancel && s.UUID == l.Request) {
			c.drop(s.ID)
		}
	}
}

// chased reports whether the leg's phone may ring on and is to be hung up.
func (l *leg) chased() bool { return l.Chase && !l.HungUp }

// lingers reports whether a phone of a supervisor whom nobody expects any more
// may still ring, or is in the call until it has been removed: it must be gone
// before the next one rings.
func (c *Call) lingers(id SupervisorID, now time.Time) bool {
	for i := range c.work.Legs {
		l := &c.work.Legs[i]
		lost := l.Unknown && l.CallUUID == "" // its dial was not answered
		if l.Sup.ID == id && (lost || l.chased()) && (l.Deadline.IsZero() || now.Before(l.Deadline)) {
			return true
		}
	}
	for p := range c.live(RoleSupervisor) {
		if p.Supervisor == id {
			return true
		}
	}
	return false
}

// legsDue gives up legs whose time is over.
func (m *machine) legsDue(c *Call, now time.Time) {
	for i := range c.work.Legs {
		l := &c.work.Legs[i]
		if l.State != legOut || l.Deadline.IsZero() || now.Before(l.Deadline) {
			continue
		}
		m.giveUp(c, l, "no answer")
		m.ringOver(c, l, LegNoAnswer, "no answer")
	}
}

// unanswered ends supervisions whose phone came to nothing.
func (m *machine) unanswered(c *Call, now time.Time) {
	for i := range c.Supervisions {
		s := &c.Supervisions[i]
		if s.State != SupervisionRinging {
			continue
		}
		if l := c.leg(s.leg); l == nil {
			m.endSupervision(c, s, now, "no answer")
		} else if l.State == legOver {
			m.endSupervision(c, s, now, l.Reason)
		}
	}
}

// hangups plans the hanging up of legs that were given up and may ring on.
func (m *machine) hangups(c *Call, now time.Time) {
	for i := range c.work.Legs {
		l := &c.work.Legs[i]
		if !l.chased() || now.Before(l.HangNext) {
			continue
		}
		kind, id := stepHangup, l.CallUUID
		if id == "" {
			kind, id = stepCancel, l.Request
		}
		if id == "" || c.hasStep(kind, func(s *step) bool { return s.UUID == id }) {
			continue
		}
		c.addStep(step{Kind: kind, UUID: id})
	}
}

func (m *machine) hangupDone(c *Call, s step, d done, now time.Time) {
	for i := range c.work.Legs {
		l := &c.work.Legs[i]
		if l.CallUUID != s.UUID && l.Request != s.UUID {
			continue
		}
		l.HangTry++
		if d.Out == clientOK || d.Out == clientGone || d.Out == clientRefused || l.HangTry >= 8 {
			l.HungUp = true
			continue
		}
		l.HangNext = now.Add(again(d, l.HangTry, shortPatience))
		if l.Chase {
			c.addStep(step{Kind: s.Kind, UUID: s.UUID, From: l.HangNext})
		}
	}
	c.work.moved = true
}
