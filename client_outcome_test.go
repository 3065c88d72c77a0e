package coaching

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"
	"time"

	"github.com/plivo/plivo-go/v7"
)

const outcomeUUID = "c5712c9f-2e3f-48ec-afbb-075f424ddc44"

func TestOutcomeOf(t *testing.T) {
	answered := func(status int) error { return &APIError{Op: "AddParticipant", Status: status} }
	for _, tt := range []struct {
		name string
		err  error
		want clientOutcome
	}{
		{"success", nil, clientOK},
		{"argument", fmt.Errorf("coaching: AddParticipant: %w", invalid("to")), clientRefused},
		{"302", answered(302), clientUnknown},
		{"400", answered(400), clientRefused},
		{"401", answered(401), clientUnauthorized},
		{"403", answered(403), clientUnauthorized},
		{"404", answered(404), clientGone},
		{"405", answered(405), clientRefused},
		{"408", answered(408), clientUnknown},
		{"409", answered(409), clientUnknown},
		{"410", answered(410), clientGone},
		{"422", answered(422), clientRefused},
		{"429", answered(429), clientThrottled},
		{"500", answered(500), clientUnknown},
		{"503", answered(503), clientUnknown},
		{"600", answered(600), clientUnknown},
		{"wrapped", fmt.Errorf("step 3: %w", answered(429)), clientThrottled},
		{"no connection", &clientSendError{op: "x", err: io.EOF, notSent: true}, clientThrottled},
		{"cut", &clientSendError{op: "x", err: io.EOF}, clientUnknown},
		{"unreadable", &clientUnreadableError{"x", 201, io.ErrUnexpectedEOF}, clientUnknown},
		{"bare deadline", context.DeadlineExceeded, clientUnknown},
		{"another's", errors.New("x"), clientUnknown},
	} {
		if got := outcomeOf(tt.err); got != tt.want {
			t.Errorf("outcomeOf(%s) = %v, want %v", tt.name, got, tt.want)
		}
	}
	var zero clientOutcome
	if zero != clientUnknown {
		t.Error("the zero outcome promises something")
	}
	if int(clientGone) != len(clientOutcomeNames)-1 {
		t.Error("an outcome has no name")
	}
}

func TestClientRetryAfterOf(t *testing.T) {
	err := fmt.Errorf("step: %w", &APIError{Status: 429, RetryAfter: time.Second})
	if got := clientRetryAfter(err); got != time.Second {
		t.Errorf("clientRetryAfter = %v, want 1s", got)
	}
	if got := clientRetryAfter(io.EOF); got != 0 {
		t.Errorf("clientRetryAfter of no answer = %v, want 0", got)
	}
}

type clientRoundTrip func(*http.Request) (*http.Response, error)

func (f clientRoundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// TestOutcomeOfTransports sends through transports that fail in the ways there
// are. Only a proof that nothing left counts as such.
func TestOutcomeOfTransports(t *testing.T) {
	fail := func(err error) http.RoundTripper {
		return clientRoundTrip(func(*http.Request) (*http.Response, error) { return nil, err })
	}
	dialFails := func(err error) http.RoundTripper {
		return &http.Transport{DialContext: func(context.Context, string, string) (net.Conn, error) { return nil, err }}
	}
	over := make(chan struct{})
	defer close(over) // net/http lets a dial outlive its request
	stalledDial := &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		select {
		case <-ctx.Done():
		case <-over:
		}
		return nil, errors.New("given up")
	}}
	plain := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }))
	defer plain.Close()
	secure := httptest.NewUnstartedServer(http.NotFoundHandler())
	secure.Config.ErrorLog = log.New(io.Discard, "", 0)
	secure.StartTLS()
	defer secure.Close()
	dialed := &net.OpError{Op: "dial", Err: errors.New("connection refused")}
	// delivered is a middleware that tries again by itself: the first time the
	// request may have arrived.
	delivered := clientRoundTrip(func(r *http.Request) (*http.Response, error) {
		first := r.Clone(r.Context())
		if resp, err := http.DefaultTransport.RoundTrip(first); err == nil {
			resp.Body.Close()
		}
		return nil, dialed
	})
	for _, tt := range []struct {
		name string
		base string
		via  http.RoundTripper
		want clientOutcome
	}{
		{"dial refused", "", dialFails(dialed), clientThrottled},
		{"dial failed oddly", "", dialFails(errors.New("no route")), clientThrottled},
		{"name not found", "", dialFails(&net.DNSError{Err: "no such host", Name: "x"}), clientThrottled},
		{"dial stalled", "", stalledDial, clientThrottled},
		{"certificate refused", secure.URL, &http.Transport{TLSClientConfig: &tls.Config{}}, clientThrottled},
		{"cut", plain.URL, &http.Transport{}, clientUnknown},
		{"another transport's dial error", "", fail(dialed), clientThrottled},
		{"another transport's resolver error", "", fail(fmt.Errorf("x: %w", &net.DNSError{})), clientThrottled},
		{"another transport's read error", "", fail(&net.OpError{Op: "read", Err: io.EOF}), clientUnknown},
		{"another transport's deadline", "", fail(context.DeadlineExceeded), clientUnknown},
		{"another transport's error", "", fail(errors.New("x")), clientUnknown},
		{"dial error after a delivery", plain.URL, delivered, clientUnknown},
	} {
		t.Run(tt.name, func(t *testing.T) {
			sdk, err := plivo.NewClient("MAXXXXXXXXXXXXXXXXXX", "token", &plivo.ClientOptions{})
			if err != nil {
				t.Fatal(err)
			}
			if tt.base != "" {
				if sdk.BaseUrl, err = url.Parse(tt.base); err != nil {
					t.Fatal(err)
				}
			}
			ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
			if tt.base != "" {
				cancel()
				ctx, cancel = context.WithTimeout(t.Context(), 10*time.Second)
			}
			defer cancel()
			_, err = NewClient(sdk, &http.Client{Transport: tt.via}).AddParticipant(ctx, ByUUID(outcomeUUID),
				ParticipantParams{Role: RoleAgent, From: "14155550100", To: []string{"14155550123"}})
			if got := outcomeOf(err); err == nil || got != tt.want {
				t.Errorf("outcomeOf(%v) = %v, want %v", err, got, tt.want)
			}
		})
	}
}

func TestOutcomeOfADeadContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	sdk, err := plivo.NewClient("MAXXXXXXXXXXXXXXXXXX", "token", &plivo.ClientOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if got := outcomeOf(NewClient(sdk, nil).EndMPC(ctx, ByUUID(outcomeUUID))); got != clientThrottled {
		t.Errorf("outcomeOf(a dead context) = %v, want throttled: nothing was sent", got)
	}
}
