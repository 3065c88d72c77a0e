package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httputil"
	"net/url"
	"time"

	"github.com/mpc-coaching/coaching/plivotest"
)

// The emulator's credentials where the environment names none.
const (
	emulatedID    = "MAXXXXXXXXXXXXXXXXXX"
	emulatedToken = "secret"
)

// An emulation is Plivo and everybody's phones: in this process, or an
// emulator that runs elsewhere.
type emulation struct {
	server  *plivotest.Server // nil if it runs elsewhere
	rest    *http.Client      // in place of one that reaches Plivo's API
	control http.Handler      // the emulator's paths, for the pages
	api     jsonClient        // the same, for this program
}

// emulateHere starts an emulator that delivers callbacks to app in memory.
func emulateHere(authID, authToken, publicURL string, app http.Handler) *emulation {
	s := plivotest.NewServer(&plivotest.Options{AuthID: authID, AuthToken: authToken})
	s.Mount(publicURL, app)
	return &emulation{server: s, rest: s.Client(), control: s, api: jsonClient{"http://emulator", s.Client()}}
}

// emulateAt uses the emulator at a URL.
func emulateAt(base string) (*emulation, error) {
	u, err := url.Parse(base)
	if err != nil {
		return nil, err
	}
	proxy := &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) {
		r.SetURL(u)
		r.Out.Header.Del("Origin") // checked here; the emulator would compare it with its own host
	}}
	return &emulation{
		rest:    &http.Client{Transport: toHost{u}, Timeout: 15 * time.Second},
		control: proxy,
		api:     jsonClient{base, &http.Client{Timeout: 10 * time.Second}},
	}, nil
}

func (e *emulation) close() {
	if e.server != nil {
		e.server.Close()
	}
}

// settle waits for the last callbacks, so that they do not find the program
// gone. Of an emulator elsewhere nothing is known.
func (e *emulation) settle(ctx context.Context) {
	if e.server != nil {
		ctx, cancel := context.WithTimeout(ctx, shutdownTime)
		defer cancel()
		e.server.Wait(ctx) // those that take longer are lost, as in a crash
	}
}

// toHost sends every request to one host, whatever its URL says.
type toHost struct{ base *url.URL }

func (t toHost) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.URL.Scheme, r.URL.Host, r.Host = t.base.Scheme, t.base.Host, t.base.Host
	return http.DefaultTransport.RoundTrip(r)
}

// rent gives the hotlines and the supervisors' endpoints their answer URLs, and
// the staff their phones: each rings until somebody answers it by hand. A phone
// that is there already is left as it is.
func (e *emulation) rent(ctx context.Context, s staff, flowURL string) error {
	for _, number := range s.hotlines() {
		if err := e.number(ctx, number, flowURL+"/answer"); err != nil {
			return err
		}
	}
	for _, p := range s.people {
		if p.Role == supervisorRole {
			if err := e.number(ctx, p.Address, flowURL+"/supervisor"); err != nil {
				return err
			}
		}
		var phone struct{ Plan string }
		if err := e.api.call(ctx, "GET", phonePath(p.Address), nil, &phone); err != nil {
			return err
		}
		if phone.Plan == plivotest.Unregistered.String() {
			if err := e.api.call(ctx, "PUT", phonePath(p.Address), plan(plivotest.Manual), nil); err != nil {
				return err
			}
		}
	}
	return nil
}

func (e *emulation) number(ctx context.Context, address, answerURL string) error {
	return e.api.call(ctx, "PUT", "/_/numbers/"+url.PathEscape(address), map[string]string{"answer_url": answerURL}, nil)
}

func phonePath(address string) string { return "/_/phones/" + url.PathEscape(address) }

// plan is what a phone does with a call, for the emulator. One that is in a
// call is busy for the next.
func plan(a plivotest.Action) map[string]any {
	return map[string]any{"plan": a.String(), "busy_in_call": true}
}

// A jsonClient talks with an API by paths below its base.
type jsonClient struct {
	base string
	http *http.Client
}

// A statusError is an answer outside 2xx.
type statusError struct {
	request string
	status  int
	body    string
}

func (e *statusError) Error() string {
	return fmt.Sprintf("%s = %d %s", e.request, e.status, e.body)
}

// call sends in as JSON, if it is not nil, and reads the answer into out, if
// that is not nil. An answer outside 2xx is a *statusError.
func (c jsonClient) call(ctx context.Context, method, path string, in, out any) error {
	var body io.Reader
	if in != nil {
		data, err := json.Marshal(in)
		if err != nil {
			return err
		}
		body = bytes.NewReader(data)
	}
	req, err := http.NewRequestWithContext(ctx, method, c.base+path, body)
	if err != nil {
		return err
	}
	if in != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(io.LimitReader(resp.Body, 4<<20))
	if err != nil {
		return err
	}
	if resp.StatusCode/100 != 2 {
		return &statusError{method + " " + path, resp.StatusCode, string(data[:min(len(data), 300)])}
	}
	if out == nil || len(data) == 0 {
		return nil
	}
	if err := json.Unmarshal(data, out); err != nil {
		return fmt.Errorf("%s %s: %w", method, path, err)
	}
	return nil
}
