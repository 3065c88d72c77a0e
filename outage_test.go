package coaching_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"iter"
	"net"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/mpc-coaching/coaching"
	"github.com/mpc-coaching/coaching/plivotest"
)

// An outage is what cuts one instance off from the rest of the world. A crash
// is played by cutting everything and then cancelling its context: nothing
// that it still does reaches anybody.
type outage struct {
	mu    sync.Mutex
	dead  bool      // for good
	until time.Time // the store is down
	slow  bool      // Put takes effect, but its answer comes after the caller has gone

	before func(*http.Request) // asked before a request leaves,
	after  func(*http.Request) // and after its answer has come
}

var errOutage = errors.New("the store is down")

func (o *outage) storeErr() error {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.dead || time.Now().Before(o.until) {
		return errOutage
	}
	return nil
}

func (o *outage) isDead() bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.dead
}

// storeDown lets the instance's store fail for so long.
func (o *outage) storeDown(d time.Duration) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.until = time.Now().Add(d)
}

func (o *outage) storeSlow(on bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.slow = on
}

func (o *outage) hook(before, after func(*http.Request)) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.before, o.after = before, after
}

// outageStore is a Store with a kill switch. It is no Watcher, so the instance
// behind it finds out by reading what others did.
type outageStore struct {
	inner coaching.Store
	o     *outage
}

func (s outageStore) Get(ctx context.Context, id coaching.CallID) (coaching.Call, error) {
	if err := s.o.storeErr(); err != nil {
		return coaching.Call{}, err
	}
	c, err := s.inner.Get(ctx, id)
	if dead := s.o.storeErr(); dead != nil {
		return coaching.Call{}, dead
	}
	return c, err
}

func (s outageStore) Put(ctx context.Context, c coaching.Call) (coaching.Call, error) {
	if err := s.o.storeErr(); err != nil {
		return coaching.Call{}, err
	}
	out, err := s.inner.Put(ctx, c)
	s.o.mu.Lock()
	slow := s.o.slow
	s.o.mu.Unlock()
	if slow {
		<-ctx.Done()
		return coaching.Call{}, ctx.Err()
	}
	return out, err
}

func (s outageStore) Live(ctx context.Context) iter.Seq2[coaching.Call, error] {
	if err := s.o.storeErr(); err != nil {
		return func(yield func(coaching.Call, error) bool) { yield(coaching.Call{}, err) }
	}
	return s.inner.Live(ctx)
}

// outageFeed is an outageStore that is a Watcher too.
type outageFeed struct{ outageStore }

func (s outageFeed) Changes(ctx context.Context, after coaching.Cursor) iter.Seq2[coaching.Change, error] {
	return s.inner.(coaching.Watcher).Changes(ctx, after)
}

// outageTransport refuses every connection of a dead instance, and drops the
// answers to what a dying one had sent.
type outageTransport struct {
	inner http.RoundTripper
	o     *outage
}

func (t outageTransport) RoundTrip(r *http.Request) (*http.Response, error) {
	t.o.mu.Lock()
	before, after := t.o.before, t.o.after
	t.o.mu.Unlock()
	if before != nil {
		before(r)
	}
	if t.o.isDead() {
		return nil, &net.OpError{Op: "dial", Net: "tcp", Err: syscall.ECONNREFUSED}
	}
	resp, err := t.inner.RoundTrip(r)
	if after != nil {
		after(r)
	}
	if t.o.isDead() {
		return nil, io.ErrUnexpectedEOF
	}
	return resp, err
}

// isDial says whether a request rings phones.
func isDial(r *http.Request) bool {
	return r.Method == http.MethodPost && strings.HasSuffix(r.URL.Path, "/Participant/")
}

// An instance is one process of the library, which can be killed.
type instance struct {
	*outage
	flow *coaching.Flow
	stop context.CancelFunc
}

// kill is a crash: from now on nothing of it reaches anybody. It may be called
// from a hook.
func (i *instance) kill() {
	i.outage.mu.Lock()
	i.outage.dead = true
	i.outage.mu.Unlock()
	i.stop()
}

