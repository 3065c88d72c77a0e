package coaching_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/mpc-coaching/coaching"
)

// A signed is a request as a handler sees it.
type signed struct {
	method, url string
	form        url.Values
	nonce, sig  string
	token       string
}

func (s signed) verify() error {
	return coaching.VerifySignature(s.method, s.url, s.form, s.nonce, s.sig, s.token)
}

// plainMessage is the message of version 3, written for clarity and apart from
// the package: the second opinion. ok is false where nothing can be signed.
func plainMessage(method, rawURL string, form url.Values, nonce string) (msg string, ok bool) {
	method = strings.ToUpper(method)
	if method != "GET" && method != "POST" || method == "GET" && len(form) > 0 {
		return "", false
	}
	if nonce == "" || len(nonce) > 256 || strings.Contains(nonce, ".") {
		return "", false
	}
	for _, c := range []byte(nonce) {
		if c <= ' ' || c > '~' {
			return "", false
		}
	}
	rawURL, _, _ = strings.Cut(rawURL, "#")
	if strings.ContainsFunc(rawURL, func(r rune) bool { return r <= ' ' || r == 0x7f }) {
		return "", false
	}
	base, rawQuery, _ := strings.Cut(rawURL, "?")
	if i := strings.Index(base, "://"); i <= 0 || len(base) == i+3 || base[i+3] == '/' {
		return "", false
	}
	query, err := url.ParseQuery(rawQuery)
	if err != nil {
		return "", false
	}
	var q, p []string
	for _, k := range slices.Sorted(maps.Keys(query)) {
		for _, v := range slices.Sorted(slices.Values(query[k])) {
			q = append(q, k+"="+v)
		}
	}
	for _, k := range slices.Sorted(maps.Keys(form)) {
		for _, v := range slices.Sorted(slices.Values(form[k])) {
			p = append(p, k+v)
		}
	}
	msg = base
	if len(q) > 0 {
		msg += "?" + strings.Join(q, "&")
	}
	if len(p) > 0 {
		if len(q) > 0 {
			msg += "."
		} else {
			msg += "?"
		}
		msg += strings.Join(p, "")
	}
	return msg + "." + nonce, true
}

func mac(token, msg string) string {
	h := hmac.New(sha256.New, []byte(token))
	h.Write([]byte(msg))
	return base64.StdEncoding.EncodeToString(h.Sum(nil))
}

const (
	sdkToken = "Y2Q2ZDgxZmY5YWRiOTI5YmQ1Njg0MTAxZWIyOTc4"
	sdkNonce = "31627761595286130198"
	sdkBase  = "https://plivobin.non-prod.plivops.com/api/v1/validate_signature03.xml"
)

func sdkParams() url.Values {
	form := url.Values{}
	for _, k := range []string{"ALegUUID", "ALegRequestUUID", "CallUUID", "RequestUUID"} {
		form.Set(k, "3e82ae9d-2c78-4d85-b1a4-6eae7dbafb36")
	}
	for k, v := range map[string]string{
		"Direction": "outbound", "From": "19792014278", "CallStatus": "in-progress", "BillRate": "0.002",
		"ParentAuthID": "MANWVLYTK4ZWU1YTY4QA", "SessionStart": "2020-04-08 11:34:33.238707", "Event": "StartApp",
		"To":       "sip:PlivoSignature382029104058171078704104@phone-qa.voice.plivodev.com",
		"SIP-H-To": "<sip:PlivoSignature382029104058171078704104@52.9.11.55;transport=udp>;tag=1",
	} {
		form.Set(k, v)
	}
	return form
}

