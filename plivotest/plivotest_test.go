package plivotest_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/mpc-coaching/coaching/plivotest"
)

const (
	appURL   = "https://app.example"
	hotline  = "14155550100"
	caller   = "14155550123"
	agentSIP = "sip:agent1@phone.plivo.com"
	coachSIP = "sip:coach1@phone.plivo.com"
)

// app is an application under test: it answers XML and keeps what it is sent.
type app struct {
	mu     sync.Mutex
	answer string // XML for /answer
	docs   map[string]string
	got    []received
	status func(received) int // nil: 200
}

type received struct {
	path string
	form url.Values
	head http.Header
	at   time.Time
}

func (a *app) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	r.ParseForm()
	a.mu.Lock()
	rec := received{r.URL.Path, r.Form, r.Header, time.Now()}
	a.got = append(a.got, rec)
	doc, status := a.docs[r.URL.Path], a.status
	if r.URL.Path == "/answer" {
		doc = a.answer
	}
	a.mu.Unlock()
	if status != nil {
		if code := status(rec); code != 200 {
			w.WriteHeader(code)
			return
		}
	}
	if doc != "" {
		w.Header().Set("Content-Type", "application/xml")
		fmt.Fprint(w, doc)
	}
}

// events returns the names of the status callbacks so far.
func (a *app) events() []string {
	a.mu.Lock()
	defer a.mu.Unlock()
	var out []string
	for _, r := range a.got {
		if e := r.form.Get("EventName"); e != "" {
			out = append(out, e)
		}
	}
	return out
}

func (a *app) all(path string) []received {
	a.mu.Lock()
	defer a.mu.Unlock()
	var out []received
	for _, r := range a.got {
		if r.path == path {
			out = append(out, r)
		}
	}
	return out
}

// mpcXML is an answer document that leads into MPC "room".
func mpcXML(attrs string) string {
	return `<Response><MultiPartyCall statusCallbackUrl="` + appURL + `/events" ` + attrs + `>room</MultiPartyCall></Response>`
}

const customerXML = `role="Customer" startMpcOnEnter="false" stayAlone="true" endMpcOnExit="true"`

// bench is a server with an application on it.
type bench struct {
	*testing.T
	*plivotest.Server
	app *app
}

func newBench(t *testing.T, o *plivotest.Options) *bench {
	b := &bench{T: t, Server: plivotest.NewServer(o), app: &app{docs: map[string]string{}}}
	t.Cleanup(b.Close)
	b.Mount(appURL, b.app)
	b.Number(hotline, appURL+"/answer")
	b.app.answer = mpcXML(customerXML)
	return b
}

func (b *bench) settle() {
	b.Helper()
	if err := b.Wait(context.Background()); err != nil {
		b.Fatalf("Wait() = %v", err)
	}
}

// call lets a customer call and waits until they are in.
func (b *bench) call() *plivotest.Leg {
	l := b.Dial(caller, "+"+hotline, nil)
	b.settle()
	return l
}

// rest makes a request; the answer is decoded.
func (b *bench) rest(method, path string, body map[string]any) (int, map[string]any) {
	b.Helper()
	status, out, err := doREST(context.Background(), b.Server, method, path, body)
	if err != nil {
		b.Fatalf("%s %s: %v", method, path, err)
	}
	return status, out
}

func doREST(ctx context.Context, s *plivotest.Server, method, path string, body map[string]any) (int, map[string]any, error) {
	var data []byte
	if body != nil {
		data, _ = json.Marshal(body)
	}
	req, err := http.NewRequestWithContext(ctx, method, "https://api.plivo.com/v1/Account/"+s.AuthID()+"/"+path, bytes.NewReader(data))
	if err != nil {
		return 0, nil, err
	}
	req.SetBasicAuth(s.AuthID(), s.AuthToken())
	resp, err := s.Client().Do(req)
	if err != nil {
		return 0, nil, err
	}
	defer resp.Body.Close()
	out := map[string]any{}
	json.NewDecoder(resp.Body).Decode(&out)
	return resp.StatusCode, out, nil
}

// add adds a participant and waits for the outcome.
func (b *bench) add(fields map[string]any) map[string]any {
	b.Helper()
	body := map[string]any{"from": caller, "enter_sound": "none", "exit_sound": "none", "dial_music": "None"}
	for k, v := range fields {
		body[k] = v
	}
	status, out := b.rest("POST", "MultiPartyCall/name_room/Participant/", body)
	if status != 201 {
		b.Fatalf("add participant = %d %v", status, out)
	}
	b.settle()
	return out
}

// member adds somebody with a phone of their own and returns their leg.
func (b *bench) member(role, address string, fields map[string]any) *plivotest.Leg {
	b.Helper()
	p := b.Phone(address, nil)
	body := map[string]any{"role": role, "to": address}
	for k, v := range fields {
		body[k] = v
	}
	b.add(body)
	l := p.Last()
	if l == nil || l.MemberID() == "" {
		b.WriteTimeline(os.Stderr)
		b.Fatalf("%s did not join", address)
	}
	return l
}

func (b *bench) update(l *plivotest.Leg, fields map[string]any) {
	b.Helper()
	if status, out := b.rest("POST", "MultiPartyCall/name_room/Participant/"+l.MemberID()+"/", fields); status != 202 {
		b.Fatalf("update = %d %v", status, out)
	}
	b.settle()
}

func TestWalkthrough(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, nil)
		cust := b.call()
		if got := cust.Listening(); got != "wait music" {
			t.Errorf("waiting customer listens to %q, want wait music", got)
		}
		agent := b.member("Agent", agentSIP, map[string]any{"sip_headers": "Callid=room,bad-name=x"})
		if got := agent.Headers(); len(got) != 1 || got["X-PH-Callid"] != "room" {
			t.Errorf("headers = %v, want only X-PH-Callid", got)
		}
		coach := b.member("Supervisor", coachSIP, map[string]any{"coach_mode": true})
		cust.Say("hello")
		coach.Say("be kind")
		for _, c := range []struct {
			l    *plivotest.Leg
			want []string
		}{{cust, nil}, {agent, []string{"hello", "be kind"}}, {coach, []string{"hello"}}} {
			var got []string
			for _, h := range c.l.Heard() {
				got = append(got, h.Text)
			}
			if !slices.Equal(got, c.want) {
				t.Errorf("%s heard %q, want %q", c.l.Phone().Address(), got, c.want)
			}
		}
		b.update(coach, map[string]any{"coach_mode": false})
		if !b.Hears(cust, coach) {
			t.Error("customer does not hear the supervisor after coach_mode=false")
		}
		cust.Hangup()
		b.settle()
		want := []string{"MPCInitialized", "ParticipantJoin", "MPCStart", "ParticipantJoin", "ParticipantJoin",
			"ParticipantCoachModeStop", "ParticipantExit", "ParticipantExit", "ParticipantExit", "MPCEnd"}
		if got := b.app.events(); !slices.Equal(got, want) {
			t.Errorf("events = %v, want %v", got, want)
		}
		if c := agent.HangupCause(); c.Code != 4020 {
			t.Errorf("agent's hangup cause = %+v, want 4020", c)
		}
		if t.Failed() || testing.Verbose() {
			var sb strings.Builder
			b.WriteTimeline(&sb)
			t.Log("\n" + sb.String())
		}
	})
}
