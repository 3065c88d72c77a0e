package console_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/mpc-coaching/coaching"
	"github.com/mpc-coaching/coaching/internal/leak"
	"github.com/mpc-coaching/coaching/plivotest"
)

// tail reads a stream's events from a real server, one after the other.
type tail struct {
	t     *testing.T
	body  io.Closer
	lines *bufio.Reader
}

func follow(t *testing.T, server *httptest.Server, last string) *tail {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), "GET", server.URL+"/api/stream", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("X-Actor", "supervisor:lee")
	if last != "" {
		r.Header.Set("Last-Event-ID", last)
	}
	resp, err := server.Client().Do(r)
	if err != nil {
		t.Fatal(err)
	}
	if resp.StatusCode != 200 || resp.Header.Get("Content-Type") != "text/event-stream" {
		t.Fatalf("GET /api/stream = %d %v", resp.StatusCode, resp.Header)
	}
	return &tail{t, resp.Body, bufio.NewReader(resp.Body)}
}

// next returns the next block that has an id.
func (f *tail) next() (e event) {
	f.t.Helper()
	for {
		line, err := f.lines.ReadString('\n')
		if err != nil {
			f.t.Fatalf("the stream ends: %v", err)
		}
		name, value, _ := strings.Cut(strings.TrimSuffix(line, "\n"), ": ")
		switch name {
		case "event":
			e.kind = value
		case "id":
			e.id = value
		case "data":
			e.data = value
		case "":
			if e.id != "" {
				return e
			}
		}
	}
}

// Over a real connection, which breaks: the next one goes on from there. A
// server's time-outs, much shorter than this takes, do not matter, and nothing is
// left running.
func TestStreamOverTCP(t *testing.T) {
	for name, http2 := range map[string]bool{"HTTP/1.1": false, "HTTP/2": true} {
		t.Run(name, func(t *testing.T) {
			o := newBooks(t)
			o.console.SetPatience(100 * time.Millisecond)
			o.put(1)
			server := httptest.NewUnstartedServer(o.console)
			server.Config.ReadTimeout, server.Config.WriteTimeout, server.Config.IdleTimeout = 150*time.Millisecond, 150*time.Millisecond, 150*time.Millisecond
			if server.EnableHTTP2 = http2; http2 {
				server.StartTLS()
			} else {
				server.Start()
			}
			defer server.Close()
			f := follow(t, server, "")
			if e := f.next(); e.kind != "snapshot" || !strings.Contains(e.data, string(callID(1))) {
				t.Fatalf("first comes %v, want a snapshot with the call", e)
			}
			time.Sleep(400 * time.Millisecond) // longer than all time-outs
			o.put(1)
			e := f.next()
			if e.kind != "call" || !strings.Contains(e.data, secret(1, 2)) {
				t.Fatalf("then comes %v, want version 2", e)
			}
			f.body.Close()
			o.put(1)
			o.put(2)
			f = follow(t, server, e.id)
			if e := f.next(); e.kind != "" {
				t.Errorf("coming back brings %v, want an id alone", e)
			}
			for _, want := range []string{secret(1, 3), secret(2, 1)} {
				if e := f.next(); e.kind != "call" || !strings.Contains(e.data, want) {
					t.Errorf("then comes %v, want %s", e, want)
				}
			}
			f.body.Close()
			for start := time.Now(); o.console.Streams() > 0; time.Sleep(time.Millisecond) {
				if time.Since(start) > 5*time.Second {
					t.Fatalf("%d streams are open", o.console.Streams())
				}
			}
			server.Close()
			if left := leak.Stacks(time.Second); left != "" {
				t.Errorf("this is left after the last stream:\n%s", left)
			}
		})
	}
}

