package console

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/mpc-coaching/coaching"
)

const (
	hubLooks    = 2 * time.Second  // between reads of a Store without a feed
	hubSweeps   = 30 * time.Second // between reads of all calls beside a feed
	hubPatience = 3                // failures in a row before the streams are ended
	hubRetry    = time.Second
	parkTime    = 2 * time.Minute // how long what a broken stream was shown is remembered
)

// A hub knows the latest revision of every live call, for all streams. A feed
// keeps it up to date while streams are open. Streams take from it at their own
// pace what has changed since they last looked; what a newer change has
// overtaken is left out, so nobody waits for anybody, and it never holds more
// than the calls themselves.
type hub struct {
	c *Console

	mu        sync.Mutex
	closed    bool
	streams   int
	feed      *feed                      // nil: no stream is open
	calls     map[coaching.CallID]*entry // live ones, and those that ended within parkTime
	log       []change                   // in order of seq; all but the last of each entry are stale
	seq       uint64                     // of the last change
	compacted time.Time
	grown     chan struct{}                // closed at the next change
	actors    map[coaching.Actor]*verdicts // of those with open streams
	past      *sessions
	idle      *time.Timer // forgets everything, where nobody comes back
}

// An entry is a call that streams are told about.
type entry struct {
	id    coaching.CallID
	seq   uint64
	rev   *revision // nil: the call is gone from the books
	ended time.Time // when we learnt that it has ended or gone
}

type change struct {
	seq uint64
	e   *entry
}

// A revision is one version of a call, encoded once for each View that asks.
type revision struct {
	call coaching.Call
	mu   sync.Mutex
	json map[View][]byte
}

func (r *revision) ended() bool { return r.call.State == coaching.StateEnded }

func (r *revision) encoded(c *Console, v View) []byte {
	r.mu.Lock()
	defer r.mu.Unlock()
	b, ok := r.json[v]
	if !ok {
		b = c.encode(r.call, v)
		if r.json == nil {
			r.json = map[View][]byte{}
		}
		r.json[v] = b
	}
	return b
}

// A feed is one run of what keeps the hub up to date.
type feed struct {
	stop  context.CancelFunc
	ctx   context.Context
	ready chan struct{} // closed once the hub knows all calls, or has given up
	knows bool          // which of them; read after ready
	done  chan struct{} // closed when the goroutine has ended
}

func newHub(c *Console) *hub {
	return &hub{c: c, calls: map[coaching.CallID]*entry{}, grown: make(chan struct{}), actors: map[coaching.Actor]*verdicts{}, past: newSessions()}
}

// enter begins a stream: it starts the feed for the first one. The caller must
// leave.
func (h *hub) enter() (*feed, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed {
		return nil, errClosed
	}
	if h.idle != nil {
		h.idle.Stop()
		h.idle = nil
	}
	h.streams++
	if h.feed == nil || h.feed.ctx.Err() != nil {
		before := h.feed
		ctx, stop := context.WithCancel(context.Background())
		f := &feed{ctx: ctx, stop: stop, ready: make(chan struct{}), done: make(chan struct{})}
		h.feed = f
		go func() {
			if before != nil {
				<-before.done
			}
			h.run(f)
		}()
	}
	return h.feed, nil
}

// leave ends a stream. After the last one the feed has ended too, and what is
// known is kept for a while, for those who come back.
func (h *hub) leave() {
	h.mu.Lock()
	h.streams--
	last, f := h.streams == 0, h.feed
	if last {
		f.stop()
		h.idle = time.AfterFunc(parkTime, h.forget)
	}
	h.mu.Unlock()
	if last {
		<-f.done
	}
}

func (h *hub) forget() {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.streams == 0 {
		h.calls, h.log, h.past = map[coaching.CallID]*entry{}, nil, newSessions()
	}
}

func (h *hub) close() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.closed = true
	if h.feed != nil {
		h.feed.stop()
	}
	if h.idle != nil {
		h.idle.Stop()
	}
}

func isClosed(ch <-chan struct{}) bool {
	select {
	case <-ch:
		return true
	default:
		return false
	}
}

// run feeds the hub until its streams have gone, or the Store has failed for
// too long: then it ends them, and their clients come back.
func (h *hub) run(f *feed) {
	defer close(f.done)
	defer f.stop()
	for failures := 0; ; {
		begun := time.Now()
		_, err := guard(h.c, "Store", func() (struct{}, error) { return struct{}{}, h.follow(f) })
		if f.ctx.Err() != nil {
			break
		}
		if time.Since(begun) > hubPatience*hubRetry {
			failures = 0
		}
		h.c.cfg.Logger.Error("the calls cannot be watched", "err", err)
		if failures++; failures == hubPatience {
			break
		}
		sleep(f.ctx, hubRetry)
	}
	if !isClosed(f.ready) {
		close(f.ready)
	}
}

func sleep(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
}