// vectors returns requests with known signatures. The first five come from the
// tests of Plivo's SDKs and a third party, the others were computed with
// plivo-go and an independent HMAC.
func vectors() map[string]signed {
	one := func(method, u, form, sig string) signed {
		v, err := url.ParseQuery(form)
		if err != nil {
			panic(err)
		}
		if len(v) == 0 {
			v = nil
		}
		return signed{method, u, v, "12345", sig, "test_auth_token"}
	}
	third := one("POST", "https://example.com/abcd?foo=bar",
		"CallUUID=4vbcpem8-0u46-x1ha-9af1-438vc92bf374&Digits=1234&From=%2B15551111111&To=%2B15555555555",
		"Rd0E/xpBKM9WgLTg4CX7mKwJlvGex3GvJivzq1ESO6c=")
	third.nonce, third.token = "kjsdhfsd87sd7yisud2", "plivo_test_auth_token"
	return map[string]signed{
		"SDK 1, POST with query": {"POST", sdkBase + "/?a=b&c=d", sdkParams(), sdkNonce, "k7Pusd4OxCIjR5IfA9iedDNu/h/gbdYqdzG/MiYtd1c=", sdkToken},
		"SDK 2, GET with query":  {"GET", sdkBase + "/?a=b&c=d&" + sdkParams().Encode(), nil, sdkNonce, "UBq8jAtd32wR8EK9VgxbBn4n5rpI/l1H9iN4WfSEHFQ=", sdkToken},
		"SDK 3, POST":            {"POST", sdkBase, sdkParams(), sdkNonce, "iAjE5QqI37mbkYe4w3jTMudqEzbDufdqi7sYwTu64e0=", sdkToken},
		"SDK 4, GET":             {"GET", sdkBase + "?" + sdkParams().Encode(), nil, sdkNonce, "i/MQsaQSAd6fiKhOh2qeeeLHZ9faldADSb3/7+Akfbc=", sdkToken},
		"third party":            third,
		"POST, nothing":          one("POST", "https://a.example/mpc/status/", "", "BAQyJ0vvbwnjAhj/SwevzjuZ6xSLX2dtaRDdOu/O/dE="),
		"POST, params": one("POST", "https://a.example/mpc/status/",
			"EventName=ParticipantJoin&MPCName=support+42&MemberID=&ParticipantCoachMode=true",
			"s2NDLvludUdiu8cZeNHS93cBNCZaTLxUbX5K3RBMKzE="),
		"POST, query and params": one("POST", "https://a.example/mpc/status/?tenant=7&a=b", "EventName=MPCEnd&MPCName=x",
			"UeUm4q39O4yE/lBmA3JCMr1bek5VV1ET6s/BWH/MI4A="),
		"POST, query": one("POST", "https://a.example/mpc/status/?tenant=7&a=b", "",
			"Q5vTdnNcABj+FlukdDg3zjaSIl2150Vgc+jPb2hgMwE="),
		"GET, query": one("GET", "https://a.example/mpc/status/?EventName=MPCEnd&From=%2B15551110000&n=a+b&e=", "",
			"BBMBLl93Hmtu9haCztZnzIrJ1G9I/wuyyVPUd1rKw8E="),
		"GET, nothing": one("GET", "https://a.example/answer", "", "gIZZQ3Xaz2mwFEc/imL9SUXEb2MKowrWlbMXc9JAlyA="),
		"POST, port":   one("POST", "https://a.example:8443/answer", "CallUUID=abc", "ymrWT2q0bxoIpCXG0K0bpng/pe0l3F5yc9HBrb8Yg9I="),
		"GET, repeated key": one("GET", "https://a.example/x/?k=2&k=1", "",
			"m9z4A0lu98c7crA/ryJ8Trg18CguslGNEMCd6usw/Rw="),
	}
}

func TestVerifySignatureVectors(t *testing.T) {
	for name, s := range vectors() {
		t.Run(name, func(t *testing.T) {
			if err := s.verify(); err != nil {
				t.Errorf("VerifySignature(%s %s) = %v, want nil", s.method, s.url, err)
			}
			base, query, _ := strings.Cut(s.url, "?")
			v, err := coaching.NewVerifier("another", s.token)
			if err != nil {
				t.Fatalf("newVerifier = %v", err)
			}
			if err := v.Verify(s.method, base, query, s.form, s.nonce, "", s.sig); err != nil {
				t.Errorf("verify(%s %s) = %v, want nil", s.method, s.url, err)
			}
			if got := coaching.SignV3(s.method, s.url, s.form, s.nonce, s.token); got != s.sig {
				t.Errorf("signV3(%s %s) = %s, want %s", s.method, s.url, got, s.sig)
			}
			refused(t, "in the other header's stead", v.Verify(s.method, base, query, s.form, s.nonce, "", mac("x", "y")))
			s.method = strings.ToLower(s.method)
			if err := s.verify(); err != nil {
				t.Errorf("VerifySignature(%s %s) = %v, want nil", s.method, s.url, err)
			}
		})
	}
}

