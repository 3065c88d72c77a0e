package coaching

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	mathrand "math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"time"
)

// A Flow runs the calls of one contact center, or of one instance of it. Make
// it with [New], mount [Flow.Handler], call [Flow.Run]. All methods are safe
// for concurrent use.
type Flow struct {
	cfg    Config
	m      machine
	client *Client
	verify *verifier
	mux    http.Handler

	source func() uint64      // randomness of claims' owners and of jitter; seeded in tests
	secret func([]byte) error // randomness of tickets; likewise
	pace   *pace

	mu      sync.Mutex
	running int           // Runs at work
	ranOnce bool          // a Run has returned
	started chan struct{} // closed while a Run is at work
	wake    chan struct{} // one token: something is due
	dirty   map[CallID]bool
	order   []CallID         // of dirty, oldest first
	fresh   map[CallID]Call  // as committed last, until Run looks; not to be written to
	own     map[CallID]stamp // of what this process committed last, of live calls
	ears    map[CallID]chan struct{}
}

// New returns a Flow. It checks the Config, names every missing or malformed
// field at once in an error that wraps [ErrInvalid], and does nothing else: it
// neither dials nor reads the environment.
func New(cfg Config) (*Flow, error) {
	cfg, err := cfg.withDefaults()
	if err != nil {
		return nil, err
	}
	var seed [8]byte
	if _, err := rand.Read(seed[:]); err != nil {
		return nil, fmt.Errorf("coaching: New: %w", err)
	}
	f := &Flow{
		cfg:     cfg,
		client:  NewClient(cfg.Plivo, cfg.HTTPClient),
		source:  mathrand.Uint64,
		secret:  func(b []byte) error { _, err := rand.Read(b); return err },
		started: make(chan struct{}),
		wake:    make(chan struct{}, 1),
		dirty:   map[CallID]bool{},
		fresh:   map[CallID]Call{},
		own:     map[CallID]stamp{},
		ears:    map[CallID]chan struct{}{},
		pace:    newPace(),
	}
	f.m = machine{
		by: hex.EncodeToString(seed[:4]), prefix: cfg.Prefix, callerID: cfg.CallerID,
		ringTime: cfg.RingTime, requestTimeout: cfg.RequestTimeout, routeTimeout: cfg.RouteTimeout,
		settle: cfg.SettleTime, lag: cfg.ReadLag, causeGrace: cfg.CauseGrace, queue: cfg.QueueAllowance,
		maxWait: cfg.MaxWait, retention: cfg.Retention, leave: cfg.Leave, records: cfg.Observer != nil,
	}
	tokens := []string{cfg.Plivo.AuthToken}
	for _, t := range cfg.Tokens {
		tokens = append(tokens, string(t))
	}
	if f.verify, err = newVerifier(tokens...); err != nil {
		return nil, fmt.Errorf("coaching: New: %w", err)
	}
	f.mux = f.routes()
	return f, nil
}

// Handler returns everything that Plivo calls: /answer, /supervisor, /events,
// /leg, /exit, /music and /recording. Mount it where the path of PublicURL
// leads, stripped with [http.StripPrefix] or not; nothing of a request's host,
// scheme and prefix is used. It never redirects, reads no more than 64 KiB of a
// body, and leaves it to the server's ReadTimeout to end one that stalls.
//
// It answers 200 with a document or an empty body, 400 to a form it cannot make
// sense of, 403 to what Plivo did not sign (but for /music, which tells only
// what the Config names) or a nonce used again, 404, 405, 413, 415 to a body
// that is no form, and 503, to which Plivo comes again, if the Store does not
// take a status callback.
func (f *Flow) Handler() http.Handler { return f.mux }

// Format keeps the account's token out of every formatting verb.
func (f *Flow) Format(s fmt.State, _ rune) { fmt.Fprintf(s, "coaching.Flow{%s}", f.cfg.summary()) }

// LogValue is a summary without any secret.
func (f *Flow) LogValue() slog.Value { return slog.StringValue(fmt.Sprint(f)) }

// callIDOf is the CallID of the call that a customer's leg opens: the prefix
// and the leg's hex digits, so that /answer needs no store.
func callIDOf(prefix, callUUID string) CallID {
	return CallID(prefix + strings.ReplaceAll(callUUID, "-", ""))
}

