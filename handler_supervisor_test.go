package coaching_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/mpc-coaching/coaching"
)

// Whoever dials in without a good ticket hears the same, whatever the reason,
// so that nothing can be learnt by trying (R17).
func TestR17EveryRefusalSoundsTheSame(t *testing.T) {
	const leg, other = "11f9bf0e-2c78-4d85-b1a4-6eae7dbafb36", "22f9bf0e-2c78-4d85-b1a4-6eae7dbafb36"
	issue := func(d *desk, o *coaching.TicketOptions) string {
		d.t.Helper()
		ticket, err := d.flow.Ticket(d.t.Context(), deskCall, supLee, o)
		if err != nil {
			d.t.Fatal(err)
		}
		_, value := ticket.Header()
		return value
	}
	dial := func(d *desk, value, leg string) *httptest.ResponseRecorder {
		return d.post("/supervisor", deskTicket(value, leg))
	}
	secret := func(value string) string { return value[len(deskCall):] }
	refusals := map[string]func(d *desk) *httptest.ResponseRecorder{
		"no ticket":       func(d *desk) *httptest.ResponseRecorder { return dial(d, "", leg) },
		"not even a form": func(d *desk) *httptest.ResponseRecorder { return d.post("/supervisor", deskLeg("ringing")) },
		"malformed":       func(d *desk) *httptest.ResponseRecorder { return dial(d, "'; DROP TABLE calls; --", leg) },
		"too long":        func(d *desk) *httptest.ResponseRecorder { return dial(d, strings.Repeat("a", 97), leg) },
		"guessed": func(d *desk) *httptest.ResponseRecorder {
			issue(d, nil)
			return dial(d, string(deskCall)+strings.Repeat("0", 32), leg)
		},
		"one digit off": func(d *desk) *httptest.ResponseRecorder {
			v, last := issue(d, nil), "0"
			if strings.HasSuffix(v, last) {
				last = "1"
			}
			return dial(d, v[:len(v)-1]+last, leg)
		},
		"a call that does not exist": func(d *desk) *httptest.ResponseRecorder {
			return dial(d, deskPrefix+"00000000000000000000000000000000"+secret(issue(d, nil)), leg)
		},
		"another application's call": func(d *desk) *httptest.ResponseRecorder {
			return dial(d, "otherapp3e82ae9d2c784d85"+secret(issue(d, nil)), leg)
		},
		"another call's": func(d *desk) *httptest.ResponseRecorder {
			form := deskAnswer()
			form.Set("CallUUID", "4f93bf0e-2c78-4d85-b1a4-6eae7dbafb36")
			d.ok(d.post("/answer", form))
			return dial(d, deskPrefix+"4f93bf0e2c784d85b1a46eae7dbafb36"+secret(issue(d, nil)), leg)
		},
		"used": func(d *desk) *httptest.ResponseRecorder {
			v := issue(d, nil)
			if w := dial(d, v, other); !strings.Contains(w.Body.String(), "<MultiPartyCall") {
				d.t.Errorf("a good ticket gets %d %s", w.Code, w.Body)
			}
			return dial(d, v, leg)
		},
		"expired": func(d *desk) *httptest.ResponseRecorder {
			v := issue(d, &coaching.TicketOptions{TTL: 5 * time.Second})
			time.Sleep(5 * time.Second)
			return dial(d, v, leg)
		},
		"of a supervisor who is in": func(d *desk) *httptest.ResponseRecorder {
			first, second := issue(d, nil), issue(d, nil)
			d.ok(dial(d, first, other))
			return dial(d, second, leg)
		},
		"of a call that has ended": func(d *desk) *httptest.ResponseRecorder {
			v := issue(d, nil)
			d.ok(d.event("MPCEnd", "", "", ""))
			return dial(d, v, leg)
		},
		"used in a call that has ended": func(d *desk) *httptest.ResponseRecorder {
			v := issue(d, nil)
			d.ok(dial(d, v, leg))
			d.ok(d.event("MPCEnd", "", "", ""))
			return dial(d, v, leg)
		},
		"in a full call": func(d *desk) *httptest.ResponseRecorder {
			v := issue(d, nil)
			for i := range 9 {
				d.ok(d.event("ParticipantJoin", fmt.Sprint(100+i), "agent", fmt.Sprintf("%08x-2c78-4d85-b1a4-6eae7dbafb36", i)))
			}
			return dial(d, v, leg)
		},
		"not allowed any more": func(d *desk) *httptest.ResponseRecorder { return dial(d, issue(d, nil), leg) },
		"not allowed in time":  func(d *desk) *httptest.ResponseRecorder { return dial(d, issue(d, nil), leg) },
		"while the store is down": func(d *desk) *httptest.ResponseRecorder {
			v := issue(d, nil)
			d.store.down.Store(true)
			return dial(d, v, leg)
		},
	}
	want := map[string]string{}
	for name, refused := range refusals {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				d := newDesk(t, func(c *coaching.Config) {
					if strings.HasPrefix(name, "not allowed") {
						c.RouteTimeout = time.Minute
						c.Authorize = func(ctx context.Context, r coaching.AccessRequest) error {
							if r.Op == "Redeem" {
								if name == "not allowed in time" {
									<-ctx.Done()
								}
								return errors.New("has gone home")
							}
							return nil
						}
					}
				})
				before, begun := d.call(), time.Now()
				w := refused(d)
				if took := time.Since(begun); took > 14*time.Second {
					t.Errorf("answered after %v, Plivo waits 15 s", took)
				}
				if w.Code != http.StatusOK || strings.Contains(w.Body.String(), "MultiPartyCall") || !strings.Contains(w.Body.String(), "<Hangup") {
					t.Fatalf("answered %d %s, want a document that hangs up", w.Code, w.Body)
				}
				said := fmt.Sprint(w.Code, w.Header(), w.Body)
				for name, other := range want {
					if said != other {
						t.Errorf("answered %s, but %q gets %s", said, name, other)
					}
				}
				want[name] = said
				if s, ok := d.call().Supervision("lee"); ok && len(before.Supervisions) == 0 && !strings.Contains(name, "used") && name != "of a supervisor who is in" {
					t.Errorf("a refused supervisor is in the books: %+v", s)
				}
			})
		})
	}
}

