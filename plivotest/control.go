package plivotest

import (
	"encoding/json"
	"net/http"
	"net/url"
	"time"
)

// The control API lets programs in any language play the people: it starts
// calls, speaks, presses keys, hangs up, and tells who hears whom. It asks for
// no credentials, so it belongs on a loopback address.
func (s *Server) serveControl(w http.ResponseWriter, r *http.Request) {
	if o := r.Header.Get("Origin"); o != "" {
		if u, err := url.Parse(o); err != nil || u.Host != r.Host {
			http.Error(w, "cross-origin requests are refused", http.StatusForbidden)
			return
		}
	}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /_/calls", s.controlDial)
	mux.HandleFunc("GET /_/calls", s.controlCalls)
	mux.HandleFunc("POST /_/calls/{uuid}/say", s.onLeg(func(l *Leg, in controlBody) string {
		if in.Text == "" {
			return "text is required"
		}
		l.Say(in.Text)
		return ""
	}))
	mux.HandleFunc("POST /_/calls/{uuid}/press", s.onLeg(func(l *Leg, in controlBody) string {
		if in.Digits == "" {
			return "digits is required"
		}
		l.Press(in.Digits)
		return ""
	}))
	mux.HandleFunc("POST /_/calls/{uuid}/hangup", s.onLeg(func(l *Leg, _ controlBody) string {
		l.Hangup()
		return ""
	}))
	s.controlPhones(mux)
	mux.HandleFunc("GET /_/mpcs", s.controlMPCs)
	mux.HandleFunc("GET /_/audio", s.controlAudio)
	mux.HandleFunc("GET /_/timeline", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		s.WriteTimeline(w)
	})
	mux.ServeHTTP(w, r)
}

// controlBody is the body of every POST; each takes the fields it needs.
type controlBody struct {
	From, To     string
	Headers      map[string]string
	Text, Digits string
	Plan         string
	BusyInCall   bool   `json:"busy_in_call"`
	AnswerURL    string `json:"answer_url"`
}

func readControl(w http.ResponseWriter, r *http.Request) (in controlBody, ok bool) {
	r.Body = http.MaxBytesReader(w, r.Body, 64<<10)
	if r.ContentLength == 0 {
		return in, true
	}
	if err := json.NewDecoder(r.Body).Decode(&in); err != nil {
		controlError(w, http.StatusBadRequest, "the body is not JSON of the right shape: "+err.Error())
		return in, false
	}
	return in, true
}

func writeJSON(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	enc.Encode(v)
}

func controlError(w http.ResponseWriter, status int, msg string) {
	writeJSON(w, status, map[string]string{"error": msg})
}

func (s *Server) controlDial(w http.ResponseWriter, r *http.Request) {
	in, ok := readControl(w, r)
	if !ok {
		return
	}
	if normal(in.From) == "" || normal(in.To) == "" {
		controlError(w, http.StatusBadRequest, "from and to are required")
		return
	}
	l := s.Dial(in.From, in.To, in.Headers)
	writeJSON(w, http.StatusCreated, map[string]string{"call_uuid": l.UUID()})
}

// onLeg serves a POST that does something with one call. f returns what is
// wrong with the request.
func (s *Server) onLeg(f func(*Leg, controlBody) string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		l := s.Leg(r.PathValue("uuid"))
		if l == nil {
			controlError(w, http.StatusNotFound, "no such call")
			return
		}
		in, ok := readControl(w, r)
		if !ok {
			return
		}
		if msg := f(l, in); msg != "" {
			controlError(w, http.StatusBadRequest, msg)
			return
		}
		w.WriteHeader(http.StatusNoContent)
	}
}

type controlLeg struct {
	CallUUID    string            `json:"call_uuid"`
	Address     string            `json:"address"`
	From        string            `json:"from"`
	To          string            `json:"to"`
	Direction   string            `json:"direction"`
	Began       time.Time         `json:"began"`
	Answered    time.Time         `json:"answered,omitzero"`
	Ended       time.Time         `json:"ended,omitzero"`
	State       State             `json:"state"`
	CallStatus  string            `json:"call_status,omitempty"`
	HangupCause *controlCause     `json:"hangup_cause,omitempty"`
	MPC         string            `json:"mpc,omitempty"`
	MemberID    string            `json:"member_id,omitempty"`
	Role        string            `json:"role,omitempty"`
	Headers     map[string]string `json:"headers,omitempty"`
	Listening   string            `json:"listening"`
	Heard       []controlHeard    `json:"heard,omitempty"`
	Said        []controlSaid     `json:"said,omitempty"`
	Sounds      []controlSound    `json:"sounds,omitempty"`
}