// instance starts an instance over the shop's store. It is not yet behind the
// front, see aim.
func (s *shop) instance(feed bool, adjust ...func(*coaching.Config)) *instance {
	s.t.Helper()
	i := &instance{outage: &outage{}}
	cfg := s.cfg
	store := outageStore{inner: s.cfg.Store, o: i.outage}
	if cfg.Store = store; feed {
		cfg.Store = outageFeed{store}
	}
	cfg.HTTPClient = &http.Client{Transport: outageTransport{inner: s.srv.Client().Transport, o: i.outage}}
	for _, f := range adjust {
		f(&cfg)
	}
	flow, err := coaching.New(cfg)
	if err != nil {
		s.t.Fatal(err)
	}
	i.flow = flow
	ctx, cancel := context.WithCancel(context.Background())
	i.stop = cancel
	done := make(chan error, 1)
	go func() { done <- flow.Run(ctx) }()
	s.stops = append(s.stops, func() {
		cancel()
		if err := <-done; err != nil {
			s.t.Errorf("Run = %v, want nil", err)
		}
	})
	return i
}

// An aim is a front that sends callbacks to the instances that live, in turn.
type aim struct {
	mu   sync.Mutex
	turn int
	to   []*instance
	wrap func(http.Handler) http.Handler // may be nil
}

// at aims at these instances from now on.
func (a *aim) at(to ...*instance) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.to = to
}

func (a *aim) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	a.mu.Lock()
	var live []*instance
	for _, i := range a.to {
		if !i.isDead() {
			live = append(live, i)
		}
	}
	a.turn++
	turn, wrap := a.turn, a.wrap
	a.mu.Unlock()
	if len(live) == 0 {
		http.Error(w, "down", http.StatusBadGateway)
		return
	}
	h := live[turn%len(live)].flow.Handler()
	if wrap != nil {
		h = wrap(h)
	}
	h.ServeHTTP(w, r)
}

// crowd opens a shop with n instances over one store; the first is the shop's
// flow. Every other one follows the store's feed, the rest polls.
func crowd(t *testing.T, n int, o *plivotest.Options, adjust ...func(*coaching.Config)) (*shop, *aim) {
	t.Helper()
	s := closed(t, o, adjust...)
	a := &aim{}
	for k := range n {
		a.to = append(a.to, s.instance(k%2 == 1))
	}
	s.front.set(a)
	s.flow = a.to[0].flow
	return s, a
}

// A letter is one callback as it arrived, to be sent again.
type letter struct {
	method, url string
	header      http.Header
	body        []byte
}

// A mailroom keeps every callback that passes.
type mailroom struct {
	mu   sync.Mutex
	kept []letter
}

func (m *mailroom) keep(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		r.Body = io.NopCloser(bytes.NewReader(body))
		m.mu.Lock()
		m.kept = append(m.kept, letter{r.Method, r.URL.String(), r.Header.Clone(), body})
		m.mu.Unlock()
		h.ServeHTTP(w, r)
	})
}

func (m *mailroom) all() []letter {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Clone(m.kept)
}

// post sends a letter to the shop and returns the status and the body.
func (s *shop) post(l letter) (int, string) {
	s.t.Helper()
	req, err := http.NewRequestWithContext(s.t.Context(), l.method, l.url, bytes.NewReader(l.body))
	if err != nil {
		s.t.Fatal(err)
	}
	req.Header = l.header.Clone()
	w := &paper{header: http.Header{}}
	s.front.ServeHTTP(w, req)
	if w.status == 0 {
		w.status = http.StatusOK
	}
	return w.status, w.body.String()
}

// paper is a ResponseWriter.
type paper struct {
	header http.Header
	status int
	body   bytes.Buffer
}

func (p *paper) Header() http.Header { return p.header }

func (p *paper) WriteHeader(status int) {
	if p.status == 0 {
		p.status = status
	}
}

func (p *paper) Write(b []byte) (int, error) {
	p.WriteHeader(http.StatusOK)
	return p.body.Write(b)
}

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
