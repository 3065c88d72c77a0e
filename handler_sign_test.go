package coaching_test

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/mpc-coaching/coaching"
	"github.com/mpc-coaching/coaching/plivotest"
)

const deskAgent = "ceeac2c3-2c78-4d85-b1a4-6eae7dbafb36" // an agent's leg

// deskJoin is an agent's join, which changes the call.
func deskJoin() url.Values { return deskEvent("ParticipantJoin", "8", "agent", deskAgent) }

// setBody replaces what was signed.
func setBody(r *http.Request, body string) {
	r.Body, r.ContentLength = io.NopCloser(strings.NewReader(body)), int64(len(body))
}

func bodyOf(t testing.TB, r *http.Request) string {
	t.Helper()
	b, err := io.ReadAll(r.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestR13HandlerSignatures(t *testing.T) {
	const (
		v3    = "X-Plivo-Signature-V3"
		ma    = "X-Plivo-Signature-Ma-V3"
		nonce = "X-Plivo-Signature-V3-Nonce"
	)
	junk := strings.Repeat("A", 43) + "="
	for _, c := range []struct {
		name  string
		alter func(d *desk, r *http.Request)
		want  int
	}{
		{"as Plivo sends it", func(*desk, *http.Request) {}, 200},
		{"no signature", func(_ *desk, r *http.Request) { r.Header.Del(v3) }, 403},
		{"an empty signature", func(_ *desk, r *http.Request) { r.Header.Set(v3, "") }, 403},
		{"no nonce", func(_ *desk, r *http.Request) { r.Header.Del(nonce) }, 403},
		{"another nonce", func(d *desk, r *http.Request) { r.Header.Set(nonce, d.nonce()) }, 403},
		{"no header at all", func(_ *desk, r *http.Request) { r.Header = http.Header{"Content-Type": r.Header["Content-Type"]} }, 403},
		{"a flipped bit in the signature", func(_ *desk, r *http.Request) {
			s := []byte(r.Header.Get(v3))
			s[7] ^= 1
			r.Header.Set(v3, string(s))
		}, 403},
		{"a flipped byte in the body", func(d *desk, r *http.Request) {
			setBody(r, strings.Replace(bodyOf(d.t, r), "MemberID=8", "MemberID=9", 1))
		}, 403},
		{"a flipped byte in the query", func(_ *desk, r *http.Request) { r.URL.RawQuery = strings.Replace(r.URL.RawQuery, "7", "8", 1) }, 403},
		{"a query that is not signed", func(_ *desk, r *http.Request) { r.URL.RawQuery += "&x=1" }, 403},
		{"a query cut off", func(_ *desk, r *http.Request) { r.URL.RawQuery = "" }, 403},
		{"a field that is not signed", func(d *desk, r *http.Request) { setBody(r, bodyOf(d.t, r)+"&Late=1") }, 403},
		{"an empty field that is not signed", func(d *desk, r *http.Request) { setBody(r, bodyOf(d.t, r)+"&Late=") }, 403},
		{"a field appended once more", func(d *desk, r *http.Request) { setBody(r, bodyOf(d.t, r)+"&MemberID=8") }, 403},
		{"a field put before", func(d *desk, r *http.Request) { setBody(r, "MemberID=9&"+bodyOf(d.t, r)) }, 403},
		{"a field left out", func(d *desk, r *http.Request) {
			setBody(r, strings.Replace(bodyOf(d.t, r), "MemberID=8&", "", 1))
		}, 403},
		{"an empty body", func(_ *desk, r *http.Request) { setBody(r, "") }, 403},
		{"another order, which nothing signs", func(d *desk, r *http.Request) {
			pairs := strings.Split(bodyOf(d.t, r), "&")
			for i, j := 0, len(pairs)-1; i < j; i, j = i+1, j-1 {
				pairs[i], pairs[j] = pairs[j], pairs[i]
			}
			setBody(r, strings.Join(pairs, "&"))
		}, 200},
		{"signed for another host", func(d *desk, r *http.Request) {
			sign(r, "https://evil.example/plivo/events"+deskQuery, deskJoin(), d.nonce(), deskToken)
		}, 403},
		{"signed for the host it was sent to", func(d *desk, r *http.Request) {
			sign(r, "http://10.0.0.7:8080/events"+deskQuery, deskJoin(), d.nonce(), deskToken)
		}, 403},
		{"signed for another scheme", func(d *desk, r *http.Request) {
			sign(r, "http"+strings.TrimPrefix(d.public, "https")+"/events"+deskQuery, deskJoin(), d.nonce(), deskToken)
		}, 403},
		{"signed for another path", func(d *desk, r *http.Request) {
			sign(r, d.public+"/leg"+deskQuery, deskJoin(), d.nonce(), deskToken)
		}, 403},
		{"signed for another call", func(d *desk, r *http.Request) {
			sign(r, d.public+"/events?call="+deskPrefix+"00000000000000000000", deskJoin(), d.nonce(), deskToken)
		}, 403},
		{"the Host header of another", func(_ *desk, r *http.Request) { r.Host = "evil.example" }, 200},
		{"signed as a GET", func(d *desk, r *http.Request) {
			n := d.nonce()
			r.Header.Set(nonce, n)
			r.Header.Set(v3, plivotest.SignV3(deskToken, "GET", d.public+"/events"+deskQuery, nil, n))
		}, 403},
		{"signed with another token", func(d *desk, r *http.Request) {
			sign(r, d.public+"/events"+deskQuery, deskJoin(), d.nonce(), "another")
		}, 403},
		{"signed with no token", func(d *desk, r *http.Request) {
			sign(r, d.public+"/events"+deskQuery, deskJoin(), d.nonce(), "")
		}, 403},
		{"signed with the next token", func(d *desk, r *http.Request) {
			sign(r, d.public+"/events"+deskQuery, deskJoin(), d.nonce(), "next")
		}, 200},
		{"signed with a subaccount's token", func(d *desk, r *http.Request) {
			sign(r, d.public+"/events"+deskQuery, deskJoin(), d.nonce(), "subaccount")
		}, 200},
		{"the main account's header alone", func(_ *desk, r *http.Request) {
			r.Header.Set(ma, r.Header.Get(v3))
			r.Header.Del(v3)
		}, 200},
		{"both headers, the main account's good", func(_ *desk, r *http.Request) {
			r.Header.Set(ma, r.Header.Get(v3))
			r.Header.Set(v3, junk)
		}, 200},
		{"both headers, neither good", func(_ *desk, r *http.Request) {
			r.Header.Set(ma, junk)
			r.Header.Set(v3, junk)
		}, 403},
		{"several in one header", func(_ *desk, r *http.Request) { r.Header.Set(v3, junk+", "+r.Header.Get(v3)+" ,") }, 200},
		{"several in one header, none good", func(_ *desk, r *http.Request) { r.Header.Set(v3, junk+","+junk+",,") }, 403},
		{"several headers", func(_ *desk, r *http.Request) { r.Header[v3] = []string{junk, r.Header.Get(v3)} }, 200},
		{"two nonces", func(d *desk, r *http.Request) { r.Header[nonce] = []string{d.nonce(), r.Header.Get(nonce)} }, 403},
		{"a nonce with a dot", func(d *desk, r *http.Request) {
			sign(r, d.public+"/events"+deskQuery, deskJoin(), "1.2", deskToken)
		}, 403},
		{"version 2", func(d *desk, r *http.Request) {
			n := r.Header.Get(nonce)
			r.Header.Del(v3)
			r.Header.Set("X-Plivo-Signature-V2", plivotest.SignV2(deskToken, d.public+"/events", n))
			r.Header.Set("X-Plivo-Signature-V2-Nonce", n)
		}, 403},
		{"version 2 in the place of 3", func(d *desk, r *http.Request) {
			r.Header.Set(v3, plivotest.SignV2(deskToken, d.public+"/events", r.Header.Get(nonce)))
		}, 403},
		{"the method in another's header", func(_ *desk, r *http.Request) { r.Header.Set("X-HTTP-Method-Override", "GET") }, 200},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := newDesk(t, func(c *coaching.Config) { c.Tokens = []coaching.Secret{"next", "subaccount"} })
			before := d.call().Version
			r := d.request("POST", "/events"+deskQuery, deskJoin(), d.nonce(), deskToken)
			c.alter(d, r)
			w := d.serve(r)
			if w.Code != c.want {
				t.Errorf("answered %d, want %d", w.Code, c.want)
			}
			if changed := d.call().Version != before; changed != (c.want == 200) {
				t.Errorf("the call changed: %v", changed)
			}
		})
	}
}

