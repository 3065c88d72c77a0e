package console_test

import (
	"context"
	"encoding/json"
	"errors"
	"iter"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/mpc-coaching/coaching"
	"github.com/mpc-coaching/coaching/console"
)

func TestNewNamesWhatIsMissing(t *testing.T) {
	_, err := console.New(console.Config{TrustedOrigins: []string{"desk.example.com"}})
	if !errors.Is(err, coaching.ErrInvalid) {
		t.Fatalf("New(nothing) = %v, want ErrInvalid", err)
	}
	for _, want := range []string{"Flow is required", "Identify is required", "TrustedOrigins"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("New(nothing) = %v, want it to say %q", err, want)
		}
	}
	bubble(t, func(t *testing.T) {
		o := open(t)
		bare, err := coaching.New(coaching.Config{Plivo: sdk(t, o.srv), PublicURL: publicURL, Route: coaching.RingOnce()})
		if err != nil {
			t.Fatal(err)
		}
		if _, err = console.New(console.Config{Flow: bare, Identify: identify}); !errors.Is(err, coaching.ErrInvalid) || !strings.Contains(err.Error(), "Authorize") {
			t.Errorf("New(a Flow without Authorize) = %v, want ErrInvalid that names Authorize", err)
		}
		if _, err = console.New(console.Config{Flow: o.flow}); !errors.Is(err, coaching.ErrInvalid) || !strings.Contains(err.Error(), "Identify") {
			t.Errorf("New(no Identify) = %v, want ErrInvalid that names it", err)
		}
	})
}