// ours reports whether an id is one that callIDOf makes with our prefix. Its
// length counts, since one deployment's prefix may begin another's.
func (f *Flow) ours(id CallID) bool {
	rest, found := strings.CutPrefix(string(id), f.cfg.Prefix)
	return found && all(rest, 32, 32, isHex)
}

const (
	commitTime = 4 * time.Second // get, apply, put repeats on a conflict for so long
	answerTime = time.Second     // the same for /answer
	exitTime   = 2 * time.Second // of Exit: with answerTime before and after it 4 of the 5 s of retry's rt
	redeemTime = 8 * time.Second // of Authorize at /supervisor: with answerTime and commitTime 13 of Plivo's 15 s
)

// commit gets a call, applies an input and puts the result, again and again
// while others come first. It returns the Call as stored, which may be the
// store's own: not to be written to, nor to be given to the host. errUnchanged
// and errRepeat come with the Call as it is.
func (f *Flow) commit(ctx context.Context, id CallID, in input) (Call, error) {
	return f.commitFor(ctx, id, in, nil, commitTime)
}

// commitFor is commit with a bound; absent, if not nil, is applied to an empty
// Call where none is stored.
func (f *Flow) commitFor(ctx context.Context, id CallID, in, absent input, bound time.Duration) (Call, error) {
	ctx, cancel := context.WithTimeout(ctx, bound)
	defer cancel()
	get, put := f.cfg.Store.Get, f.cfg.Store.Put
	if own, ok := f.cfg.Store.(*MemoryStore); ok {
		get, put = own.lend, own.keep // apply copies, so that once is enough
	}
	for try := 0; ; try++ {
		c, err := get(ctx, id)
		use := in
		if errors.Is(err, ErrNotFound) && absent != nil {
			c, use, err = Call{}, absent, nil
		}
		if err == nil {
			var next Call
			if next, err = f.m.apply(c, use, time.Now()); err != nil {
				return c, err
			}
			if next, err = put(ctx, next); err == nil {
				f.committed(next)
				return next, nil
			}
			if !errors.Is(err, ErrConflict) && ctx.Err() == nil {
				// The write may have happened all the same: read again and look.
				if again, gerr := get(ctx, id); gerr == nil && again.work.Tick == c.work.Tick+1 && sameWork(again, c, use) {
					f.committed(again)
					return again, nil
				}
			}
		}
		if errors.Is(err, ErrNotFound) || errors.Is(err, ErrSchema) {
			return Call{}, err // trying again would not help
		}
		if !f.pause(ctx, try) {
			return Call{}, fmt.Errorf("store: %w", err)
		}
	}
}

// pause waits before another try, with jitter; false means that time is up.
func (f *Flow) pause(ctx context.Context, try int) bool {
	most := min(time.Millisecond<<min(try, 8), 100*time.Millisecond)
	t := time.NewTimer(most/2 + f.jitter(most/2+1))
	defer t.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-t.C:
		return true
	}
}

// jitter draws a time below d.
func (f *Flow) jitter(d time.Duration) time.Duration { return time.Duration(f.source() % uint64(d)) }

// sameWork recognises our own write after an error of Put: claims by their
// random owner, everything else by nothing but chance, so only claims count.
func sameWork(again, _ Call, in input) bool {
	k, ok := in.(claim)
	if !ok {
		return false
	}
	for i := range again.work.Steps {
		if again.work.Steps[i].Owner == k.owner {
			return true
		}
	}
	return false
}

// committed wakes Run for a call whose steps may be due.
func (f *Flow) committed(c Call) {
	f.mu.Lock()
	if f.running > 0 { // a Run that begins later finds the call in the store
		if !f.dirty[c.ID] {
			f.dirty[c.ID] = true
			f.order = append(f.order, c.ID)
		}
		if !f.own[c.ID].covers(c) {
			f.fresh[c.ID], f.own[c.ID] = c, stamp{c.Version, c.Created}
		}
	}
	if !c.Live() {
		delete(f.own, c.ID)
	}
	f.mu.Unlock()
	f.stir(c.ID)
	f.nudge()
}

// A stamp says how much of a call is known. A store that has lost its data counts
// versions anew, of a call that was created anew.
type stamp struct {
	version uint64
	created time.Time
}

func (s stamp) covers(c Call) bool { return c.Version <= s.version && c.Created.Equal(s.created) }

func (f *Flow) nudge() {
	select {
	case f.wake <- struct{}{}:
	default:
	}
}

