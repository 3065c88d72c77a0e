package coaching_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/mpc-coaching/coaching"
	"github.com/mpc-coaching/coaching/storetest"
)

func TestMemoryStore(t *testing.T) {
	storetest.Run(t, func(testing.TB) coaching.Store { return coaching.NewMemoryStore() },
		&storetest.Options{ForgetsWithin: time.Millisecond, FeedLength: coaching.FeedLength})
}

func BenchmarkMemoryStore(b *testing.B) {
	storetest.Benchmark(b, func(testing.TB) coaching.Store { return coaching.NewMemoryStore() })
}

// threeParties is a call that the library has made: customer, agent and a
// coaching supervisor, after a while of talking.
func threeParties(t *testing.T) (c coaching.Call) {
	bubble(t, func(t *testing.T) {
		s := open(t, nil)
		_, _, id := s.connected()
		if _, err := s.flow.AddSupervisor(t.Context(), id, supLee, nil); err != nil {
			t.Fatal(err)
		}
		after(3 * time.Minute)
		c = s.book(id)
		if n := len(c.Participants); n != 3 || !c.Live() {
			t.Fatalf("%d participants, live %v, want 3, true", n, c.Live())
		}
	})
	return c
}

// TestMemoryPerCall holds 10,000 live calls with three participants each.
func TestMemoryPerCall(t *testing.T) {
	const calls, most = 10_000, 8 << 10
	sample := threeParties(t)
	doc, err := coaching.EncodeCall(sample)
	if err != nil {
		t.Fatal(err)
	}
	text := string(doc)
	heap := func() int64 {
		runtime.GC()
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return int64(m.HeapAlloc)
	}
	store := coaching.NewMemoryStore()
	before := heap()
	for i := range calls {
		id := fmt.Sprintf("%s%08d", sample.ID[:len(sample.ID)-8], i)
		c, err := coaching.DecodeCall([]byte(strings.ReplaceAll(text, string(sample.ID), id)))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := store.Put(t.Context(), coaching.OwnStrings(c)); err != nil { // as in calls that came by callbacks
			t.Fatal(err)
		}
	}
	each := (heap() - before) / calls
	t.Logf("%d bytes a call; its document has %d", each, len(doc))
	if each > most {
		t.Errorf("a live call costs %d bytes, want at most %d", each, most)
	}
	runtime.KeepAlive(store)
}

// Ended calls must not add up, although one document that is put again and
// again, always with a later Expires, was the first to be due.
func TestMemoryStoreForgets(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx := t.Context()
		store := coaching.NewMemoryStore()
		lease := coaching.Call{ID: "cclease0000000000000000", State: coaching.StateEnded}
		most := 0
		for i := range 2000 {
			now := time.Now()
			lease.Expires = now.Add(time.Hour)
			var err error
			if lease, err = store.Put(ctx, lease); err != nil {
				t.Fatal(err)
			}
			c, err := store.Put(ctx, coaching.Call{ID: coaching.CallID(fmt.Sprintf("cc%020d", i)), State: coaching.StateActive})
			if err != nil {
				t.Fatal(err)
			}
			c.State, c.Expires = coaching.StateEnded, now.Add(time.Duration(1+i%7)*time.Minute)
			for range 3 { // an ended call is put again while phones are hung up
				if c, err = store.Put(ctx, c); err != nil {
					t.Fatal(err)
				}
			}
			time.Sleep(time.Minute)
			most = max(most, coaching.Kept(store))
		}
		if most > 80 { // seven calls, the lease, and an hour of the lease's expiries
			t.Errorf("the store keeps up to %d calls and expiries, want 80 at most", most)
		}
		if _, err := store.Get(ctx, lease.ID); err != nil {
			t.Errorf("Get(lease) = %v", err)
		}
	})
}

// A call that was forgotten and comes again goes on counting: to whoever watches,
// versions of a call only rise.
func TestMemoryStoreVersionsRise(t *testing.T) {
	bubble(t, func(t *testing.T) {
		store := coaching.NewMemoryStore()
		c := coaching.Call{ID: "cc0000000000000001", State: coaching.StateEnded, Expires: time.Now().Add(time.Minute)}
		for range 3 {
			var err error
			if c, err = store.Put(t.Context(), c); err != nil {
				t.Fatal(err)
			}
		}
		after(2 * time.Minute)
		if _, err := store.Put(t.Context(), coaching.Call{ID: "cc0000000000000002", State: coaching.StateEnded}); err != nil { // forgets the other
			t.Fatal(err)
		}
		again, err := store.Put(t.Context(), coaching.Call{ID: c.ID})
		if err != nil || again.Version <= c.Version {
			t.Errorf("Put of a call forgotten at version %d = version %d, %v, want a higher one", c.Version, again.Version, err)
		}
	})
}

// TestMemoryStoreAllocates keeps an eye on needless copies: Get and Put each
// make one.
func TestMemoryStoreAllocates(t *testing.T) {
	doc, err := os.ReadFile(filepath.Join("testdata", "call", "v1.json"))
	if err != nil {
		t.Fatal(err)
	}
	c, err := coaching.DecodeCall(doc)
	if err != nil {
		t.Fatal(err)
	}
	clone := testing.AllocsPerRun(100, func() { coaching.CloneCall(c) })
	store := coaching.NewMemoryStore()
	if c, err = store.Put(t.Context(), c); err != nil {
		t.Fatal(err)
	}
	get := testing.AllocsPerRun(100, func() { _, err = store.Get(context.Background(), c.ID) })
	put := testing.AllocsPerRun(100, func() { c, err = store.Put(context.Background(), c) })
	if get > clone || put > clone+1 {
		t.Errorf("Get and Put allocate %v and %v times, a copy %v: want no more than one copy each", get, put, clone)
	}
}