// Nobody knows whether Plivo signs what it asks at /music, so everybody is
// answered alike.
func TestR13MusicIsOpen(t *testing.T) {
	d := newDesk(t)
	before := d.call().Version
	w := d.serve(d.request("GET", "/music?kind=wait", nil, d.nonce(), deskToken))
	d.ok(w)
	signed := w.Body.String()
	for _, method := range []string{"GET", "POST"} {
		r := d.request(method, "/music?kind=wait", url.Values{}, "", deskToken)
		for k := range r.Header {
			if strings.HasPrefix(k, "X-Plivo") {
				r.Header.Del(k)
			}
		}
		if w := d.serve(r); w.Code != http.StatusOK || w.Body.String() != signed {
			t.Errorf("%s without a signature: %d %s, want 200 %s", method, w.Code, w.Body, signed)
		}
	}
	if got := d.call().Version; got != before {
		t.Errorf("the call changed from version %d to %d", before, got)
	}
}

// Every path but that checks, for every method it takes.
func TestR13HandlerChecksEveryPath(t *testing.T) {
	for name, p := range deskPaths() {
		if name == "music" {
			continue
		}
		for method := range strings.SplitSeq(p.allow, ", ") {
			t.Run(method+" "+name, func(t *testing.T) {
				d := newDesk(t, func(c *coaching.Config) { c.Observer = deaf{} })
				target, form := p.target, p.form
				if method == "GET" {
					sep := "?"
					if strings.Contains(target, "?") {
						sep = "&"
					}
					target, form = target+sep+form.Encode(), nil
				}
				before := d.call().Version
				if w := d.serve(d.request(method, target, form, d.nonce(), "another")); w.Code != http.StatusForbidden || strings.TrimSpace(w.Body.String()) != "Forbidden" {
					t.Errorf("signed by another: %d %q, want 403", w.Code, w.Body)
				}
				r := d.request(method, target, form, d.nonce(), deskToken)
				r.URL.RawQuery += "&x=1"
				if w := d.serve(r); w.Code != http.StatusForbidden {
					t.Errorf("with a query of somebody else's: %d, want 403", w.Code)
				}
				if got := d.call().Version; got != before {
					t.Errorf("the call changed from version %d to %d", before, got)
				}
				d.ok(d.serve(d.request(method, target, form, d.nonce(), deskToken)))
			})
		}
	}
}

