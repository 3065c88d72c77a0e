package console_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"io"
	"iter"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/plivo/plivo-go/v7"

	"github.com/mpc-coaching/coaching"
	"github.com/mpc-coaching/coaching/console"
	"github.com/mpc-coaching/coaching/plivotest"
)

var update = flag.Bool("update", false, "rewrite golden files")

const (
	publicURL = "https://voice.example.com/plivo"
	hotline   = "14155550100"
	caller    = "14155550123"
	ann       = "sip:ann@phone.plivo.com"
	bob       = "sip:bob@phone.plivo.com"
	lee       = "sip:lee@phone.plivo.com" // supervises Ann's team
	mia       = "sip:mia@phone.plivo.com" // another
)

// An office is a contact center on the emulator with a console. Who asks says
// the header X-Actor, "role:id".
type office struct {
	t       testing.TB
	srv     *plivotest.Server
	flow    *coaching.Flow
	console *console.Console
	log     *lockedBuffer
}

// An adjustment changes how an office is set up.
type adjustment func(*coaching.Config, *console.Config)

func config(f func(*console.Config)) adjustment {
	return func(_ *coaching.Config, c *console.Config) { f(c) }
}

func flowConfig(f func(*coaching.Config)) adjustment {
	return func(c *coaching.Config, _ *console.Config) { f(c) }
}

// open sets an office up: Ann and Bob take calls, Lee and Mia supervise. It must
// run in a bubble, which it leaves clean.
func open(t testing.TB, adjust ...adjustment) *office {
	t.Helper()
	o := &office{t: t, srv: plivotest.NewServer(nil), log: &lockedBuffer{}}
	fc := coaching.Config{
		Plivo: sdk(t, o.srv), PublicURL: publicURL, HTTPClient: o.srv.Client(),
		Route:     coaching.RingOnce(coaching.Agent{ID: "ann", Address: ann}),
		Directory: directory, Authorize: policy,
	}
	cc := console.Config{
		Identify: identify, Agent: agents, Title: "Calls of the shop",
		Logger: logTo(o.log),
	}
	for _, f := range adjust {
		f(&fc, &cc)
	}
	flow, err := coaching.New(fc)
	if err != nil {
		t.Fatal(err)
	}
	cc.Flow, o.flow = flow, flow
	if o.console, err = console.New(cc); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- flow.Run(ctx) }()
	o.srv.Mount(publicURL, flow.Handler())
	o.srv.Number(hotline, publicURL+"/answer")
	o.srv.Number(lee, publicURL+"/supervisor")
	for _, a := range []string{ann, bob, lee, mia} {
		o.srv.Phone(a, &plivotest.PhonePlan{After: 2 * time.Second})
	}
	t.Cleanup(func() {
		o.console.Close()
		cancel()
		if err := <-done; err != nil {
			t.Errorf("Run = %v, want nil", err)
		}
		o.srv.Close()
	})
	return o
}

