package plivotest_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/mpc-coaching/coaching/plivotest"
)

// scenario plays something that causes every event.
func scenario(b *bench, groups string) {
	b.app.answer = mpcXML(customerXML + ` statusCallbackEvents="` + groups + `"`)
	b.call()
	agent := b.member("Agent", agentSIP, map[string]any{"relay_dtmf_inputs": true})
	coach := b.member("Supervisor", coachSIP, nil)
	b.update(coach, map[string]any{"coach_mode": false})
	b.update(coach, map[string]any{"coach_mode": true})
	for _, f := range []string{"mute", "hold"} {
		b.update(agent, map[string]any{f: true})
		b.update(agent, map[string]any{f: false})
	}
	agent.Press("5")
	agent.Say("hello")
	b.settle()
	time.Sleep(2 * time.Second)
	b.settle()
	endRoom(b, nil)
	b.settle()
}

func TestEventGroups(t *testing.T) {
	for _, c := range []struct {
		groups string
		want   []string
	}{
		{"mpc-state-changes", []string{"MPCInitialized", "MPCStart", "MPCEnd"}},
		{"participant-state-changes", []string{"ParticipantJoin", "ParticipantJoin", "ParticipantJoin", "ParticipantCoachModeStop", "ParticipantCoachModeStart",
			"ParticipantMute", "ParticipantUnmute", "ParticipantHold", "ParticipantUnhold", "ParticipantExit", "ParticipantExit", "ParticipantExit"}},
		{"participant-speak-events", []string{"ParticipantSpeakStart", "ParticipantSpeakStop"}},
		{"participant-digit-input-events", []string{"ParticipantDigitInput"}},
		{"add-participant-api-events", []string{"AddParticipantByAPIActionInitiated", "AddParticipantByAPIActionCompleted", "AddParticipantByAPIActionInitiated", "AddParticipantByAPIActionCompleted"}},
		{"participant-audio-events", nil},
		{"mpc-state-changes, participant-digit-input-events", []string{"MPCInitialized", "MPCStart", "ParticipantDigitInput", "MPCEnd"}},
	} {
		t.Run(c.groups, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newBench(t, nil)
				scenario(b, c.groups)
				if got := b.app.events(); !slices.Equal(got, c.want) {
					t.Errorf("events %v, want %v", got, c.want)
				}
			})
		})
	}
}

var documented = []string{"EventName", "EventTimestamp", "MPCUUID", "MPCName", "MemberID", "ParticipantRole", "ParticipantCallUUID", "ParticipantCoachMode",
	"ParticipantCallFrom", "ParticipantCallTo", "ParticipantCallDirection", "MemberAddress", "SequenceNumber"}

func TestEventKeys(t *testing.T) {
	groups := "mpc-state-changes,participant-state-changes"
	t.Run("careful", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			b := newBench(t, nil)
			scenario(b, groups)
			for i, r := range b.app.all("/events") {
				for _, k := range documented {
					if _, ok := r.form[k]; !ok {
						t.Errorf("%s lacks %s", r.form.Get("EventName"), k)
					}
				}
				if got := r.form.Get("SequenceNumber"); got != strconv.Itoa(i+1) {
					t.Errorf("sequence number %s, want %d", got, i+1)
				}
			}
			first, last := b.app.all("/events")[0].form, b.app.all("/events")
			if first.Get("ParticipantCallFrom") != caller || first.Get("ParticipantCallTo") != hotline || first.Get("ParticipantRole") != "customer" {
				t.Errorf("MPCInitialized: %v", first)
			}
			if f := last[len(last)-1].form; f.Get("MPCTerminationCauseCode") != "3000" || f.Get("MPCDuration") == "" || f.Get("MPCBilledDuration") == "" {
				t.Errorf("MPCEnd: %v", f)
			}
		})
	})
	t.Run("sparse", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			b := newBench(t, &plivotest.Options{Switches: plivotest.Switches{Sparse: true, NoSequenceNumber: true, CapitalRoles: true, PreciseTimestamps: true}})
			scenario(b, groups)
			for _, r := range b.app.all("/events") {
				name := r.form.Get("EventName")
				for k, v := range r.form {
					if v[0] == "" {
						t.Errorf("%s has an empty %s", name, k)
					}
				}
				for _, k := range []string{"ParticipantCallUUID", "SequenceNumber", "MemberAddress"} {
					if _, ok := r.form[k]; ok {
						t.Errorf("%s has %s", name, k)
					}
				}
				if strings.HasPrefix(name, "MPC") && r.form.Get("MemberID") != "" || strings.HasPrefix(name, "Participant") && r.form.Get("MemberID") == "" {
					t.Errorf("%s: MemberID %q", name, r.form.Get("MemberID"))
				}
				if role := r.form.Get("ParticipantRole"); role != "" && role[0] >= 'a' {
					t.Errorf("%s: role %q, want a capital", name, role)
				}
				if ts := r.form.Get("EventTimestamp"); !strings.Contains(ts, ".") {
					t.Errorf("timestamp %q, want microseconds", ts)
				}
			}
		})
	})
}