func refused(t *testing.T, what string, err error) {
	t.Helper()
	if !errors.Is(err, coaching.ErrSignature) {
		t.Errorf("VerifySignature(%s) = %v, want ErrSignature", what, err)
	}
}

func TestVerifySignatureRefusesOlderVersions(t *testing.T) {
	for name, s := range map[string]signed{
		"V2 of the SDKs":    {"GET", "https://answer.url", nil, "12345", "ehV3IKhLysWBxC1sy8INm0qGoQYdYsHwuoKjsX7FsXc=", "my_auth_token"},
		"V2, wrong token":   {"GET", "https://answer.url", nil, "12345", "ehV3IKhLysWBxC1sy8INm0qGoQYdYsHwuoKjsX7FsXc=", "my_auth_tokens"},
		"V2 with a port":    {"GET", "https://a.example:8443/answer?x=1", nil, "12345", "pz+1nVmi9icifza/8+ZnREhhV0btRMvHrldjkasD0D0=", "test_auth_token"},
		"V1 of plivo-go":    {"POST", "http://foo.com/answer/", url.Values{"CallUUID": {"97ceeb52-58b6-11e1-86da-77300b68f8bb"}, "Duration": {"300"}}, "1", "EJEt0ELanhr8hjMPIJnLNLex0dE=", "MAXXXXXXXXXXXXXXXXXX"},
		"V1 of plivo-go, 2": {"POST", "http://foo.com/answer/", url.Values{"a": {"1 2"}}, "1", "n3Xfo4u+vRFyl3gsH8B0qDUIK5g=", "MAXXXXXXXXXXXXXXXXXX"},
	} {
		refused(t, name, s.verify())
	}
}

// Whatever single byte of a request changes, it is refused, unless it still
// says the same (a hex digit of an escape in the other case).
func TestVerifySignatureRefusesOneFlippedByte(t *testing.T) {
	for name, s := range vectors() {
		t.Run(name, func(t *testing.T) {
			want, _ := plainMessage(s.method, s.url, s.form, s.nonce)
			check := func(what string, f signed) {
				if got, ok := plainMessage(f.method, f.url, f.form, f.nonce); ok && got == want && f.sig == s.sig {
					return
				}
				refused(t, what, f.verify())
			}
			flips := func(text string, use func(string)) {
				for i := range text {
					for _, mask := range []byte{0x01, 0x02, 0x04, 0x08, 0x10, 0x20, 0x40, 0x80, 0xff} {
						b := []byte(text)
						b[i] ^= mask
						use(string(b))
					}
				}
			}
			flips(s.nonce, func(x string) { f := s; f.nonce = x; check("nonce "+x, f) })
			flips(s.sig, func(x string) { f := s; f.sig = x; check("signature "+x, f) })
			flips(s.url, func(x string) { f := s; f.url = x; check("URL "+x, f) })
			flips(s.method, func(x string) {
				if f := s; !strings.EqualFold(x, s.method) {
					f.method = x
					check("method "+x, f)
				}
			})
			flips(s.token, func(x string) { f := s; f.token = x; check("token "+x, f) })
			for k, vs := range s.form {
				with := func(key, value string) signed {
					f := s
					f.form = maps.Clone(s.form)
					delete(f.form, k)
					f.form[key] = []string{value}
					return f
				}
				flips(k, func(x string) { check("name "+x, with(x, vs[0])) })
				flips(vs[0], func(x string) { check("value "+x, with(k, x)) })
			}
		})
	}
}

