package redisstore_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/mpc-coaching/coaching"
	"github.com/mpc-coaching/coaching/internal/enginetest"
	"github.com/mpc-coaching/coaching/redisstore"
)

// An engine is a redis-server as the cases of enginetest want it.
type engine struct{ server *server }

func startEngine(tb testing.TB) enginetest.Engine { return engine{startServer(tb)} }

func (e engine) Addr() string { return e.server.addr() }
func (e engine) Stop()        { e.server.kill() }
func (e engine) Start()       { e.server.start() }
func (e engine) Lose()        { e.server.lose() }

func (e engine) Open(tb testing.TB, addr string, timeout time.Duration) enginetest.Store {
	return open(tb, redisstore.Config{Client: connect(tb, addr), Timeout: timeout})
}

func TestEngine(t *testing.T) {
	t.Parallel()
	enginetest.Run(t, startEngine, enginetest.Options{ForgetsWithin: time.Second, KeepsFeed: true})
}

// Somebody empties Redis while all is connected, and calls are put at once.
func TestFlush(t *testing.T) {
	t.Parallel()
	c := connect(t, startServer(t).addr())
	s := open(t, redisstore.Config{Client: c})
	f := watch(t, s, "")
	f.Until(put(t, s, live(1)))
	if err := c.FlushAll(t.Context()).Err(); err != nil {
		t.Fatal(err)
	}
	b := put(t, s, live(2))
	f.Resync("all was lost")
	f.Until(put(t, s, b))
}

// A replica takes over that does not have the last changes: what was told of
// them is taken back by a Resync, and no version is used twice.
func TestFailover(t *testing.T) {
	t.Parallel()
	master := startServer(t)
	replica := startServer(t, "--replicaof", fmt.Sprintf("127.0.0.1 %d", master.port), "--repl-diskless-sync-delay", "0")
	var addr atomic.Pointer[string]
	use := func(n *server) {
		a := n.addr()
		addr.Store(&a)
	}
	use(master)
	c := connect(t, "one", func(o *redis.Options) {
		o.Dialer = func(ctx context.Context, _, _ string) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, "tcp", *addr.Load())
		}
	})
	s := open(t, redisstore.Config{Client: c})
	f := watch(t, s, "")
	kept := put(t, s, live(1))
	f.Until(kept)
	eventually(t, "the replica has it", func() bool {
		n, err := c.Wait(t.Context(), 1, 100*time.Millisecond).Result()
		return err == nil && n == 1
	})
	if err := connect(t, replica.addr()).ReplicaOf(t.Context(), "no", "one").Err(); err != nil {
		t.Fatal(err)
	}
	lost := kept
	for range 10 {
		lost = put(t, s, lost)
	}
	f.Until(lost)
	use(replica)
	master.kill()
	eventually(t, "the other answers", func() bool {
		got, err := s.Get(t.Context(), kept.ID)
		return err == nil && got.Version == kept.Version
	})
	if _, err := s.Put(t.Context(), lost); !errors.Is(err, coaching.ErrConflict) {
		t.Errorf("Put on what was lost = %v, want ErrConflict", err)
	}
	next := put(t, s, kept)
	if next.Version <= lost.Version {
		t.Errorf("after the failover: version %d, want more than %d, which was lost", next.Version, lost.Version)
	}
	f.Resync("changes were lost")
	f.Until(put(t, s, next))
}

// Sentinel makes the replica the master, and the client goes there.
func TestSentinel(t *testing.T) {
	t.Parallel()
	master := startServer(t)
	startServer(t, "--replicaof", fmt.Sprintf("127.0.0.1 %d", master.port), "--repl-diskless-sync-delay", "0")
	sentinel := startSentinel(t, master)
	s, done, err := redisstore.Open(t.Context(), "redis://"+sentinel+"?master_name=calls")
	if err != nil {
		t.Fatal(err)
	}
	defer done()
	f := watch(t, s, "")
	c := put(t, s, live(1))
	f.Until(c)
	eventually(t, "the replica has it", func() bool {
		n, err := connect(t, master.addr()).Wait(t.Context(), 1, 100*time.Millisecond).Result()
		return err == nil && n == 1
	})
	admin := redis.NewSentinelClient(&redis.Options{Addr: sentinel})
	defer admin.Close()
	eventually(t, "Sentinel makes another the master", func() bool {
		return admin.Failover(t.Context(), "calls").Err() == nil // it must have found the replica
	})
	master.kill() // where there is still a master, and then none
	next := reach(t, s, c)
	if next.Version <= c.Version {
		t.Errorf("after the failover: version %d, want more than %d", next.Version, c.Version)
	}
	f.Until(next)
}

