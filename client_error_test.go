package coaching_test

import (
	"encoding/base64"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/mpc-coaching/coaching"
)

func TestAPIErrorMessageIsClean(t *testing.T) {
	basic := base64.StdEncoding.EncodeToString([]byte(clientAuthID + ":" + clientToken))
	for _, tt := range []struct{ name, body, want string }{
		{"number", `{"error":"+14155550123 is busy"}`, "[number] is busy"},
		{"spelt number", `{"error":"call +1 (415) 555-0123 now"}`, "call [number] now"},
		{"number in a word", `{"error":"to=x14155550123y"}`, "to=x[number]y"},
		{"short number stays", `{"error":"code 404, 60 seconds, 1000"}`, "code 404, 60 seconds, 1000"},
		{"sip", `{"error":"no sip:lee@phone.plivo.com, no SIPS:a@b"}`, "no [address], no [address]"},
		{"escaped sip", `{"error":"no sip%3Alee%40phone"}`, "no [address]"},
		{"user at host", `{"error":"lee@phone.plivo.com unknown"}`, "[address] unknown"},
		{"uuid stays", `{"error":"call 12345678-1234-1234-1234-123456789012 gone"}`, "call 12345678-1234-1234-1234-123456789012 gone"},
		{"token", `{"error":"bad token ` + clientToken + `"}`, "bad token [redacted]"},
		{"credentials", `{"error":"Basic ` + basic + `"}`, "Basic [redacted]"},
		{"lines", "one\r\n two\u2028\x00three", "one two three"},
		{"not UTF-8", "bad \xff\xfe byte", "bad byte"},
		{"page in JSON", `{"error":"<html>x</html>"}`, ""},
		{"errors", `{"errors":["first","second"]}`, "first"},
		{"message", `{"message":"no"}`, "no"},
		{"nested", `{"error":{"to":["missing"]}}`, `{"to":["missing"]}`},
		{"number for a text", `{"error":17}`, "17"},
		{"nulls", `{"error":null,"api_id":null}`, ""},
		{"list", `["no"]`, `["no"]`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c, _ := newRecordedClient(t, 400, tt.body)
			var answer *coaching.APIError
			if err := c.EndMPC(t.Context(), clientMPC); !errors.As(err, &answer) || answer.Message != tt.want {
				t.Errorf("EndMPC answered %q = %v, want message %q", tt.body, err, tt.want)
			}
		})
	}
}

func TestAPIErrorIsBounded(t *testing.T) {
	for name, body := range map[string]string{
		"text": strings.Repeat("é ", 1<<19), "json": `{"api_id":"` + strings.Repeat("a", 9000) + `","error":"` + strings.Repeat("ü", 9000) + `"}`,
	} {
		c, _ := newRecordedClient(t, 500, body)
		var answer *coaching.APIError
		if err := c.EndMPC(t.Context(), clientMPC); !errors.As(err, &answer) {
			t.Fatalf("%s: %v", name, err)
		}
		if n := len(answer.Message); n < 190 || n > 200 || !utf8.ValidString(answer.Message) || answer.APIID != "" {
			t.Errorf("%s: message of %d bytes, api id %q, want at most 200 and none", name, n, answer.APIID)
		}
	}
}

func TestAPIErrorRetryAfter(t *testing.T) {
	for value, want := range map[string]time.Duration{
		"": 0, "0": 0, "5": 5 * time.Second, " 5 ": 5 * time.Second, "1.5": 1500 * time.Millisecond, "-5": 0,
		"soon": 0, "NaN": 0, "1e300": time.Hour, "Inf": time.Hour, "999999": time.Hour,
		"Thu, 01 Jan 1970 00:00:00 GMT": 0, "Fri, 31 Dec 9999 23:59:59 GMT": time.Hour,
	} {
		rec := &clientRecorder{}
		rec.answer = func(r *http.Request) (*http.Response, error) {
			resp, err := clientAnswer(429, "")(r)
			resp.Header.Set("Retry-After", value)
			return resp, err
		}
		c := coaching.NewClient(clientSDK(t), &http.Client{Transport: rec})
		var answer *coaching.APIError
		if err := c.EndMPC(t.Context(), clientMPC); !errors.As(err, &answer) || answer.RetryAfter != want {
			t.Errorf("Retry-After %q gives %v, want %v", value, err, want)
		}
	}
}
