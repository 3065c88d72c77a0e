package coaching_test

import (
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/mpc-coaching/coaching"
	"github.com/plivo/plivo-go/v7"
)

const (
	clientAuthID  = "MAXXXXXXXXXXXXXXXXXX"
	clientToken   = "s3cretTokenOfTheTests"
	clientUUID    = "c5712c9f-2e3f-48ec-afbb-075f424ddc44"
	clientCallID  = "0b7b4242-8ee8-4872-b447-81b4ce972eae"
	clientAccount = "/v1/Account/" + clientAuthID + "/"
	clientMPCPath = clientAccount + "MultiPartyCall/uuid_" + clientUUID + "/"
)

var clientMPC = coaching.ByUUID(clientUUID)

// clientRequest is what a server saw of one request.
type clientRequest struct{ Method, Path, Query, Body string }

// clientRecorder is a transport that notes each request and lets answer reply.
type clientRecorder struct {
	answer func(*http.Request) (*http.Response, error)

	mu   sync.Mutex
	seen []clientRequest
}

func (r *clientRecorder) RoundTrip(req *http.Request) (*http.Response, error) {
	var body []byte
	if req.Body != nil {
		body, _ = io.ReadAll(req.Body)
		req.Body.Close()
	}
	r.mu.Lock()
	r.seen = append(r.seen, clientRequest{req.Method, req.URL.EscapedPath(), req.URL.RawQuery, strings.TrimSpace(string(body))})
	r.mu.Unlock()
	resp, err := r.answer(req)
	if resp != nil {
		resp.Request = req
	}
	return resp, err
}

func (r *clientRecorder) requests() []clientRequest {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]clientRequest(nil), r.seen...)
}

func clientAnswer(status int, body string) func(*http.Request) (*http.Response, error) {
	return func(*http.Request) (*http.Response, error) {
		return &http.Response{StatusCode: status, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(body))}, nil
	}
}