func TestVerifySignatureRefusesAdditions(t *testing.T) {
	for name, s := range vectors() {
		t.Run(name, func(t *testing.T) {
			for i := range s.sig {
				f := s
				f.sig = s.sig[:i]
				refused(t, "cut signature", f.verify())
			}
			if s.method == "GET" {
				for _, add := range []url.Values{{}, {"x": {"1"}}, {"From": {""}}} {
					f := s
					f.form = add
					if err := f.verify(); (len(add) == 0) != (err == nil) {
						t.Errorf("VerifySignature(GET with form %v) = %v", add, err)
					}
				}
			}
			for k, vs := range s.form {
				for _, dup := range []string{vs[0], "Supervisor", "", "."} {
					f := s
					f.form = maps.Clone(s.form)
					f.form[k] = []string{vs[0], dup}
					if dup == "" {
						// An empty duplicate adds the field's name to the message.
						f.form[k] = []string{"", vs[0]}
					}
					refused(t, "duplicate "+k, f.verify())
				}
				for _, dots := range []string{".", "..", "....."} {
					f := s
					f.form = maps.Clone(s.form)
					f.form[k] = []string{vs[0] + dots}
					refused(t, "dots on "+k, f.verify())
					f.form[k] = vs
					f.nonce += dots
					refused(t, "dots on the nonce", f.verify())
				}
				f := s
				f.form = maps.Clone(s.form)
				delete(f.form, k)
				refused(t, "missing "+k, f.verify())
			}
			for _, tail := range []string{"x", "/", "?x", "&x=1", "&a=b", "=", "%", "%zz", ";", ".", "%2E"} {
				f := s
				f.url += tail
				refused(t, "URL + "+tail, f.verify())
			}
			for _, u := range []string{"", "x", "://", "https://", "/", "https:///x", "%", "?", "#", "\x00", ":", s.url[8:],
				strings.Replace(s.url, "https://", "https://evil.", 1), strings.Replace(s.url, "https://", "http://", 1),
				strings.Replace(s.url, ".com", ".com:443", 1) + "?", strings.Replace(s.url, ":8443", "", 1) + "&"} {
				f := s
				if f.url = u; strings.TrimRight(u, "?&") != s.url {
					refused(t, "URL "+u, f.verify())
				}
			}
		})
	}
}

func TestVerifySignatureFailsClosed(t *testing.T) {
	s := vectors()["POST, params"]
	try := func(nonce, sig string, tokens ...string) error {
		return coaching.VerifySignature(s.method, s.url, s.form, nonce, sig, tokens...)
	}
	msg, _ := plainMessage(s.method, s.url, s.form, s.nonce)
	other := mac("other", msg)
	empty := mac("", msg)
	for name, err := range map[string]error{
		"no token":                      try(s.nonce, s.sig),
		"nil tokens":                    try(s.nonce, s.sig, []string(nil)...),
		"empty token":                   try(s.nonce, empty, ""),
		"empty token beside a good one": try(s.nonce, s.sig, s.token, ""),
		"no nonce":                      try("", s.sig, s.token),
		"signed without a nonce":        try("", mac(s.token, strings.TrimSuffix(msg, s.nonce)), s.token),
		"blank nonce":                   try(" ", mac(s.token, strings.TrimSuffix(msg, s.nonce)+" "), s.token),
		"nonce with a dot":              try("1.2", mac(s.token, strings.TrimSuffix(msg, s.nonce)+"1.2"), s.token),
		"long nonce":                    try(strings.Repeat("1", 257), mac(s.token, strings.TrimSuffix(msg, s.nonce)+strings.Repeat("1", 257)), s.token),
		"no signature":                  try(s.nonce, "", s.token),
		"blank signatures":              try(s.nonce, " , ,\t,", s.token),
		"signature of another":          try(s.nonce, other, s.token),
		"quoted":                        try(s.nonce, `"`+s.sig+`"`, s.token),
		"two run together":              try(s.nonce, s.sig+s.sig, s.token),
		"separated by a semicolon":      try(s.nonce, other+";"+s.sig, s.token),
		"newline inside":                try(s.nonce, s.sig[:10]+"\n"+s.sig[10:], s.token),
		"newline for the last byte":     try(s.nonce, s.sig[:43]+"\n", s.token),
		"unpadded":                      try(s.nonce, strings.TrimRight(s.sig, "="), s.token),
		"URL alphabet":                  try(s.nonce, strings.ReplaceAll(s.sig, "/", "_"), s.token+"x"),
		"zero verifier":                 new(coaching.Verifier).Verify("GET", "https://a.example/", "", nil, "1", empty),
		"PUT":                           coaching.VerifySignature("PUT", s.url, s.form, s.nonce, s.sig, s.token),
		"no method":                     coaching.VerifySignature("", s.url, s.form, s.nonce, s.sig, s.token),
	} {
		refused(t, name, err)
		if err != nil && (strings.Contains(err.Error(), s.token) || strings.Contains(err.Error(), s.sig)) {
			t.Errorf("%s: %q tells a secret", name, err)
		}
	}
	for name, err := range map[string]error{
		"second of two":    try(s.nonce, other+","+s.sig, s.token),
		"first of two":     try(s.nonce, s.sig+","+other, s.token),
		"blanks and tabs":  try(s.nonce, " "+other+" ,\t"+s.sig+"\t, ", s.token),
		"rubbish beside":   try(s.nonce, "%%%,"+s.sig, s.token),
		"second token":     try(s.nonce, s.sig, "other", s.token),
		"many tokens":      try(s.nonce, s.sig, "1", "2", "3", "4", "5", "6", "7", s.token, "9"),
		"both":             try(s.nonce, other+","+s.sig, "other", s.token),
		"long token":       try(s.nonce, mac(strings.Repeat("k", 65), msg), strings.Repeat("k", 65)),
		"token of a block": try(s.nonce, mac(strings.Repeat("k", 64), msg), strings.Repeat("k", 64)),
	} {
		if err != nil {
			t.Errorf("VerifySignature(%s) = %v, want nil", name, err)
		}
	}
	for _, tokens := range [][]string{nil, {""}, {"a", ""}} {
		if v, err := coaching.NewVerifier(tokens...); v != nil || !errors.Is(err, coaching.ErrSignature) {
			t.Errorf("newVerifier(%q) = %v, %v, want ErrSignature", tokens, v, err)
		}
	}
}

