package coaching_test

import (
	"context"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/mpc-coaching/coaching"
	"github.com/mpc-coaching/coaching/plivotest"
)

// R14 and R15: repeats, order, and what Plivo is answered.

// essence is what stays of a call when times and versions go.
func essence(c coaching.Call) coaching.Call {
	c.Version = 0
	return c
}

var sameCall = cmp.Options{
	cmpopts.IgnoreUnexported(coaching.Call{}, coaching.Participant{}, coaching.Supervision{}),
	cmpopts.IgnoreTypes(time.Time{}),
	cmpopts.EquateEmpty(),
}

// R14: every callback comes twice, at once or late. The story ends as it does
// without, with the same phones rung, and each double gets the same answer.
func TestR14Doubled(t *testing.T) {
	story := func(t *testing.T, double time.Duration) (end coaching.Call, dials int, heard []string) {
		bubble(t, func(t *testing.T) {
			s := open(t, nil)
			if double > 0 {
				s.srv.CallbackFunc(func(plivotest.Callback) *plivotest.CallbackFault {
					return &plivotest.CallbackFault{Double: true, DoubleDelay: double}
				})
			}
			c, _, id := s.connected()
			ctx := t.Context()
			if _, err := s.flow.Barge(ctx, id, supLee, nil); err != nil {
				t.Errorf("Barge = %v", err)
			}
			if _, err := s.flow.TakeOver(ctx, id, supLee, &coaching.TakeOverOptions{Agent: coaching.AgentMute}); err != nil {
				t.Errorf("TakeOver = %v", err)
			}
			after(10 * time.Second)
			if _, err := s.flow.HandBack(ctx, id, "lee", nil); err != nil {
				t.Errorf("HandBack = %v", err)
			}
			after(2 * time.Minute)
			end, dials, heard = s.book(id), len(s.requests("AddParticipant")), sounds(c)
		})
		return end, dials, heard
	}
	want, dials, heard := story(t, 0)
	for _, d := range []time.Duration{time.Nanosecond, 100 * time.Millisecond, 3 * time.Second, 45 * time.Second} {
		t.Run(d.String(), func(t *testing.T) {
			got, n, sounds := story(t, d)
			if diff := cmp.Diff(essence(want), essence(got), sameCall); diff != "" {
				t.Errorf("the call with doubled callbacks differs (-want +got):\n%s", diff)
			}
			if n != dials {
				t.Errorf("%d dials, want %d", n, dials)
			}
			if diff := cmp.Diff(heard, sounds); diff != "" {
				t.Errorf("the customer's sounds differ (-want +got):\n%s", diff)
			}
		})
	}
}

// R14: the same letter again gets the same answer again, while the call lives
// and when it is over; the books stay as they are.
func TestR14SameAnswer(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := open(t, nil)
		m := &mailroom{}
		var mu sync.Mutex
		answers := map[int]string{}
		inner := s.flow.Handler()
		s.front.set(m.keep(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			p := &paper{header: http.Header{}}
			inner.ServeHTTP(p, r)
			mu.Lock()
			answers[len(m.all())-1] = p.body.String()
			mu.Unlock()
			w.WriteHeader(max(p.status, 200))
			_, _ = w.Write(p.body.Bytes())
		})))
		c, _, id := s.connected()
		if _, err := s.flow.Barge(t.Context(), id, supLee, nil); err != nil {
			t.Errorf("Barge = %v", err)
		}
		s.front.set(inner) // from now on nothing is kept
		again := func(when string, kinds ...string) {
			t.Helper()
			before := s.book(id)
			n := len(s.srv.Requests())
			for k, l := range m.all() {
				for _, kind := range kinds {
					if strings.Contains(l.url, kind) {
						if status, body := s.post(l); status != http.StatusOK || body != answers[k] {
							t.Errorf("%s: %s again = %d %q, want 200 %q", when, l.url, status, body, answers[k])
						}
					}
				}
			}
			after(time.Second)
			if diff := cmp.Diff(essence(before), essence(s.book(id)), sameCall); diff != "" {
				t.Errorf("%s: repeats changed the call (-before +after):\n%s", when, diff)
			}
			if got := len(s.srv.Requests()) - n; got > 2 {
				t.Errorf("%s: repeats caused %d requests", when, got)
			}
		}
		again("live", "/answer", "/events", "/leg")
		c.Hangup()
		after(5 * time.Second)
		again("ended", "/events", "/leg")
	})
}