func clientSDK(t testing.TB) *plivo.Client {
	t.Helper()
	sdk, err := plivo.NewClient(clientAuthID, clientToken, &plivo.ClientOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return sdk
}

// newRecordedClient returns a Client whose requests all get the same answer.
func newRecordedClient(t testing.TB, status int, body string) (*coaching.Client, *clientRecorder) {
	t.Helper()
	rec := &clientRecorder{answer: clientAnswer(status, body)}
	return coaching.NewClient(clientSDK(t), &http.Client{Transport: rec}), rec
}

// newServedClient returns a Client of a server on the loopback interface.
func newServedClient(t testing.TB, h http.HandlerFunc) *coaching.Client {
	t.Helper()
	srv := httptest.NewServer(h)
	t.Cleanup(srv.Close)
	sdk := clientSDK(t)
	base, err := url.Parse(srv.URL)
	if err != nil {
		t.Fatal(err)
	}
	sdk.BaseUrl = base
	return coaching.NewClient(sdk, srv.Client())
}

// A clientOperation is one method of Client with all its arguments set.
type clientOperation struct {
	name   string
	do     func(context.Context, *coaching.Client) (any, error)
	want   clientRequest
	status int    // documented
	answer string // documented; empty: none
	result any    // of do; nil: it has none, and any 2xx will do
}

// clientNone makes an operation of a method without a result.
func clientNone(f func(context.Context, *coaching.Client) error) func(context.Context, *coaching.Client) (any, error) {
	return func(ctx context.Context, c *coaching.Client) (any, error) { return nil, f(ctx, c) }
}

func TestClientRequestsAndResults(t *testing.T) {
	for _, op := range clientOperations() {
		t.Run(op.name, func(t *testing.T) {
			c, rec := newRecordedClient(t, op.status, op.answer)
			got, err := op.do(t.Context(), c)
			if err != nil {
				t.Fatalf("%s: %v", op.name, err)
			}
			if diff := cmp.Diff([]clientRequest{op.want}, rec.requests()); diff != "" {
				t.Errorf("%s sent (-want +got):\n%s", op.name, diff)
			}
			if diff := cmp.Diff(op.result, got); diff != "" {
				t.Errorf("%s returned (-want +got):\n%s", op.name, diff)
			}
		})
	}
}

func TestClientCoversTheResource(t *testing.T) {
	if n := len(clientOperations()); n != 24 {
		t.Errorf("%d operations, want the 21 of the resource and 3 of calls", n)
	}
	seen := map[string]bool{}
	for _, op := range clientOperations() {
		key := op.want.Method + " " + op.want.Path
		if seen[key] {
			t.Errorf("two operations send %s", key)
		}
		seen[key] = true
	}
}

func TestClientHeadersAndAuth(t *testing.T) {
	c, rec := newRecordedClient(t, 204, "")
	answer := rec.answer
	rec.answer = func(r *http.Request) (*http.Response, error) {
		if id, token, ok := r.BasicAuth(); !ok || id != clientAuthID || token != clientToken {
			t.Errorf("BasicAuth() = %q, %q, %v, want the SDK client's", id, token, ok)
		}
		if got := r.Header.Get("Content-Type"); got != "application/json" {
			t.Errorf("Content-Type = %q, want application/json", got)
		}
		if r.URL.Scheme != "https" || r.URL.Host != "api.plivo.com" {
			t.Errorf("request to %s://%s, want https://api.plivo.com", r.URL.Scheme, r.URL.Host)
		}
		if r.GetBody != nil {
			t.Error("a POST's body can be read again, so net/http may send it twice")
		}
		return answer(r)
	}
	if err := c.UpdateParticipants(t.Context(), clientMPC, coaching.AllMembers(), coaching.ParticipantUpdate{Mute: new(true)}); err != nil {
		t.Error(err)
	}
}

func TestNewClientLeavesTheCallersClientAlone(t *testing.T) {
	h := &http.Client{Timeout: time.Second, Transport: &clientRecorder{answer: clientAnswer(204, "")}}
	c := coaching.NewClient(clientSDK(t), h)
	if h.CheckRedirect != nil {
		t.Error("NewClient changed the caller's CheckRedirect")
	}
	h.Transport = nil // must not reach the copy
	if err := c.EndMPC(t.Context(), clientMPC); err != nil {
		t.Errorf("EndMPC after the caller changed its client: %v", err)
	}
}

func TestNewClientWithoutAUsableSDK(t *testing.T) {
	var zero plivo.Client
	noID := clientSDK(t)
	noID.AuthId = ""
	oddID := clientSDK(t)
	oddID.AuthId = "MA/../../Account"
	noToken := clientSDK(t)
	noToken.AuthToken = ""
	noBase := clientSDK(t)
	noBase.BaseUrl = nil
	badBase := clientSDK(t)
	badBase.BaseUrl = &url.URL{Scheme: "https", Host: "bad host"}
	noHost := clientSDK(t)
	noHost.BaseUrl = &url.URL{}
	for name, sdk := range map[string]*plivo.Client{
		"nil": nil, "zero": &zero, "no id": noID, "odd id": oddID, "no token": noToken,
		"no base": noBase, "bad base": badBase, "no host": noHost,
	} {
		t.Run(name, func(t *testing.T) {
			rec := &clientRecorder{answer: clientAnswer(200, "{}")}
			c := coaching.NewClient(sdk, &http.Client{Transport: rec})
			for _, op := range clientOperations() {
				if _, err := op.do(t.Context(), c); !clientInvalid(err, op.name) {
					t.Errorf("%s = %v, want ErrInvalid", op.name, err)
				}
			}
			if n := len(rec.requests()); n != 0 {
				t.Errorf("%d requests sent, want 0", n)
			}
		})
	}
	if err := new(coaching.Client).EndMPC(t.Context(), clientMPC); !clientInvalid(err, "EndMPC") {
		t.Errorf("EndMPC of the zero Client = %v, want ErrInvalid", err)
	}
}

// An answer is read to its end, so that the next request needs no new connection.
func TestClientKeepsItsConnection(t *testing.T) {
	var connections atomic.Int64
	srv := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodDelete {
			w.WriteHeader(404)
		}
		_, _ = io.WriteString(w, strings.Repeat("x", 1<<19))
	}))
	srv.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			connections.Add(1)
		}
	}
	srv.Start()
	defer srv.Close()
	sdk := clientSDK(t)
	sdk.BaseUrl, _ = url.Parse(srv.URL)
	c := coaching.NewClient(sdk, srv.Client())
	for _, op := range clientOperations() {
		_, _ = op.do(t.Context(), c)
	}
	if n := connections.Load(); n != 1 {
		t.Errorf("%d connections for requests one after another, want 1", n)
	}
}

// TestClientIsSafeForConcurrentUse is for the race detector.
func TestClientIsSafeForConcurrentUse(t *testing.T) {
	c, _ := newRecordedClient(t, 200, `{"mpc_uuid":"`+clientUUID+`"}`)
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 20 {
				if _, err := c.MPC(t.Context(), clientMPC); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
}
