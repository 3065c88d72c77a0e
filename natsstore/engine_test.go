package natsstore_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"testing"
	"time"

	"github.com/mpc-coaching/coaching"
	"github.com/mpc-coaching/coaching/internal/cable"
	"github.com/mpc-coaching/coaching/natsstore"
)

// A feed is read in a goroutine, so that a test can lose its patience.
type feed struct {
	t  *testing.T
	ch chan coaching.Change
}

func watch(t *testing.T, s coaching.Watcher, after coaching.Cursor) *feed {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	f := &feed{t: t, ch: make(chan coaching.Change, 1<<14)}
	done := make(chan struct{})
	changes := s.Changes(ctx, after)
	go func() {
		defer close(done)
		last := map[coaching.CallID]uint64{}
		for ch, err := range changes {
			if err != nil {
				if !errors.Is(err, context.Canceled) {
					t.Errorf("Changes = %v", err)
				}
				return
			}
			if !ch.Resync && ch.Call.Version <= last[ch.Call.ID] {
				t.Errorf("Changes yields version %d of %s after %d", ch.Call.Version, ch.Call.ID, last[ch.Call.ID])
			}
			last[ch.Call.ID] = ch.Call.Version
			f.ch <- ch
		}
	}()
	t.Cleanup(func() {
		cancel()
		<-done
	})
	return f
}

// next returns the next change.
func (f *feed) next(what string) coaching.Change {
	f.t.Helper()
	select {
	case ch := <-f.ch:
		return ch
	case <-time.After(30 * time.Second):
		f.t.Fatalf("Changes yields nothing for 30 s, want %s", what)
		return coaching.Change{}
	}
}

// until reads up to a version; it reports whether a Resync came before.
func (f *feed) until(c coaching.Call) (ch coaching.Change, resync bool) {
	f.t.Helper()
	for {
		ch := f.next(fmt.Sprintf("version %d of %s", c.Version, c.ID))
		resync = resync || ch.Resync
		if ch.Call.ID == c.ID && ch.Call.Version >= c.Version {
			return ch, resync
		}
	}
}

// reach is Put that is tried again while the engine is away; one that failed
// may have happened.
func reach(t *testing.T, s coaching.Store, c coaching.Call) coaching.Call {
	t.Helper()
	failed := false
	var out coaching.Call
	eventually(t, "the store takes calls", func() bool {
		var err error
		if out, err = s.Put(t.Context(), c); !errors.Is(err, coaching.ErrConflict) {
			failed = failed || err != nil
			return err == nil
		}
		if !failed {
			t.Fatalf("Put(version %d) = %v", c.Version, err)
		}
		if got, err := s.Get(t.Context(), c.ID); err == nil {
			c = got
		}
		return false
	})
	return out
}

func TestServerRestarts(t *testing.T) {
	t.Parallel()
	n := startNode(t, nil)
	s := open(t, natsstore.Config{Conn: connect(t, n.url()), Timeout: 300 * time.Millisecond})
	f := watch(t, s, "")
	a := put(t, s, live(1))
	over := put(t, s, ended(live(2), time.Hour))
	first, _ := f.until(over)
	n.stop()
	if _, err := s.Get(t.Context(), a.ID); err == nil || errors.Is(err, coaching.ErrNotFound) {
		t.Errorf("Get while the server is away = %v, want another error", err)
	}
	if _, err := s.Put(t.Context(), a); err == nil || errors.Is(err, coaching.ErrConflict) {
		t.Errorf("Put while the server is away = %v, want another error", err)
	}
	n.start()
	again := reach(t, s, a)
	if again.Version <= a.Version {
		t.Errorf("Put after a restart = version %d, want more than %d", again.Version, a.Version)
	}
	if c, err := s.Get(t.Context(), over.ID); err != nil || c.Version != over.Version {
		t.Errorf("Get after a restart = version %d, %v, want %d", c.Version, err, over.Version)
	}
	f.until(again)
	// A cursor of before the restart is still good, on another instance too.
	other := open(t, natsstore.Config{Conn: connect(t, n.url())})
	if ch := watch(t, other, first.Cursor).next("the change after the restart"); ch.Resync || ch.Call.Version != again.Version {
		t.Errorf("after a cursor of before: version %d, resync %v, want version %d", ch.Call.Version, ch.Resync, again.Version)
	}
}

