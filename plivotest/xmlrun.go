package plivotest

import (
	"net/url"
	"strings"
	"time"
)

// How long sounds last: nothing tells, so speech takes 60 ms a byte and a
// played file five seconds.
const (
	speakPerByte = 60 * time.Millisecond
	playLength   = 5 * time.Second
)

// program is the document a leg runs.
type program struct {
	rest     []element
	turn     int    // rises with every step, so that late timers and answers are told
	sounding string // "speak", "play" or ""
	digits   *gather
}

// gather is a GetDigits in progress.
type gather struct {
	e       element
	pressed string
}

func (p *program) stop() {
	p.rest, p.sounding, p.digits = nil, "", nil
	p.turn++
}

// Causes of a document that cannot be had or run. That they lie between 7011
// and 7034 is documented, which number means what is inferred.
var xmlCauses = map[string][2]HangupCause{
	"answer":   {{7011, "Error Reaching Answer URL", "Error"}, {7031, "Invalid Answer XML", "Error"}},
	"exit":     {{7012, "Error Reaching Action URL", "Error"}, {7032, "Invalid Action XML", "Error"}},
	"digits":   {{7012, "Error Reaching Action URL", "Error"}, {7032, "Invalid Action XML", "Error"}},
	"redirect": {{7014, "Error Reaching Redirect URL", "Error"}, {7034, "Invalid Redirect XML", "Error"}},
}

// fetchXML requests a document for a leg and runs it in place of what the leg
// ran so far.
func (s *Server) fetchXML(l *Leg, kind string, h hook, form url.Values) {
	l.run.stop()
	turn := l.run.turn
	s.deliver(&l.callbacks, kind, "", h.method, h.url, form, func(res result) {
		if l.state == Ended || l.run.turn != turn {
			return
		}
		if !res.ok() {
			s.endLeg(l, xmlCauses[kind][0])
			return
		}
		s.runXML(l, kind, res.body)
	})
}

func (s *Server) runXML(l *Leg, kind string, body []byte) {
	doc, err := parseDocument(body)
	if err == nil {
		err = checkDocument(doc, s.opts.Switches.LenientXML, s.warn)
	}
	if err != nil {
		s.warn("%s %s: XML refused: %v", short(l.uuid), l.phone.address, err)
		s.endLeg(l, xmlCauses[kind][1])
		return
	}
	l.run.rest = doc
	s.step(l)
}

// pickUp is Plivo answering an inbound call.
func (s *Server) pickUp(l *Leg) {
	if l.state == Ringing {
		l.state, l.answered = InProgress, time.Now()
		s.changed = true
		plan := l.phone.plan
		if plan.HangupAfter > 0 {
			s.timer(l, plan.HangupAfter, true, "hangup", func() { s.hangUpByPhone(l) })
		}
	}
}

// step runs the next element.
func (s *Server) step(l *Leg) {
	if l.state == Ended {
		return
	}
	l.run.turn++
	l.run.digits = nil
	s.hush(l)
	if len(l.run.rest) == 0 {
		s.endLeg(l, causeEndOfXML)
		return
	}
	e := l.run.rest[0]
	l.run.rest = l.run.rest[1:]
	if e.name == "Hangup" {
		s.hangupElement(l, e)
		return
	}
	s.pickUp(l)
	switch e.name {
	case "MultiPartyCall":
		s.enterByXML(l, e)
	case "Speak", "Play":
		s.soundFor(l, e, func() { s.step(l) })
	case "Wait":
		s.later(l, time.Duration(e.whole("length", 1))*time.Second, func() { s.step(l) })
	case "Redirect":
		method, _ := e.attr("method")
		s.fetchXML(l, "redirect", hook{e.text, strings.ToUpper(method)}, s.callForm(l, ""))
	case "GetDigits":
		s.getDigits(l, e)
	}
}

// later runs f unless the leg has moved on by then.
func (s *Server) later(l *Leg, d time.Duration, f func()) {
	turn := l.run.turn
	s.timer(l, d, true, "xml", func() {
		if l.run.turn == turn {
			f()
		}
	})
}

func (s *Server) hush(l *Leg) {
	if l.run.sounding != "" {
		s.stopSound(l, l.run.sounding)
		l.run.sounding = ""
		s.changed = true
	}
}

