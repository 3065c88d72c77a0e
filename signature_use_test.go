package coaching_test

import (
	"bytes"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/plivo/plivo-go/v7"

	"github.com/mpc-coaching/coaching"
)

// plivo-go's signer and this check agree wherever plivo-go covers all of a request.
func TestVerifySignatureAgreesWithPlivoGo(t *testing.T) {
	for name, s := range vectors() {
		if name == "GET, repeated key" {
			continue // plivo-go signs the first value alone
		}
		flat := map[string]string{}
		for k := range s.form {
			flat[k] = s.form.Get(k)
		}
		s.sig = plivo.ComputeSignatureV3(s.token, s.url, s.method, s.nonce, flat)
		if err := s.verify(); err != nil {
			t.Errorf("%s: VerifySignature(signed by plivo-go) = %v, want nil", name, err)
		}
	}
}

// A handler's way: the public base, the request's query, both headers.
func TestVerifierInAHandler(t *testing.T) {
	const base, token = "https://voice.example.com/plivo/events", "test_auth_token"
	v, err := coaching.NewVerifier("old", token)
	if err != nil {
		t.Fatal(err)
	}
	h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := r.ParseForm(); err != nil {
			t.Error(err)
		}
		if err := v.Verify(r.Method, base, r.URL.RawQuery, r.PostForm, r.Header.Get("X-Plivo-Signature-V3-Nonce"),
			r.Header.Get("X-Plivo-Signature-V3"), r.Header.Get("X-Plivo-Signature-Ma-V3")); err != nil {
			w.WriteHeader(coaching.HTTPStatus(err))
		}
	})
	form := url.Values{"EventName": {"MPCEnd"}, "MPCName": {"Zoë & co"}}
	for _, method := range []string{"GET", "POST"} {
		for _, header := range []string{"X-Plivo-Signature-V3", "X-Plivo-Signature-Ma-V3"} {
			for _, key := range []string{token, "old", "wrong"} {
				signedURL, body := base+"?call=cc1&x=%C3%A9", form
				if method == "GET" {
					signedURL, body = signedURL+"&"+form.Encode(), nil
				}
				r := httptest.NewRequest(method, "http://10.0.0.1:8080"+strings.TrimPrefix(signedURL, "https://voice.example.com/plivo"),
					strings.NewReader(body.Encode()))
				r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
				r.Header.Set("X-Plivo-Signature-V3-Nonce", "1")
				r.Header.Set(header, "rubbish, "+coaching.SignV3(method, signedURL, body, "1", key))
				w := httptest.NewRecorder()
				h.ServeHTTP(w, r)
				if want := map[bool]int{true: 200, false: 403}[key != "wrong"]; w.Code != want {
					t.Errorf("%s signed with %q in %s: status %d, want %d", method, key, header, w.Code, want)
				}
			}
		}
	}
}

// No memory of one check reaches another that runs beside it.
func TestVerifySignatureConcurrently(t *testing.T) {
	v, err := coaching.NewVerifier("test_auth_token")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan error)
	for i := range 8 {
		go func() {
			var err error
			for n := range 300 {
				form := url.Values{"n": {fmt.Sprint(i, n)}, strings.Repeat("k", n): {strings.Repeat("v", i*n)}}
				sig := coaching.SignV3("POST", "https://a.example/x%20?i=1", form, "1", "test_auth_token")
				err = errors.Join(err, v.Verify("POST", "https://a.example/x%20", "i=1", form, "1", sig))
				form.Set("n", "x")
				if v.Verify("POST", "https://a.example/x%20", "i=1", form, "1", sig) == nil {
					err = errors.Join(err, fmt.Errorf("changed form accepted"))
				}
			}
			done <- err
		}()
	}
	for range 8 {
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
}

