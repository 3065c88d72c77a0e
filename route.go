package coaching

import (
	"slices"
	"time"
)

// Finding somebody for a customer who has nobody: asking Route, ringing whom
// it names, and the farewell.

const (
	routeError   = 5 * time.Second // an error of Route counts as Wait for so long
	attemptPause = 5 * time.Second // attempts without progress start at most this often
)

// route asks for and rings somebody while the customer has nobody.
func (m *machine) route(c *Call, now time.Time) {
	r := &c.work.Route
	if c.work.Ending || c.work.Ghost {
		m.dropAttempt(c, "call ended")
		return
	}
	cust := c.customer()
	if cust == nil {
		return
	}
	waiting := c.State == StateWaiting
	if waiting && r.Since.IsZero() && !m.soon(c) {
		r.Since, c.work.moved = now, true
	}
	if r.Since.IsZero() {
		if a := c.attemptByID(r.Attempt); a != nil && r.For == 0 && c.State == StateActive && r.Silent.IsZero() && a.Reached == "" && !c.joinedBy(a.ID) && !c.unmatched(RoleAgent) {
			m.dropAttempt(c, "the customer has somebody")
		}
		return
	}
	if now.Sub(r.Since) >= m.maxWait {
		m.end(c, now, ExitNobody)
		return
	}
	if r.Attempt != 0 || r.Stopped || now.Before(r.Wait) || c.hasStep(stepRoute, nil) || c.takeoverIn() || waiting && m.soon(c) {
		return
	}
	if n := len(c.Attempts); n > 0 && c.Attempts[n-1].Reached == "" && c.Attempts[n-1].Rings != nil {
		if next := c.Attempts[n-1].Started.Add(attemptPause); now.Before(next) {
			r.Wait = next
			return
		}
	}
	if c.To == "" && callFrom(m.callerID, c.From) == "" && c.hasStep(stepCause, func(s *step) bool { return s.UUID == c.CallUUID }) {
		return // just adopted: what to call from is being asked
	}
	c.addStep(step{Kind: stepRoute})
	c.work.moved = true
}

// routed takes in what Route answered.
func (m *machine) routed(c *Call, d done, now time.Time) {
	r := &c.work.Route
	if c.work.Ending || r.Since.IsZero() || r.Attempt != 0 {
		return // the customer has somebody, or is gone: the question is moot
	}
	c.work.moved = true
	switch {
	case d.Out != clientOK || d.Next == nil:
		r.Wait = now.Add(routeError)
	default:
		c.merge(d.Next.Data)
		switch {
		case len(d.Next.Ring) > 0:
			m.ring(c, d.Next.Ring, d.Next.For, 0, now)
		case d.Next.Wait > 0:
			r.Wait = now.Add(d.Next.Wait)
		default:
			m.end(c, now, ExitNobody)
		}
	}
}

func (c *Call) merge(data map[string]string) {
	if len(data) == 0 {
		return
	}
	if c.Data == nil {
		c.Data = map[string]string{}
	}
	for k, v := range data {
		c.Data[k] = v
	}
}

// ring starts an attempt: one request for each distinct pair of caller id and
// confirm key, each agent once. It returns the attempt's id.
func (m *machine) ring(c *Call, agents []Agent, ringTime time.Duration, op int, now time.Time) int {
	if ringTime <= 0 {
		ringTime = m.ringTime
	}
	c.work.Next++
	id := c.work.Next
	a := Attempt{ID: id, Started: now}
	type pair struct{ caller, key string }
	groups := map[pair][]int{}
	var order []pair
	for _, g := range agents {
		if slices.ContainsFunc(a.Rings, func(r Ring) bool { return r.Agent == g.ID }) || len(a.Rings) == maxRing {
			continue
		}
		a.Rings = append(a.Rings, Ring{Agent: g.ID, Outcome: LegPending})
		l := c.addLeg(leg{Attempt: id, Agent: g, To: g.Address, Ring: int((ringTime + time.Second - 1) / time.Second), Outcome: LegPending})
		k := pair{g.CallerID, g.ConfirmKey}
		if groups[k] == nil {
			order = append(order, k)
		}
		groups[k] = append(groups[k], l.ID)
	}
	c.Attempts = append(c.Attempts, a)
	for _, k := range order {
		var legs []*leg
		for _, l := range groups[k] {
			legs = append(legs, c.leg(l))
		}
		c.addDial(legs)
	}
	c.work.Route.Attempt, c.work.Route.For = id, op
	if op != 0 {
		m.record(c, Record{Kind: RecordRinging, At: now, Detail: "for an operation"})
	} else {
		m.record(c, Record{Kind: RecordRinging, At: now})
	}
	return id
}

// maxRing is how many phones Plivo rings with one request, and so at once.
const maxRing = 20

func (c *Call) attemptByID(id int) *Attempt {
	for i := range c.Attempts {
		if c.Attempts[i].ID == id && id != 0 {
			return &c.Attempts[i]
		}
	}
	return nil
}

// joinedBy reports whether an agent of that attempt is in the call.
func (c *Call) joinedBy(attempt int) bool {
	for i := range c.work.Legs {
		if l := &c.work.Legs[i]; l.Attempt == attempt && l.State == legIn {
			if p := c.member(l.Member); p != nil && p.Live() && !p.kick {
				return true
			}
		}
	}
	return false
}

// unmatched reports whether somebody of that role is in the call whose leg is
// not known yet: it may be the one that a giving up would take for another's.
func (c *Call) unmatched(r Role) bool {
	for p := range c.live(r) {
		if !p.kick && !p.adopted && p.Agent == "" && p.Supervisor == "" {
			return true
		}
	}
	return false
}

// attempt sees whether the attempt under way has reached an agent or is over.
func (m *machine) attempt(c *Call, now time.Time) {
	r := &c.work.Route
	a := c.attemptByID(r.Attempt)
	if a == nil {
		return
	}
	open := false
	for i := range c.work.Legs {
		l := &c.work.Legs[i]
		if l.Attempt != a.ID {
			continue
		}
		open = open || l.open()
		if l.State != legIn {
			continue
		}
		p := c.member(l.Member)
		if p == nil || !p.Live() || p.kick {
			continue
		}
		if c.audible(p) {
			a.Reached, a.Ended = l.Agent.ID, now
			r.Attempt, r.For, c.work.moved = 0, 0, true
			m.record(c, Record{Kind: RecordReached, At: now, Agent: l.Agent.ID, Member: p.Member})
			return
		}
		open = true
	}
	if !open {
		a.Ended, r.Attempt, r.For, c.work.moved = now, 0, 0, true
	}
}

// dropAttempt gives up an attempt that nobody needs any more.
func (m *machine) dropAttempt(c *Call, why string) {
	for i := range c.work.Legs {
		if l := &c.work.Legs[i]; l.isAgent() || c.work.Ending {
			m.giveUp(c, l, why)
		}
	}
	if c.work.Ending {
		for i := range c.Supervisions {
			if s := &c.Supervisions[i]; s.State == SupervisionRinging {
				s.Reason = why
			}
		}
	}
}