// An Actor is who asks for something, as the host knows them.
type Actor struct {
	ID   string `json:"id,omitempty"`
	Role string `json:"role,omitempty"`
}

type actorKey struct{}

// WithActor returns a context that says who asks. Verbs store it, records and
// Config.Authorize see it.
func WithActor(ctx context.Context, a Actor) context.Context {
	return context.WithValue(ctx, actorKey{}, a)
}

func actorOf(ctx context.Context) Actor {
	a, _ := ctx.Value(actorKey{}).(Actor)
	return a
}

type hostKey struct{}

// AsHost returns a context in which the host acts for itself: verbs, reads and
// streams under it do not ask Config.Authorize. It is for a host's own jobs, and
// for what serves many actors from one stream and asks [Flow.Authorize] for each.
// Never derive it from a request that an actor's verb is called with.
func AsHost(ctx context.Context) context.Context { return context.WithValue(ctx, hostKey{}, true) }

// An AccessRequest is what [AuthorizeFunc] decides on. Op is the method's
// name, such as "Barge", or "Redeem" when a ticket is used.
type AccessRequest struct {
	Actor      Actor
	Op         string
	Call       Call         // as stored; Calls and Watch ask for each call they would yield
	Supervisor SupervisorID // of verbs about one
	Mode       CoachMode    // asked for
}

// An AuthorizeFunc says whether the actor may do it: nil is yes. Any error is
// no; the caller sees [ErrDenied]. A panic or a time-out is no.
type AuthorizeFunc func(context.Context, AccessRequest) error

// Authorizes reports whether Config.Authorize is set. What serves the public
// should refuse to start where it is not.
func (f *Flow) Authorizes() bool { return f.cfg.Authorize != nil }

// Authorize asks Config.Authorize whether the actor of ctx, see [WithActor], may
// do what r says; r.Actor is set from there. It is for showing what somebody
// may do, and for filtering a stream taken [AsHost]; the verbs ask by
// themselves. Nil: yes. Its error wraps [ErrDenied].
func (f *Flow) Authorize(ctx context.Context, r AccessRequest) error {
	if err := f.authorize(ctx, r); err != nil {
		return fmt.Errorf("coaching: Authorize: %w", err)
	}
	return nil
}

func (f *Flow) authorize(ctx context.Context, r AccessRequest) error {
	if f.cfg.Authorize == nil || ctx.Value(hostKey{}) != nil {
		return nil
	}
	r.Actor, r.Call = actorOf(ctx), r.Call.clone() // the caller goes on with its own
	_, err := guardHost(ctx, f, "Authorize", func(ctx context.Context) (struct{}, error) { return struct{}{}, f.cfg.Authorize(ctx, r) })
	if err != nil {
		return fmt.Errorf("%w: %w", ErrDenied, err)
	}
	return nil
}

// guardHost calls host code, which may panic or stall: it is given
// RouteTimeout or what is left of ctx, a panic becomes an error, both are
// counted (R19). A stalled call is left behind and keeps its goroutine until it
// returns.
func guardHost[T any](ctx context.Context, f *Flow, hook string, call func(context.Context) (T, error)) (T, error) {
	ctx, cancel := context.WithTimeout(ctx, f.cfg.RouteTimeout)
	defer cancel()
	type result struct {
		v   T
		err error
	}
	done := make(chan result, 1)
	go func() {
		var r result
		defer func() {
			if p := recover(); p != nil {
				r = result{err: fmt.Errorf("%s panicked: %v", hook, p)}
				f.cfg.Logger.Error("host code panicked", "hook", hook, "panic", fmt.Sprint(p))
				f.count(RecordPanic, hook)
			}
			done <- r
		}()
		r.v, r.err = call(ctx)
	}()
	select {
	case r := <-done:
		return r.v, r.err
	case <-ctx.Done():
		var zero T
		return zero, fmt.Errorf("%s: %w", hook, ctx.Err())
	}
}

// count tells the Observer about the Flow itself.
func (f *Flow) count(kind RecordKind, detail string) {
	f.observe(context.Background(), Record{Kind: kind, At: time.Now(), Detail: detail, Count: 1})
}

func (f *Flow) observe(ctx context.Context, r Record) {
	if f.cfg.Observer == nil {
		return
	}
	defer func() {
		if p := recover(); p != nil {
			f.cfg.Logger.Error("host code panicked", "hook", "Observer", "panic", fmt.Sprint(p))
		}
	}()
	f.cfg.Observer.Observe(ctx, r)
}