// R14: callbacks leave in any order, and some never arrive. The story ends the
// same.
func TestR14ReorderedAndLost(t *testing.T) {
	for seed := range uint64(12) {
		bubble(t, func(t *testing.T) {
			s := open(t, &plivotest.Options{Seed: seed})
			n := seed
			s.srv.CallbackFunc(func(cb plivotest.Callback) *plivotest.CallbackFault {
				if cb.Kind != "status" && cb.Kind != "leg" {
					return nil
				}
				n = n*6364136223846793005 + 1442695040888963407
				switch n >> 61 {
				case 0, 1:
					return &plivotest.CallbackFault{Drop: true}
				case 2, 3, 4:
					return &plivotest.CallbackFault{Delay: time.Duration(n>>40%4000) * time.Millisecond}
				}
				return nil
			})
			c := s.call()
			s.eventually("they talk", func() bool { return s.talks(c, s.leg(ann)) })
			after(15 * time.Second)
			id := s.id(c)
			if _, err := s.flow.Barge(t.Context(), id, supLee, nil); err != nil {
				t.Errorf("seed %d: Barge = %v", seed, err)
			}
			if !s.talks(c, s.leg(ann)) {
				t.Errorf("seed %d: customer and agent do not talk any more", seed)
			}
			c.Hangup()
			after(90 * time.Second)
			if got := s.book(id); got.State != coaching.StateEnded {
				t.Errorf("seed %d: the call is %v, want ended", seed, got.State)
			}
			for _, l := range s.srv.Legs() {
				if l.State() != plivotest.Ended {
					t.Errorf("seed %d: the call with %s is %s", seed, l.Phone().Address(), l.State())
				}
			}
			if n := len(s.srv.Legs()); n != 3 {
				t.Errorf("seed %d: there were %d calls, want customer, agent and supervisor", seed, n)
			}
		})
	}
}

// R15: each status code.
func TestR15Answers(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s, a := crowd(t, 1, nil)
		var mu sync.Mutex
		var records []coaching.Record
		a.to[0] = s.instance(true, func(cfg *coaching.Config) {
			cfg.Observer = observerFunc(func(r coaching.Record) {
				mu.Lock()
				defer mu.Unlock()
				records = append(records, r)
			})
		})
		s.flow = a.to[0].flow
		_, _, id := s.connected()
		events, leg := "/events?call="+string(id), "/leg?call="+string(id)
		good := form("EventName", "ParticipantMute", "MPCUUID", s.book(id).MPC, "MPCName", string(id), "MemberID", "1001", "ParticipantRole", "customer")
		change := func(l letter, f func(*letter)) letter { f(&l); return l }
		tests := []struct {
			name   string
			l      letter
			down   bool
			status int
		}{
			{"good", s.sign(events, good, "n1"), false, 200},
			{"again", s.sign(events, good, "n1"), false, 200},
			{"nonce of another body", s.sign(events, form("EventName", "MPCStart", "MPCUUID", s.book(id).MPC, "MPCName", string(id)), "n1"), false, 403},
			{"unknown event", s.sign(events, form("EventName", "ParticipantSneezed", "MPCUUID", s.book(id).MPC, "MPCName", string(id)), "n2"), false, 200},
			{"not our prefix", s.sign("/events", form("EventName", "MPCStart", "MPCUUID", s.book(id).MPC, "MPCName", "somebodyelses0000"), "n3"), false, 200},
			{"bad signature", change(s.sign(events, good, "n4"), func(l *letter) { l.header.Set("X-Plivo-Signature-V3", "AAAA") }), false, 403},
			{"no signature", change(s.sign(events, good, "n5"), func(l *letter) { l.header.Del("X-Plivo-Signature-V3") }), false, 403},
			{"no nonce", change(s.sign(events, good, "n6"), func(l *letter) { l.header.Del("X-Plivo-Signature-V3-Nonce") }), false, 403},
			{"another call in the query", change(s.sign(events, good, "n7"), func(l *letter) { l.url += "0" }), false, 403},
			{"no event name", s.sign(events, form("MPCUUID", s.book(id).MPC), "n8"), false, 400},
			{"malformed uuid", s.sign(events, form("EventName", "MPCStart", "MPCUUID", "../x", "MPCName", string(id)), "n9"), false, 400},
			{"repeated field", s.sign(events, form("EventName", "MPCStart", "MPCUUID", s.book(id).MPC, "MPCUUID", s.book(id).MPC, "MPCName", string(id)), "n10"), false, 400},
			{"body not a form", change(s.sign(events, good, "n11"), func(l *letter) { l.header.Set("Content-Type", "application/json") }), false, 415},
			{"body too long", change(s.sign(events, good, "n12"), func(l *letter) { l.body = append(l.body, strings.Repeat("x", 65<<10)...) }), false, 413},
			{"wrong method", change(s.sign(events, good, "n13"), func(l *letter) { l.method = http.MethodPut }), false, 405},
			{"unknown path", s.sign("/nowhere", good, "n14"), false, 404},
			{"store down", s.sign(events, form("EventName", "MPCStart", "MPCUUID", s.book(id).MPC, "MPCName", string(id)), "n15"), true, 503},
			{"leg", s.sign(leg, form("CallUUID", "ca000009-0000-4000-8000-000000000001", "CallStatus", "ringing", "To", ann), "n16"), false, 200},
			{"leg without call", s.sign(leg, form("CallStatus", "ringing"), "n17"), false, 400},
			{"leg, store down", s.sign(leg, form("CallUUID", "ca000009-0000-4000-8000-000000000001", "CallStatus", "busy", "To", ann), "n18"), true, 503},
			{"answer without call", s.sign("/answer", form("From", caller, "To", hotline), "n19"), false, 400},
			{"supervisor without call", s.sign("/supervisor", form("From", lee), "n20"), false, 400},
		}
		for _, tt := range tests {
			if tt.down {
				a.to[0].storeDown(time.Hour)
			}
			begun := time.Now()
			status, body := s.post(tt.l)
			if status != tt.status {
				t.Errorf("%s = %d %q, want %d", tt.name, status, body, tt.status)
			}
			if status == http.StatusOK && body != "" {
				t.Errorf("%s: body %q, want none", tt.name, body)
			}
			if d := time.Since(begun); d > 4100*time.Millisecond {
				t.Errorf("%s took %v, want at most 4s", tt.name, d)
			}
			a.to[0].storeDown(0)
		}
		mu.Lock()
		defer mu.Unlock()
		counted := map[coaching.RecordKind]int{}
		for _, r := range records {
			counted[r.Kind] += r.Count
		}
		if counted[coaching.RecordUnknown] != 1 || counted[coaching.RecordRefused] < 8 {
			t.Errorf("counters %v, want one unknown and at least 8 refused", counted)
		}
	})
}

