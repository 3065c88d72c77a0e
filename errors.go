package coaching

import (
	"errors"
	"fmt"
	"net/http"
	"time"
)

// The errors a caller branches on, with [errors.Is]. Every error of this
// package wraps at most one of them, but for what comes from elsewhere: an
// [*APIError] answers to ErrNotFound too, and ErrDenied wraps the error of
// Config.Authorize, so ask for ErrDenied first, as [HTTPStatus] does.
var (
	// ErrInvalid: an argument or a Config field is missing or malformed.
	// Nothing was sent and nothing was stored.
	ErrInvalid = errors.New("invalid argument")
	// ErrNotFound: no such call, participant or supervision.
	ErrNotFound = errors.New("not found")
	// ErrConflict: the state of the call forbids it now, or another change
	// came first. Nothing was done, with one exception: a raise that a verb
	// which lowers has replaced may have been heard until that took effect.
	ErrConflict = errors.New("conflict")
	// ErrDenied: Config.Authorize said no.
	ErrDenied = errors.New("denied")
	// ErrCallEnded: the call is over.
	ErrCallEnded = errors.New("call ended")
	// ErrNotApplied: the verb had no effect, and a read shows the old state.
	ErrNotApplied = errors.New("not applied")
	// ErrUnknown: nothing shows whether the verb took effect. The library goes
	// on towards the safe side; Supervision.Audible shows the worst case.
	ErrUnknown = errors.New("outcome unknown")
	// ErrNotRunning: no Flow.Run performs steps, so the verb would wait in vain.
	ErrNotRunning = errors.New("not running")
	// ErrSignature: a request does not carry a valid signature of the provider.
	ErrSignature = errors.New("signature does not match")
	// ErrSchema: a newer version of this package wrote the stored call. An
	// instance of that version can do what this one cannot.
	ErrSchema = errors.New("stored by a newer version")
)

// An APIError is an answer of the provider outside 2xx.
type APIError struct {
	Op         string        // Client method, such as "AddParticipant"
	Status     int           // HTTP status
	APIID      string        // the provider's id of the request; may be empty
	Message    string        // the provider's text, at most 200 bytes; may be empty
	RetryAfter time.Duration // from the header of that name; 0 if absent
}

func (e *APIError) Error() string {
	if e.Message == "" {
		return fmt.Sprintf("coaching: %s: provider answered %d", e.Op, e.Status)
	}
	return fmt.Sprintf("coaching: %s: provider answered %d: %s", e.Op, e.Status, e.Message)
}

// Is lets errors.Is(err, ErrNotFound) work without knowing HTTP.
func (e *APIError) Is(target error) bool {
	return target == ErrNotFound && e.Status == http.StatusNotFound
}

// HTTPStatus returns the status with which a host's handler should answer
// err: 200 for nil, 400 ErrInvalid, 403 ErrDenied and ErrSignature, 404
// ErrNotFound, 409 ErrConflict and ErrNotApplied, 410 ErrCallEnded, 503
// ErrNotRunning and ErrSchema, 504 ErrUnknown, 502 for any other answer of the provider and
// 500 for the rest.
func HTTPStatus(err error) int {
	var api *APIError
	switch {
	case err == nil:
		return http.StatusOK
	case errors.Is(err, ErrDenied), errors.Is(err, ErrSignature): // first: Authorize's own error stands in it
		return http.StatusForbidden
	case errors.Is(err, ErrInvalid):
		return http.StatusBadRequest
	case errors.Is(err, ErrCallEnded):
		return http.StatusGone
	case errors.Is(err, ErrConflict), errors.Is(err, ErrNotApplied):
		return http.StatusConflict
	case errors.Is(err, ErrNotRunning), errors.Is(err, ErrSchema):
		return http.StatusServiceUnavailable
	case errors.Is(err, ErrUnknown):
		return http.StatusGatewayTimeout
	case errors.Is(err, ErrNotFound):
		return http.StatusNotFound
	case errors.As(err, &api):
		return http.StatusBadGateway
	}
	return http.StatusInternalServerError
}

// What apply tells the shell; never seen by callers.
var (
	errUnchanged = errors.New("nothing to change")
	errRepeat    = errors.New("taken in before")
)
