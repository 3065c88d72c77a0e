package coaching_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/plivo/plivo-go/v7"

	"github.com/mpc-coaching/coaching"
	"github.com/mpc-coaching/coaching/plivotest"
)

// A transcript collects text from any goroutine.
type transcript struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (l *transcript) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Write(b)
}

func (l *transcript) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.String()
}

// Every error that a test's verbs return belongs to the transcript too.
func (l *transcript) note(err error) {
	if err != nil {
		fmt.Fprintln(l, err)
	}
}

func (l *transcript) mustNotHold(t *testing.T, secrets ...string) {
	t.Helper()
	for line := range strings.Lines(l.String()) {
		for _, s := range secrets {
			if s != "" && strings.Contains(strings.ToLower(line), strings.ToLower(s)) {
				t.Errorf("%q is told in %q", s, line)
			}
		}
	}
}

// The four scenarios, and everything that can go wrong with them, leave no
// number, no address, no token and no ticket in the log, nor in an error.
func TestLogsAndErrorsHoldNothingPersonal(t *testing.T) {
	bubble(t, func(t *testing.T) {
		const token, next = "verySecretAuthToken0123", "nextSecretToken"
		log := &transcript{}
		store := &deskStore{Store: coaching.NewMemoryStore()}
		s := open(t, &plivotest.Options{AuthToken: token}, func(c *coaching.Config) {
			c.Logger = slog.New(slog.NewJSONHandler(log, &slog.HandlerOptions{Level: slog.LevelDebug}))
			c.Tokens = []coaching.Secret{next}
			c.Store, c.RequestTimeout = store, time.Second
			c.Route = coaching.RingOnce(agentAnn, agentBob)
			c.Observer = shaky{}
		})
		ctx := coaching.WithActor(t.Context(), coaching.Actor{ID: "desk"})
		try := func(err error) {
			t.Helper()
			log.note(err)
		}
		customer := s.call()
		s.eventually("an agent is reached", func() bool { return s.leg(ann) != nil && s.srv.Hears(customer, s.leg(ann)) })
		after(time.Second)
		id := s.id(customer)

		_, err := s.flow.AddSupervisor(ctx, id, supLee, nil)
		try(err)
		try(s.flow.SetMode(ctx, id, "lee", coaching.ModeMonitor))
		_, err = s.flow.TakeOver(ctx, id, supLee, nil)
		try(err)
		_, err = s.flow.HandBack(ctx, id, "lee", nil)
		try(err)
		try(s.flow.Leave(ctx, id, "lee"))
		ticket, err := s.flow.Ticket(ctx, id, supLee, nil)
		try(err)
		name, value := ticket.Header()
		for range 2 { // the second time it is used up
			dialled := s.srv.Dial(lee, hotline, map[string]string{name: value})
			after(5 * time.Second)
			dialled.Hangup()
			after(5 * time.Second)
		}

		// Plivo fails in every way, and quotes what it was asked.
		quote := fmt.Sprintf(`{"api_id":"x","error":"%s to +%s and %s is not allowed for %s"}`, caller, hotline, mia, token)
		for _, f := range []plivotest.Failure{
			{Status: 400, Body: quote}, {Status: 401, Body: quote}, {Status: 403, Body: quote},
			{Status: 429, Body: quote}, {Status: 500, Body: quote}, {Status: 200, Body: "<html>" + quote}, {CutBefore: true}, {CutAfter: true},
			{Refused: true}, {Delay: time.Minute}, {Status: 404, Body: quote},
		} {
			n := 0
			s.srv.FailFunc(func(r plivotest.Request) *plivotest.Failure {
				if n++; r.Method == "GET" && n > 3 {
					return nil
				}
				return &f
			})
			short, cancel := context.WithTimeout(ctx, 5*time.Second)
			_, err = s.flow.Barge(short, id, supMia, nil)
			try(err)
			try(s.flow.Leave(short, id, "mia"))
			cancel()
			s.srv.FailFunc(nil)
			after(2 * time.Minute)
		}

		// Callbacks that are wrong in every way.
		send := func(target, token string, form url.Values) {
			r, err := http.NewRequest("POST", publicURL+target, strings.NewReader(form.Encode()))
			if err != nil {
				t.Fatal(err)
			}
			r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			sign(r, publicURL+target, form, "1", token)
			s.front.ServeHTTP(&benchWriter{header: http.Header{}}, r)
		}
		for _, token := range []string{token, next, "another"} {
			send("/events?call="+string(id), token, url.Values{"EventName": {"ParticipantJoin"}, "MPCUUID": {caller}, "MemberID": {lee}, "ParticipantCallFrom": {caller, caller}})
			send("/leg?call="+string(id), token, url.Values{"CallUUID": {caller}, "From": {caller, caller}})
			send("/exit?call="+string(id), token, url.Values{"MPCUUID": {caller}, "From": {caller}})
			send("/answer?from="+caller, token, url.Values{"CallUUID": {caller}, "From": {caller, caller}})
			send("/supervisor", token, url.Values{"CallUUID": {deskAgent}, "From": {lee}, "X-PH-Ticket": {value + caller}})
			send("/supervisor", token, url.Values{"CallUUID": {deskAgent}, "From": {lee}, "X-PH-Ticket": {value}})
		}

		store.down.Store(true)
		send("/answer", token, url.Values{"CallUUID": {deskAgent}, "From": {caller}, "To": {hotline}})
		send("/events?call="+string(id), token, url.Values{"EventName": {"MPCEnd"}, "MPCUUID": {deskMPC}})
		send("/supervisor", token, url.Values{"CallUUID": {deskAgent}, "From": {lee}, "X-PH-Ticket": {value}})
		_, err = s.flow.Barge(ctx, id, supLee, nil)
		try(err)
		store.down.Store(false)

		// Verbs that are refused.
		_, err = s.flow.Barge(ctx, id, coaching.Supervisor{ID: "x", Address: "sip:lee phone"}, nil)
		try(err)
		_, err = s.flow.Barge(ctx, id, coaching.Supervisor{ID: "+" + caller, Address: "lee"}, nil)
		try(err)
		try(s.flow.Transfer(ctx, id, coaching.Next{Ring: []coaching.Agent{{ID: "x", Address: caller + "x"}}}))
		try(s.flow.End(ctx, id, nil))
		after(time.Minute)

		t.Logf("%d lines", strings.Count(log.String(), "\n"))
		for _, want := range []string{"callback refused", "not applied", "outcome unknown", "a request failed", "the provider refuses", "answering without the store", "[number]", "[address]"} {
			if !strings.Contains(log.String(), want) {
				t.Errorf("the transcript lacks %q: the test tries too little", want)
			}
		}
		log.mustNotHold(t, token, next, value, value[len(id):], base64.StdEncoding.EncodeToString([]byte(s.srv.AuthID()+":"+token)),
			caller, hotline, "1415555", "sip:lee", "sip:mia", "sip:ann", "sip%3A", "phone.plivo.com")
	})
}

