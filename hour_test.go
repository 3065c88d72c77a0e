package coaching_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/mpc-coaching/coaching"
	"github.com/mpc-coaching/coaching/plivotest"
)

// What a long outage leaves behind, and how far a Run keeps to the account's
// limit when it has more calls than that allows to look after.

// An hour in which Plivo's API answers nothing but 503: people talk on, what
// was asked for is not promised, the library does not hammer, and a minute
// after the end the books are true again.
func TestAnHourWithoutPlivo(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := open(t, nil)
		ctx := t.Context()
		c, a, id := s.connected()
		if _, err := s.flow.AddSupervisor(ctx, id, supLee, nil); err != nil {
			t.Fatal(err)
		}
		v := s.watchOver(c)
		before := len(s.srv.Requests())
		s.srv.FailFunc(func(plivotest.Request) *plivotest.Failure {
			return &plivotest.Failure{Status: 503, NoEffect: true}
		})
		if err := s.flow.SetMode(ctx, id, "lee", coaching.ModeMonitor); !errors.Is(err, coaching.ErrUnknown) {
			t.Errorf("SetMode without Plivo = %v, want ErrUnknown", err)
		}
		after(time.Hour)
		if n := len(s.srv.Requests()) - before; n > 3000 {
			t.Errorf("%d requests in an hour without an answer, want fewer than one a second", n)
		}
		s.srv.FailFunc(nil)
		after(70 * time.Second)
		if p, ok := s.book(id).Supervisor("lee"); !ok || !p.Muted || !p.Confirmed || s.srv.Hears(a, s.leg(lee)) {
			t.Errorf("70 s after the outage Lee is %+v; the closing was to go on", p)
		}
		if err := s.flow.SetMode(ctx, id, "lee", coaching.ModeCoach); err != nil {
			t.Errorf("SetMode after the outage = %v", err)
		}
		v.unheard()
		v.atMost(5 * time.Second)
	})
}

// An hour in which the store answers nothing: calls that go on go on, verbs say
// that they were not done, a customer who calls hears music and is found when
// the store is back.
func TestAnHourWithoutStore(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s, front := crowd(t, 1, nil, ringing(agentAnn))
		s.srv.Phone(bob, nil)
		c, _, id := s.connected()
		v := s.watchOver(c)
		front.to[0].storeDown(time.Hour)
		if err := s.flow.End(t.Context(), id, nil); err == nil {
			t.Error("End without the store = nil, want an error")
		}
		late := "14155550177"
		s.srv.Phone(late, nil)
		after(59 * time.Minute)
		l := s.srv.Dial(late, hotline, nil)
		after(30 * time.Second)
		if got := l.Listening(); got != "wait music" {
			t.Errorf("a customer who calls without the store hears %q, want wait music", got)
		}
		s.leg(ann).Hangup()
		after(30*time.Second + 2*time.Minute)
		if ann := s.leg(ann); !s.srv.Hears(l, ann) && !s.srv.Hears(c, ann) {
			t.Error("two minutes after the outage nobody talks with Ann")
		}
		v.atMost(95 * time.Second) // half a minute of it without the store
	})
}

// Ten thousand calls need more reads than the account's limit has room for:
// the intervals stretch evenly, every call is looked at, the limit holds in
// every 5 s, and the Observer hears of it.
func TestR18TenThousandCalls(t *testing.T) {
	bubble(t, func(t *testing.T) {
		const calls = 10000
		store := coaching.NewMemoryStore()
		for i := range calls {
			doc := fmt.Sprintf(`{"v":1,"id":"cc00000000%020d","state":"active","mpc":"%s","call_uuid":"ca000001-0000-0000-0000-%012d","from":"14155550123","to":"14155550100",
				"created":%q,"activated":%q,"participants":[
				{"member":"1","role":"customer","call_uuid":"ca000001-0000-0000-0000-%012d","joined":%q},
				{"member":"2","role":"agent","agent":"ann","adopted":true,"joined":%q}]}`,
				i, mpcOf(i), i, stamp(), stamp(), i, stamp(), stamp())
			c, err := coaching.DecodeCall([]byte(doc))
			if err != nil {
				t.Fatal(err)
			}
			if _, err := store.Put(t.Context(), c); err != nil {
				t.Fatal(err)
			}
		}
		reads, told := &readCounter{seen: map[string]int{}}, &intervals{}
		open(t, nil, func(c *coaching.Config) {
			c.Store, c.Prefix = store, "cc00000000"
			c.HTTPClient = &http.Client{Transport: reads}
			c.Observer = told
		})
		after(8 * time.Minute)
		reads.mu.Lock()
		defer reads.mu.Unlock()
		if len(reads.seen) != calls {
			t.Errorf("%d of %d calls were looked at in 8 minutes", len(reads.seen), calls)
		}
		from := 0
		for to, at := range reads.at {
			for at.Sub(reads.at[from]) >= 5*time.Second {
				from++
			}
			if n := to - from + 1; n > 300 {
				t.Fatalf("%d requests within 5 s, want at most 300", n)
			}
		}
		t.Logf("%d requests in 8 minutes", len(reads.at))
		if told.times() == 0 {
			t.Error("the Observer was not told that the interval is stretched")
		}
	})
}

func stamp() string { return time.Now().UTC().Format(time.RFC3339Nano) }

func mpcOf(i int) string { return fmt.Sprintf("ac000001-0000-0000-0000-%012d", i) }

// A readCounter is a Plivo in which every call goes on, with a customer and an
// agent who talk.
type readCounter struct {
	mu   sync.Mutex
	at   []time.Time
	seen map[string]int // by MPC
}

func (r *readCounter) RoundTrip(q *http.Request) (*http.Response, error) {
	body := `{"meta":{"count":0},"objects":[]}`
	if _, rest, ok := strings.Cut(q.URL.Path, "/MultiPartyCall/uuid_"); ok && q.Method == http.MethodGet {
		mpc := rest[:36]
		r.mu.Lock()
		r.seen[mpc]++
		r.mu.Unlock()
		n := mpc[24:]
		body = fmt.Sprintf(`{"mpc_uuid":%q,"friendly_name":"x","status":"Active"}`, mpc)
		if strings.Contains(rest, "Participant") {
			member := `{"member_id":"%d","role":%q,"call_uuid":"ca00000%d-0000-0000-0000-%s","member_address":"1415","mute":false,"hold":false,"coach_mode":false}`
			body = fmt.Sprintf(`{"objects":[`+member+`,`+member+`]}`, 1, "customer", 1, n, 2, "agent", 2, n)
		}
	}
	r.mu.Lock()
	r.at = append(r.at, time.Now())
	r.mu.Unlock()
	return &http.Response{StatusCode: 200, Body: io.NopCloser(strings.NewReader(body)), Header: http.Header{}, Request: q}, context.Cause(q.Context())
}

// intervals counts what an Observer is told of a stretched watch.
type intervals struct {
	mu sync.Mutex
	n  int
}

func (o *intervals) Observe(_ context.Context, r coaching.Record) {
	if r.Kind == coaching.RecordInterval {
		o.mu.Lock()
		o.n++
		o.mu.Unlock()
	}
}

func (o *intervals) times() int {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.n
}
