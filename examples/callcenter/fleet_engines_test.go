package main

import (
	"context"
	"fmt"
	"net"
	"net/url"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"

	"github.com/mpc-coaching/coaching"
	"github.com/mpc-coaching/coaching/internal/require"
)

// Two hundred calls on three instances; in the middle of them one is killed, and
// so is a server of the NATS cluster.
func TestFleetOnNATS(t *testing.T) {
	cluster := natsCluster(t)
	var urls []string
	for _, s := range cluster {
		urls = append(urls, s.ClientURL())
	}
	f := newFleet(t, strings.Join(urls, ","), 3)
	f.sail(func() {
		f.sink(0)
		time.Sleep(3 * time.Second)
		cluster[1].Shutdown()
		cluster[1].WaitForShutdown()
	})
}

// The same on Redis, which has one server; it loses all connections at once.
func TestFleetOnRedis(t *testing.T) {
	_, err := exec.LookPath("redis-server")
	require.Have(t, "redis", err)
	port := freePort(t)
	redis := exec.Command("redis-server", "--port", port, "--bind", "127.0.0.1", "--dir", t.TempDir(), "--save", "", "--appendonly", "yes")
	if err := redis.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = redis.Process.Kill()
		_ = redis.Wait()
	})
	address := "redis://127.0.0.1:" + port
	until(t, "redis-server answers", func() bool {
		store, closed, err := openStore(t.Context(), address)
		if err != nil {
			return false
		}
		_, err = store.Get(context.Background(), coaching.CallID(strings.Repeat("0", 16)))
		_ = closed()
		return err != nil
	})
	f := newFleet(t, address, 3)
	f.sail(func() {
		f.sink(0)
		time.Sleep(3 * time.Second)
		if out, err := exec.Command("redis-cli", "-p", port, "client", "kill", "type", "normal").CombinedOutput(); err != nil {
			t.Errorf("redis-cli client kill = %v: %s", err, out)
		}
	})
}

func freePort(t *testing.T) string {
	t.Helper()
	_, port, err := net.SplitHostPort(freeAddr(t))
	if err != nil {
		t.Fatal(err)
	}
	return port
}

// natsCluster starts three servers in this process.
func natsCluster(t *testing.T) (all [3]*server.Server) {
	t.Helper()
	var routes []*url.URL
	var ports [3]string
	for i := range ports {
		ports[i] = freePort(t)
		routes = append(routes, &url.URL{Scheme: "nats", Host: "127.0.0.1:" + ports[i]})
	}
	for i := range all {
		var port int
		fmt.Sscan(ports[i], &port)
		s, err := server.NewServer(&server.Options{
			ServerName: fmt.Sprint("n", i), Host: "127.0.0.1", Port: server.RANDOM_PORT, JetStream: true, StoreDir: t.TempDir(),
			NoSigs: true, NoLog: true, Routes: routes, Cluster: server.ClusterOpts{Name: "fleet", Host: "127.0.0.1", Port: port},
		})
		if err != nil {
			t.Fatal(err)
		}
		all[i] = s
		go s.Start()
		t.Cleanup(func() {
			s.Shutdown()
			s.WaitForShutdown()
		})
	}
	until(t, "the cluster has a leader", func() bool {
		for _, s := range all {
			if s.JetStreamIsLeader() && len(s.JetStreamClusterPeers()) == 3 {
				return true
			}
		}
		return false
	})
	return all
}