// shaky is an Observer that panics now and then.
type shaky struct{}

func (shaky) Observe(_ context.Context, r coaching.Record) {
	if r.Kind == coaching.RecordAsked {
		panic("observer")
	}
}

// A Call is printed by whoever debugs a host: as a summary, without what it
// remembers. Comparing two calls shows their differences all the same.
func TestCallIsPrintedInShort(t *testing.T) {
	const key = "#" // stands nowhere else
	bubble(t, func(t *testing.T) {
		keyed := coaching.Agent{ID: "ann", Address: agentAnn.Address, ConfirmKey: key}
		s := open(t, nil, func(c *coaching.Config) { c.Route = coaching.RingOnce(keyed) })
		s.srv.Phone(ann, &plivotest.PhonePlan{Action: plivotest.Answer, After: time.Second, PressKey: key})
		_, _, id := s.connected()
		ticket, err := s.flow.Ticket(t.Context(), id, supLee, nil)
		if err != nil {
			t.Fatal(err)
		}
		v, err := s.flow.TakeOver(t.Context(), id, supMia, &coaching.TakeOverOptions{Agent: coaching.AgentRemove})
		if err != nil {
			t.Fatal(err)
		}
		c := s.book(id)
		_, value := ticket.Header()
		sum := fmt.Sprintf("%x", sha256.Sum256([]byte(value[len(id):])))
		doc, err := coaching.EncodeCall(c)
		if err != nil || !bytes.Contains(doc, []byte(sum)) || !bytes.Contains(doc, []byte(`"confirm_key":"#"`)) {
			t.Fatalf("the document does not hold what must not be printed: %s, %v", doc, err)
		}
		out := &transcript{}
		values := []any{c, &c, []coaching.Call{c}, coaching.Change{Call: c}, coaching.AccessRequest{Call: c}, struct{ C coaching.Call }{c}}
		for _, v := range append(values, v, c.Supervisions) {
			for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x"} {
				fmt.Fprintf(out, verb+"\n", v)
			}
			slog.New(slog.NewTextHandler(out, nil)).Info("x", "v", v)
		}
		out.mustNotHold(t, sum, key, caller, hotline, "sip:ann")
		want := fmt.Sprintf(`coaching.Call{ID:%q Version:%d State:active Live:2/3 Supervisions:1 Attempts:1}`, string(id), c.Version)
		if got := fmt.Sprintf("%+v", c); got != want {
			t.Errorf("a call prints as %s, want %s", got, want)
		}
		var log bytes.Buffer
		slog.New(slog.NewTextHandler(&log, nil)).Info("x", "c", c)
		if !strings.Contains(log.String(), "State:active") {
			t.Errorf("a call is logged as %s", &log)
		}
		if got := fmt.Sprintf("%+v", v); !strings.Contains(got, "ID:mia") || !strings.Contains(got, "Mode:open") {
			t.Errorf("a supervision prints as %s", got)
		}
		other := s.book(id)
		other.To = "another"
		if diff := cmp.Diff(c, other, cmpopts.IgnoreUnexported(coaching.Call{}, coaching.Participant{}, coaching.Supervision{})); !strings.Contains(diff, hotline) || !strings.Contains(diff, "another") {
			t.Errorf("cmp.Diff shows %q", diff)
		}
	})
}

