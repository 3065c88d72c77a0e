package main

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/mpc-coaching/coaching/plivotest"
)

func TestPages(t *testing.T) {
	c := startCenter(t)
	for _, tt := range []struct {
		path   string
		status int
		has    string
	}{
		{"/", 200, `data-testid="tour-next"`},
		{"/customer", 200, `value="14155550123"`},
		{"/customer?from=14155550177", 200, `data-address="14155550177"`},
		{"/customer?from=%22%3E%3Cscript%3E", 200, `data-address="14155550123"`},
		{"/agent/ann", 200, `data-address="sip:ann@phone.plivo.com"`},
		{"/agent/bob", 200, `src="/agent/bob/console/"`},
		{"/supervisor/lee", 200, `data-testid="phone-dialin"`},
		{"/assets/phone.js", 200, "SharedWorker"},
		{"/assets/phones.js", 200, "EventSource"},
		{"/assets/style.css", 200, "--customer"},
		{"/agent/ann/console/api/me", 200, `"ann"`},
		{"/supervisor/mia/console/api/me", 200, `"mia"`},
		{"/agent/lee", 404, ""},
		{"/supervisor/ann", 404, ""},
		{"/agent/nobody/console/api/calls", 404, ""},
		{"/assets/index.html", 404, ""},
		{"/assets/", 404, ""},
		{"/assets/..%2fpeople.go", 404, ""},
		{"/token", 404, ""},
		{"/preflight/x", 404, ""},
	} {
		resp, body := c.get(tt.path)
		if resp.StatusCode != tt.status || !strings.Contains(body, tt.has) {
			t.Errorf("GET %s = %d, want %d with %q in it", tt.path, resp.StatusCode, tt.status, tt.has)
		}
		if resp.StatusCode != 200 {
			continue
		}
		csp := resp.Header.Get("Content-Security-Policy")
		if !strings.HasPrefix(csp, "default-src 'none'") || strings.Contains(csp, "unsafe") || strings.Contains(csp, "plivo.com") {
			t.Errorf("GET %s has the policy %q, want one without unsafe sources and Plivo", tt.path, csp)
		}
		if resp.Header.Get("X-Content-Type-Options") != "nosniff" || resp.Header.Get("Cache-Control") != "no-store" {
			t.Errorf("GET %s lacks nosniff or no-store: %v", tt.path, resp.Header)
		}
		if strings.Contains(body, "<script>") || strings.Contains(body, "style=") || strings.Contains(body, " on") && strings.Contains(body, "onclick") {
			t.Errorf("GET %s has code or style in the page", tt.path)
		}
	}
}

// TestNoDataAsMarkup looks for the ways in which a script turns data into
// markup or code.
func TestNoDataAsMarkup(t *testing.T) {
	files, err := pageFiles.ReadDir("pages")
	if err != nil {
		t.Fatal(err)
	}
	scripts := 0
	for _, f := range files {
		if !strings.HasSuffix(f.Name(), ".js") {
			continue
		}
		scripts++
		code, err := pageFiles.ReadFile("pages/" + f.Name())
		if err != nil {
			t.Fatal(err)
		}
		for _, bad := range []string{"innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "new Function"} {
			if strings.Contains(string(code), bad) {
				t.Errorf("%s uses %s", f.Name(), bad)
			}
		}
	}
	if scripts < 4 {
		t.Errorf("%d scripts, want 4 at least", scripts)
	}
}

func TestGuard(t *testing.T) {
	c := startCenter(t)
	for _, tt := range []struct {
		method, path string
		head         map[string]string
		want         int
	}{
		{"GET", "/", map[string]string{"Host": "evil.example"}, 421},
		{"POST", "/_/calls", map[string]string{"Host": "evil.example:80", "Origin": "http://evil.example:80"}, 421},
		{"GET", "/", map[string]string{"Host": "localhost:1"}, 200},
		{"GET", "/", map[string]string{"Host": "[::1]:1"}, 200},
		{"POST", "/_/calls", map[string]string{"Origin": "https://evil.example"}, 403},
		{"POST", "/tour/next", map[string]string{"Sec-Fetch-Site": "cross-site"}, 403},
		{"POST", "/agent/ann/console/api/calls/x/end", map[string]string{"Origin": "https://evil.example"}, 403},
		{"POST", "/plivo/answer", nil, 403}, // not signed
	} {
		if resp, body := c.do(tt.method, tt.path, "", tt.head); resp.StatusCode != tt.want {
			t.Errorf("%s %s with %v = %d %.80s, want %d", tt.method, tt.path, tt.head, resp.StatusCode, body, tt.want)
		}
	}
	open := startCenter(t, "-allow-remote")
	if resp, _ := open.do("GET", "/", "", map[string]string{"Host": "callcenter.example"}); resp.StatusCode != 200 {
		t.Errorf("with -allow-remote another host name gives %d, want 200", resp.StatusCode)
	}
}

