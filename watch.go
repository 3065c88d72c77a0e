package coaching

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"iter"
	"strconv"
	"strings"
	"sync"
)

// A Cursor is a place in a feed of changes. Opaque.
type Cursor string

// A Change is one change of a call.
type Change struct {
	Cursor Cursor
	Call   Call
	// Resync says that changes before this one were lost: read everything
	// again, with Calls. Its Call is zero.
	Resync bool
}

// A Watcher is a [Store] with a feed of changes. It is optional: without it
// Run reads Live every 2 s.
type Watcher interface {
	// Changes yields changes after a cursor; after "" those from now on, and
	// "now" is when Changes is called, not when the first is taken. Versions
	// of one call only rise; some may be left out, the last one never is while
	// the call is kept. A cursor that is too old, or none of this feed's, gives
	// one Resync change first, and so does a reader falling too far behind. The
	// sequence ends with ctx, whose error it yields, and may be ranged over once.
	Changes(ctx context.Context, after Cursor) iter.Seq2[Change, error]
}

// feedLength is how many changes a feed remembers.
const feedLength = 4096

// A feed is a ring of the last changes, by id and version: what a reader gets
// is the call as it is then, so a change that a newer one has overtaken is left
// out. Writers never wait for readers: one who is too slow is told to read
// everything again.
type feed struct {
	epoch string // of this feed's cursors: those of an earlier process are not ours
	mu    sync.Mutex
	ring  []feedEntry   // grows to feedLength
	next  uint64        // number of the next change, from 1
	grown chan struct{} // closed at the next change
	ears  bool          // somebody waits for that
}

type feedEntry struct {
	id      CallID
	version uint64
}

func (f *feed) init() {
	f.next, f.grown = 1, make(chan struct{})
	var b [6]byte
	_, _ = rand.Read(b[:]) // never fails
	f.epoch = hex.EncodeToString(b[:])
}

// cursor returns the cursor after change n.
func (f *feed) cursor(n uint64) Cursor { return Cursor(f.epoch + "-" + strconv.FormatUint(n, 10)) }

// parse is the inverse of cursor.
func (f *feed) parse(c Cursor) (uint64, bool) {
	epoch, n, _ := strings.Cut(string(c), "-")
	v, err := strconv.ParseUint(n, 10, 64)
	return v, err == nil && epoch == f.epoch
}

func (f *feed) publish(id CallID, version uint64) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if e := (feedEntry{id, version}); len(f.ring) < feedLength {
		f.ring = append(f.ring, e)
	} else {
		f.ring[(f.next-1)%feedLength] = e
	}
	f.next++
	if f.ears {
		close(f.grown)
		f.grown, f.ears = make(chan struct{}), false
	}
}

// changes yields what get returns for each entry after a cursor.
func (f *feed) changes(ctx context.Context, after Cursor, get func(CallID, uint64) (Call, bool)) iter.Seq2[Change, error] {
	f.mu.Lock()
	at, resync := f.next, false
	if after != "" {
		if n, ok := f.parse(after); !ok || n >= f.next || f.next-n > feedLength {
			resync = true
		} else {
			at = n + 1
		}
	}
	f.mu.Unlock()
	return func(yield func(Change, error) bool) {
		for {
			if resync {
				resync = false
				if !yield(Change{Cursor: f.cursor(at - 1), Resync: true}, nil) {
					return
				}
			}
			f.mu.Lock()
			var e feedEntry
			var grown chan struct{}
			switch {
			case at == f.next:
				grown, f.ears = f.grown, true
			case f.next-at > feedLength:
				at, resync = f.next, true
			default:
				e = f.ring[(at-1)%feedLength]
				at++
			}
			f.mu.Unlock()
			if grown != nil {
				select {
				case <-ctx.Done():
				case <-grown:
				}
			}
			if err := ctx.Err(); err != nil {
				yield(Change{}, err)
				return
			}
			if e.id == "" {
				continue
			}
			if c, ok := get(e.id, e.version); ok && !yield(Change{Cursor: f.cursor(at - 1), Call: c}, nil) {
				return
			}
		}
	}
}