// R15: an exit that cannot be stored still gets its document, and a supervisor
// is refused where the store is down, with the words for every refusal.
func TestR15StoreDownDocuments(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s, a := crowd(t, 1, nil)
		_, _, id := s.connected()
		ticket, err := s.flow.Ticket(t.Context(), id, supLee, nil)
		if err != nil {
			t.Fatalf("Ticket = %v", err)
		}
		_, value := ticket.Header()
		dial := form("CallUUID", "ca000009-0000-4000-8000-000000000001", "From", lee, "To", lee, "X-PH-Ticket", value)
		a.to[0].storeDown(time.Hour)
		_, down := s.post(s.sign("/supervisor", dial, "n1"))
		_, exit := s.post(s.sign("/exit?call="+string(id), form("MPCUUID", "ac000009-0000-4000-8000-000000000001", "MemberID", "1001", "MPCFriendlyName", string(id), "ParticipantRole", "customer",
			"CallUUID", "ca000009-0000-4000-8000-000000000002"), "n2"))
		a.to[0].storeDown(0)
		dial.Set("X-PH-Ticket", "nonsense")
		_, refused := s.post(s.sign("/supervisor", dial, "n3"))
		if down != refused || !strings.Contains(down, "<Speak") || strings.Contains(down, "MultiPartyCall") {
			t.Errorf("/supervisor with the store down = %q, want the refusal %q", down, refused)
		}
		if !strings.Contains(exit, "<Response>") {
			t.Errorf("/exit with the store down = %q, want a document", exit)
		}
	})
}

// An observerFunc is an Observer.
type observerFunc func(coaching.Record)

func (f observerFunc) Observe(_ context.Context, r coaching.Record) { f(r) }

// R14: reads may be stale, and show somebody whose exit has been told. They are
// not back: their line is dead, and whoever took them for an agent would leave
// the customer alone.
func TestR14StaleReadBringsNobodyBack(t *testing.T) {
	for seed := range uint64(6) {
		bubble(t, func(t *testing.T) {
			s := open(t, &plivotest.Options{Seed: seed, Switches: plivotest.Switches{StaleReads: 2 * time.Second}}, ringing(agentBob))
			s.phone(bob, plivotest.PhonePlan{After: 2 * time.Second})
			c := s.call()
			s.eventually("they talk", func() bool { return s.talks(c, s.leg(bob)) })
			after(5 * time.Second)
			id, b := s.id(c), s.leg(bob)
			if _, err := s.flow.Barge(t.Context(), id, supLee, nil); err != nil {
				t.Fatalf("Barge = %v", err)
			}
			gone := member(s.leg(lee))
			s.leg(lee).Hangup()
			after(300 * time.Millisecond)
			reads := len(s.requests("ListParticipants"))
			hold := make(chan error, 1) // reads until it shows
			go func() { hold <- s.flow.Hold(t.Context(), id, member(b)) }()
			for range 100 {
				if p, ok := s.book(id).Participant(gone); !ok || p.Live() {
					t.Fatalf("seed %d: the supervisor who hung up is in the books again: %+v", seed, p)
				}
				after(50 * time.Millisecond)
			}
			if err := <-hold; err != nil {
				t.Errorf("seed %d: Hold = %v", seed, err)
			}
			if len(s.requests("ListParticipants")) == reads {
				t.Errorf("seed %d: nothing was read in that time", seed)
			}
		})
	}
}
