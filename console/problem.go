package console

import (
	"encoding/json"
	"errors"
	"net/http"
	"strings"

	"github.com/mpc-coaching/coaching"
)

// A problemKind names a kind of problem, for ever.
type problemKind string

const (
	invalid              problemKind = "invalid"
	unauthenticated      problemKind = "unauthenticated"
	denied               problemKind = "denied"
	crossOrigin          problemKind = "cross-origin"
	notFound             problemKind = "not-found"
	methodNotAllowed     problemKind = "method-not-allowed"
	conflict             problemKind = "conflict"
	notApplied           problemKind = "not-applied"
	callEnded            problemKind = "call-ended"
	tooLarge             problemKind = "too-large"
	unsupportedMediaType problemKind = "unsupported-media-type"
	idempotencyMismatch  problemKind = "idempotency-mismatch"
	provider             problemKind = "provider"
	notRunning           problemKind = "not-running"
	unknown              problemKind = "unknown"
	internal             problemKind = "internal"
)

const problemPrefix = "urn:coaching:problem:"

// problems has the status and the title of each kind, in the order of
// docs/console.md.
var problems = []struct {
	kind   problemKind
	status int
	title  string
}{
	{invalid, http.StatusBadRequest, "The request is malformed"},
	{unauthenticated, http.StatusUnauthorized, "Nobody is logged in"},
	{denied, http.StatusForbidden, "That is not allowed"},
	{crossOrigin, http.StatusForbidden, "The request comes from another origin"},
	{notFound, http.StatusNotFound, "There is no such thing"},
	{methodNotAllowed, http.StatusMethodNotAllowed, "The path does not take this method"},
	{conflict, http.StatusConflict, "The state of the call forbids it now"},
	{notApplied, http.StatusConflict, "Nothing changed"},
	{callEnded, http.StatusGone, "The call is over"},
	{tooLarge, http.StatusRequestEntityTooLarge, "The body is too large"},
	{unsupportedMediaType, http.StatusUnsupportedMediaType, "The body is not JSON"},
	{idempotencyMismatch, http.StatusUnprocessableEntity, "The idempotency key was used for something else"},
	{internal, http.StatusInternalServerError, "Something went wrong here"},
	{provider, http.StatusBadGateway, "The telephone provider refused"},
	{notRunning, http.StatusServiceUnavailable, "This instance cannot do it now"},
	{unknown, http.StatusGatewayTimeout, "Nothing shows whether it took effect"},
}

func (k problemKind) look() (status int, title string) {
	for _, p := range problems {
		if p.kind == k {
			return p.status, p.title
		}
	}
	panic("console: undeclared problem " + string(k))
}

// A failure is an error that may be shown: what is in it goes to the browser.
type failure struct {
	kind        problemKind
	detail      string
	op          string
	supervision *supervisionJSON
}

func problem(kind problemKind, detail string) *failure { return &failure{kind: kind, detail: detail} }

func (f *failure) Error() string { return string(f.kind) + ": " + f.detail }

type problemJSON struct {
	Type        string           `json:"type"`
	Title       string           `json:"title"`
	Status      int              `json:"status"`
	Detail      string           `json:"detail,omitempty"`
	Op          string           `json:"op,omitempty"`
	Supervision *supervisionJSON `json:"supervision,omitempty"`
}

func (f *failure) answer() answer {
	status, title := f.kind.look()
	body, err := json.Marshal(problemJSON{problemPrefix + string(f.kind), title, status, f.detail, f.op, f.supervision})
	if err != nil {
		panic(err) // nothing in it can fail
	}
	return answer{status: status, kind: "application/problem+json", body: body}
}

// refuse answers with an error. What is no failure yet becomes one.
func (c *Console) refuse(w http.ResponseWriter, r *http.Request, err error) {
	var f *failure
	if !errors.As(err, &f) {
		f = c.failed(r, "", err)
	}
	f.answer().write(w)
}

// failed turns an error of the Flow into what may be shown of it. Texts of the
// host's own code stay here: what Authorize, Directory and the Store say.
func (c *Console) failed(r *http.Request, op string, err error) *failure {
	f := problem(kindOf(err), "")
	f.op = op
	switch f.kind {
	case denied:
		f.detail = "the actor may not do this"
	case notFound:
		f.detail = "no such call, participant or supervision"
	case callEnded:
		f.detail = "the call is over"
	case notRunning:
		f.detail = "no instance is at work that can do this"
	case provider:
		f.detail = "the telephone provider answered with an error"
	case internal:
		if r.Context().Err() == nil { // else nobody is there to be answered
			c.cfg.Logger.ErrorContext(r.Context(), "the console cannot answer", "op", op, "err", err)
		}
	default:
		f.detail = said(op, err)
	}
	return f
}

func kindOf(err error) problemKind {
	var api *coaching.APIError
	switch {
	case errors.Is(err, coaching.ErrDenied): // first: what Authorize said may wrap anything
		return denied
	case errors.Is(err, coaching.ErrInvalid):
		return invalid
	case errors.Is(err, coaching.ErrCallEnded):
		return callEnded
	case errors.Is(err, coaching.ErrConflict):
		return conflict
	case errors.Is(err, coaching.ErrNotApplied):
		return notApplied
	case errors.Is(err, coaching.ErrNotRunning), errors.Is(err, coaching.ErrSchema):
		return notRunning
	case errors.Is(err, coaching.ErrUnknown):
		return unknown
	case errors.As(err, &api) && api.Status != http.StatusNotFound:
		return provider
	case errors.Is(err, coaching.ErrNotFound):
		return notFound
	}
	return internal
}

// said is the library's own sentence in an error: without the verb's name and
// the sentinel, which the problem has already, and nothing at all where host
// code spoke.
func said(op string, err error) string {
	text := strings.TrimPrefix(err.Error(), "coaching: "+op+": ")
	for _, host := range []string{"asking Directory: ", "store: "} {
		if strings.HasPrefix(text, host) {
			return ""
		}
	}
	for _, s := range []error{coaching.ErrInvalid, coaching.ErrConflict, coaching.ErrNotApplied, coaching.ErrUnknown} {
		text = strings.TrimSuffix(text, ": "+s.Error())
	}
	return strings.ReplaceAll(text, "\n", "; ")
}

// An answer is a whole response.
type answer struct {
	status int
	kind   string
	body   []byte
}

func (a answer) write(w http.ResponseWriter) {
	if a.kind != "" {
		w.Header().Set("Content-Type", a.kind)
	}
	w.WriteHeader(a.status)
	_, _ = w.Write(a.body)
}

// jsonAnswer renders v, or is 204 for nil.
func jsonAnswer(status int, v any) answer {
	if v == nil {
		return answer{status: http.StatusNoContent}
	}
	body, err := json.Marshal(v)
	if err != nil {
		panic(err) // our own types
	}
	return answer{status: status, kind: "application/json", body: body}
}

func writeJSON(w http.ResponseWriter, status int, v any) { jsonAnswer(status, v).write(w) }
