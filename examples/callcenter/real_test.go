package main

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/mpc-coaching/coaching"
	"github.com/mpc-coaching/coaching/internal/require"
)

// TestSDKPhone checks, in Node, how the page uses Plivo's Browser SDK.
func TestSDKPhone(t *testing.T) {
	node, err := exec.LookPath("node")
	require.Have(t, "node", err)
	out, err := exec.CommandContext(t.Context(), node, "testdata/sdkphone.mjs").CombinedOutput()
	if err != nil || strings.Count(string(out), "ok ") < 9 {
		t.Errorf("testdata/sdkphone.mjs: %v\n%s", err, out)
	}
}

// TestSelfToken compares with the vector of plivo-go's own test.
func TestSelfToken(t *testing.T) {
	m := selfMinter{"MADADADADADADADADADA", "qwerty"}
	got, err := m.sign(tokenRequest{endpoint: "username", dials: true, from: time.Unix(12121212, 0)}, 300*time.Second, "username-12345")
	const want = "eyJhbGciOiJIUzI1NiIsImN0eSI6InBsaXZvO3Y9MSIsInR5cCI6IkpXVCJ9.eyJpc3MiOiJNQURBREFEQURBREFEQURBREFEQSIsInN1YiI6InVzZXJuYW1lIiwiZXhwIjoxMjEyMTUxMiwibmJmIjoxMjEyMTIxMiwianRpIjoidXNlcm5hbWUtMTIzNDUiLCJncmFudHMiOnsidm9pY2UiOnsiaW5jb21pbmdfYWxsb3ciOnRydWUsIm91dGdvaW5nX2FsbG93Ijp0cnVlfX19.IpHETNEfApAE6aalOgb4OazlfFB64PF02oP-ww5TfSM"
	if err != nil || got != want {
		t.Errorf("sign(vector) = %s, %v, want %s", got, err, want)
	}
	for name, f := range map[string]func() (string, error){
		"no lifetime":    func() (string, error) { return m.sign(tokenRequest{endpoint: "u", from: time.Now()}, 0, "") },
		"short lifetime": func() (string, error) { return m.sign(tokenRequest{endpoint: "u", from: time.Now()}, time.Minute, "") },
		"long lifetime":  func() (string, error) { return m.sign(tokenRequest{endpoint: "u", from: time.Now()}, 25*time.Hour, "") },
		"no endpoint":    func() (string, error) { return m.sign(tokenRequest{from: time.Now()}, tokenLife, "") },
		"no token": func() (string, error) {
			return selfMinter{authID: "MA"}.sign(tokenRequest{endpoint: "u", from: time.Now()}, tokenLife, "")
		},
	} {
		if got, err := f(); err == nil {
			t.Errorf("sign with %s = %s, want an error", name, got)
		}
	}
	token, err := m.mint(t.Context(), tokenRequest{endpoint: "ann1", from: time.Now()})
	var claims struct {
		Exp, Nbf int64
		Grants   struct{ Voice voiceAllowed }
	}
	if err := readClaims(token, &claims); err != nil {
		t.Fatal(err)
	}
	if err != nil || claims.Exp-claims.Nbf != 3600 || claims.Grants.Voice != (voiceAllowed{Incoming: true}) {
		t.Errorf("mint(agent) = %+v, %v, want an hour of incoming calls", claims, err)
	}
}

// realCenter starts the program as with the real Plivo, whose API is played by h.
func realCenter(t *testing.T, h http.HandlerFunc, args ...string) *testCenter {
	t.Helper()
	c := startCenterWith(t, map[string]string{"PLIVO_AUTH_ID": plivoID, "PLIVO_AUTH_TOKEN": plivoToken},
		append([]string{"-public-url", "https://voice.example.com", "-people", writeStaff(t, realStaff)}, args...)...)
	if h != nil {
		srv := httptest.NewServer(h)
		t.Cleanup(srv.Close)
		api := apiAt(t, srv.URL)
		c.minter = apiMinter{api}
	}
	return c
}

