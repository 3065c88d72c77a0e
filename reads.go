package coaching

import (
	"slices"
	"strings"
	"time"
)

// Reads are what makes an answer true: they alone confirm. This file plans
// them and merges what they show.

// readPause lies between reads that wait for the same thing to show.
const readPause = 400 * time.Millisecond

// wantRead asks for a read that begins from that moment on and after this
// change of the Call.
func (c *Call) wantRead(from time.Time, mpc bool) {
	w := &c.work
	if w.ReadBy.IsZero() || from.Before(w.ReadBy) || w.ReadNeed < w.Tick {
		w.ReadBy, w.ReadNeed = from, w.Tick
	}
	w.ReadMPC = w.ReadMPC || mpc
}

// wantReadFrom asks, for this round of planning, for a read of use from that
// moment on that is sent after tick.
func (c *Call) wantReadFrom(from time.Time, tick uint64) {
	w := &c.work
	if w.ReadTick > tick {
		from = later(from, w.Read.Add(readPause)) // what was read since did not settle it
	}
	if c.reading(from, tick) {
		return
	}
	if from.IsZero() {
		from = c.Created
	}
	if w.want.IsZero() || from.Before(w.want) {
		w.want = from
	}
}

// reading reports whether a read is under way that began from that moment on
// and after tick.
func (c *Call) reading(from time.Time, tick uint64) bool {
	return c.hasStep(stepRead, func(s *step) bool { return s.Sent && s.Tick > tick && !s.At.Before(from) })
}

// reads plans the next read: the earliest that somebody asked for, or the watch.
func (m *machine) reads(c *Call, now time.Time) {
	w := &c.work
	if c.MPC == "" {
		m.finds(c, now)
		return
	}
	flying := 0
	for i := range w.Steps {
		if s := &w.Steps[i]; s.Kind == stepRead && s.Sent {
			flying++
		}
	}
	from := w.want
	earlier := func(t time.Time) {
		if from.IsZero() || t.Before(from) {
			from = t
		}
	}
	if !w.ReadBy.IsZero() && !c.reading(w.ReadBy, w.ReadNeed) {
		earlier(w.ReadBy)
	}
	watch := false
	if at := c.watchAt(); flying == 0 {
		watch = from.IsZero() || at.Before(from)
		earlier(at)
		for p := range c.live(RoleSupervisor) {
			for _, f := range [...]*flag{&p.mute, &p.coach} {
				if !f.Owe.IsZero() {
					earlier(later(f.Owe.Add(clockSkew), w.Read.Add(readPause)))
				}
			}
		}
	}
	if from.IsZero() || flying >= 2 {
		return
	}
	if n := w.Retries[stepRead.String()]; n > 0 {
		from = later(from, w.ReadTried.Add(backoff(n)))
	}
	mpc := w.ReadMPC || c.State == StateWaiting || w.Ending || w.Ghost
	for i := range w.Steps {
		if s := &w.Steps[i]; s.Kind == stepRead && !s.Sent {
			s.From, s.MPC, s.Watch = from, mpc, watch
			return
		}
	}
	c.addStep(step{Kind: stepRead, From: from, MPC: mpc, Watch: watch})
}

// watchAt is when the watch wants the next read: often while somebody waits,
// be it the customer or who has asked for somebody whose phone rings.
func (c *Call) watchAt() time.Time {
	last := c.work.Read
	if last.IsZero() {
		last = c.Created
	}
	if c.State == StateActive && c.work.Route.Since.IsZero() && c.work.Route.Silent.IsZero() && !c.work.Ending && !c.rings() {
		return last.Add(talkingWatch)
	}
	return last.Add(waitingWatch)
}

// rings reports whether a phone is being rung, which may be answered without a
// callback ever telling us.
func (c *Call) rings() bool {
	return slices.ContainsFunc(c.work.Legs, func(l leg) bool { return l.State == legOut })
}

