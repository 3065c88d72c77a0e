package coaching

import (
	"slices"
	"time"
)

// An operation is a verb under way: its target, who asked, and what became of
// it. The library works on it whether or not the caller still waits.
type operation struct {
	ID       int           `json:"id"`
	Kind     opKind        `json:"kind"`
	Sup      SupervisorID  `json:"sup,omitempty"`
	Member   MemberID      `json:"member,omitempty"`
	Members  []MemberID    `json:"members,omitempty"` // transfer: who leaves at its end
	Mode     CoachMode     `json:"mode,omitempty"`
	Part     AgentPart     `json:"part,omitempty"`
	Value    bool          `json:"value,omitempty"`
	To       []Agent       `json:"to,omitempty"` // transfer, hand back: whom to ring
	For      time.Duration `json:"for,omitempty"`
	Attempt  int           `json:"attempt,omitempty"`
	Actor    Actor         `json:"actor,omitzero"`
	Since    time.Time     `json:"since"`
	Tick     uint64        `json:"tick"` // of the call, when it was asked for
	Deadline time.Time     `json:"deadline,omitzero"`
	Ended    time.Time     `json:"ended,omitzero"`
	State    opState       `json:"state,omitempty"`
	Fail     failure       `json:"fail,omitempty"`
	Why      string        `json:"why,omitempty"`
	Raised   bool          `json:"raised,omitempty"`   // a request that opens a lock was sent for it
	WasHeld  bool          `json:"was_held,omitempty"` // take-over: verbs had the customer on hold
	Part2    bool          `json:"part2,omitempty"`    // take-over: the agents' part; hand back: the lowering

	more string
}

type opKind uint8

const (
	opJoin     opKind = iota + 1 // AddSupervisor, Barge, a ticket's dial-in
	opMode                       // SetMode
	opTakeOver                   // TakeOver
	opHandBack                   // HandBack
	opLeave                      // Leave
	opMute                       // Mute, Unmute
	opHold                       // Hold, Resume
	opRemove                     // Remove
	opTransfer                   // Transfer
	opEnd                        // End
)

var opNames = [...]string{opJoin: "join", opMode: "set mode", opTakeOver: "take over", opHandBack: "hand back", opLeave: "leave",
	opMute: "mute", opHold: "hold", opRemove: "remove", opTransfer: "transfer", opEnd: "end"}

func (k opKind) String() string { return enumString(opNames[:], "op", uint8(k)) }

// verb names the operation as who asked for it does.
func (o *operation) verb() string {
	switch {
	case o.Kind == opMute && !o.Value:
		return "unmute"
	case o.Kind == opHold && !o.Value:
		return "resume"
	}
	return o.Kind.String()
}

type opState uint8

const (
	opPending opState = iota
	opOK
	opFailed
)

type failure uint8

const (
	failNotApplied failure = iota + 1
	failUnknown
	failEnded
	failConflict
)

func (c *Call) op(id int) *operation {
	for i := range c.work.Ops {
		if c.work.Ops[i].ID == id {
			return &c.work.Ops[i]
		}
	}
	return nil
}

// opOf returns the pending operation of a supervision, or nil.
func (c *Call) opOf(id SupervisorID) *operation {
	for i := range c.work.Ops {
		if o := &c.work.Ops[i]; o.State == opPending && o.Sup == id && id != "" {
			return o
		}
	}
	return nil
}

// lastOp returns what was asked last about a supervisor, pending or finished
// within keepOps.
func (c *Call) lastOp(id SupervisorID) (last *operation) {
	for i := range c.work.Ops {
		if o := &c.work.Ops[i]; o.Sup == id && (last == nil || o.ID > last.ID) {
			last = o
		}
	}
	return last
}

func (c *Call) pending(k opKind) *operation {
	for i := range c.work.Ops {
		if o := &c.work.Ops[i]; o.State == opPending && o.Kind == k {
			return o
		}
	}
	return nil
}

func (c *Call) addOp(o operation, now time.Time, patience time.Duration) *operation {
	c.work.Next++
	o.ID, o.Since, o.Tick, o.Deadline = c.work.Next, now, c.work.Tick, now.Add(patience)
	c.work.Ops = append(c.work.Ops, o)
	c.work.moved = true
	return &c.work.Ops[len(c.work.Ops)-1]
}

func (m *machine) opDone(c *Call, o *operation, now time.Time) {
	if o.State != opPending {
		return
	}
	o.State, o.Ended, c.work.moved = opOK, now, true
	m.record(c, Record{Kind: RecordDone, At: now, Detail: o.verb(), Supervisor: o.Sup, Member: o.Member, Actor: o.Actor, Mode: o.Mode})
}

func (m *machine) opFail(c *Call, o *operation, now time.Time, f failure, why string) {
	if o.State != opPending {
		return
	}
	o.State, o.Ended, o.Fail, o.Why, c.work.moved = opFailed, now, f, why, true
	m.record(c, Record{Kind: RecordFailed, At: now, Detail: o.verb() + ": " + why, Supervisor: o.Sup, Member: o.Member, Actor: o.Actor})
}

// operations moves every pending operation on.
func (m *machine) operations(c *Call, now time.Time) {
	for i := range c.work.Ops {
		o := &c.work.Ops[i]
		if o.State != opPending {
			continue
		}
		switch o.Kind {
		case opJoin:
			m.joining(c, o, now)
		case opMode:
			m.switching(c, o, now)
		case opTakeOver:
			m.takingOver(c, o, now)
		case opHandBack:
			m.handingBack(c, o, now)
		case opLeave, opRemove:
			m.leaving(c, o, now)
		case opMute, opHold:
			m.flagging(c, o, now)
		case opTransfer:
			m.transferring(c, o, now)
		case opEnd:
			m.end(c, now, ExitHost)
			if !o.Deadline.IsZero() && !now.Before(o.Deadline) {
				m.opFail(c, o, now, failUnknown, "the provider does not confirm the end")
			}
		}
	}
}

