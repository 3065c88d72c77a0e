package coaching

import (
	"errors"
	"slices"
	"time"
)

// issue puts a ticket into the Call.
type issue struct{ ticket ticket }

func (i issue) on(m *machine, c *Call, now time.Time) error {
	if c.State == StateEnded || c.work.Ending {
		return ErrCallEnded
	}
	if c.supervision(i.ticket.Sup.ID).open() || c.lingers(i.ticket.Sup.ID, now) {
		return conflict("the supervisor is in the call or being rung already")
	}
	if err := c.roomFor(1); err != nil {
		return err
	}
	if len(c.work.Tickets) >= 32 {
		return conflict("too many tickets are out for this call")
	}
	c.work.Tickets = append(c.work.Tickets, i.ticket)
	m.record(c, Record{Kind: RecordTicket, At: now, Supervisor: i.ticket.Sup.ID, Actor: i.ticket.Actor, Mode: i.ticket.Mode})
	return nil
}

// redeem is a supervisor dialling in with a ticket. used receives the ticket
// where the answer is the XML that lets them join.
type redeem struct {
	guard repeat
	hash  string
	call  string
	used  *ticket
}

func (r redeem) on(m *machine, c *Call, now time.Time) error {
	if err := c.guarded(r.guard); errors.Is(err, ErrSignature) {
		return err // a repeat is let through: the ticket knows who used it
	}
	i := slices.IndexFunc(c.work.Tickets, func(t ticket) bool { return t.Hash == r.hash })
	if i < 0 || c.State == StateEnded || c.work.Ending {
		return ErrDenied
	}
	t := &c.work.Tickets[i]
	if t.CallUUID != "" {
		if t.CallUUID != r.call {
			return ErrDenied
		}
		*r.used = *t
		return errUnchanged // the same call asks again: the same answer
	}
	if !now.Before(t.Expires) {
		return ErrDenied
	}
	if c.supervision(t.Sup.ID).open() || c.lingers(t.Sup.ID, now) {
		return ErrDenied
	}
	if err := c.roomFor(1); err != nil {
		return err
	}
	t.CallUUID = r.call
	*r.used = *t
	l := c.addLeg(leg{Sup: t.Sup, Mode: t.Mode, CallUUID: r.call, State: legOut, Outcome: LegPending, Accepted: true, Deadline: now.Add(dialInTime)})
	c.supervise(t.Sup, l.ID, t.Mode, t.Actor, now)
	o := operation{Kind: opJoin, Sup: t.Sup.ID, Mode: t.Mode, Actor: t.Actor}
	if t.TakeOver {
		o.Kind, o.Part = opTakeOver, t.Agent
	}
	c.addOp(o, now, opPatience)
	m.record(c, Record{Kind: RecordAsked, At: now, Supervisor: t.Sup.ID, Actor: t.Actor, Mode: t.Mode})
	return nil
}

// dialInTime is how long a supervisor who was let in may take to be in.
const dialInTime = 30 * time.Second
