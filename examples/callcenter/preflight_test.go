package main

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

func base64URL(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }

// An account is what Plivo's API says of one, by path below it.
type account map[string]string

// goodAccount has everything that realStaff needs.
func goodAccount(flowURL string) account {
	return account{
		"":                   `{"auth_id": "` + plivoID + `", "account_type": "standard"}`,
		"Number/14155550100": `{"number": "14155550100", "voice_enabled": true, "application": "/v1/Account/` + plivoID + `/Application/111/"}`,
		"Application/111":    `{"app_name": "customers", "answer_url": "` + flowURL + `/answer", "answer_method": "POST"}`,
		"Application/222":    `{"app_name": "supervisors", "answer_url": "` + flowURL + `/supervisor", "answer_method": "POST"}`,
		"Endpoint": `{"objects": [
			{"username": "ann123456789012", "application": null},
			{"username": "lee123456789012", "application": "/v1/Account/` + plivoID + `/Application/222/"}]}`,
	}
}

func (a account) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	user, pass, _ := r.BasicAuth()
	if user != plivoID || pass != plivoToken {
		w.WriteHeader(http.StatusUnauthorized)
		fmt.Fprint(w, "Could not verify your access level for that URL.")
		return
	}
	path, ok := strings.CutPrefix(r.URL.Path, "/v1/Account/"+plivoID+"/")
	body, there := a[strings.TrimSuffix(path, "/")]
	if d := a["Date"]; d != "" {
		w.Header().Set("Date", d)
	}
	if status := a["status "+strings.TrimSuffix(path, "/")]; status != "" {
		w.WriteHeader(map[string]int{"500": 500, "403": 403}[status])
		return
	}
	if !ok || !there || r.Method != "GET" || !strings.HasSuffix(r.URL.Path, "/") {
		w.WriteHeader(http.StatusNotFound)
		fmt.Fprint(w, `{"api_id": "x", "error": "not found"}`)
		return
	}
	fmt.Fprint(w, body)
}

