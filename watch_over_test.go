package coaching_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/mpc-coaching/coaching"
	"github.com/mpc-coaching/coaching/plivotest"
)

// What tests look at: requests, sounds, and what a customer hears at every
// instant.

// requests returns the requests of an operation, oldest first.
func (s *shop) requests(op string) []plivotest.RequestRecord {
	var out []plivotest.RequestRecord
	for _, r := range s.srv.Requests() {
		if r.Op == op {
			out = append(out, r)
		}
	}
	return out
}

// dials checks how many requests have rung phones.
func (s *shop) dials(when string, want int) {
	s.t.Helper()
	if got := len(s.requests("AddParticipant")); got != want {
		s.t.Errorf("%s: %d requests rang phones, want %d", when, got, want)
	}
}

// sounds returns what a leg heard besides voices, in order, as "kind:name".
func sounds(l *plivotest.Leg) []string {
	var out []string
	for _, x := range l.Sounds() {
		switch x.Kind {
		case "speak", "play":
			out = append(out, x.Kind)
		case "beep":
			out = append(out, x.Name)
		default:
			out = append(out, x.Kind)
		}
	}
	return out
}

// heardExactly checks the sounds of a leg.
func (s *shop) heardExactly(who string, l *plivotest.Leg, want ...string) {
	s.t.Helper()
	if got := sounds(l); !slices.Equal(got, want) {
		s.t.Errorf("%s heard the sounds %q, want %q", who, got, want)
	}
}

// farewell says whether the leg heard the farewell of nobody available.
func farewell(l *plivotest.Leg) bool {
	return slices.ContainsFunc(l.Sounds(), func(x plivotest.Sound) bool {
		return x.Kind == "speak" && strings.Contains(x.Name, "nobody is available")
	})
}

// A vigil watches what a customer hears at every instant.
type vigil struct {
	s        *shop
	customer *plivotest.Leg
	mu       sync.Mutex
	since    time.Time // of the silence under way
	longest  time.Duration
	heard    []string // addresses of supervisors heard, in order
}

// watchOver begins a vigil. There is one at a time.
func (s *shop) watchOver(customer *plivotest.Leg) *vigil {
	v := &vigil{s: s, customer: customer}
	s.srv.OnChange(v.look)
	return v
}

func (v *vigil) look() {
	supervised, company := "", false
	listening := v.customer.Listening()
	if listening == "mpc" {
		for _, l := range v.s.srv.Legs() {
			if l == v.customer || !v.s.srv.Hears(v.customer, l) {
				continue
			}
			company = true
			if a := l.Phone().Address(); a == lee || a == mia {
				supervised = a
			}
		}
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	if supervised != "" && (len(v.heard) == 0 || v.heard[len(v.heard)-1] != supervised) {
		v.heard = append(v.heard, supervised)
	}
	silent := listening == "silence" || listening == "mpc" && !company
	switch {
	case silent && v.since.IsZero():
		v.since = time.Now()
	case !silent && !v.since.IsZero():
		v.longest = max(v.longest, time.Since(v.since))
		v.since = time.Time{}
	}
}

// silence returns the longest silence so far.
func (v *vigil) silence() time.Duration {
	v.mu.Lock()
	defer v.mu.Unlock()
	if !v.since.IsZero() {
		return max(v.longest, time.Since(v.since))
	}
	return v.longest
}

// supervisors returns which supervisors the customer heard.
func (v *vigil) supervisors() []string {
	v.mu.Lock()
	defer v.mu.Unlock()
	return slices.Clone(v.heard)
}

// atMost checks that no silence was longer.
func (v *vigil) atMost(d time.Duration) {
	v.s.t.Helper()
	if got := v.silence(); got > d {
		v.s.t.Errorf("the customer heard silence for %v, want at most %v", got, d)
	}
}

// unheard checks that the customer heard no supervisor.
func (v *vigil) unheard() {
	v.s.t.Helper()
	if got := v.supervisors(); len(got) > 0 {
		v.s.t.Errorf("the customer heard supervisors: %v", got)
	}
}

// phone changes the plan of a phone.
func (s *shop) phone(address string, p plivotest.PhonePlan) *plivotest.Phone {
	return s.srv.Phone(address, &p)
}

// talks says whether two legs hear each other.
func (s *shop) talks(a, b *plivotest.Leg) bool {
	return a != nil && b != nil && s.srv.Hears(a, b) && s.srv.Hears(b, a)
}

// member returns the MemberID behind a leg.
func member(l *plivotest.Leg) coaching.MemberID { return coaching.MemberID(l.MemberID()) }

// ringing routes every question to the agents given, in turn, one attempt each.
func ringing(agents ...coaching.Agent) func(*coaching.Config) {
	return func(cfg *coaching.Config) {
		cfg.Route = func(_ context.Context, c coaching.Call) (coaching.Next, error) {
			if len(agents) == 0 {
				return coaching.Next{}, nil
			}
			return coaching.Next{Ring: []coaching.Agent{agents[len(c.Attempts)%len(agents)]}, For: 10 * time.Second}, nil
		}
	}
}

func ptr[T any](v T) *T { return &v }

// foreign changes a participant behind the library's back, as a colleague with
// the account's credentials might.
func (s *shop) foreign(l *plivotest.Leg, u coaching.ParticipantUpdate) {
	s.t.Helper()
	client := coaching.NewClient(s.cfg.Plivo, s.srv.Client())
	if err := client.UpdateParticipants(s.t.Context(), coaching.ByUUID(l.MPCUUID()), coaching.MemberIDs(member(l)), u); err != nil {
		s.t.Fatal(err)
	}
}

// readAll returns a function that makes fresh bodies of a request's.
func readAll(t *testing.T, r *http.Request) func() io.ReadCloser {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		t.Error(err)
	}
	return func() io.ReadCloser { return io.NopCloser(bytes.NewReader(body)) }
}

// switchNames names the switches that are set.
func switchNames(sw plivotest.Switches) string {
	var on []string
	v := reflect.ValueOf(sw)
	for i := range v.NumField() {
		if !v.Field(i).IsZero() {
			on = append(on, v.Type().Field(i).Name)
		}
	}
	if len(on) == 0 {
		return "none"
	}
	return strings.Join(on, "+")
}

func isOneOf(err error, want ...error) bool {
	return slices.ContainsFunc(want, func(w error) bool { return errors.Is(err, w) })
}