func TestEventOrderSwitches(t *testing.T) {
	for _, c := range []struct {
		sw   plivotest.Switches
		want string
	}{
		{plivotest.Switches{}, "MPCInitialized MPCStart ParticipantJoin ParticipantExit MPCEnd"},
		{plivotest.Switches{NoMPCInitialized: true}, "MPCStart ParticipantJoin ParticipantExit MPCEnd"},
		{plivotest.Switches{JoinBeforeStart: true}, "MPCInitialized ParticipantJoin MPCStart ParticipantExit MPCEnd"},
		{plivotest.Switches{EndBeforeExits: true}, "MPCInitialized MPCStart ParticipantJoin MPCEnd ParticipantExit"},
	} {
		synctest.Test(t, func(t *testing.T) {
			b := newBench(t, &plivotest.Options{Switches: c.sw})
			b.app.answer = mpcXML(`role="Customer"`)
			b.call()
			endRoom(b, nil)
			b.settle()
			if got := strings.Join(b.app.events(), " "); got != c.want {
				t.Errorf("%+v: %s, want %s", c.sw, got, c.want)
			}
		})
	}
}

func TestSequencePerURL(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, &plivotest.Options{Switches: plivotest.Switches{SequencePerURL: true}})
		b.app.answer = mpcXML(`role="Customer" record="true" recordingCallbackUrl="` + appURL + `/recording" recordingCallbackMethod="POST"`)
		b.call()
		if f := b.app.all("/recording")[0].form; f.Get("SequenceNumber") != "1" || f.Get("EventName") != "MPCRecordingInitiated" {
			t.Errorf("first recording callback %v", f)
		}
	})
}

func TestRecordingCallbacks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, nil)
		b.call()
		agent := b.member("Agent", agentSIP, nil)
		for _, path := range []string{"", "Participant/" + agent.MemberID() + "/"} {
			for _, step := range []struct{ method, path string }{{"POST", "Record/"}, {"POST", "Record/Pause/"}, {"POST", "Record/Resume/"}, {"DELETE", "Record/"}} {
				var body map[string]any
				if step.path == "Record/" && step.method == "POST" {
					body = map[string]any{"recording_callback_url": appURL + "/recording", "file_format": "wav"}
				}
				if status, out := b.rest(step.method, "MultiPartyCall/name_room/"+path+step.path, body); status/100 != 2 {
					t.Fatalf("%s %s = %d %v", step.method, step.path, status, out)
				}
				b.settle()
				time.Sleep(time.Second)
			}
		}
		var got []string
		for _, r := range b.app.all("/recording") {
			got = append(got, r.form.Get("EventName"))
			if r.form.Get("RecordingUUID") == "" || r.form.Get("RecordingFormat") != "wav" {
				t.Errorf("form %v", r.form)
			}
		}
		want := []string{"MPCRecordingInitiated", "MPCRecordingPaused", "MPCRecordingResumed", "MPCRecordingCompleted",
			"ParticipantRecordingInitiated", "ParticipantRecordingPaused", "ParticipantRecordingResumed", "ParticipantRecordingCompleted"}
		if !slices.Equal(got, want) {
			t.Errorf("events %v, want %v", got, want)
		}
	})
}