func TestRefusals(t *testing.T) {
	id := string(callID(1))
	barge := "/api/calls/" + id + "/barge"
	header := func(k, v string) http.Header { return http.Header{k: {v}} }
	for name, c := range map[string]struct {
		ask     ask
		status  int
		problem string
		allow   string
	}{
		"no such path":               {ask{path: "/api/callz"}, 404, "not-found", ""},
		"no such path above":         {ask{path: "/elsewhere"}, 404, "not-found", ""},
		"no such asset":              {ask{path: "/assets/none.js"}, 404, "not-found", ""},
		"an asset of no known kind":  {ask{path: "/assets/"}, 404, "not-found", ""},
		"out of the assets":          {ask{path: "/assets/../../go.mod"}, 404, "not-found", ""},
		"out of them, in disguise":   {ask{path: "/assets/%2e%2e/index.html"}, 404, "not-found", ""},
		"a slash too many":           {ask{path: "/api/calls/"}, 404, "not-found", ""},
		"an empty id":                {ask{path: "/api/calls//barge", body: `{}`}, 404, "not-found", ""},
		"dots":                       {ask{path: "/api/calls/../me"}, 404, "not-found", ""},
		"no such verb":               {ask{path: "/api/calls/" + id + "/shout", body: `{}`}, 404, "not-found", ""},
		"GET of a verb":              {ask{path: barge}, 405, "method-not-allowed", "POST"},
		"PUT of a call":              {ask{method: "PUT", path: "/api/calls/" + id}, 405, "method-not-allowed", "GET"},
		"HEAD of the stream":         {ask{method: "HEAD", path: "/api/stream"}, 405, "method-not-allowed", "GET"},
		"DELETE of the page":         {ask{method: "DELETE", path: "/"}, 405, "method-not-allowed", "GET, HEAD"},
		"a preflight":                {ask{method: "OPTIONS", path: barge, header: header("Access-Control-Request-Method", "POST")}, 405, "method-not-allowed", "POST"},
		"another origin, says fetch": {ask{path: barge, body: `{"supervisor":"lee"}`, header: header("Sec-Fetch-Site", "cross-site")}, 403, "cross-origin", ""},
		"another origin, by header":  {ask{path: barge, body: `{"supervisor":"lee"}`, header: header("Origin", "https://evil.example")}, 403, "cross-origin", ""},
		"an origin of the same site": {ask{path: barge, body: `{"supervisor":"lee"}`, header: header("Sec-Fetch-Site", "same-site")}, 403, "cross-origin", ""},
		"another origin, not asked":  {ask{path: "/api/nothing", body: `{}`, header: header("Sec-Fetch-Site", "cross-site")}, 403, "cross-origin", ""},
		"a form":                     {ask{path: barge, body: `supervisor=lee`, header: header("Content-Type", "application/x-www-form-urlencoded")}, 415, "unsupported-media-type", ""},
		"plain text":                 {ask{path: barge, body: `{"supervisor":"lee"}`, header: header("Content-Type", "text/plain")}, 415, "unsupported-media-type", ""},
		"no type":                    {ask{path: barge, body: `{"supervisor":"lee"}`, header: http.Header{"Content-Type": nil}}, 415, "unsupported-media-type", ""},
		"too large":                  {ask{path: barge, body: `{"supervisor":"lee"` + strings.Repeat(" ", 16<<10) + `}`}, 413, "too-large", ""},
		"no body":                    {ask{method: "POST", path: barge}, 400, "invalid", ""},
		"no object":                  {ask{path: barge, body: `["lee"]`}, 400, "invalid", ""},
		"half an object":             {ask{path: barge, body: `{"supervisor":"lee"`}, 400, "invalid", ""},
		"two objects":                {ask{path: barge, body: `{"supervisor":"lee"}{}`}, 400, "invalid", ""},
		"an unknown member":          {ask{path: barge, body: `{"supervisor":"lee","address":"sip:evil@example.com"}`}, 400, "invalid", ""},
		"a member of another verb":   {ask{path: barge, body: `{"supervisor":"lee","farewell":true}`}, 400, "invalid", ""},
		"another case":               {ask{path: barge, body: `{"Supervisor":"lee"}`}, 400, "invalid", ""},
		"a member twice":             {ask{path: barge, body: `{"supervisor":"lee","supervisor":"mia"}`}, 400, "invalid", ""},
		"a missing member":           {ask{path: barge, body: `{}`}, 400, "invalid", ""},
		"null":                       {ask{path: barge, body: `{"supervisor":null}`}, 400, "invalid", ""},
		"a number for an id":         {ask{path: barge, body: `{"supervisor":14155550123}`}, 400, "invalid", ""},
		"an address for an id":       {ask{path: barge, body: `{"supervisor":"sip:lee@phone.plivo.com"}`}, 400, "invalid", ""},
		"an id that is too long":     {ask{path: barge, body: `{"supervisor":"` + strings.Repeat("a", 65) + `"}`}, 400, "invalid", ""},
		"mode open":                  {ask{path: barge, body: `{"supervisor":"lee","mode":"open"}`}, 400, "invalid", ""},
		"a mode that is none":        {ask{path: barge, body: `{"supervisor":"lee","mode":""}`}, 400, "invalid", ""},
		"ringing for ever":           {ask{path: barge, body: `{"supervisor":"lee","ring_seconds":121}`}, 400, "invalid", ""},
		"hardly ringing":             {ask{path: barge, body: `{"supervisor":"lee","ring_seconds":0}`}, 400, "invalid", ""},
		"a number beyond numbers":    {ask{path: barge, body: `{"supervisor":"lee","ring_seconds":1e99}`}, 400, "invalid", ""},
		"a flag that is text":        {ask{path: barge, body: `{"supervisor":"lee","no_wait":"yes"}`}, 400, "invalid", ""},
		"nobody to transfer to":      {ask{path: "/api/calls/" + id + "/transfer", body: `{"agents":[]}`}, 400, "invalid", ""},
		"too many to transfer to":    {ask{path: "/api/calls/" + id + "/transfer", body: `{"agents":["a"` + strings.Repeat(`,"a"`, 20) + `]}`}, 400, "invalid", ""},
		"an address to transfer to":  {ask{path: "/api/calls/" + id + "/transfer", body: `{"agents":["+14155550123"]}`}, 400, "invalid", ""},
		"null to transfer to":        {ask{path: "/api/calls/" + id + "/transfer", body: `{"agents":[null]}`}, 400, "invalid", ""},
		"a member that is no number": {ask{path: "/api/calls/" + id + "/hold", body: `{"member":"12a"}`}, 400, "invalid", ""},
		"a short id":                 {ask{path: "/api/calls/abc"}, 400, "invalid", ""},
		"an id with a slash":         {ask{path: "/api/calls/cc00000000000000000%2f"}, 400, "invalid", ""},
		"an id with a nul":           {ask{path: "/api/calls/cc00000000000000000%00"}, 400, "invalid", ""},
		"an id of dots":              {ask{path: "/api/calls/%2e%2e%2f%2e%2e%2f%2e%2e%2f%2e/may"}, 400, "invalid", ""},
		"an id in a verb":            {ask{path: "/api/calls/abc/end", body: `{}`}, 400, "invalid", ""},
		"a stream's id":              {ask{path: "/api/stream?call=../x"}, 400, "invalid", ""},
		"a stream's empty id":        {ask{path: "/api/stream?call="}, 400, "invalid", ""},
		"limit 0":                    {ask{path: "/api/calls?limit=0"}, 400, "invalid", ""},
		"limit 201":                  {ask{path: "/api/calls?limit=201"}, 400, "invalid", ""},
		"a limit that is none":       {ask{path: "/api/calls?limit=ten"}, 400, "invalid", ""},
		"two limits":                 {ask{path: "/api/calls?limit=1&limit=2"}, 400, "invalid", ""},
		"state ended":                {ask{path: "/api/calls?state=ended"}, 400, "invalid", ""},
		"a token of somebody's own":  {ask{path: "/api/calls?after=MTIz"}, 400, "invalid", ""},
		"no token":                   {ask{path: "/api/calls?after=%ff"}, 400, "invalid", ""},
		"an agent that is none":      {ask{path: "/api/calls?agent=sip:ann"}, 400, "invalid", ""},
		"a supervisor that is none":  {ask{path: "/api/calls?supervisor="}, 400, "invalid", ""},
		"may for nobody":             {ask{path: "/api/calls/" + id + "/may?supervisor=sip:x"}, 400, "invalid", ""},
		"may in mode open":           {ask{path: "/api/calls/" + id + "/may?mode=open"}, 400, "invalid", ""},
		"a short key":                {ask{path: barge, body: `{"supervisor":"lee"}`, header: header("Idempotency-Key", "1234567")}, 400, "invalid", ""},
		"a long key":                 {ask{path: barge, body: `{"supervisor":"lee"}`, header: header("Idempotency-Key", strings.Repeat("k", 256))}, 400, "invalid", ""},
		"a key with a space":         {ask{path: barge, body: `{"supervisor":"lee"}`, header: header("Idempotency-Key", "1234 5678")}, 400, "invalid", ""},
		"two keys":                   {ask{path: barge, body: `{"supervisor":"lee"}`, header: http.Header{"Idempotency-Key": {"12345678", "12345679"}}}, 400, "invalid", ""},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				asked := &asking{Store: coaching.NewMemoryStore()}
				o := newBooks(t, flowConfig(func(f *coaching.Config) { f.Store = asked }))
				c.ask.as = "supervisor:lee"
				p := send(t, o.console, c.ask)
				if p.status != c.status || p.problem() != c.problem || p.header.Get("Allow") != c.allow {
					t.Errorf("%s %s = %d %s Allow %q, want %d %s Allow %q", c.ask.method, c.ask.path, p.status, p.body, p.header.Get("Allow"), c.status, c.problem, c.allow)
				}
				if len(asked.ids) > 0 {
					t.Errorf("the store was asked for %q", asked.ids)
				}
			})
		})
	}
}

