package coaching_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/plivo/plivo-go/v7"

	"github.com/mpc-coaching/coaching"
	"github.com/mpc-coaching/coaching/plivotest"
)

const (
	deskPrefix   = "ccdesk"
	deskToken    = "tokenOfTheDesk"
	deskCustomer = "3e82ae9d-2c78-4d85-b1a4-6eae7dbafb36"
	deskMPC      = "c5712c9f-2e3f-48ec-afbb-075f424ddc44"
	deskCall     = coaching.CallID(deskPrefix + "3e82ae9d2c784d85b1a46eae7dbafb36")
)

// A desk is one Flow without a Run, and Plivo's requests to it made by hand.
// It has one call, which waits in its multiparty call.
type desk struct {
	t      testing.TB
	flow   *coaching.Flow
	h      http.Handler
	store  *deskStore
	public string
	nonces atomic.Int64
}

// A deskStore is a Store that can be down.
type deskStore struct {
	coaching.Store
	down atomic.Bool
}

var errDesk = errors.New("the database is down")

func (o *deskStore) Get(ctx context.Context, id coaching.CallID) (coaching.Call, error) {
	if o.down.Load() {
		return coaching.Call{}, errDesk
	}
	return o.Store.Get(ctx, id)
}

func (o *deskStore) Put(ctx context.Context, c coaching.Call) (coaching.Call, error) {
	if o.down.Load() {
		return coaching.Call{}, errDesk
	}
	return o.Store.Put(ctx, c)
}

func (o *deskStore) Live(ctx context.Context) iter.Seq2[coaching.Call, error] {
	if o.down.Load() {
		return func(yield func(coaching.Call, error) bool) { yield(coaching.Call{}, errDesk) }
	}
	return o.Store.Live(ctx)
}

