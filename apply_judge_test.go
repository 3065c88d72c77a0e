package coaching

import (
	"time"
)

func (p *player) judge(prev *Call) {
	p.Helper()
	c := &p.c
	if c.State < prev.State {
		p.fail("the state fell from %v to %v", prev.State, c.State)
	}
	for _, old := range prev.Participants {
		if now := c.member(old.Member); now != nil && !old.Live() && now.Live() {
			p.fail("%s, who had left, lives again", old.Member)
		}
	}
	members := map[MemberID]bool{}
	for _, q := range c.Participants {
		if members[q.Member] {
			p.fail("%s is in the books twice", q.Member)
		}
		members[q.Member] = true
	}
	lane, reads, open := 0, 0, map[string]bool{}
	for i := range c.work.Steps {
		s := &c.work.Steps[i]
		if s.Sent && s.lane(c) {
			lane++
		}
		if s.Sent && s.Kind == stepRead {
			reads++
		}
		if who := c.member(s.Member); s.Kind == stepUpdate && !s.Value && who != nil && who.locked(s.Flag) {
			open[string(s.Member)+s.Flag.String()] = true
			if open[string(s.Member)+"mute"] && open[string(s.Member)+"coach_mode"] {
				p.fail("both locks of %s are being opened", s.Member)
			}
		}
	}
	if lane > 1 {
		p.fail("%d requests are on the lane", lane)
	}
	if reads > 2 {
		p.fail("%d reads are under way", reads)
	}
	legs := map[SupervisorID]bool{}
	for i := range c.work.Legs {
		if l := &c.work.Legs[i]; l.open() && !l.isAgent() {
			if legs[l.Sup.ID] {
				p.fail("%s is rung twice", l.Sup.ID)
			}
			legs[l.Sup.ID] = true
		}
	}
	going := map[SupervisorID]bool{}
	for i := range c.Supervisions {
		s := &c.Supervisions[i]
		if s.open() && going[s.ID] {
			p.fail("%s has two supervisions", s.ID)
		}
		going[s.ID] = going[s.ID] || s.open()
	}
	if Spins(*c, p.now) {
		p.fail("due at %v, and nothing can be done", c.Due())
	}
	if c.Due().IsZero() && c.Live() && lane == 0 {
		p.fail("a live call is never due")
	}
	if c.State == StateEnded {
		p.dead()
	}
}

// dead checks that nothing lives in a call that has ended.
func (p *player) dead() {
	p.Helper()
	c := &p.c
	for _, q := range c.Participants {
		if q.Live() {
			p.fail("%s lives in an ended call", q.Member)
		}
	}
	for _, s := range c.Supervisions {
		if s.State != SupervisionEnded || s.Audible {
			p.fail("%s supervises an ended call", s.ID)
		}
	}
	for i := range c.work.Legs {
		if l := &c.work.Legs[i]; l.open() || l.State == legIn {
			p.fail("leg %d is open in an ended call", l.ID)
		}
	}
	for _, o := range c.work.Ops {
		if o.State == opPending {
			p.fail("%v is pending in an ended call", o.Kind)
		}
	}
	for _, s := range c.work.Steps {
		switch s.Kind {
		case stepHangup, stepCancel, stepGhost, stepDrain:
		case stepDial:
			if !s.Sent {
				p.fail("a phone is to be rung for an ended call")
			}
		default:
			p.fail("%v stands in an ended call", s.Kind)
		}
	}
	if c.EndReason == 0 || c.Ended.IsZero() || c.Expires.IsZero() {
		p.fail("ended = %v at %v until %v", c.EndReason, c.Ended, c.Expires)
	}
}

// finish lets a long time pass, after which nothing may be left of the call.
func (p *player) finish() {
	if d := DiffCalls(p.c, p.stored()); d != "" {
		p.fail("a store gives another call back (-want +got):\n%s", d)
	}
	if last := p.c.Created.Add(lastAge + time.Minute); p.now.Before(last) {
		p.now = last
	}
	p.apply(tick{})
	if p.c.State != StateEnded {
		p.fail("a call of that age is %v", p.c.State)
	}
	for range 300 {
		if !p.c.Live() {
			return
		}
		p.claim(0xff)
		for range len(p.c.work.Steps) {
			p.outcome(0, true)
		}
		if due := p.c.Due(); due.After(p.now) {
			p.now = due
			p.apply(tick{})
		}
	}
	p.fail("what is left to do never ends: %+v", p.c.work.Steps)
}