func TestRetries(t *testing.T) {
	slow := func(d time.Duration) func(http.ResponseWriter, *http.Request) {
		return func(_ http.ResponseWriter, r *http.Request) {
			select {
			case <-time.After(d):
			case <-r.Context().Done():
			}
		}
	}
	status := func(code int) func(http.ResponseWriter, *http.Request) {
		return func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(code) }
	}
	for _, c := range []struct {
		name     string
		fragment string
		h        func(http.ResponseWriter, *http.Request)
		attempts int
	}{
		{"200", "", status(200), 1},
		{"204 is not 200", "", status(204), 2},
		{"302 is not followed", "", status(302), 2},
		{"500", "", status(500), 2},
		{"403", "", status(403), 2},
		{"panic", "", func(http.ResponseWriter, *http.Request) { panic("no") }, 2},
		{"39 s are in time", "", slow(39 * time.Second), 1},
		{"41 s are not; no time for two more", "#rc=3", slow(41 * time.Second), 2},
		{"no retries", "#rc=0", status(500), 1},
		{"three retries", "#rc=3", status(500), 4},
		{"4xx only", "#rc=2&rp=4xx", status(500), 1},
		{"5xx only", "#rc=2&rp=5xx", status(500), 3},
		{"time-outs only", "#rc=2&rp=ct,rt", status(500), 1},
		{"read time-out", "#rc=2&rt=1000&rp=rt", slow(2 * time.Second), 3},
		{"total time", "#rc=5&rt=10000&tt=15000", slow(time.Hour), 2},
		{"out of range", "#rc=9&rt=1&x", status(500), 2},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newBench(t, nil)
				b.app.answer = strings.Replace(mpcXML(customerXML), appURL+"/events", appURL+"/slow/events?a=b"+strings.ReplaceAll(c.fragment, "&", "&amp;"), 1)
				var got []string
				b.Mount(appURL+"/slow", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					r.ParseForm()
					if r.PostForm.Get("EventName") == "MPCInitialized" {
						got = append(got, r.URL.String()+r.PostForm.Encode()+r.Header.Get("X-Plivo-Signature-V3"))
						c.h(w, r)
					}
				}))
				b.call()
				if len(got) != c.attempts {
					t.Errorf("%d attempts, want %d", len(got), c.attempts)
				}
				for _, g := range got {
					if g != got[0] {
						t.Errorf("a retry differs:\n%s\n%s", got[0], g)
					}
					if strings.Contains(g, "#") {
						t.Errorf("the fragment was sent: %s", g)
					}
				}
			})
		})
	}
}

func TestRetryNewNonce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, &plivotest.Options{Switches: plivotest.Switches{RetryNewNonce: true}})
		b.app.status = func(r received) int {
			if r.path == "/events" {
				return 500
			}
			return 200
		}
		b.call()
		nonces := map[string]bool{}
		for _, r := range b.app.all("/events") {
			nonces[r.head.Get("X-Plivo-Signature-V3-Nonce")] = true
		}
		if len(nonces) != 4 {
			t.Errorf("%d nonces for two events and a retry each, want 4", len(nonces))
		}
	})
}

func TestCallbacksAreSigned(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, &plivotest.Options{AuthToken: "top secret"})
		b.app.answer = mpcXML(customerXML + ` waitMusicUrl="` + appURL + `/music?genre=slow"`)
		b.call()
		b.member("Agent", agentSIP, map[string]any{"call_status_callback_url": appURL + "/leg?a=1&b=2"})
		seen := map[string]int{}
		for _, r := range b.app.got {
			seen[r.path]++
			// The message by hand: GET signs the sorted query, POST also the body.
			msg := appURL + r.path
			query := map[string]string{"/music": "genre=slow", "/leg": "a=1&b=2"}[r.path]
			body := url.Values{}
			for k, v := range r.form {
				if q, _ := url.ParseQuery(query); q.Get(k) == "" {
					body[k] = v
				}
			}
			if r.path == "/music" { // GET
				var pairs []string
				for k, v := range r.form {
					pairs = append(pairs, k+"="+v[0])
				}
				slices.Sort(pairs)
				msg += "?" + strings.Join(pairs, "&")
			} else {
				keys := make([]string, 0, len(body))
				for k := range body {
					keys = append(keys, k)
				}
				slices.Sort(keys)
				msg += "?"
				if query != "" {
					msg += query + "."
				}
				for _, k := range keys {
					msg += k + body.Get(k)
				}
			}
			mac := hmac.New(sha256.New, []byte("top secret"))
			mac.Write([]byte(msg + "." + r.head.Get("X-Plivo-Signature-V3-Nonce")))
			want := base64.StdEncoding.EncodeToString(mac.Sum(nil))
			for _, h := range []string{"X-Plivo-Signature-V3", "X-Plivo-Signature-Ma-V3"} {
				if got := r.head.Get(h); got != want {
					t.Errorf("%s: %s = %q, want %q over %q", r.path, h, got, want, msg)
				}
			}
		}
		for _, p := range []string{"/answer", "/events", "/music", "/leg"} {
			if seen[p] == 0 {
				t.Errorf("no request to %s", p)
			}
		}
	})
}

// values makes form values of key, value pairs.
func values(kv ...string) url.Values {
	v := url.Values{}
	for i := 0; i < len(kv); i += 2 {
		v.Add(kv[i], kv[i+1])
	}
	return v
}

