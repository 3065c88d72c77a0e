package plivotest_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/mpc-coaching/coaching/plivotest"
)

// phoneView is what a phone's page reads.
type phoneView struct {
	Address    string
	Plan       string
	BusyInCall bool `json:"busy_in_call"`
	Calls      []struct {
		CallUUID  string `json:"call_uuid"`
		From      string
		State     plivotest.State
		Headers   map[string]string
		Listening string
		Hears     []string
		Heard     []struct{ From, Text string }
		Said      []struct {
			Text    string
			HeardBy []string `json:"heard_by"`
		}
		Sounds []struct{ Kind string }
	}
}

// control makes a request of the control API.
func (b *bench) control(method, path, body string) (int, []byte) {
	b.Helper()
	req, err := http.NewRequest(method, "http://emulator"+path, strings.NewReader(body))
	if err != nil {
		b.Fatal(err)
	}
	resp, err := b.Client().Do(req)
	if err != nil {
		b.Fatal(err)
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(resp.Body)
	if err != nil {
		b.Fatal(err)
	}
	return resp.StatusCode, data
}

func (b *bench) phoneView(address string) (v phoneView) {
	b.Helper()
	status, data := b.control("GET", "/_/phones/"+address, "")
	if err := json.Unmarshal(data, &v); status != 200 || err != nil {
		b.Fatalf("GET phone = %d %s, %v", status, data, err)
	}
	return v
}

func TestControlPhone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, nil)
		for _, c := range []struct {
			method, path, body string
			want               int
		}{
			{"GET", "/_/phones/nobody", "", 400},
			{"GET", "/_/phones/" + agentSIP + "?calls=0", "", 400},
			{"GET", "/_/phones/stream?calls=x&address=" + agentSIP, "", 400},
			{"GET", "/_/phones/stream", "", 400},
			{"GET", "/_/phones/stream?address=nobody", "", 400},
			{"GET", "/_/phones/stream?address=1" + manyAddresses(65), "", 400},
			{"PUT", "/_/phones/" + agentSIP, `{"plan":"sing"}`, 400},
			{"PUT", "/_/phones/" + agentSIP, `{"plan":7}`, 400},
			{"PUT", "/_/numbers/14155550101", `{"answer_url":"/answer"}`, 400},
			{"PUT", "/_/numbers/14155550101", `{"answer_url":"` + appURL + `/answer"}`, 204},
			{"POST", "/_/phones/" + agentSIP + "/answer", "", 409},
			{"POST", "/_/phones/" + agentSIP + "/reject", "", 409},
			{"POST", "/_/phones/" + agentSIP + "/hangup", "", 409},
			{"POST", "/_/phones/" + agentSIP + "/sing", "", 404},
			{"DELETE", "/_/phones/" + agentSIP, "", 405},
		} {
			if got, data := b.control(c.method, c.path, c.body); got != c.want {
				t.Errorf("%s %s %s = %d %s, want %d", c.method, c.path, c.body, got, data, c.want)
			}
		}
		if got := b.phoneView(agentSIP); got.Plan != "unregistered" || got.Address != agentSIP || got.Calls == nil || len(got.Calls) != 0 {
			t.Errorf("a phone that does not exist = %+v, want unregistered without calls", got)
		}
		if got := b.phoneView("14155550199"); got.Plan != "noanswer" {
			t.Errorf("a number without a phone = %+v, want noanswer", got)
		}
		if got, data := b.control("PUT", "/_/phones/"+agentSIP, `{"plan":"manual","busy_in_call":true}`); got != 204 {
			t.Fatalf("PUT phone = %d %s, want 204", got, data)
		}
		if got := b.phoneView(agentSIP); got.Plan != "manual" || !got.BusyInCall {
			t.Errorf("after PUT = %+v, want manual and busy in a call", got)
		}

		customer := b.Dial(caller, "14155550101", nil)
		b.settle()
		b.rest("POST", "MultiPartyCall/name_room/Participant/", map[string]any{"role": "Agent", "from": caller, "to": agentSIP, "sip_headers": "Callid=room"})
		b.settle()
		if got := b.phoneView(agentSIP); len(got.Calls) != 1 || got.Calls[0].State != plivotest.Ringing || got.Calls[0].From != caller || got.Calls[0].Headers["X-PH-Callid"] != "room" {
			t.Fatalf("the rung phone = %+v, want a call that rings, from %s, with its header", got, caller)
		}
		if got, data := b.control("POST", "/_/phones/"+agentSIP+"/answer", ""); got != 200 || !strings.Contains(string(data), b.phoneView(agentSIP).Calls[0].CallUUID) {
			t.Fatalf("answer = %d %s, want 200 with the call's id", got, data)
		}
		b.settle()
		customer.Say("hello")
		b.Leg(b.phoneView(agentSIP).Calls[0].CallUUID).Say("good morning")
		agent, cust := b.phoneView(agentSIP).Calls[0], b.phoneView(caller).Calls[0]
		if agent.State != plivotest.InProgress || agent.Listening != "mpc" || !slices.Equal(agent.Hears, []string{caller}) {
			t.Errorf("the agent's call = %+v, want in progress and hearing %s", agent, caller)
		}
		if len(agent.Heard) != 1 || agent.Heard[0].Text != "hello" || agent.Heard[0].From != caller {
			t.Errorf("the agent heard %+v, want hello from %s", agent.Heard, caller)
		}
		if len(agent.Said) != 1 || agent.Said[0].Text != "good morning" || !slices.Equal(agent.Said[0].HeardBy, []string{caller}) {
			t.Errorf("the agent said %+v, want good morning, heard by %s", agent.Said, caller)
		}
		if len(cust.Sounds) == 0 || cust.Sounds[0].Kind != "wait music" {
			t.Errorf("the customer's sounds = %+v, want wait music first", cust.Sounds)
		}
		if got, data := b.control("POST", "/_/phones/"+caller+"/hangup", ""); got != 200 || customer.State() != plivotest.Ended {
			t.Errorf("hangup = %d %s, call %s, want 200 and ended", got, data, customer.State())
		}
		b.settle()

		again := b.Dial(caller, hotline, nil)
		b.settle()
		b.rest("POST", "MultiPartyCall/name_room/Participant/", map[string]any{"role": "Agent", "from": caller, "to": agentSIP})
		b.settle()
		if got, data := b.control("POST", "/_/phones/"+agentSIP+"/reject", ""); got != 200 {
			t.Errorf("reject = %d %s, want 200", got, data)
		}
		b.settle()
		if got := b.Phone(agentSIP, nil).Last().HangupCause(); got.Name != "Rejected" {
			t.Errorf("cause after reject = %v, want Rejected", got)
		}
		_, data := b.control("GET", "/_/phones/"+caller+"?calls=1", "")
		if s := string(data); strings.Count(s, `"call_uuid"`) != 1 || !strings.Contains(s, again.UUID()) {
			t.Errorf("the last call = %s, want %s alone", s, again.UUID())
		}
	})
}