// fresh reports whether a read was begun after the operation was asked for,
// and asks for one if not. What the books say may be overtaken by a request of
// long ago that landed late, so no verb is answered from them alone.
func (c *Call) fresh(o *operation) bool {
	if c.work.ReadTick > o.Tick {
		return true
	}
	c.wantReadFrom(o.Since, o.Tick)
	return false
}

// flagging waits for a mute or hold to be confirmed.
func (m *machine) flagging(c *Call, o *operation, now time.Time) {
	p := c.member(o.Member)
	switch {
	case p == nil || !p.Live():
		m.opFail(c, o, now, failNotApplied, "the participant left")
	case p.flag(o.flag()).confirmed(o.Value) && c.fresh(o):
		m.opDone(c, o, now)
	case !now.Before(o.Deadline):
		m.opFail(c, o, now, failUnknown, "no read confirms it")
	}
}

func (o *operation) flag() flagName {
	if o.Kind == opMute {
		return flagMute
	}
	return flagHold
}

// updateRefused ends the operation behind an update that Plivo refused.
func (m *machine) updateRefused(c *Call, p *Participant, s step, d done, now time.Time) {
	why := "the provider refused: " + d.Err
	c.wantRead(now, false)
	for i := range c.work.Ops {
		o := &c.work.Ops[i]
		if o.State != opPending || o.Member != p.Member || o.Kind != opMute && o.Kind != opHold || o.flag() != s.Flag || o.Value != s.Value {
			continue
		}
		if s.Flag == flagMute {
			p.askMute = p.mute.Value
		} else {
			p.askHold = p.hold.Value
		}
		m.opFail(c, o, now, failNotApplied, why)
	}
	switch p.Role {
	case RoleSupervisor:
		if o := c.opOf(p.Supervisor); o != nil && !s.Value && s.Flag != flagHold {
			m.rollback(c, o, now, failNotApplied, why, false)
		}
	case RoleAgent:
		if o := c.pending(opTakeOver); o != nil && s.Value {
			if v := c.supervision(o.Sup); v != nil {
				v.Agent, v.firm = AgentKeep, true
			}
			m.opFail(c, o, now, failNotApplied, "the agent's part: "+why)
		}
	case RoleCustomer:
		if o := c.pending(opTakeOver); o != nil && s.Flag == flagHold && !s.Value {
			m.rollback(c, o, now, failNotApplied, why, false)
		}
	}
}

// removalRefused ends the verbs that wanted an agent or a customer to leave,
// whom Plivo refuses to remove: they stay. It reports whether there were any;
// whoever nobody wants here is asked to leave again and again.
func (m *machine) removalRefused(c *Call, id MemberID, d done, now time.Time) (any bool) {
	p := c.member(id)
	if p == nil || p.Role == RoleSupervisor {
		return false
	}
	why := "the provider refused: " + d.Err
	for i := range c.work.Ops {
		o := &c.work.Ops[i]
		switch {
		case o.State != opPending:
			continue
		case o.Kind == opRemove && o.Member == id, o.Kind == opTransfer && o.Part2 && slices.Contains(o.Members, id):
		case o.Kind == opTakeOver && o.Part2 && o.Part == AgentRemove && p.Role == RoleAgent:
			if s := c.supervision(o.Sup); s != nil {
				s.removed = slices.DeleteFunc(s.removed, func(a Agent) bool { return a.ID == p.Agent })
			}
		default:
			continue
		}
		m.opFail(c, o, now, failNotApplied, why)
		any = true
	}
	p.kick = p.kick && !any
	return any
}

// leaving waits for a participant to be gone.
func (m *machine) leaving(c *Call, o *operation, now time.Time) {
	if o.Kind == opLeave {
		s := c.supervision(o.Sup)
		if s == nil || s.State == SupervisionEnded {
			l := c.leg(legOf(s))
			switch rings := l != nil && l.chased(); {
			case !rings:
				m.opDone(c, o, now)
			case !now.Before(o.Deadline):
				m.opFail(c, o, now, failUnknown, "their phone may ring on")
			}
			return
		}
	} else if p := c.member(o.Member); p == nil || !p.Live() {
		m.opDone(c, o, now)
		return
	}
	if !now.Before(o.Deadline) {
		m.opFail(c, o, now, failUnknown, "no read shows that they left")
	}
}

func legOf(s *Supervision) int {
	if s == nil {
		return 0
	}
	return s.leg
}

// transferring waits for the new agent, then lets the first one go.
func (m *machine) transferring(c *Call, o *operation, now time.Time) {
	if o.Attempt != 0 && !o.Part2 {
		a := c.attemptByID(o.Attempt)
		switch {
		case a == nil:
			m.opFail(c, o, now, failUnknown, "the attempt is lost")
		case a.Reached != "":
			o.Part2, o.Deadline, c.work.moved = true, now.Add(opPatience), true
			for _, id := range o.Members {
				if p := c.member(id); p != nil && p.Live() {
					p.kick = true
				}
			}
		case !a.Ended.IsZero():
			m.opFail(c, o, now, failNotApplied, "nobody answered")
		}
	}
	if o.State != opPending || !o.Part2 {
		return
	}
	if !slices.ContainsFunc(o.Members, func(id MemberID) bool { p := c.member(id); return p != nil && p.Live() }) {
		m.opDone(c, o, now)
	} else if !now.Before(o.Deadline) {
		m.opFail(c, o, now, failUnknown, "no read shows that the first agent left")
	}
}