const (
	plivoID    = "MAXXXXXXXXXXXXXXXXXX"
	plivoToken = "the-auth-token"
	realStaff  = `{
		"hotlines": {"14155550100": "sales"},
		"people": [
			{"id": "ann", "name": "Ann", "role": "agent", "team": "sales", "endpoint": "ann123456789012", "password": "correct horse"},
			{"id": "dan", "name": "Dan", "role": "agent", "team": "sales", "number": "14155550177", "password": "number station"},
			{"id": "lee", "name": "Lee", "role": "supervisor", "team": "sales", "endpoint": "lee123456789012", "password": "battery staple"}
		]}`
)

func apiAt(t *testing.T, base string) *plivoAPI {
	t.Helper()
	api, err := newPlivoAPI(plivoID, plivoToken)
	if err != nil {
		t.Fatal(err)
	}
	api.sdk.BaseUrl.Scheme, api.sdk.BaseUrl.Host = "http", strings.TrimPrefix(base, "http://")
	return api
}

func TestRealPagesAskForPasswords(t *testing.T) {
	c := realCenter(t, nil)
	for _, tt := range []struct {
		path, user, password string
		want                 int
	}{
		{"/", "", "", 401},
		{"/", "ann", "correct horse", 303},
		{"/agent/ann", "", "", 401},
		{"/agent/ann", "ann", "wrong", 401},
		{"/agent/ann", "ann", "", 401},
		{"/agent/ann", "lee", "battery staple", 403},
		{"/agent/ann", "ann", "correct horse", 200},
		{"/agent/dan", "dan", "number station", 200},
		{"/agent/nobody", "", "", 401},
		{"/agent/nobody", "ann", "correct horse", 403},
		{"/supervisor/ann", "ann", "correct horse", 403},
		{"/agent/ann/console/api/calls", "", "", 401},
		{"/agent/ann/console/api/calls", "lee", "battery staple", 403},
		{"/agent/ann/console/api/calls", "ann", "correct horse", 200},
		{"/customer", "ann", "correct horse", 404},
		{"/_/calls", "ann", "correct horse", 404},
		{"/v1/Account/", "ann", "correct horse", 404},
		{"/tour", "ann", "correct horse", 404},
		{"/cast", "", "", 200},
	} {
		head := map[string]string{"Host": "voice.example.com"}
		if tt.user != "" {
			req, _ := http.NewRequest("GET", "/", nil)
			req.SetBasicAuth(tt.user, tt.password)
			head["Authorization"] = req.Header.Get("Authorization")
		}
		resp, body := c.do("GET", tt.path, "", head)
		if resp.StatusCode != tt.want {
			t.Errorf("GET %s as %q with %q = %d %.80s, want %d", tt.path, tt.user, tt.password, resp.StatusCode, body, tt.want)
		}
		if resp.StatusCode == 401 && !strings.HasPrefix(resp.Header.Get("WWW-Authenticate"), "Basic ") {
			t.Errorf("GET %s = 401 without asking for a password", tt.path)
		}
		if tt.path == "/cast" && strings.TrimSpace(body) != "[]" {
			t.Errorf("GET /cast = %s, want no addresses", body)
		}
		if tt.path == "/agent/dan" && (strings.Contains(body, "cdn.plivo.com") || !strings.Contains(body, "14155550177")) {
			t.Errorf("the page of somebody with a telephone has an SDK, or not the number: %s", body)
		}
		if tt.path == "/agent/ann" && resp.StatusCode == 200 {
			csp := resp.Header.Get("Content-Security-Policy")
			for _, s := range []string{"script-src 'self' https://cdn.plivo.com;", "wss://client.plivo.com", "wss://client-fb.plivo.com", "default-src 'none'"} {
				if !strings.Contains(csp, s) {
					t.Errorf("the policy of a page with the SDK lacks %s: %s", s, csp)
				}
			}
			if strings.Contains(csp, "unsafe") || !strings.Contains(body, `src="https://cdn.plivo.com/sdk/browser/v2/plivo.min.js"`) {
				t.Errorf("a page with the SDK is unsafe or lacks it: %s", csp)
			}
		}
	}
}

