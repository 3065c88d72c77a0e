package plivotest

import (
	"maps"
	"net/http"
	"net/url"
	"time"
)

// Request is one REST request, as [Server.FailFunc] sees it. It is a copy.
type Request struct {
	Method string
	Path   string // as sent, without the query
	Query  url.Values
	Op     string // name of the operation, such as "AddParticipant"; "" if there is none
	MPC    string // the path's MPC, such as "uuid_…" or "name_…"; may be empty
	Target string // the path's member ids, call or request id; may be empty
	Body   map[string]any
	Nth    int // the nth request to this server, from 1
	Time   time.Time
}

// Failure is what goes wrong with one REST request. The order is: Delay, the
// effect, AfterDelay, the answer. An effect takes place although its client
// has given up meanwhile.
type Failure struct {
	// Status, if not 0, is answered in place of the true one, with Body and
	// Header. A status of 5xx hides an effect that took place unless NoEffect
	// is set; with any other status there is no effect.
	Status int
	Body   string
	Header http.Header

	Delay      time.Duration // before the effect
	AfterDelay time.Duration // between effect and answer

	CutBefore bool // the connection breaks; no effect
	CutAfter  bool // the effect, then the connection breaks
	Refused   bool // the connection is never made; over TCP the same as CutBefore

	// LateEffect lets the request take effect this much after Delay, while the
	// answer, by Status or a cut, comes without waiting for it; without either
	// it is 202.
	LateEffect time.Duration
	NoEffect   bool // answers as told, or 202, and does nothing
}

// Callback is one attempt to deliver a request to the application, as
// [Server.CallbackFunc] sees it. It is a copy.
type Callback struct {
	Kind    string // "answer", "status", "leg", "exit", "redirect", "digits", "music", "sound" or "recording"
	URL     string // without the fragment
	Method  string
	Form    url.Values
	Event   string // EventName of status and recording callbacks, CallStatus of leg callbacks
	Attempt int    // from 1
	Time    time.Time
}

// CallbackFault is what goes wrong with one delivery attempt.
type CallbackFault struct {
	Drop        bool          // it never arrives; a retry may follow, as after a failed connection
	Delay       time.Duration // it leaves this much later; others may overtake it
	Double      bool          // it arrives twice
	DoubleDelay time.Duration // the second this much after the first
}

// CallbackStats counts deliveries, all kinds together.
type CallbackStats struct {
	Sent    int // attempts that left, doubles included
	OK      int // answered 200
	Failed  int // answered otherwise, or not at all
	Retries int
	Dropped int // by a fault
	Doubled int
	GivenUp int // no attempt was answered 200
}

// CallbackStats returns the counts so far.
func (s *Server) CallbackStats() CallbackStats {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.stats
}

// RequestRecord is one REST request that reached the server.
type RequestRecord struct {
	Request
	Status int // as answered; 0 while unanswered, or if the connection broke
}

// Requests returns every REST request so far, in the order of arrival.
func (s *Server) Requests() []RequestRecord {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := make([]RequestRecord, len(s.requests))
	for i, r := range s.requests {
		out[i] = RequestRecord{Request: r.Request.clone(), Status: r.Status}
	}
	return out
}

func (r Request) clone() Request {
	r.Body = maps.Clone(r.Body)
	r.Query = cloneValues(r.Query)
	return r
}

func cloneValues(v url.Values) url.Values {
	return url.Values(http.Header(v).Clone())
}
