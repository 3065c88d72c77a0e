package coaching_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/plivo/plivo-go/v7"
	plivoxml "github.com/plivo/plivo-go/v7/xml"

	"github.com/mpc-coaching/coaching"
)

// Benchmarks of what Plivo waits for, beside the plain way: a handler that
// checks the signature with plivo-go, keeps its state in a map, and answers
// with plivo-go's XML. The plain way knows no repeats, no order and no crash.

const (
	benchCalls  = 256 // of one batch, each in a fresh state
	benchBase   = "https://voice.example.com/plivo"
	benchPrefix = "cc1a2b3c4d"
)

// A benchSide is one way to serve callbacks, with no call in it.
type benchSide struct {
	name string
	open func(testing.TB) http.Handler
}

func benchSides() []benchSide {
	return []benchSide{
		{"coaching", func(t testing.TB) http.Handler {
			flow, err := coaching.New(coaching.Config{
				Plivo: benchSDK(t), PublicURL: benchBase, Prefix: benchPrefix, Route: coaching.RingOnce(agentAnn),
			})
			if err != nil {
				t.Fatal(err)
			}
			return flow.Handler()
		}},
		{"plain", func(testing.TB) http.Handler { return newPlainApp() }},
	}
}

func benchSDK(t testing.TB) *plivo.Client {
	t.Helper()
	sdk, err := plivo.NewClient("MAXXXXXXXXXXXXXXXXXX", sdkToken, &plivo.ClientOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return sdk
}

// A plainApp is the plain way.
type plainApp struct {
	mux *http.ServeMux

	mu    sync.Mutex
	calls map[string]*plainCall
}

type plainCall struct {
	from, to, status string
	members          map[string]plainMember
}

type plainMember struct{ role, callUUID, address, status string }

func newPlainApp() http.Handler {
	p := &plainApp{mux: http.NewServeMux(), calls: map[string]*plainCall{}}
	p.mux.HandleFunc("POST /answer", p.answer)
	p.mux.HandleFunc("POST /events", p.events)
	return p.mux
}

// checked reads the form and checks the signature over it.
func (p *plainApp) checked(w http.ResponseWriter, r *http.Request) map[string]string {
	if err := r.ParseForm(); err != nil {
		w.WriteHeader(http.StatusBadRequest)
		return nil
	}
	form := make(map[string]string, len(r.PostForm))
	for k := range r.PostForm {
		form[k] = r.PostForm.Get(k)
	}
	if !plivo.ValidateSignatureV3(benchBase+r.URL.RequestURI(), r.Header.Get("X-Plivo-Signature-V3-Nonce"), r.Method,
		r.Header.Get("X-Plivo-Signature-V3"), sdkToken, form) {
		w.WriteHeader(http.StatusForbidden)
		return nil
	}
	return form
}

func (p *plainApp) answer(w http.ResponseWriter, r *http.Request) {
	form := p.checked(w, r)
	if form == nil {
		return
	}
	id := benchPrefix + strings.ReplaceAll(form["CallUUID"], "-", "")
	p.mu.Lock()
	p.calls[id] = &plainCall{from: form["From"], to: form["To"], status: "answered", members: map[string]plainMember{}}
	p.mu.Unlock()
	w.Header().Set("Content-Type", "application/xml")
	_, _ = io.WriteString(w, plivoxml.ResponseElement{Contents: []any{
		plivoxml.MultiPartyCallElement{
			Contents: []any{id}, Role: new("customer"), MaxDuration: new(int64(28800)), MaxParticipants: new(int64(10)),
			StatusCallbackUrl: new(benchBase + "/events?call=" + id), StatusCallbackMethod: new("POST"),
			StayAlone: new(true), Record: new(false), EnterSound: new("none"), ExitSound: new("none"),
			Mute: new(false), Hold: new(false), RelayDtmfInputs: new(false), StartMpcOnEnter: new(false), EndMpcOnExit: new(true),
			OnExitActionUrl: new(benchBase + "/exit?call=" + id), OnExitActionMethod: new("POST"),
		},
		plivoxml.SpeakElement{Contents: []any{"Thank you for calling. Goodbye."}},
		plivoxml.HangupElement{},
	}}.String())
}

func (p *plainApp) events(w http.ResponseWriter, r *http.Request) {
	form := p.checked(w, r)
	if form == nil {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	c := p.calls[form["MPCName"]]
	if c == nil {
		w.WriteHeader(http.StatusNotFound)
		return
	}
	switch form["EventName"] {
	case "MPCInitialized", "MPCStart", "MPCEnd":
		c.status = form["EventName"]
	case "ParticipantJoin":
		c.members[form["MemberID"]] = plainMember{form["ParticipantRole"], form["ParticipantCallUUID"], form["MemberAddress"], "in"}
	case "ParticipantExit":
		m := c.members[form["MemberID"]]
		m.status = "out"
		c.members[form["MemberID"]] = m
	}
	w.WriteHeader(http.StatusOK)
}

// A benchRun is a batch of requests: what brings a fresh side into the state
// that is looked at, and the requests that are timed.
type benchRun struct {
	before, timed []*http.Request
	out           []benchWriter
}

// benchWriter is a ResponseWriter that costs nothing.
type benchWriter struct {
	header http.Header
	status int
	size   int
}

func (w *benchWriter) Header() http.Header { return w.header }
func (w *benchWriter) WriteHeader(s int)   { w.status = s }
func (w *benchWriter) Write(b []byte) (int, error) {
	w.size += len(b)
	return len(b), nil
}

// WriteString keeps io.WriteString from copying.
func (w *benchWriter) WriteString(s string) (int, error) {
	w.size += len(s)
	return len(s), nil
}

func (r *benchRun) time(t testing.TB, h http.Handler) time.Duration {
	start := time.Now()
	for i, req := range r.timed {
		h.ServeHTTP(&r.out[i], req)
	}
	took := time.Since(start)
	for i := range r.out {
		if s := r.out[i].status; s != http.StatusOK && (s != 0 || r.out[i].size == 0) {
			t.Fatalf("%s %s answered %d", r.timed[i].Method, r.timed[i].URL, s)
		}
	}
	return took
}

// benchSigned is a POST as Plivo sends it.
func benchSigned(target, nonce string, form url.Values) *http.Request {
	r := httptest.NewRequest("POST", target, strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("X-Plivo-Signature-V3-Nonce", nonce)
	r.Header.Set("X-Plivo-Signature-V3", coaching.SignV3("POST", benchBase+target, form, nonce, sdkToken))
	return r
}

func benchAnswer(i int) *http.Request {
	return benchSigned("/answer", fmt.Sprintf("316277615952861%05d", i), url.Values{
		"CallUUID": {benchUUID(0xa, i)}, "From": {"14155550123"}, "To": {"14155550100"}, "Direction": {"inbound"}, "CallStatus": {"ringing"},
		"ALegUUID": {benchUUID(0xa, i)}, "ALegRequestUUID": {benchUUID(0xb, i)}, "RequestUUID": {benchUUID(0xb, i)},
		"Event": {"StartApp"}, "BillRate": {"0.0085"}, "SessionStart": {"2026-05-01 10:00:02.123456"}, "STIRVerification": {"Not Applicable"},
	})
}

func benchUUID(kind, i int) string { return fmt.Sprintf("%08x-2c78-4d85-b1a4-6eae7dba%04x", i, kind) }

// benchEvent is a status callback with every documented field.
func benchEvent(i, n int, name, member, role string, kind int, address string) *http.Request {
	id := benchPrefix + strings.ReplaceAll(benchUUID(0xa, i), "-", "")
	return benchSigned("/events?call="+id, fmt.Sprintf("5279523581%05d%05d", n, i), url.Values{
		"EventName": {name}, "EventTimestamp": {"2026-05-01 10:00:02"}, "MPCUUID": {benchUUID(0xc, i)}, "MPCName": {id},
		"MemberID": {member}, "ParticipantRole": {role}, "ParticipantCallUUID": {benchUUID(kind, i)}, "ParticipantCoachMode": {"false"},
		"ParticipantCallFrom": {"14155550123"}, "ParticipantCallTo": {address}, "ParticipantCallDirection": {"inbound"},
		"MemberAddress": {address}, "SequenceNumber": {fmt.Sprint(n)}, "MPCTerminationCause": {""}, "DigitInput": {""},
		"MPCDuration": {""}, "MPCBilledDuration": {""}, "MPCBilledAmount": {""}, "MPCTerminationCauseCode": {""},
	})
}

// benchLoads are the callbacks that are compared: each call's first request,
// an agent joining a call that waits for one, and mute on and off in calls
// that have seen a lot already.
var benchLoads = []struct {
	name string
	make func() *benchRun
}{
	{"Answer", func() *benchRun {
		run := &benchRun{}
		for i := range benchCalls {
			run.timed = append(run.timed, benchAnswer(i))
		}
		return run
	}},
	{"Event", func() *benchRun {
		run := &benchRun{}
		for i := range benchCalls {
			run.before = append(run.before, benchAnswer(i),
				benchEvent(i, 1, "MPCInitialized", "7", "customer", 0xa, "14155550123"),
				benchEvent(i, 2, "ParticipantJoin", "7", "customer", 0xa, "14155550123"),
				benchEvent(i, 3, "MPCStart", "8", "agent", 0xd, "sip:ann@phone.plivo.com"))
			run.timed = append(run.timed,
				benchEvent(i, 4, "ParticipantJoin", "8", "agent", 0xd, "sip:ann@phone.plivo.com"))
		}
		return run
	}},
	{"LongCall", func() *benchRun {
		run := &benchRun{}
		const calls, each = 4, benchCalls / 4
		for i := range calls {
			run.before = append(run.before, benchAnswer(i),
				benchEvent(i, 1, "MPCInitialized", "7", "customer", 0xa, "14155550123"),
				benchEvent(i, 2, "ParticipantJoin", "7", "customer", 0xa, "14155550123"),
				benchEvent(i, 3, "MPCStart", "8", "agent", 0xd, "sip:ann@phone.plivo.com"),
				benchEvent(i, 4, "ParticipantJoin", "8", "agent", 0xd, "sip:ann@phone.plivo.com"),
				benchEvent(i, 5, "ParticipantJoin", "9", "supervisor", 0xe, "sip:lee@phone.plivo.com"))
			for n := range 2 * each {
				name := [...]string{"ParticipantMute", "ParticipantUnmute"}[n%2]
				ev := benchEvent(i, 6+n, name, "8", "agent", 0xd, "sip:ann@phone.plivo.com")
				if n < each {
					run.before = append(run.before, ev)
				} else {
					run.timed = append(run.timed, ev)
				}
			}
		}
		return run
	}},
}

// benchReady returns a side in the state before a batch.
func benchReady(t testing.TB, side benchSide, load func() *benchRun) (http.Handler, *benchRun) {
	h, run := side.open(t), load()
	for _, r := range run.before {
		w := benchWriter{header: http.Header{}}
		if h.ServeHTTP(&w, r); w.status != http.StatusOK && w.status != 0 {
			t.Fatalf("%s: %s answered %d", side.name, r.URL, w.status)
		}
	}
	run.out = make([]benchWriter, len(run.timed))
	for i := range run.out {
		run.out[i].header = http.Header{}
	}
	return h, run
}

func BenchmarkAnswer(b *testing.B) { benchLoad(b, 0) }

func BenchmarkEvent(b *testing.B) { benchLoad(b, 1) }

func BenchmarkLongCall(b *testing.B) { benchLoad(b, 2) }

func benchLoad(b *testing.B, load int) {
	for _, side := range benchSides() {
		b.Run(side.name, func(b *testing.B) {
			b.ReportAllocs()
			var h http.Handler
			var run *benchRun
			for i := 0; b.Loop(); i++ {
				if i%benchCalls == 0 {
					b.StopTimer()
					h, run = benchReady(b, side, benchLoads[load].make)
					b.StartTimer()
				}
				h.ServeHTTP(&run.out[i%benchCalls], run.timed[i%benchCalls])
			}
		})
	}
}

// TestFasterThanPlain holds ours to its limits. It is asked for by
// COACHING_REQUIRE, since a busy machine can make any comparison fail.
func TestFasterThanPlain(t *testing.T) {
	if !strings.Contains(os.Getenv("COACHING_REQUIRE"), "bench") {
		t.Skip(`set COACHING_REQUIRE=bench to compare with the plain way`)
	}
	sides := benchSides()
	served := func(load int, side benchSide) func() time.Duration {
		return func() time.Duration {
			h, run := benchReady(t, side, benchLoads[load].make)
			return run.time(t, h) / benchCalls
		}
	}
	rawURL, form, flat := benchRequest()
	const nonce = "31627761595286130198"
	sig := coaching.SignV3("POST", rawURL, form, nonce, sdkToken)
	repeat := func(f func() bool) func() time.Duration {
		return func() time.Duration {
			start := time.Now()
			for range benchCalls {
				if !f() {
					t.Fatal("a benchmark's work failed")
				}
			}
			return time.Since(start) / benchCalls
		}
	}
	for _, c := range []struct {
		name        string
		factor      float64 // how many times faster ours must be
		ours, plain func() time.Duration
	}{
		{"answer", 1, served(0, sides[0]), served(0, sides[1])},
		{"event", 1, served(1, sides[0]), served(1, sides[1])},
		{"long call", 1, served(2, sides[0]), served(2, sides[1])},
		{"document", 5,
			repeat(func() bool { doc, err := coaching.NewDocument(customerCall()); return err == nil && !doc.IsZero() }),
			repeat(func() bool { return plivoCustomerCall() != "" })},
		{"signature", 3,
			repeat(func() bool {
				return coaching.VerifySignature("POST", rawURL, form, nonce, sig, sdkToken) == nil
			}),
			repeat(func() bool { return plivo.ValidateSignatureV3(rawURL, nonce, "POST", sig, sdkToken, flat) })},
	} {
		t.Run(c.name, func(t *testing.T) {
			const rounds = 41 // interleaved, so that what else the machine does strikes both
			ours, plain := make([]time.Duration, rounds), make([]time.Duration, rounds)
			for i := range rounds {
				ours[i], plain[i] = c.ours(), c.plain()
			}
			slices.Sort(ours)
			slices.Sort(plain)
			o, p := ours[rounds/2], plain[rounds/2]
			ratio := float64(p) / float64(o)
			t.Logf("ours %v, plain %v: %.2f times as fast", o, p, ratio)
			if ratio < c.factor {
				t.Errorf("ours is %.2f times as fast as the plain way, want at least %.0f", ratio, c.factor)
			}
		})
	}
}
