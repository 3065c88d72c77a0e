package follow_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/mpc-coaching/coaching"
	"github.com/mpc-coaching/coaching/internal/follow"
)

// A tape is a Log in memory that remembers its last entries.
type tape struct {
	mu      sync.Mutex
	epoch   string
	entries []follow.Entry
	kept    int    // entries from here on
	forked  uint64 // a position that was another history's
	down    error  // of every request
	grown   chan struct{}
	tails   int // under way
	pages   int // ever
}

var errFinal = errors.New("not permitted")

func newTape() *tape { return &tape{epoch: "a", grown: make(chan struct{})} }

// put writes version v of call n.
func (l *tape) put(t *testing.T, n int, v uint64) {
	t.Helper()
	l.write(entry(t, n, v))
}

func entry(t *testing.T, n int, v uint64) follow.Entry {
	t.Helper()
	c := coaching.Call{ID: id(n), State: coaching.StateActive}
	doc, err := coaching.EncodeCall(c)
	if err != nil {
		t.Fatal(err)
	}
	return follow.Entry{ID: c.ID, Version: v, Doc: doc}
}

// lose puts another log with one entry in its place. Who waits for more does
// not notice.
func (l *tape) lose(first follow.Entry) {
	l.mu.Lock()
	defer l.mu.Unlock()
	first.Pos = 10
	l.epoch, l.entries = "b", []follow.Entry{first}
}

func (l *tape) write(e follow.Entry) {
	l.mu.Lock()
	defer l.mu.Unlock()
	e.Pos = uint64(10 * (len(l.entries) + 1))
	l.entries = append(l.entries, e)
	close(l.grown)
	l.grown = make(chan struct{})
}

func (l *tape) set(change func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	change()
	close(l.grown)
	l.grown = make(chan struct{})
}

func id(n int) coaching.CallID { return coaching.CallID(fmt.Sprintf("cctest%026d", n)) }

func (l *tape) Tip(ctx context.Context) (follow.Place, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.down != nil {
		return follow.Place{}, l.down
	}
	return follow.Place{Epoch: l.epoch, Pos: uint64(10 * len(l.entries))}, nil
}

func (l *tape) Page(ctx context.Context, after follow.Place) ([]follow.Entry, uint64, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.pages++
	i := int(after.Pos / 10)
	switch {
	case l.down != nil:
		return nil, 0, l.down
	case after.Epoch != l.epoch || i > len(l.entries) || i < l.kept || after.Pos == l.forked && l.forked > 0:
		return nil, 0, follow.ErrGap
	}
	page := l.entries[i:min(i+7, len(l.entries))]
	return slices.Clone(page), uint64(10 * (i + len(page))), nil
}

func (l *tape) Tail(ctx context.Context, after follow.Place, emit func(follow.Entry)) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.tails++
	defer func() { l.tails-- }()
	for at := int(after.Pos / 10); ; {
		switch {
		case l.down != nil:
			return l.down
		case after.Epoch != l.epoch || at > len(l.entries) || at < l.kept:
			return follow.ErrGap
		case at < len(l.entries):
			e := l.entries[at]
			at++
			l.mu.Unlock()
			emit(e)
			l.mu.Lock()
		default:
			grown := l.grown
			l.mu.Unlock()
			select {
			case <-ctx.Done():
			case <-grown:
			}
			l.mu.Lock()
			if ctx.Err() != nil {
				return ctx.Err()
			}
		}
	}
}

func (l *tape) Final(err error) bool { return errors.Is(err, errFinal) }

func (l *tape) under() (tails, pages int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.tails, l.pages
}

// puller lets a test take changes one by one.
func puller(ctx context.Context, f *follow.Feed, after coaching.Cursor) (next func() string, last func() coaching.Cursor, stop func()) {
	pull, stop := iter.Pull2(f.Changes(ctx, after))
	var cursor coaching.Cursor
	return func() string {
		ch, err, ok := pull()
		switch {
		case !ok:
			return "end"
		case err != nil:
			return err.Error()
		}
		cursor = ch.Cursor
		if ch.Resync {
			return "resync"
		}
		return fmt.Sprintf("%s v%d", ch.Call.ID[len(ch.Call.ID)-1:], ch.Call.Version)
	}, func() coaching.Cursor { return cursor }, stop
}

func want(t *testing.T, next func() string, steps ...string) {
	t.Helper()
	for _, step := range steps {
		if got := next(); got != step {
			t.Fatalf("the next change is %q, want %q", got, step)
		}
	}
}

func TestReadersShareOneTail(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newTape()
		l.put(t, 1, 1)
		f := follow.New(l)
		a, _, stopA := puller(t.Context(), f, "")
		b, _, stopB := puller(t.Context(), f, "")
		l.put(t, 1, 2)
		l.put(t, 2, 3)
		want(t, a, "1 v2", "2 v3")
		want(t, b, "1 v2")
		synctest.Wait()
		if tails, pages := l.under(); tails != 1 || pages != 0 {
			t.Errorf("two readers have %d tails and %d pages, want 1 and 0", tails, pages)
		}
		stopA()
		want(t, b, "2 v3")
		stopB()
		synctest.Wait()
		if tails, _ := l.under(); tails != 0 {
			t.Errorf("%d tails are left after the last reader", tails)
		}
	})
}

