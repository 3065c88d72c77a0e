package coaching_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"

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
