package plivotest

import (
	"context"
	"net/http"
	"sync"
	"time"
)

// Options configure a [Server]. The zero value is usable.
type Options struct {
	// AuthID and AuthToken are the account's credentials: HTTP Basic for the
	// REST API, and AuthToken signs every callback. Defaults:
	// "MAXXXXXXXXXXXXXXXXXX" and "secret".
	AuthID, AuthToken string
	// Seed drives every delay and every id. Two servers with the same seed that
	// are driven alike inside testing/synctest have the same [Server.Timeline].
	Seed uint64
	// CPS is how many outbound dials a second the account may start; further
	// ones wait in a queue. 0: 2, as documented; negative: unlimited.
	CPS int
	// HTTPClient delivers callbacks whose address no [Server.Mount] covers.
	// nil: a client on http.DefaultTransport. Redirects are never followed.
	HTTPClient *http.Client
	// Switches choose where no source settles how Plivo behaves.
	Switches Switches
}

// A Server is Plivo for one account. All methods are safe for concurrent use.
// Hooks set on it run on the server's own goroutine: they must not block.
type Server struct {
	opts   Options
	client *http.Client
	hooks  *http.Client // delivers callbacks over the network

	ctx    context.Context // ends at Close
	cancel context.CancelFunc
	wg     sync.WaitGroup // every goroutine of this server

	mu sync.Mutex
	clock
	timeline []Entry
	requests []*RequestRecord

	operations []operation

	ids     map[string]uint64 // last number given out, per kind of id
	mounts  []mount
	numbers map[string]string // address to answer URL
	phones  map[string]*Phone
	legs    []*Leg // all, oldest first
	calls   map[string]*Leg
	mpcs    []*mpc // all, oldest first
	dials   []*dial
	audio   []*playback

	nextDial  time.Time   // when the dial queue is free again
	arrivals  []time.Time // of REST requests in the last rateWindow
	stats     CallbackStats
	nrequests int

	changed  bool // audio may have changed since the lock was taken
	onChange func()
	failure  func(Request) *Failure
	fault    func(Callback) *CallbackFault
}

// NewServer returns a running server; o may be nil. Inside a
// testing/synctest bubble call it in the bubble, and [Server.Close] it there.
func NewServer(o *Options) *Server {
	s := &Server{
		ids:     map[string]uint64{},
		numbers: map[string]string{},
		phones:  map[string]*Phone{},
		calls:   map[string]*Leg{},

		operations: allOperations(),
	}
	if o != nil {
		s.opts = *o
	}
	if s.opts.AuthID == "" {
		s.opts.AuthID = "MAXXXXXXXXXXXXXXXXXX"
	}
	if s.opts.AuthToken == "" {
		s.opts.AuthToken = "secret"
	}
	if s.opts.CPS == 0 {
		s.opts.CPS = 2
	}
	s.ctx, s.cancel = context.WithCancel(context.Background())
	s.clock.init()
	s.client = &http.Client{Transport: inMemory{s: s, h: s}}
	s.hooks = &http.Client{}
	if s.opts.HTTPClient != nil {
		*s.hooks = *s.opts.HTTPClient
	}
	s.hooks.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return s
}

// AuthID returns the account's id.
func (s *Server) AuthID() string { return s.opts.AuthID }

// AuthToken returns the account's token.
func (s *Server) AuthToken() string { return s.opts.AuthToken }

// Client returns a client whose every request, whatever its host, is served by
// s in memory. It has no time-out of its own.
func (s *Server) Client() *http.Client { return s.client }

// Close ends every phone, delay, retry and request in flight and returns when
// all goroutines of s have ended. Handlers that ignore their request's context
// hold it up. Closing twice is harmless.
func (s *Server) Close() {
	s.mu.Lock()
	s.closed = true
	s.events = nil
	s.mu.Unlock()
	s.cancel()
	s.wg.Wait()
}

// Wait returns nil once no request, callback, dial or fault delay is in
// flight, or the context's error. Phones that ring under the [Manual] action,
// hang-up times, XML that plays and time limits do not count.
func (s *Server) Wait(ctx context.Context) error {
	return s.Until(ctx, func() bool {
		s.mu.Lock()
		defer s.mu.Unlock()
		return s.busy == 0
	})
}

// Until returns nil once cond, asked after every change, says true, or the
// context's error. cond may call any inspecting method of s.
func (s *Server) Until(ctx context.Context, cond func() bool) error {
	for {
		s.mu.Lock()
		tick := s.tick
		s.mu.Unlock()
		if cond() {
			return nil
		}
		select {
		case <-tick:
		case <-ctx.Done():
			return ctx.Err()
		case <-s.ctx.Done():
			return errClosed
		}
	}
}

// OnChange sets a hook that is called after each instant in which audio could
// have changed, in the goroutine that changed it and outside every lock, so
// that a test can check its promises at every instant. It may inspect s and
// must not block. nil removes it.
func (s *Server) OnChange(f func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.onChange = f
}

// FailFunc sets the function that chooses the fault of each REST request; it
// is asked once per request, when that has arrived. nil removes it.
func (s *Server) FailFunc(f func(Request) *Failure) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.failure = f
}

// CallbackFunc sets the function that chooses the fault of each delivery
// attempt, of answer and music requests too. nil removes it.
func (s *Server) CallbackFunc(f func(Callback) *CallbackFault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.fault = f
}

// do runs f with the lock held and then tells whoever watches.
func (s *Server) do(f func()) {
	hook := func() func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		f()
		s.pulse()
		if !s.changed {
			return nil
		}
		s.changed = false
		return s.onChange
	}()
	if hook != nil {
		hook()
	}
}
