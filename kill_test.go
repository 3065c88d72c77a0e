package coaching_test

import (
	"bytes"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/mpc-coaching/coaching/plivotest"
)

// A killed is a contact center in a process of its own, with its calls in
// files, beside an emulated Plivo that the test keeps.
type killed struct {
	t      *testing.T
	srv    *plivotest.Server
	bin    string
	args   []string
	addr   string
	cmd    *exec.Cmd
	stderr bytes.Buffer
	once   sync.Once
}

func newKilled(t *testing.T) *killed {
	t.Helper()
	k := &killed{t: t, srv: plivotest.NewServer(&plivotest.Options{CPS: -1}), bin: filepath.Join(t.TempDir(), "killhost")}
	if out, err := exec.Command("go", "build", "-o", k.bin, "./internal/killhost").CombinedOutput(); err != nil {
		t.Fatalf("building the host: %v\n%s", err, out)
	}
	api := httptest.NewServer(k.srv)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	k.addr = l.Addr().String()
	_ = l.Close()
	k.args = []string{"-addr", k.addr, "-api", api.URL + "/", "-dir", t.TempDir(), "-auth-id", k.srv.AuthID(), "-auth-token", k.srv.AuthToken()}
	k.srv.Number(hotline, "http://"+k.addr+"/plivo/answer")
	k.srv.Phone(ann, &plivotest.PhonePlan{After: 400 * time.Millisecond})
	k.srv.Phone(lee, &plivotest.PhonePlan{After: 400 * time.Millisecond})
	k.srv.Phone(caller, nil)
	t.Cleanup(func() {
		k.kill()
		k.srv.Close()
		api.Close()
		if t.Failed() {
			var b strings.Builder
			_ = k.srv.WriteTimeline(&b)
			t.Logf("%s\n%s", b.String(), k.stderr.String())
		}
	})
	k.start()
	return k
}

// start starts the host and waits until it listens.
func (k *killed) start() {
	k.t.Helper()
	k.cmd = exec.Command(k.bin, k.args...)
	k.cmd.Stderr = &k.stderr
	k.once = sync.Once{}
	if err := k.cmd.Start(); err != nil {
		k.t.Fatal(err)
	}
	k.until("the host listens", func() bool {
		c, err := net.DialTimeout("tcp", k.addr, 100*time.Millisecond)
		if err == nil {
			_ = c.Close()
		}
		return err == nil
	})
}

// kill is kill -9.
func (k *killed) kill() {
	k.once.Do(func() {
		_ = k.cmd.Process.Signal(os.Kill)
		_ = k.cmd.Wait()
	})
}

func (k *killed) until(what string, ok func() bool) {
	k.t.Helper()
	for end := time.Now().Add(20 * time.Second); time.Now().Before(end); time.Sleep(2 * time.Millisecond) {
		if ok() {
			return
		}
	}
	k.t.Fatalf("waited 20 s in vain: %s", what)
}

// do posts a verb and does not wait for it.
func (k *killed) do(verb, call string) {
	go func() {
		resp, err := http.Post(fmt.Sprintf("http://%s/do/%s/%s", k.addr, verb, call), "", nil)
		if err == nil {
			_ = resp.Body.Close()
		}
	}()
}

