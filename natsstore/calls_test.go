package natsstore_test

import (
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/mpc-coaching/coaching"
	"github.com/mpc-coaching/coaching/natsstore"
)

// A document of a newer instance is left to that one.
func TestNewerSchema(t *testing.T) {
	t.Parallel()
	nc := connect(t, startNode(t, nil).url())
	s := open(t, natsstore.Config{Conn: nc})
	f := watch(t, s, "")
	newer := live(1).ID
	doc := fmt.Sprintf(`{"v":%d,"id":%q}`, coaching.Schema+1, newer)
	if _, err := nc.Request("$KV.coaching.live."+string(newer), []byte(doc), 5*time.Second); err != nil {
		t.Fatal(err)
	}
	c := put(t, s, live(2))
	if _, err := s.Get(t.Context(), newer); !errors.Is(err, coaching.ErrSchema) {
		t.Errorf("Get = %v, want ErrSchema", err)
	}
	if _, err := s.Put(t.Context(), live(1)); !errors.Is(err, coaching.ErrConflict) {
		t.Errorf("Put over it = %v, want ErrConflict", err)
	}
	for got, err := range s.Live(t.Context()) {
		if err != nil || got.ID != c.ID {
			t.Errorf("Live yields %s, %v, want %s alone", got.ID, err, c.ID)
		}
	}
	if ch := f.Next("the call of our schema"); ch.Call.ID != c.ID {
		t.Errorf("Changes yields %s, want %s alone", ch.Call.ID, c.ID)
	}
}

// A process that dies in the middle of ending a call leaves the first half of
// a batch, which counts for nothing.
func TestHalfAnEnd(t *testing.T) {
	t.Parallel()
	nc := connect(t, startNode(t, nil).url())
	s := open(t, natsstore.Config{Conn: nc})
	c := put(t, s, live(1))
	m := nats.NewMsg("$KV.coaching.live." + string(c.ID))
	m.Header.Set("KV-Operation", "DEL")
	m.Header.Set("Nats-TTL", "1s")
	m.Header.Set("Nats-Batch-Id", "abandoned")
	m.Header.Set("Nats-Batch-Sequence", "1")
	if err := nc.PublishMsg(m); err != nil {
		t.Fatal(err)
	}
	if err := nc.Flush(); err != nil {
		t.Fatal(err)
	}
	if got, err := s.Get(t.Context(), c.ID); err != nil || got.Version != c.Version {
		t.Errorf("Get = version %d, %v, want %d", got.Version, err, c.Version)
	}
	listed := 0
	for range s.Live(t.Context()) {
		listed++
	}
	if listed != 1 {
		t.Errorf("Live yields %d calls, want 1", listed)
	}
	put(t, s, ended(c, time.Hour))
}

// Live costs what is live, not what has ended.
func TestLiveCost(t *testing.T) {
	t.Parallel()
	nc := connect(t, startNode(t, nil).url())
	s := open(t, natsstore.Config{Conn: nc})
	c := put(t, s, live(0))
	list := func() uint64 {
		before := nc.Stats().InBytes
		for got, err := range s.Live(t.Context()) {
			if err != nil || got.ID != c.ID {
				t.Errorf("Live yields %s, %v, want %s alone", got.ID, err, c.ID)
			}
		}
		return nc.Stats().InBytes - before
	}
	alone := list()
	for n := range 300 {
		put(t, s, ended(put(t, s, live(n+1)), time.Hour))
	}
	eventually(t, "the markers have gone", func() bool { return list() < alone+1000 })
}

// More calls end at once than a server takes batches.
func TestManyEndAtOnce(t *testing.T) {
	t.Parallel()
	for name, cfg := range map[string]natsstore.Config{
		// The time is for a machine that does much else.
		"one server":    {Conn: connect(t, startNode(t, nil).url()), Timeout: 30 * time.Second},
		"three servers": {Conn: connect(t, startCluster(t).urls()), Timeout: 30 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			s := open(t, cfg)
			var wg sync.WaitGroup
			for n := range 500 {
				wg.Go(func() {
					if _, err := s.Put(t.Context(), ended(live(n), time.Hour)); err != nil {
						t.Errorf("Put = %v", err)
					}
				})
			}
			wg.Wait()
		})
	}
}

// A server says that a write is done before it lets another to the same key:
// who writes alone must not notice.
func TestOneWriterHasNoConflict(t *testing.T) {
	t.Parallel()
	s := open(t, natsstore.Config{Conn: connect(t, startCluster(t).urls())})
	var wg sync.WaitGroup
	for n := range 8 {
		wg.Go(func() {
			c := live(n)
			for i := range 500 {
				if i%50 == 49 {
					c = ended(c, time.Hour)
				} else {
					c.State, c.Ended, c.Expires = coaching.StateActive, time.Time{}, time.Time{}
				}
				next, err := s.Put(t.Context(), c)
				if err != nil {
					t.Errorf("Put %d = %v, want nil: nobody else writes", i, err)
					return
				}
				c = next
			}
		})
	}
	wg.Wait()
}
