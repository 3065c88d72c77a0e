package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/mpc-coaching/coaching"
)

// A stand-in is mounted where the console will be.
type standIn struct {
	t     *testing.T
	ended chan error // the context's error of a stream that ended
}

func newStandIn(t *testing.T) *standIn { return &standIn{t, make(chan error, 1)} }

// A sight is what the stand-in saw of a request.
type sight struct{ Method, Path, Query, Body, LastEventID string }

func (s *standIn) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path == "/api/stream" {
		s.stream(w, r)
		return
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		s.t.Error(err)
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(http.StatusAccepted) // no router's own
	if err := json.NewEncoder(w).Encode(sight{r.Method, r.URL.Path, r.URL.RawQuery, string(body), r.Header.Get("Last-Event-ID")}); err != nil {
		s.t.Error(err)
	}
}

// stream writes an event by each of the two ways to flush and then nothing,
// so that what arrives was flushed.
func (s *standIn) stream(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "text/event-stream")
	rc := http.NewResponseController(w)
	if err := rc.SetWriteDeadline(time.Now().Add(10 * time.Second)); err != nil {
		s.t.Errorf("SetWriteDeadline: %v", err)
	}
	io.WriteString(w, "event: one\n\n")
	if err := rc.Flush(); err != nil {
		s.t.Errorf("Flush: %v", err)
	}
	if f, ok := w.(http.Flusher); !ok {
		s.t.Errorf("%T is no http.Flusher", w)
	} else {
		io.WriteString(w, "event: two\n\n")
		f.Flush()
	}
	<-r.Context().Done()
	s.ended <- r.Context().Err()
}

// What is asked below /console/ arrives without that prefix and otherwise
// whole; every method does.
func TestConsolePaths(t *testing.T) {
	eachRouter(t, func(t *testing.T, rt router) {
		bothWays(t, rt, http.NotFoundHandler(), newStandIn(t), host{}, func(t *testing.T, base string, do func(*http.Request) *http.Response) {
			for _, want := range []sight{
				{Method: "GET", Path: "/"},
				{Method: "GET", Path: "/assets/app.js"},
				{Method: "GET", Path: "/api/calls", Query: "agent=ann&after=a%2Fb"},
				{Method: "GET", Path: "/api/me", LastEventID: "7-1"},
				{Method: "POST", Path: "/api/calls/cc0011/barge", Body: `{"supervisor":"lee"}`},
				{Method: "PUT", Path: "/api/calls"},
				{Method: "DELETE", Path: "/api/calls"},
				{Method: "OPTIONS", Path: "/api/calls"},
			} {
				r := request(want.Method, base+"/console"+want.Path, want.Body)
				r.URL.RawQuery = want.Query
				if want.LastEventID != "" {
					r.Header.Set("Last-Event-ID", want.LastEventID)
				}
				resp := do(r)
				var got sight
				if raw := readAll(t, resp); json.Unmarshal([]byte(raw), &got) != nil || got != want || resp.StatusCode != http.StatusAccepted {
					t.Errorf("%s %s = %d %q, want 202 %+v", r.Method, r.URL, resp.StatusCode, raw, want)
				}
			}
		})
	})
}

// A browser that leaves out the last slash is sent to the page, whose links are
// relative to it.
func TestConsoleSlash(t *testing.T) {
	eachRouter(t, func(t *testing.T, rt router) {
		bothWays(t, rt, http.NotFoundHandler(), newStandIn(t), host{}, func(t *testing.T, base string, do func(*http.Request) *http.Response) {
			r := request("GET", base+"/console", "")
			resp := do(r)
			readAll(t, resp)
			to, err := r.URL.Parse(resp.Header.Get("Location"))
			if resp.StatusCode/100 != 3 || err != nil || to.String() != base+"/console/" {
				t.Errorf("GET /console = %d, Location %v, %v, want a redirect to /console/", resp.StatusCode, to, err)
			}
		})
	})
}

// A deadlineRecorder has what a connection has and httptest.ResponseRecorder
// lacks.
type deadlineRecorder struct {
	*httptest.ResponseRecorder
	deadline time.Time
}

func (w *deadlineRecorder) SetWriteDeadline(t time.Time) error {
	w.deadline = t
	return nil
}

// A stream's events leave as they are flushed, its writes have deadlines, and
// it learns that its reader has gone.
func TestConsoleStream(t *testing.T) {
	eachRouter(t, func(t *testing.T, rt router) {
		t.Run("memory", func(t *testing.T) {
			console := newStandIn(t)
			ctx, cancel := context.WithCancel(t.Context())
			w := &deadlineRecorder{ResponseRecorder: httptest.NewRecorder()}
			served := make(chan struct{})
			go func() {
				defer close(served)
				rt.mount(http.NotFoundHandler(), console, host{}).ServeHTTP(w, httptest.NewRequestWithContext(ctx, "GET", "/console/api/stream", nil))
			}()
			cancel()
			ended(t, console.ended)
			<-served
			if !w.Flushed || w.deadline.IsZero() || strings.Count(w.Body.String(), "event") != 2 {
				t.Errorf("flushed %t, deadline %v, body %q, want true, some, two events", w.Flushed, w.deadline, w.Body)
			}
		})
		t.Run("tcp", func(t *testing.T) {
			console := newStandIn(t)
			srv := httptest.NewServer(rt.mount(http.NotFoundHandler(), console, host{}))
			defer srv.Close()
			ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
			defer cancel()
			resp, err := srv.Client().Do(request("GET", srv.URL+"/console/api/stream", "").WithContext(ctx))
			if err != nil {
				t.Fatal(err)
			}
			defer resp.Body.Close()
			lines := bufio.NewScanner(resp.Body)
			for _, want := range []string{"event: one", "", "event: two", ""} {
				if !lines.Scan() || lines.Text() != want {
					t.Fatalf("line %q, %v, want %q", lines.Text(), lines.Err(), want)
				}
			}
			cancel()
			ended(t, console.ended)
		})
	})
}

// A verb that waits for a phone learns that its browser has gone.
func TestVerbCancelled(t *testing.T) {
	eachRouter(t, func(t *testing.T, rt router) {
		began, over := make(chan struct{}), make(chan error, 1)
		barge := func(ctx context.Context, _ coaching.CallID, _ coaching.SupervisorID) (coaching.Supervision, error) {
			close(began)
			select {
			case <-ctx.Done():
			case <-time.After(10 * time.Second):
			}
			over <- ctx.Err()
			return coaching.Supervision{}, ctx.Err()
		}
		srv := httptest.NewServer(rt.mount(http.NotFoundHandler(), nil, host{anybody, barge}))
		defer srv.Close()
		ctx, cancel := context.WithCancel(t.Context())
		go func() { <-began; cancel() }()
		if resp, err := srv.Client().Do(request("POST", srv.URL+"/calls/1/supervisors/lee", "").WithContext(ctx)); err == nil {
			resp.Body.Close()
			t.Errorf("POST = %d before the verb returned", resp.StatusCode)
		}
		ended(t, over)
	})
}

func ended(t *testing.T, over <-chan error) {
	t.Helper()
	select {
	case err := <-over:
		if !errors.Is(err, context.Canceled) {
			t.Errorf("the request's context ended with %v, want %v", err, context.Canceled)
		}
	case <-time.After(10 * time.Second):
		t.Fatal("the request's context has not ended after 10s")
	}
}
