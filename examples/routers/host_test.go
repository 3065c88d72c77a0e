package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/mpc-coaching/coaching"
)

func anybody(*http.Request) (coaching.Actor, bool) { return coaching.Actor{ID: "lee"}, true }

// The host's own route has the status of the verb's error, and its parameters
// as they were before they were escaped.
func TestVerb(t *testing.T) {
	const id = "cc00112233445566"
	asked := coaching.Supervision{ID: "lee", Call: id, Reason: "busy"}
	for _, tt := range []struct {
		name   string
		path   string
		err    error
		sup    coaching.SupervisorID
		status int
		text   string // of the body's error
	}{
		{"done", "lee", nil, "lee", 200, ""},
		{"not found", "lee", fmt.Errorf("coaching: Barge: %w", coaching.ErrNotFound), "lee", 404, "coaching: Barge: not found"},
		{"conflict", "lee", fmt.Errorf("coaching: Barge: %w", coaching.ErrConflict), "lee", 409, "coaching: Barge: conflict"},
		{"not applied", "lee", fmt.Errorf("coaching: Barge: %w", coaching.ErrNotApplied), "lee", 409, "coaching: Barge: not applied"},
		{"unknown", "lee", fmt.Errorf("coaching: Barge: %w", coaching.ErrUnknown), "lee", 504, "coaching: Barge: outcome unknown"},
		{"the store's trouble", "lee", errors.New("dial tcp 10.0.0.7: refused"), "lee", 500, "Internal Server Error"},
		{"escaped", "lee%40example.com", nil, "lee@example.com", 200, ""},
		{"not escaped", "lee@example.com", nil, "lee@example.com", 200, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			eachRouter(t, func(t *testing.T, rt router) {
				barge := func(_ context.Context, c coaching.CallID, s coaching.SupervisorID) (coaching.Supervision, error) {
					if c != id || s != tt.sup {
						t.Errorf("barge(%q, %q), want (%q, %q)", c, s, id, tt.sup)
					}
					return asked, tt.err
				}
				bothWays(t, rt, http.NotFoundHandler(), nil, host{anybody, barge}, func(t *testing.T, base string, do func(*http.Request) *http.Response) {
					resp := do(request("POST", base+"/calls/"+id+"/supervisors/"+tt.path, ""))
					raw := readAll(t, resp)
					var body struct {
						Supervision coaching.Supervision
						Error       string
					}
					if err := json.Unmarshal([]byte(raw), &body); err != nil {
						t.Fatalf("body %q: %v", raw, err)
					}
					if resp.StatusCode != tt.status || body.Error != tt.text || body.Supervision.Reason != asked.Reason {
						t.Errorf("POST = %d %+v, want %d, %q and the supervision", resp.StatusCode, body, tt.status, tt.text)
					}
					if ct := resp.Header.Get("Content-Type"); !strings.HasPrefix(ct, "application/json") {
						t.Errorf("Content-Type = %q, want application/json", ct)
					}
				})
			})
		})
	}
}

// The Flow sees who asks: its Authorize lets Lee in and Ann not. Nobody gets as
// far as the verb unknown.
func TestActor(t *testing.T) {
	eachCenter(t, func(c *center) {
		id, _ := c.talk()
		for _, tt := range []struct {
			user, call, supervisor string
			want                   int
		}{
			{"", string(id), "lee", 401},
			{"eve", string(id), "lee", 401},
			{"ann", string(id), "lee", 403},
			{"lee", string(id), "mia", 403}, // before the Directory is asked, who does not know her
			{"lee", string(id)[:len(id)-6] + "ffffff", "lee", 404},
			{"lee", "no", "lee", 400},
			{"lee", string(id), "lee", 200},
			{"lee", string(id), "lee", 200}, // again is no mistake
		} {
			before := len(c.emu.Phone(lee, nil).Calls())
			r := request("POST", c.base+"/calls/"+tt.call+"/supervisors/"+tt.supervisor, "")
			if tt.user != "" {
				r.SetBasicAuth(tt.user, password)
			}
			resp := c.do(r)
			if body := readAll(c.t, resp); resp.StatusCode != tt.want {
				c.t.Errorf("%+v = %d %s", tt, resp.StatusCode, body)
			}
			if rung := len(c.emu.Phone(lee, nil).Calls()) > before; tt.want != 200 && rung {
				c.t.Errorf("%+v rang Lee", tt)
			}
		}
		if n := len(c.emu.Phone(lee, nil).Calls()); n != 1 {
			c.t.Errorf("Lee was rung %d times, want once", n)
		}
	})
}

// A panic is 500, and the next request is served.
func TestPanic(t *testing.T) {
	eachRouter(t, func(t *testing.T, rt router) {
		panics := true
		barge := func(context.Context, coaching.CallID, coaching.SupervisorID) (coaching.Supervision, error) {
			if panics {
				panic("the host's own mistake")
			}
			return coaching.Supervision{}, nil
		}
		bothWays(t, rt, http.NotFoundHandler(), nil, host{anybody, barge}, func(t *testing.T, base string, do func(*http.Request) *http.Response) {
			for _, want := range []int{500, 200} {
				panics = want == 500
				resp := do(request("POST", base+"/calls/1/supervisors/lee", ""))
				if body := readAll(t, resp); resp.StatusCode != want || strings.Contains(body, "mistake") {
					t.Errorf("POST with a panic: %t = %d %q, want %d", panics, resp.StatusCode, body, want)
				}
			}
		})
	})
}