type controlCause struct {
	Code   int    `json:"code"`
	Name   string `json:"name"`
	Source string `json:"source"`
}

type controlHeard struct {
	At   time.Time `json:"at"`
	From string    `json:"from"`
	Text string    `json:"text"`
}

type controlSaid struct {
	At      time.Time `json:"at"`
	Text    string    `json:"text"`
	HeardBy []string  `json:"heard_by"` // addresses; the phone itself cannot know
}

type controlSound struct {
	At   time.Time  `json:"at"`
	End  *time.Time `json:"end,omitempty"`
	Kind string     `json:"kind"`
	Name string     `json:"name"`
}

// legView requires the lock.
func legView(l *Leg, ears bool) controlLeg {
	v := controlLeg{CallUUID: l.uuid, Address: l.phone.address, From: l.from, To: l.to, Direction: l.direction,
		Began: l.began, Answered: l.answered, Ended: l.ending,
		State: l.state, CallStatus: l.status, Headers: l.headers, Listening: l.listening()}
	if l.state == Ended {
		v.HangupCause = &controlCause{l.cause.Code, l.cause.Name, l.cause.Source}
	}
	if m := l.member; m != nil {
		v.MPC, v.MemberID, v.Role = m.mpc.name, m.id, m.role
	}
	if !ears {
		return v
	}
	for _, h := range l.heard {
		v.Heard = append(v.Heard, controlHeard{h.At, h.FromAddress, h.Text})
	}
	for _, h := range l.said {
		v.Said = append(v.Said, controlSaid{h.at, h.text, append([]string{}, h.ears...)})
	}
	for _, o := range l.sounds {
		c := controlSound{At: o.At, Kind: o.Kind, Name: o.Name}
		if !o.End.IsZero() {
			c.End = &o.End
		}
		v.Sounds = append(v.Sounds, c)
	}
	return v
}

func (s *Server) views(ears bool) []controlLeg {
	out := []controlLeg{}
	for _, l := range s.legs {
		out = append(out, legView(l, ears))
	}
	return out
}

func (s *Server) controlCalls(w http.ResponseWriter, _ *http.Request) {
	s.mu.Lock()
	v := s.views(false)
	s.mu.Unlock()
	writeJSON(w, http.StatusOK, map[string]any{"calls": v})
}

type controlHears struct {
	Listener string `json:"listener"`
	Speaker  string `json:"speaker"`
	// call ids of the same
	ListenerUUID string `json:"listener_uuid"`
	SpeakerUUID  string `json:"speaker_uuid"`
}

// controlAudio tells who hears whom now, and what each leg heard so far.
func (s *Server) controlAudio(w http.ResponseWriter, _ *http.Request) {
	s.mu.Lock()
	pairs := []controlHears{}
	for _, a := range s.legs {
		for _, b := range s.legs {
			if s.hears(a, b) {
				pairs = append(pairs, controlHears{a.phone.address, b.phone.address, a.uuid, b.uuid})
			}
		}
	}
	v := s.views(true)
	s.mu.Unlock()
	writeJSON(w, http.StatusOK, map[string]any{"hears": pairs, "calls": v})
}

type controlMPC struct {
	UUID             string          `json:"mpc_uuid"`
	Name             string          `json:"friendly_name"`
	Status           string          `json:"status"`
	TerminationCause string          `json:"termination_cause,omitempty"`
	Participants     []controlMember `json:"participants"`
}

type controlMember struct {
	MemberID  string `json:"member_id"`
	CallUUID  string `json:"call_uuid"`
	Address   string `json:"address"`
	Role      string `json:"role"`
	CoachMode bool   `json:"coach_mode"`
	Mute      bool   `json:"mute"`
	Hold      bool   `json:"hold"`
	In        bool   `json:"in"`
	ExitCause string `json:"exit_cause,omitempty"`
}

func (s *Server) controlMPCs(w http.ResponseWriter, _ *http.Request) {
	out := []controlMPC{}
	for _, x := range s.MPCs() {
		c := controlMPC{x.UUID, x.Name, x.Status, x.TerminationCause, []controlMember{}}
		for _, p := range x.Participants {
			c.Participants = append(c.Participants, controlMember{p.MemberID, p.CallUUID, p.Address, p.Role,
				p.CoachMode, p.Mute, p.Hold, p.In(), p.ExitCause})
		}
		out = append(out, c)
	}
	writeJSON(w, http.StatusOK, map[string]any{"mpcs": out})
}