// startSentinel starts one that needs nobody's vote, and returns its address.
func startSentinel(t *testing.T, master *server) string {
	t.Helper()
	port, file := freePort(t), filepath.Join(t.TempDir(), "sentinel.conf")
	conf := fmt.Sprintf("port %d\nbind 127.0.0.1\nsentinel monitor calls 127.0.0.1 %d 1\nsentinel down-after-milliseconds calls 1000\n", port, master.port)
	if err := os.WriteFile(file, []byte(conf), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("redis-server", file, "--sentinel")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	addr := fmt.Sprintf("127.0.0.1:%d", port)
	c := redis.NewSentinelClient(&redis.Options{Addr: addr})
	defer c.Close()
	eventually(t, "Sentinel knows the replica", func() bool {
		replicas, err := c.Replicas(t.Context(), "calls").Result()
		return err == nil && len(replicas) == 1
	})
	return addr
}

// Too few replicas have a change: it is not confirmed.
func TestTooFewReplicas(t *testing.T) {
	t.Parallel()
	s := open(t, redisstore.Config{Client: connect(t, startServer(t).addr()), Replicas: 1, Timeout: time.Second})
	if _, err := s.Put(t.Context(), live(1)); err == nil || errors.Is(err, coaching.ErrConflict) || !strings.Contains(err.Error(), "replicas") {
		t.Errorf("Put without the replica = %v, want an error about replicas", err)
	}
	if _, err := s.Get(t.Context(), live(1).ID); err != nil {
		t.Errorf("Get = %v: it has happened", err)
	}
}

// Deadlines hold although the server does not answer at all.
func TestDeadline(t *testing.T) {
	t.Parallel()
	n := startServer(t)
	s := open(t, redisstore.Config{Client: connect(t, n.addr())})
	put(t, s, live(1))
	if err := n.cmd.Process.Signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	defer n.cmd.Process.Signal(syscall.SIGCONT)
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	start := time.Now()
	_, err := s.Get(ctx, live(1).ID)
	if d := time.Since(start); !errors.Is(err, context.DeadlineExceeded) || d > time.Second {
		t.Errorf("Get(300 ms) from a server that sleeps = %v after %v, want context.DeadlineExceeded", err, d)
	}
	_, err = s.Put(t.Context(), live(2))
	if d := time.Since(start); err == nil || errors.Is(err, context.DeadlineExceeded) || d > 5*time.Second {
		t.Errorf("Put on a server that sleeps = %v after %v, want another error within Timeout", err, d)
	}
}

// A client sends a script again when it was cut off before the answer.
func TestAnswerIsLost(t *testing.T) {
	t.Parallel()
	n := startServer(t)
	other := open(t, redisstore.Config{Client: connect(t, n.addr())})
	for i, test := range []struct {
		name    string
		retries int
		between func(coaching.Call) // before the client tries again
		want    string
	}{
		{name: "nobody writes in between", retries: 3, want: "taken"},
		{name: "somebody writes", retries: 3, between: func(c coaching.Call) { put(t, other, c) }, want: "overtaken"},
		{name: "the client does not retry", retries: -1, want: "error"},
	} {
		t.Run(test.name, func(t *testing.T) {
			var fault atomic.Pointer[func()]
			c := connect(t, n.addr(), func(o *redis.Options) {
				o.MaxRetries = test.retries
				o.Dialer = func(ctx context.Context, network, addr string) (net.Conn, error) {
					conn, err := (&net.Dialer{}).DialContext(ctx, network, addr)
					return &lossy{conn, &fault}, err
				}
			})
			s := open(t, redisstore.Config{Client: c})
			first := put(t, s, live(i))
			drop := func() {
				if got, err := other.Get(t.Context(), first.ID); err != nil || got.Version == first.Version {
					t.Errorf("the Put has not happened: version %d, %v", got.Version, err)
				} else if test.between != nil {
					test.between(got)
				}
			}
			fault.Store(&drop)
			next, err := s.Put(t.Context(), first)
			got := "error"
			switch {
			case err == nil && next.Version > first.Version:
				got = "taken"
			case errors.Is(err, coaching.ErrConflict):
				got = "conflict"
			case strings.Contains(err.Error(), "another since"):
				got = "overtaken"
			}
			if got != test.want {
				t.Errorf("Put whose answer was lost = %s (version %d, %v), want %s", got, next.Version, err, test.want)
			}
			if last, err := other.Get(t.Context(), first.ID); test.want == "taken" && (err != nil || last.Version != next.Version) {
				t.Errorf("Get = version %d, %v, want %d", last.Version, err, next.Version)
			}
		})
	}
}

// A lossy connection swallows the next answer, if it is to, and ends.
type lossy struct {
	net.Conn
	fault *atomic.Pointer[func()]
}

func (c *lossy) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	if drop := c.fault.Swap(nil); drop != nil {
		(*drop)()
		_ = c.Conn.Close()
		return 0, io.EOF
	}
	return n, err
}
