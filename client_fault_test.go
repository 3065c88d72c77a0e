package coaching_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/mpc-coaching/coaching"
)

// A clientFault is what a server does to every request, and the error due.
type clientFault struct {
	name  string
	serve http.HandlerFunc
	want  coaching.APIError // Op is the operation's; zero Status: no APIError but a transport error
}

func clientFaults() []clientFault {
	answer := func(status int, contentType, body string, header ...string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", contentType)
			for i := 0; i+1 < len(header); i += 2 {
				w.Header().Set(header[i], header[i+1])
			}
			w.WriteHeader(status)
			_, _ = io.WriteString(w, body)
		}
	}
	cut := func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		panic(http.ErrAbortHandler)
	}
	const js, html, text = "application/json", "text/html", "text/plain"
	page := "<html><body><h1>Bad gateway</h1></body></html>"
	return []clientFault{
		{"400", answer(400, js, `{"api_id":"a-1","error":"role is invalid"}`), coaching.APIError{Status: 400, APIID: "a-1", Message: "role is invalid"}},
		{"401 in plain text", answer(401, text, "Could not verify your access level\n"), coaching.APIError{Status: 401, Message: "Could not verify your access level"}},
		{"401 empty", answer(401, text, ""), coaching.APIError{Status: 401}},
		{"403", answer(403, js, `{"api_id":"a-1","error":"forbidden"}`), coaching.APIError{Status: 403, APIID: "a-1", Message: "forbidden"}},
		{"404", answer(404, js, `{"api_id":"a-1","error":"not found"}`), coaching.APIError{Status: 404, APIID: "a-1", Message: "not found"}},
		{"404 with {}", answer(404, js, `{}`), coaching.APIError{Status: 404}},
		{"404 empty", answer(404, text, ""), coaching.APIError{Status: 404}},
		{"405", answer(405, js, `{"error":{"method":["DELETE"]}}`), coaching.APIError{Status: 405, Message: `{"method":["DELETE"]}`}},
		{"409", answer(409, js, `{"error":["already","there"]}`), coaching.APIError{Status: 409, Message: "already"}},
		{"429", answer(429, js, `{"error":"slow down"}`, "Retry-After", "7"), coaching.APIError{Status: 429, Message: "slow down", RetryAfter: 7 * time.Second}},
		{"429 until a date", answer(429, js, ``, "Retry-After", "Sat, 03 Jan 2026 00:01:30 GMT", "Date", "Sat, 03 Jan 2026 00:00:00 GMT"),
			coaching.APIError{Status: 429, RetryAfter: 90 * time.Second}},
		{"500 empty", answer(500, text, ""), coaching.APIError{Status: 500}},
		{"502 with a page", answer(502, html, page), coaching.APIError{Status: 502}},
		{"503", answer(503, js, `{"api_id":"a-1","error":"try later"}`), coaching.APIError{Status: 503, APIID: "a-1", Message: "try later"}},
		{"301", answer(301, text, "", "Location", "/elsewhere"), coaching.APIError{Status: 301}},
		{"307 to another host", answer(307, text, "", "Location", "https://evil.example/"), coaching.APIError{Status: 307}},
		{"400 cut short", func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Length", "1000")
			w.WriteHeader(400)
			_, _ = io.WriteString(w, "no such ro")
			w.(http.Flusher).Flush()
			cut(w, r)
		}, coaching.APIError{Status: 400, Message: "no such ro"}},
		{"cut", cut, coaching.APIError{}},
	}
}

func TestClientFaults(t *testing.T) {
	for _, fault := range clientFaults() {
		t.Run(fault.name, func(t *testing.T) {
			var requests atomic.Int64
			c := newServedClient(t, func(w http.ResponseWriter, r *http.Request) {
				requests.Add(1)
				fault.serve(w, r)
			})
			for _, op := range clientOperations() {
				requests.Store(0)
				for i := range 3 {
					got, err := op.do(t.Context(), c)
					clientCheckFault(t, op, fault.want, got, err)
					// The client leaves GET on a kept connection to net/http.
					if n := requests.Load(); n != int64(i+1) {
						t.Errorf("%s sent %d requests in %d calls", op.name, n, i+1)
					}
				}
			}
		})
	}
}