// streamed keeps what a stream sends, each event with its time.
type streamed struct {
	mu     sync.Mutex
	header http.Header
	views  []phoneView
	at     []time.Time
	pings  int
	bad    string
	broken bool // the client is gone
}

func (w *streamed) Header() http.Header { return w.header }
func (w *streamed) WriteHeader(int)     {}
func (w *streamed) Flush()              {}

func (w *streamed) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.broken {
		return 0, io.ErrClosedPipe
	}
	if string(p) == ": ping\n\n" {
		w.pings++
		return len(p), nil
	}
	events, ended := strings.CutSuffix(string(p), "\n\n")
	for event := range strings.SplitSeq(events, "\n\n") {
		var v phoneView
		data, ok := strings.CutPrefix(event, "data: ")
		if err := json.Unmarshal([]byte(data), &v); !ok || !ended || err != nil || strings.Contains(data, "\n") {
			w.bad = string(p)
		}
		w.views, w.at = append(w.views, v), append(w.at, time.Now())
	}
	return len(p), nil
}

// sent returns what the stream has sent so far.
func (w *streamed) sent() (views []phoneView, at []time.Time, pings int) {
	synctest.Wait()
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.bad != "" {
		panic(fmt.Sprintf("not an event: %q", w.bad))
	}
	return slices.Clone(w.views), slices.Clone(w.at), w.pings
}

