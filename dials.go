package coaching

import "time"

// Ringing phones: the request that dials, its answer, and what the phones say.

// addDial plans one request that rings these legs at once.
func (c *Call) addDial(legs []*leg) {
	ids := make([]int, len(legs))
	for i, l := range legs {
		ids[i] = l.ID
	}
	id := c.addStep(step{Kind: stepDial, Legs: ids})
	for _, l := range legs {
		l.Step = id
	}
	c.work.moved = true
}

func (c *Call) addLeg(l leg) *leg {
	c.work.Next++
	l.ID = c.work.Next
	c.work.Legs = append(c.work.Legs, l)
	return &c.work.Legs[len(c.work.Legs)-1]
}

// dialDone takes in the answer to add-participant (R6).
func (m *machine) dialDone(c *Call, s step, d done, now time.Time) {
	if d.Out == clientThrottled && s.Tries < 5 && c.State != StateEnded {
		rings := false
		for _, id := range s.Legs {
			if l := c.leg(id); l != nil && l.State == legOut {
				l.State, l.Deadline, rings = legPlanned, time.Time{}, true
			} else if l != nil {
				l.HungUp = true // it never rang
			}
		}
		if rings {
			s.Sent, s.Owner, s.From, s.Tries = false, "", now.Add(again(d, s.Tries+1, patience)), s.Tries+1
			c.work.Steps = append(c.work.Steps, s)
		}
		return
	}
	c.takeCalls(s.Legs, d.Calls)
	for _, id := range s.Legs {
		l := c.leg(id)
		if l == nil {
			continue
		}
		switch d.Out {
		case clientOK:
			l.Request = d.Req
			l.Deadline = now.Add(time.Duration(l.Ring)*time.Second + m.queue)
			if l.Rang {
				l.Deadline = now.Add(time.Duration(l.Ring)*time.Second + ringGrace)
			}
			l.Accepted = true
		case clientUnknown:
			l.Unknown = true // also where it was given up meanwhile: its phone may ring yet
			l.Deadline = now.Add(time.Duration(l.Ring)*time.Second + m.queue)
			c.wantRead(now, false)
		default:
			l.HungUp = true
			why := "the provider refused: " + d.Err
			if d.Unsent {
				why = d.Err
			}
			m.over(c, l, LegRefused, why)
			if d.Out == clientUnauthorized && l.isAgent() {
				c.work.Route.Stopped = true
			}
			if d.Out == clientGone {
				c.wantRead(now, true)
			}
		}
	}
	c.work.moved = true
}

// takeCalls gives the legs of a dial the calls that ring them, one to one: two
// agents may share a phone. A callback may have told of some already.
func (c *Call) takeCalls(legs []int, calls []dialled) {
	for i, k := range calls {
		if c.legByCall(k.CallUUID) != nil {
			continue
		}
		for j, id := range legs {
			l := c.leg(id)
			if l == nil || l.CallUUID != "" {
				continue
			}
			if sameAddress(k.To, l.To) || len(calls) == len(legs) && (k.To == "" && i == j || len(legs) == 1) {
				l.CallUUID = k.CallUUID
				break
			}
		}
	}
}

// ringGrace is how long after its ring time a leg that rings is given up.
const ringGrace = 5 * time.Second

// legNews is a status callback of a leg that we dialled, or of a ticket's.
type legNews struct {
	guard  repeat
	step   int // from the callback's URL; 0 unknown
	call   string
	to     string
	status CallStatus
	code   int
	source string
}

func (n legNews) on(m *machine, c *Call, now time.Time) error {
	if err := c.guarded(n.guard); err != nil {
		return err
	}
	l := c.legByCall(n.call)
	if l == nil && n.step != 0 {
		for i := range c.work.Legs {
			if o := &c.work.Legs[i]; l == nil && o.Step == n.step && o.CallUUID == "" && sameAddress(o.To, n.to) {
				l = o
			}
		}
		if l != nil {
			l.CallUUID = n.call
			c.work.moved = true
		}
	}
	if n.status == CallRinging && l != nil && l.State == legOut && !l.Rang {
		l.Rang = true
		l.Deadline = now.Add(time.Duration(l.Ring)*time.Second + ringGrace)
	}
	if !n.status.Final() { // nor is one that nobody declared: the phone may ring on
		return nil
	}
	m.legEnded(c, n.call, n.code, n.source)
	if l == nil || l.State != legOut {
		if l != nil {
			l.HungUp = true
			if p := c.member(l.Member); p != nil && p.Live() {
				c.wantRead(now, false)
			}
		}
		return nil
	}
	l.HungUp = true
	switch {
	case n.code == 3020: // with the status busy
		m.over(c, l, LegRefused, "refused")
	case n.status == CallBusy || n.code == 3010:
		m.over(c, l, LegBusy, "busy")
	case n.status == CallNoAnswer || n.status == CallTimeout || n.code == 3000 || n.code == 6010:
		m.over(c, l, LegNoAnswer, "no answer")
	case n.status == CallCancelled || n.code == 9000:
		m.over(c, l, LegGivenUp, "somebody else answered")
	case n.status == CallCompleted:
		// answered and gone: the join may still be on its way to us
		c.wantRead(now, false)
		l.Deadline = now.Add(m.lag + time.Second)
	default:
		m.over(c, l, LegRefused, "refused")
	}
	return nil
}
