package coaching

import (
	"bytes"
	"errors"
	"mime"
	"net/http"
	"net/url"
	"strings"
)

// Reading a callback's parameters: before the signature is checked, and so in
// time and memory that anybody may cost us.

// maxBody is how much of a callback is read.
const maxBody = 64 << 10

const formType = "application/x-www-form-urlencoded"

// readForm reads the body of a POST, and returns it raw too. Its status is 413
// for a body that is too long, 415 for one that is no form, and 400 for one
// that ends early or is malformed.
func readForm(w http.ResponseWriter, r *http.Request) (form url.Values, raw string, status int, err error) {
	var b bytes.Buffer
	if n := r.ContentLength; n > 0 && n <= maxBody {
		b.Grow(int(n) + bytes.MinRead)
	}
	if _, err := b.ReadFrom(http.MaxBytesReader(w, r.Body, maxBody)); err != nil {
		if big := (*http.MaxBytesError)(nil); errors.As(err, &big) {
			return nil, "", http.StatusRequestEntityTooLarge, err
		}
		return nil, "", http.StatusBadRequest, err
	}
	raw = b.String()
	if ct := r.Header.Get("Content-Type"); raw != "" && ct != formType {
		if kind, _, err := mime.ParseMediaType(ct); err != nil || kind != formType {
			return nil, "", http.StatusUnsupportedMediaType, errors.New("not a form")
		}
	}
	if form, err = parseForm(raw); err != nil {
		return nil, "", http.StatusBadRequest, errors.New("malformed form")
	}
	return form, raw, 0, nil
}

// parseForm is [url.ParseQuery] with an empty result where that has an error,
// in a third of its time: the map has its size from the start, and all the
// values share one slice.
func parseForm(raw string) (url.Values, error) {
	n := strings.Count(raw, "&") + 1
	if n > 64 { // no callback of Plivo's: grow as they come
		n = 0
	}
	form := make(url.Values, n)
	values := make([]string, 0, n)
	for raw != "" {
		var pair string
		if pair, raw, _ = strings.Cut(raw, "&"); pair == "" {
			continue
		}
		if strings.Contains(pair, ";") {
			return nil, errors.New("semicolon")
		}
		key, value, _ := strings.Cut(pair, "=")
		key, err := url.QueryUnescape(key)
		if err != nil {
			return nil, err
		}
		if value, err = url.QueryUnescape(value); err != nil {
			return nil, err
		}
		if old, ok := form[key]; ok {
			form[key] = append(old, value) // old has no room: this copies
			continue
		}
		values = append(values, value)
		form[key] = values[len(values)-1 : len(values) : len(values)]
	}
	return form, nil
}
