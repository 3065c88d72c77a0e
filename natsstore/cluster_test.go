package natsstore_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"

	"github.com/mpc-coaching/coaching"
	"github.com/mpc-coaching/coaching/natsstore"
)

// Reads are true while one leader after another steps down: from a connection
// to each server, and under writes.
func TestLeaderSteps(t *testing.T) {
	t.Parallel()
	c := startCluster(t)
	w := open(t, natsstore.Config{Conn: connect(t, c.urls())})
	var readers []*natsstore.Store
	for _, n := range c {
		readers = append(readers, open(t, natsstore.Config{Conn: connect(t, n.url())}))
	}
	f := watch(t, readers[0], "")
	first := put(t, w, live(1))
	var known atomic.Uint64 // a version whose Put has returned
	known.Store(first.Version)
	ctx, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	var writes atomic.Int64
	reads := make([]atomic.Int64, len(readers))
	for i, r := range readers {
		wg.Go(func() {
			for ctx.Err() == nil {
				least := known.Load()
				got, err := r.Get(t.Context(), first.ID)
				if errors.Is(err, coaching.ErrNotFound) || err == nil && got.Version < least {
					t.Errorf("Get = version %d, %v, although %d was there before", got.Version, err, least)
					return
				}
				if err == nil {
					reads[i].Add(1)
				}
			}
		})
	}
	last := first
	wg.Go(func() {
		for ctx.Err() == nil {
			next, err := w.Put(t.Context(), last)
			switch {
			case err == nil:
				known.Store(next.Version)
				writes.Add(1)
				last = next
			default: // it may have happened
				if got, gerr := w.Get(t.Context(), last.ID); gerr == nil {
					last = got
				}
			}
		}
	})
	// goOn waits until there are some more writes, and some more reads from each
	// server that is left.
	goOn := func(what string, gone *node) {
		t.Helper()
		wrote, read := writes.Load(), make([]int64, len(reads))
		for i := range reads {
			read[i] = reads[i].Load()
		}
		eventually(t, what, func() bool {
			for i := range reads {
				if c[i] != gone && reads[i].Load() <= read[i]+5 {
					return false
				}
			}
			return writes.Load() > wrote+5
		})
	}
	nc := connect(t, c.urls())
	for range 6 {
		goOn("reads and writes go on", nil)
		if _, err := nc.Request("$JS.API.STREAM.LEADER.STEPDOWN.KV_coaching", nil, 5*time.Second); err != nil {
			t.Logf("stepdown: %v", err)
		}
	}
	// And one leader dies.
	leader, _ := c.leader(t, "coaching")
	leader.stop()
	goOn("reads and writes go on without a server", leader)
	cancel()
	wg.Wait()
	final := reach(t, w, last)
	if leader == c[0] {
		return // whom the feed was connected to, and to nobody else
	}
	f.Until(final)
}

// A leader that was stopped, and goes on when there is another, does not know
// yet. Nobody who asks it may see what it has.
func TestLeaderThatSlept(t *testing.T) {
	t.Parallel()
	c := startProcesses(t)
	all := connect(t, c.urls(), nats.Timeout(5*time.Second))
	var w *natsstore.Store
	eventually(t, "the cluster makes a bucket", func() bool {
		var err error
		w, err = natsstore.New(t.Context(), natsstore.Config{Conn: all})
		return err == nil
	})
	var stale, failed int
	call := live(0)
	for round := range 2 {
		call = live(round + 1)
		call = reach(t, w, call)
		leader := leaderOf(t, all)
		sleeper := c[leader]
		victim := connect(t, sleeper.url)
		s := open(t, natsstore.Config{Conn: victim, Timeout: 4 * time.Second})
		if _, err := s.Get(t.Context(), call.ID); err != nil {
			t.Fatal(err)
		}
		others := connect(t, c.urlsBut(leader))
		o := open(t, natsstore.Config{Conn: others, Timeout: time.Second})
		sleeper.signal(syscall.SIGSTOP)
		newest := call
		eventually(t, "the others have a leader", func() bool {
			next, err := o.Put(t.Context(), newest)
			if errors.Is(err, coaching.ErrConflict) { // an earlier one happened
				if got, gerr := o.Get(t.Context(), call.ID); gerr == nil {
					newest = got
				}
			}
			if err == nil {
				newest = next
			}
			return err == nil
		})
		// Both are asked while it sleeps, and answer when it wakes up.
		var wg sync.WaitGroup
		for range 4 {
			wg.Go(func() {
				got, err := s.Get(t.Context(), call.ID)
				switch {
				case errors.Is(err, coaching.ErrNotFound), err == nil && got.Version < newest.Version:
					t.Errorf("Get from a leader that slept = version %d, %v, want %d", got.Version, err, newest.Version)
				case err != nil:
					t.Logf("Get = %v", err)
				}
			})
		}
		ask := fmt.Sprintf(`{"last_by_subj":"$KV.coaching.live.%s"}`, call.ID)
		replies := make(chan uint64, 1)
		wg.Go(func() { // as a plain key-value client reads
			m, err := victim.Request("$JS.API.STREAM.MSG.GET.KV_coaching", []byte(ask), 4*time.Second)
			var a struct {
				Message struct {
					Seq uint64 `json:"seq"`
				} `json:"message"`
			}
			if err == nil && json.Unmarshal(m.Data, &a) == nil {
				replies <- a.Message.Seq
			}
		})
		time.Sleep(200 * time.Millisecond) // for the requests to be in the sleeper's socket
		sleeper.signal(syscall.SIGCONT)
		wg.Wait()
		select {
		case seq := <-replies:
			if seq < newest.Version {
				stale++
			}
		default:
			failed++
		}
		eventually(t, "the sleeper has caught up", func() bool {
			got, err := s.Get(t.Context(), call.ID)
			return err == nil && got.Version == newest.Version
		})
	}
	t.Logf("of 2 plain reads by way of the leader %d were stale, %d failed", stale, failed)
}

