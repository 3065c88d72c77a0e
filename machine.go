package coaching

import (
	"slices"
	"time"
)

// The state machine is pure: no I/O, no clock, no goroutine. Inputs (callbacks,
// verbs, outcomes of steps, the passing of time) change the Call; then plan
// looks at the whole Call and writes down what to do next, as steps. Planning
// is level-triggered: it compares what is wanted with what is confirmed, so a
// lost input costs time, never the goal.

const (
	clockSkew    = 2 * time.Second         // by which clocks of instances may differ
	claimMargin  = 3 * time.Second         // a claim outlives its request by this
	waitingWatch = 4500 * time.Millisecond // reads while the customer waits
	talkingWatch = 50 * time.Second        // reads while they talk
	lastAge      = maxDuration*time.Second + 10*time.Minute
	maxDuration  = 28800 // seconds, what Plivo allows at most
	maxMembers   = 10    // what Plivo allows at most
	maxLosses    = 3
	opPatience   = 30 * time.Second // an operation without progress becomes unknown
	lowPatience  = 8 * time.Second  // a lowering does
	restPause    = 100 * time.Millisecond
	keepOps      = time.Minute // finished operations stay for those who wait
)

// A machine is the rules together with the host's settings. It is immutable.
type machine struct {
	by             string // names this instance's clock
	prefix         string
	callerID       string
	ringTime       time.Duration
	requestTimeout time.Duration
	routeTimeout   time.Duration
	settle         time.Duration
	lag            time.Duration
	causeGrace     time.Duration
	queue          time.Duration
	maxWait        time.Duration
	retention      time.Duration
	leave          LeavePolicy
	records        bool
}

// An input is anything that can change a Call.
type input interface {
	// on changes c, which it owns. An error refuses the input: nothing is stored.
	on(m *machine, c *Call, now time.Time) error
}

// apply returns the Call that follows from c and in. It is deterministic and
// leaves c as it was. An error means that the input was refused.
func (m *machine) apply(c Call, in input, now time.Time) (Call, error) {
	c = c.clone()
	c.work.Tick++
	if err := in.on(m, &c, now); err != nil {
		return Call{}, err
	}
	m.plan(&c, now)
	return c, nil
}

// tick is the passing of time.
type tick struct{}

func (tick) on(*machine, *Call, time.Time) error { return nil }

// plan writes down what to do next. What one part decides may be news for
// another, so it goes round until nothing moves.
func (m *machine) plan(c *Call, now time.Time) {
	m.lapse(c, now)
	if c.State != StateEnded && !c.Created.IsZero() && now.Sub(c.Created) > lastAge {
		m.ended(c, now, ExitUnknown)
	}
	c.work.want = time.Time{}
	for range 8 {
		c.work.moved = false
		if c.State == StateEnded {
			break
		}
		m.match(c, now)
		m.legsDue(c, now)
		m.unanswered(c, now)
		m.attempt(c, now)
		m.operations(c, now)
		m.company(c, now)
		m.route(c, now)
		if !c.work.moved {
			break
		}
	}
	if c.State == StateEnded {
		m.afterwards(c, now)
	} else {
		m.moves(c, now)
		m.reads(c, now)
	}
	m.hangups(c, now)
	m.drains(c)
	m.prune(c, now)
	derive(c)
	c.work.Due = m.due(c, now)
	if !c.work.Due.IsZero() && !c.work.Due.After(now) && rests(c, now) {
		c.work.Due = now.Add(restPause) // nothing can be sent and nothing moved: never spin
	}
}

// lapse takes back claims that ran out: whoever held one is taken for dead. A
// dial is never repeated: its outcome is unknown. The rest is planned again.
func (m *machine) lapse(c *Call, now time.Time) {
	var over []step
	for i := range c.work.Steps {
		if s := &c.work.Steps[i]; s.Sent && now.After(s.Until.Add(clockSkew)) {
			over = append(over, *s)
		}
	}
	for _, s := range over {
		m.finish(c, s, done{ID: s.ID, Out: clientUnknown, Err: "no outcome", By: m.by}, now)
	}
}

// backoff is how long to wait after that many failures in a row.
func backoff(tries int) time.Duration {
	return min(250*time.Millisecond<<min(max(tries-1, 0), 5), 5*time.Second)
}

// How long Retry-After may keep a request waiting. Plivo counts requests over
// 5 s, so nothing has to wait longer. What changes who hears whom cannot wait
// that long: the customer may be in silence, or hear a supervisor who was to be
// lowered.
const (
	patience      = 5 * time.Second
	shortPatience = time.Second
)

// again returns how long to wait after a request that did not do, at most for
// Retry-After's sake.
func again(d done, tries int, most time.Duration) time.Duration {
	return max(min(d.After, most), backoff(tries))
}

// end decides that the call ends, for that reason. The first reason stays.
func (m *machine) end(c *Call, now time.Time, why ExitReason) {
	if c.work.Ending || c.State == StateEnded {
		return
	}
	c.work.Ending, c.EndReason, c.work.moved = true, why, true
	m.record(c, Record{Kind: RecordEnding, At: now, Detail: why.String()})
}

// ended notes that the multiparty call is over. Nothing lives after it.
func (m *machine) ended(c *Call, now time.Time, why ExitReason) {
	if c.State == StateEnded {
		return
	}
	if c.EndReason == 0 {
		c.EndReason = why
	}
	c.State, c.Ended, c.Expires = StateEnded, now, now.Add(m.retention)
	for i := range c.Participants {
		if p := &c.Participants[i]; p.Live() {
			p.Left = now
		}
	}
	m.record(c, Record{Kind: RecordEnded, At: now, Detail: c.EndReason.String()})
}