func TestSignV3Vectors(t *testing.T) {
	const (
		token = "Y2Q2ZDgxZmY5YWRiOTI5YmQ1Njg0MTAxZWIyOTc4"
		nonce = "31627761595286130198"
		base  = "https://plivobin.non-prod.plivops.com/api/v1/validate_signature03.xml"
		id    = "3e82ae9d-2c78-4d85-b1a4-6eae7dbafb36"
	)
	params := values("Direction", "outbound", "From", "19792014278", "ALegUUID", id, "ALegRequestUUID", id, "CallUUID", id, "RequestUUID", id,
		"CallStatus", "in-progress", "BillRate", "0.002", "ParentAuthID", "MANWVLYTK4ZWU1YTY4QA",
		"To", "sip:PlivoSignature382029104058171078704104@phone-qa.voice.plivodev.com",
		"SIP-H-To", "<sip:PlivoSignature382029104058171078704104@52.9.11.55;transport=udp>;tag=1",
		"SessionStart", "2020-04-08 11:34:33.238707", "Event", "StartApp")
	for i, c := range []struct {
		token, method, url string
		form               url.Values
		nonce, want        string
	}{
		// from the tests of several SDKs
		{token, "POST", base + "/?a=b&c=d", params, nonce, "k7Pusd4OxCIjR5IfA9iedDNu/h/gbdYqdzG/MiYtd1c="},
		{token, "GET", base + "/?a=b&c=d&" + params.Encode(), nil, nonce, "UBq8jAtd32wR8EK9VgxbBn4n5rpI/l1H9iN4WfSEHFQ="},
		{token, "POST", base, params, nonce, "iAjE5QqI37mbkYe4w3jTMudqEzbDufdqi7sYwTu64e0="},
		{token, "GET", base + "?" + params.Encode(), params, nonce, "i/MQsaQSAd6fiKhOh2qeeeLHZ9faldADSb3/7+Akfbc="},
		// from a third party's tests
		{"plivo_test_auth_token", "POST", "https://example.com/abcd?foo=bar", values("CallUUID", "4vbcpem8-0u46-x1ha-9af1-438vc92bf374", "Digits", "1234", "From", "+15551111111", "To", "+15555555555"),
			"kjsdhfsd87sd7yisud2", "Rd0E/xpBKM9WgLTg4CX7mKwJlvGex3GvJivzq1ESO6c="},
		// computed with plivo-go and with an independent HMAC
		{"test_auth_token", "POST", "https://a.example/mpc/status/", nil, "12345", "BAQyJ0vvbwnjAhj/SwevzjuZ6xSLX2dtaRDdOu/O/dE="},
		{"test_auth_token", "POST", "https://a.example/mpc/status/#rc=3", values("EventName", "ParticipantJoin", "MPCName", "support 42", "MemberID", "", "ParticipantCoachMode", "true"),
			"12345", "s2NDLvludUdiu8cZeNHS93cBNCZaTLxUbX5K3RBMKzE="},
		{"test_auth_token", "POST", "https://a.example/mpc/status/?tenant=7&a=b", values("EventName", "MPCEnd", "MPCName", "x"), "12345", "UeUm4q39O4yE/lBmA3JCMr1bek5VV1ET6s/BWH/MI4A="},
		{"test_auth_token", "POST", "https://a.example/mpc/status/?tenant=7&a=b", nil, "12345", "Q5vTdnNcABj+FlukdDg3zjaSIl2150Vgc+jPb2hgMwE="},
		{"test_auth_token", "GET", "https://a.example/mpc/status/?EventName=MPCEnd&From=%2B15551110000&n=a+b&e=", nil, "12345", "BBMBLl93Hmtu9haCztZnzIrJ1G9I/wuyyVPUd1rKw8E="},
		{"test_auth_token", "GET", "https://a.example/answer", nil, "12345", "gIZZQ3Xaz2mwFEc/imL9SUXEb2MKowrWlbMXc9JAlyA="},
		{"test_auth_token", "POST", "https://a.example:8443/answer", values("CallUUID", "abc"), "12345", "ymrWT2q0bxoIpCXG0K0bpng/pe0l3F5yc9HBrb8Yg9I="},
		{"test_auth_token", "GET", "https://a.example/x/?k=2&k=1", nil, "12345", "m9z4A0lu98c7crA/ryJ8Trg18CguslGNEMCd6usw/Rw="},
	} {
		if got := plivotest.SignV3(c.token, c.method, c.url, c.form, c.nonce); got != c.want {
			t.Errorf("%d: SignV3(%s %s) = %s, want %s", i, c.method, c.url, got, c.want)
		}
	}
	if got := plivotest.SignV2("my_auth_token", "https://answer.url", "12345"); got != "ehV3IKhLysWBxC1sy8INm0qGoQYdYsHwuoKjsX7FsXc=" {
		t.Errorf("SignV2 = %s", got)
	}
	if got := plivotest.SignV2("test_auth_token", "https://a.example:8443/answer?x=1", "12345"); got != "pz+1nVmi9icifza/8+ZnREhhV0btRMvHrldjkasD0D0=" {
		t.Errorf("SignV2 with a port = %s", got)
	}
	if got := plivotest.SignV3("t", "GET", "http://[", nil, "1"); got != "" {
		t.Errorf("SignV3 of no URL = %q, want none", got)
	}
}

