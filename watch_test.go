package coaching_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"

	"github.com/mpc-coaching/coaching"
)

// first returns the first change after a cursor.
func first(t *testing.T, s *coaching.MemoryStore, after coaching.Cursor) coaching.Change {
	t.Helper()
	for ch, err := range s.Changes(t.Context(), after) {
		if err != nil {
			t.Fatal(err)
		}
		return ch
	}
	t.Fatal("Changes yields nothing")
	return coaching.Change{}
}

// A browser that comes back after a restart of the process has a cursor of the
// feed before: the numbers fit, and mean something else.
func TestCursorOfAnotherFeed(t *testing.T) {
	var cursors [2]coaching.Cursor
	var stores [2]*coaching.MemoryStore
	for i := range stores {
		stores[i] = coaching.NewMemoryStore()
		changes := stores[i].Changes(t.Context(), "")
		for n := range 3 {
			if _, err := stores[i].Put(t.Context(), coaching.Call{ID: coaching.CallID(fmt.Sprintf("cc%020d", n))}); err != nil {
				t.Fatal(err)
			}
		}
		for ch, err := range changes {
			if err != nil {
				t.Fatal(err)
			}
			cursors[i] = ch.Cursor
			break
		}
	}
	if ch := first(t, stores[1], cursors[0]); !ch.Resync {
		t.Errorf("after a cursor of another feed: %+v, want a Resync", ch)
	}
	if ch := first(t, stores[1], cursors[1]); ch.Resync || ch.Call.ID != "cc00000000000000000001" {
		t.Errorf("after its own cursor: %+v, want the second call", ch)
	}
}

// Readers wait without polling, and all of them end with their context.
func TestFeedWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := coaching.NewMemoryStore()
		ctx, cancel := context.WithCancel(t.Context())
		const readers = 50
		seen, ends := make([]uint64, readers), make([]error, readers)
		for i := range readers {
			changes := store.Changes(ctx, "")
			go func() {
				for ch, err := range changes {
					seen[i], ends[i] = ch.Call.Version, err
				}
			}()
		}
		c := coaching.Call{ID: "cc00000000000000000000"}
		for want := uint64(1); want <= 10; want++ {
			var err error
			if c, err = store.Put(ctx, c); err != nil {
				t.Fatal(err)
			}
			synctest.Wait()
			for i, v := range seen {
				if v != want {
					t.Fatalf("reader %d saw version %d, want %d", i, v, want)
				}
			}
		}
		cancel()
		synctest.Wait()
		for i, err := range ends {
			if !errors.Is(err, context.Canceled) {
				t.Errorf("reader %d ends with %v, want context.Canceled", i, err)
			}
		}
	})
}

func TestLiveOfAnEmptyStoreHonoursItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	var last error
	for _, err := range coaching.NewMemoryStore().Live(ctx) {
		last = err
	}
	if !errors.Is(last, context.Canceled) {
		t.Errorf("Live(cancelled) = %v, want context.Canceled", last)
	}
}

func BenchmarkFeed(b *testing.B) {
	for _, readers := range []int{0, 1, 100} {
		b.Run(fmt.Sprintf("readers=%d", readers), func(b *testing.B) {
			store := coaching.NewMemoryStore()
			ctx, cancel := context.WithCancel(b.Context())
			done := make(chan struct{}, readers)
			for range readers {
				changes := store.Changes(ctx, "")
				go func() {
					for range changes {
					}
					done <- struct{}{}
				}()
			}
			c := coaching.Call{ID: "cc00000000000000000000"}
			b.ReportAllocs()
			for b.Loop() {
				var err error
				if c, err = store.Put(ctx, c); err != nil {
					b.Fatal(err)
				}
			}
			cancel()
			for range readers {
				<-done
			}
		})
	}
}
