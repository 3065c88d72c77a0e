package natsstore_test

import (
	"context"
	"fmt"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"

	"github.com/mpc-coaching/coaching/internal/enginetest"
	"github.com/mpc-coaching/coaching/internal/leak"
	"github.com/mpc-coaching/coaching/natsstore"
)

var (
	live, ended, put         = enginetest.Live, enginetest.Ended, enginetest.Put
	watch, reach, eventually = enginetest.Watch, enginetest.Reach, enginetest.Eventually
	freePort                 = enginetest.FreePort
)

func TestMain(m *testing.M) {
	if options := os.Getenv(serverVariable); options != "" {
		if err := beServer(options); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	os.Exit(leak.Main(m.Run))
}

// A node is one NATS server in this process, on loopback.
type node struct {
	tb      testing.TB
	options server.Options
	*server.Server
}

// startNode starts a server; change may change its options.
func startNode(tb testing.TB, change func(*server.Options)) *node {
	tb.Helper()
	n := &node{tb: tb, options: server.Options{
		ServerName: "n0", Host: "127.0.0.1", Port: freePort(tb), JetStream: true, StoreDir: tb.TempDir(),
		NoSigs: true, NoLog: true,
	}}
	if change != nil {
		change(&n.options)
	}
	tb.Cleanup(n.stop)
	n.start()
	return n
}

// start starts it, or again, on the same port and with the same files.
func (n *node) start() {
	n.tb.Helper()
	o := n.options
	s, err := server.NewServer(&o)
	if err != nil {
		n.tb.Fatal(err)
	}
	n.Server = s
	go s.Start()
	if !s.ReadyForConnections(20 * time.Second) {
		n.tb.Fatalf("server %s does not start", o.ServerName)
	}
}

func (n *node) stop() {
	if n.Server != nil {
		n.Shutdown()
		n.WaitForShutdown()
		n.Server = nil
	}
}

// lose stops it and takes its files away.
func (n *node) lose() {
	n.stop()
	if err := os.RemoveAll(n.options.StoreDir); err != nil {
		n.tb.Fatal(err)
	}
}

func (n *node) url() string { return fmt.Sprintf("nats://127.0.0.1:%d", n.options.Port) }

// A cluster is three servers.
type cluster [3]*node

func startCluster(tb testing.TB) *cluster {
	tb.Helper()
	var ports [3]int
	for i := range ports {
		ports[i] = freePort(tb)
	}
	var c cluster
	for i := range c {
		c[i] = &node{tb: tb, options: server.Options{
			ServerName: fmt.Sprintf("n%d", i), Host: "127.0.0.1", Port: freePort(tb), JetStream: true, StoreDir: tb.TempDir(),
			NoSigs: true, NoLog: true,
			Cluster: server.ClusterOpts{Name: "c", Host: "127.0.0.1", Port: ports[i]},
		}}
		for _, p := range ports {
			c[i].options.Routes = append(c[i].options.Routes, &url.URL{Scheme: "nats", Host: fmt.Sprintf("127.0.0.1:%d", p)})
		}
		tb.Cleanup(c[i].stop)
		c[i].start()
	}
	eventually(tb, "the cluster has a leader of its own", func() bool {
		for _, n := range c {
			if n.JetStreamIsLeader() && len(n.JetStreamClusterPeers()) == 3 {
				return true
			}
		}
		return false
	})
	return &c
}

func (c *cluster) urls() string {
	var all []string
	for _, n := range c {
		all = append(all, n.url())
	}
	return strings.Join(all, ",")
}

// leader returns the server that leads a bucket, and two that do not.
func (c *cluster) leader(tb testing.TB, bucket string) (leader *node, others []*node) {
	tb.Helper()
	eventually(tb, "bucket "+bucket+" has a leader", func() bool {
		leader, others = nil, nil
		for _, n := range c {
			if n.Server != nil && n.JetStreamIsStreamLeader("$G", "KV_"+bucket) {
				leader = n
			} else {
				others = append(others, n)
			}
		}
		return leader != nil
	})
	return leader, others
}

func connect(tb testing.TB, urls string, options ...nats.Option) *nats.Conn {
	tb.Helper()
	nc, err := nats.Connect(urls, append([]nats.Option{
		nats.MaxReconnects(-1), nats.ReconnectWait(50 * time.Millisecond), nats.ReconnectJitter(0, 0),
		nats.ErrorHandler(func(*nats.Conn, *nats.Subscription, error) {}),
	}, options...)...)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(nc.Close)
	return nc
}

func open(tb testing.TB, cfg natsstore.Config) *natsstore.Store {
	tb.Helper()
	ctx, cancel := context.WithTimeout(tb.Context(), 20*time.Second)
	defer cancel()
	s, err := natsstore.New(ctx, cfg)
	if err != nil {
		tb.Fatal(err)
	}
	return s
}