func TestCursors(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newTape()
		f := follow.New(l)
		a, cursor, stop := puller(t.Context(), f, "")
		l.put(t, 1, 1)
		l.put(t, 2, 2)
		want(t, a, "1 v1")
		first := cursor()
		stop()
		l.put(t, 3, 3)

		// On another instance, which has nothing in its ring.
		b, _, stopB := puller(t.Context(), follow.New(l), first)
		want(t, b, "2 v2", "3 v3")
		l.put(t, 1, 4)
		want(t, b, "1 v4")
		stopB()

		for _, unknown := range []coaching.Cursor{"x", "b-10", "a-999", "-10", "a-", "a-1x"} {
			c, _, stopC := puller(t.Context(), f, unknown)
			want(t, c, "resync")
			l.put(t, 1, 5)
			want(t, c, "1 v5")
			stopC()
		}
		// One whose history is another, though its number is one of ours.
		l.set(func() { l.forked = 15 })
		g, _, stopG := puller(t.Context(), f, "a-15")
		want(t, g, "resync")
		stopG()

		l.set(func() { l.kept = 3 })
		d, _, stopD := puller(t.Context(), f, first)
		want(t, d, "resync")
		l.put(t, 1, 6)
		want(t, d, "1 v6")
		stopD()
	})
}

// A reader who does not read costs no memory, and has it all in the end.
func TestSlowReader(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newTape()
		f := follow.New(l)
		slow, _, stopSlow := puller(t.Context(), f, "")
		defer stopSlow()
		fast, _, stopFast := puller(t.Context(), f, "")
		defer stopFast()
		const n = 2000
		for v := range n {
			l.put(t, 1, uint64(v+1))
			want(t, fast, fmt.Sprintf("1 v%d", v+1))
		}
		for v := range n {
			want(t, slow, fmt.Sprintf("1 v%d", v+1))
		}
		if _, pages := l.under(); pages < (n-600)/7 {
			t.Errorf("a reader 2000 behind has read %d pages, so the feed remembers too much", pages)
		}

		// Where the log has forgotten, it is told once.
		for v := range n {
			l.put(t, 2, uint64(n+v+1))
			want(t, fast, fmt.Sprintf("2 v%d", n+v+1))
		}
		l.set(func() { l.kept = n + 50 })
		want(t, slow, "resync")
		l.put(t, 1, 2*n+1)
		want(t, slow, fmt.Sprintf("1 v%d", 2*n+1))
	})
}

func TestLostLog(t *testing.T) {
	for _, who := range []string{"reader", "goroutine"} {
		t.Run("noticed by the "+who, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				l := newTape()
				f := follow.New(l)
				a, cursor, stopA := puller(t.Context(), f, "")
				defer stopA()
				l.put(t, 1, 1)
				want(t, a, "1 v1")
				old := cursor()
				synctest.Wait() // the goroutine waits for more
				l.lose(entry(t, 2, 2))
				if who == "goroutine" {
					l.set(func() {})
					synctest.Wait()
				}
				b, _, stopB := puller(t.Context(), f, "")
				defer stopB()
				c, _, stopC := puller(t.Context(), f, old)
				defer stopC()
				want(t, a, "resync")
				want(t, c, "resync")
				l.put(t, 3, 3)
				want(t, a, "3 v3")
				want(t, b, "3 v3")
				want(t, c, "3 v3")
				synctest.Wait()
				if tails, _ := l.under(); tails != 1 {
					t.Errorf("there are %d tails, want 1", tails)
				}
			})
		})
	}
}

func TestOutage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newTape()
		f := follow.New(l)
		a, cursor, stopA := puller(t.Context(), f, "")
		defer stopA()
		l.put(t, 1, 1)
		want(t, a, "1 v1")
		l.set(func() { l.down = errors.New("away") })
		b, _, stopB := puller(t.Context(), f, cursor()) // whose place cannot be checked
		defer stopB()
		time.AfterFunc(time.Minute, func() {
			l.put(t, 2, 2)
			l.set(func() { l.down = nil })
		})
		start := time.Now()
		want(t, a, "2 v2")
		if d := time.Since(start); d < time.Minute || d > time.Minute+2*time.Second {
			t.Errorf("the change during the outage comes after %v, want a minute", d)
		}
		want(t, b, "resync")
		l.put(t, 3, 3)
		want(t, b, "3 v3")
	})
}

func TestFinalError(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newTape()
		f := follow.New(l)
		a, _, stopA := puller(t.Context(), f, "")
		defer stopA()
		l.put(t, 1, 1)
		want(t, a, "1 v1")
		l.set(func() { l.down = errFinal })
		want(t, a, "not permitted", "end")
		b, _, stopB := puller(t.Context(), f, "")
		defer stopB()
		want(t, b, "not permitted", "end")
		l.set(func() { l.down = nil })
		c, _, stopC := puller(t.Context(), f, "")
		defer stopC()
		l.put(t, 2, 2)
		want(t, c, "2 v2")
	})
}

func TestContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newTape()
		f := follow.New(l)
		ctx, cancel := context.WithCancel(t.Context())
		f.Changes(ctx, "") // and nobody ranges over it
		synctest.Wait()
		if tails, _ := l.under(); tails != 1 {
			t.Errorf("Changes has %d tails, want 1", tails)
		}
		a, _, stopA := puller(ctx, f, "")
		defer stopA()
		time.AfterFunc(time.Second, cancel)
		want(t, a, context.Canceled.Error(), "end")
		synctest.Wait()
		if tails, _ := l.under(); tails != 0 {
			t.Errorf("%d tails are left when the context has ended", tails)
		}
		b, _, stopB := puller(ctx, f, "")
		defer stopB()
		want(t, b, context.Canceled.Error(), "end")
	})
}

// What a newer version of the package has written is left out.
func TestOtherSchema(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newTape()
		f := follow.New(l)
		a, cursor, stopA := puller(t.Context(), f, "")
		defer stopA()
		l.write(follow.Entry{ID: id(1), Version: 1, Doc: []byte(`{"v":9999}`)})
		l.put(t, 2, 2)
		want(t, a, "2 v2")
		if got := cursor(); got != "a-20" {
			t.Errorf("the cursor is %s, want a-20", got)
		}
	})
}