// asking is a store that remembers what it was asked for.
type asking struct {
	coaching.Store
	ids   []string
	lists atomic.Int32
}

func (a *asking) Live(ctx context.Context) iter.Seq2[coaching.Call, error] {
	a.lists.Add(1)
	return a.Store.Live(ctx)
}

func (a *asking) Get(ctx context.Context, id coaching.CallID) (coaching.Call, error) {
	a.ids = append(a.ids, string(id))
	return a.Store.Get(ctx, id)
}

// What a browser of another origin may do is nothing; a trusted one, and the
// page itself, may write; reading needs no permission, but is of no use there.
func TestOrigins(t *testing.T) {
	bubble(t, func(t *testing.T) {
		o := open(t, config(func(c *console.Config) { c.TrustedOrigins = []string{"https://friend.example.com"} }))
		_, _, id := o.connected()
		path := "/api/calls/" + string(id)
		for _, h := range []http.Header{
			{"Sec-Fetch-Site": {"same-origin"}},
			{"Sec-Fetch-Site": {"none"}},
			{"Origin": {"https://desk.example.com"}},
			{"Origin": {"https://friend.example.com"}, "Sec-Fetch-Site": {"cross-site"}},
			{},
		} {
			o.want(ask{as: "supervisor:lee", path: path + "/barge", body: `{"supervisor":"lee"}`, header: h}, 200, "")
		}
		p := o.want(ask{as: "supervisor:lee", path: path, header: http.Header{"Sec-Fetch-Site": {"cross-site"}, "Origin": {"https://evil.example"}}}, 200, "")
		for k := range p.header {
			if strings.HasPrefix(k, "Access-Control-") {
				t.Errorf("an answer has the header %s", k)
			}
		}
		p = o.want(ask{as: "supervisor:lee", path: path + "/end", body: `{}`, header: http.Header{"Sec-Fetch-Site": {"cross-site"}, "Origin": {"https://evil.example"}}}, 403, "cross-origin")
		if o.want(ask{as: "supervisor:lee", path: path}, 200, ""); !strings.Contains(string(p.body), "cross-origin") {
			t.Errorf("the refusal says %s", p.body)
		}
	})
}

