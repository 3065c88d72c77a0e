package storetest

import (
	"context"
	"testing"

	"github.com/mpc-coaching/coaching"
)

// Benchmark measures a store that open returns with a call of usual size: Get,
// Put, both (what one change of a call costs), Live per call, and for a
// [coaching.Watcher] how long a change takes to be told.
func Benchmark(b *testing.B, open func(testing.TB) coaching.Store) {
	b.Run("Get", func(b *testing.B) {
		store := open(b)
		put(b, store, busy(b, 1))
		b.ReportAllocs()
		for b.Loop() {
			get(b, store, id(1))
		}
	})
	b.Run("Put", func(b *testing.B) {
		store := open(b)
		c := put(b, store, busy(b, 1))
		b.ReportAllocs()
		for b.Loop() {
			c = put(b, store, c)
		}
	})
	b.Run("Change", func(b *testing.B) {
		store := open(b)
		put(b, store, busy(b, 1))
		b.ReportAllocs()
		for b.Loop() {
			put(b, store, get(b, store, id(1)))
		}
	})
	b.Run("Live1000", func(b *testing.B) {
		store := open(b)
		for i := range 1000 {
			put(b, store, busy(b, i))
			put(b, store, ended(1000+i, 1<<40))
		}
		b.ReportAllocs()
		for b.Loop() {
			n := 0
			for _, err := range store.Live(b.Context()) {
				if err != nil {
					b.Fatal(err)
				}
				n++
			}
			if n != 1000 {
				b.Fatalf("Live yields %d calls, want 1000", n)
			}
		}
	})
	b.Run("Watch", func(b *testing.B) {
		store := open(b)
		w, ok := store.(coaching.Watcher)
		if !ok {
			b.Skip("the store is no Watcher")
		}
		c := put(b, store, busy(b, 1))
		ctx, cancel := context.WithCancel(b.Context())
		seen := make(chan uint64, 1)
		changes := w.Changes(ctx, "")
		done := make(chan struct{})
		go func() {
			defer close(done)
			for ch, err := range changes {
				if err == nil {
					seen <- ch.Call.Version
				}
			}
		}()
		for b.Loop() {
			c = put(b, store, c)
			for v := range seen {
				if v == c.Version {
					break
				}
			}
		}
		cancel()
		<-done
	})
}
