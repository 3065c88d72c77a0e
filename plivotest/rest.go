package plivotest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// rateLimit requests are answered in rateWindow per account; documented.
const (
	rateLimit  = 300
	rateWindow = 5 * time.Second
)

// apiCall is one REST request on its way through the server.
type apiCall struct {
	Request
	op       *operation
	user     string
	pass     string
	hasAuth  bool
	badBody  bool
	account  string
	member   string // member id, list or all
	record   *RequestRecord
	answered chan reply // buffered
	key      string
}

// reply is what is answered.
type reply struct {
	status      int
	body        any // marshalled, unless raw is set
	raw         string
	contentType string
	header      http.Header
	cut         bool
	refused     bool
}

// ServeHTTP serves Plivo's REST API under /v1/Account/, and a control API for
// programs that are not in Go under /_/. Statuses are Plivo's; what is not
// modelled is 501. Every request waits a drawn time below a millisecond
// before its effect and before its answer.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if strings.HasPrefix(r.URL.Path, "/_/") {
		s.serveControl(w, r)
		return
	}
	c, err := s.readCall(r)
	if err != nil {
		http.Error(w, "bad request", http.StatusBadRequest)
		return
	}
	s.mu.Lock()
	s.schedule(0, c.key, false, func() { s.arrive(c) })
	s.mu.Unlock()
	select {
	case rep := <-c.answered:
		rep.write(w)
	case <-r.Context().Done():
	case <-s.ctx.Done():
		panic(http.ErrAbortHandler)
	}
}

func (s *Server) readCall(r *http.Request) (*apiCall, error) {
	data, err := io.ReadAll(io.LimitReader(r.Body, 1<<20))
	if err != nil {
		return nil, err
	}
	c := &apiCall{answered: make(chan reply, 1)}
	c.Method, c.Path, c.Query = r.Method, r.URL.EscapedPath(), r.URL.Query()
	c.user, c.pass, c.hasAuth = r.BasicAuth()
	if len(bytes.TrimSpace(data)) > 0 {
		dec := json.NewDecoder(bytes.NewReader(data))
		dec.UseNumber()
		if err := dec.Decode(&c.Body); err != nil {
			c.badBody = true
		}
	}
	canonical, _ := json.Marshal(c.Body)
	c.key = "request " + c.Method + " " + c.Path + " " + c.Query.Encode() + " " + string(canonical)
	s.route(c)
	return c, nil
}

// route finds the operation, if there is one.
func (s *Server) route(c *apiCall) {
	parts := strings.Split(strings.TrimPrefix(c.Path, "/"), "/")
	for len(parts) > 0 && parts[len(parts)-1] == "" {
		parts = parts[:len(parts)-1]
	}
	for i, p := range parts {
		if u, err := url.PathUnescape(p); err == nil {
			parts[i] = u
		}
	}
	if len(parts) < 3 || parts[0] != "v1" || parts[1] != "Account" {
		return
	}
	c.account = parts[2]
	allowed := false
	for i := range s.operations {
		o := &s.operations[i]
		vars, ok := o.match(parts[3:])
		if !ok {
			continue
		}
		allowed = true
		if o.method == c.Method {
			c.op, c.Op = o, o.name
			c.MPC, c.member = vars["mpc"], vars["member"]
			c.Target = vars["member"] + vars["call"] + vars["request"]
			return
		}
	}
	if allowed {
		c.op = &operation{run: methodNotAllowed}
	}
}

// operation is one REST endpoint.
type operation struct {
	name, method string
	path         []string // "{x}" is a variable
	run          func(*Server, *apiCall) reply
}

func (o *operation) match(parts []string) (map[string]string, bool) {
	if len(parts) != len(o.path) {
		return nil, false
	}
	vars := map[string]string{}
	for i, p := range o.path {
		if strings.HasPrefix(p, "{") {
			vars[p[1:len(p)-1]] = parts[i]
		} else if p != parts[i] {
			return nil, false
		}
	}
	return vars, true
}

func op(name, method, path string, run func(*Server, *apiCall) reply) operation {
	return operation{name: name, method: method, path: strings.Split(path, "/"), run: run}
}

func methodNotAllowed(s *Server, c *apiCall) reply {
	return s.fail(http.StatusMethodNotAllowed, "method %s not allowed", c.Method)
}

// arrive is the moment a request reaches Plivo. Without the lock.
func (s *Server) arrive(c *apiCall) {
	var choose func(Request) *Failure
	s.do(func() {
		s.nrequests++
		c.Nth, c.Time = s.nrequests, time.Now()
		c.record = &RequestRecord{Request: c.Request}
		s.requests = append(s.requests, c.record)
		choose = s.failure
	})
	var f Failure
	if choose != nil {
		if chosen := choose(c.Request.clone()); chosen != nil {
			f = *chosen
		}
	}
	s.do(func() { s.begin(c, f) })
}