// What a call bears is text for the page, never more.
func TestTextIsInert(t *testing.T) {
	const nasty = "</script><script>alert(1)</script> \" ' & \u2028 \u2029 \x00 \xff"
	bubble(t, func(t *testing.T) {
		o := newBooks(t, config(func(c *console.Config) {
			c.Title = nasty
			c.People = func(context.Context, coaching.Actor) (console.People, error) {
				return console.People{Agents: []console.Person{{ID: "ann", Name: nasty, Note: nasty}}}, nil
			}
		}))
		c := o.put(1, func(c *coaching.Call) { c.Data, c.From = map[string]string{nasty: nasty}, nasty })
		b := newBrowser(t)
		b.listen(o.console, asLee).hangUp()
		bodies := map[string]string{"the stream": b.sent.String()}
		for _, path := range []string{"/api/me", "/api/calls", "/api/calls/" + string(c.ID)} {
			p := send(t, o.console, ask{as: "supervisor:lee", path: path})
			bodies[path] = string(p.body)
			if k := p.header.Get("Content-Type"); k != "application/json" {
				t.Errorf("%s is %q, want application/json", path, k)
			}
		}
		for path, body := range bodies {
			if strings.ContainsAny(body, "<>&\u2028\u2029\x00") {
				t.Errorf("%s has what HTML or JavaScript would take for its own: %s", path, body)
			}
		}
		var got struct{ Data map[string]string }
		if err := json.Unmarshal([]byte(bodies["/api/calls/"+string(c.ID)]), &got); err != nil {
			t.Fatal(err)
		}
		want := strings.ToValidUTF8(nasty, "\ufffd")
		if got.Data[want] != want {
			t.Errorf("Data = %q, want %q in it", got.Data, want)
		}
		problem := send(t, o.console, ask{as: "supervisor:lee", path: "/api/calls/" + string(c.ID) + "/barge", body: `{"` + `<script>` + `":1}`})
		if strings.Contains(string(problem.body), "script") {
			t.Errorf("a problem repeats what was sent: %s", problem.body)
		}
	})
}