// stream opens the stream of phones; the returned function waits for its end.
func (b *bench) stream(ctx context.Context, addresses ...string) (*streamed, func()) {
	w := &streamed{header: http.Header{}}
	req, err := http.NewRequestWithContext(ctx, "GET", "http://emulator/_/phones/stream?"+url.Values{"address": addresses}.Encode(), nil)
	if err != nil {
		b.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		b.ServeHTTP(w, req)
	}()
	synctest.Wait()
	return w, func() { <-done }
}

func TestControlStream(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, nil)
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		w, wait := b.stream(ctx, agentSIP)
		if views, _, _ := w.sent(); len(views) != 1 || w.header.Get("Content-Type") != "text/event-stream" {
			t.Fatalf("at once %d views as %q, want 1 as text/event-stream", len(views), w.header.Get("Content-Type"))
		}
		customer := b.call()
		time.Sleep(time.Second)
		if views, _, _ := w.sent(); len(views) != 1 {
			t.Errorf("another phone's call sent %d views, want none", len(views)-1)
		}
		b.member("Agent", agentSIP, nil)
		time.Sleep(time.Second)
		before, _, _ := w.sent()
		for i := range 1000 { // a line each millisecond
			customer.Say(fmt.Sprint("line ", i))
			time.Sleep(time.Millisecond)
		}
		time.Sleep(100 * time.Millisecond)
		views, at, pings := w.sent()
		if n := len(views) - len(before); n < 10 || n > 22 {
			t.Errorf("a second of lines sent %d views, want about 20", n)
		}
		for i := 1; i < len(at); i++ {
			if gap := at[i].Sub(at[i-1]); gap < 50*time.Millisecond {
				t.Errorf("view %d came %v after the one before, want 50ms at least", i, gap)
			}
		}
		if last := views[len(views)-1].Calls[0]; len(last.Heard) != 1000 || last.Heard[999].Text != "line 999" {
			t.Errorf("the last view has %d lines, want all 1000", len(last.Heard))
		}
		time.Sleep(time.Minute)
		if _, _, now := w.sent(); now-pings != 4 {
			t.Errorf("%d pings in a quiet minute, want 4", now-pings)
		}
		cancel()
		wait()

		w, wait = b.stream(t.Context(), agentSIP)
		w.mu.Lock()
		w.broken = true
		w.mu.Unlock()
		time.Sleep(15 * time.Second)
		wait() // a client that is gone is noticed by the next ping

		_, wait = b.stream(t.Context(), agentSIP)
		b.Close()
		wait()
	})
}

// One stream shows several phones, each when it changed.
func TestControlStreamOfSeveral(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, nil)
		w, _ := b.stream(t.Context(), agentSIP, "+14155550123", "14155550123", "sip:nobody@phone.plivo.com")
		addresses := func(views []phoneView) (out []string) {
			for _, v := range views {
				out = append(out, v.Address)
			}
			return out
		}
		views, _, _ := w.sent()
		if got, want := addresses(views), []string{agentSIP, "14155550123", "sip:nobody@phone.plivo.com"}; !slices.Equal(got, want) {
			t.Fatalf("at once it shows %q, want each once: %q", got, want)
		}
		b.call()
		time.Sleep(time.Second)
		before := len(views)
		views, _, _ = w.sent()
		if got := addresses(views[before:]); len(got) == 0 || slices.ContainsFunc(got, func(a string) bool { return a != "14155550123" }) {
			t.Errorf("when the customer calls it shows %q, want the customer's phone alone", got)
		}
		before = len(views)
		b.member("Agent", agentSIP, nil)
		time.Sleep(time.Second)
		views, _, _ = w.sent()
		if got := addresses(views[before:]); !slices.Contains(got, agentSIP) || slices.Contains(got, "sip:nobody@phone.plivo.com") {
			t.Errorf("when the agent comes in it shows %q, want the agent's phone among them, and nobody's not", got)
		}
		b.Close()
	})
}

func manyAddresses(n int) (query string) {
	for i := range n {
		query += fmt.Sprintf("&address=1415555%04d", i)
	}
	return query
}
