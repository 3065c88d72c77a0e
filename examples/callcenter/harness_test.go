package main

import (
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/mpc-coaching/coaching/internal/leak"
	"github.com/mpc-coaching/coaching/plivotest"
)

func TestMain(m *testing.M) { os.Exit(leak.Main(m.Run)) }

// A testCenter is the whole program on a free port.
type testCenter struct {
	*app
	t   *testing.T
	URL string
	Emu *plivotest.Server // nil if it is elsewhere
}

// startCenter starts the program with flags, and stops it with the test. The
// tour does not wait for a reader.
func startCenter(t *testing.T, args ...string) *testCenter {
	t.Helper()
	return startCenterWith(t, nil, args...)
}

// startCenterWith also gives it an environment.
func startCenterWith(t *testing.T, env map[string]string, args ...string) *testCenter {
	t.Helper()
	o, err := parseOptions(append([]string{"-addr", "127.0.0.1:0"}, args...), func(k string) string { return env[k] }, io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	a, err := newApp(ctx, o, slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelWarn})))
	if err != nil {
		stop()
		a.close()
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- a.serve(ctx) }()
	t.Cleanup(func() {
		stop()
		if err := <-done; err != nil {
			t.Errorf("serve() = %v, want nil", err)
		}
		a.close()
	})
	c := &testCenter{app: a, t: t, URL: a.url()}
	if a.emu != nil {
		c.Emu = a.emu.server
	}
	if a.tour != nil {
		a.tour.pause = 0
	}
	return c
}

// get makes a request and returns the answer with its body read.
func (c *testCenter) get(path string) (*http.Response, string) {
	c.t.Helper()
	return c.do("GET", path, "", nil)
}

func (c *testCenter) do(method, path, body string, head map[string]string) (*http.Response, string) {
	c.t.Helper()
	req, err := http.NewRequest(method, c.URL+path, strings.NewReader(body))
	if err != nil {
		c.t.Fatal(err)
	}
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	for k, v := range head {
		if k == "Host" {
			req.Host = v
			continue
		}
		req.Header.Set(k, v)
	}
	client := &http.Client{Timeout: 10 * time.Second, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	resp, err := client.Do(req)
	if err != nil {
		c.t.Fatal(err)
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(resp.Body)
	if err != nil {
		c.t.Fatal(err)
	}
	return resp, string(data)
}

// player plays the tour's steps.
func (c *testCenter) player() *player { return &player{ctx: c.t.Context(), tour: c.tour} }

// another has somebody else call.
func (c *testCenter) another(from string) {
	c.t.Helper()
	if err := c.tour.api.call(c.t.Context(), "POST", "/_/calls", map[string]string{"from": from, "to": tourHotline}, nil); err != nil {
		c.t.Fatalf("a call from %s: %v", from, err)
	}
}

// liveCalls returns the calls that Lee sees and their states, sorted.
func (c *testCenter) liveCalls() []string {
	c.t.Helper()
	var list struct {
		Calls []struct{ ID, State string }
	}
	_, body := c.get(leesConsole + "api/calls")
	if err := json.Unmarshal([]byte(body), &list); err != nil {
		c.t.Fatal(err)
	}
	var calls []string
	for _, call := range list.Calls {
		calls = append(calls, call.ID+" "+call.State)
	}
	slices.Sort(calls)
	return calls
}

// until waits for something to become so.
func until(t *testing.T, what string, ok func() bool) {
	t.Helper()
	within(t, 10*time.Second, what, ok)
}

func within(t *testing.T, patience time.Duration, what string, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(patience); !ok(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("not within %v: %s", patience, what)
		}
	}
}