// Panics of host code are answered and logged, and no text of theirs, or of
// their errors, reaches anybody.
func TestHostCodeFails(t *testing.T) {
	boom := func() { panic("secret: boom") }
	fail := errors.New("secret: dsn://user:password@host")
	for name, c := range map[string]struct {
		adjust  adjustment
		ask     ask
		status  int
		problem string
		silent  bool // nothing is logged
	}{
		"Identify panics": {config(func(c *console.Config) {
			c.Identify = func(*http.Request) (coaching.Actor, error) { boom(); return coaching.Actor{}, nil }
		}), ask{path: "/api/me"}, 500, "internal", false},
		"Identify fails":         {config(func(*console.Config) {}), ask{path: "/api/me", as: "nobody"}, 401, "unauthenticated", true},
		"Identify knows no name": {config(func(*console.Config) {}), ask{path: "/api/me", as: "supervisor:"}, 401, "unauthenticated", true},
		"View panics":            {config(func(c *console.Config) { c.View = func(coaching.Actor) console.View { boom(); return console.View{} } }), ask{path: "/api/me"}, 500, "internal", false},
		"View panics for a stream": {config(func(c *console.Config) { c.View = func(coaching.Actor) console.View { boom(); return console.View{} } }),
			ask{path: "/api/stream"}, 500, "internal", false},
		"People panics": {config(func(c *console.Config) {
			c.People = func(context.Context, coaching.Actor) (console.People, error) { boom(); return console.People{}, nil }
		}), ask{path: "/api/me"}, 500, "internal", false},
		"People fails": {config(func(c *console.Config) {
			c.People = func(context.Context, coaching.Actor) (console.People, error) { return console.People{}, fail }
		}), ask{path: "/api/me"}, 500, "internal", false},
		"Agent panics": {config(func(c *console.Config) {
			c.Agent = func(context.Context, coaching.AgentID) (coaching.Agent, error) { boom(); return coaching.Agent{}, nil }
		}), ask{path: "/transfer", body: `{"agents":["bob"]}`}, 500, "internal", false},
		"Agent fails": {config(func(c *console.Config) {
			c.Agent = func(context.Context, coaching.AgentID) (coaching.Agent, error) { return coaching.Agent{}, fail }
		}), ask{path: "/transfer", body: `{"agents":["bob"]}`}, 500, "internal", false},
		"Agent knows nobody":             {config(func(*console.Config) {}), ask{path: "/transfer", body: `{"agents":["zoe"]}`}, 404, "not-found", true},
		"there is no Agent":              {config(func(c *console.Config) { c.Agent = nil }), ask{path: "/transfer", body: `{"agents":["bob"]}`}, 400, "invalid", true},
		"Directory panics":               {directoryThat(func() error { boom(); return nil }), ask{path: "/barge", body: `{"supervisor":"lee"}`}, 500, "internal", false},
		"Directory fails":                {directoryThat(func() error { return fail }), ask{path: "/barge", body: `{"supervisor":"lee"}`}, 500, "internal", false},
		"Directory has nobody":           {directoryThat(func() error { return join(coaching.ErrNotFound, fail) }), ask{path: "/barge", body: `{"supervisor":"lee"}`}, 404, "not-found", true},
		"Directory is invalid":           {directoryThat(func() error { return join(coaching.ErrInvalid, fail) }), ask{path: "/take-over", body: `{"supervisor":"lee"}`}, 400, "invalid", true},
		"Directory conflicts":            {directoryThat(func() error { return join(coaching.ErrConflict, fail) }), ask{path: "/add-supervisor", body: `{"supervisor":"lee"}`}, 409, "conflict", true},
		"Directory is unsure":            {directoryThat(func() error { return join(coaching.ErrUnknown, fail) }), ask{path: "/barge", body: `{"supervisor":"lee"}`}, 504, "unknown", true},
		"Authorize panics":               {authorizeThat(func() error { boom(); return nil }), ask{path: "/barge", body: `{"supervisor":"lee"}`}, 403, "denied", true},
		"Authorize fails":                {authorizeThat(func() error { return fail }), ask{path: "/end", body: `{}`}, 403, "denied", true},
		"Authorize is invalid":           {authorizeThat(func() error { return join(coaching.ErrInvalid, fail) }), ask{path: "/end", body: `{}`}, 403, "denied", true},
		"Authorize is unsure":            {authorizeThat(func() error { return join(coaching.ErrNotFound, fail) }), ask{path: "/hold", body: `{"member":"1001"}`}, 403, "denied", true},
		"the store is down":              {storeThat(fail), ask{path: "/end", body: `{}`}, 500, "internal", false},
		"the store is down for a list":   {storeThat(fail), ask{path: "/api/calls"}, 500, "internal", false},
		"the store is down for a stream": {storeThat(fail), ask{path: "/api/stream"}, 500, "internal", false},
		"the store has nothing":          {storeThat(join(coaching.ErrNotFound, fail)), ask{path: "/end", body: `{}`}, 404, "not-found", true},
		"the store is of tomorrow":       {storeThat(join(coaching.ErrSchema, fail)), ask{path: "/end", body: `{}`}, 503, "not-running", true},
		"the provider speaks":            {storeThat(&coaching.APIError{Op: "x", Status: 400, Message: "secret: no"}), ask{path: "/end", body: `{}`}, 502, "provider", true},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				o := open(t, flowConfig(func(f *coaching.Config) {
					f.Store = &failing{Store: coaching.NewMemoryStore()}
					f.Authorize = func(context.Context, coaching.AccessRequest) error { return nil }
				}), c.adjust)
				_, _, id := o.connected()
				fails.Store(true)
				defer fails.Store(false)
				a := c.ask
				if a.as == "" {
					a.as = "supervisor:lee"
				}
				if !strings.HasPrefix(a.path, "/api") {
					a.path = "/api/calls/" + string(id) + a.path
				}
				p := o.want(a, c.status, c.problem)
				if strings.Contains(string(p.body), "secret") {
					t.Errorf("the answer has the host's text: %s", p.body)
				}
				if logged := strings.Contains(o.log.String(), "secret"); logged == c.silent {
					t.Errorf("logged: %v, want %v: %s", logged, !c.silent, o.log)
				}
			})
		})
	}
}