// follow takes changes until something fails.
func (h *hub) follow(f *feed) error {
	ctx, stop := context.WithCancel(coaching.AsHost(f.ctx)) // f.ctx itself also asks for actors
	defer stop()
	changes := h.c.cfg.Flow.Watch(ctx, nil)
	if err := h.read(ctx); err != nil {
		return err
	}
	if !isClosed(f.ready) {
		f.knows = true
		close(f.ready)
	}
	failed := make(chan error, 1)
	var sweeper sync.WaitGroup
	defer sweeper.Wait()
	defer stop()
	looks := make(chan time.Duration, 1)
	sweeper.Go(func() {
		every := hubSweeps
		for {
			t := time.NewTimer(every)
			select {
			case every = <-looks:
			case <-ctx.Done():
			case <-t.C:
				if _, err := guard(h.c, "Store", func() (struct{}, error) { return struct{}{}, h.read(ctx) }); err != nil {
					failed <- err
					stop()
				}
			}
			t.Stop()
			if ctx.Err() != nil {
				return
			}
		}
	})
	for ch, err := range changes {
		switch {
		case errors.Is(err, coaching.ErrInvalid): // the Store has no feed
			looks <- hubLooks
			<-ctx.Done()
		case err != nil:
		case ch.Resync:
			err = h.read(ctx)
		default:
			h.put(ch.Call)
		}
		if ctx.Err() != nil {
			break
		}
		if err != nil {
			return err
		}
	}
	select {
	case err := <-failed:
		return err
	default:
		return ctx.Err()
	}
}

// read takes in all live calls, and what has become of those that were live.
func (h *hub) read(ctx context.Context) error {
	h.mu.Lock()
	missing := map[coaching.CallID]bool{}
	for id, e := range h.calls {
		if e.ended.IsZero() {
			missing[id] = true
		}
	}
	h.mu.Unlock()
	for call, err := range h.c.cfg.Flow.Calls(ctx, coaching.CallFilter{}) {
		if err != nil {
			return err
		}
		h.put(call)
		delete(missing, call.ID)
	}
	for id := range missing {
		call, err := h.c.cfg.Flow.Call(ctx, id)
		switch {
		case err == nil && call.State == coaching.StateEnded:
			h.put(call)
		case err == nil, errors.Is(err, coaching.ErrNotFound), errors.Is(err, coaching.ErrSchema):
			h.drop(id) // forgotten, another version's, or not ours after all
		default:
			return err
		}
	}
	return nil
}

// put takes in a call as it is now.
func (h *hub) put(call coaching.Call) {
	h.mu.Lock()
	defer h.mu.Unlock()
	e := h.calls[call.ID]
	if e == nil {
		if call.State == coaching.StateEnded {
			return // nobody was told of it
		}
		e = &entry{id: call.ID}
		h.calls[call.ID] = e
	} else if e.rev != nil && (e.rev.ended() || call.Version <= e.rev.call.Version) {
		return
	}
	e.rev = &revision{call: call}
	if e.ended = (time.Time{}); e.rev.ended() {
		e.ended = time.Now()
	}
	h.note(e)
}

// drop takes in that a call is gone.
func (h *hub) drop(id coaching.CallID) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if e := h.calls[id]; e != nil && e.rev != nil {
		e.rev, e.ended = nil, time.Now()
		h.note(e)
	}
}

// note puts a change at the end of the log and wakes the streams.
func (h *hub) note(e *entry) {
	h.seq++
	e.seq = h.seq
	h.log = append(h.log, change{h.seq, e})
	if now := time.Now(); len(h.log) > 2*len(h.calls)+64 || now.Sub(h.compacted) >= parkTime/2 {
		h.compact(now)
	}
	close(h.grown)
	h.grown = make(chan struct{})
}

// compact takes stale changes out of the log, and calls that ended long ago.
func (h *hub) compact(now time.Time) {
	h.compacted = now
	h.log = slices.DeleteFunc(h.log, func(ch change) bool {
		old := !ch.e.ended.IsZero() && now.Sub(ch.e.ended) >= parkTime
		if old && h.calls[ch.e.id] == ch.e {
			delete(h.calls, ch.e.id)
		}
		return old || ch.seq != ch.e.seq
	})
}

// since returns the entries that changed after seq, as they are now, and a
// channel that is closed at the next change.
func (h *hub) since(seq uint64) (out []told, now uint64, grown <-chan struct{}) {
	h.mu.Lock()
	defer h.mu.Unlock()
	i, _ := slices.BinarySearchFunc(h.log, seq+1, func(ch change, at uint64) int {
		if ch.seq < at {
			return -1
		}
		return 1
	})
	for _, ch := range h.log[i:] {
		if ch.seq == ch.e.seq {
			out = append(out, told{ch.e, ch.seq, ch.e.rev})
		}
	}
	return out, h.seq, h.grown
}

// told is an entry with its revision at one moment.
type told struct {
	e   *entry
	seq uint64
	rev *revision
}

func (h *hub) sessions() *sessions {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.past
}
