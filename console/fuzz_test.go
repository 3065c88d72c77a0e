package console_test

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
)

// Whatever is asked, the answer is one that the description has, and never that
// something went wrong here. A body that is taken is an object of the verb.
func FuzzRequest(f *testing.F) {
	id := string(callID(1))
	for _, s := range [][4]string{
		{"GET", "/api/calls", "limit=3&state=active", ""},
		{"GET", "/api/calls", "after=MTIzLmNjMDAwMDAwMDAwMDAwMDAwMDAwMDE", ""},
		{"GET", "/api/calls/" + id + "/may", "supervisor=lee&mode=monitor", ""},
		{"POST", "/api/calls/" + id + "/barge", "", `{"supervisor":"lee","mode":"coach","ring_seconds":20,"no_wait":true}`},
		{"POST", "/api/calls/" + id + "/transfer", "", `{"agents":["bob","ann"]}`},
		{"POST", "/api/calls/" + id + "/end", "", `{"farewell":false}`},
		{"POST", "/api/calls/" + id + "/end", "", `{"farewell":false,"farewell":true}`},
		{"GET", "/assets/../../x", "", ""},
		{"HEAD", "/", "", ""},
	} {
		f.Add(s[0], s[1], s[2], s[3], "key-0001")
	}
	o := newBooks(f)
	o.put(2) // and no call 1: a verb whose body is taken does not find it
	f.Fuzz(func(t *testing.T, method, path, query, body, key string) {
		u := url.URL{Path: path, RawQuery: query}
		if u.EscapedPath() == "/api/stream" || u.EscapedPath() == "api/stream" {
			return // has no end
		}
		r := (&http.Request{
			Method: method, URL: &u, Host: "desk.example.com", RequestURI: u.RequestURI(), Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
			Header: http.Header{"X-Actor": {"supervisor:lee"}, "Content-Type": {"application/json"}, "Idempotency-Key": {key}},
			Body:   io.NopCloser(strings.NewReader(body)),
		}).WithContext(t.Context())
		w := httptest.NewRecorder()
		o.console.ServeHTTP(w, r)
		p := reply{w.Code, w.Result().Header, w.Body.Bytes()}
		everyAnswer(t, r, p)
		if p.status == 500 {
			t.Errorf("%s %s %s = %s", method, u.String(), body, p.body)
		}
		if method == "POST" && p.problem() == "not-found" && pathOf(path) != "" {
			var members map[string]json.RawMessage
			dec := json.NewDecoder(bytes.NewReader([]byte(body)))
			if err := dec.Decode(&members); err != nil || members == nil {
				t.Errorf("%s %s takes the body %q: %v", method, u.String(), body, err)
			}
		}
	})
}
