package coaching_test

import (
	"context"
	"net/http"
	"os"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/plivo/plivo-go/v7"

	"github.com/mpc-coaching/coaching"
	"github.com/mpc-coaching/coaching/plivotest"
)

const (
	publicURL = "https://voice.example.com/plivo"
	hotline   = "14155550100"
	caller    = "14155550123"
	ann       = "sip:ann@phone.plivo.com"
	bob       = "sip:bob@phone.plivo.com"
	lee       = "sip:lee@phone.plivo.com" // supervisor
	mia       = "sip:mia@phone.plivo.com" // supervisor
)

var (
	agentAnn = coaching.Agent{ID: "ann", Address: ann}
	agentBob = coaching.Agent{ID: "bob", Address: bob}
	supLee   = coaching.Supervisor{ID: "lee", Address: lee}
	supMia   = coaching.Supervisor{ID: "mia", Address: mia}
)

// A shop is a contact center on the emulator: one Plivo, one or more instances
// of the library over one store.
type shop struct {
	t     *testing.T
	srv   *plivotest.Server
	cfg   coaching.Config
	flow  *coaching.Flow // the first instance
	stops []func()
	seed  uint64 // of the instances' randomness; 0: none
	front *front
}

// A front is the address behind which instances come and go.
type front struct {
	mu sync.Mutex
	h  http.Handler // nil: nobody is there
}

func (f *front) set(h http.Handler) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.h = h
}

func (f *front) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	h := f.h
	f.mu.Unlock()
	if h == nil {
		http.Error(w, "down", http.StatusServiceUnavailable)
		return
	}
	h.ServeHTTP(w, r)
}

// open makes a shop with Ann and Bob as agents, Lee and Mia as supervisors.
// It must run inside a synctest bubble; the shop closes itself.
func open(t *testing.T, o *plivotest.Options, adjust ...func(*coaching.Config)) *shop {
	t.Helper()
	s := closed(t, o, adjust...)
	s.flow = s.start()
	return s
}

// closed is open without an instance.
func closed(t *testing.T, o *plivotest.Options, adjust ...func(*coaching.Config)) *shop {
	t.Helper()
	s := &shop{t: t, srv: plivotest.NewServer(o), front: &front{}}
	sdk, err := plivo.NewClient(s.srv.AuthID(), s.srv.AuthToken(), &plivo.ClientOptions{})
	if err != nil {
		t.Fatal(err)
	}
	s.cfg = coaching.Config{
		Plivo: sdk, PublicURL: publicURL, HTTPClient: s.srv.Client(),
		Route: coaching.RingOnce(agentAnn), Store: coaching.NewMemoryStore(),
	}
	for _, f := range adjust {
		f(&s.cfg)
	}
	s.srv.Mount(publicURL, s.front)
	s.srv.Number(hotline, publicURL+"/answer")
	s.srv.Number(lee, publicURL+"/supervisor")
	s.srv.Number(mia, publicURL+"/supervisor")
	for _, a := range []string{ann, bob, lee, mia} {
		s.srv.Phone(a, &plivotest.PhonePlan{After: 2 * time.Second})
	}
	s.srv.Phone(caller, nil)
	t.Cleanup(s.close)
	return s
}

// start adds an instance and puts it behind the front.
func (s *shop) start() *coaching.Flow {
	s.t.Helper()
	flow, _ := s.startWith(s.cfg)
	return flow
}

func (s *shop) startWith(cfg coaching.Config) (flow *coaching.Flow, stop func()) {
	s.t.Helper()
	flow, err := coaching.New(cfg)
	if err != nil {
		s.t.Fatal(err)
	}
	if s.seed != 0 {
		s.seed++
		coaching.Seed(flow, s.seed)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- flow.Run(ctx) }()
	once := false
	stop = func() {
		if once {
			return
		}
		once = true
		cancel()
		if err := <-done; err != nil {
			s.t.Errorf("Run = %v, want nil", err)
		}
	}
	s.stops = append(s.stops, stop)
	s.front.set(flow.Handler())
	return flow, stop
}

func (s *shop) close() {
	if show := os.Getenv("COACHING_TIMELINE"); show == "all" || show != "" && s.t.Failed() {
		var b strings.Builder
		_ = s.srv.WriteTimeline(&b)
		s.t.Log("\n" + b.String())
	}
	for _, stop := range s.stops {
		stop()
	}
	s.srv.Close()
}

// bubble runs a test in a synctest bubble.
func bubble(t *testing.T, f func(t *testing.T)) {
	t.Helper()
	synctest.Test(t, f)
}

// after lets time pass.
func after(d time.Duration) { time.Sleep(d) }

// calls a customer in and waits until the state is reached.
func (s *shop) call() *plivotest.Leg { return s.srv.Dial(caller, hotline, nil) }

// id returns the CallID of the newest call.
func (s *shop) id(customer *plivotest.Leg) coaching.CallID {
	s.t.Helper()
	for c, err := range s.flow.Calls(s.t.Context(), coaching.CallFilter{}) {
		if err != nil {
			s.t.Fatal(err)
		}
		if c.CallUUID == customer.UUID() {
			return c.ID
		}
	}
	s.t.Fatal("the customer's call is not in the books")
	return ""
}

// connected dials a customer in and waits until customer and agent talk.
func (s *shop) connected() (customer, agent *plivotest.Leg, id coaching.CallID) {
	s.t.Helper()
	customer = s.call()
	s.eventually("the agent is reached", func() bool {
		a := s.srv.Phone(ann, nil).Last()
		return a != nil && s.srv.Hears(customer, a) && s.srv.Hears(a, customer)
	})
	after(time.Second)
	return customer, s.srv.Phone(ann, nil).Last(), s.id(customer)
}

// eventually waits up to two minutes of the bubble's time.
func (s *shop) eventually(what string, ok func() bool) {
	s.t.Helper()
	for range 1200 {
		if ok() {
			return
		}
		time.Sleep(100 * time.Millisecond)
	}
	s.t.Fatalf("waited 2 minutes in vain: %s", what)
}

// hears checks who hears whom, as "listener<-speaker" pairs that must be true
// and all others among the legs false.
func (s *shop) hears(when string, legs map[string]*plivotest.Leg, want ...string) {
	s.t.Helper()
	yes := map[string]bool{}
	for _, w := range want {
		yes[w] = true
	}
	for l, ll := range legs {
		for p, pl := range legs {
			if l == p {
				continue
			}
			if got := s.srv.Hears(ll, pl); got != yes[l+"<-"+p] {
				s.t.Errorf("%s: %s hears %s = %v, want %v", when, l, p, got, !got)
			}
		}
	}
}

func (s *shop) book(id coaching.CallID) coaching.Call {
	s.t.Helper()
	c, err := s.flow.Call(s.t.Context(), id)
	if err != nil {
		s.t.Fatal(err)
	}
	return c
}

func (s *shop) leg(address string) *plivotest.Leg { return s.srv.Phone(address, nil).Last() }
