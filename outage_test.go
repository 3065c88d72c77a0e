package coaching_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"iter"
	"net"
	"net/http"
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