func deskSDK(t testing.TB) *plivo.Client {
	t.Helper()
	sdk, err := plivo.NewClient("MAXXXXXXXXXXXXXXXXXX", deskToken, &plivo.ClientOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return sdk
}

func newDesk(t testing.TB, adjust ...func(*coaching.Config)) *desk {
	t.Helper()
	d := &desk{t: t, store: &deskStore{Store: coaching.NewMemoryStore()}, public: publicURL}
	cfg := coaching.Config{
		Plivo: deskSDK(t), PublicURL: publicURL, Prefix: deskPrefix, Route: coaching.RingOnce(agentAnn),
		Store: d.store, WaitMusic: "https://cdn.example.com/wait.mp3",
	}
	for _, f := range adjust {
		f(&cfg)
	}
	flow, err := coaching.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	d.flow, d.h, d.public = flow, flow.Handler(), strings.TrimRight(cfg.PublicURL, "/")
	d.ok(d.post("/answer", deskAnswer()))
	d.ok(d.event("MPCInitialized", "7", "customer", deskCustomer))
	return d
}

func deskAnswer() url.Values {
	return url.Values{
		"CallUUID": {deskCustomer}, "From": {caller}, "To": {hotline}, "Direction": {"inbound"}, "CallStatus": {"ringing"},
		"X-PH-Language": {"fr"},
	}
}

func deskEvent(name, member, role, leg string) url.Values {
	return url.Values{
		"EventName": {name}, "EventTimestamp": {"2026-05-01 10:00:02"}, "MPCUUID": {deskMPC}, "MPCName": {string(deskCall)},
		"MemberID": {member}, "ParticipantRole": {role}, "ParticipantCallUUID": {leg}, "ParticipantCoachMode": {"false"},
		"ParticipantCallFrom": {caller}, "ParticipantCallTo": {hotline}, "SequenceNumber": {"1"},
	}
}

func deskLeg(status string) url.Values {
	return url.Values{"CallUUID": {"ceeac2c3-2c78-4d85-b1a4-6eae7dbafb36"}, "CallStatus": {status}, "To": {ann}, "From": {hotline}}
}

func deskExit() url.Values {
	return url.Values{"MPCUUID": {deskMPC}, "MPCFriendlyName": {string(deskCall)}, "CallUUID": {deskCustomer}, "MemberID": {"7"}}
}

func deskTicket(value, leg string) url.Values {
	return url.Values{"CallUUID": {leg}, "From": {lee}, "To": {hotline}, "X-PH-Ticket": {value}}
}

const deskQuery = "?call=" + string(deskCall)

func (d *desk) nonce() string { return fmt.Sprintf("3162776159528613%04d", d.nonces.Add(1)) }

// request is a request as Plivo sends it: form is nil for GET.
func (d *desk) request(method, target string, form url.Values, nonce, token string) *http.Request {
	var body io.Reader
	if method == http.MethodPost {
		body = strings.NewReader(form.Encode())
	}
	r := httptest.NewRequest(method, "http://10.0.0.7:8080"+target, body)
	if method == http.MethodPost {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	sign(r, d.public+target, form, nonce, token)
	return r
}

// sign signs as the emulator reads Plivo's documents, not as we do.
func sign(r *http.Request, rawURL string, form url.Values, nonce, token string) {
	r.Header.Set("X-Plivo-Signature-V3-Nonce", nonce)
	r.Header.Set("X-Plivo-Signature-V3", plivotest.SignV3(token, r.Method, rawURL, form, nonce))
}

func (d *desk) serve(r *http.Request) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	d.h.ServeHTTP(w, r)
	return w
}

func (d *desk) post(target string, form url.Values) *httptest.ResponseRecorder {
	return d.serve(d.request("POST", target, form, d.nonce(), deskToken))
}

func (d *desk) event(name, member, role, leg string) *httptest.ResponseRecorder {
	return d.post("/events"+deskQuery, deskEvent(name, member, role, leg))
}

func (d *desk) ok(w *httptest.ResponseRecorder) {
	d.t.Helper()
	if w.Code != http.StatusOK {
		d.t.Fatalf("answered %d %q, want 200", w.Code, w.Body)
	}
}

// call is the desk's call as stored.
func (d *desk) call() coaching.Call {
	d.t.Helper()
	c, err := d.store.Store.Get(context.Background(), deskCall)
	if err != nil {
		d.t.Fatal(err)
	}
	return c
}

// deskPaths are what Plivo calls, each with a form that is good and methods.
func deskPaths() map[string]struct {
	target string
	form   url.Values
	allow  string
} {
	return map[string]struct {
		target string
		form   url.Values
		allow  string
	}{
		"answer":     {"/answer", deskAnswer(), "GET, POST"},
		"supervisor": {"/supervisor", deskTicket("", "aaaac2c3-2c78-4d85-b1a4-6eae7dbafb36"), "GET, POST"},
		"events":     {"/events" + deskQuery, deskEvent("ParticipantJoin", "8", "agent", "ceeac2c3-2c78-4d85-b1a4-6eae7dbafb36"), "POST"},
		"leg":        {"/leg" + deskQuery + "&step=2", deskLeg("ringing"), "POST"},
		"exit":       {"/exit" + deskQuery, deskExit(), "POST"},
		"music":      {"/music?kind=wait", url.Values{}, "GET, POST"},
		"recording": {"/recording" + deskQuery, url.Values{"EventName": {"MPCRecordingCompleted"}, "MPCUUID": {deskMPC},
			"MPCName": {string(deskCall)}}, "POST"},
	}
}

// The one request each path is for is answered 200: status callbacks with an
// empty body, the others with a document.
func TestR15HandlerAnswers(t *testing.T) {
	for name, p := range deskPaths() {
		t.Run(name, func(t *testing.T) {
			d := newDesk(t, func(c *coaching.Config) { c.Observer = deaf{} })
			w := d.post(p.target, p.form)
			d.ok(w)
			status := name == "events" || name == "leg" || name == "recording"
			if got := w.Body.String(); status != (got == "") {
				t.Errorf("%s answered %q", p.target, got)
			}
			if got := w.Header().Get("Content-Type"); !status && got != "application/xml" {
				t.Errorf("Content-Type = %q, want application/xml", got)
			}
		})
	}
}

type deaf struct{}

func (deaf) Observe(context.Context, coaching.Record) {}

func TestR15HandlerAnswersGET(t *testing.T) {
	d := newDesk(t)
	query := deskAnswer()
	query.Set("CallUUID", "4f93bf0e-2c78-4d85-b1a4-6eae7dbafb36")
	w := d.serve(d.request("GET", "/answer?"+query.Encode(), nil, d.nonce(), deskToken))
	d.ok(w)
	id := coaching.CallID(deskPrefix + "4f93bf0e2c784d85b1a46eae7dbafb36")
	if !strings.Contains(w.Body.String(), ">"+string(id)+"<") {
		t.Errorf("GET /answer = %s, want the call %s", w.Body, id)
	}
	c, err := d.flow.Call(t.Context(), id)
	if err != nil || c.From != caller || c.To != hotline || c.Headers["Language"] != "fr" {
		t.Errorf("Call = %+v, %v, want the query's values", c, err)
	}
	// A GET's body is nothing that Plivo signs, and so nothing we read.
	r := d.request("GET", "/answer?"+query.Encode(), nil, d.nonce(), deskToken)
	r.Body = io.NopCloser(strings.NewReader("From=666"))
	d.ok(d.serve(r))
}

// What a caller's phone or an IVR hands over need not be UTF-8, and documents
// hold nothing else: it is mended at the door, so that every store gives the
// same call back.
func TestR15HandedOverTextIsUTF8(t *testing.T) {
	d := newDesk(t)
	form := deskAnswer()
	form.Set("CallUUID", "4f93bf0e-2c78-4d85-b1a4-6eae7dbafb36")
	form.Set("From", "anna\xff")
	form.Set("X-PH-Na\xc3me", "caf\xe9 é")
	d.ok(d.post("/answer?ivr=\xfe%ff&m%e9nu=1", form))
	c, err := d.flow.Call(t.Context(), coaching.CallID(deskPrefix+"4f93bf0e2c784d85b1a46eae7dbafb36"))
	if err != nil {
		t.Fatal(err)
	}
	doc, err := coaching.EncodeCall(c)
	if err != nil {
		t.Fatal(err)
	}
	stored, err := coaching.DecodeCall(doc)
	if err != nil {
		t.Fatal(err)
	}
	for name, got := range map[string]coaching.Call{"MemoryStore": c, "a document": stored} {
		if got.From != "anna\uFFFD" || got.Headers["Na\uFFFDme"] != "caf\uFFFD é" || !slices.Equal(got.Query["ivr"], []string{"\uFFFD"}) || !slices.Equal(got.Query["m\uFFFDnu"], []string{"1"}) {
			t.Errorf("%s: From %q, Headers %q, Query %q", name, got.From, got.Headers, got.Query)
		}
	}
}

// What is done is done: a handler never redirects, because a redirected
// callback loses its parameters.
func TestR15NoRedirects(t *testing.T) {
	d := newDesk(t)
	srv := httptest.NewServer(d.h)
	defer srv.Close()
	client := srv.Client()
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	for _, path := range []string{
		"", "/", "//", "/events/", "//events", "/./events", "/x/../events", "/plivo/../events", "/plivo/events/", "/plivo//events", "//plivo/events",
		"/plivo/plivo/events", "/plivo", "/plivo/", "/Events", "/EVENTS", "/events.xml", "/xplivo/events", "/plivox/events", "/livo/events", "/events/events",
		"/event", "/events%2f", "/%2fevents", "/events%00", "/*", "/answer/..", "/answer/../events",
	} {
		for _, method := range []string{"GET", "POST"} {
			r, err := http.NewRequest(method, srv.URL, nil)
			if err != nil {
				t.Fatal(err)
			}
			r.URL.Opaque = "//" + r.URL.Host + path // as it stands, unclean or not
			resp, err := client.Do(r)
			if err != nil {
				t.Fatal(err)
			}
			resp.Body.Close()
			if resp.StatusCode != http.StatusNotFound || resp.Header.Get("Location") != "" {
				t.Errorf("%s %q = %d to %q, want 404", method, path, resp.StatusCode, resp.Header.Get("Location"))
			}
		}
	}
}

func TestHandlerMethods(t *testing.T) {
	d := newDesk(t)
	for name, p := range deskPaths() {
		for _, method := range []string{"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "CONNECT", "TRACE", "get", "post", "X"} {
			allowed := strings.Contains(", "+p.allow+", ", ", "+method+", ")
			w := d.serve(httptest.NewRequest(method, "/"+name, nil)) // unsigned
			switch {
			case allowed && w.Code != http.StatusForbidden:
				t.Errorf("unsigned %s /%s = %d, want 403", method, name, w.Code)
			case !allowed && (w.Code != http.StatusMethodNotAllowed || w.Header().Get("Allow") != p.allow):
				t.Errorf("%s /%s = %d, Allow %q, want 405, %q", method, name, w.Code, w.Header().Get("Allow"), p.allow)
			}
		}
	}
}

func TestHandlerRefusesBodies(t *testing.T) {
	for _, c := range []struct {
		name, contentType, body string
		want                    int
	}{
		{"too long", "application/x-www-form-urlencoded", strings.Repeat("a=b&", 17<<10), http.StatusRequestEntityTooLarge},
		{"one byte too long", "application/x-www-form-urlencoded", strings.Repeat("a", 64<<10+1), http.StatusRequestEntityTooLarge},
		{"as long as may be", "application/x-www-form-urlencoded", strings.Repeat("a", 64<<10), http.StatusForbidden},
		{"JSON", "application/json", `{"EventName":"MPCStart"}`, http.StatusUnsupportedMediaType},
		{"multipart", "multipart/form-data; boundary=x", "--x--", http.StatusUnsupportedMediaType},
		{"text", "text/plain", "EventName=MPCStart", http.StatusUnsupportedMediaType},
		{"of no type", "", "EventName=MPCStart", http.StatusUnsupportedMediaType},
		{"of a broken type", "application/x-www-form-urlencoded; charset", "EventName=MPCStart", http.StatusUnsupportedMediaType},
		{"with a charset", "application/x-www-form-urlencoded; charset=utf-8", "EventName=MPCStart", http.StatusForbidden},
		{"in capitals", "Application/X-WWW-Form-URLencoded", "EventName=MPCStart", http.StatusForbidden},
		{"broken escape", "application/x-www-form-urlencoded", "EventName=%zz", http.StatusBadRequest},
		{"cut escape", "application/x-www-form-urlencoded", "EventName=a%4", http.StatusBadRequest},
		{"semicolon", "application/x-www-form-urlencoded", "EventName=MPCStart;MPCUUID=1", http.StatusBadRequest},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := newDesk(t)
			before := d.call().Version
			r := httptest.NewRequest("POST", "/events"+deskQuery, strings.NewReader(c.body))
			r.Header.Set("Content-Type", c.contentType)
			if w := d.serve(r); w.Code != c.want {
				t.Errorf("answered %d, want %d", w.Code, c.want)
			}
			r = httptest.NewRequest("POST", "/events"+deskQuery, io.MultiReader(strings.NewReader(c.body))) // of unknown length
			r.Header.Set("Content-Type", c.contentType)
			if w := d.serve(r); w.Code != c.want {
				t.Errorf("of unknown length: answered %d, want %d", w.Code, c.want)
			}
			if got := d.call().Version; got != before {
				t.Errorf("the call changed from version %d to %d", before, got)
			}
		})
	}
}