// soundFor lets the leg hear a Speak or Play and then goes on. loop="0" goes
// on for ever.
func (s *Server) soundFor(l *Leg, e element, next func()) {
	kind, length := "play", playLength
	name := e.text
	if e.name == "Speak" {
		kind = "speak"
		if name == "" {
			name = plainText(e)
		}
		length = time.Duration(len(name)) * speakPerByte
	}
	l.run.sounding = kind
	s.changed = true
	s.startSound(l, kind, name)
	if loops := e.whole("loop", 1); loops > 0 {
		s.later(l, time.Duration(loops)*length, next)
	}
}

// plainText is the text of SSML.
func plainText(e element) string {
	t := e.text
	for _, c := range e.children {
		t += " " + plainText(c)
	}
	return strings.TrimSpace(t)
}

func (s *Server) hangupElement(l *Leg, e element) {
	c := causeNormal
	c.Source = "Answer XML"
	if after := e.whole("schedule", 0); after > 0 {
		s.timer(l, time.Duration(after)*time.Second, true, "scheduled hangup", func() { s.endLeg(l, c) })
		s.step(l)
		return
	}
	reason, _ := e.attr("reason")
	if l.state == Ringing && reason == "busy" {
		c = HangupCause{causeBusy.Code, causeBusy.Name, c.Source}
	} else if l.state == Ringing && reason == "rejected" {
		c = HangupCause{causeRejected.Code, causeRejected.Name, c.Source}
	}
	s.endLeg(l, c)
}

// enterByXML runs a MultiPartyCall element: it joins the live MPC of that name
// or makes one. A full one is passed by.
func (s *Server) enterByXML(l *Leg, e element) {
	j, err := readJoining(e, s.opts.Switches.LenientXML, func(string, ...any) {})
	if err == nil {
		err = s.checkName(e.text)
	}
	if err != nil {
		s.warn("%s: %v", short(l.uuid), err)
		s.endLeg(l, xmlCauses["answer"][1])
		return
	}
	x := s.liveMPC(e.text)
	if x == nil {
		x = s.newMPC(e.text, j, l)
	} else if s.full(x) {
		s.warn("%s finds %q full", short(l.uuid), x.name)
		if s.opts.Switches.FullXMLHangup {
			s.endLeg(l, causeMPCEnded)
			return
		}
		s.step(l)
		return
	} else {
		s.settle(x, j)
	}
	s.join(l, x, j, false)
}

func (s *Server) getDigits(l *Leg, e element) {
	l.run.digits = &gather{e: e}
	prompts := e.children
	var next func()
	next = func() {
		s.hush(l)
		if len(prompts) == 0 {
			s.later(l, time.Duration(e.whole("timeout", 5))*time.Second, func() { s.gathered(l) })
			return
		}
		p := prompts[0]
		prompts = prompts[1:]
		if p.name == "Wait" {
			s.later(l, time.Duration(p.whole("length", 1))*time.Second, next)
			return
		}
		s.soundFor(l, p, next)
	}
	next()
}

// gathered ends a GetDigits: its action gets the digits, or without any the
// next element runs.
func (s *Server) gathered(l *Leg) {
	g := l.run.digits
	action, ok := g.e.attr("action")
	if g.pressed == "" || !ok {
		s.step(l)
		return
	}
	s.hush(l)
	method, _ := g.e.attr("method")
	form := s.callForm(l, "")
	form.Set("Digits", g.pressed)
	s.fetchXML(l, "digits", hook{action, strings.ToUpper(method)}, form)
}

// press is one or more keys on the phone.
func (s *Server) press(l *Leg, digits string) {
	for _, r := range digits {
		key := string(r)
		switch {
		case l.state != InProgress:
			return
		case s.confirming(l):
			if key != l.dial.confirmKey {
				s.endLeg(l, causeConfirmKey)
				return
			}
			s.accept(l)
		case l.member != nil:
			s.log("say", "%s %s presses %s", short(l.uuid), l.phone.address, key)
			s.memberEventWith(l.member, groupDigits, "ParticipantDigitInput", url.Values{"DigitInput": {key}})
		case l.run.digits != nil:
			s.pressInto(l, key)
		}
	}
}

func (s *Server) pressInto(l *Leg, key string) {
	g := l.run.digits
	finish, ok := g.e.attr("finishOnKey")
	if !ok {
		finish = "#"
	}
	if finish != "none" && strings.Contains(finish, key) {
		s.gathered(l)
		return
	}
	g.pressed += key
	if len(g.pressed) >= g.e.whole("numDigits", 99) {
		s.gathered(l)
		return
	}
	s.hush(l)
	l.run.turn++ // stops the prompt and restarts the time
	s.later(l, time.Duration(g.e.whole("digitTimeout", 2))*time.Second, func() { s.gathered(l) })
}
