package console_test

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"net/http/httptest"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/mpc-coaching/coaching"
	"github.com/mpc-coaching/coaching/console"
)

const (
	loadStreams = 200
	loadStuck   = 20 // of them, which stop reading
	loadActors  = 40
	loadCalls   = 100
	loadRate    = 50 // changes a second
	loadTime    = 3 * time.Second

	putTime = "2006-01-02T15:04:05.000000000"
)

// 200 pages, 50 changes a second, over TCP. Each version is rendered once for
// each view and asked about once for each actor; commits take what they take
// without anybody listening; who does not read is cut off; and memory is what
// the calls and the connections take.
func TestManyStreams(t *testing.T) {
	var asked atomic.Int64
	o := newBooks(t, flowConfig(func(c *coaching.Config) {
		c.Authorize = func(_ context.Context, r coaching.AccessRequest) error {
			if r.Op == "Watch" {
				asked.Add(1)
			}
			return nil
		}
	}), config(func(c *console.Config) {
		c.View = func(a coaching.Actor) console.View { return console.View{MaskNumbers: a.Role == "agent"} }
	}))
	o.console.SetPatience(time.Second)
	for i := range loadCalls {
		o.put(i, busy)
	}
	server := httptest.NewUnstartedServer(o.console)
	server.Config.ConnContext = func(ctx context.Context, c net.Conn) context.Context {
		_ = c.(*net.TCPConn).SetWriteBuffer(64 << 10) // the kernel's patience is not what is tested
		return ctx
	}
	server.Start()
	defer server.Close()

	alone, _ := o.load(0)
	heapBefore := heap()
	encoded, versions := o.console.Encodings(), 0

	var clients sync.WaitGroup
	var mu sync.Mutex
	var delays []time.Duration
	var events, ready atomic.Int64
	conns := make([]net.Conn, loadStreams)
	for i := range conns {
		conn, err := net.Dial("tcp", server.Listener.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		conns[i] = conn
		role, stuck := []string{"agent", "supervisor"}[i%2], i < loadStuck
		if stuck {
			_ = conn.(*net.TCPConn).SetReadBuffer(4 << 10)
		}
		fmt.Fprintf(conn, "GET /api/stream HTTP/1.1\r\nHost: x\r\nX-Actor: %s:actor%d\r\n\r\n", role, i%loadActors)
		clients.Go(func() {
			var own []time.Duration
			lines := bufio.NewReaderSize(conn, 64<<10)
			for {
				line, err := lines.ReadSlice('\n')
				if err != nil && err != bufio.ErrBufferFull {
					break
				}
				switch {
				case strings.HasPrefix(string(line[:min(len(line), 20)]), "event: snapshot"):
					ready.Add(1)
					if stuck {
						return // it reads no more, and keeps the line
					}
				case strings.HasPrefix(string(line[:min(len(line), 20)]), "event: call"):
					events.Add(1)
				default:
					if i := strings.Index(string(line), `"put":"`); i >= 0 {
						if at, err := time.Parse(putTime, string(line[i+7:i+7+len(putTime)])); err == nil {
							own = append(own, time.Since(at))
						}
					}
				}
			}
			if !stuck {
				mu.Lock()
				defer mu.Unlock()
				delays = append(delays, own...)
			}
		})
	}
	for start := time.Now(); ready.Load() < loadStreams; time.Sleep(5 * time.Millisecond) {
		if time.Since(start) > 10*time.Second {
			t.Fatalf("%d streams of %d have their snapshot after 10 s", ready.Load(), loadStreams)
		}
	}
	open := o.console.Streams()
	with, n := o.load(loadTime)
	versions = loadCalls + n
	for start := time.Now(); o.console.Streams() > loadStreams-loadStuck && time.Since(start) < 5*time.Second; {
		time.Sleep(10 * time.Millisecond)
	}
	left := o.console.Streams()
	heapAfter := heap()
	encoded = o.console.Encodings() - encoded
	for _, c := range conns {
		c.Close()
	}
	clients.Wait()

	slices.Sort(delays)
	t.Logf("%d streams, %d changes in %v, %d events, from change to page: median %v, 99%% %v, most %v", open, n, loadTime, events.Load(), quantile(delays, 0.5), quantile(delays, 0.99), quantile(delays, 1))
	t.Logf("a commit alone: median %v, 99%% %v; with them: median %v, 99%% %v, most %v", alone(0.5), alone(0.99), with(0.5), with(0.99), with(1))
	t.Logf("%d renderings of %d versions in 2 views; Authorize was asked %d times by %d actors", encoded, versions, asked.Load(), loadActors)
	t.Logf("the heap grew from %d to %d KiB, %d KiB a stream", heapBefore>>10, heapAfter>>10, (heapAfter-heapBefore)>>10/loadStreams)

	if open < loadStreams-loadStuck || left != loadStreams-loadStuck { // a slow machine has cut some off already
		t.Errorf("%d streams were open and %d in the end, want %d, all but those that do not read", open, left, loadStreams-loadStuck)
	}
	if encoded > int64(2*versions) || encoded < int64(versions) {
		t.Errorf("%d renderings of %d versions, want one for each of 2 views at most", encoded, versions)
	}
	if most := int64(loadActors * versions); asked.Load() > most {
		t.Errorf("Authorize was asked %d times, want %d at most: once for each actor and version", asked.Load(), most)
	}
	if want := int64((loadStreams - loadStuck) * n / 2); events.Load() < want {
		t.Errorf("%d events came, want %d at least", events.Load(), want)
	}
	if m := with(0.5); m > 5*time.Millisecond {
		t.Errorf("half of the commits took longer than %v with %d streams open, want 5ms", m, open)
	}
	if grown := int64(heapAfter) - int64(heapBefore); grown > 64<<20 {
		t.Errorf("the heap grew by %d KiB, want 64 MiB at most", grown>>10)
	}
	for start := time.Now(); o.console.Streams() > 0; time.Sleep(5 * time.Millisecond) {
		if time.Since(start) > 5*time.Second {
			t.Fatalf("%d streams are open after their clients have gone", o.console.Streams())
		}
	}
	if calls, changes, _ := o.console.Held(); calls > loadCalls || changes > 3*loadCalls {
		t.Errorf("%d calls and %d changes are held, want %d and a few times as many", calls, changes, loadCalls)
	}
}

// load writes at the rate, or 100 times at once for no time, and returns how
// long the commits took, by quantile.
func (b *books) load(d time.Duration) (took func(q float64) time.Duration, n int) {
	var all []time.Duration
	n = int(d.Seconds() * loadRate)
	if d == 0 {
		n = 100
	}
	start := time.Now()
	for i := range n {
		if d > 0 {
			time.Sleep(time.Until(start.Add(time.Duration(i) * time.Second / loadRate)))
		}
		begun := time.Now()
		b.put(i%loadCalls, busy, func(c *coaching.Call) { c.Data["put"] = time.Now().UTC().Format(putTime) })
		all = append(all, time.Since(begun))
	}
	slices.Sort(all)
	return func(q float64) time.Duration { return quantile(all, q) }, n
}

func quantile(sorted []time.Duration, q float64) time.Duration {
	if len(sorted) == 0 {
		return 0
	}
	return sorted[min(int(q*float64(len(sorted))), len(sorted)-1)]
}

func heap() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// busy makes a call as large as one in which a lot has happened.
func busy(c *coaching.Call) {
	if len(c.Participants) > 0 {
		return
	}
	now := time.Now()
	for i, role := range []coaching.Role{coaching.RoleCustomer, coaching.RoleAgent, coaching.RoleSupervisor} {
		c.Participants = append(c.Participants, coaching.Participant{Member: coaching.MemberID(fmt.Sprint(1001 + i)), Role: role, Joined: now, Address: caller, Confirmed: true})
	}
	c.Supervisions = []coaching.Supervision{{ID: "lee", Member: "1003", State: coaching.SupervisionJoined, Mode: coaching.ModeCoach, Asked: now, Joined: now}}
	for i := range 24 {
		c.History = append(c.History, coaching.Record{Seq: uint64(i + 1), Kind: coaching.RecordDone, At: now, Supervisor: "lee", Actor: coaching.Actor{ID: "lee", Role: "supervisor"}, Detail: "set mode"})
	}
}