func leaderOf(t *testing.T, nc *nats.Conn) (n int) {
	t.Helper()
	eventually(t, "the bucket has a leader", func() bool {
		m, err := nc.Request("$JS.API.STREAM.INFO.KV_coaching", nil, time.Second)
		var info struct {
			Cluster struct {
				Leader string `json:"leader"`
			} `json:"cluster"`
		}
		if err != nil || json.Unmarshal(m.Data, &info) != nil {
			return false
		}
		_, err = fmt.Sscanf(info.Cluster.Leader, "n%d", &n)
		return err == nil
	})
	return n
}

// Processes are three servers each in a process of its own: this test's, which
// starts itself again as a server.
type processes [3]*process

type process struct {
	t   *testing.T
	cmd *exec.Cmd
	url string
}

func (p *process) signal(s syscall.Signal) {
	p.t.Helper()
	if err := p.cmd.Process.Signal(s); err != nil {
		p.t.Fatal(err)
	}
}

const serverVariable = "NATSSTORE_TEST_SERVER"

func startProcesses(t *testing.T) processes {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	var routes []string
	var ports [3]int
	for i := range ports {
		ports[i] = freePort(t)
		routes = append(routes, fmt.Sprintf("nats://127.0.0.1:%d", ports[i]))
	}
	var c processes
	for i := range c {
		port := freePort(t)
		o, err := json.Marshal(processOptions{Name: fmt.Sprintf("n%d", i), Port: port, Dir: t.TempDir(), ClusterPort: ports[i], Routes: strings.Join(routes, ",")})
		if err != nil {
			t.Fatal(err)
		}
		p := &process{t: t, cmd: exec.Command(self), url: fmt.Sprintf("nats://127.0.0.1:%d", port)}
		p.cmd.Env = append(os.Environ(), serverVariable+"="+string(o))
		p.cmd.Stderr = os.Stderr
		stdin, err := p.cmd.StdinPipe() // whose end ends it
		if err != nil {
			t.Fatal(err)
		}
		if err := p.cmd.Start(); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			_ = p.cmd.Process.Signal(syscall.SIGCONT)
			_ = stdin.Close()
			_ = p.cmd.Process.Kill()
			_ = p.cmd.Wait()
		})
		c[i] = p
	}
	for _, p := range c {
		eventually(t, "a server listens", func() bool {
			nc, err := nats.Connect(p.url)
			if err == nil {
				nc.Close()
			}
			return err == nil
		})
	}
	return c
}

func (c processes) urls() string { return c.urlsBut(-1) }

func (c processes) urlsBut(n int) string {
	var out []string
	for i, p := range c {
		if i != n {
			out = append(out, p.url)
		}
	}
	return strings.Join(out, ",")
}

type processOptions struct {
	Name, Dir, Routes string
	Port, ClusterPort int
}

// beServer is what such a process does in place of tests.
func beServer(options string) error {
	var p processOptions
	if err := json.Unmarshal([]byte(options), &p); err != nil {
		return err
	}
	o := &server.Options{
		ServerName: p.Name, Host: "127.0.0.1", Port: p.Port, JetStream: true, StoreDir: p.Dir, NoSigs: true, NoLog: true,
		RoutesStr: p.Routes, Routes: server.RoutesFromStr(p.Routes),
		Cluster: server.ClusterOpts{Name: "c", Host: "127.0.0.1", Port: p.ClusterPort},
	}
	s, err := server.NewServer(o)
	if err != nil {
		return err
	}
	go s.Start()
	_, err = os.Stdin.Read(make([]byte, 1))
	s.Shutdown()
	if err.Error() == "EOF" {
		return nil
	}
	return err
}
