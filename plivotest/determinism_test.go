package plivotest_test

import (
	"context"
	"fmt"
	"net/http"
	"os/exec"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/mpc-coaching/coaching/plivotest"
)

// busyDay drives a server from several goroutines at once, with faults, and
// returns its timeline.
func busyDay(t *testing.T, seed uint64) string {
	var sb strings.Builder
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, &plivotest.Options{Seed: seed, CPS: -1, Switches: plivotest.Switches{StaleReads: time.Second, SplitFlags: true}})
		b.app.docs["/hold"] = `<Response><Play>https://cdn.example/a.mp3</Play></Response>`
		b.Mount(appURL+"/events", http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			r.ParseForm()
			if r.PostForm.Get("EventName") != "ParticipantJoin" {
				return
			}
			// All wait for the same instant and then ask at once.
			time.Sleep(time.Until(time.Now().Truncate(100 * time.Millisecond).Add(100 * time.Millisecond)))
			path := "MultiPartyCall/uuid_" + r.PostForm.Get("MPCUUID") + "/Participant/" + r.PostForm.Get("MemberID") + "/"
			doREST(r.Context(), b.Server, "POST", path, map[string]any{"mute": true})
			doREST(r.Context(), b.Server, "GET", path, nil)
		}))
		b.CallbackFunc(func(c plivotest.Callback) *plivotest.CallbackFault {
			switch len(c.Form.Get("EventName")) % 4 {
			case 0:
				return &plivotest.CallbackFault{Double: true, Delay: time.Millisecond}
			case 1:
				return &plivotest.CallbackFault{Drop: c.Attempt == 1}
			}
			return nil
		})
		b.FailFunc(func(r plivotest.Request) *plivotest.Failure {
			if r.Nth%5 == 0 {
				return &plivotest.Failure{Delay: time.Duration(r.Nth) * time.Millisecond, CutAfter: true}
			}
			return nil
		})
		var wg sync.WaitGroup
		for i := range 6 {
			room := fmt.Sprintf("m%d", i)
			for _, role := range []string{"Agent", "Supervisor"} {
				to := fmt.Sprintf("sip:%s%d@phone.plivo.com", strings.ToLower(role), i)
				b.Phone(to, nil)
				wg.Go(func() {
					doREST(t.Context(), b.Server, "POST", "MultiPartyCall/name_"+room+"/Participant/", map[string]any{"role": role, "from": caller, "to": to,
						"stay_alone": true, "status_callback_url": appURL + "/events", "customer_hold_music_url": appURL + "/hold", "agent_hold_music_url": appURL + "/hold"})
					time.Sleep(2 * time.Second)
					for range 3 {
						doREST(t.Context(), b.Server, "POST", "MultiPartyCall/name_"+room+"/Participant/all/", map[string]any{"mute": role == "Agent", "hold": role == "Agent"})
						doREST(t.Context(), b.Server, "GET", "MultiPartyCall/name_"+room+"/Participant/", nil)
					}
				})
			}
		}
		wg.Wait()
		b.settle()
		for i := range 6 {
			doREST(t.Context(), b.Server, "DELETE", fmt.Sprintf("MultiPartyCall/name_m%d/", i), nil)
		}
		b.settle()
		b.WriteTimeline(&sb)
	})
	return sb.String()
}

func TestSameSeedSameTimeline(t *testing.T) {
	want := busyDay(t, 7)
	if lines := strings.Count(want, "\n"); lines < 150 {
		t.Fatalf("only %d lines", lines)
	}
	runs := 100
	if testing.Short() {
		runs = 10
	}
	for i := range runs {
		got := busyDay(t, 7)
		if got == want {
			continue
		}
		a, b := strings.Split(want, "\n"), strings.Split(got, "\n")
		for j := range min(len(a), len(b)) {
			if a[j] != b[j] {
				t.Fatalf("run %d differs in line %d:\n%s\n%s", i, j, a[j], b[j])
			}
		}
		t.Fatalf("run %d has %d lines, want %d", i, len(b), len(a))
	}
	if busyDay(t, 8) == want {
		t.Error("another seed gives the same timeline")
	}
}

// TestCloseMidFlight closes servers in the midst of everything; a goroutine
// that outlives Close fails the bubble.
func TestCloseMidFlight(t *testing.T) {
	for _, after := range []time.Duration{0, time.Microsecond, 500 * time.Microsecond, time.Millisecond, 2 * time.Millisecond, time.Second, 3 * time.Second, 50 * time.Second} {
		synctest.Test(t, func(t *testing.T) {
			b := newBench(t, nil)
			b.app.docs["/answer"] = ""
			b.Mount(appURL+"/events", http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }))
			b.Phone(agentSIP, &plivotest.PhonePlan{After: 2 * time.Second})
			b.FailFunc(func(plivotest.Request) *plivotest.Failure { return &plivotest.Failure{AfterDelay: time.Minute} })
			b.Dial(caller, hotline, nil)
			done := make(chan error)
			go func() {
				_, _, err := doREST(context.Background(), b.Server, "POST", "MultiPartyCall/name_room/Participant/", map[string]any{"role": "Agent", "from": caller, "to": agentSIP})
				done <- err
			}()
			time.Sleep(after)
			synctest.Wait()
			b.Close()
			if err := <-done; err == nil {
				t.Errorf("closed after %v: the request was answered", after)
			}
			if _, _, err := doREST(context.Background(), b.Server, "GET", "MultiPartyCall/", nil); err == nil {
				t.Error("a closed server answers")
			}
			b.Dial(caller, hotline, nil)
			b.Close()
		})
	}
}

func TestWaitEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, nil)
		b.Mount(appURL+"/events", http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }))
		b.Dial(caller, hotline, nil)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := b.Wait(ctx); err != context.DeadlineExceeded {
			t.Errorf("Wait() = %v, want DeadlineExceeded", err)
		}
	})
}

func TestOnlyTheStandardLibrary(t *testing.T) {
	out, err := exec.Command("go", "list", "-deps", "-f", "{{if not .Standard}}{{.ImportPath}}{{end}}", ".").Output()
	if err != nil {
		t.Fatal(err)
	}
	if got := strings.Fields(string(out)); !slices.Equal(got, []string{"github.com/mpc-coaching/coaching/plivotest"}) {
		t.Errorf("beside the standard library it needs %v", got)
	}
	out, err = exec.Command("go", "list", "-deps", ".").Output()
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range strings.Fields(string(out)) {
		if p == "testing" || p == "net/http/httptest" {
			t.Errorf("it needs %s", p)
		}
	}
}

// TestRealTime runs without a bubble, against the wall clock.
func TestRealTime(t *testing.T) {
	before := runtime.NumGoroutine()
	b := newBench(t, nil)
	b.Phone(agentSIP, &plivotest.PhonePlan{After: 10 * time.Millisecond})
	cust := b.call()
	agent := b.member("Agent", agentSIP, nil)
	if !b.Hears(cust, agent) {
		t.Error("they do not hear each other")
	}
	b.Close()
	for range 100 {
		if runtime.NumGoroutine() <= before {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Errorf("%d goroutines after Close, %d before", runtime.NumGoroutine(), before)
}
