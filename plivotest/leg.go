package plivotest

import (
	"maps"
	"net/url"
	"strconv"
	"time"
)

// State is where a call stands.
type State string

const (
	Queued     State = "queued"      // dialled, but still in the queue
	Ringing    State = "ringing"     // not answered yet
	InProgress State = "in-progress" // answered
	Ended      State = "ended"
)

// A Leg is one call between a phone and Plivo. Its methods are safe for
// concurrent use; what they return are copies.
type Leg struct {
	s         *Server
	uuid      string
	phone     *Phone
	from, to  string
	direction string // "inbound" or "outbound", as Plivo sees it
	headers   map[string]string

	state                   State
	began, answered, ending time.Time
	cause                   HangupCause
	status                  string // final CallStatus

	dial        *dial // of legs that add-participant dialled
	ringTimeout time.Duration
	delay       time.Duration
	timers      []*event // dropped when the leg ends
	confirm     *event   // ends a leg that presses no confirm key
	callbacks   queue

	run    program // the XML it executes
	member *member // its present membership; nil while not in an MPC
	heard  []Heard
	said   []said
	sounds []Sound
}

// Heard is a line that reached a leg.
type Heard struct {
	At          time.Time
	From        string // UUID of the leg that spoke
	FromAddress string
	Text        string
}

// HangupCause says why a call ended.
type HangupCause struct {
	Code   int
	Name   string
	Source string // "Caller", "Callee", "Plivo", "API Request", "Answer XML", "Error", "Carrier", "Unknown"
}

var (
	causeUnknown      = HangupCause{0, "Unknown", "Unknown"}
	causeCanceled     = HangupCause{1000, "Canceled", "API Request"}
	causeBadAddress   = HangupCause{2000, "Invalid Destination Address", "Plivo"}
	causeUnregistered = HangupCause{2020, "Endpoint Not Registered", "Plivo"}
	causeNoAnswer     = HangupCause{3000, "No Answer", "Carrier"}
	causeBusy         = HangupCause{3010, "Busy", "Carrier"}
	causeRejected     = HangupCause{3020, "Rejected", "Callee"}
	causeNormal       = HangupCause{4000, "Normal Hangup", ""}
	causeEndOfXML     = HangupCause{4010, "End Of XML Instructions", "Plivo"}
	causeMPCEnded     = HangupCause{4020, "Multiparty Call Ended", "Plivo"}
	causeMPCEndedAPI  = HangupCause{4020, "Multiparty Call Ended", "API Request"}
	causeKicked       = HangupCause{4030, "Kicked Out Of Multiparty Call", "API Request"}
	causeRingTimeout  = HangupCause{6010, "Ring Timeout Reached", "Plivo"}
	causeLostRace     = HangupCause{9000, "Lost Race", "Plivo"}
	causeConfirmKey   = HangupCause{9110, "Confirm Key Challenge Failed", "Plivo"}
)

func (l *Leg) with(f func()) {
	l.s.mu.Lock()
	defer l.s.mu.Unlock()
	f()
}

// UUID returns Plivo's id of the call.
func (l *Leg) UUID() string { return l.uuid }

// Phone returns the phone at the other end.
func (l *Leg) Phone() (p *Phone) {
	l.with(func() { p = l.phone })
	return p
}

// From returns the caller's address, a number without "+".
func (l *Leg) From() string { return l.from }

// To returns the address that was called, a number without "+".
func (l *Leg) To() string { return l.to }

// Headers returns the custom SIP headers that came with the call, keyed
// X-PH-Name.
func (l *Leg) Headers() map[string]string { return maps.Clone(l.headers) }

// State returns where the call stands.
func (l *Leg) State() (st State) {
	l.with(func() { st = l.state })
	return st
}

// HangupCause returns why the call ended; zero while it has not.
func (l *Leg) HangupCause() (c HangupCause) {
	l.with(func() { c = l.cause })
	return c
}

// CallStatus returns the call's final status as callbacks name it, such as
// "completed" or "busy"; "" while it has not ended.
func (l *Leg) CallStatus() (st string) {
	l.with(func() { st = l.status })
	return st
}

// MemberID returns the id of the present membership, or "".
func (l *Leg) MemberID() (id string) {
	l.with(func() {
		if l.member != nil {
			id = l.member.id
		}
	})
	return id
}

// MPCUUID returns the id of the MPC the leg is in, or "".
func (l *Leg) MPCUUID() (id string) {
	l.with(func() {
		if l.member != nil {
			id = l.member.mpc.uuid
		}
	})
	return id
}

// Heard returns every line that reached this leg, oldest first.
func (l *Leg) Heard() (h []Heard) {
	l.with(func() { h = append(h, l.heard...) })
	return h
}

// Say speaks a line into the call. It reaches, at once, exactly the legs that
// hear this one now.
func (l *Leg) Say(text string) {
	l.s.do(func() { l.s.say(l, text) })
}

