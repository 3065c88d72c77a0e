package coaching_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/mpc-coaching/coaching"
)

// A repeat changes nothing and gets the first answer again.
func TestR14HandlerRepeats(t *testing.T) {
	said := 0
	d := newDesk(t, func(c *coaching.Config) {
		c.Observer = deaf{}
		c.Exit = func(context.Context, coaching.Call, coaching.ExitReason) (coaching.Document, error) {
			said++
			return coaching.NewDocument(coaching.Speak{Text: fmt.Sprint("answer ", said)})
		}
	})
	for name, p := range deskPaths() {
		nonce := d.nonce()
		first := d.serve(d.request("POST", p.target, p.form, nonce, deskToken))
		d.ok(first)
		version := d.call().Version
		again := d.serve(d.request("POST", p.target, p.form, nonce, deskToken))
		other := d.serve(d.request("POST", p.target, p.form, d.nonce(), deskToken)) // a retry may be signed anew
		for _, w := range []*httptest.ResponseRecorder{again, other} {
			if w.Code != http.StatusOK || w.Body.String() != first.Body.String() {
				t.Errorf("%s again = %d %q, want 200 %q", name, w.Code, w.Body, first.Body)
			}
		}
		if got := d.call().Version; got != version {
			t.Errorf("%s again changed the call from version %d to %d", name, version, got)
		}
	}
}

// A body that comes in drops is read to its end; one that breaks off is no
// request, and one that stalls is the server's ReadTimeout to end.
func TestHandlerSlowBodies(t *testing.T) {
	send := func(d *desk, pause time.Duration, end error) *httptest.ResponseRecorder {
		r := d.request("POST", "/events"+deskQuery, deskEvent("MPCStart", "8", "agent", ""), d.nonce(), deskToken)
		body, err := io.ReadAll(r.Body)
		if err != nil {
			d.t.Fatal(err)
		}
		pr, pw := io.Pipe()
		go func() {
			for _, b := range body[:len(body)-1] {
				time.Sleep(pause)
				if _, err := pw.Write([]byte{b}); err != nil {
					return
				}
			}
			if end == nil {
				_, _ = pw.Write(body[len(body)-1:])
			}
			pw.CloseWithError(end)
		}()
		r.Body = pr
		return d.serve(r)
	}
	t.Run("in drops", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			d := newDesk(t)
			d.ok(send(d, 10*time.Millisecond, nil))
			if got := d.call().State; got != coaching.StateActive {
				t.Errorf("State = %v, want active", got)
			}
		})
	})
	t.Run("broken off", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			d := newDesk(t)
			if w := send(d, 0, io.ErrUnexpectedEOF); w.Code != http.StatusBadRequest {
				t.Errorf("answered %d, want 400", w.Code)
			}
			if got := d.call().State; got != coaching.StateWaiting {
				t.Errorf("State = %v, want waiting", got)
			}
		})
	})
	t.Run("stalled", func(t *testing.T) {
		d := newDesk(t)
		served := make(chan struct{})
		srv := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			defer close(served)
			d.h.ServeHTTP(w, r)
		}))
		srv.Config.ReadTimeout = 50 * time.Millisecond
		srv.Start()
		defer srv.Close()
		pr, pw := io.Pipe()
		defer pw.Close()
		go func() { _, _ = io.WriteString(pw, "EventName=MPCStart") }()
		r, err := http.NewRequest("POST", srv.URL+"/events", pr)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		resp, err := srv.Client().Do(r)
		if err == nil {
			resp.Body.Close()
			if resp.StatusCode/100 != 4 {
				t.Errorf("answered %d, want 4xx", resp.StatusCode)
			}
		}
		<-served
	})
}

