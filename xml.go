package coaching

import (
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
)

// A Document is an answer to Plivo in its XML: what a call does next. It is
// built in full by [NewDocument] and never changes; equal documents compare
// equal with ==. The zero Document is no document, see [Document.IsZero].
// Safe for concurrent use.
type Document struct{ body string }

// documentLimit is what Plivo reads of an answer: 100 KB, taken as the smaller
// of the two readings of that.
const documentLimit = 100_000

const (
	xmlHead = `<?xml version="1.0" encoding="UTF-8"?>` + "\n<Response>"
	xmlTail = "</Response>\n"
)

// An Element is one step of a [Document]: [MultiPartyCall], [Speak], [Play],
// [Wait], [Hangup] or [Redirect], given as a value, not as a pointer. Later
// versions may add more.
type Element interface{ element() }

func (MultiPartyCall) element() {}
func (Speak) element()          {}
func (Play) element()           {}
func (Wait) element()           {}
func (Hangup) element()         {}
func (Redirect) element()       {}

// NewDocument returns the document that carries out elements in order. Without
// elements it hangs up.
//
// Every value comes back unchanged from a parser, whatever characters it holds.
// The error wraps [ErrInvalid] and names every attribute that is missing, out
// of range or not expressible in XML, and a document above 100 KB.
func NewDocument(elements ...Element) (Document, error) {
	w := xmlPool.Get().(*xmlWriter)
	defer w.release()
	w.raw(xmlHead)
	for i, e := range elements {
		w.at = i
		switch e := e.(type) {
		case MultiPartyCall:
			e.write(w)
		case Speak:
			e.write(w)
		case Play:
			e.write(w)
		case Wait:
			e.write(w)
		case Hangup:
			e.write(w)
		case Redirect:
			e.write(w)
		default:
			w.name = fmt.Sprintf("%T", e)
			w.refuse("element", "not one of this package's, as a value")
		}
	}
	w.raw(xmlTail)
	if len(w.buf) > documentLimit {
		w.bad = append(w.bad, fmt.Sprintf("document of %d bytes, above %d", len(w.buf), documentLimit))
	}
	if len(w.bad) > 0 {
		return Document{}, invalid("coaching: NewDocument: %s", strings.Join(w.bad, "; "))
	}
	return Document{string(w.buf)}, nil
}

// IsZero reports whether d is no document. [NewDocument] never returns one
// without an error.
func (d Document) IsZero() bool { return d.body == "" }

// String returns the document's text, "" for the zero Document.
func (d Document) String() string { return d.body }

// Bytes returns a copy of the document's text, nil for the zero Document.
func (d Document) Bytes() []byte {
	if d.IsZero() {
		return nil
	}
	return []byte(d.body)
}

// WriteTo writes the document's text in one Write; nothing for the zero
// Document. Implements [io.WriterTo].
func (d Document) WriteTo(w io.Writer) (int64, error) {
	if d.IsZero() {
		return 0, nil
	}
	n, err := io.WriteString(w, d.body)
	if err == nil && n < len(d.body) {
		err = io.ErrShortWrite
	}
	return int64(n), err
}

// ServeHTTP answers 200 with the document as application/xml to GET, HEAD and
// POST, 405 to other methods, and 500 if d is zero, since Plivo must never take
// an empty body for an answer.
func (d Document) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch r.Method {
	case http.MethodGet, http.MethodHead, http.MethodPost:
	default:
		w.Header().Set("Allow", "GET, HEAD, POST")
		http.Error(w, http.StatusText(http.StatusMethodNotAllowed), http.StatusMethodNotAllowed)
		return
	}
	if d.IsZero() {
		http.Error(w, http.StatusText(http.StatusInternalServerError), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/xml")
	w.Header().Set("Content-Length", strconv.Itoa(len(d.body)))
	w.WriteHeader(http.StatusOK)
	if r.Method != http.MethodHead {
		_, _ = d.WriteTo(w) // the client is gone if this fails
	}
}