// afterwards clears an ended call: only what could still ring or haunt is left
// to do.
func (m *machine) afterwards(c *Call, now time.Time) {
	for i := range c.Supervisions {
		if s := &c.Supervisions[i]; s.State != SupervisionEnded {
			m.endSupervision(c, s, now, "call ended")
		}
	}
	for i := range c.work.Legs {
		l := &c.work.Legs[i]
		if m.giveUp(c, l, "call ended"); l.State == legIn {
			l.State = legOver
		}
	}
	for i := range c.work.Ops {
		o := &c.work.Ops[i]
		switch {
		case o.State != opPending:
		case o.Kind == opEnd || o.Kind == opLeave || o.Kind == opRemove:
			m.opDone(c, o, now)
		default:
			m.opFail(c, o, now, failEnded, "the call ended")
		}
	}
	if n := len(c.Attempts); n > 0 && c.Attempts[n-1].Ended.IsZero() {
		c.Attempts[n-1].Ended = now
	}
	c.work.Route, c.work.Tickets, c.work.ReadBy = routing{}, nil, time.Time{}
	c.work.Steps = slices.DeleteFunc(c.work.Steps, func(s step) bool {
		switch s.Kind {
		case stepHangup, stepCancel, stepGhost, stepDrain:
			return false
		case stepDial:
			return !s.Sent // its answer tells which call to hang up
		}
		return true
	})
}

// prune forgets what nobody can ask for any more, so that a Call stays small.
func (m *machine) prune(c *Call, now time.Time) {
	w := &c.work
	w.Ops = slices.DeleteFunc(w.Ops, func(o operation) bool { return o.State != opPending && now.Sub(o.Ended) > keepOps })
	w.Tickets = slices.DeleteFunc(w.Tickets, func(t ticket) bool { return now.Sub(t.Expires) > time.Minute })
	if n := len(w.Legs) - 12; n > 0 {
		w.Legs = slices.DeleteFunc(w.Legs, func(l leg) bool {
			old := n > 0 && l.State == legOver && !l.chased() && l.Attempt != w.Route.Attempt
			if old {
				n--
			}
			return old
		})
	}
	if n := len(c.Attempts); n > 32 {
		c.Attempts = slices.Delete(c.Attempts, 0, n-32)
	}
	for len(c.Supervisions) > 16 {
		i := slices.IndexFunc(c.Supervisions, func(s Supervision) bool { return s.State == SupervisionEnded })
		if i < 0 {
			break
		}
		c.Supervisions = slices.Delete(c.Supervisions, i, i+1)
	}
	for len(c.Participants) > 40 {
		i := slices.IndexFunc(c.Participants, func(p Participant) bool { return !p.Live() && p.Member != w.Route.Lost })
		if i < 0 {
			break
		}
		c.Participants = slices.Delete(c.Participants, i, i+1)
	}
}

// derive fills the public fields that follow from the rest.
func derive(c *Call) {
	for i := range c.Participants {
		p := &c.Participants[i]
		p.Muted, p.Held = p.mute.Known && p.mute.Value, p.hold.Known && p.hold.Value
		p.Coaching = p.Role == RoleSupervisor && p.coach.Known && p.coach.Value
		p.Confirmed = p.mute.settled() && p.hold.settled() && (p.Role != RoleSupervisor || p.coach.settled())
	}
	for i := range c.Supervisions {
		s := &c.Supervisions[i]
		s.Mode, s.Audible = 0, false
		if p := c.member(s.Member); p != nil && p.Live() && s.State == SupervisionJoined {
			s.Mode, s.Audible = mode(p), c.State == StateActive && mayBeHeard(p)
		}
	}
}

// due returns the earliest moment at which time alone changes something.
func (m *machine) due(c *Call, now time.Time) time.Time {
	var at time.Time
	by := func(t time.Time) {
		if !t.IsZero() && (at.IsZero() || t.Before(at)) {
			at = t
		}
	}
	busy := slices.ContainsFunc(c.work.Steps, func(s step) bool { return s.Sent && s.lane(c) })
	for i := range c.work.Steps {
		switch s := &c.work.Steps[i]; {
		case s.Sent:
			by(s.Until.Add(clockSkew + time.Millisecond))
		case busy && s.lane(c): // the outcome before it makes it due
		case s.From.IsZero():
			by(now)
		default:
			by(s.From)
		}
	}
	if c.State == StateEnded {
		return at
	}
	// What is past has just been looked at. If it stands all the same it waits
	// for something else: looking again at once would only spin.
	ahead := func(t time.Time) {
		if !t.IsZero() && !t.After(now) {
			t = now.Add(time.Second)
		}
		by(t)
	}
	for i := range c.work.Legs {
		if l := &c.work.Legs[i]; l.open() {
			ahead(l.Deadline)
		}
	}
	for i := range c.work.Ops {
		if o := &c.work.Ops[i]; o.State == opPending && !o.Deadline.IsZero() {
			ahead(o.Deadline.Add(1)) // they fail after it, not at it
		}
	}
	for i := range c.Participants {
		if p := &c.Participants[i]; p.Live() {
			for _, n := range [...]flagName{flagMute, flagHold, flagCoach} {
				if f := p.flag(n); f.Next.After(now) {
					by(f.Next)
				}
			}
		}
	}
	r := &c.work.Route
	for _, t := range [...]time.Time{r.Wait, r.Grace, r.Silent.Add(silencePatience), r.Silent.Add(mendPatience)} {
		if t.After(now) {
			by(t)
		}
	}
	if !r.Since.IsZero() {
		ahead(r.Since.Add(m.maxWait))
	}
	if !c.Created.IsZero() {
		ahead(c.Created.Add(lastAge + time.Second))
	}
	return at
}
