package redisstore_test

import (
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/mpc-coaching/coaching"
	"github.com/mpc-coaching/coaching/redisstore"
	"github.com/mpc-coaching/coaching/storetest"
)

// Redis drops whole nodes of a stream, of a hundred entries.
const feedLength = 200

var promises = &storetest.Options{ForgetsWithin: 50 * time.Millisecond, FeedLength: feedLength + 200}

func TestStore(t *testing.T) {
	t.Parallel()
	storetest.Run(t, prefixes(redisstore.Config{Client: connect(t, startServer(t).addr()), FeedLength: feedLength}), promises)
}

func TestStoreInCluster(t *testing.T) {
	t.Parallel()
	storetest.Run(t, prefixes(redisstore.Config{Client: startCluster(t), FeedLength: feedLength}), promises)
}

func TestStoreWithReplica(t *testing.T) {
	t.Parallel()
	master := startServer(t)
	startServer(t, "--replicaof", fmt.Sprintf("127.0.0.1 %d", master.port), "--repl-diskless-sync-delay", "0")
	c := connect(t, master.addr())
	eventually(t, "the replica is there", func() bool {
		n, err := c.Wait(t.Context(), 1, 100*time.Millisecond).Result()
		return err == nil && n == 1
	})
	storetest.Run(t, prefixes(redisstore.Config{Client: c, FeedLength: feedLength, Replicas: 1}), promises)
}

// prefixes returns what opens a store with a new prefix each time.
func prefixes(cfg redisstore.Config) func(testing.TB) coaching.Store {
	var n atomic.Int32
	return func(tb testing.TB) coaching.Store {
		cfg := cfg
		cfg.Prefix = fmt.Sprintf("p%d", n.Add(1))
		return open(tb, cfg)
	}
}

// startCluster starts three masters of a Redis Cluster, each with a third of
// the slots.
func startCluster(tb testing.TB) *redis.ClusterClient {
	tb.Helper()
	var nodes []*server
	var addrs []string
	for range 3 {
		s := startServer(tb, "--cluster-enabled", "yes", "--cluster-node-timeout", "5000")
		nodes, addrs = append(nodes, s), append(addrs, s.addr())
	}
	for i, s := range nodes {
		c := connect(tb, s.addr())
		from, to := i*16384/3, (i+1)*16384/3-1
		if err := c.ClusterAddSlotsRange(tb.Context(), from, to).Err(); err != nil {
			tb.Fatal(err)
		}
		if err := c.ClusterMeet(tb.Context(), "127.0.0.1", fmt.Sprint(nodes[0].port)).Err(); err != nil {
			tb.Fatal(err)
		}
	}
	for _, s := range nodes {
		c := connect(tb, s.addr())
		eventually(tb, "the cluster is one", func() bool {
			info, err := c.ClusterInfo(tb.Context()).Result()
			return err == nil && strings.Contains(info, "cluster_state:ok") && strings.Contains(info, "cluster_known_nodes:3") &&
				strings.Contains(info, "cluster_slots_assigned:16384")
		})
	}
	c := redis.NewClusterClient(&redis.ClusterOptions{Addrs: addrs, ContextTimeoutEnabled: true})
	tb.Cleanup(func() { _ = c.Close() })
	return c
}

func BenchmarkStore(b *testing.B) {
	storetest.Benchmark(b, prefixes(redisstore.Config{Client: connect(b, startServer(b, "--appendfsync", "everysec").addr())}))
}

func BenchmarkFsyncAlways(b *testing.B) {
	storetest.Benchmark(b, prefixes(redisstore.Config{Client: connect(b, startServer(b).addr())}))
}
