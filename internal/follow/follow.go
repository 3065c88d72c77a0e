// Package follow lets all readers of a store's changes share one reader of its
// engine's log. The store adapters of this repository are made with it.
package follow

import (
	"context"
	"errors"
	"iter"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/mpc-coaching/coaching"
)

// A Log is what an engine remembers of changes. It is safe for concurrent use,
// and every method but Tail returns in bounded time.
type Log interface {
	// Tip returns the place of the newest entry.
	Tip(ctx context.Context) (Place, error)
	// Page returns some of the entries after a place, oldest first, and how far
	// it has looked: there are no others up to there. ErrGap: some after that
	// place may be missing.
	Page(ctx context.Context, after Place) (entries []Entry, upTo uint64, err error)
	// Tail hands out the entries after a place as they come, until ctx ends or
	// something fails. ErrGap: as of Page; also where the log was lost.
	Tail(ctx context.Context, after Place, emit func(Entry)) error
	// Final reports whether trying again cannot help.
	Final(err error) bool
}

// ErrGap says that a log does not have all entries after a place.
var ErrGap = errors.New("changes may be missing")

// A Place is between two entries of a log.
type Place struct {
	Epoch string // of the log, [0-9a-z]+; places of different epochs have nothing in common
	Pos   uint64 // of the entry before it; positions rise, with gaps
}

// cursor is what a host sees of a place.
func (p Place) cursor() coaching.Cursor {
	return coaching.Cursor(p.Epoch + "-" + strconv.FormatUint(p.Pos, 10))
}

// parse is the inverse of cursor.
func parse(c coaching.Cursor) (Place, bool) {
	epoch, pos, _ := strings.Cut(string(c), "-")
	n, err := strconv.ParseUint(pos, 10, 64)
	return Place{epoch, n}, err == nil && epoch != ""
}

// An Entry is one change.
type Entry struct {
	Pos     uint64
	ID      coaching.CallID
	Version uint64
	Doc     []byte // what EncodeCall made; not to be changed
}

// What the ring remembers: readers who are further behind read the log.
const (
	ringLength = 512
	ringBytes  = 8 << 20
)

// A Feed hands the entries of a log to any number of readers. While there are
// readers one goroutine reads the log; it ends soon after the last of them. A
// reader who falls behind is not waited for and not remembered anything for:
// it reads pages of the log until it has caught up.
type Feed struct {
	log Log

	mu      sync.Mutex
	readers int
	stop    context.CancelFunc // ends the goroutine; nil: there is none
	run     int                // of the goroutine, so that one that was stopped is not heard
	gen     int                // rises where history breaks: all readers must be told
	failed  error              // what ended the goroutine of this generation for good
	epoch   string
	low     uint64  // the ring has all entries after it
	high    uint64  // up to here
	ring    []Entry // oldest first
	bytes   int     // of its documents
	grown   chan struct{}
}

// New returns a Feed of a log.
func New(log Log) *Feed { return &Feed{log: log, grown: make(chan struct{})} }

// Changes implements [coaching.Watcher]. It asks the log where it is, which may
// take as long as Log.Tip; if the log does not say, the reader gets a Resync as
// soon as it does. Besides ctx's error the sequence ends with one that is Final.
func (f *Feed) Changes(ctx context.Context, after coaching.Cursor) iter.Seq2[coaching.Change, error] {
	r := &reader{f: f}
	tip, err := f.log.Tip(ctx)
	if err == nil {
		r.join(tip)
		if p, ok := parse(after); ok && p.Epoch == tip.Epoch && p.Pos <= tip.Pos {
			r.place, r.unchecked = p, p.Pos < tip.Pos
		} else {
			r.resync = after != ""
		}
	} else if f.log.Final(err) {
		r.failed = err
	}
	leave := sync.OnceFunc(r.leave)
	stop := context.AfterFunc(ctx, leave) // if nobody ever ranges over it
	return func(yield func(coaching.Change, error) bool) {
		defer func() {
			stop()
			leave()
		}()
		if err := r.read(ctx, func(c coaching.Change) bool { return yield(c, nil) }); err != nil {
			yield(coaching.Change{}, err)
		}
	}
}

// A reader is one sequence of changes.
type reader struct {
	f      *Feed
	place  Place
	gen    int
	resync bool  // the next change is a Resync
	failed error // which ends it
	// The place is a host's word: only the log knows whether it has all since.
	unchecked bool

	mu     sync.Mutex // of these two: ctx may end anywhere
	joined bool
	left   bool
}

// join makes r a reader from tip on.
func (r *reader) join(tip Place) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.left {
		return
	}
	f := r.f
	f.mu.Lock()
	defer f.mu.Unlock()
	switch {
	case f.stop == nil:
		f.begin(tip)
	case f.epoch != tip.Epoch: // the goroutine has not noticed yet
		f.stop()
		f.breakOff(tip)
		f.begin(tip)
	}
	if !r.joined {
		r.joined = true
		f.readers++
	}
	r.gen, r.place, r.unchecked = f.gen, tip, false
}

func (r *reader) leave() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.left = true
	if !r.joined {
		return
	}
	f := r.f
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.readers--; f.readers == 0 && f.stop != nil {
		f.stop()
		f.stop = nil
		f.run++
		f.ring, f.bytes = nil, 0
	}
}

