package enginetest

import (
	"context"
	"errors"
	"iter"
	"testing"
	"time"

	"github.com/mpc-coaching/coaching"
	"github.com/mpc-coaching/coaching/internal/cable"
	"github.com/mpc-coaching/coaching/internal/duet"
)

// restarts: a server that stops and starts again has what it had, and feeds and
// cursors go on.
func restarts(t *testing.T, e Engine) {
	s := e.Open(t, e.Addr(), 300*time.Millisecond)
	f := Watch(t, s, "")
	a := Put(t, s, Live(1))
	over := Put(t, s, Ended(Live(2), time.Hour))
	first, _ := f.Until(over)
	e.Stop()
	if _, err := s.Get(t.Context(), a.ID); err == nil || errors.Is(err, coaching.ErrNotFound) {
		t.Errorf("Get while the server is away = %v, want another error", err)
	}
	if _, err := s.Put(t.Context(), a); err == nil || errors.Is(err, coaching.ErrConflict) {
		t.Errorf("Put while the server is away = %v, want another error", err)
	}
	e.Start()
	again := Reach(t, s, a)
	if again.Version <= a.Version {
		t.Errorf("Put after a restart = version %d, want more than %d", again.Version, a.Version)
	}
	if c, err := s.Get(t.Context(), over.ID); err != nil || c.Version != over.Version {
		t.Errorf("Get after a restart = version %d, %v, want %d", c.Version, err, over.Version)
	}
	f.Until(again)
	// A cursor of before the restart is still good, on another instance too.
	other := e.Open(t, e.Addr(), 0)
	if ch := Watch(t, other, first.Cursor).Next("the change after the restart"); ch.Resync || ch.Call.Version != again.Version {
		t.Errorf("after a cursor of before: version %d, resync %v, want version %d", ch.Call.Version, ch.Resync, again.Version)
	}
}

// losesItsData: what was lost is not there any more, and readers are told; no
// version is used twice.
func losesItsData(t *testing.T, e Engine) {
	s := e.Open(t, e.Addr(), 0)
	f := Watch(t, s, "")
	a := Put(t, s, Live(1))
	old, _ := f.Until(a)
	e.Lose()
	e.Start()
	Eventually(t, "the call is gone", func() bool {
		_, err := s.Get(t.Context(), a.ID)
		return errors.Is(err, coaching.ErrNotFound)
	})
	Eventually(t, "Live lists nothing", func() bool {
		for _, err := range s.Live(t.Context()) {
			if err == nil {
				t.Fatal("Live yields what was lost")
			}
			return false
		}
		return true
	})
	f.Resync("all was lost")
	if _, err := s.Put(t.Context(), a); !errors.Is(err, coaching.ErrConflict) {
		t.Errorf("Put of what was lost = %v, want ErrConflict", err)
	}
	b := Put(t, s, Live(1))
	if b.Version <= a.Version {
		t.Errorf("created again after the loss: version %d, want more than %d", b.Version, a.Version)
	}
	f.Until(b)
	Watch(t, s, old.Cursor).Resync("the cursor is of before the loss")
}

// connectionIsCut: one instance is cut off again and again while another makes
// changes, the last of which it gets; where the engine has them all, without a
// Resync.
func connectionIsCut(t *testing.T, e Engine, hasAll bool) {
	wire := cable.New(t, e.Addr())
	s := e.Open(t, wire.Addr(), 0)
	other := e.Open(t, e.Addr(), 0)
	f := Watch(t, s, "")
	c := Put(t, other, Live(1))
	f.Until(c)
	for range 5 {
		for range 20 {
			c = Put(t, other, c)
		}
		wire.Cut()
		for range 20 {
			c = Put(t, other, c)
		}
		wire.Mend()
		if _, resync := f.Until(c); resync && hasAll {
			t.Errorf("a cut gives a Resync although the engine has all changes")
		}
	}
	if _, err := s.Get(t.Context(), c.ID); err != nil {
		t.Errorf("Get after the cuts = %v", err)
	}
}

// changesWhileAway: who begins to read while the server is away is told that
// nobody knows what they missed.
func changesWhileAway(t *testing.T, e Engine) {
	s := e.Open(t, e.Addr(), 200*time.Millisecond)
	c := Put(t, s, Live(1))
	e.Stop()
	f := Watch(t, s, "")
	e.Start()
	f.Resync("nobody knows what it missed")
	c = Put(t, s, c)
	f.Until(c)
}

// slowReader: who takes one change now and then gets the last of every call.
func slowReader(t *testing.T, e Engine) {
	s := e.Open(t, e.Addr(), 0)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	next, stop := iter.Pull2(s.Changes(ctx, ""))
	defer stop()
	const calls = 40
	stored := make([]coaching.Call, calls)
	for round := range 20 {
		for i := range stored {
			if round == 0 {
				stored[i] = Live(i)
			}
			stored[i] = Put(t, s, stored[i])
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

// twoStores: whatever one instance does another sees, in order.
func twoStores(t *testing.T, e Engine) {
	a, b := e.Open(t, e.Addr(), 0), e.Open(t, e.Addr(), 0)
	fa, fb := Watch(t, a, ""), Watch(t, b, "")
	c := Put(t, a, Live(1))
	if _, err := b.Put(t.Context(), Live(1)); !errors.Is(err, coaching.ErrConflict) {
		t.Errorf("Put on the other = %v, want ErrConflict", err)
	}
	for range 20 {
		c = Put(t, b, c)
		c = Put(t, a, c)
	}
	fa.Until(c)
	ch, _ := fb.Until(c)
	// A browser that was connected to b and comes to a.
	over := Put(t, b, Ended(c, time.Hour))
	if got := Watch(t, a, ch.Cursor).Next("the end"); got.Resync || got.Call.Version != over.Version {
		t.Errorf("after the cursor of the other: version %d, resync %v, want version %d", got.Call.Version, got.Resync, over.Version)
	}
}

// versionsRise: a call that is created again after it was
// forgotten, which takes no longer than within, has a higher version than before.
func versionsRise(t *testing.T, e Engine, within time.Duration) {
	s := e.Open(t, e.Addr(), 0)
	old := Put(t, s, Ended(Put(t, s, Live(1)), 0))
	start := time.Now()
	var again coaching.Call
	Eventually(t, "the call is forgotten", func() bool {
		var err error
		if again, err = s.Put(t.Context(), Live(1)); err != nil && !errors.Is(err, coaching.ErrConflict) {
			t.Fatalf("Put = %v, want ErrConflict until it is forgotten", err)
		}
		return err == nil
	})
	if d := time.Since(start); d > within {
		t.Errorf("it took %v, want at most %v", d, within)
	}
	if again.Version <= old.Version {
		t.Errorf("created again: version %d, want more than %d", again.Version, old.Version)
	}
}

// twoInstances plays the four scenarios.
func twoInstances(t *testing.T, e Engine) {
	d := duet.Start(t, e.Open(t, e.Addr(), 0), e.Open(t, e.Addr(), 0))
	d.Connect()
	d.Finish()
}

// twoInstancesAfterLoss: when the server has lost its data, the calls that go
// on are found by asking Plivo, and can be worked with again.
func twoInstancesAfterLoss(t *testing.T, e Engine) {
	d := duet.Start(t, e.Open(t, e.Addr(), 0), e.Open(t, e.Addr(), 0))
	d.Connect()
	e.Lose()
	e.Start()
	d.Adopted()
	d.Finish()
}