// finds looks for an MPC that has not told us of itself: by name, and by
// whether the customer's call still lives. One miss proves nothing.
func (m *machine) finds(c *Call, now time.Time) {
	if c.State != StateAnswered || c.hasStep(stepFind, nil) {
		return
	}
	n := c.work.Misses
	from := c.Created.Add(waitingWatch - time.Second + time.Duration(n)*waitingWatch)
	if n > 4 {
		from = c.work.ReadTried.Add(min(time.Duration(n)*waitingWatch, time.Minute))
		if c.CallUUID != "" && !c.hasStep(stepCause, nil) {
			c.addStep(step{Kind: stepCause, UUID: c.CallUUID, From: from})
		}
	}
	c.addStep(step{Kind: stepFind, From: later(now, from)})
}

// seen is what a read showed.
type seen struct {
	MPC     string // UUID; "" where the MPC was not asked for
	Name    string
	Status  CallState // 0: not asked
	Gone    bool      // Plivo knows no such MPC
	Members []seenMember
}

type seenMember struct {
	Member            MemberID
	CallUUID          string
	Role              Role
	Address           string
	Mute, Hold, Coach *bool
	Exited            bool
	Cause             string
}

func (m *machine) readDone(c *Call, s step, d done, now time.Time) {
	w := &c.work
	w.ReadTried = now
	if d.Out == clientGone || d.Seen != nil && d.Seen.Gone {
		if known := w.Bound.Add(m.lag + clockSkew); s.At.Before(known) {
			if w.Retries[stepRead.String()] < 2 {
				c.failed(stepRead) // the next one waits a little, and no longer than half a second
			}
			c.wantRead(known, true) // too early to tell
			return
		}
		w.Misses++
		if w.Misses >= 2 { // one alone may be a gateway's word, and ends no call
			m.ended(c, now, ExitUnknown)
			return
		}
		c.wantRead(now.Add(time.Second), true)
		return
	}
	if d.Out != clientOK || d.Seen == nil {
		c.failed(stepRead)
		return
	}
	delete(w.Retries, stepRead.String())
	w.Misses = 0
	if s.At.After(w.Read) {
		w.Read = s.At
	}
	w.ReadTick = max(w.ReadTick, s.Tick)
	if s.Tick > w.ReadNeed && !s.At.Before(w.ReadBy) && (s.MPC || !w.ReadMPC) {
		w.ReadBy, w.ReadMPC = time.Time{}, false
	}
	m.merge(c, d.Seen, view{began: s.At, tick: s.Tick, by: s.By}, now)
}

// merge takes in what a read shows. It never brings back who has left.
func (m *machine) merge(c *Call, seen *seen, v view, now time.Time) {
	c.work.moved = true
	adopting := c.work.Ghost
	if seen.Status == StateEnded {
		m.ended(c, now, ExitUnknown)
		return
	}
	m.rise(c, seen.Status, now)
	shown := map[MemberID]bool{}
	for _, sm := range seen.Members {
		shown[sm.Member] = true
		p := c.member(sm.Member)
		if sm.Exited {
			if p != nil {
				m.left(c, p, now, strings.ToLower(sm.Cause))
			}
			continue
		}
		if p == nil {
			p = m.joined(c, sm.Member, sm.Role, now)
		}
		if !p.Live() {
			continue
		}
		p.fill(sm)
		m.flagRead(c, p, flagMute, sm.Mute, v, now)
		m.flagRead(c, p, flagHold, sm.Hold, v, now)
		if p.Role == RoleSupervisor {
			m.flagRead(c, p, flagCoach, sm.Coach, v, now)
		}
		if adopting {
			m.adopt(c, p, now)
		}
	}
	for i := range c.Participants {
		p := &c.Participants[i]
		lag := m.lag
		if v.by != m.by {
			lag += clockSkew
		}
		if p.Live() && !shown[p.Member] && !v.began.Before(p.Joined.Add(lag)) {
			m.left(c, p, now, "not in the call any more")
		}
	}
	if adopting {
		if known := c.work.Bound.Add(m.lag + clockSkew); c.customer() == nil && v.began.Before(known) {
			c.wantRead(known, true) // too early to tell a ghost
			return
		}
		m.adopted(c, now)
	}
}