// A phone rings for longer than the server's time-outs.
func TestVerbOutlastsTimeouts(t *testing.T) {
	o := newBooks(t, flowConfig(func(c *coaching.Config) {
		c.Authorize = func(context.Context, coaching.AccessRequest) error {
			time.Sleep(400 * time.Millisecond)
			return errors.New("no")
		}
	}))
	id := o.put(1).ID
	server := httptest.NewUnstartedServer(o.console)
	server.Config.ReadTimeout, server.Config.WriteTimeout = 150*time.Millisecond, 150*time.Millisecond
	server.Start()
	defer server.Close()
	r, err := http.NewRequestWithContext(t.Context(), "POST", server.URL+"/api/calls/"+string(id)+"/end", strings.NewReader(`{}`))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("X-Actor", "supervisor:lee")
	r.Header.Set("Content-Type", "application/json")
	resp, err := server.Client().Do(r)
	if err != nil {
		t.Fatalf("a slow verb is cut off: %v", err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != 403 {
		t.Errorf("a slow verb = %d, want 403", resp.StatusCode)
	}
}

// A body that does not come is not waited for.
func TestBodyStalls(t *testing.T) {
	o := newBooks(t)
	o.console.SetPatience(100 * time.Millisecond)
	server := httptest.NewServer(o.console)
	defer server.Close()
	conn, err := net.Dial("tcp", server.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(5 * time.Second))
	fmt.Fprintf(conn, "POST /api/calls/%s/end HTTP/1.1\r\nHost: x\r\nX-Actor: supervisor:lee\r\nContent-Type: application/json\r\nContent-Length: 9\r\n\r\n{", callID(1))
	line, err := bufio.NewReader(conn).ReadString('\n')
	if err != nil || !strings.Contains(line, "400") {
		t.Errorf("a body that stalls = %q, %v, want 400", line, err)
	}
}

// plain is a ResponseWriter that can nothing but the least.
type plain struct{ w http.ResponseWriter }

func (p plain) Header() http.Header         { return p.w.Header() }
func (p plain) Write(b []byte) (int, error) { return p.w.Write(b) }
func (p plain) WriteHeader(status int)      { p.w.WriteHeader(status) }

// A middleware that hides Flush makes streams impossible, which is said; all
// else works.
func TestNoFlush(t *testing.T) {
	bubble(t, func(t *testing.T) {
		o := newBooks(t)
		o.put(1)
		h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { o.console.ServeHTTP(plain{w}, r) })
		if p := send(t, h, asLeeAt("/api/stream")); p.status != 500 || p.problem() != "internal" {
			t.Errorf("a stream without Flush = %d %s, want 500 internal", p.status, p.body)
		}
		if !strings.Contains(o.log.String(), "Flush") {
			t.Errorf("the log does not say what is missing: %s", o.log.String())
		}
		if p := send(t, h, asLeeAt("/api/calls")); p.status != 200 {
			t.Errorf("a list without Flush = %d %s, want 200", p.status, p.body)
		}
	})
}

func asLeeAt(path string) ask { return ask{as: "supervisor:lee", path: path} }

// A browser that goes away withdraws a take-over that has opened nothing.
func TestTakeOverIsWithdrawn(t *testing.T) {
	bubble(t, func(t *testing.T) {
		o := open(t)
		customer, _, id := o.connected()
		o.srv.Phone(lee, &plivotest.PhonePlan{After: 10 * time.Second})
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan reply)
		go func() {
			done <- o.do(ask{as: "supervisor:lee", path: "/api/calls/" + string(id) + "/take-over", body: `{"supervisor":"lee"}`, ctx: ctx})
		}()
		time.Sleep(3 * time.Second)
		cancel()
		if p := <-done; p.status != 504 || p.problem() != "unknown" {
			t.Errorf("take-over, given up = %d %s, want 504 unknown", p.status, p.body)
		}
		time.Sleep(20 * time.Second)
		leg := o.srv.Phone(lee, nil).Last()
		if leg == nil || o.srv.Hears(customer, leg) {
			t.Errorf("the customer hears Lee, or he was not rung: %v", leg)
		}
	})
}
