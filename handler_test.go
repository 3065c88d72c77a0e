package coaching_test

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/mpc-coaching/coaching"
)

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
			refused := http.StatusForbidden
			if name == "music" { // which asks for no signature, but for a kind
				refused = http.StatusNotFound
			}
			switch {
			case allowed && w.Code != refused:
				t.Errorf("unsigned %s /%s = %d, want %d", method, name, w.Code, refused)
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
		{"CallUUID without dashes", "/answer", with(deskAnswer(), "CallUUID", strings.Repeat("a", 36)), 400}, // no id of ours comes of it
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
