package redisstore_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
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
	"github.com/mpc-coaching/coaching/internal/cable"
	"github.com/mpc-coaching/coaching/redisstore"
)

// A feed is read in a goroutine, so that a test can lose its patience.
type feed struct {
	t  *testing.T
	ch chan coaching.Change
}

func watch(t *testing.T, s coaching.Watcher, after coaching.Cursor) *feed {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	f := &feed{t: t, ch: make(chan coaching.Change, 1<<14)}
	done := make(chan struct{})
	changes := s.Changes(ctx, after)
	go func() {
		defer close(done)
		last := map[coaching.CallID]uint64{}
		for ch, err := range changes {
			if err != nil {
				if !errors.Is(err, context.Canceled) {
					t.Errorf("Changes = %v", err)
				}
				return
			}
			if !ch.Resync && ch.Call.Version <= last[ch.Call.ID] {
				t.Errorf("Changes yields version %d of %s after %d", ch.Call.Version, ch.Call.ID, last[ch.Call.ID])
			}
			last[ch.Call.ID] = ch.Call.Version
			f.ch <- ch
		}
	}()
	t.Cleanup(func() {
		cancel()
		<-done
	})
	return f
}

// next returns the next change.
func (f *feed) next(what string) coaching.Change {
	f.t.Helper()
	select {
	case ch := <-f.ch:
		return ch
	case <-time.After(30 * time.Second):
		f.t.Fatalf("Changes yields nothing for 30 s, want %s", what)
		return coaching.Change{}
	}
}

// until reads up to a version; it reports whether a Resync came before.
func (f *feed) until(c coaching.Call) (ch coaching.Change, resync bool) {
	f.t.Helper()
	for {
		ch := f.next(fmt.Sprintf("version %d of %s", c.Version, c.ID))
		resync = resync || ch.Resync
		if ch.Call.ID == c.ID && ch.Call.Version >= c.Version {
			return ch, resync
		}
	}
}

// reach is Put that is tried again while the engine is away; one that failed
// may have happened.
func reach(t *testing.T, s coaching.Store, c coaching.Call) coaching.Call {
	t.Helper()
	failed := false
	var out coaching.Call
	eventually(t, "the store takes calls", func() bool {
		var err error
		if out, err = s.Put(t.Context(), c); !errors.Is(err, coaching.ErrConflict) {
			failed = failed || err != nil
			return err == nil
		}
		if !failed {
			t.Fatalf("Put(version %d) = %v", c.Version, err)
		}
		if got, err := s.Get(t.Context(), c.ID); err == nil {
			c = got
		}
		return false
	})
	return out
}

func TestServerRestarts(t *testing.T) {
	t.Parallel()
	n := startServer(t)
	s := open(t, redisstore.Config{Client: connect(t, n.addr()), Timeout: 300 * time.Millisecond})
	f := watch(t, s, "")
	a := put(t, s, live(1))
	over := put(t, s, ended(live(2), time.Hour))
	first, _ := f.until(over)
	n.kill()
	if _, err := s.Get(t.Context(), a.ID); err == nil || errors.Is(err, coaching.ErrNotFound) {
		t.Errorf("Get while the server is away = %v, want another error", err)
	}
	if _, err := s.Put(t.Context(), a); err == nil || errors.Is(err, coaching.ErrConflict) {
		t.Errorf("Put while the server is away = %v, want another error", err)
	}
	n.start()
	again := reach(t, s, a)
	if again.Version <= a.Version {
		t.Errorf("Put after a restart = version %d, want more than %d", again.Version, a.Version)
	}
	if c, err := s.Get(t.Context(), over.ID); err != nil || c.Version != over.Version {
		t.Errorf("Get after a restart = version %d, %v, want %d", c.Version, err, over.Version)
	}
	f.until(again)
	// A cursor of before the restart is still good, on another instance too.
	other := open(t, redisstore.Config{Client: connect(t, n.addr())})
	if ch := watch(t, other, first.Cursor).next("the change after the restart"); ch.Resync || ch.Call.Version != again.Version {
		t.Errorf("after a cursor of before: version %d, resync %v, want version %d", ch.Call.Version, ch.Resync, again.Version)
	}
}