func sdk(t testing.TB, srv *plivotest.Server) *plivo.Client {
	t.Helper()
	c, err := plivo.NewClient(srv.AuthID(), srv.AuthToken(), &plivo.ClientOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func directory(_ context.Context, id coaching.SupervisorID) (coaching.Supervisor, error) {
	switch id {
	case "lee":
		return coaching.Supervisor{Address: lee}, nil
	case "mia":
		return coaching.Supervisor{Address: mia}, nil
	}
	return coaching.Supervisor{}, coaching.ErrNotFound
}

func agents(_ context.Context, id coaching.AgentID) (coaching.Agent, error) {
	switch id {
	case "ann":
		return coaching.Agent{Address: ann}, nil
	case "bob":
		return coaching.Agent{Address: bob}, nil
	}
	return coaching.Agent{}, coaching.ErrNotFound
}

func identify(r *http.Request) (coaching.Actor, error) {
	role, id, ok := strings.Cut(r.Header.Get("X-Actor"), ":")
	if !ok {
		return coaching.Actor{}, errors.New("secret: no session")
	}
	return coaching.Actor{ID: id, Role: role}, nil
}

// bubble runs a test in a synctest bubble, which fails if a goroutine is left.
func bubble(t *testing.T, f func(t *testing.T)) {
	t.Helper()
	synctest.Test(t, f)
}

// connected dials a customer in and waits until Ann talks with them.
func (o *office) connected() (customer, agent *plivotest.Leg, id coaching.CallID) {
	o.t.Helper()
	customer = o.srv.Dial(caller, hotline, nil)
	o.eventually("the agent is reached", func() bool {
		agent = o.srv.Phone(ann, nil).Last()
		return agent != nil && o.srv.Hears(customer, agent) && o.srv.Hears(agent, customer)
	})
	time.Sleep(5 * time.Second) // the books know it, and nothing is pending
	for c, err := range o.flow.Calls(coaching.AsHost(o.t.Context()), coaching.CallFilter{}) {
		if err != nil {
			o.t.Fatal(err)
		}
		if c.CallUUID == customer.UUID() {
			return customer, agent, c.ID
		}
	}
	o.t.Fatal("the customer's call is not in the books")
	return nil, nil, ""
}

func (o *office) eventually(what string, ok func() bool) {
	o.t.Helper()
	for range 1200 {
		if ok() {
			return
		}
		time.Sleep(100 * time.Millisecond)
	}
	o.t.Fatalf("waited 2 minutes in vain: %s", what)
}

// An ask is a request to the console.
type ask struct {
	as     string // "role:id"; "": nobody
	method string // "": GET, or POST where there is a body
	path   string
	body   string
	header http.Header
	ctx    context.Context
}

func (a ask) request(t testing.TB) *http.Request {
	t.Helper()
	method := a.method
	if method == "" {
		method = http.MethodGet
		if a.body != "" {
			method = http.MethodPost
		}
	}
	ctx := a.ctx
	if ctx == nil {
		ctx = t.Context()
	}
	r := httptest.NewRequestWithContext(ctx, method, "https://desk.example.com"+a.path, strings.NewReader(a.body))
	if method == http.MethodPost {
		r.Header.Set("Content-Type", "application/json")
	}
	if a.as != "" {
		r.Header.Set("X-Actor", a.as)
	}
	for k, v := range a.header {
		r.Header[k] = v
	}
	return r
}

// A reply is what came back, checked against the description.
type reply struct {
	status int
	header http.Header
	body   []byte
}

func (p reply) problem() string {
	var v struct{ Type string }
	if json.Unmarshal(p.body, &v) != nil {
		return ""
	}
	return strings.TrimPrefix(v.Type, "urn:coaching:problem:")
}

// into decodes the body.
func (p reply) into(t testing.TB, v any) {
	t.Helper()
	if err := json.Unmarshal(p.body, v); err != nil {
		t.Fatalf("%v in %s", err, p.body)
	}
}

// do asks the console, and checks whatever comes back.
func (o *office) do(a ask) reply {
	o.t.Helper()
	return send(o.t, o.console, a)
}

func send(t testing.TB, h http.Handler, a ask) reply {
	t.Helper()
	w := httptest.NewRecorder()
	r := a.request(t)
	h.ServeHTTP(w, r)
	p := reply{w.Code, w.Result().Header, w.Body.Bytes()}
	everyAnswer(t, r, p)
	return p
}

// want asks and compares the status, and for a problem its name.
func (o *office) want(a ask, status int, problem string) reply {
	o.t.Helper()
	p := o.do(a)
	if p.status != status || p.problem() != problem {
		o.t.Errorf("%s %s %s as %q = %d %s, want %d %q", a.method, a.path, a.body, a.as, p.status, p.body, status, problem)
	}
	return p
}

type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}

func logTo(w io.Writer) *slog.Logger { return slog.New(slog.NewTextHandler(w, nil)) }

// fails lets host code that fails begin to: a call has to come about first.
var fails atomic.Bool

// failing is a store that fails with err.
type failing struct {
	coaching.Store
	err error
}

func (f *failing) now() error {
	if fails.Load() {
		return f.err
	}
	return nil
}

func (f *failing) Get(ctx context.Context, id coaching.CallID) (coaching.Call, error) {
	if err := f.now(); err != nil {
		return coaching.Call{}, err
	}
	return f.Store.Get(ctx, id)
}

func (f *failing) Live(ctx context.Context) iter.Seq2[coaching.Call, error] {
	if err := f.now(); err != nil {
		return func(yield func(coaching.Call, error) bool) { yield(coaching.Call{}, err) }
	}
	return f.Store.Live(ctx)
}

func storeThat(err error) adjustment {
	return flowConfig(func(f *coaching.Config) { f.Store.(*failing).err = err })
}

func directoryThat(f func() error) adjustment {
	return flowConfig(func(c *coaching.Config) {
		c.Directory = func(context.Context, coaching.SupervisorID) (coaching.Supervisor, error) {
			return coaching.Supervisor{}, f()
		}
	})
}

func authorizeThat(f func() error) adjustment {
	return flowConfig(func(c *coaching.Config) {
		c.Authorize = func(context.Context, coaching.AccessRequest) error { return f() }
	})
}