// Whom the host's books know is not told to those who may not ask.
func TestAuthorizeComesFirst(t *testing.T) {
	bubble(t, func(t *testing.T) {
		asked := 0
		o := open(t, directoryThat(func() error { asked++; return nil }), config(func(c *console.Config) {
			c.Agent = func(context.Context, coaching.AgentID) (coaching.Agent, error) { asked++; return coaching.Agent{}, nil }
		}))
		_, _, id := o.connected()
		for verb, body := range map[string]string{"add-supervisor": `{"supervisor":"mia"}`, "barge": `{"supervisor":"mia"}`, "take-over": `{"supervisor":"mia"}`,
			"hand-back": `{"supervisor":"mia","to":["zoe"]}`, "transfer": `{"agents":["zoe"]}`} {
			o.want(ask{as: "supervisor:mia", path: "/api/calls/" + string(id) + "/" + verb, body: body}, 403, "denied")
		}
		if asked != 0 {
			t.Errorf("Directory and Agent were asked %d times, want never", asked)
		}
	})
}

func join(kind, err error) error { return errors.Join(err, kind) }

// A panic in the middle of a stream ends it, and puts nothing into it.
func TestStreamSurvivesNoPanic(t *testing.T) {
	bubble(t, func(t *testing.T) {
		calls := 0
		o := newBooks(t, config(func(c *console.Config) {
			c.View = func(coaching.Actor) console.View {
				if calls++; calls > 1 {
					panic("secret")
				}
				return console.View{}
			}
		}))
		o.put(1)
		b := newBrowser(t)
		l := b.listen(o.console, asLee)
		time.Sleep(31 * time.Second)
		if !l.over() || strings.Contains(b.sent.String(), "problem") {
			t.Errorf("the stream is over: %v, want true, after %q", l.over(), b.sent.String())
		}
		l.hangUp()
	})
}

