package plivotest

import (
	"slices"
	"strings"
	"time"
)

// confirmWait is how long a callee has to press the confirm key. Not
// documented.
const confirmWait = 10 * time.Second

// pressDelay lies between a phone's answer and its PressKey.
const pressDelay = 500 * time.Millisecond

// defaultRing is how long an Answer phone rings.
const defaultRing = time.Second

// dial is one add-participant request that rings phones: the first that
// answers, and accepts, joins.
type dial struct {
	uuid       string // request_uuid
	mpc        *mpc   // nil until the join under CreateAtJoin
	name       string
	joining    *joining
	legs       []*Leg
	callerName string
	status     hook
	confirmKey string
	confirm    hook
	music      string
	won        *Leg
	over       bool
	listeners  []*Leg // hear dial music
}

// enqueue puts a leg, after its delay, into the account's dial queue, which
// starts CPS calls a second.
func (s *Server) enqueue(l *Leg) {
	if l.delay > 0 {
		s.timer(l, l.delay, false, "delay dial "+l.to, func() { s.takeTurn(l) })
		return
	}
	s.takeTurn(l)
}

func (s *Server) takeTurn(l *Leg) {
	now := time.Now()
	at := now
	if s.opts.CPS > 0 {
		if s.nextDial.After(at) {
			at = s.nextDial
		}
		s.nextDial = at.Add(time.Second / time.Duration(s.opts.CPS))
	}
	s.timer(l, at.Sub(now), false, "dial "+l.to, func() { s.ring(l) })
}

// ring lets the phone at the other end do what its plan says.
func (s *Server) ring(l *Leg) {
	if p := s.phones[l.phone.address]; p != nil {
		l.phone = p // it may have been made since
	}
	p := l.phone
	plan := p.plan
	if s.phones[p.address] == nil {
		plan = PhonePlan{Action: NoAnswer}
		if isSIP(p.address) {
			plan.Action = Unregistered
		}
	}
	if plan.BusyInCall && p.inCall(l) {
		plan = PhonePlan{Action: Busy}
	}
	p.legs = append(p.legs, l)
	if plan.Action == Unregistered {
		s.timer(l, plan.After, false, "unregistered", func() { s.endLeg(l, causeUnregistered) })
		return
	}
	l.state = Ringing
	s.log("call", "%s %s rings, called by %s", short(l.uuid), p.address, l.from)
	s.legCallback(l, "ringing")
	s.dialMusic(l.dial)
	s.timer(l, l.ringTimeout, plan.Action == Manual, "ring timeout", func() { s.endLeg(l, causeRingTimeout) })
	act := func(f func()) { s.timer(l, plan.After, false, "act "+p.address, f) }
	switch plan.Action {
	case Answer:
		if plan.After == 0 {
			plan.After = defaultRing
		}
		act(func() { s.answer(l) })
	case Busy:
		act(func() { s.endLeg(l, causeBusy) })
	case Reject:
		act(func() { s.endLeg(l, causeRejected) })
	case NoAnswer:
		if plan.After > 0 {
			act(func() { s.endLeg(l, causeNoAnswer) })
		}
	}
}

// dialMusic lets those who are in hear that somebody is rung.
func (s *Server) dialMusic(d *dial) {
	if d.mpc == nil || strings.EqualFold(d.music, "none") {
		return
	}
	for _, m := range d.mpc.inside() {
		if m.hearsMPC() && !slices.Contains(d.listeners, m.leg) {
			d.listeners = append(d.listeners, m.leg)
			s.startSound(m.leg, "dial music", d.music)
		}
	}
}

// answer is the moment the phone is picked up.
func (s *Server) answer(l *Leg) {
	if l.state != Ringing || l.dial == nil {
		return
	}
	l.state, l.answered = InProgress, time.Now()
	s.dropTimers(l) // of ringing
	s.changed = true
	s.log("call", "%s %s answers", short(l.uuid), l.phone.address)
	s.legCallback(l, "in-progress")
	plan := l.phone.plan
	if plan.HangupAfter > 0 {
		s.timer(l, plan.HangupAfter, true, "hangup", func() { s.hangUpByPhone(l) })
	}
	if plan.PressKey != "" {
		s.timer(l, pressDelay, false, "press", func() { s.press(l, plan.PressKey) })
	}
	d := l.dial
	if d.confirmKey == "" {
		s.accept(l)
		return
	}
	if d.confirm.url != "" {
		s.deliver(nil, "sound", "", d.confirm.method, d.confirm.url, s.callForm(l, ""), func(res result) {
			if l.state == InProgress && s.playable("confirm sound", d.confirm.url, res) {
				s.beep(l, "play", d.confirm.url)
				s.stopSound(l, "play")
			}
		})
	}
	l.confirm = s.timer(l, confirmWait, false, "confirm", func() { s.endLeg(l, causeConfirmKey) })
}

