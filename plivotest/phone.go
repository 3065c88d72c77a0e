package plivotest

import (
	"fmt"
	"time"
)

// Action is what a phone does when it rings.
type Action uint8

const (
	Answer       Action = iota // answers after PhonePlan.After
	NoAnswer                   // rings until the caller or, where After is set, the network gives up
	Busy                       // is busy
	Reject                     // is refused by its owner
	Unregistered               // cannot be reached
	Manual                     // rings until Phone.Answer or Phone.Reject
)

var actionNames = [...]string{Answer: "answer", NoAnswer: "noanswer", Busy: "busy", Reject: "reject", Unregistered: "unregistered", Manual: "manual"}

// String returns the name that [ParsePhone] reads.
func (a Action) String() string {
	if int(a) < len(actionNames) {
		return actionNames[a]
	}
	return fmt.Sprintf("Action(%d)", uint8(a))
}

// PhonePlan is what a phone does with every call to it.
type PhonePlan struct {
	Action      Action
	After       time.Duration // ringing before the action; 0: 1 s for Answer, else at once
	PressKey    string        // pressed half a second after answering
	HangupAfter time.Duration // after answering; 0: never hangs up by itself
	BusyInCall  bool          // busy while it has another live or ringing call
}

// A Phone is a number or SIP endpoint outside Plivo.
type Phone struct {
	s       *Server
	address string
	plan    PhonePlan
	legs    []*Leg
}

// Phone returns the phone at address, a number or a sip: URI, and gives it the
// plan p; nil leaves the plan as it is. A new phone answers after a second.
// Dialling a SIP address that has no phone fails as unregistered, dialling a
// number that has none rings out.
func (s *Server) Phone(address string, p *PhonePlan) *Phone {
	address = normal(address)
	if address == "" {
		panic("plivotest: Phone without an address")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	ph := s.phone(address)
	if p != nil {
		ph.setPlan(*p)
	}
	return ph
}

// phone returns the phone at a normal address, made if need be.
func (s *Server) phone(address string) *Phone {
	ph := s.phones[address]
	if ph == nil {
		ph = &Phone{s: s, address: address}
		s.phones[address] = ph
	}
	return ph
}

func (p *Phone) setPlan(plan PhonePlan) {
	if int(plan.Action) >= len(actionNames) || plan.After < 0 || plan.HangupAfter < 0 {
		panic(fmt.Sprintf("plivotest: bad plan %+v", plan))
	}
	p.plan = plan
}

// Address returns the phone's address, a number without "+".
func (p *Phone) Address() string { return p.address }

// Plan changes what the phone does from the next call on.
func (p *Phone) Plan(plan PhonePlan) {
	p.s.mu.Lock()
	defer p.s.mu.Unlock()
	p.setPlan(plan)
}

// Calls returns every leg this phone ever had, newest last: calls to it and
// calls from it.
func (p *Phone) Calls() []*Leg {
	p.s.mu.Lock()
	defer p.s.mu.Unlock()
	return append([]*Leg(nil), p.legs...)
}

// Last returns the newest leg, or nil.
func (p *Phone) Last() *Leg {
	p.s.mu.Lock()
	defer p.s.mu.Unlock()
	if len(p.legs) == 0 {
		return nil
	}
	return p.legs[len(p.legs)-1]
}

// Answer answers the call that has rung longest, whatever the plan, and
// returns it; nil if none rings.
func (p *Phone) Answer() *Leg {
	return p.onRinging(func(l *Leg) { p.s.answer(l) })
}

// Reject refuses the call that has rung longest and returns it; nil if none
// rings.
func (p *Phone) Reject() *Leg {
	return p.onRinging(func(l *Leg) { p.s.endLeg(l, causeRejected) })
}

func (p *Phone) onRinging(f func(*Leg)) (found *Leg) {
	p.s.do(func() {
		for _, l := range p.legs {
			if l.state == Ringing && l.dial != nil {
				found = l
				f(l)
				return
			}
		}
	})
	return found
}

// inCall says whether the phone has a live or ringing leg besides l.
func (p *Phone) inCall(l *Leg) bool {
	for _, o := range p.legs {
		if o != l && (o.state == Ringing || o.state == InProgress) {
			return true
		}
	}
	return false
}