func TestCallbackFaults(t *testing.T) {
	names := func(f *plivotest.CallbackFault, event string) ([]string, plivotest.CallbackStats) {
		var got []string
		var stats plivotest.CallbackStats
		synctest.Test(t, func(t *testing.T) {
			b := newBench(t, nil)
			b.CallbackFunc(func(c plivotest.Callback) *plivotest.CallbackFault {
				if c.Event == event {
					return f
				}
				return nil
			})
			b.app.answer = mpcXML(`role="Customer"`)
			b.call()
			got, stats = b.app.events(), b.CallbackStats()
		})
		return got, stats
	}
	for _, c := range []struct {
		name  string
		fault *plivotest.CallbackFault
		want  string
		check func(plivotest.CallbackStats) bool
	}{
		{"none", nil, "MPCInitialized MPCStart ParticipantJoin", func(s plivotest.CallbackStats) bool { return s.Sent == 4 && s.OK == 4 }},
		{"drop", &plivotest.CallbackFault{Drop: true}, "MPCInitialized ParticipantJoin", func(s plivotest.CallbackStats) bool { return s.Dropped == 2 && s.GivenUp == 1 }},
		{"double", &plivotest.CallbackFault{Double: true, DoubleDelay: time.Second}, "MPCInitialized MPCStart ParticipantJoin MPCStart", func(s plivotest.CallbackStats) bool { return s.Doubled == 1 && s.Sent == 5 }},
		{"delay", &plivotest.CallbackFault{Delay: time.Minute}, "MPCInitialized ParticipantJoin MPCStart", func(s plivotest.CallbackStats) bool { return s.OK == 4 }},
	} {
		got, stats := names(c.fault, "MPCStart")
		if strings.Join(got, " ") != c.want || !c.check(stats) {
			t.Errorf("%s: %v %+v, want %s", c.name, got, stats, c.want)
		}
	}
}

func TestStatusCallbackMethod(t *testing.T) {
	for _, get := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			b := newBench(t, &plivotest.Options{Switches: plivotest.Switches{StatusCallbackGET: get}})
			methods := map[string]bool{}
			b.Mount(appURL+"/here", http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { methods[r.Method] = true }))
			b.Phone(agentSIP, nil)
			b.add(map[string]any{"role": "Agent", "to": agentSIP, "status_callback_url": appURL + "/here/x"})
			if !methods[map[bool]string{false: "POST", true: "GET"}[get]] || len(methods) != 1 {
				t.Errorf("StatusCallbackGET %t: methods %v", get, methods)
			}
		})
	}
}

func TestNoLegCallbacks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, &plivotest.Options{Switches: plivotest.Switches{NoLegCallbacks: true}})
		b.call()
		b.member("Agent", agentSIP, map[string]any{"call_status_callback_url": appURL + "/leg"})
		if n := len(b.app.all("/leg")); n != 0 {
			t.Errorf("%d leg callbacks, want none", n)
		}
	})
}

func TestMountsMatchByPath(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, &plivotest.Options{HTTPClient: &http.Client{Transport: refuser{}}})
		var paths []string
		b.Mount("https://other.example/a/", http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { paths = append(paths, r.Host+r.URL.Path) }))
		for _, to := range []string{"https://other.example/a", "https://other.example/a/b", "https://other.example/ab", "http://other.example/a", "https://other.example:444/a"} {
			b.Number(hotline, to)
			b.call()
		}
		if want := []string{"other.example/a", "other.example/a/b"}; !slices.Equal(paths, want) {
			t.Errorf("delivered %v, want %v", paths, want)
		}
	})
}

// refuser is a network that is down.
type refuser struct{}

func (refuser) RoundTrip(*http.Request) (*http.Response, error) { return nil, http.ErrServerClosed }