// The handler may stand anywhere: behind a proxy that ends TLS, at a path that
// somebody strips, or that nobody does, or in part.
func TestR13HandlerMounting(t *testing.T) {
	strip := http.StripPrefix
	mux := func(pattern string, h http.Handler) http.Handler {
		m := http.NewServeMux()
		m.Handle(pattern, h)
		return m
	}
	// A sub-router in the manner of chi: it notes how far it has routed, and
	// leaves the request's path alone.
	sub := func(prefix string, h http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			rest, ok := strings.CutPrefix(r.URL.Path, prefix)
			if !ok {
				http.NotFound(w, r)
				return
			}
			h.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), routed{}, rest)))
		})
	}
	for _, c := range []struct {
		name, base string // path of PublicURL
		app        func(http.Handler) http.Handler
		proxy      string // path in front of the app's, as the proxy strips it
	}{
		{"at the root", "", func(h http.Handler) http.Handler { return h }, ""},
		{"at the root, in a mux", "", func(h http.Handler) http.Handler { return mux("/", h) }, ""},
		{"a path, as it comes", "/plivo", func(h http.Handler) http.Handler { return h }, ""},
		{"a path with a slash at its end", "/plivo/", func(h http.Handler) http.Handler { return mux("/plivo/", h) }, ""},
		{"StripPrefix", "/plivo", func(h http.Handler) http.Handler { return mux("/plivo/", strip("/plivo", h)) }, ""},
		{"a mux without StripPrefix", "/plivo", func(h http.Handler) http.Handler { return mux("/plivo/", h) }, ""},
		{"the proxy strips all", "/voice/plivo", func(h http.Handler) http.Handler { return h }, "/voice/plivo"},
		{"the proxy strips half", "/voice/plivo", func(h http.Handler) http.Handler { return mux("/plivo/", h) }, "/voice"},
		{"the proxy strips half, the app the rest", "/voice/plivo", func(h http.Handler) http.Handler { return mux("/plivo/", strip("/plivo", h)) }, "/voice"},
		{"a sub-router", "/plivo", func(h http.Handler) http.Handler { return sub("/plivo", h) }, ""},
		{"sub-routers within sub-routers", "/a/b/c", func(h http.Handler) http.Handler { return sub("/a", sub("/a/b", h)) }, ""},
		{"a sub-router below a stripped one", "/a/b", func(h http.Handler) http.Handler { return strip("/a", sub("/b", h)) }, ""},
		{"a path with escapes", "/caf%C3%A9/a%20b", func(h http.Handler) http.Handler { return h }, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			var app atomic.Pointer[http.Handler]
			inner := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { (*app.Load()).ServeHTTP(w, r) }))
			defer inner.Close()
			to, err := url.Parse(inner.URL)
			if err != nil {
				t.Fatal(err)
			}
			front := httptest.NewTLSServer(strip(c.proxy, &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) {
				r.SetURL(to) // and the app's own Host
				r.Out.Header.Set("X-Forwarded-Host", "evil.example")
				r.Out.Header.Set("X-Forwarded-Proto", "ftp")
				r.Out.Header.Set("X-Forwarded-Prefix", "/evil")
			}}))
			defer front.Close()
			var h http.Handler
			d := &desk{t: t, public: front.URL + strings.TrimRight(c.base, "/")}
			flow, err := coaching.New(coaching.Config{Plivo: deskSDK(t), PublicURL: front.URL + c.base, Prefix: deskPrefix, Route: coaching.RingOnce(agentAnn)})
			if err != nil {
				t.Fatal(err)
			}
			h = c.app(flow.Handler())
			app.Store(&h)
			post := func(target string, form url.Values, token string) int {
				nonce := d.nonce()
				r, err := http.NewRequest("POST", d.public+target, strings.NewReader(form.Encode()))
				if err != nil {
					t.Fatal(err)
				}
				r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
				sign(r, d.public+target, form, nonce, token)
				resp, err := front.Client().Do(r)
				if err != nil {
					t.Fatal(err)
				}
				defer resp.Body.Close()
				return resp.StatusCode
			}
			if got := post("/answer?lang=fr", deskAnswer(), deskToken); got != 200 {
				t.Errorf("/answer = %d, want 200", got)
			}
			if got := post("/events"+deskQuery, deskEvent("MPCInitialized", "7", "customer", deskCustomer), deskToken); got != 200 {
				t.Errorf("/events = %d, want 200", got)
			}
			if got := post("/events"+deskQuery, deskEvent("MPCStart", "7", "customer", deskCustomer), "another"); got != 403 {
				t.Errorf("/events signed by another = %d, want 403", got)
			}
			if got := post("/nothing", url.Values{}, deskToken); got != 404 {
				t.Errorf("/nothing = %d, want 404", got)
			}
			if got, err := flow.Call(t.Context(), deskCall); err != nil || got.State != coaching.StateWaiting || got.Query["lang"][0] != "fr" {
				t.Errorf("Call = %v, %v, want it waiting, with its query", got.State, err)
			}
		})
	}
}

type routed struct{}
