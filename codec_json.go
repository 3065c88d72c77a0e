package coaching

import (
	"encoding/json"
	"fmt"
	"math"
	"strconv"
	"time"
	"unicode/utf8"
)

// A docWriter appends JSON. The first error stays.
type docWriter struct {
	buf []byte
	err error
}

// key begins a field.
func (w *docWriter) key(k string) {
	w.comma()
	w.buf = append(w.buf, '"')
	w.buf = append(w.buf, k...)
	w.buf = append(w.buf, '"', ':')
}

// comma separates from what stands before, if anything does.
func (w *docWriter) comma() {
	if c := w.buf[len(w.buf)-1]; c != '{' && c != '[' {
		w.buf = append(w.buf, ',')
	}
}

// more writes fields as shape.read kept them.
func (w *docWriter) more(fields string) {
	if fields != "" {
		w.comma()
		w.buf = append(w.buf, fields[1:]...)
	}
}

func (w *docWriter) int(n int64) { w.buf = strconv.AppendInt(w.buf, n, 10) }

func (w *docWriter) uint(n uint64) { w.buf = strconv.AppendUint(w.buf, n, 10) }

func (w *docWriter) text(s string) {
	if !plain(s) {
		w.buf = append(w.buf, quoted(s)...)
		return
	}
	w.buf = append(w.buf, '"')
	w.buf = append(w.buf, s...)
	w.buf = append(w.buf, '"')
}

// plain reports whether s is ASCII that JSON takes as it is.
func plain(s string) bool {
	for i := range len(s) {
		if c := s[i]; c < ' ' || c == '"' || c == '\\' || c >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

func quoted(s string) string {
	b, err := json.Marshal(s)
	if err != nil { // which no string gives
		return `""`
	}
	return string(b)
}

var (
	firstTime = time.Unix(0, math.MinInt64)
	lastTime  = time.Unix(0, math.MaxInt64)
)

// time writes nanoseconds since 1970: a third of what RFC 3339 takes.
func (w *docWriter) time(t time.Time) {
	if t.Before(firstTime) || t.After(lastTime) {
		w.fail(invalid("a time in the year %d", t.Year()))
	}
	w.int(t.UnixNano())
}

func (w *docWriter) fail(err error) {
	if w.err == nil {
		w.err = err
	}
}

// A docReader reads JSON that json.Valid has found good. The first error
// stays, and ends all loops. What it returns shares the text's memory.
type docReader struct {
	text string
	at   int
	err  error
}

func (r *docReader) fail(format string, args ...any) {
	if r.err == nil {
		r.err = fmt.Errorf("at byte %d: %w", r.at, invalid(format, args...))
	}
}

// peek returns the next byte that is no white space, or 0.
func (r *docReader) peek() byte {
	for ; r.at < len(r.text); r.at++ {
		switch c := r.text[r.at]; c {
		case ' ', '\t', '\n', '\r':
		default:
			return c
		}
	}
	return 0
}

// open steps over an opening bracket.
func (r *docReader) open(bracket byte, what string) bool {
	if r.err == nil && r.peek() != bracket {
		r.fail("no %s", what)
	}
	if r.err != nil {
		return false
	}
	r.at++
	return true
}

// object calls each with every key, in order; each must read the value.
func (r *docReader) object(each func(key string)) {
	if !r.open('{', "object") {
		return
	}
	for r.err == nil && r.peek() != '}' {
		key := r.string()
		r.peek()
		r.at++ // the colon
		each(key)
		if r.err == nil && r.peek() == ',' {
			r.at++
		}
	}
	r.at++
}

// array calls each for every element; each must read it.
func (r *docReader) array(each func()) {
	if !r.open('[', "array") {
		return
	}
	for r.err == nil && r.peek() != ']' {
		each()
		if r.err == nil && r.peek() == ',' {
			r.at++
		}
	}
	r.at++
}

// count returns how many elements the array has that comes next.
func (r *docReader) count() int {
	if r.err != nil || r.peek() != '[' {
		return 0
	}
	ahead := *r
	n := 0
	ahead.array(func() { ahead.raw(); n++ })
	return n
}

// raw steps over a value and returns its text.
func (r *docReader) raw() string {
	if r.err != nil {
		return ""
	}
	c := r.peek()
	from := r.at
	switch c {
	case '"':
		r.skipString()
	case '{', '[':
		for depth := 0; r.at < len(r.text); {
			switch r.text[r.at] {
			case '"':
				r.skipString()
				continue
			case '{', '[':
				depth++
			case '}', ']':
				depth--
			}
			r.at++
			if depth == 0 {
				break
			}
		}
	default:
		for r.at < len(r.text) && !ends(r.text[r.at]) {
			r.at++
		}
	}
	return r.text[from:r.at]
}

// ends reports whether c ends a number or a word.
func ends(c byte) bool {
	switch c {
	case ',', '}', ']', ' ', '\t', '\n', '\r':
		return true
	}
	return false
}

func (r *docReader) skipString() {
	for r.at++; r.at < len(r.text); r.at++ {
		switch r.text[r.at] {
		case '\\':
			r.at++
		case '"':
			r.at++
			return
		}
	}
}

func (r *docReader) string() string {
	if r.err == nil && r.peek() != '"' {
		r.fail("no string")
	}
	if r.err != nil {
		return ""
	}
	s := r.raw()
	if in := s[1 : len(s)-1]; plain(in) {
		return in
	}
	var out string
	if err := json.Unmarshal([]byte(s), &out); err != nil {
		r.fail("malformed string")
	}
	return out
}

// number returns a whole number's text.
func (r *docReader) number() string {
	if c := r.peek(); r.err == nil && c != '-' && !isDigit(c) {
		r.fail("no number")
	}
	return r.raw()
}

func (r *docReader) int(lo, hi int64) int64 {
	s := r.number()
	n, err := strconv.ParseInt(s, 10, 64)
	if r.err == nil && (err != nil || n < lo || n > hi) {
		r.fail("number out of range")
	}
	return n
}

func (r *docReader) uint() uint64 {
	s := r.number()
	n, err := strconv.ParseUint(s, 10, 64)
	if r.err == nil && err != nil {
		r.fail("number out of range")
	}
	return n
}

// enum reads a value of a closed set. One above it is a newer version's.
func (r *docReader) enum(top uint8) uint8 {
	n := r.int(0, math.MaxInt64)
	if r.err == nil && n > int64(top) {
		r.err = fmt.Errorf("at byte %d: value %d of a set of %d: %w", r.at, n, top, ErrSchema)
	}
	return uint8(n)
}

func (r *docReader) bool() bool {
	switch s := r.raw(); {
	case r.err != nil:
	case s == "1" || s == "true":
		return true
	case s != "0" && s != "false":
		r.fail("no boolean")
	}
	return false
}

func (r *docReader) time() time.Time {
	n := r.int(math.MinInt64, math.MaxInt64)
	if r.err != nil {
		return time.Time{}
	}
	return time.Unix(0, n).UTC()
}