// What is signed and makes no sense is 400.
func TestR15HandlerRefusesForms(t *testing.T) {
	leg := "ceeac2c3-2c78-4d85-b1a4-6eae7dbafb36"
	with := func(form url.Values, key string, values ...string) url.Values {
		form[key] = values
		return form
	}
	event := func() url.Values { return deskEvent("ParticipantJoin", "8", "agent", leg) }
	for _, c := range []struct {
		name, target string
		form         url.Values
		want         int
	}{
		{"no EventName", "/events" + deskQuery, with(event(), "EventName"), 400},
		{"nothing", "/events" + deskQuery, url.Values{}, 400},
		{"no MPCUUID", "/events" + deskQuery, with(event(), "MPCUUID"), 400},
		{"empty MPCUUID", "/events" + deskQuery, with(event(), "MPCUUID", ""), 400},
		{"MPCUUID no UUID", "/events" + deskQuery, with(event(), "MPCUUID", "../../Call"), 400},
		{"MemberID no number", "/events" + deskQuery, with(event(), "MemberID", "8;9"), 400},
		{"EventName twice", "/events" + deskQuery, with(event(), "EventName", "ParticipantJoin", "MPCEnd"), 400},
		{"MemberID twice", "/events" + deskQuery, with(event(), "MemberID", "8", "9"), 400},
		{"MPCUUID twice, equal", "/events" + deskQuery, with(event(), "MPCUUID", deskMPC, deskMPC), 400},
		{"what we do not read twice", "/events" + deskQuery, with(event(), "Later", "1", "2"), 200},
		{"call twice", "/events" + deskQuery + "&call=" + string(deskCall), event(), 400},
		{"call twice at /leg", "/leg" + deskQuery + "&call=x", deskLeg("ringing"), 400},
		{"call twice at /exit", "/exit" + deskQuery + "&call=x", deskExit(), 400},
		{"call twice at /recording", "/recording" + deskQuery + "&call=x", deskEvent("MPCRecordingCompleted", "", "", ""), 400},
		{"step twice", "/leg" + deskQuery + "&step=1&step=2", deskLeg("ringing"), 400},
		{"kind twice", "/music?kind=wait&kind=hold", url.Values{}, 400},
		{"no CallUUID of a leg", "/leg" + deskQuery, with(deskLeg("ringing"), "CallUUID"), 400},
		{"no CallStatus of a leg", "/leg" + deskQuery, with(deskLeg("ringing"), "CallStatus"), 400},
		{"CallStatus twice", "/leg" + deskQuery, with(deskLeg("ringing"), "CallStatus", "ringing", "busy"), 400},
		{"no MPCUUID at /exit", "/exit" + deskQuery, with(deskExit(), "MPCUUID"), 400},
		{"no CallUUID at /answer", "/answer", with(deskAnswer(), "CallUUID"), 400},
		{"CallUUID no UUID", "/answer", with(deskAnswer(), "CallUUID", "x"), 400},
		{"CallUUID of dashes", "/answer", with(deskAnswer(), "CallUUID", strings.Repeat("-", 36)), 400},
		{"CallUUID twice", "/answer", with(deskAnswer(), "CallUUID", deskCustomer, leg), 400},
		{"From twice", "/answer", with(deskAnswer(), "From", "1", "2"), 400},
		{"To twice", "/answer", with(deskAnswer(), "To", "1", "2"), 400},
		{"no CallUUID at /supervisor", "/supervisor", url.Values{"X-PH-Ticket": {"x"}}, 400},
		{"ticket twice", "/supervisor", with(deskTicket("", leg), "X-PH-Ticket", "a", "b"), 400},
		{"music of no kind", "/music?kind=war", url.Values{}, 404},
		{"music that is not configured", "/music?kind=hold", url.Values{}, 404},
		{"query malformed", "/events" + deskQuery + "&x=%zz", event(), 400},
		{"query with a semicolon", "/events" + deskQuery + ";x=1", event(), 400},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := newDesk(t, func(c *coaching.Config) { c.Observer = deaf{} })
			before := d.call().Version
			w := d.post(c.target, c.form)
			if w.Code != c.want {
				t.Errorf("answered %d, want %d", w.Code, c.want)
			}
			if strings.Contains(w.Body.String(), "coaching") {
				t.Errorf("the answer %q tells what went wrong", w.Body)
			}
			if got := d.call().Version; c.want != 200 && got != before {
				t.Errorf("the call changed from version %d to %d", before, got)
			}
		})
	}
}