// begin lets a request go its way through its fault.
func (s *Server) begin(c *apiCall, f Failure) {
	cut := f.CutBefore || f.CutAfter || f.Refused
	canned := reply{status: f.Status, raw: f.Body, header: f.Header, cut: f.CutBefore || f.CutAfter, refused: f.Refused}
	if canned.status == 0 {
		canned.status = http.StatusAccepted
		if canned.raw == "" && !cut {
			canned.body = map[string]any{"api_id": s.newUUID(idAPI), "message": "async api spawned"}
		}
	}
	noEffect := f.NoEffect || f.CutBefore || f.Refused || f.Status != 0 && f.Status < 500
	switch {
	case f.LateEffect > 0:
		s.after(f.Delay+f.LateEffect, "late "+c.key, func() { s.perform(c, " late") })
		s.after(f.Delay+f.AfterDelay, "answer "+c.key, func() { s.answerCall(c, canned) })
	case noEffect:
		s.after(f.Delay+f.AfterDelay, "answer "+c.key, func() {
			s.log("request", "%s without effect", c.line())
			s.answerCall(c, canned)
		})
	default:
		effect := func() {
			rep := s.perform(c, "")
			if f.Status != 0 || cut {
				rep = canned
			}
			s.after(f.AfterDelay, "answer "+c.key, func() { s.answerCall(c, rep) })
		}
		if f.Delay <= 0 {
			effect()
			return
		}
		s.after(f.Delay, "effect "+c.key, effect)
	}
}

// perform lets the request take effect.
func (s *Server) perform(c *apiCall, note string) reply {
	var body []byte
	if c.Body != nil {
		body, _ = json.Marshal(c.Body)
	}
	end := s.open("request", "%s%s %s", c.line(), note, body)
	rep := s.admit(c)
	if rep.status == 0 {
		rep = c.op.run(s, c)
	}
	end(" -> %d", rep.status)
	return rep
}

// line is the request in the timeline, without the account.
func (c *apiCall) line() string {
	line := c.Method + " " + strings.TrimPrefix(c.Path, "/v1/Account/"+c.account+"/")
	if len(c.Query) > 0 {
		line += "?" + c.Query.Encode()
	}
	return line
}

// admit refuses what does not get as far as its operation; else its status is 0.
func (s *Server) admit(c *apiCall) reply {
	now := time.Now()
	s.arrivals = slices.DeleteFunc(s.arrivals, func(t time.Time) bool { return now.Sub(t) >= rateWindow })
	switch {
	case !c.hasAuth || c.user != s.opts.AuthID || c.pass != s.opts.AuthToken:
		return reply{status: http.StatusUnauthorized, raw: "Could not verify your access level for that URL.\nYou have to login with proper credentials",
			contentType: "text/plain; charset=utf-8", header: http.Header{"Www-Authenticate": {`Basic realm="Login Required"`}}}
	case len(s.arrivals) >= rateLimit:
		wait := rateWindow - now.Sub(s.arrivals[0])
		rep := s.fail(http.StatusTooManyRequests, "rate limit exceeded")
		rep.header = http.Header{"Retry-After": {strconv.Itoa(int((wait + time.Second - 1) / time.Second))}}
		return rep
	}
	s.arrivals = append(s.arrivals, now)
	switch {
	case c.account == "":
		return s.fail(http.StatusNotFound, "not found")
	case c.account != s.opts.AuthID:
		return s.fail(http.StatusForbidden, "account %s is not yours", clip(c.account))
	case c.op == nil:
		return s.fail(http.StatusNotImplemented, "not modelled by this emulator")
	case c.badBody:
		return s.fail(http.StatusBadRequest, "the body is not a JSON object")
	}
	if _, ok := c.Body["callback_url"]; ok && c.Op != "Speak" {
		return s.fail(http.StatusNotImplemented, "callback_url (asynchronous requests) is not modelled by this emulator")
	}
	return reply{}
}

// answerCall sends the answer.
func (s *Server) answerCall(c *apiCall, rep reply) {
	if !rep.cut && !rep.refused {
		c.record.Status = rep.status
	} else {
		s.log("request", "%s answered by a broken connection", c.line())
	}
	c.answered <- rep
}

func (rep reply) write(w http.ResponseWriter) {
	if rep.refused {
		if _, ok := w.(*recorder); ok {
			panic(refused{})
		}
		panic(http.ErrAbortHandler)
	}
	if rep.cut {
		panic(http.ErrAbortHandler)
	}
	for k, v := range rep.header {
		w.Header()[http.CanonicalHeaderKey(k)] = slices.Clone(v)
	}
	body := []byte(rep.raw)
	if rep.raw == "" && rep.body != nil {
		body, _ = json.Marshal(rep.body)
	}
	if rep.contentType == "" {
		rep.contentType = "application/json"
	}
	if len(body) > 0 && w.Header().Get("Content-Type") == "" {
		w.Header().Set("Content-Type", rep.contentType)
	}
	w.WriteHeader(rep.status)
	if len(body) > 0 {
		w.Write(body)
	}
}

// fail is an error in Plivo's shape.
func (s *Server) fail(status int, format string, args ...any) reply {
	if status == http.StatusNotFound && s.opts.Switches.NotFoundBraces {
		return reply{status: status, raw: "{}"}
	}
	return reply{status: status, body: map[string]any{"api_id": s.newUUID(idAPI), "error": fmt.Sprintf(format, args...)}}
}

// good is an answer with an api_id.
func (s *Server) good(status int, fields map[string]any) reply {
	fields["api_id"] = s.newUUID(idAPI)
	return reply{status: status, body: fields}
}

var noContent = reply{status: http.StatusNoContent}