func TestServerLosesItsData(t *testing.T) {
	t.Parallel()
	n := startNode(t, nil)
	s := open(t, natsstore.Config{Conn: connect(t, n.url())})
	f := watch(t, s, "")
	a := put(t, s, live(1))
	old, _ := f.until(a)
	n.lose()
	n.start()
	eventually(t, "the call is gone", func() bool {
		_, err := s.Get(t.Context(), a.ID)
		return errors.Is(err, coaching.ErrNotFound)
	})
	if ch := f.next("a Resync"); !ch.Resync {
		t.Errorf("the first change after the loss is version %d of %s, want a Resync", ch.Call.Version, ch.Call.ID)
	}
	if _, err := s.Put(t.Context(), a); !errors.Is(err, coaching.ErrConflict) {
		t.Errorf("Put of what was lost = %v, want ErrConflict", err)
	}
	b := put(t, s, live(1))
	if b.Version <= a.Version {
		t.Errorf("created again after the loss: version %d, want more than %d", b.Version, a.Version)
	}
	f.until(b)
	if ch := watch(t, s, old.Cursor).next("a Resync"); !ch.Resync {
		t.Errorf("a cursor of before the loss gives version %d of %s, want a Resync", ch.Call.Version, ch.Call.ID)
	}
}

func TestLiveOfWhatWasLost(t *testing.T) {
	t.Parallel()
	n := startNode(t, nil)
	s := open(t, natsstore.Config{Conn: connect(t, n.url())})
	put(t, s, live(1))
	n.lose()
	n.start()
	eventually(t, "Live lists nothing", func() bool {
		listed := 0
		for _, err := range s.Live(t.Context()) {
			if err != nil {
				return false
			}
			listed++
		}
		return listed == 0
	})
}

// Somebody deletes the bucket while all is connected.
func TestBucketIsDeleted(t *testing.T) {
	t.Parallel()
	n := startNode(t, nil)
	nc := connect(t, n.url())
	s := open(t, natsstore.Config{Conn: nc})
	f := watch(t, s, "")
	a := put(t, s, live(1))
	f.until(a)
	if _, err := nc.Request("$JS.API.STREAM.DELETE.KV_coaching", nil, 5*time.Second); err != nil {
		t.Fatal(err)
	}
	if ch := f.next("a Resync"); !ch.Resync {
		t.Errorf("the first change after the loss is version %d of %s, want a Resync", ch.Call.Version, ch.Call.ID)
	}
	b := put(t, s, live(1))
	f.until(b)
}

// The connection of one instance is cut while another makes changes.
func TestConnectionIsCut(t *testing.T) {
	t.Parallel()
	n := startNode(t, nil)
	wire := cable.New(t, fmt.Sprintf("127.0.0.1:%d", n.options.Port))
	s := open(t, natsstore.Config{Conn: connect(t, "nats://"+wire.Addr())})
	other := open(t, natsstore.Config{Conn: connect(t, n.url())})
	f := watch(t, s, "")
	c := put(t, other, live(1))
	f.until(c)
	for range 5 {
		for range 20 {
			c = put(t, other, c)
		}
		wire.Cut()
		for range 20 {
			c = put(t, other, c)
		}
		wire.Mend()
		f.until(c) // with or without a Resync, the last one comes
	}
	if _, err := s.Get(t.Context(), c.ID); err != nil {
		t.Errorf("Get after the cuts = %v", err)
	}
}

// Changes is called while the server is away.
func TestChangesWhileAway(t *testing.T) {
	t.Parallel()
	n := startNode(t, nil)
	s := open(t, natsstore.Config{Conn: connect(t, n.url()), Timeout: 200 * time.Millisecond})
	c := put(t, s, live(1))
	n.stop()
	f := watch(t, s, "")
	n.start()
	if ch := f.next("a Resync"); !ch.Resync {
		t.Errorf("the first change is version %d of %s, want a Resync: nobody knows what it missed", ch.Call.Version, ch.Call.ID)
	}
	c = put(t, s, c)
	f.until(c)
}

// A reader who takes one change now and then.
func TestSlowReader(t *testing.T) {
	t.Parallel()
	n := startNode(t, nil)
	s := open(t, natsstore.Config{Conn: connect(t, n.url())})
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	next, stop := iter.Pull2(s.Changes(ctx, ""))
	defer stop()
	const calls = 40
	stored := make([]coaching.Call, calls)
	for round := range 20 {
		for i := range stored {
			if round == 0 {
				stored[i] = live(i)
			}
			stored[i] = put(t, s, stored[i])
		}
	}
	missing := map[coaching.CallID]uint64{}
	for _, c := range stored {
		missing[c.ID] = c.Version
	}
	for taken := 0; len(missing) > 0; taken++ {
		ch, err, _ := next()
		if err != nil || ch.Resync || taken > 20*calls {
			t.Fatalf("after %d changes: %v, resync %v, and the last of %d calls are missing", taken, err, ch.Resync, len(missing))
		}
		if missing[ch.Call.ID] == ch.Call.Version {
			delete(missing, ch.Call.ID)
		}
	}
}
