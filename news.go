package coaching

import (
	"slices"
	"time"
)

// news is what an MPC status callback tells, free of wire names. It carries
// facts that cannot be undone (a join, an exit, the end) and starts reads; it
// never confirms a flag, since no event names the request that caused it.
type news struct {
	guard  repeat
	kind   newsKind
	mpc    string
	member MemberID
	role   Role
	call   string // the participant's call UUID; empty in sparse events
	addr   string
	from   string // of the participant's call
	to     string
	flag   flagName // newsFlag: what changed,
	value  bool     // to what
}

type newsKind uint8

const (
	newsOther       newsKind = iota // recordings, digits, speech, what we do not know
	newsInitialized                 // the MPC exists
	newsStarted                     // it is Active
	newsEnded
	newsJoined
	newsExited
	newsFlag // mute, hold or coach_mode changed
)

func (n news) on(m *machine, c *Call, now time.Time) error {
	if err := c.guarded(n.guard); err != nil {
		return err
	}
	if c.State == StateEnded {
		if n.kind == newsInitialized && n.mpc != c.MPC {
			m.ghost(c, n.mpc)
		}
		return nil
	}
	if c.MPC != "" && n.mpc != c.MPC {
		if n.kind == newsInitialized || n.kind == newsStarted || n.kind == newsJoined {
			m.ghost(c, n.mpc)
		}
		return nil
	}
	if c.MPC == "" && !m.bind(c, n, now) {
		return nil
	}
	switch n.kind {
	case newsStarted:
		m.rise(c, StateActive, now)
		c.wantRead(now, true)
	case newsEnded:
		m.ended(c, now, ExitUnknown)
	case newsJoined:
		m.arrived(c, n, now)
	case newsExited:
		if p := c.member(n.member); p != nil {
			m.left(c, p, now, "left")
		}
	case newsFlag:
		if p := c.member(n.member); p == nil || !p.flag(n.flag).expects(n.value) {
			c.wantRead(now, false)
		}
	}
	return nil
}

// bind ties the Call to its MPC by the first event about it. Which MPC that is
// may be taken from an event only if /answer sent this customer there, and the
// event is not about somebody else's call (R3).
func (m *machine) bind(c *Call, n news, now time.Time) bool {
	if n.kind == newsEnded && !c.work.Ghost {
		// The end of an MPC we never saw: it may have been ours.
		c.bound(n.mpc, now)
		m.ended(c, now, ExitUnknown)
		return false
	}
	c.bound(n.mpc, now)
	c.work.Steps = slices.DeleteFunc(c.work.Steps, func(s step) bool { return s.Kind == stepFind && !s.Sent })
	if !c.work.Ghost && n.kind == newsInitialized && n.call != "" && c.CallUUID != "" && n.call != c.CallUUID {
		c.work.Ghost = true // somebody else opened it: a read tells whether the customer is in it
	}
	if c.work.Ghost {
		if c.From == "" && n.role == RoleCustomer {
			c.From, c.To = n.from, n.to
		}
		c.wantRead(now, true)
		return false
	}
	m.rise(c, StateWaiting, now)
	if n.kind == newsInitialized && n.member != "" && n.role != 0 && c.member(n.member) == nil && n.call == c.CallUUID && n.call != "" {
		p := m.joined(c, n.member, n.role, now)
		p.CallUUID, p.Address = n.call, n.addr
	} else if c.customer() == nil {
		// The MPC is there because the customer's XML was executed.
		c.wantRead(now, true)
	}
	return true
}

// bound notes the MPC's UUID and when it was first seen: a read that began
// less than the read lag later may not know it yet.
func (c *Call) bound(mpc string, now time.Time) {
	c.MPC, c.work.Bound = mpc, now
}

func (m *machine) arrived(c *Call, n news, now time.Time) {
	if n.member == "" {
		c.wantRead(now, true)
		return
	}
	p := c.member(n.member)
	if p == nil {
		p = m.joined(c, n.member, n.role, now)
	}
	p.fill(seenMember{CallUUID: n.call, Role: n.role, Address: n.addr})
	c.wantRead(now, c.State != StateActive)
}

// ghost plans the end of an MPC that bears our name and is not ours.
func (m *machine) ghost(c *Call, mpc string) {
	if !c.hasStep(stepGhost, func(s *step) bool { return s.UUID == mpc }) {
		c.addStep(step{Kind: stepGhost, UUID: mpc})
	}
}

// answered is the customer's call reaching /answer.
type answered struct {
	guard    repeat
	id       CallID
	callUUID string
	from, to string
	headers  map[string]string
	query    map[string][]string
}

func (a answered) on(m *machine, c *Call, now time.Time) error {
	c.ID, c.State, c.CallUUID, c.From, c.To, c.Headers, c.Query, c.Created = a.id, StateAnswered, a.callUUID, a.from, a.to, a.headers, a.query, now
	m.record(c, Record{Kind: RecordAnswered, At: now})
	return c.guarded(a.guard)
}

// answeredAgain is /answer asked once more for a call that is in the books.
type answeredAgain struct{ guard repeat }

func (a answeredAgain) on(_ *machine, c *Call, _ time.Time) error {
	if err := c.guarded(a.guard); err != nil {
		return err
	}
	return errUnchanged
}

// provisional is an event about a call that our books do not have. Nothing is
// routed until a read finds the customer in it (R15).
type provisional struct {
	id   CallID
	news news
}

func (p provisional) on(m *machine, c *Call, now time.Time) error {
	c.ID, c.State, c.Created, c.work.Ghost = p.id, StateAnswered, now, true
	return p.news.on(m, c, now)
}

// guarded refuses a callback that was taken in before: errRepeat for the same
// one again, [ErrSignature] for other content under a nonce already used
// (R13, R14). The guard remembers the last 64.
func (c *Call) guarded(r repeat) error {
	if r == (repeat{}) {
		return nil
	}
	for _, s := range c.work.Seen {
		if s.Body == r.Body {
			return errRepeat
		}
		if s.Nonce == r.Nonce {
			return ErrSignature
		}
	}
	c.work.Seen = append(slices.Delete(c.work.Seen, 0, max(len(c.work.Seen)-maxSeen+1, 0)), r)
	return nil
}

const maxSeen = 64