func TestPreflight(t *testing.T) {
	// Plivo reaches the program by a proxy of the test.
	var program http.Handler
	proxy := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { program.ServeHTTP(w, r) }))
	defer proxy.Close()
	public := proxy.URL
	c := startCenterWith(t, map[string]string{"PLIVO_AUTH_ID": plivoID, "PLIVO_AUTH_TOKEN": plivoToken},
		"-public-url", public, "-people", writeStaff(t, realStaff))
	flowURL := public + "/plivo"

	tests := map[string]struct {
		change  func(account)
		program http.Handler
		token   string
		want    []string // in the findings that want fixing; none: all is well
	}{
		"all is well":        {},
		"a wrong token":      {token: "wrong", want: []string{"Plivo refuses the credentials (401)", "PLIVO_AUTH_TOKEN"}},
		"another account":    {change: func(a account) { a[""] = `{"auth_id": "MAYYYYYYYYYYYYYYYYYY"}` }, want: []string{"belong to account MAYYYYYYYYYYYYYYYYYY"}},
		"a trial account":    {change: func(a account) { a[""] = `{"auth_id": "` + plivoID + `", "account_type": "developer"}` }, want: []string{"trial account", "Phone Numbers"}},
		"Plivo is ill":       {change: func(a account) { a["status "] = "500" }, want: []string{"answers 500"}},
		"a wrong clock":      {change: func(a account) { a["Date"] = time.Now().Add(-5 * time.Minute).UTC().Format(http.TimeFormat) }, want: []string{"the clock is off by 5m", "NTP"}},
		"no such number":     {change: func(a account) { delete(a, "Number/14155550100") }, want: []string{"hotline 14155550100 is no number of this account", "rent it"}},
		"a number for texts": {change: func(a account) { a["Number/14155550100"] = `{"voice_enabled": false}` }, want: []string{"takes no calls"}},
		"a number without application": {change: func(a account) { a["Number/14155550100"] = `{"application": null}` },
			want: []string{"hotline 14155550100 has no application", "answer URL " + flowURL + "/answer, method POST"}},
		"a stale tunnel": {change: func(a account) {
			a["Application/111"] = `{"app_name": "customers", "answer_url": "https://old.example/plivo/answer", "answer_method": "POST"}`
		},
			want: []string{`hotline 14155550100 leads to "https://old.example/plivo/answer"`, "Voice, Applications, customers"}},
		"GET": {change: func(a account) {
			a["Application/111"] = `{"app_name": "customers", "answer_url": "` + flowURL + `/answer", "answer_method": "GET"}`
		},
			want: []string{`asks its answer URL by "GET"`, "set the answer method to POST"}},
		"an application that cannot be read": {change: func(a account) { delete(a, "Application/111") }, want: []string{"the application of hotline 14155550100 cannot be looked at"}},
		"a strange application":              {change: func(a account) { a["Number/14155550100"] = `{"application": "/v1/../evil?x"}` }, want: []string{"is no id of an application"}},
		"no such endpoint":                   {change: func(a account) { a["Endpoint"] = `{"objects": []}` }, want: []string{"there is no endpoint ann123456789012", "there is no endpoint lee123456789012", "Voice, Endpoints"}},
		"an endpoint without its digits": {change: func(a account) {
			a["Endpoint"] = strings.Replace(a["Endpoint"], "ann123456789012", "ann123456789012345678901234", 1)
		}, want: []string{"its username is ann123456789012345678901234"}},
		"a supervisor’s endpoint leads to the customers": {change: func(a account) { a["Endpoint"] = strings.Replace(a["Endpoint"], "222", "111", 1) },
			want: []string{"Lee’s endpoint lee123456789012 leads to \"" + flowURL + "/answer\"", "answer URL " + flowURL + "/supervisor"}},
		"a supervisor’s endpoint has no application": {change: func(a account) {
			a["Endpoint"] = strings.Replace(a["Endpoint"], `"/v1/Account/`+plivoID+`/Application/222/"`, `""`, 1)
		}, want: []string{"Lee’s endpoint lee123456789012 has no application"}},
		"endpoints are not listed":   {change: func(a account) { a["status Endpoint"] = "403" }, want: []string{"the endpoints cannot be listed"}},
		"the tunnel leads elsewhere": {program: http.NotFoundHandler(), want: []string{"leads to something else (404)", "start the tunnel"}},
		"the tunnel shows a page of its own": {program: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "<html>Visit site</html>") }),
			want: []string{"leads to something else (200)"}},
		"the public URL redirects": {program: http.RedirectHandler("https://www.voice.example.com/", http.StatusMovedPermanently), want: []string{"redirects (301)"}},
		"the proxy lets no POST through": {program: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.Method == "POST" {
				http.Error(w, "no", http.StatusMethodNotAllowed)
				return
			}
			c.handler.ServeHTTP(w, r)
		}), want: []string{"gives 405", "want 403"}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			program = c.handler
			if tt.program != nil {
				program = tt.program
			}
			a := goodAccount(flowURL)
			if tt.change != nil {
				tt.change(a)
			}
			srv := httptest.NewServer(a)
			defer srv.Close()
			api := apiAt(t, srv.URL)
			if tt.token != "" {
				api.sdk.AuthToken = tt.token
			}
			client := proxy.Client()
			client.CheckRedirect = noRedirects
			p := &preflight{api: api, public: client, staff: c.staff, publicURL: public, flowURL: flowURL, nonces: &c.nonce, now: time.Now}
			var wrong []string
			findings := p.run(t.Context())
			for _, f := range findings {
				if f.fix != "" {
					wrong = append(wrong, f.String())
				}
				if strings.Contains(f.String(), plivoToken) {
					t.Errorf("a finding shows the token: %s", f)
				}
			}
			all := strings.Join(wrong, "\n")
			for _, s := range tt.want {
				if !strings.Contains(all, s) {
					t.Errorf("the findings lack %q:\n%s", s, all)
				}
			}
			if len(tt.want) == 0 && (len(wrong) > 0 || len(findings) < 7) {
				t.Errorf("%d findings, of which to fix:\n%s", len(findings), all)
			}
			if len(tt.want) > 0 && len(wrong) == 0 {
				t.Error("nothing is found to fix")
			}
			if n := len(c.nonce.known); n != 0 {
				t.Errorf("%d nonces are left", n)
			}
		})
	}
}

