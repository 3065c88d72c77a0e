package coaching

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"time"
	"unicode"
)

const (
	clientMessageLimit  = 200 // bytes of APIError.Message
	clientRetryAfterMax = time.Hour
)

// A clientUnreadableError is a 2xx whose result is lost.
type clientUnreadableError struct {
	op     string
	status int
	err    error
}

func (e *clientUnreadableError) Error() string {
	return fmt.Sprintf("coaching: %s: provider answered %d, so it was done, but its answer is unreadable: %v", e.op, e.status, e.err)
}

func (e *clientUnreadableError) Unwrap() []error { return []error{ErrUnknown, e.err} }

// newAPIError reads what there is to read of an answer outside 2xx. It takes
// any body: JSON, text, HTML, cut short, none.
func newAPIError(op string, req *http.Request, resp *http.Response, body []byte) *APIError {
	e := &APIError{Op: op, Status: resp.StatusCode, RetryAfter: clientHeaderRetryAfter(resp.Header)}
	text := string(body)
	if obj, err := decodeClientObject(body); err == nil {
		if id := obj.text("api_id"); all(id, 1, 64, func(c byte) bool { return isAlnum(c) || c == '-' }) {
			e.APIID = id
		}
		text = clientErrorText(obj)
	}
	e.Message = clientCleanMessage(text, req)
	return e
}

// clientErrorText returns the text under "error" or its rarer names, or the JSON of
// what stands there instead of a text.
func clientErrorText(obj clientObject) string {
	for _, key := range [...]string{"error", "errors", "message"} {
		if s := obj.text(key); s != "" {
			return s
		}
		if v := obj.fields[key]; v != nil {
			b, _ := json.Marshal(v) // came from JSON, so it goes back
			return string(b)
		}
	}
	return ""
}

var (
	clientUUIDText    = `[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}`
	clientAddressText = `(?i:sips?(?::|%3a))[^\s"'<>,;]+|[^\s"'<>,;:@]+@[^\s"'<>,;@]+`
	clientNumberText  = `\+?[0-9](?:[ .()-]{0,2}[0-9]){6,}`
	// An id comes first, so that its digits are not taken for a number's.
	clientPersonal = regexp.MustCompile(clientUUIDText + `|(` + clientAddressText + `)|(` + clientNumberText + `)`)
)

// clientCleanMessage makes one printable line of at most clientMessageLimit bytes
// of a provider's text, without markup, credentials, numbers and addresses.
func clientCleanMessage(s string, req *http.Request) string {
	s = strings.ToValidUTF8(truncate(s, 16<<10), "")
	s = strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return ' '
		}
		return r
	}, s)
	s = strings.Join(strings.Fields(s), " ")
	if strings.HasPrefix(s, "<") { // a proxy's page
		return ""
	}
	if id, token, ok := req.BasicAuth(); ok && token != "" {
		s = strings.ReplaceAll(s, base64.StdEncoding.EncodeToString([]byte(id+":"+token)), "[redacted]")
		s = strings.ReplaceAll(s, token, "[redacted]")
	}
	s = clientPersonal.ReplaceAllStringFunc(s, func(m string) string {
		switch sub := clientPersonal.FindStringSubmatch(m); {
		case sub != nil && sub[1] != "":
			return "[address]"
		case sub != nil && sub[2] != "":
			return "[number]"
		}
		return m
	})
	return truncate(s, clientMessageLimit)
}

// clientHeaderRetryAfter reads the header in both its forms, seconds and a date. The date
// is compared with the answer's own, so that clocks need not agree. More than
// an hour counts as an hour.
func clientHeaderRetryAfter(h http.Header) time.Duration {
	v := strings.TrimSpace(h.Get("Retry-After"))
	if v == "" {
		return 0
	}
	seconds, err := strconv.ParseFloat(v, 64)
	if err != nil {
		at, err := http.ParseTime(v)
		if err != nil {
			return 0
		}
		now, err := http.ParseTime(h.Get("Date"))
		if err != nil {
			now = time.Now()
		}
		seconds = at.Sub(now).Seconds()
	}
	if math.IsNaN(seconds) || seconds <= 0 {
		return 0
	}
	return time.Duration(math.Min(seconds, clientRetryAfterMax.Seconds()) * float64(time.Second))
}
