package coaching

import (
	"fmt"
	"slices"
	"time"
)

// ask is a verb on its way into the Call. It is refused here if the state of
// the call forbids it; else it becomes an operation, joins the pending one, or
// finds its target reached already (op 0).
type ask struct {
	op       operation
	sup      Supervisor    // join, take over
	ring     time.Duration // join, take over
	to       []Agent       // transfer, hand back
	farewell bool          // end
	made     *int          // receives the operation's id
}

func (a ask) on(m *machine, c *Call, now time.Time) error {
	if c.State == StateEnded {
		if a.op.Kind == opEnd || a.op.Kind == opLeave {
			return errUnchanged // what was asked for has happened
		}
		return ErrCallEnded
	}
	if c.work.Ending && a.op.Kind != opEnd {
		return ErrCallEnded
	}
	var o *operation
	var err error
	switch a.op.Kind {
	case opJoin:
		o, err = a.join(m, c, now)
	case opMode:
		o, err = a.mode(m, c, now)
	case opTakeOver:
		o, err = a.takeOver(m, c, now)
	case opHandBack:
		o, err = a.handBack(m, c, now)
	case opLeave:
		o, err = a.leave(m, c, now)
	case opMute, opHold:
		o, err = a.flag(m, c, now)
	case opRemove:
		o, err = a.remove(m, c, now)
	case opTransfer:
		o, err = a.transfer(m, c, now)
	case opEnd:
		if o = c.pending(opEnd); o == nil {
			o = c.addOp(a.op, now, opPatience)
			if a.farewell {
				m.end(c, now, ExitNobody)
			}
			m.end(c, now, ExitHost)
		}
	}
	if err != nil {
		return err
	}
	if o == nil {
		return errUnchanged
	}
	*a.made = o.ID
	return nil
}

func conflict(format string, args ...any) error {
	return fmt.Errorf("%s: %w", fmt.Sprintf(format, args...), ErrConflict)
}

// open reports whether the supervision goes on.
func (s *Supervision) open() bool { return s != nil && s.State != SupervisionEnded }

func (a ask) join(m *machine, c *Call, now time.Time) (*operation, error) {
	if s := c.supervision(a.sup.ID); s.open() {
		o := c.opOf(s.ID)
		switch {
		case o == nil, o.Kind == opMode, o.Kind == opHandBack && s.State == SupervisionJoined:
			return nil, nil // a second Barge changes nothing
		case o.Kind == opJoin:
			return o, nil
		}
		return nil, conflict("%s is pending for this supervisor", o.Kind)
	}
	if err := m.summon(c, a.sup, a.op.Mode, a.ring, a.op.Actor, now); err != nil {
		return nil, err
	}
	return c.addOp(a.op, now, opPatience), nil
}

// summon starts a supervision and plans the dial that rings the supervisor.
func (m *machine) summon(c *Call, sup Supervisor, mode CoachMode, ringTime time.Duration, actor Actor, now time.Time) error {
	if err := c.roomFor(1); err != nil {
		return err
	}
	if c.lingers(sup.ID, now) {
		return conflict("an earlier phone of this supervisor may still ring")
	}
	if ringTime <= 0 {
		ringTime = m.ringTime
	}
	l := c.addLeg(leg{Sup: sup, Mode: mode, To: sup.Address, Ring: int((ringTime + time.Second - 1) / time.Second), Outcome: LegPending})
	c.supervise(sup, l.ID, mode, actor, now)
	c.addDial([]*leg{l})
	m.record(c, Record{Kind: RecordAsked, At: now, Supervisor: sup.ID, Actor: actor, Mode: mode})
	return nil
}

// supervise adds a supervision that a leg is to bring in.
func (c *Call) supervise(sup Supervisor, leg int, mode CoachMode, actor Actor, now time.Time) {
	c.Supervisions = append(c.Supervisions, Supervision{ID: sup.ID, Call: c.ID, Actor: actor, State: SupervisionRinging, Want: mode, Asked: now, leg: leg, prior: mode})
	c.work.moved = true
}

// roomFor refuses what a full MPC would refuse, before anything is dialled.
func (c *Call) roomFor(n int) error {
	if c.MPC == "" || c.work.Ghost {
		return conflict("the multiparty call is not there yet")
	}
	for range c.live(0) {
		n++
	}
	for i := range c.work.Legs {
		if c.work.Legs[i].open() && (!c.work.Legs[i].isAgent()) {
			n++
		}
	}
	if c.work.Route.Attempt != 0 {
		n++ // of those who ring at once one comes in
	}
	if n > maxMembers {
		return conflict("full: %d are in the call or being rung", maxMembers)
	}
	return nil
}

func (a ask) mode(m *machine, c *Call, now time.Time) (*operation, error) {
	s := c.supervision(a.op.Sup)
	if !s.open() {
		return nil, ErrNotFound
	}
	o := c.opOf(s.ID)
	if o != nil && o.Kind == opMode && o.Mode == a.op.Mode {
		return o, nil
	}
	p := c.member(s.Member)
	if s.State == SupervisionRinging || p == nil {
		return nil, conflict("the supervisor is still ringing")
	}
	if o != nil && o.Kind != opTakeOver && !(a.op.Mode == ModeMonitor && (o.Kind == opMode || o.Kind == opJoin)) {
		return nil, conflict("%s is pending for this supervisor", o.Kind)
	}
	if a.op.Mode == ModeCoach {
		if p.byAddress && !p.mute.confirmed(false) {
			return nil, conflict("which of our phones this is could not be told; leave and join again")
		}
		if !p.coach.Owe.IsZero() {
			return nil, conflict("an unanswered request may still open the other lock; try later, or leave and join again")
		}
	}
	if s.firm || s.TookOver {
		if c.customer() != nil && c.State == StateActive && !c.couldTalkNow(p) {
			return nil, conflict("the customer would have nobody; hand back instead")
		}
	}
	if o != nil {
		m.replace(c, o, now)
	}
	s.Want, s.TookOver, s.firm, s.Agent, s.removed = a.op.Mode, false, false, AgentKeep, nil
	return c.addOp(a.op, now, lowPatience), nil
}

