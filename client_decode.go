package coaching

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"
	"time"
)

// A clientObject is a JSON object of the provider. Its methods take what
// stands there for what is meant: the same field comes as a string, a number
// or null depending on the page and the year, and one odd field must not cost
// the others.
type clientObject struct {
	fields map[string]any
	status int // of the answer it is the whole of; else 0
}

// decodeClientObject reads one JSON object and nothing after it.
func decodeClientObject(body []byte) (clientObject, error) {
	dec := json.NewDecoder(bytes.NewReader(body))
	dec.UseNumber()
	var obj clientObject
	if err := dec.Decode(&obj.fields); err != nil {
		return clientObject{}, fmt.Errorf("not a JSON object: %w", err)
	}
	if _, err := dec.Token(); obj.fields == nil || !errors.Is(err, io.EOF) {
		return clientObject{}, errors.New("not one JSON object")
	}
	return obj, nil
}

// text returns the first of keys that holds a string, a number or a bool, or a
// list starting with one; else "".
func (o clientObject) text(keys ...string) string {
	for _, key := range keys {
		if s := clientText(o.fields[key]); s != "" {
			return s
		}
	}
	return ""
}

func clientText(v any) string {
	switch v := v.(type) {
	case string:
		return strings.TrimSpace(v)
	case json.Number:
		return v.String()
	case bool:
		return strconv.FormatBool(v)
	case []any:
		if len(v) > 0 {
			if _, nested := v[0].([]any); !nested {
				return clientText(v[0])
			}
		}
	}
	return ""
}

// texts returns the texts of a list, or the one text that stands for a list.
func (o clientObject) texts(key string) []string {
	list, ok := o.fields[key].([]any)
	if !ok {
		list = []any{o.fields[key]}
	}
	var texts []string
	for _, v := range list {
		if s := clientText(v); s != "" {
			texts = append(texts, s)
		}
	}
	return texts
}

// flag returns nil for null, for an absent key and for what is no bool.
func (o clientObject) flag(key string) *bool {
	switch strings.ToLower(o.text(key)) {
	case "true", "1", "yes", "on":
		return new(true)
	case "false", "0", "no", "off":
		return new(false)
	}
	return nil
}

// number returns false for null, for an absent key and for what is no number
// or none that an int32 has room for.
func (o clientObject) number(keys ...string) (float64, bool) {
	f, err := strconv.ParseFloat(o.text(keys...), 64)
	if err != nil || math.IsNaN(f) || math.Abs(f) > math.MaxInt32 {
		return 0, false
	}
	return f, true
}

// integer returns def where number finds none.
func (o clientObject) integer(def int, keys ...string) int {
	if f, ok := o.number(keys...); ok {
		return int(f)
	}
	return def
}

// seconds returns nil where number finds none.
func (o clientObject) seconds(keys ...string) *time.Duration {
	f, ok := o.number(keys...)
	if !ok {
		return nil
	}
	return new(time.Duration(f * float64(time.Second)))
}

// moment returns the zero time for null and for what is no time. A time
// without an offset is UTC.
func (o clientObject) moment(key string) time.Time {
	s := o.text(key)
	for _, layout := range [...]string{
		"2006-01-02 15:04:05Z07:00", "2006-01-02 15:04:05 Z07:00", "2006-01-02 15:04:05",
		time.RFC3339, "2006-01-02T15:04:05", "2006-01-02 15:04:05Z0700", "2006-01-02 15:04",
	} {
		if t, err := time.Parse(layout, s); err == nil {
			return t.UTC()
		}
	}
	return time.Time{}
}

// object returns the object under key, empty if there is none.
func (o clientObject) object(key string) clientObject {
	fields, _ := o.fields[key].(map[string]any)
	return clientObject{fields: fields}
}

// objects returns the list of objects under key. It is false unless every
// element is an object: an unreadable list must not pass for an empty one.
func (o clientObject) objects(key string) ([]clientObject, bool) {
	list, ok := o.fields[key].([]any)
	if !ok {
		return nil, false
	}
	objs := make([]clientObject, len(list))
	for i, v := range list {
		fields, ok := v.(map[string]any)
		if !ok {
			return nil, false
		}
		objs[i].fields = fields
	}
	return objs, true
}

// missing is the error of an answer without the thing that was asked for.
func (o clientObject) missing(op, what string) error {
	return &clientUnreadableError{op, o.status, fmt.Errorf("it has no %s", what)}
}