// What is not ours, or not known, is taken and forgotten, or Plivo would send
// it again and again.
func TestR15TakesWhatIsNotOurs(t *testing.T) {
	d := newDesk(t)
	before := d.call().Version
	foreign := deskEvent("ParticipantJoin", "8", "agent", "ceeac2c3-2c78-4d85-b1a4-6eae7dbafb36")
	foreign.Set("MPCName", "support_42")
	for name, w := range map[string]*httptest.ResponseRecorder{
		"an unknown event":               d.post("/events"+deskQuery, deskEvent("ParticipantWhistle", "8", "agent", "")),
		"an unknown event without ids":   d.post("/events"+deskQuery, url.Values{"EventName": {"MPCTeleport"}}),
		"an event nobody needs":          d.post("/events"+deskQuery, deskEvent("ParticipantSpeakStart", "8", "agent", "")),
		"an event of a foreign call":     d.post("/events", foreign),
		"an event of a foreign id":       d.post("/events?call=otherapp3e82ae9d2c784d85", foreign),
		"an event of a malformed id":     d.post("/events?call=../../x", foreign),
		"a leg of a foreign call":        d.post("/leg?call=otherapp3e82ae9d2c784d85", deskLeg("busy")),
		"a leg of a call not in store":   d.post("/leg?call="+deskPrefix+"00000000000000000000", deskLeg("busy")),
		"a leg of no call":               d.post("/leg", deskLeg("busy")),
		"a recording that nobody awaits": d.post("/recording"+deskQuery, deskEvent("MPCRecordingCompleted", "", "", "")),
	} {
		if w.Code != http.StatusOK || w.Body.Len() != 0 {
			t.Errorf("%s: %d %q, want 200 and no body", name, w.Code, w.Body)
		}
	}
	if got := d.call().Version; got != before {
		t.Errorf("the call changed from version %d to %d", before, got)
	}
	n := 0
	for range d.store.Live(t.Context()) {
		n++
	}
	if n != 1 {
		t.Errorf("%d calls in the store, want 1", n)
	}
	// Somebody else's leaving asks us what is next, and we have nothing to say.
	w := d.post("/exit?call=otherapp3e82ae9d2c784d85", deskExit())
	if w.Code != http.StatusOK || !strings.Contains(w.Body.String(), "<Hangup") {
		t.Errorf("/exit of a foreign call = %d %s, want a document that hangs up", w.Code, w.Body)
	}
}