// read tells of changes until ctx ends, tell returns false, or trying again
// cannot help.
func (r *reader) read(ctx context.Context, tell func(coaching.Change) bool) error {
	f := r.f
	for wait := firstWait; ; {
		if err := ctx.Err(); err != nil {
			return err
		}
		if r.failed != nil {
			return r.failed
		}
		if !r.joined || r.lost() {
			tip, err := f.log.Tip(ctx)
			if err != nil {
				if f.log.Final(err) {
					return err
				}
				wait = pause(ctx, wait)
				continue
			}
			r.join(tip)
			r.resync = true
		}
		if r.resync {
			r.resync = false
			if !tell(coaching.Change{Cursor: r.place.cursor(), Resync: true}) {
				return nil
			}
		}
		e, how, grown := r.next()
		switch how {
		case found:
			if !r.deliver(e, tell) {
				return nil
			}
			wait = firstWait
		case newest:
			select {
			case <-ctx.Done():
			case <-grown:
			}
		case behind:
			page, upTo, err := f.log.Page(ctx, r.place)
			switch {
			case errors.Is(err, ErrGap):
				r.place = Place{}
			case err != nil && f.log.Final(err):
				return err
			case err != nil, len(page) == 0 && upTo <= r.place.Pos && !r.unchecked:
				wait = pause(ctx, wait)
			default:
				wait = firstWait
			}
			for _, e := range page {
				if ctx.Err() == nil && !r.deliver(e, tell) {
					return nil
				}
			}
			if err == nil {
				r.place.Pos, r.unchecked = max(r.place.Pos, upTo), false
			}
		}
	}
}

// lost reports whether the reader has no place any more.
func (r *reader) lost() bool { return r.place.Epoch == "" }

type how int

const (
	found  how = iota // in the ring
	newest            // there is nothing newer
	behind            // it must be read from the log
	broken            // history has, or the log has failed
)

// next returns the next entry of the ring, or a channel that is closed when
// there may be one.
func (r *reader) next() (Entry, how, <-chan struct{}) {
	f := r.f
	f.mu.Lock()
	defer f.mu.Unlock()
	switch {
	case r.gen != f.gen:
		r.gen, r.place, r.unchecked, r.resync, r.failed = f.gen, Place{f.epoch, f.high}, false, true, f.failed
		return Entry{}, broken, nil
	case r.place.Pos < f.low, r.unchecked:
		return Entry{}, behind, nil
	}
	i, at := slices.BinarySearchFunc(f.ring, r.place.Pos, func(e Entry, pos uint64) int {
		switch {
		case e.Pos < pos:
			return -1
		case e.Pos > pos:
			return 1
		}
		return 0
	})
	if at {
		i++
	}
	if i < len(f.ring) {
		return f.ring[i], found, nil
	}
	return Entry{}, newest, f.grown
}

// deliver moves past an entry and tells of it, unless the call is for a newer
// version of the package.
func (r *reader) deliver(e Entry, tell func(coaching.Change) bool) bool {
	r.place.Pos = e.Pos
	c, err := coaching.DecodeCall(e.Doc)
	if err != nil {
		return true
	}
	c.Version = e.Version
	return tell(coaching.Change{Cursor: r.place.cursor(), Call: c})
}

// begin starts the goroutine. f.mu is held.
func (f *Feed) begin(at Place) {
	f.epoch, f.low, f.high, f.failed = at.Epoch, at.Pos, at.Pos, nil
	f.ring, f.bytes = nil, 0
	ctx, cancel := context.WithCancel(context.Background())
	f.stop = cancel
	f.run++
	go f.follow(ctx, f.run)
}

// breakOff forgets what was, and has everybody told. f.mu is held.
func (f *Feed) breakOff(at Place) {
	f.gen++
	f.epoch, f.low, f.high = at.Epoch, at.Pos, at.Pos
	f.ring, f.bytes = nil, 0
	f.wake()
}

func (f *Feed) wake() {
	close(f.grown)
	f.grown = make(chan struct{})
}

// follow reads the log until ctx ends or trying again cannot help.
func (f *Feed) follow(ctx context.Context, run int) {
	for wait := firstWait; ctx.Err() == nil; {
		f.mu.Lock()
		after := Place{f.epoch, f.high}
		f.mu.Unlock()
		err := f.log.Tail(ctx, after, func(e Entry) {
			wait = firstWait
			f.emit(run, e)
		})
		if ctx.Err() != nil {
			return
		}
		if errors.Is(err, ErrGap) {
			var tip Place
			if tip, err = f.log.Tip(ctx); err == nil {
				f.during(run, func() { f.breakOff(tip) })
			}
		}
		if err != nil && f.log.Final(err) {
			f.during(run, func() {
				f.stop()
				f.stop, f.failed = nil, err
				f.breakOff(Place{f.epoch, f.high})
			})
			return
		}
		wait = pause(ctx, wait)
	}
}

func (f *Feed) emit(run int, e Entry) {
	f.during(run, func() {
		if e.Pos <= f.high {
			return
		}
		f.high = e.Pos
		f.ring = append(f.ring, e)
		f.bytes += len(e.Doc)
		for len(f.ring) > ringLength || f.bytes > ringBytes {
			f.low = f.ring[0].Pos
			f.bytes -= len(f.ring[0].Doc)
			f.ring[0] = Entry{}
			f.ring = f.ring[1:]
		}
		f.wake()
	})
}

// during does something for the goroutine of a run, if it still is the one.
func (f *Feed) during(run int, do func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.run == run && f.stop != nil {
		do()
	}
}

const (
	firstWait = 20 * time.Millisecond
	lastWait  = time.Second
)

// pause waits after a failure, and returns how long to wait after the next.
func pause(ctx context.Context, d time.Duration) time.Duration {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-t.C:
	}
	return min(2*d, lastWait)
}
