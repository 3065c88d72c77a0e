package redisstore_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/mpc-coaching/coaching"
	"github.com/mpc-coaching/coaching/redisstore"
)

// A document of a newer instance is left to that one.
func TestNewerSchema(t *testing.T) {
	t.Parallel()
	client := connect(t, startServer(t).addr())
	s := open(t, redisstore.Config{Client: client})
	f := watch(t, s, "")
	newer := put(t, s, live(1))
	f.Until(newer)
	doc := fmt.Sprintf(`{"v":%d,"id":%q}`, coaching.Schema+1, newer.ID)
	if err := client.HSet(t.Context(), "{coaching}:call:"+string(newer.ID), "d", doc).Err(); err != nil {
		t.Fatal(err)
	}
	first := f
	f = watch(t, s, coaching.Cursor("r-0")) // from the beginning
	c := put(t, s, live(2))
	if _, err := s.Get(t.Context(), newer.ID); !errors.Is(err, coaching.ErrSchema) {
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
	first.Until(c)
}

// Two deployments in one Redis have nothing in common.
func TestPrefixes(t *testing.T) {
	t.Parallel()
	client := connect(t, startServer(t).addr())
	a, b := open(t, redisstore.Config{Client: client, Prefix: "a"}), open(t, redisstore.Config{Client: client, Prefix: "b"})
	f := watch(t, b, "")
	put(t, a, live(1))
	put(t, b, live(1))
	c := put(t, b, live(2))
	if ch := f.Next("a change of b"); ch.Call.ID != live(1).ID {
		t.Errorf("Changes yields %s", ch.Call.ID)
	}
	f.Until(c)
	listed := 0
	for range a.Live(t.Context()) {
		listed++
	}
	if listed != 1 {
		t.Errorf("Live of a yields %d calls, want 1", listed)
	}
}

// Versions are exact in Lua, and in JavaScript.
func TestVersionsAreExact(t *testing.T) {
	t.Parallel()
	client := connect(t, startServer(t).addr())
	s := open(t, redisstore.Config{Client: client})
	const far = 1<<53 - 3 // the clock was wrong once, by 230 years
	if err := client.HSet(t.Context(), "{coaching}:meta", "last", uint64(far)).Err(); err != nil {
		t.Fatal(err)
	}
	c := put(t, s, live(1))
	if c.Version != far+1 {
		t.Errorf("Put = version %d, want %d", c.Version, uint64(far+1))
	}
	if c = put(t, s, c); c.Version != far+2 {
		t.Errorf("Put = version %d, want %d", c.Version, uint64(far+2))
	}
	if got, err := s.Get(t.Context(), c.ID); err != nil || got.Version != c.Version {
		t.Errorf("Get = version %d, %v, want %d", got.Version, err, c.Version)
	}
}

// Live costs what is live, not what has ended.
func TestLiveCost(t *testing.T) {
	t.Parallel()
	var received atomic.Int64
	client := connect(t, startServer(t).addr(), func(o *redis.Options) {
		o.Dialer = func(ctx context.Context, network, addr string) (net.Conn, error) {
			conn, err := (&net.Dialer{}).DialContext(ctx, network, addr)
			return &counting{conn, &received}, err
		}
	})
	s := open(t, redisstore.Config{Client: client})
	c := put(t, s, live(0))
	list := func() int64 {
		before := received.Load()
		for got, err := range s.Live(t.Context()) {
			if err != nil || got.ID != c.ID {
				t.Errorf("Live yields %s, %v, want %s alone", got.ID, err, c.ID)
			}
		}
		return received.Load() - before
	}
	list() // connects
	alone := list()
	for n := range 300 {
		put(t, s, ended(put(t, s, live(n+1)), time.Hour))
	}
	if with := list(); with > alone+100 {
		t.Errorf("Live reads %d bytes with 300 ended calls, %d without", with, alone)
	}
}

type counting struct {
	net.Conn
	n *atomic.Int64
}

func (c *counting) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	c.n.Add(int64(n))
	return n, err
}

// Whatever clock the server has, a call is kept as long as it is to be here.
func TestKeepsByOurClock(t *testing.T) {
	t.Parallel()
	client := connect(t, startServer(t).addr())
	s := open(t, redisstore.Config{Client: client})
	c := put(t, s, ended(live(1), time.Hour))
	ttl, err := client.PTTL(t.Context(), "{coaching}:call:"+string(c.ID)).Result()
	if left := time.Until(c.Expires); err != nil || ttl < left-2*time.Millisecond || ttl > left+time.Second {
		t.Errorf("the call is kept for %v, %v, want %v", ttl, err, left)
	}
	c.State, c.Ended = coaching.StateActive, time.Time{} // lives again
	c = put(t, s, c)
	if ttl, err = client.PTTL(t.Context(), "{coaching}:call:"+string(c.ID)).Result(); err != nil || ttl != -1 {
		t.Errorf("a live call is kept for %v, %v, want for ever", ttl, err)
	}
}