// couldTalkNow is couldTalk for verbs that do not hand back: agents that p's
// take-over has muted or put on hold do not count.
func (c *Call) couldTalkNow(p *Participant) bool { return c.otherAudible(p) }

// replace ends a pending raise in favour of a verb that lowers.
func (m *machine) replace(c *Call, o *operation, now time.Time) {
	m.opFail(c, o, now, failConflict, "replaced by a verb that lowers")
	if cust := c.customer(); cust != nil && o.WasHeld {
		cust.askHold = true
	}
}

func (a ask) takeOver(m *machine, c *Call, now time.Time) (*operation, error) {
	s := c.supervision(a.sup.ID)
	if !s.open() {
		if err := m.summon(c, a.sup, ModeCoach, a.ring, a.op.Actor, now); err != nil {
			return nil, err
		}
		return c.addOp(a.op, now, opPatience), nil
	}
	if o := c.opOf(s.ID); o != nil {
		if o.Kind == opTakeOver && o.Part == a.op.Part {
			return o, nil
		}
		return nil, conflict("%s is pending for this supervisor", o.Kind)
	}
	p := c.member(s.Member)
	switch {
	case s.State == SupervisionRinging || p == nil:
		return nil, conflict("the supervisor is still ringing")
	case p.byAddress:
		return nil, conflict("which of our phones this is could not be told; leave and join again")
	case !s.firm && (!p.mute.Owe.IsZero() || !p.coach.Owe.IsZero()):
		return nil, conflict("an unanswered request may still open a lock; try later, or leave and join again")
	case s.TookOver && s.Agent == a.op.Part:
		a.op.Part2 = true // nothing to do but to see that it is still so
	}
	if s.Want != ModeOpen {
		s.prior = s.Want
	}
	return c.addOp(a.op, now, opPatience), nil
}

func (a ask) handBack(m *machine, c *Call, now time.Time) (*operation, error) {
	s := c.supervision(a.op.Sup)
	if !s.open() {
		return nil, ErrNotFound
	}
	o := c.opOf(s.ID)
	switch {
	case o != nil && o.Kind == opHandBack:
		return o, nil
	case o != nil && o.Kind != opTakeOver:
		return nil, conflict("%s is pending for this supervisor", o.Kind)
	case !s.TookOver && o == nil:
		return nil, conflict("this supervisor has not taken over")
	}
	p := c.member(s.Member)
	if p == nil || s.State != SupervisionJoined {
		return nil, conflict("the supervisor is still ringing")
	}
	to := s.prior
	if a.op.Mode != 0 {
		to = a.op.Mode
	}
	if to == 0 || to == ModeOpen {
		to = ModeCoach
	}
	a.op.Mode = to
	if o != nil {
		m.replace(c, o, now)
		if !s.TookOver { // nothing was done to the agents yet: lower, and that is all
			s.Want = to
			a.op.Part2 = true
			return c.addOp(a.op, now, lowPatience), nil
		}
	}
	a.op.To = slices.Clone(a.to)
	if len(a.op.To) == 0 && !c.hasLiveAgent() {
		a.op.To = slices.Clone(s.removed)
	}
	if len(a.op.To) > 0 && c.work.Route.Attempt != 0 {
		return nil, conflict("somebody is being rung already")
	}
	a.op.Part = s.Agent
	return c.addOp(a.op, now, opPatience), nil
}

func (c *Call) hasLiveAgent() bool {
	for p := range c.live(RoleAgent) {
		if !p.kick {
			return true
		}
	}
	return false
}

func (a ask) leave(m *machine, c *Call, now time.Time) (*operation, error) {
	s := c.supervision(a.op.Sup)
	if s == nil {
		return nil, ErrNotFound
	}
	o := c.opOf(s.ID)
	if o != nil && o.Kind == opLeave {
		return o, nil // perhaps over in the books, and their phone rings on
	}
	if !s.open() {
		return nil, nil
	}
	p := c.member(s.Member)
	if s.State == SupervisionJoined && p != nil && c.State == StateActive && c.customer() != nil && s.TookOver && !c.couldTalk(p) {
		return nil, conflict("the customer would have nobody; hand back first")
	}
	if o != nil {
		m.replace(c, o, now)
	}
	if s.State == SupervisionRinging || p == nil {
		m.endSupervision(c, s, now, "asked to leave")
	} else {
		s.Agent = AgentKeep
		p.kick = true
	}
	return c.addOp(a.op, now, lowPatience), nil
}

// withdraw takes back a verb whose caller has gone: of a raise that has sent
// nothing yet that opens a lock, so that a supervisor who answers later is not
// heard by surprise. They may still join, coaching.
type withdraw struct{ op int }

func (w withdraw) on(m *machine, c *Call, now time.Time) error {
	o := c.op(w.op)
	if o == nil || o.State != opPending || o.Kind != opTakeOver || o.Raised {
		return errUnchanged
	}
	if s := c.supervision(o.Sup); s != nil && s.TookOver {
		return errUnchanged
	}
	m.rollback(c, o, now, failUnknown, "the caller went away", false)
	return nil
}