// A good ticket lets one call in, and that call again if it asks again.
func TestSupervisorTicket(t *testing.T) {
	const leg = "11f9bf0e-2c78-4d85-b1a4-6eae7dbafb36"
	for mode, mute := range map[coaching.CoachMode]string{coaching.ModeMonitor: `mute="true"`, coaching.ModeCoach: `mute="false"`} {
		t.Run(mode.String(), func(t *testing.T) {
			d := newDesk(t)
			ticket, err := d.flow.Ticket(coaching.WithActor(t.Context(), coaching.Actor{ID: "lee"}), deskCall, supLee, &coaching.TicketOptions{Mode: mode})
			if err != nil {
				t.Fatal(err)
			}
			_, value := ticket.Header()
			first := d.post("/supervisor", deskTicket(value, leg))
			again := d.post("/supervisor", deskTicket(value, leg))
			if first.Body.String() != again.Body.String() || first.Code != 200 {
				t.Errorf("the same call gets %d %s, then %d %s", first.Code, first.Body, again.Code, again.Body)
			}
			for _, want := range []string{`role="Supervisor"`, `coachMode="true"`, mute, `startMpcOnEnter="false"`, `endMpcOnExit="false"`, `enterSound="none"`, ">" + string(deskCall) + "<"} {
				if !strings.Contains(first.Body.String(), want) {
					t.Errorf("the document lacks %s: %s", want, first.Body)
				}
			}
			if s, ok := d.call().Supervision("lee"); !ok || s.Want != mode || s.Actor.ID != "lee" {
				t.Errorf("Supervision = %+v, %v, want one in %v asked for by lee", s, ok, mode)
			}
		})
	}
}
