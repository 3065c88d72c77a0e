package coaching

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
)

// What Plivo calls. Each handler but /music verifies, parses, commits one
// change, and answers; none of them calls Plivo.

type callback struct {
	path  string
	query url.Values // of the URL
	form  url.Values // parameters: the body's, or the query's of a GET
	guard repeat
}

type route struct {
	methods []string
	serve   func(*Flow, context.Context, *callback) reply
	open    bool // served without a signature
}

// A reply is what a handler answers: an empty 200, a document, or a refusal.
type reply struct {
	status int
	doc    Document
	err    error // for the log
}

// No source says whether Plivo signs its requests for music. /music tells nothing
// but a URL of the Config and changes nothing, so it asks for no signature: if one
// were missing there, customers would wait in silence.
var plivoRoutes = map[string]route{
	"/answer":     {[]string{"GET", "POST"}, (*Flow).serveAnswer, false},
	"/supervisor": {[]string{"GET", "POST"}, (*Flow).serveSupervisor, false},
	"/events":     {[]string{"POST"}, (*Flow).serveEvent, false},
	"/leg":        {[]string{"POST"}, (*Flow).serveLeg, false},
	"/exit":       {[]string{"POST"}, (*Flow).serveExit, false},
	"/music":      {[]string{"GET", "POST"}, (*Flow).serveMusic, true},
	"/recording":  {[]string{"POST"}, (*Flow).serveRecording, false},
}

// routes returns the handler of all paths. It is no ServeMux, because that
// redirects unclean paths, and a redirected callback loses its parameters.
func (f *Flow) routes() http.Handler {
	base := ""
	if u, err := url.Parse(f.cfg.PublicURL); err == nil {
		base = strings.TrimRight(u.Path, "/")
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		// Whoever routed the request here may have stripped the path of
		// PublicURL, or its beginning, or nothing.
		end := max(strings.LastIndexByte(r.URL.Path, '/'), 0)
		path := r.URL.Path[end:]
		rt, ok := plivoRoutes[path]
		if !ok || !strings.HasSuffix(base, r.URL.Path[:end]) {
			http.NotFound(w, r)
			return
		}
		out := f.receive(w, r, path, rt)
		if out.err != nil {
			f.cfg.Logger.WarnContext(r.Context(), "callback refused", "path", path, "status", out.status, "err", out.err)
			if out.status == http.StatusForbidden || out.status == http.StatusBadRequest {
				f.count(RecordRefused, path)
			}
		}
		switch {
		case !out.doc.IsZero():
			out.doc.ServeHTTP(w, r)
		case out.status == http.StatusOK:
			w.WriteHeader(http.StatusOK)
		default:
			http.Error(w, http.StatusText(out.status), out.status)
		}
	})
}

// receive checks a request and hands it on: 405 for another method, 413 for a
// body that is too long, 415 for one that is no form, 400 for a form that
// cannot be read, 403 for a signature that does not match, unless the route
// asks for none.
func (f *Flow) receive(w http.ResponseWriter, r *http.Request, path string, rt route) reply {
	allowed := false
	for _, m := range rt.methods {
		allowed = allowed || r.Method == m
	}
	if !allowed {
		w.Header().Set("Allow", strings.Join(rt.methods, ", "))
		return reply{status: http.StatusMethodNotAllowed}
	}
	cb := &callback{path: path}
	var body string
	var err error
	var signed url.Values
	if r.Method == http.MethodPost {
		var status int
		if signed, body, status, err = readForm(w, r); err != nil {
			return reply{status: status, err: err}
		}
	}
	if cb.query, err = parseForm(r.URL.RawQuery); err != nil {
		return reply{status: http.StatusBadRequest, err: errors.New("malformed query")}
	}
	nonce := r.Header.Get("X-Plivo-Signature-V3-Nonce")
	sigs := append(r.Header.Values("X-Plivo-Signature-V3"), r.Header.Values("X-Plivo-Signature-Ma-V3")...)
	if !rt.open {
		if err := f.verify.verify(r.Method, f.cfg.PublicURL+path, r.URL.RawQuery, signed, nonce, sigs...); err != nil {
			return reply{status: http.StatusForbidden, err: err}
		}
	}
	cb.form = signed
	if r.Method == http.MethodGet {
		cb.form = cb.query
	}
	cb.guard = repeat{Nonce: digest(nonce), Body: digest(path, r.URL.RawQuery, body)}
	return rt.serve(f, r.Context(), cb)
}

// digest is short, since only what is signed is remembered by it.
func digest(parts ...string) uint64 {
	var room [2 << 10]byte // enough for most, and on the stack
	all := room[:0]
	for _, p := range parts {
		all = append(append(all, p...), 0)
	}
	sum := sha256.Sum256(all)
	return binary.BigEndian.Uint64(sum[:])
}

// one returns a field that may be given once at most.
func one(v url.Values, key string) (string, error) {
	if len(v[key]) > 1 {
		return "", invalid("%s is given more than once", key)
	}
	return v.Get(key), nil
}

// ofCall returns the id of the call that a callback is about; "" where it is
// none of ours.
func (f *Flow) ofCall(cb *callback, name CallID) (CallID, error) {
	s, err := one(cb.query, "call")
	if err != nil {
		return "", err
	}
	id := CallID(s)
	if id == "" {
		id = name
	}
	if !f.ours(id) {
		return "", nil
	}
	return id, nil
}

// settled turns the error of a commit into the answer of a status callback.
func settled(err error) reply {
	switch {
	case err == nil, errors.Is(err, errRepeat), errors.Is(err, errUnchanged), errors.Is(err, ErrNotFound):
		return reply{status: http.StatusOK}
	case errors.Is(err, ErrSignature):
		return reply{status: http.StatusForbidden, err: fmt.Errorf("a nonce is used again: %w", err)}
	}
	return reply{status: http.StatusServiceUnavailable, err: err}
}