// TestPhones plays a call by what the pages use: one origin for all.
func TestPhones(t *testing.T) {
	c := startCenter(t)
	if resp, body := c.do("POST", "/_/calls", `{"from":"14155550177","to":"14155550101"}`, map[string]string{"Origin": c.URL}); resp.StatusCode != 201 {
		t.Fatalf("a call = %d %s", resp.StatusCode, body)
	}
	const bobs = "/_/phones/sip:bob@phone.plivo.com"
	phone := func(path string) (v phoneView) {
		_, body := c.get(path)
		if err := json.Unmarshal([]byte(body), &v); err != nil {
			t.Fatal(err)
		}
		return v
	}
	until(t, "Bob’s phone rings", func() bool {
		v := phone(bobs)
		return len(v.Calls) == 1 && v.Calls[0].State == plivotest.Ringing
	})
	if resp, body := c.do("POST", bobs+"/answer", "", nil); resp.StatusCode != 200 {
		t.Fatalf("answer = %d %s", resp.StatusCode, body)
	}
	until(t, "Bob and the customer are connected", func() bool { return len(phone(bobs).Calls[0].Hears) == 1 })
	call := phone(bobs).Calls[0]
	c.do("POST", "/_/calls/"+call.CallUUID+"/say", `{"text":"hello"}`, nil)
	if v := phone("/_/phones/14155550177"); len(v.Calls[0].Heard) != 1 || v.Calls[0].Heard[0].Text != "hello" {
		t.Errorf("the customer heard %v, want hello", v.Calls[0].Heard)
	}

	// Two people's desks do not show each other's calls.
	id := call.Headers["X-PH-Callid"]
	for _, tt := range []struct {
		desk   string
		sees   bool
		status int
	}{
		{"/agent/bob/console/", true, 200},
		{"/supervisor/mia/console/", true, 200},
		{"/agent/ann/console/", false, 403},
		{"/agent/cay/console/", false, 403},
		{"/supervisor/lee/console/", false, 403},
	} {
		var list struct{ Calls []struct{ ID string } }
		until(t, "the books know that Bob is in", func() bool {
			_, body := c.get("/agent/bob/console/api/calls/" + id)
			return strings.Contains(body, `"active"`) && strings.Contains(body, `"bob"`)
		})
		_, body := c.get(tt.desk + "api/calls")
		if err := json.Unmarshal([]byte(body), &list); err != nil {
			t.Fatalf("%s: %v: %s", tt.desk, err, body)
		}
		if got := len(list.Calls) == 1 && list.Calls[0].ID == id; got != tt.sees || !tt.sees && len(list.Calls) != 0 {
			t.Errorf("%s lists %v, want the call: %v", tt.desk, list.Calls, tt.sees)
		}
		if resp, _ := c.get(tt.desk + "api/calls/" + id); resp.StatusCode != tt.status {
			t.Errorf("%s shows the call with %d, want %d", tt.desk, resp.StatusCode, tt.status)
		}
	}
	if resp, _ := c.do("POST", "/agent/ann/console/api/calls/"+id+"/end", `{}`, nil); resp.StatusCode != http.StatusForbidden {
		t.Errorf("Ann ends Bob’s call with %d, want 403", resp.StatusCode)
	}
}

// TestTourOverHTTP plays the tour as its page does.
func TestTourOverHTTP(t *testing.T) {
	c := startCenter(t)
	next := func() (res stepResult) {
		resp, body := c.do("POST", "/tour/next", "", map[string]string{"Origin": c.URL})
		if err := json.Unmarshal([]byte(body), &res); resp.StatusCode != 200 || err != nil {
			t.Fatalf("POST /tour/next = %d %s", resp.StatusCode, body)
		}
		return res
	}
	first := next()
	if !first.OK || first.Next == nil || first.Next.Title != "Ann answers" || first.Number != 1 {
		t.Fatalf("the first step = %+v", first)
	}
	next()
	if resp, _ := c.do("POST", "/tour/reset", "", nil); resp.StatusCode != 204 {
		t.Errorf("POST /tour/reset = %d, want 204", resp.StatusCode)
	}
	// Begun again in the middle of a call, and with a reader who answers by hand.
	if res := next(); !res.OK || res.Number != 1 {
		t.Fatalf("the first step again = %+v", res)
	}
	c.Emu.Phone("sip:ann@phone.plivo.com", nil).Answer()
	if res := next(); !res.OK {
		t.Fatalf("Ann answers, after the reader = %+v", res)
	}
	// A reader who hangs up spoils it, and is told.
	c.Emu.Phone(firstCaller, nil).Last().Hangup()
	until(t, "the call is over", func() bool { return state(c.Emu, "sip:ann@phone.plivo.com") == plivotest.Ended })
	if res := next(); res.OK || res.Error == "" || res.Next != nil {
		t.Errorf("asking for help in a call that is over = %+v, want a failure that begins again", res)
	}
	for range tourSteps() {
		if res := next(); !res.OK {
			t.Fatalf("step %d = %+v", res.Number, res)
		}
	}
}

func TestTourNeedsItsCast(t *testing.T) {
	c := startCenter(t, "-people", writeStaff(t, `{"hotlines":{"14155550100":"sales"},"people":[
		{"id":"zoe","role":"agent","team":"sales","endpoint":"zoe","password":"long enough to guess"}]}`))
	if resp, body := c.do("POST", "/tour/next", "", nil); resp.StatusCode != 409 || !strings.Contains(body, "the tour needs") {
		t.Errorf("a tour without its cast = %d %s, want 409", resp.StatusCode, body)
	}
	if resp, _ := c.get("/"); resp.StatusCode != 200 {
		t.Errorf("GET / without a supervisor = %d, want 200", resp.StatusCode)
	}
}