// done posts a verb and wants it to succeed.
func (k *killed) done(verb, call string) {
	k.t.Helper()
	resp, err := http.Post(fmt.Sprintf("http://%s/do/%s/%s", k.addr, verb, call), "", nil)
	if err != nil {
		k.t.Fatalf("%s: %v", verb, err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		var b bytes.Buffer
		_, _ = b.ReadFrom(resp.Body)
		k.t.Fatalf("%s = %d: %s", verb, resp.StatusCode, b.String())
	}
}

func (k *killed) dials(address string) (n int) {
	for _, r := range k.srv.Requests() {
		if r.Op == "AddParticipant" && r.Body["to"] == address {
			n++
		}
	}
	return n
}

// TestKillHost kills the host with -9 in the middle of each scenario, starts it
// again on the same files, and wants the scenario to end as it would have:
// nobody rung twice, nobody heard who should not be, nobody left alone.
func TestKillHost(t *testing.T) {
	if testing.Short() {
		t.Skip("starts processes")
	}
	k := newKilled(t)
	cust := k.srv.Dial(caller, hotline, nil)
	leg := func(a string) *plivotest.Leg { return k.srv.Phone(a, nil).Last() }
	heard := false // by the customer, before anybody took over
	k.srv.OnChange(func() {
		if l := leg(lee); l != nil && k.srv.Hears(cust, l) {
			heard = true
		}
	})

	// Connect: killed while the agent's phone rings.
	k.until("Ann's phone rings", func() bool { return leg(ann) != nil && leg(ann).State() == plivotest.Ringing })
	k.kill()
	time.Sleep(600 * time.Millisecond) // Ann answers while nobody is there
	k.start()
	k.until("Ann and the customer hear each other", func() bool { return k.srv.Hears(cust, leg(ann)) && k.srv.Hears(leg(ann), cust) })
	if n := k.dials(ann); n != 1 {
		t.Errorf("connect: %d dials of Ann, want 1", n)
	}
	call := leg(ann).Headers()["X-PH-Callid"]

	// Add supervisor: killed while the supervisor's phone rings.
	k.do("addsupervisor", call)
	k.until("Lee's phone rings", func() bool { return leg(lee) != nil && leg(lee).State() == plivotest.Ringing })
	k.kill()
	time.Sleep(600 * time.Millisecond)
	k.start()
	k.until("Ann hears Lee", func() bool { return k.srv.Hears(leg(ann), leg(lee)) })
	k.done("addsupervisor", call) // again: she is there, and is not rung again
	if n := k.dials(lee); n != 1 {
		t.Errorf("add supervisor: %d dials of Lee, want 1", n)
	}
	if heard {
		t.Error("add supervisor: the customer heard Lee")
	}

	// Barge: killed while the phone rings of a supervisor who wants to listen.
	k.done("leave", call)
	k.do("barge", call)
	k.until("Lee's phone rings again", func() bool { return len(k.srv.Phone(lee, nil).Calls()) == 2 && leg(lee).State() == plivotest.Ringing })
	k.kill()
	time.Sleep(600 * time.Millisecond)
	k.start()
	k.until("Lee hears them", func() bool { return k.srv.Hears(leg(lee), leg(ann)) && k.srv.Hears(leg(lee), cust) })
	k.done("barge", call)
	if n := k.dials(lee); n != 2 {
		t.Errorf("barge: %d dials of Lee, want 2", n)
	}
	if k.srv.Hears(leg(ann), leg(lee)) || heard {
		t.Error("barge: somebody hears the supervisor who only listens")
	}

	// Take over: killed when the customer hears the supervisor, before Plivo's
	// answer. Nobody knows the outcome of that request, so it is undone.
	time.Sleep(100 * time.Millisecond)
	k.srv.FailFunc(func(r plivotest.Request) *plivotest.Failure {
		if v, ok := r.Body["coach_mode"].(bool); ok && !v {
			return &plivotest.Failure{AfterDelay: 10 * time.Second}
		}
		return nil
	})
	k.do("takeover", call)
	k.until("the customer hears Lee", func() bool { return k.srv.Hears(cust, leg(lee)) })
	k.kill()
	k.srv.FailFunc(nil)
	k.start()
	k.until("the raise is undone", func() bool { return !k.srv.Hears(cust, leg(lee)) })
	time.Sleep(1500 * time.Millisecond) // SettleTime

	// Killed as the agent's part is done: it goes on.
	k.until("Lee may take over again", func() bool {
		k.do("takeover", call)
		time.Sleep(50 * time.Millisecond)
		return k.srv.Hears(cust, leg(lee)) && !k.srv.Hears(cust, leg(ann))
	})
	k.kill()
	k.start()
	k.done("takeover", call)
	if !k.srv.Hears(cust, leg(lee)) || k.srv.Hears(cust, leg(ann)) {
		t.Error("take over: it did not survive the kill")
	}

	// Hand back: killed the moment the agent is audible again.
	time.Sleep(200 * time.Millisecond)
	k.do("handback", call)
	k.until("the customer hears Ann", func() bool { return k.srv.Hears(cust, leg(ann)) })
	k.kill()
	k.start()
	k.until("Lee is lowered", func() bool { return !k.srv.Hears(cust, leg(lee)) })
	if !k.srv.Hears(cust, leg(ann)) {
		t.Error("hand back: the customer does not hear Ann")
	}

	// And the end: the customer hangs up while the host is dead.
	k.kill()
	cust.Hangup()
	k.start()
	k.until("everybody is out", func() bool { return leg(ann).State() == plivotest.Ended && leg(lee).State() == plivotest.Ended })
}
