package natsstore_test

import (
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/mpc-coaching/coaching"
	"github.com/mpc-coaching/coaching/natsstore"
	"github.com/mpc-coaching/coaching/storetest"
)

// Whole seconds, counted from when the server has the call: one too many, and
// one until the server looks.
var promises = &storetest.Options{ForgetsWithin: 3 * time.Second, FeedLength: 600}

func TestStoreOnOneServer(t *testing.T) {
	t.Parallel()
	nc := connect(t, startNode(t, nil).url())
	storetest.Run(t, buckets(natsstore.Config{Conn: nc}), promises)
}

func TestStoreOnThreeServers(t *testing.T) {
	t.Parallel()
	nc := connect(t, startCluster(t).urls())
	storetest.Run(t, buckets(natsstore.Config{Conn: nc, Replicas: 3}), promises)
}

func TestStoreInMemory(t *testing.T) {
	t.Parallel()
	nc := connect(t, startNode(t, nil).url())
	storetest.Run(t, buckets(natsstore.Config{Conn: nc, Storage: jetstream.MemoryStorage}), promises)
}

// buckets returns what opens a store of a new bucket each time.
func buckets(cfg natsstore.Config) func(testing.TB) coaching.Store {
	var n atomic.Int32
	return func(tb testing.TB) coaching.Store {
		cfg := cfg
		cfg.Bucket = fmt.Sprintf("b%d", n.Add(1))
		return open(tb, cfg)
	}
}

func BenchmarkOneServer(b *testing.B) {
	nc := connect(b, startNode(b, nil).url())
	storetest.Benchmark(b, buckets(natsstore.Config{Conn: nc}))
}

func BenchmarkThreeServers(b *testing.B) {
	nc := connect(b, startCluster(b).urls())
	storetest.Benchmark(b, buckets(natsstore.Config{Conn: nc, Replicas: 3}))
}
