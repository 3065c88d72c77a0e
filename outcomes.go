package coaching

import (
	"slices"
	"strings"
	"time"
)

// claim swaps steps to sent: from here on they are taken to have happened,
// unless their outcome says otherwise.
type claim struct {
	ids   []int
	owner string
	by    string
	hold  time.Duration // for how long
	// taken is filled with what was claimed.
	taken *[]step
}

func (k claim) on(m *machine, c *Call, now time.Time) error {
	*k.taken = nil
	for _, r := range runnable(c, now) {
		if !slices.Contains(k.ids, r.ID) {
			continue
		}
		s := c.step(r.ID)
		s.Sent, s.At, s.Tick, s.By, s.Owner, s.Until = true, now, c.work.Tick, k.by, k.owner, now.Add(k.hold)
		m.sending(c, s, now, k.by)
		*k.taken = append(*k.taken, *s)
	}
	if len(*k.taken) == 0 {
		return errUnchanged
	}
	return nil
}

// sending notes in the Call what a step is about to do.
func (m *machine) sending(c *Call, s *step, now time.Time, by string) {
	switch s.Kind {
	case stepDial:
		for _, id := range s.Legs {
			if l := c.leg(id); l != nil && l.State == legPlanned {
				l.State = legOut
				l.Deadline = now.Add(time.Duration(l.Ring)*time.Second + m.queue + m.requestTimeout)
			}
		}
	case stepUpdate:
		p := c.member(s.Member)
		if p == nil {
			return
		}
		f := p.flag(s.Flag)
		if !p.locked(s.Flag) {
			f.send(s.Value, now, by, m.lag)
			m.partSent(c, p, s)
			return
		}
		sendLock(f, s.Value, now, by, m.lag, m.settle)
		if o := c.opOf(p.Supervisor); o != nil && !s.Value {
			if !o.Raised { // progress: what had to close before is confirmed
				o.Deadline = later(o.Deadline, now.Add(lowPatience))
			}
			o.Raised = true
		}
	case stepKick:
		if p := c.member(s.Member); p != nil {
			m.partSent(c, p, s)
		}
	}
}

// partSent marks a take-over firm once the agents' part is on its way (R11).
func (m *machine) partSent(c *Call, p *Participant, s *step) {
	if p.Role != RoleAgent || s.Kind == stepUpdate && !s.Value {
		return
	}
	for i := range c.Supervisions {
		if v := &c.Supervisions[i]; v.State == SupervisionJoined && v.TookOver && v.Agent != AgentKeep {
			v.firm = true
		}
	}
}

// done is the outcome of a step. It counts only while the step still stands
// with the owner who sent it.
type done struct {
	ID     int
	Owner  string
	By     string
	Out    clientOutcome
	Err    string        // for people
	Unsent bool          // refused here: the provider was not asked
	After  time.Duration // throttled: how long to wait

	Next    *Next     // route
	Calls   []dialled // dial
	Req     string    // dial: UUID of the request
	Seen    *seen     // read, find, ghost
	Cause   *ending   // cause
	Drained uint64    // drain: number of the last record seen
}

type dialled struct{ To, CallUUID string }

// ending is how a call ended.
type ending struct {
	Over     bool
	Code     int
	Source   string
	From, To string
}

func (d done) on(m *machine, c *Call, now time.Time) error {
	s := c.step(d.ID)
	if s == nil || !s.Sent || s.Owner != d.Owner {
		return errUnchanged
	}
	m.finish(c, *s, d, now)
	return nil
}