// TestCheck runs what -check runs, and what a start without it runs.
func TestCheck(t *testing.T) {
	var program http.Handler
	proxy := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { program.ServeHTTP(w, r) }))
	defer proxy.Close()
	for _, tt := range []struct {
		args    []string
		number  string // of the hotline, in the account
		err     string
		stopped bool
		want    string
	}{
		{[]string{"-check"}, "Number/14155550100", "", true, "✓ the public URL leads here"},
		{[]string{"-check"}, "Number/1", "there is something to fix", true, "✗ hotline 14155550100 is no number of this account\n  → rent it"},
		{nil, "Number/1", "", false, "The call center is open: " + proxy.URL},
	} {
		c := startCenterWith(t, map[string]string{"PLIVO_AUTH_ID": plivoID, "PLIVO_AUTH_TOKEN": plivoToken},
			append([]string{"-public-url", proxy.URL, "-people", writeStaff(t, realStaff)}, tt.args...)...)
		program = c.handler
		a := goodAccount(proxy.URL + "/plivo")
		number := a["Number/14155550100"]
		delete(a, "Number/14155550100")
		a[tt.number] = number
		srv := httptest.NewServer(a)
		c.api.sdk.BaseUrl = apiAt(t, srv.URL).sdk.BaseUrl
		stopped := false
		var out strings.Builder
		err := c.checkAccount(t.Context(), proxy.Client(), &out, func() { stopped = true })
		srv.Close()
		if message(err) != tt.err || stopped != tt.stopped || !strings.Contains(out.String(), tt.want) {
			t.Errorf("checkAccount with %q = %q, stopped %v, want %q, %v; it prints\n%s", tt.args, message(err), stopped, tt.err, tt.stopped, out.String())
		}
	}
}

func TestPreflightPages(t *testing.T) {
	a := goodAccount("https://v.example/plivo")
	objects := make([]map[string]string, 0, 45)
	for i := range 45 {
		objects = append(objects, map[string]string{"username": fmt.Sprint("someone", i)})
	}
	objects[44] = map[string]string{"username": "ann123456789012"}
	var offsets []string
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !strings.HasSuffix(r.URL.Path, "/Endpoint/") {
			a.ServeHTTP(w, r)
			return
		}
		offset := 0
		fmt.Sscan(r.URL.Query().Get("offset"), &offset)
		offsets = append(offsets, r.URL.Query().Get("offset"))
		json.NewEncoder(w).Encode(map[string]any{"objects": objects[offset:min(offset+20, len(objects))]})
	}))
	defer srv.Close()
	p := &preflight{api: apiAt(t, srv.URL), staff: staff{people: []person{{ID: "ann", Name: "Ann", Role: agentRole, Endpoint: "ann123456789012"}}}, apps: map[string]application{}}
	p.endpoints(t.Context())
	if len(p.findings) != 1 || p.findings[0].fix != "" || strings.Join(offsets, " ") != "0 20 40" {
		t.Errorf("an endpoint on the third page = %v, by offsets %v, want it found by 0 20 40", p.findings, offsets)
	}
}

func TestNonces(t *testing.T) {
	var n nonces
	v := n.make()
	if v == n.make() {
		t.Error("two nonces are the same")
	}
	get := func(v string) int {
		mux := http.NewServeMux()
		mux.HandleFunc("GET "+noncePath+"{nonce}", n.serve)
		w := httptest.NewRecorder()
		mux.ServeHTTP(w, httptest.NewRequest("GET", noncePath+v, nil))
		if w.Code == 200 && w.Body.String() != v {
			t.Errorf("nonce %s answers %s", v, w.Body.String())
		}
		return w.Code
	}
	if got := get(v); got != 200 {
		t.Errorf("a known nonce = %d, want 200", got)
	}
	n.drop(v)
	if got := get(v); got != 404 {
		t.Errorf("a dropped nonce = %d, want 404", got)
	}
	if maps.Keys(n.known) == nil || get("made-up") != 404 {
		t.Error("a made-up nonce is known")
	}
}