// A store that is down is 503 to whom can come again, and a document to whom
// waits on the phone.
func TestR15WithoutStore(t *testing.T) {
	for name, p := range deskPaths() {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				d := newDesk(t, func(c *coaching.Config) { c.Observer = deaf{} })
				d.store.down.Store(true)
				start := time.Now()
				w := d.post(p.target, p.form)
				took := time.Since(start)
				want, most := http.StatusOK, time.Second
				switch name {
				case "events", "leg", "recording":
					want, most = http.StatusServiceUnavailable, 4*time.Second
				}
				if w.Code != want || took > most {
					t.Errorf("answered %d after %v, want %d within %v", w.Code, took, want, most)
				}
				if name == "answer" && !strings.Contains(w.Body.String(), ">"+string(deskCall)+"<") {
					t.Errorf("/answer = %s, want the way into the call", w.Body)
				}
				if strings.Contains(w.Body.String(), "database") {
					t.Errorf("the answer %q tells of the store", w.Body)
				}
			})
		})
	}
}

// A store that is only slow for a moment is waited for.
func TestHandlerWaitsForStore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t)
		d.store.down.Store(true)
		time.AfterFunc(2*time.Second, func() { d.store.down.Store(false) })
		d.ok(d.event("MPCStart", "8", "agent", "ceeac2c3-2c78-4d85-b1a4-6eae7dbafb36"))
		if got := d.call().State; got != coaching.StateActive {
			t.Errorf("State = %v, want active", got)
		}
	})
}

