package main

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/mpc-coaching/coaching"
	"github.com/mpc-coaching/coaching/plivotest"
)

// asProgram names the variable under which a test's binary is the program.
const asProgram = "ROUTERS_TEST_AS_PROGRAM"

func TestMain(m *testing.M) {
	if os.Getenv(asProgram) != "" {
		main()
		return
	}
	gin.SetMode(gin.ReleaseMode)
	os.Exit(m.Run())
}

// eachRouter runs f for every router.
func eachRouter(t *testing.T, f func(t *testing.T, rt router)) {
	for _, rt := range routers {
		t.Run(rt.name, func(t *testing.T) { f(t, rt) })
	}
}

// A center is the contact center behind a router.
type center struct {
	t    *testing.T
	emu  *plivotest.Server
	flow *coaching.Flow
	base string                                   // the router's URL
	do   func(*http.Request) *http.Response       // sends a request to the router, and follows no redirect
	seen func(string) []plivotest.Callback        // of a kind, as the emulator sent them
	stop func()                                   // ends Flow.Run
	talk func() (coaching.CallID, *plivotest.Leg) // a customer calls and talks with Ann
}

// eachCenter runs f with the contact center behind every router: in memory and
// in a bubble, and over TCP.
func eachCenter(t *testing.T, f func(c *center)) {
	eachRouter(t, func(t *testing.T, rt router) {
		t.Run("memory", func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { f(inMemory(t, rt)) })
		})
		t.Run("tcp", func(t *testing.T) {
			t.Parallel()
			f(overTCP(t, rt))
		})
	})
}

func inMemory(t *testing.T, rt router) *center {
	c := &center{t: t, base: "https://voice.example.com"}
	app := c.open(rt, nil)
	c.emu.Mount(c.base, app)
	c.do = serveInMemory(app)
	return c
}

func overTCP(t *testing.T, rt router) *center {
	srv := httptest.NewUnstartedServer(nil)
	c := &center{t: t, base: "http://" + srv.Listener.Addr().String()}
	transport := &http.Transport{}
	srv.Config.Handler = c.open(rt, &http.Client{Transport: transport})
	srv.Start()
	t.Cleanup(func() { transport.CloseIdleConnections(); srv.Close() })
	c.do = serveOverTCP(t, srv)
	return c
}

// open returns the router.
func (c *center) open(rt router, callbacks *http.Client) http.Handler {
	c.emu = plivotest.NewServer(&plivotest.Options{HTTPClient: callbacks})
	c.emu.Phone(ann, &plivotest.PhonePlan{After: 20 * time.Millisecond})
	c.emu.Phone(lee, &plivotest.PhonePlan{After: 20 * time.Millisecond})
	var sent []plivotest.Callback
	lock := make(chan struct{}, 1)
	c.emu.CallbackFunc(func(cb plivotest.Callback) *plivotest.CallbackFault {
		lock <- struct{}{}
		sent = append(sent, cb)
		<-lock
		return nil
	})
	c.seen = func(kind string) (out []plivotest.Callback) {
		lock <- struct{}{}
		defer func() { <-lock }()
		for _, cb := range sent {
			if cb.Kind == kind {
				out = append(out, cb)
			}
		}
		return out
	}
	flow, h, err := newCenter(c.emu, c.base+"/voice/plivo")
	if err != nil {
		c.t.Fatal(err)
	}
	c.flow = flow
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- flow.Run(ctx) }()
	stopped := false
	c.stop = func() {
		if stopped {
			return
		}
		stopped = true
		cancel()
		if err := <-done; err != nil {
			c.t.Errorf("Run = %v, want nil", err)
		}
	}
	c.talk = func() (coaching.CallID, *plivotest.Leg) {
		c.t.Helper()
		id, err := firstCall(context.Background(), flow, c.emu)
		if err != nil {
			c.t.Fatal(err)
		}
		return id, c.emu.Legs()[0]
	}
	c.t.Cleanup(func() { c.stop(); c.emu.Close() })
	return rt.mount(flow.Handler(), nil, h)
}

// until waits for something that shows on the emulator.
func (c *center) until(what string, cond func() bool) {
	c.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	if err := c.emu.Until(ctx, cond); err != nil {
		c.t.Fatalf("%s: %v", what, err)
	}
}

// document is all that the books have of a call.
func (c *center) document(id coaching.CallID) string {
	c.t.Helper()
	call, err := c.flow.Call(coaching.AsHost(context.Background()), id)
	if err != nil {
		c.t.Fatal(err)
	}
	doc, err := coaching.EncodeCall(call)
	if err != nil {
		c.t.Fatal(err)
	}
	return string(doc)
}

// callback is a POST as Plivo sends it.
func callback(target string, form url.Values, token, nonce string) *http.Request {
	r := request("POST", target, form.Encode())
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("X-Plivo-Signature-V3-Nonce", nonce)
	r.Header.Set("X-Plivo-Signature-V3", plivotest.SignV3(token, "POST", target, form, nonce))
	return r
}

// request is one for the router of a center, or of one of the functions below.
func request(method, target, body string) *http.Request {
	r, err := http.NewRequest(method, target, strings.NewReader(body))
	if err != nil {
		panic(err)
	}
	return r
}

func serveInMemory(h http.Handler) func(*http.Request) *http.Response {
	return func(r *http.Request) *http.Response {
		in := httptest.NewRequestWithContext(r.Context(), r.Method, r.URL.RequestURI(), r.Body)
		in.Host, in.Header, in.ContentLength = r.Host, r.Header, r.ContentLength
		w := httptest.NewRecorder()
		h.ServeHTTP(w, in)
		return w.Result()
	}
}

func serveOverTCP(t *testing.T, srv *httptest.Server) func(*http.Request) *http.Response {
	client := srv.Client()
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return func(r *http.Request) *http.Response {
		resp, err := client.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		return resp
	}
}

// bothWays runs f with a router that has those behind it: in memory and over TCP.
// base is the router's URL.
func bothWays(t *testing.T, rt router, plivo, console http.Handler, h host, f func(t *testing.T, base string, do func(*http.Request) *http.Response)) {
	app := rt.mount(plivo, console, h)
	t.Run("memory", func(t *testing.T) { f(t, "http://voice.example.com", serveInMemory(app)) })
	t.Run("tcp", func(t *testing.T) {
		srv := httptest.NewServer(app)
		defer srv.Close()
		f(t, srv.URL, serveOverTCP(t, srv))
	})
}

func readAll(t *testing.T, resp *http.Response) string {
	t.Helper()
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}