// The signature does not tell a name from its value, nor one request under a
// nonce from another. The nonce guard does (R13).
func TestR13NonceUsedAgain(t *testing.T) {
	cut := map[string][2]string{ // bytes moved between a name and its value; what is signed stays the same
		"into the name":       {"MemberID=8", "MemberID8="},
		"out of the name":     {"MemberID=8", "MemberI=D8"},
		"into the next name":  {"ParticipantRole=agent", "ParticipantRoleagent="},
		"two fields into one": {"MemberID=8&ParticipantCallFrom=" + caller, "MemberID=8ParticipantCallFrom" + caller},
	}
	for name, c := range cut {
		t.Run("cut anew, "+name, func(t *testing.T) {
			d := newDesk(t)
			nonce := d.nonce()
			form := url.Values{"EventName": {"ParticipantJoin"}, "MPCUUID": {deskMPC}, "MemberID": {"8"}, "ParticipantCallFrom": {caller}, "ParticipantRole": {"agent"}}
			recut := func() *http.Request {
				r := d.request("POST", "/events"+deskQuery, form, nonce, deskToken)
				body := bodyOf(t, r)
				if !strings.Contains(body, c[0]) {
					t.Fatalf("%q is not in %q", c[0], body)
				}
				setBody(r, strings.Replace(body, c[0], c[1], 1))
				return r
			}
			d.ok(d.serve(d.request("POST", "/events"+deskQuery, form, nonce, deskToken)))
			before := d.call().Version
			want := http.StatusForbidden
			if name == "two fields into one" { // which makes an id that is none
				want = http.StatusBadRequest
			}
			if w := d.serve(recut()); w.Code != want {
				t.Errorf("answered %d, want %d", w.Code, want)
			}
			if got := d.call().Version; got != before {
				t.Errorf("the call changed from version %d to %d", before, got)
			}
		})
	}
	t.Run("cut anew before the true one comes", func(t *testing.T) {
		d := newDesk(t)
		r := d.request("POST", "/events"+deskQuery, deskJoin(), d.nonce(), deskToken)
		setBody(r, strings.Replace(bodyOf(t, r), "MPCUUID=c", "MPCUUIDc=", 1))
		if w := d.serve(r); w.Code != http.StatusBadRequest {
			t.Errorf("without an MPCUUID: %d, want 400", w.Code)
		}
	})
	// Plivo never signs two requests alike; whoever has the token could.
	other := map[string]func(url.Values){
		"answer":     func(f url.Values) { f.Set("From", "14155550199") },
		"supervisor": func(f url.Values) { f.Set("From", "14155550199") },
		"events":     func(f url.Values) { f.Set("MemberID", "9") },
		"leg":        func(f url.Values) { f.Set("CallStatus", "completed") },
		"exit":       func(f url.Values) { f.Set("MemberID", "9") },
		"recording":  func(f url.Values) { f.Set("EventName", "MPCRecordingFailed") },
	}
	for name, p := range deskPaths() {
		change := other[name]
		if change == nil {
			continue // music is the same for everybody
		}
		t.Run("other content at /"+name, func(t *testing.T) {
			d := newDesk(t, func(c *coaching.Config) { c.Observer = deaf{} })
			switch name {
			case "answer":
				p.form.Set("CallUUID", "4f93bf0e-2c78-4d85-b1a4-6eae7dbafb36") // or it would be known already
			case "supervisor":
				ticket, err := d.flow.Ticket(t.Context(), deskCall, supLee, nil)
				if err != nil {
					t.Fatal(err)
				}
				_, value := ticket.Header()
				p.form.Set("X-PH-Ticket", value)
			}
			nonce := d.nonce()
			d.ok(d.serve(d.request("POST", p.target, p.form, nonce, deskToken)))
			before := d.call().Version
			change(p.form)
			w := d.serve(d.request("POST", p.target, p.form, nonce, deskToken))
			if w.Code != http.StatusForbidden {
				t.Errorf("answered %d %s, want 403", w.Code, w.Body)
			}
			if got := d.call().Version; got != before {
				t.Errorf("the call changed from version %d to %d", before, got)
			}
		})
	}
}