// flagRead takes in what a read shows of one flag; nil: nothing.
func (m *machine) flagRead(c *Call, p *Participant, n flagName, shown *bool, v view, now time.Time) {
	switch {
	case shown == nil:
	case !p.locked(n):
		p.flag(n).read(*shown, v, now, m.lag)
	case readLock(p.flag(n), *shown, v, now, c.work.Tick, m.by, m.lag, m.settle):
		m.doubt(c, p, now, failNotApplied, "the provider took the request, and it shows no effect")
	}
}

// fill adds what a read tells about a participant.
func (p *Participant) fill(sm seenMember) {
	if p.CallUUID == "" {
		p.CallUUID = sm.CallUUID
	}
	if p.Address == "" {
		p.Address = sm.Address
	}
	if p.Role == 0 {
		p.Role = sm.Role
	}
}

// rise moves the call's state up, never down.
func (m *machine) rise(c *Call, to CallState, now time.Time) {
	if to == 0 || to == StateEnded || c.State >= to {
		return
	}
	c.State, c.work.moved = to, true
	if to == StateActive {
		c.Activated = now
	}
}

// joined adds a participant.
func (m *machine) joined(c *Call, id MemberID, role Role, now time.Time) *Participant {
	c.Participants = append(c.Participants, Participant{Member: id, Role: role, Joined: now})
	c.work.moved = true
	return &c.Participants[len(c.Participants)-1]
}

// adopt takes a participant found in a call that our books did not have: they
// are left as they are found.
func (m *machine) adopt(c *Call, p *Participant, now time.Time) {
	switch {
	case p.Role == RoleCustomer && c.CallUUID == "" && callIDOf(m.prefix, p.CallUUID) == c.ID:
		c.CallUUID = p.CallUUID
		if c.From == "" {
			c.From = p.Address
		}
	case p.Role == RoleAgent:
		p.adopted = true
		p.askMute, p.askHold = p.mute.Value, p.hold.Value
	case p.Role == RoleSupervisor && p.Supervisor == "":
		p.adopted = true
		p.Supervisor = SupervisorID("member-" + string(p.Member))
		s := Supervision{ID: p.Supervisor, Call: c.ID, State: SupervisionJoined, Member: p.Member, Asked: now, Joined: now}
		s.Want = mode(p)
		if s.Want == 0 {
			s.Want = ModeMonitor
		}
		s.TookOver, s.firm = s.Want == ModeOpen, s.Want == ModeOpen
		c.Supervisions = append(c.Supervisions, s)
	}
}

// adopted decides what a provisional call is: ours if our customer is in it,
// else a ghost, which is ended.
func (m *machine) adopted(c *Call, now time.Time) {
	c.work.Ghost = false
	if c.customer() != nil && c.CallUUID != "" {
		m.record(c, Record{Kind: RecordAdopted, At: now})
		if c.To == "" {
			c.addStep(step{Kind: stepCause, UUID: c.CallUUID}) // tells what they dialled
		}
		if cust := c.customer(); cust.hold.Known && cust.hold.Value {
			c.work.Route.Silent = now
		}
		return
	}
	c.addStep(step{Kind: stepGhost, UUID: c.MPC})
	m.ended(c, now, ExitUnknown)
}

// findDone takes in what asking for the MPC by name gave.
func (m *machine) findDone(c *Call, s step, d done, now time.Time) {
	c.work.ReadTried = now
	if d.Out == clientOK && d.Seen != nil && d.Seen.MPC != "" && d.Seen.Status != StateEnded {
		if c.MPC == "" && c.State != StateEnded {
			c.bound(d.Seen.MPC, now)
			m.rise(c, StateWaiting, now)
			m.rise(c, d.Seen.Status, now)
			c.wantRead(now, true)
		}
		return
	}
	c.work.Misses++
	if d.Out == clientGone && c.work.Misses > 12 && now.Sub(c.Created) > 2*time.Minute {
		m.ended(c, now, ExitUnknown)
	}
}