func TestServerLosesItsData(t *testing.T) {
	t.Parallel()
	n := startServer(t)
	s := open(t, redisstore.Config{Client: connect(t, n.addr())})
	f := watch(t, s, "")
	a := put(t, s, live(1))
	old, _ := f.until(a)
	n.lose()
	n.start()
	eventually(t, "the call is gone", func() bool {
		_, err := s.Get(t.Context(), a.ID)
		return errors.Is(err, coaching.ErrNotFound)
	})
	for _, err := range s.Live(t.Context()) {
		t.Errorf("Live yields what was lost, or %v", err)
	}
	if ch := f.next("a Resync"); !ch.Resync {
		t.Errorf("the first change after the loss is version %d of %s, want a Resync", ch.Call.Version, ch.Call.ID)
	}
	if _, err := s.Put(t.Context(), a); !errors.Is(err, coaching.ErrConflict) {
		t.Errorf("Put of what was lost = %v, want ErrConflict", err)
	}
	b := put(t, s, live(1))
	if b.Version <= a.Version {
		t.Errorf("created again after the loss: version %d, want more than %d", b.Version, a.Version)
	}
	f.until(b)
	if ch := watch(t, s, old.Cursor).next("a Resync"); !ch.Resync {
		t.Errorf("a cursor of before the loss gives version %d of %s, want a Resync", ch.Call.Version, ch.Call.ID)
	}
}

// Somebody empties Redis while all is connected, and calls are put at once.
func TestFlush(t *testing.T) {
	t.Parallel()
	c := connect(t, startServer(t).addr())
	s := open(t, redisstore.Config{Client: c})
	f := watch(t, s, "")
	f.until(put(t, s, live(1)))
	if err := c.FlushAll(t.Context()).Err(); err != nil {
		t.Fatal(err)
	}
	b := put(t, s, live(2))
	if ch := f.next("a Resync"); !ch.Resync {
		t.Errorf("Changes goes on without a Resync although all was lost")
	}
	f.until(put(t, s, b))
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
	f.until(kept)
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
	f.until(lost)
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
	if ch := f.next("a Resync"); !ch.Resync {
		t.Errorf("Changes goes on without a Resync although changes were lost")
	}
	f.until(put(t, s, next))
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
	f.until(c)
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
	f.until(next)
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

// The connection of one instance is cut while another makes changes.
func TestConnectionIsCut(t *testing.T) {
	t.Parallel()
	n := startServer(t)
	wire := cable.New(t, n.addr())
	s := open(t, redisstore.Config{Client: connect(t, wire.Addr())})
	other := open(t, redisstore.Config{Client: connect(t, n.addr())})
	f := watch(t, s, "")
	c := put(t, other, live(1))
	f.until(c)
	for range 5 {
		for range 20 {
			c = put(t, other, c)
		}
		wire.Cut()
		for range 20 {
			c = put(t, other, c)
		}
		wire.Mend()
		if _, resync := f.until(c); resync {
			t.Errorf("a cut gives a Resync although Redis has all changes")
		}
	}
	if _, err := s.Get(t.Context(), c.ID); err != nil {
		t.Errorf("Get after the cuts = %v", err)
	}
}

// Changes is called while the server is away.
func TestChangesWhileAway(t *testing.T) {
	t.Parallel()
	n := startServer(t)
	s := open(t, redisstore.Config{Client: connect(t, n.addr()), Timeout: 200 * time.Millisecond})
	c := put(t, s, live(1))
	n.kill()
	f := watch(t, s, "")
	n.start()
	if ch := f.next("a Resync"); !ch.Resync {
		t.Errorf("the first change is version %d of %s, want a Resync: nobody knows what it missed", ch.Call.Version, ch.Call.ID)
	}
	c = put(t, s, c)
	f.until(c)
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

// A reader who takes one change now and then.
func TestSlowReader(t *testing.T) {
	t.Parallel()
	n := startServer(t)
	s := open(t, redisstore.Config{Client: connect(t, n.addr())})
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	next, stop := iter.Pull2(s.Changes(ctx, ""))
	defer stop()
	const calls = 40
	stored := make([]coaching.Call, calls)
	for round := range 20 {
		for i := range stored {
			if round == 0 {
				stored[i] = live(i)
			}
			stored[i] = put(t, s, stored[i])
		}
	}
	missing := map[coaching.CallID]uint64{}
	for _, c := range stored {
		missing[c.ID] = c.Version
	}
	for taken := 0; len(missing) > 0; taken++ {
		ch, err, _ := next()
		if err != nil || ch.Resync || taken > 20*calls {
			t.Fatalf("after %d changes: %v, resync %v, and the last of %d calls are missing", taken, err, ch.Resync, len(missing))
		}
		if missing[ch.Call.ID] == ch.Call.Version {
			delete(missing, ch.Call.ID)
		}
	}
}