// The guard forgets: it is bounded.
func TestR14GuardIsBounded(t *testing.T) {
	d := newDesk(t)
	for i := range 200 {
		d.ok(d.event([]string{"ParticipantMute", "ParticipantUnmute"}[i%2], "7", "customer", fmt.Sprintf("%08x-2c78-4d85-b1a4-6eae7dbafb36", i)))
	}
	if n := coaching.GuardLength(d.call()); n != 64 {
		t.Errorf("the guard remembers %d callbacks, want 64", n)
	}
}

func TestNewRefusesAnEmptyToken(t *testing.T) {
	cfg := coaching.Config{Plivo: deskSDK(t), PublicURL: publicURL, Route: coaching.RingOnce(agentAnn)}
	cfg.Tokens = []coaching.Secret{"next", ""}
	if _, err := coaching.New(cfg); !errors.Is(err, coaching.ErrInvalid) || !strings.Contains(err.Error(), "Tokens[1]") {
		t.Errorf("New = %v, want ErrInvalid that names Tokens[1]", err)
	}
	cfg.Tokens = nil
	cfg.Plivo.AuthToken = ""
	if _, err := coaching.New(cfg); !errors.Is(err, coaching.ErrInvalid) {
		t.Errorf("New without an auth token = %v, want ErrInvalid", err)
	}
}