func FuzzVerifySignature(f *testing.F) {
	for _, s := range vectors() {
		f.Add(s.method, s.url, s.form.Encode(), s.nonce, s.sig, s.token, uint(7))
	}
	f.Add("POST", "https://a.example/%", "k=2&k=1", "a.b", ",,", "", uint(0))
	f.Add("get", "x://h/%2f?q=%zz&&;", "", "\x00", "====", "t", uint(3))
	f.Fuzz(func(t *testing.T, method, rawURL, body, nonce, sig, token string, at uint) {
		form, err := url.ParseQuery(body)
		if err != nil {
			t.Skip()
		}
		if len(form) == 0 {
			form = nil
		}
		msg, ok := plainMessage(method, rawURL, form, nonce)
		ok = ok && token != ""
		_ = coaching.VerifySignature(method, rawURL, form, nonce, sig, token) // must not panic
		good := mac(token, msg)
		if err := coaching.VerifySignature(method, rawURL, form, nonce, good, token); (err == nil) != ok {
			t.Fatalf("VerifySignature(%q, %q, %q, %q) = %v, want ok %v", method, rawURL, form, nonce, err, ok)
		}
		if !ok {
			return
		}
		text := []byte(rawURL + "\x00" + nonce + "\x00" + good + "\x00" + token)
		text[at%uint(len(text))] ^= byte(1 << (at % 8))
		parts := bytes.Split(text, []byte{0})
		if len(parts) != 4 {
			return
		}
		u, n, s, k := string(parts[0]), string(parts[1]), string(parts[2]), string(parts[3])
		if again, ok := plainMessage(method, u, form, n); ok && again == msg && s == good && k == token {
			return // says the same
		}
		if err := coaching.VerifySignature(method, u, form, n, s, k); !errors.Is(err, coaching.ErrSignature) {
			t.Fatalf("VerifySignature(%q, %q, %q, %q, %q, %q) = %v, want ErrSignature", method, u, form, n, s, k, err)
		}
	})
}

// benchRequest is a status callback with 15 parameters and a query.
func benchRequest() (rawURL string, form url.Values, flat map[string]string) {
	form, _ = url.ParseQuery("EventName=ParticipantJoin&EventTimestamp=2024-05-01+10%3A00%3A02&MPCUUID=c5712c9f-2c78-4d85-b1a4-6eae7dbafb36" +
		"&MPCName=cc1a2b3c4d3e82ae9d2c784d85b1a46eae7dbafb36&MemberID=209&ParticipantRole=agent" +
		"&ParticipantCallUUID=ceeac2c3-2c78-4d85-b1a4-6eae7dbafb36&ParticipantCoachMode=false&ParticipantCallFrom=15551110000" +
		"&ParticipantCallTo=sip%3Aalice%40phone.plivo.com&ParticipantCallDirection=outbound&MemberAddress=sip%3Aalice%40phone.plivo.com" +
		"&SequenceNumber=4&MPCTerminationCause=&DigitInput=")
	flat = map[string]string{}
	for k := range form {
		flat[k] = form.Get(k)
	}
	return "https://voice.example.com/plivo/events?call=cc1a2b3c4d3e82ae9d2c784d85b1a46eae7dbafb36&leg=2", form, flat
}

func BenchmarkVerify(b *testing.B) {
	const nonce, token = "31627761595286130198", sdkToken
	rawURL, form, flat := benchRequest()
	sig := coaching.SignV3("POST", rawURL, form, nonce, token)
	base, query, _ := strings.Cut(rawURL, "?")
	v, err := coaching.NewVerifier(token)
	if err != nil {
		b.Fatal(err)
	}
	b.Run("VerifySignature", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if err := coaching.VerifySignature("POST", rawURL, form, nonce, sig, token); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("verifier", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if err := v.Verify("POST", base, query, form, nonce, sig, ""); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("plivo-go", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if !plivo.ValidateSignatureV3(rawURL, nonce, "POST", sig, token, flat) {
				b.Fatal("refused")
			}
		}
	})
}