// Spellings of one request which all verify, each signed by hand.
func TestVerifySignatureReadings(t *testing.T) {
	const nonce, token = "12345", "test_auth_token"
	form := url.Values{"k": {"v"}}
	for name, c := range map[string]struct {
		method, url string
		form        url.Values
		msg         string
		ok          bool
	}{
		"fragment dropped":               {"GET", "https://a.example/x#ct=2000&rp=all", nil, "https://a.example/x", true},
		"fragment after the query":       {"GET", "https://a.example/x?a=b#rc=3", nil, "https://a.example/x?a=b", true},
		"empty query":                    {"POST", "https://a.example/x?", form, "https://a.example/x?kv", true},
		"no path":                        {"GET", "https://a.example", nil, "https://a.example", true},
		"no path, query":                 {"GET", "https://a.example?a=b", nil, "https://a.example?a=b", true},
		"port":                           {"GET", "http://a.example:80/", nil, "http://a.example:80/", true},
		"port left out":                  {"GET", "http://a.example:80/", nil, "http://a.example/", false},
		"IPv6":                           {"GET", "http://[::1]:80/", nil, "http://[::1]:80/", true},
		"path as it stands":              {"GET", "https://a.example/x%20y/a%2Fb", nil, "https://a.example/x%20y/a%2Fb", true},
		"path decoded":                   {"GET", "https://a.example/x%20y/a%2Fb", nil, "https://a.example/x y/a/b", true},
		"path decoded, form":             {"POST", "https://a.example/x%20y?q=1", form, "https://a.example/x y?q=1.kv", true},
		"plus in a path":                 {"GET", "https://a.example/a+b%20", nil, "https://a.example/a+b ", true},
		"path half decoded":              {"GET", "https://a.example/x%20y/a%2Fb", nil, "https://a.example/x y/a%2Fb", false},
		"path that hides a query":        {"GET", "https://a.example/x%3Fa=b", nil, "https://a.example/x?a=b", false},
		"path that hides a fragment":     {"GET", "https://a.example/x%23a", nil, "https://a.example/x#a", false},
		"bad escape in the path":         {"GET", "https://a.example/x%zz", nil, "https://a.example/x%zz", true},
		"escape in the host":             {"GET", "https://a%2Eexample", nil, "https://a.example", false},
		"trailing slash kept":            {"POST", "https://a.example/x/", form, "https://a.example/x?kv", false},
		"sorted by bytes":                {"POST", "https://a.example/?b=1&B=2&a10=3&a2=4", url.Values{"z": {"1"}, "Z": {"2"}, "z1": {""}}, "https://a.example/?B=2&a10=3&a2=4&b=1.Z2z1z1", true},
		"repeated field, sorted":         {"POST", "https://a.example/", url.Values{"k": {"2", "1"}, "j": {""}}, "https://a.example/?jk1k2", true},
		"repeated field, as it came":     {"POST", "https://a.example/", url.Values{"k": {"2", "1"}}, "https://a.example/?k2k1", false},
		"repeated field, first only":     {"POST", "https://a.example/", url.Values{"k": {"2", "1"}}, "https://a.example/?k2", false},
		"repeated field, last only":      {"POST", "https://a.example/", url.Values{"k": {"2", "1"}}, "https://a.example/?k1", false},
		"repeated query key, first only": {"GET", "https://a.example/?k=2&k=1", nil, "https://a.example/?k=2", false},
		"repeated query key, last only":  {"GET", "https://a.example/?k=2&k=1", nil, "https://a.example/?k=1", false},
		"field without a value":          {"POST", "https://a.example/", url.Values{"k": {}}, "https://a.example/", true},
		"dots kept":                      {"POST", "https://a.example/?q=1", url.Values{"k": {"end..."}}, "https://a.example/?q=1.kend...", true},
		"dots stripped":                  {"POST", "https://a.example/?q=1", url.Values{"k": {"end..."}}, "https://a.example/?q=1.kend", false},
		"ampersand kept":                 {"GET", "https://a.example/?q=1%26", nil, "https://a.example/?q=1&", true},
		"plus and %2B":                   {"GET", "https://a.example/?q=a+b%2Bc%20d", nil, "https://a.example/?q=a b+c d", true},
		"empty segments":                 {"GET", "https://a.example/?&&q=1&", nil, "https://a.example/?q=1", true},
		"equals sign in a value":         {"GET", "https://a.example/?q==1=", nil, "https://a.example/?q==1=", true},
		"no equals sign":                 {"GET", "https://a.example/?q", nil, "https://a.example/?q=", true},
		"no key":                         {"GET", "https://a.example/?=1", nil, "https://a.example/?=1", true},
		"escaped non-ASCII":              {"POST", "https://a.example/?q=%C3%A9", url.Values{"n": {"Zoë 🎧"}}, "https://a.example/?q=é.nZoë 🎧", true},
		"raw non-ASCII":                  {"POST", "https://é.example/ü?q=é", nil, "https://é.example/ü?q=é", true},
		"not UTF-8":                      {"POST", "https://a.example/?q=%FF", url.Values{"n": {"\xfe"}}, "https://a.example/?q=\xff.n\xfe", true},
		"semicolon in the query":         {"GET", "https://a.example/?q=1;r=2", nil, "https://a.example/?q=1;r=2", false},
		"blank in the query":             {"GET", "https://a.example/?q=1 2", nil, "https://a.example/?q=1 2", false},
		"blank in the path":              {"GET", "https://a.example/1 2", nil, "https://a.example/1 2", false},
		"query as params":                {"POST", "https://a.example/?k=v", nil, "https://a.example/?kv", false},
		"SIP header":                     {"POST", "https://a.example/", url.Values{"SIP-H-To": {"<sip:u@h;transport=udp>;tag=1"}, "X-PH-Ticket": {"a%2B"}}, "https://a.example/?SIP-H-To<sip:u@h;transport=udp>;tag=1X-PH-Ticketa%2B", true},
	} {
		err := coaching.VerifySignature(c.method, c.url, c.form, nonce, mac(token, c.msg+"."+nonce), token)
		if (err == nil) != c.ok {
			t.Errorf("%s: VerifySignature(%s %s signed as %q) = %v, want ok %v", name, c.method, c.url, c.msg, err, c.ok)
		}
		if err != nil {
			refused(t, name, err)
		}
	}
}

// Both ways of sorting, few parameters and many.
func TestVerifySignatureManyParameters(t *testing.T) {
	for _, n := range []int{1, 23, 24, 25, 26, 300} {
		form, query := url.Values{}, url.Values{}
		for i := range n {
			form.Add(fmt.Sprint("k", i*7919%n/2), fmt.Sprint(i*31%n))
			query.Add(fmt.Sprint(i*104729%n/3), fmt.Sprint(i*17%n))
		}
		s := signed{"POST", "https://a.example/?" + query.Encode(), form, "1", "", "t"}
		msg, ok := plainMessage(s.method, s.url, s.form, s.nonce)
		if s.sig = mac(s.token, msg); !ok || s.verify() != nil {
			t.Errorf("VerifySignature(%d parameters) = %v, want nil", n, s.verify())
		}
		form.Add("k0", "0")
		refused(t, "one more", s.verify())
	}
}
