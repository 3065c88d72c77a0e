package plivotest

import (
	"net/http"
	"strconv"
)

// controlPhones serves what the page of a phone needs: to see it, to be told
// when it changed, and to press its buttons.
func (s *Server) controlPhones(mux *http.ServeMux) {
	mux.HandleFunc("GET /_/phones/{address}", onPhone(s.controlPhone))
	mux.HandleFunc("PUT /_/phones/{address}", onPhone(s.controlPlan))
	mux.HandleFunc("GET /_/phones/stream", s.controlStream)
	mux.HandleFunc("POST /_/phones/{address}/answer", onPhone(s.pressButton(Ringing, (*Phone).Answer)))
	mux.HandleFunc("POST /_/phones/{address}/reject", onPhone(s.pressButton(Ringing, (*Phone).Reject)))
	mux.HandleFunc("POST /_/phones/{address}/hangup", onPhone(s.pressButton(InProgress, (*Phone).hangup)))
	mux.HandleFunc("PUT /_/numbers/{address}", onPhone(s.controlNumber))
}

func onPhone(f func(w http.ResponseWriter, r *http.Request, address string)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		address := normal(r.PathValue("address"))
		if !dialable(address) {
			controlError(w, http.StatusBadRequest, "the address is neither a number nor a sip: URI")
			return
		}
		f(w, r, address)
	}
}

// controlPhoneView is a phone as its page shows it.
type controlPhoneView struct {
	Address    string            `json:"address"`
	Plan       string            `json:"plan"` // as ParsePhone reads it
	BusyInCall bool              `json:"busy_in_call"`
	Calls      []controlPhoneLeg `json:"calls"` // newest last
}

type controlPhoneLeg struct {
	controlLeg
	Hears []string `json:"hears,omitempty"` // addresses heard at this instant
}

// phoneView returns a phone with its last calls; 0: with all. Looking at one
// that does not exist makes none.
func (s *Server) phoneView(address string, last int) controlPhoneView {
	s.mu.Lock()
	defer s.mu.Unlock()
	v := controlPhoneView{Address: address, Plan: Unregistered.String(), Calls: []controlPhoneLeg{}}
	if !isSIP(address) {
		v.Plan = NoAnswer.String()
	}
	p := s.phones[address]
	if p == nil {
		return v
	}
	v.Plan, v.BusyInCall = p.plan.Action.String(), p.plan.BusyInCall
	if p.plan.After > 0 {
		v.Plan += ":" + p.plan.After.String()
	}
	legs := p.legs
	if last > 0 && len(legs) > last {
		legs = legs[len(legs)-last:]
	}
	for _, l := range legs {
		c := controlPhoneLeg{controlLeg: legView(l, true)}
		if l.member != nil {
			for _, m := range l.member.mpc.inside() {
				if s.hears(l, m.leg) {
					c.Hears = append(c.Hears, m.leg.phone.address)
				}
			}
		}
		v.Calls = append(v.Calls, c)
	}
	return v
}

// lastCalls reads ?calls=, how many calls of a phone to show.
func lastCalls(w http.ResponseWriter, r *http.Request) (n int, ok bool) {
	text := r.URL.Query().Get("calls")
	if text == "" {
		return 0, true
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 {
		controlError(w, http.StatusBadRequest, "calls is a number from 1 on")
		return 0, false
	}
	return n, true
}

func (s *Server) controlPhone(w http.ResponseWriter, r *http.Request, address string) {
	if n, ok := lastCalls(w, r); ok {
		writeJSON(w, http.StatusOK, s.phoneView(address, n))
	}
}

// controlPlan says what a phone does from the next call on.
func (s *Server) controlPlan(w http.ResponseWriter, r *http.Request, address string) {
	in, ok := readControl(w, r)
	if !ok {
		return
	}
	_, plan, err := ParsePhone(address + "=" + in.Plan)
	if err != nil {
		controlError(w, http.StatusBadRequest, err.Error())
		return
	}
	plan.BusyInCall = in.BusyInCall
	s.do(func() { s.phone(address).setPlan(plan) })
	w.WriteHeader(http.StatusNoContent)
}

// controlNumber rents a number, or gives an endpoint an application.
func (s *Server) controlNumber(w http.ResponseWriter, r *http.Request, address string) {
	in, ok := readControl(w, r)
	if !ok {
		return
	}
	if base, _ := cutFragment(in.AnswerURL); !isWebURL(base) {
		controlError(w, http.StatusBadRequest, "answer_url is no absolute http URL")
		return
	}
	s.Number(address, in.AnswerURL)
	w.WriteHeader(http.StatusNoContent)
}

// pressButton serves a POST that needs a call in a state. It answers with the
// call that it was done to.
func (s *Server) pressButton(state State, press func(*Phone) *Leg) func(http.ResponseWriter, *http.Request, string) {
	return func(w http.ResponseWriter, _ *http.Request, address string) {
		s.mu.Lock()
		p := s.phones[address]
		s.mu.Unlock()
		var l *Leg
		if p != nil {
			l = press(p)
		}
		if l == nil {
			controlError(w, http.StatusConflict, "this phone has no call that is "+string(state))
			return
		}
		writeJSON(w, http.StatusOK, map[string]string{"call_uuid": l.UUID()})
	}
}

// hangup ends the newest call that the phone is in or makes, and returns it;
// nil if there is none. What rings is refused by Reject.
func (p *Phone) hangup() (found *Leg) {
	p.s.do(func() {
		for _, l := range p.legs {
			if l.state == InProgress || l.state == Ringing && l.direction == "inbound" {
				found = l
			}
		}
		if found != nil {
			p.s.hangUpByPhone(found)
		}
	})
	return found
}