func (m *machine) finish(c *Call, s step, d done, now time.Time) {
	c.drop(s.ID)
	switch s.Kind {
	case stepRoute:
		m.routed(c, d, now)
	case stepDial:
		m.dialDone(c, s, d, now)
	case stepUpdate:
		m.updateDone(c, s, d, now)
	case stepKick:
		m.kickDone(c, s, d, now)
	case stepHangup, stepCancel:
		m.hangupDone(c, s, d, now)
	case stepActivate, stepEnd:
		if d.Out == clientOK {
			delete(c.work.Retries, s.Kind.String())
		} else {
			c.failed(s.Kind)
		}
		c.wantRead(now, true)
	case stepGhost:
		if d.Out != clientOK && d.Out != clientGone && s.Tries < 8 {
			s.Sent, s.From, s.Tries = false, now.Add(again(d, s.Tries+1, patience)), s.Tries+1
			c.work.Steps = append(c.work.Steps, s)
		}
	case stepRead:
		m.readDone(c, s, d, now)
	case stepFind:
		m.findDone(c, s, d, now)
	case stepCause:
		m.causeDone(c, s, d, now)
	case stepDrain:
		c.drained(d.Drained)
	}
}

func (c *Call) failed(k stepKind) int {
	if c.work.Retries == nil {
		c.work.Retries = map[string]int{}
	}
	c.work.Retries[k.String()]++
	return c.work.Retries[k.String()]
}

func (m *machine) updateDone(c *Call, s step, d done, now time.Time) {
	p := c.member(s.Member)
	if p == nil {
		return
	}
	f, doubt := p.flag(s.Flag), false
	if p.locked(s.Flag) {
		doubt = answerLock(f, s.Value, d.Out, now, c.work.Tick, d.By, m.settle)
	} else {
		f.outcome(d.Out, now, c.work.Tick, d.By)
	}
	if d.Out != clientOK {
		f.Next = now.Add(again(d, f.Tries, shortPatience))
	}
	switch {
	case doubt:
		m.doubt(c, p, now, failUnknown, "no answer to a request that opens a lock")
	case d.Out == clientGone:
		c.wantRead(now, true)
	case d.Out == clientRefused || d.Out == clientUnauthorized:
		m.updateRefused(c, p, s, d, now)
	}
}

func (m *machine) kickDone(c *Call, s step, d done, now time.Time) {
	c.wantRead(now, false)
	if (d.Out == clientRefused || d.Out == clientUnauthorized) && m.removalRefused(c, s.Member, d, now) {
		return
	}
	if d.Out != clientOK && d.Out != clientGone {
		n := c.failed(stepKick)
		if p := c.member(s.Member); p != nil {
			p.kickNext = now.Add(again(d, n, shortPatience))
		}
		return
	}
	delete(c.work.Retries, stepKick.String())
	if p := c.member(s.Member); p != nil && p.Live() {
		p.kickNext = now.Add(m.lag + time.Second) // a read shows it gone, else again
	}
}

func (m *machine) causeDone(c *Call, s step, d done, now time.Time) {
	if s.UUID == c.CallUUID && d.Cause != nil {
		if c.From == "" {
			c.From = d.Cause.From
		}
		if c.To == "" {
			c.To = d.Cause.To
		}
	}
	// that a call is over can be known before why
	if d.Out == clientOK && d.Cause != nil && d.Cause.Over && (d.Cause.Code != 0 || s.UUID == c.CallUUID) {
		c.work.moved = true
		if s.UUID == c.CallUUID {
			if c.State == StateAnswered {
				m.ended(c, now, ExitCustomer)
			}
			return
		}
		m.legEnded(c, s.UUID, d.Cause.Code, d.Cause.Source)
		return
	}
	if s.UUID == c.CallUUID && d.Out == clientGone {
		c.work.Misses++
	}
	if now.Before(c.work.Route.Grace) {
		c.addStep(step{Kind: stepCause, UUID: s.UUID, From: now.Add(500 * time.Millisecond)})
	}
}

// legEnded notes how a call that was in the MPC ended: a goodbye is a normal
// hang-up by the person whose phone it is.
func (m *machine) legEnded(c *Call, uuid string, code int, source string) {
	dialIn := false
	if l := c.legByCall(uuid); l != nil {
		dialIn = l.Step == 0
	}
	for i := range c.Participants {
		p := &c.Participants[i]
		if p.CallUUID != uuid || p.cause != causeNone {
			continue
		}
		p.cause = causeOther
		src := strings.ToLower(source)
		if code == 4000 && (src == "callee" || src == "call recipient" || dialIn && src == "caller") {
			p.cause = causeGoodbye
		}
	}
}