// A repeat changes nothing and gets the first answer again.
func TestR14HandlerRepeats(t *testing.T) {
	said := 0
	d := newDesk(t, func(c *coaching.Config) {
		c.Observer = deaf{}
		c.Exit = func(context.Context, coaching.Call, coaching.ExitReason) (coaching.Document, error) {
			said++
			return coaching.NewDocument(coaching.Speak{Text: fmt.Sprint("answer ", said)})
		}
	})
	for name, p := range deskPaths() {
		nonce := d.nonce()
		first := d.serve(d.request("POST", p.target, p.form, nonce, deskToken))
		d.ok(first)
		version := d.call().Version
		again := d.serve(d.request("POST", p.target, p.form, nonce, deskToken))
		other := d.serve(d.request("POST", p.target, p.form, d.nonce(), deskToken)) // a retry may be signed anew
		for _, w := range []*httptest.ResponseRecorder{again, other} {
			if w.Code != http.StatusOK || w.Body.String() != first.Body.String() {
				t.Errorf("%s again = %d %q, want 200 %q", name, w.Code, w.Body, first.Body)
			}
		}
		if got := d.call().Version; got != version {
			t.Errorf("%s again changed the call from version %d to %d", name, version, got)
		}
	}
}

// A body that comes in drops is read to its end; one that breaks off is no
// request, and one that stalls is the server's ReadTimeout to end.
func TestHandlerSlowBodies(t *testing.T) {
	send := func(d *desk, pause time.Duration, end error) *httptest.ResponseRecorder {
		r := d.request("POST", "/events"+deskQuery, deskEvent("MPCStart", "8", "agent", ""), d.nonce(), deskToken)
		body, err := io.ReadAll(r.Body)
		if err != nil {
			d.t.Fatal(err)
		}
		pr, pw := io.Pipe()
		go func() {
			for _, b := range body[:len(body)-1] {
				time.Sleep(pause)
				if _, err := pw.Write([]byte{b}); err != nil {
					return
				}
			}
			if end == nil {
				_, _ = pw.Write(body[len(body)-1:])
			}
			pw.CloseWithError(end)
		}()
		r.Body = pr
		return d.serve(r)
	}
	t.Run("in drops", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			d := newDesk(t)
			d.ok(send(d, 10*time.Millisecond, nil))
			if got := d.call().State; got != coaching.StateActive {
				t.Errorf("State = %v, want active", got)
			}
		})
	})
	t.Run("broken off", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			d := newDesk(t)
			if w := send(d, 0, io.ErrUnexpectedEOF); w.Code != http.StatusBadRequest {
				t.Errorf("answered %d, want 400", w.Code)
			}
			if got := d.call().State; got != coaching.StateWaiting {
				t.Errorf("State = %v, want waiting", got)
			}
		})
	})
	t.Run("stalled", func(t *testing.T) {
		d := newDesk(t)
		served := make(chan struct{})
		srv := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			defer close(served)
			d.h.ServeHTTP(w, r)
		}))
		srv.Config.ReadTimeout = 50 * time.Millisecond
		srv.Start()
		defer srv.Close()
		pr, pw := io.Pipe()
		defer pw.Close()
		go func() { _, _ = io.WriteString(pw, "EventName=MPCStart") }()
		r, err := http.NewRequest("POST", srv.URL+"/events", pr)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		resp, err := srv.Client().Do(r)
		if err == nil {
			resp.Body.Close()
			if resp.StatusCode/100 != 4 {
				t.Errorf("answered %d, want 4xx", resp.StatusCode)
			}
		}
		<-served
	})
}