func clientCheckFault(t *testing.T, op clientOperation, want coaching.APIError, got any, err error) {
	t.Helper()
	var answer *coaching.APIError
	if want.Status == 0 {
		if err == nil || errors.As(err, &answer) || !errors.Is(err, io.EOF) || errors.Is(err, coaching.ErrInvalid) {
			t.Errorf("%s = %v, %v, want a transport error", op.name, got, err)
		}
		return
	}
	if !errors.As(err, &answer) {
		t.Fatalf("%s = %v, %v, want an *APIError", op.name, got, err)
	}
	want.Op = op.name
	if *answer != want {
		t.Errorf("%s = %+v, want %+v", op.name, *answer, want)
	}
	if errors.Is(err, coaching.ErrNotFound) != (want.Status == 404) {
		t.Errorf("errors.Is(%v, ErrNotFound) is wrong", err)
	}
	if text := err.Error(); strings.Contains(text, clientToken) || len(text) > 300 || strings.ContainsAny(text, "\n<") {
		t.Errorf("%s: error %q, want one short line without token or markup", op.name, text)
	}
}

// A lost answer looks the same whether or not the request took effect, and is
// never tried again.
func TestClientCutBeforeAndAfterTheEffect(t *testing.T) {
	for name, effect := range map[string]int64{"before": 0, "after": 1} {
		t.Run(name, func(t *testing.T) {
			var requests, effects atomic.Int64
			c := newServedClient(t, func(_ http.ResponseWriter, r *http.Request) {
				requests.Add(1)
				if effect > 0 {
					_, _ = io.Copy(io.Discard, r.Body)
					effects.Add(effect)
				}
				panic(http.ErrAbortHandler)
			})
			for _, op := range clientOperations() {
				requests.Store(0)
				effects.Store(0)
				_, err := op.do(t.Context(), c)
				var answer *coaching.APIError
				if err == nil || errors.As(err, &answer) {
					t.Errorf("%s = %v, want a transport error", op.name, err)
				}
				if requests.Load() != 1 || effects.Load() != effect {
					t.Errorf("%s: %d requests, %d effects, want 1, %d", op.name, requests.Load(), effects.Load(), effect)
				}
			}
		})
	}
}

// The connection has been used before, which is when net/http considers
// sending a request again.
func TestClientNeverRepeatsOnAKeptConnection(t *testing.T) {
	for _, op := range clientOperations() {
		if op.want.Method == http.MethodGet {
			continue // harmless, and net/http's to decide
		}
		t.Run(op.name, func(t *testing.T) {
			var requests atomic.Int64
			c := newServedClient(t, func(w http.ResponseWriter, r *http.Request) {
				if r.Method == http.MethodGet {
					_, _ = io.WriteString(w, clientMPCJSON)
					return
				}
				requests.Add(1)
				panic(http.ErrAbortHandler)
			})
			if _, err := c.MPC(t.Context(), clientMPC); err != nil {
				t.Fatal(err)
			}
			if _, err := op.do(t.Context(), c); err == nil {
				t.Errorf("%s on a cut connection succeeded", op.name)
			}
			if n := requests.Load(); n != 1 {
				t.Errorf("%s sent %d requests, want 1", op.name, n)
			}
		})
	}
}