// Whatever comes, the handler survives it, and answers 2xx to nothing unsigned
// but a request for music.
func FuzzHandler(f *testing.F) {
	join := deskJoin().Encode()
	f.Add("POST", "/events", "call="+string(deskCall), join, "application/x-www-form-urlencoded", "X-Plivo-Signature-V3", "abc", "1", false)
	f.Add("GET", "/answer", deskAnswer().Encode(), "", "", "X-Plivo-Signature-Ma-V3", "abc,def", "2", true)
	f.Add("POST", "/answer", "", deskAnswer().Encode(), "application/x-www-form-urlencoded; charset=utf-8", "", "", "3", true)
	f.Add("POST", "/supervisor", "", deskTicket("x", deskAgent).Encode(), "application/x-www-form-urlencoded", "X", "y", "4", true)
	f.Add("POST", "/leg", "call="+string(deskCall)+"&step=2", deskLeg("busy").Encode(), "application/x-www-form-urlencoded", "X", "y", "5", true)
	f.Add("POST", "/exit", "call=%zz", deskExit().Encode(), "text/plain", "X", "y", "6", true)
	f.Add("POST", "/plivo/music", "kind=wait", "", "", "X", "y", "7", true)
	f.Add("POST", "/recording", "call=", "EventName=MPCRecordingCompleted&MPCUUID="+deskMPC, "application/x-www-form-urlencoded", "X", "y", "8", true)
	f.Add("PURGE", "//events/..", "%", "%", ";;", "", "\x00", "\n", false)
	d := newDesk(f, func(c *coaching.Config) { c.Observer = deaf{} })
	f.Fuzz(func(t *testing.T, method, path, query, body, contentType, key, value, nonce string, signed bool) {
		r := httptest.NewRequest("POST", "/", strings.NewReader(body))
		r.Method, r.URL = method, &url.URL{Path: path, RawQuery: query}
		r.Header = http.Header{"Content-Type": {contentType}, "X-Plivo-Signature-V3-Nonce": {nonce}}
		form, formErr := url.ParseQuery(body)
		if _, err := url.ParseQuery(query); signed && formErr == nil && err == nil {
			if method == "GET" {
				form = nil
			}
			end := max(strings.LastIndexByte(path, '/'), 0)
			r.Header.Set("X-Plivo-Signature-V3", plivotest.SignV3(deskToken, method, publicURL+path[end:]+"?"+query, form, nonce))
		} else {
			signed = false
		}
		if key != "" {
			r.Header[http.CanonicalHeaderKey(key)] = []string{value}
		}
		w := d.serve(r)
		if w.Code/100 == 2 && !signed && !strings.HasSuffix(path, "/music") {
			t.Errorf("%s %q?%q %q, unsigned, answered %d %q", method, path, query, body, w.Code, w.Body)
		}
		if w.Code/100 == 3 {
			t.Errorf("%s %q redirects: %d", method, path, w.Code)
		}
		if strings.Contains(w.Body.String(), deskToken) {
			t.Error("the answer tells the token")
		}
	})
}