// Hangup ends the call from the phone's side; a ringing phone refuses.
func (l *Leg) Hangup() {
	l.s.do(func() { l.s.hangUpByPhone(l) })
}

// Press presses keys on the phone, one after the other.
func (l *Leg) Press(digits string) {
	l.s.do(func() { l.s.press(l, digits) })
}

func (s *Server) hangUpByPhone(l *Leg) {
	c := causeNormal
	switch {
	case l.direction == "inbound":
		c.Source = "Caller"
	case l.state == Ringing || l.state == Queued:
		c = causeRejected
	default:
		c.Source = "Callee"
	}
	s.endLeg(l, c)
}

// newLeg makes a call between p and Plivo.
func (s *Server) newLeg(p *Phone, from, to, direction string) *Leg {
	l := &Leg{s: s, uuid: s.newUUID(idCall), phone: p, from: from, to: to, direction: direction,
		began: time.Now(), state: Queued}
	s.legs = append(s.legs, l)
	s.calls[l.uuid] = l
	return l
}

// timer runs f after d unless the leg has ended by then.
func (s *Server) timer(l *Leg, d time.Duration, quiet bool, key string, f func()) *event {
	key = key + " " + l.uuid
	e := s.schedule(d, key, quiet, func() {
		s.do(func() {
			if l.state != Ended {
				f()
			}
		})
	})
	l.timers = append(l.timers, e)
	return e
}

func (s *Server) dropTimers(l *Leg) {
	for _, e := range l.timers {
		s.drop(e)
	}
	l.timers = nil
}

// endLeg ends a call for good; an ended one stays as it is.
func (s *Server) endLeg(l *Leg, c HangupCause) {
	if l.state == Ended {
		return
	}
	before := l.state
	l.state, l.cause, l.ending = Ended, c, time.Now()
	l.status = finalStatus(before, c)
	if l.status == "timeout" && s.opts.Switches.TimeoutAsNoAnswer {
		l.status = "no-answer"
	}
	s.changed = true
	s.log("call", "%s %s ended: %d %s by %s", short(l.uuid), l.phone.address, c.Code, c.Name, c.Source)
	s.dropTimers(l)
	l.run.stop()
	s.closeSounds(l)
	if l.dial != nil {
		s.legCallback(l, l.status)
	}
	if m := l.member; m != nil {
		s.leave(m, exitHangup)
		if s.opts.Switches.OnExitAfterHangup && m.onExit.url != "" {
			s.deliver(&l.callbacks, "exit", "", m.onExit.method, m.onExit.url, s.exitForm(m), nil)
		}
	}
	if l.dial != nil {
		s.dialLegEnded(l)
	}
}

// finalStatus is the CallStatus of an ended call. Its values are documented,
// which cause gives which is inferred.
func finalStatus(before State, c HangupCause) string {
	switch {
	case before == InProgress:
		return "completed"
	case c.Code == causeBusy.Code || c.Code == causeRejected.Code:
		return "busy"
	case c.Code == causeNoAnswer.Code:
		return "no-answer"
	case c.Code == causeRingTimeout.Code:
		return "timeout"
	case c.Code == causeBadAddress.Code || c.Code == causeUnregistered.Code:
		return "failed"
	}
	return "cancel"
}

// callForm returns the standard parameters of a call. status "" is the
// present one.
func (s *Server) callForm(l *Leg, status string) url.Values {
	if status == "" {
		switch l.state {
		case InProgress:
			status = "in-progress"
		case Ended:
			status = l.status
		default:
			status = "ringing"
		}
	}
	f := url.Values{}
	f.Set("CallUUID", l.uuid)
	f.Set("From", l.from)
	f.Set("To", l.to)
	f.Set("Direction", l.direction)
	f.Set("CallStatus", status)
	f.Set("BillRate", "0.0050")
	f.Set("ParentAuthID", s.opts.AuthID)
	f.Set("SessionStart", l.began.UTC().Format("2006-01-02 15:04:05.000000"))
	if l.direction == "outbound" {
		f.Set("ALegUUID", l.uuid)
		f.Set("ALegRequestUUID", l.uuid)
		if l.dial != nil {
			f.Set("ALegRequestUUID", l.dial.uuid)
			f.Set("RequestUUID", l.dial.uuid)
			f.Set("CallerName", l.dial.callerName)
		}
	}
	setAll(f, l.headers)
	if l.state == Ended {
		f.Set("HangupCause", l.cause.Name)
		f.Set("HangupCauseName", l.cause.Name)
		f.Set("HangupCauseCode", strconv.Itoa(l.cause.Code))
		f.Set("HangupSource", l.cause.Source)
		secs := 0
		if !l.answered.IsZero() {
			secs = int(l.ending.Sub(l.answered).Seconds())
		}
		f.Set("Duration", strconv.Itoa(secs))
		f.Set("BillDuration", strconv.Itoa((secs+59)/60*60))
		f.Set("TotalCost", "0.00000")
	}
	return f
}
