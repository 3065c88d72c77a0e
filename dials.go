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
	for i, k := range d.Calls {
		if len(d.Calls) == len(s.Legs) && (k.To == "" || len(s.Legs) == 1) {
			if l := c.leg(s.Legs[i]); l != nil {
				k.To = l.To // it was left out, or written in another way
			}
		}
		c.legRungBy(k, s.ID)
	}
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

// legRungBy returns the leg that a call rings, nil if none does. The answer to a
// dial and the phone's own callbacks tell of it, in any order: the first gives
// the call to a leg of that dial at that address, one to one, since two agents
// may share a phone.
func (c *Call) legRungBy(k dialled, step int) *leg {
	if l := c.legByCall(k.CallUUID); l != nil || step == 0 {
		return l
	}
	for i := range c.work.Legs {
		if l := &c.work.Legs[i]; l.Step == step && l.CallUUID == "" && sameAddress(l.To, k.To) {
			l.CallUUID, c.work.moved = k.CallUUID, true
			return l
		}
	}
	return nil
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
	l := c.legRungBy(dialled{To: n.to, CallUUID: n.call}, n.step)
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