func TestClientStalledServer(t *testing.T) {
	release := make(chan struct{})
	c := newServedClient(t, func(http.ResponseWriter, *http.Request) { <-release })
	defer close(release) // before the server closes
	for _, op := range clientOperations() {
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
		_, err := op.do(ctx, c)
		cancel()
		if !errors.Is(err, context.DeadlineExceeded) || !strings.HasPrefix(err.Error(), "coaching: "+op.name+": ") {
			t.Errorf("%s of a stalled server = %v, want DeadlineExceeded", op.name, err)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	time.AfterFunc(20*time.Millisecond, cancel)
	if err := c.EndMPC(ctx, clientMPC); !errors.Is(err, context.Canceled) {
		t.Errorf("EndMPC when cancelled = %v, want Canceled", err)
	}
}

func TestClientDeadContextSendsNothing(t *testing.T) {
	c, rec := newRecordedClient(t, 204, "")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for _, op := range clientOperations() {
		if _, err := op.do(ctx, c); !errors.Is(err, context.Canceled) {
			t.Errorf("%s with a dead context = %v, want Canceled", op.name, err)
		}
	}
	if n := len(rec.requests()); n != 0 {
		t.Errorf("%d requests sent, want 0", n)
	}
}

func TestClientRefusedConnection(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := l.Addr().String()
	l.Close()
	sdk := clientSDK(t)
	sdk.BaseUrl.Scheme, sdk.BaseUrl.Host = "http", addr
	err = coaching.NewClient(sdk, nil).EndMPC(t.Context(), clientMPC)
	var op *net.OpError
	if !errors.As(err, &op) || op.Op != "dial" || strings.Contains(err.Error(), "/v1/") {
		t.Errorf("EndMPC of nobody = %v, want a dial error without the URL", err)
	}
}

// A 2xx is success for an operation without a result. One with a result needs
// an answer that can be read, and never takes another for an empty one.
func TestClientUnreadableSuccess(t *testing.T) {
	for name, body := range map[string]string{
		"empty": "", "cut": `{"api_id":`, "page": "<html></html>", "list": "[]", "text": `"ok"`, "null": "null",
		"too long": `{"x":"` + strings.Repeat("x", 1<<20) + `"}`,
	} {
		t.Run(name, func(t *testing.T) {
			for _, op := range clientOperations() {
				c, _ := newRecordedClient(t, op.status, body)
				got, err := op.do(t.Context(), c)
				if op.result == nil && err != nil || op.result != nil && !errors.Is(err, coaching.ErrUnknown) {
					t.Errorf("%s = %v, %v", op.name, got, err)
				}
				var answer *coaching.APIError
				if errors.As(err, &answer) {
					t.Errorf("%s = %v, want no APIError for a 2xx", op.name, err)
				}
				if prefix := fmt.Sprintf("coaching: %s: provider answered %d, so it was done", op.name, op.status); err != nil && !strings.HasPrefix(err.Error(), prefix) {
					t.Errorf("%s = %v, want %q", op.name, err, prefix)
				}
			}
		})
	}
}

func TestClientResultCutInTheMiddle(t *testing.T) {
	c := newServedClient(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", "1000")
		_, _ = io.WriteString(w, `{"mpc_uuid":"`)
		w.(http.Flusher).Flush()
		panic(http.ErrAbortHandler)
	})
	for _, op := range clientOperations() {
		got, err := op.do(t.Context(), c)
		if op.result == nil && err != nil {
			t.Errorf("%s = %v, want success: the status says it", op.name, err)
		}
		if op.result != nil && (!errors.Is(err, coaching.ErrUnknown) || !errors.Is(err, io.ErrUnexpectedEOF)) {
			t.Errorf("%s = %v, %v, want ErrUnknown and ErrUnexpectedEOF", op.name, got, err)
		}
	}
}

func TestClientFollowsNothing(t *testing.T) {
	var requests atomic.Int64
	for _, status := range []int{300, 301, 302, 303, 304, 307, 308} {
		c := newServedClient(t, func(w http.ResponseWriter, _ *http.Request) {
			requests.Add(1)
			w.Header().Set("Location", "/v1/Account/other/")
			w.WriteHeader(status)
		})
		for _, op := range clientOperations() {
			requests.Store(0)
			_, err := op.do(t.Context(), c)
			var answer *coaching.APIError
			if !errors.As(err, &answer) || answer.Status != status || requests.Load() != 1 {
				t.Errorf("%s answered %d = %v after %d requests, want an APIError after 1", op.name, status, err, requests.Load())
			}
		}
	}
}