// The handler may stand anywhere: behind a proxy that ends TLS, at a path that
// somebody strips, or that nobody does, or in part.
func TestR13HandlerMounting(t *testing.T) {
	strip := http.StripPrefix
	mux := func(pattern string, h http.Handler) http.Handler {
		m := http.NewServeMux()
		m.Handle(pattern, h)
		return m
	}
	// A sub-router in the manner of chi: it notes how far it has routed, and
	// leaves the request's path alone.
	sub := func(prefix string, h http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			rest, ok := strings.CutPrefix(r.URL.Path, prefix)
			if !ok {
				http.NotFound(w, r)
				return
			}
			h.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), routed{}, rest)))
		})
	}
	for _, c := range []struct {
		name, base string // path of PublicURL
		app        func(http.Handler) http.Handler
		proxy      string // path in front of the app's, as the proxy strips it
	}{
		{"at the root", "", func(h http.Handler) http.Handler { return h }, ""},
		{"at the root, in a mux", "", func(h http.Handler) http.Handler { return mux("/", h) }, ""},
		{"a path, as it comes", "/plivo", func(h http.Handler) http.Handler { return h }, ""},
		{"a path with a slash at its end", "/plivo/", func(h http.Handler) http.Handler { return mux("/plivo/", h) }, ""},
		{"StripPrefix", "/plivo", func(h http.Handler) http.Handler { return mux("/plivo/", strip("/plivo", h)) }, ""},
		{"a mux without StripPrefix", "/plivo", func(h http.Handler) http.Handler { return mux("/plivo/", h) }, ""},
		{"the proxy strips all", "/voice/plivo", func(h http.Handler) http.Handler { return h }, "/voice/plivo"},
		{"the proxy strips half", "/voice/plivo", func(h http.Handler) http.Handler { return mux("/plivo/", h) }, "/voice"},
		{"the proxy strips half, the app the rest", "/voice/plivo", func(h http.Handler) http.Handler { return mux("/plivo/", strip("/plivo", h)) }, "/voice"},
		{"a sub-router", "/plivo", func(h http.Handler) http.Handler { return sub("/plivo", h) }, ""},
		{"sub-routers within sub-routers", "/a/b/c", func(h http.Handler) http.Handler { return sub("/a", sub("/a/b", h)) }, ""},
		{"a sub-router below a stripped one", "/a/b", func(h http.Handler) http.Handler { return strip("/a", sub("/b", h)) }, ""},
		{"a path with escapes", "/caf%C3%A9/a%20b", func(h http.Handler) http.Handler { return h }, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			var app atomic.Pointer[http.Handler]
			inner := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { (*app.Load()).ServeHTTP(w, r) }))
			defer inner.Close()
			to, err := url.Parse(inner.URL)
			if err != nil {
				t.Fatal(err)
			}
			front := httptest.NewTLSServer(strip(c.proxy, &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) {
				r.SetURL(to) // and the app's own Host
				r.Out.Header.Set("X-Forwarded-Host", "evil.example")
				r.Out.Header.Set("X-Forwarded-Proto", "ftp")
				r.Out.Header.Set("X-Forwarded-Prefix", "/evil")
			}}))
			defer front.Close()
			var h http.Handler
			d := &desk{t: t, public: front.URL + strings.TrimRight(c.base, "/")}
			flow, err := coaching.New(coaching.Config{Plivo: deskSDK(t), PublicURL: front.URL + c.base, Prefix: deskPrefix, Route: coaching.RingOnce(agentAnn)})
			if err != nil {
				t.Fatal(err)
			}
			h = c.app(flow.Handler())
			app.Store(&h)
			post := func(target string, form url.Values, token string) int {
				nonce := d.nonce()
				r, err := http.NewRequest("POST", d.public+target, strings.NewReader(form.Encode()))
				if err != nil {
					t.Fatal(err)
				}
				r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
				sign(r, d.public+target, form, nonce, token)
				resp, err := front.Client().Do(r)
				if err != nil {
					t.Fatal(err)
				}
				defer resp.Body.Close()
				return resp.StatusCode
			}
			if got := post("/answer?lang=fr", deskAnswer(), deskToken); got != 200 {
				t.Errorf("/answer = %d, want 200", got)
			}
			if got := post("/events"+deskQuery, deskEvent("MPCInitialized", "7", "customer", deskCustomer), deskToken); got != 200 {
				t.Errorf("/events = %d, want 200", got)
			}
			if got := post("/events"+deskQuery, deskEvent("MPCStart", "7", "customer", deskCustomer), "another"); got != 403 {
				t.Errorf("/events signed by another = %d, want 403", got)
			}
			if got := post("/nothing", url.Values{}, deskToken); got != 404 {
				t.Errorf("/nothing = %d, want 404", got)
			}
			if got, err := flow.Call(t.Context(), deskCall); err != nil || got.State != coaching.StateWaiting || got.Query["lang"][0] != "fr" {
				t.Errorf("Call = %v, %v, want it waiting, with its query", got.State, err)
			}
		})
	}
}

type routed struct{}
