package coaching

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"
	"unicode/utf8"
)

// An xmlWriter writes one document and notes what is wrong with it. By hand
// rather than by encoding/xml, which is an order of magnitude slower and turns
// what XML cannot carry into U+FFFD silently.
type xmlWriter struct {
	buf  []byte
	at   int    // index of the element being written
	name string // its name
	bad  []string
}

var xmlPool = sync.Pool{New: func() any { return new(xmlWriter) }}

// release keeps w's buffer for the next document, unless it grew large.
func (w *xmlWriter) release() {
	*w = xmlWriter{buf: w.buf[:0]}
	if cap(w.buf) <= 2*documentLimit {
		xmlPool.Put(w)
	}
}

func (w *xmlWriter) raw(s string) { w.buf = append(w.buf, s...) }

func (w *xmlWriter) refuse(attr, why string) {
	w.bad = append(w.bad, fmt.Sprintf("element %d %s: %s: %s", w.at, w.name, attr, why))
}

func (w *xmlWriter) open(name string) {
	w.name = name
	w.raw("<")
	w.raw(name)
}

// close ends an element without content.
func (w *xmlWriter) close() { w.raw("/>") }

// content ends the start tag, writes text and the end tag. what names the text
// in errors.
func (w *xmlWriter) content(what, text string) {
	w.raw(">")
	w.escape(what, text, &xmlInText)
	w.raw("</")
	w.raw(w.name)
	w.raw(">")
}

func (w *xmlWriter) attr(name, value string) {
	w.begin(name)
	w.escape(name, value, &xmlInAttr)
	w.raw(`"`)
}

func (w *xmlWriter) begin(attr string) {
	w.buf = append(append(append(w.buf, ' '), attr...), '=', '"')
}

// word writes an attribute whose value needs no escapes.
func (w *xmlWriter) word(attr, value string) {
	w.begin(attr)
	w.buf = append(append(w.buf, value...), '"')
}

// text writes an attribute unless it is empty.
func (w *xmlWriter) text(name, value string) {
	if value != "" {
		w.attr(name, value)
	}
}

func (w *xmlWriter) flag(name string, value *bool) {
	if value != nil {
		w.word(name, strconv.FormatBool(*value))
	}
}

// oneOf writes an attribute unless it is empty, and refuses a value not listed.
func (w *xmlWriter) oneOf(name, value string, listed ...string) {
	if value == "" {
		return
	}
	for _, l := range listed {
		if value == l {
			w.word(name, value)
			return
		}
	}
	w.refuse(name, "not one of "+strings.Join(listed, ", "))
}

// number writes an attribute unless it is 0.
func (w *xmlWriter) number(name string, n, lo, hi int) {
	if n == 0 {
		return
	}
	if n < lo || n > hi {
		w.refuse(name, fmt.Sprintf("%d outside %d to %d", n, lo, hi))
		return
	}
	w.integer(name, n)
}

// units writes a duration as a whole number of units, unless it is 0.
func (w *xmlWriter) units(name string, d, unit, lo, hi time.Duration) {
	if d == 0 {
		return
	}
	if d < lo || d > hi || d%unit != 0 {
		w.refuse(name, fmt.Sprintf("%v, not whole multiples of %v from %v to %v", d, unit, lo, hi))
		return
	}
	w.integer(name, int(d/unit))
}

// loop writes how often to repeat; 0 is for ever.
func (w *xmlWriter) loop(n *int) {
	if n == nil {
		return
	}
	if *n < 0 {
		w.refuse("loop", "negative")
		return
	}
	w.integer("loop", *n)
}

func (w *xmlWriter) integer(name string, n int) {
	w.begin(name)
	w.buf = append(strconv.AppendInt(w.buf, int64(n), 10), '"')
}

// link writes the two attributes of a URL that Plivo requests. The method is
// always written with a URL: Plivo's defaults differ between its own documents.
func (w *xmlWriter) link(urlName, u, methodName, method, def string) {
	if u == "" {
		if method != "" {
			w.refuse(methodName, "without "+urlName)
		}
		return
	}
	if !xmlURL(u, "http") {
		w.refuse(urlName, "not an absolute http or https URL")
	}
	w.attr(urlName, u)
	w.method(methodName, method, def)
}

func (w *xmlWriter) method(name, method, def string) {
	if method == "" {
		method = def
	}
	w.oneOf(name, method, http.MethodGet, http.MethodPost)
}

// sound writes the two attributes of a sound: a word, or a URL with its method.
func (w *xmlWriter) sound(name, s, methodName, method string) {
	switch s {
	case "beep:1", "beep:2", "none":
		w.word(name, s)
		s = ""
	case "":
	default:
		if !xmlURL(s, "http") {
			w.refuse(name, "not beep:1, beep:2, none or an absolute http or https URL")
			return
		}
	}
	w.link(name, s, methodName, method, http.MethodGet)
}

// xmlURL reports whether s is scheme:// or schemes:// with a host, without
// blanks, control bytes and broken escapes.
func xmlURL(s, scheme string) bool {
	rest, ok := strings.CutPrefix(s, scheme)
	if !ok {
		return false
	}
	rest, ok = strings.CutPrefix(strings.TrimPrefix(rest, "s"), "://")
	if !ok || rest == "" || strings.IndexByte("/?#:@", rest[0]) >= 0 {
		return false
	}
	for i := range len(rest) {
		switch c := rest[i]; {
		case c <= ' ' || c == 0x7f:
			return false
		case c == '%' && (len(rest) < i+3 || !isHex(rest[i+1]) || !isHex(rest[i+2])):
			return false
		}
	}
	return true
}

// What becomes of a byte in text or in an attribute.
type xmlClass uint8

const (
	xmlPlain  xmlClass = iota // stands for itself
	xmlEscape                 // is written as a reference
	xmlWide                   // begins a character of several bytes
	xmlNever                  // cannot be written at all
)

var xmlInText, xmlInAttr = xmlClasses()

func xmlClasses() (text, attr [256]xmlClass) {
	for c := range text {
		switch {
		case c >= utf8.RuneSelf:
			text[c] = xmlWide
		case c < ' ' && c != '\t' && c != '\n' && c != '\r':
			text[c] = xmlNever
		}
	}
	for _, c := range "\r&<>" { // a parser turns a bare carriage return into a newline
		text[c] = xmlEscape
	}
	attr = text
	for _, c := range "\t\n\"" { // and bare blanks of an attribute into spaces
		attr[c] = xmlEscape
	}
	return text, attr
}

// escape appends s. what names it in errors.
func (w *xmlWriter) escape(what, s string, classes *[256]xmlClass) {
	done := 0 // s[:done] is written
	for i := 0; i < len(s); i++ {
		switch classes[s[i]] {
		case xmlPlain:
			continue
		case xmlWide:
			r, n := utf8.DecodeRuneInString(s[i:])
			if i += n - 1; r == utf8.RuneError && n == 1 || r == 0xFFFE || r == 0xFFFF {
				w.refuse(what, xmlCannot)
				return
			}
		case xmlEscape:
			w.raw(s[done:i])
			w.raw(xmlReference(s[i]))
			done = i + 1
		case xmlNever:
			w.refuse(what, xmlCannot)
			return
		}
	}
	w.raw(s[done:])
}

const xmlCannot = "holds what XML cannot carry"

func xmlReference(c byte) string {
	switch c {
	case '&':
		return "&amp;"
	case '<':
		return "&lt;"
	case '>':
		return "&gt;"
	case '"':
		return "&quot;"
	case '\t':
		return "&#9;"
	case '\n':
		return "&#10;"
	}
	return "&#13;"
}