// confirming says whether the leg was answered but not yet accepted.
func (s *Server) confirming(l *Leg) bool {
	return l.dial != nil && l.state == InProgress && l.dial.won != l && l.dial.confirmKey != ""
}

// accept lets the first leg of a dial join; the others lost the race.
func (s *Server) accept(l *Leg) {
	d := l.dial
	if d.won != nil || l.state != InProgress {
		return
	}
	d.won = l
	s.drop(l.confirm)
	for _, o := range d.legs {
		if o != l {
			s.endLeg(o, causeLostRace)
		}
	}
	s.closeDial(d)
	x := d.mpc
	if x == nil || !x.live() {
		if x = s.liveMPC(d.name); x == nil {
			x = s.newMPC(d.name, d.joining, l)
		}
	}
	if s.full(x) {
		s.warn("%s finds %q full", short(l.uuid), x.name)
		s.addEvent(x, d, "AddParticipantByAPIActionCompleted", "emulated-full")
		s.endLeg(l, causeMPCEnded)
		return
	}
	s.settle(x, d.joining)
	s.join(l, x, d.joining, true)
	s.addEvent(x, d, "AddParticipantByAPIActionCompleted", "emulated-success")
}

// dialLegEnded looks whether anyone of a dial may still join.
func (s *Server) dialLegEnded(l *Leg) {
	d := l.dial
	if d.over || slices.ContainsFunc(d.legs, func(o *Leg) bool { return o.state != Ended }) {
		return
	}
	x := d.mpc
	s.closeDial(d)
	if x == nil || !x.live() {
		return
	}
	s.addEvent(x, d, "AddParticipantByAPIActionCompleted", "emulated-failure")
	if x.dials == 0 && len(x.inside()) == 0 {
		s.endMPC(x, noActiveParticipants, causeMPCEnded)
	}
}

// closeDial marks a dial as decided.
func (s *Server) closeDial(d *dial) {
	if d.over {
		return
	}
	d.over = true
	if d.mpc != nil {
		d.mpc.dials--
	}
	for _, l := range d.listeners {
		s.stopSound(l, "dial music")
	}
	if i := slices.Index(s.dials, d); i >= 0 {
		s.dials = slices.Delete(s.dials, i, i+1)
	}
}

// dropDial hangs up what is left of a dial whose MPC is gone.
func (s *Server) dropDial(d *dial, c HangupCause) {
	for _, l := range d.legs {
		s.endLeg(l, c)
	}
}

// addEvent reports on an add-participant request. Its outcomes are invented,
// since no source shows any.
func (s *Server) addEvent(x *mpc, d *dial, name, outcome string) {
	f := s.addForm(d)
	if outcome != "" {
		f.Set("AddParticipantAPIRequestOutcome", outcome)
	}
	s.statusCallback(x, groupAdd, name, f)
}

// Dial lets the phone at from call a number, or an endpoint's SIP address, and
// returns the call at once: Plivo then requests the answer URL and runs its
// XML. A caller who is an endpoint with an answer URL of its own
// ([Server.Number] with its SIP address) is answered by that one, whatever it
// dials. headers are custom SIP headers by name, with or without X-PH-; what
// breaks the rule for them is dropped.
func (s *Server) Dial(from, to string, headers map[string]string) *Leg {
	var l *Leg
	s.do(func() { l = s.dialIn(normal(from), normal(to), headers) })
	return l
}

func (s *Server) dialIn(from, to string, headers map[string]string) *Leg {
	p := s.phone(from)
	l := s.newLeg(p, from, to, "inbound")
	p.legs = append(p.legs, l)
	l.headers = s.keepHeaders(headers)
	l.state = Ringing
	s.log("call", "%s %s calls %s", short(l.uuid), from, to)
	answer := ""
	if isSIP(from) {
		answer = s.numbers[from]
	}
	if answer == "" {
		answer = s.numbers[to]
	}
	if answer == "" {
		s.warn("%s is no number of this account", to)
		s.timer(l, 0, false, "no such number", func() { s.endLeg(l, causeBadAddress) })
		return l
	}
	form := s.callForm(l, "ringing")
	form.Set("Event", "StartApp")
	if isSIP(from) {
		form.Set("SIP-H-To", "<"+pick(isSIP(to), to, "sip:"+to+"@phone.plivo.com")+";transport=udp>;tag=1")
	}
	s.fetchXML(l, "answer", hook{answer, "POST"}, form)
	return l
}

// Number rents a number, or gives an endpoint's SIP address an application:
// calls go to answerURL, by POST. It panics if that is no absolute http URL.
func (s *Server) Number(number, answerURL string) {
	base, _ := cutFragment(answerURL)
	if !isWebURL(base) {
		panic("plivotest: Number: bad answer URL " + answerURL)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.numbers[normal(number)] = answerURL
}