// No verb of fmt, no logger and no encoder shows a token or a ticket.
func TestSecretsAreNotPrinted(t *testing.T) {
	const token, next = "verySecretAuthToken0123", "nextSecretToken"
	sdk, err := plivo.NewClient("MAXXXXXXXXXXXXXXXXXX", token, &plivo.ClientOptions{})
	if err != nil {
		t.Fatal(err)
	}
	cfg := coaching.Config{Plivo: sdk, PublicURL: publicURL, Prefix: deskPrefix, Route: coaching.RingOnce(agentAnn), Tokens: []coaching.Secret{next}}
	flow, err := coaching.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	d := newDesk(t)
	ticket, err := d.flow.Ticket(t.Context(), deskCall, supLee, nil)
	if err != nil {
		t.Fatal(err)
	}
	_, value := ticket.Header()
	secret := coaching.Secret(next)
	values := map[string]any{
		"Config": cfg, "*Config": &cfg, "Secret": secret, "*Secret": &secret, "[]Secret": cfg.Tokens, "Ticket": ticket, "*Ticket": &ticket,
		"Flow": flow, "map of Secrets": map[string]coaching.Secret{"a": secret},
		"struct": struct{ C coaching.Config }{cfg}, "any": []any{cfg, flow, ticket, secret}, "Client": coaching.NewClient(sdk, nil),
		"Flow within": struct{ F *coaching.Flow }{flow}, "error": fmt.Errorf("%v %w", cfg, errors.New("x")), "Call": d.call(),
	}
	out := &transcript{}
	for name, v := range values {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%T"} {
			fmt.Fprintf(out, name+" "+verb+"\n", v)
		}
		fmt.Fprint(out, v, "\n")
		if b, err := json.Marshal(v); err == nil {
			fmt.Fprintf(out, "%s JSON %s\n", name, b)
		} else {
			out.note(err)
		}
		slog.New(slog.NewJSONHandler(out, nil)).Info(name, "v", v)
		slog.New(slog.NewTextHandler(out, nil)).Info(name, "v", v)
	}
	// As hex, too; and the keys of the HMAC, which are the tokens in disguise.
	hex := func(s string) string { return fmt.Sprintf("%x", s) }
	pad := func(s string, p byte) string {
		b := []byte(s)
		for i := range b {
			b[i] ^= p
		}
		return strings.Trim(fmt.Sprint(b), "[]")
	}
	out.mustNotHold(t, token, next, value, value[len(deskCall):], hex(token), hex(next), hex(value), pad(token, 0x36), pad(next, 0x5c))
	if got := fmt.Sprint(flow); !strings.Contains(got, publicURL) {
		t.Errorf("a Flow prints as %q, want its Config's summary", got)
	}
	if got := fmt.Sprintf("%v %s", ticket, secret); !strings.Contains(got, "[redacted]") {
		t.Errorf("a Ticket and a Secret print as %q", got)
	}
}