func TestToken(t *testing.T) {
	var asked map[string]any
	status := 200
	answer := func(in map[string]any) string {
		claims, _ := json.Marshal(in)
		return "e30." + base64URL(claims) + ".signature"
	}
	c := realCenter(t, func(w http.ResponseWriter, r *http.Request) {
		user, pass, _ := r.BasicAuth()
		if r.Method != "POST" || r.URL.Path != "/v1/Account/"+plivoID+"/JWT/Token/" || user != plivoID || pass != plivoToken {
			t.Errorf("%s %s as %s", r.Method, r.URL.Path, user)
		}
		asked = nil
		json.NewDecoder(r.Body).Decode(&asked)
		w.WriteHeader(status)
		json.NewEncoder(w).Encode(map[string]string{"token": answer(asked), "api_id": "x"})
	})
	post := func(path, user, password string) (int, map[string]string) {
		req, _ := http.NewRequest("POST", "/", nil)
		req.SetBasicAuth(user, password)
		resp, body := c.do("POST", path, "", map[string]string{"Authorization": req.Header.Get("Authorization")})
		out := map[string]string{}
		json.Unmarshal([]byte(body), &out)
		return resp.StatusCode, out
	}
	for _, tt := range []struct {
		path, user, password, sub string
		outgoing                  bool
	}{
		{"/agent/ann/token", "ann", "correct horse", "ann123456789012", false},
		{"/supervisor/lee/token", "lee", "battery staple", "lee123456789012", true},
	} {
		code, out := post(tt.path, tt.user, tt.password)
		if code != 200 || out["token"] == "" {
			t.Fatalf("POST %s = %d %v", tt.path, code, out)
		}
		voice, _ := asked["per"].(map[string]any)["voice"].(map[string]any)
		if asked["iss"] != plivoID || asked["sub"] != tt.sub || voice["incoming_allow"] != true || voice["outgoing_allow"] != tt.outgoing {
			t.Errorf("POST %s asked Plivo for %v, want %s with outgoing calls %v", tt.path, asked, tt.sub, tt.outgoing)
		}
		if life := asked["exp"].(float64) - asked["nbf"].(float64); life != 3600 {
			t.Errorf("POST %s asked for %v s, want an hour", tt.path, life)
		}
	}
	if code, _ := post("/agent/dan/token", "dan", "number station"); code != 404 {
		t.Errorf("a token for somebody with a telephone = %d, want 404", code)
	}
	if code, _ := post("/supervisor/lee/token", "ann", "correct horse"); code != 403 {
		t.Errorf("somebody else’s token = %d, want 403", code)
	}
	if resp, _ := c.get("/agent/ann/token"); resp.StatusCode != 405 && resp.StatusCode != 404 {
		t.Errorf("GET of a token = %d, want a refusal", resp.StatusCode)
	}
	status = 401
	if code, _ := post("/agent/ann/token", "ann", "correct horse"); code != 502 {
		t.Errorf("a token that Plivo refuses = %d, want 502", code)
	}
	status = 200
	answer = func(in map[string]any) string {
		in["sub"] = "somebody"
		c, _ := json.Marshal(in)
		return "e30." + base64URL(c) + ".s"
	}
	if code, _ := post("/agent/ann/token", "ann", "correct horse"); code != 502 {
		t.Errorf("a token for somebody else = %d, want 502", code)
	}
}

func TestRealSecretsStayInside(t *testing.T) {
	c := realCenter(t, nil)
	for _, v := range []any{c.opts.authToken, c.staff.people[0].Password, coaching.Secret("x")} {
		data, _ := json.Marshal(v)
		if strings.Contains(string(data), "horse") || strings.Contains(string(data), plivoToken) {
			t.Errorf("a secret prints as %s", data)
		}
	}
}