// What the page is made of is served with its type, at any method that reads.
func TestPage(t *testing.T) {
	bubble(t, func(t *testing.T) {
		o := newBooks(t)
		for _, method := range []string{"GET", "HEAD"} {
			p := send(t, o.console, ask{method: method, path: "/"})
			if p.status != 200 || p.header.Get("Content-Type") != "text/html; charset=utf-8" {
				t.Errorf("%s / = %d %v, want 200 and HTML", method, p.status, p.header)
			}
		}
		if p := send(t, o.console, ask{path: "/assets/app.css"}); p.status != 200 || p.header.Get("Content-Type") != "text/css; charset=utf-8" {
			t.Errorf("GET /assets/app.css = %d %v, want 200 and CSS", p.status, p.header)
		}
	})
}

// Mounted anywhere, and every URL of ours stays there.
func TestMounts(t *testing.T) {
	bubble(t, func(t *testing.T) {
		o := newBooks(t)
		o.put(1)
		mux := http.NewServeMux()
		mux.Handle("/desk/", http.StripPrefix("/desk", o.console))
		mux.Handle("/a/b/", http.StripPrefix("/a/b/", o.console)) // its slash too
		for name, c := range map[string]struct {
			h      http.Handler
			prefix string
		}{"at the root": {o.console, ""}, "under a prefix": {mux, "/desk"}, "under two": {mux, "/a/b"}} {
			for path, status := range map[string]int{"/": 200, "/assets/app.css": 200, "/api/me": 200, "/api/calls": 200, "/api/nothing": 404,
				"/api/calls/" + string(callID(1)): 200, "/api/calls/" + string(callID(1)) + "/barge": 405, "/api/openapi.json": 200} {
				if p := send(t, c.h, ask{as: "supervisor:lee", path: c.prefix + path}); p.status != status {
					t.Errorf("%s: GET %s = %d %s, want %d", name, c.prefix+path, p.status, p.body, status)
				}
			}
			b := newBrowser(t)
			b.listen(c.h, ask{as: "supervisor:lee", path: c.prefix + "/api/stream"}).hangUp()
			if got := keys(b.view()); !slices.Equal(got, []string{string(callID(1))}) {
				t.Errorf("%s: the stream shows %v", name, got)
			}
		}
		// Without its slash, where no mux adds it: relative URLs need one.
		w := httptest.NewRecorder()
		r := httptest.NewRequest("GET", "/x/desk?y", nil)
		http.StripPrefix("/x/desk", o.console).ServeHTTP(w, r)
		if at := w.Header().Get("Location"); w.Code != 307 || at != "./desk/" {
			t.Errorf("GET /x/desk = %d to %q, want 307 to ./desk/", w.Code, at)
		}
	})
}

// Close ends streams, and nothing else.
func TestClose(t *testing.T) {
	bubble(t, func(t *testing.T) {
		o := newBooks(t)
		c := o.put(1)
		l := newBrowser(t).listen(o.console, asLee)
		o.console.Close()
		<-l.done
		if p := send(t, o.console, ask{as: "supervisor:lee", path: "/api/stream"}); p.status != 503 || p.problem() != "not-running" {
			t.Errorf("a stream after Close = %d %s, want 503 not-running", p.status, p.body)
		}
		if p := send(t, o.console, ask{as: "supervisor:lee", path: "/api/calls/" + string(c.ID)}); p.status != 200 {
			t.Errorf("a read after Close = %d %s, want 200", p.status, p.body)
		}
		o.console.Close()
	})
}
