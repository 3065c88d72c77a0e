package coaching

import (
	"errors"
	"net"
	"net/http"
	"net/url"
	"time"
)

// A clientOutcome is what an error of [Client] says about the request's
// effect. The zero value is the one that promises nothing.
type clientOutcome uint8

const (
	// clientUnknown: it may have taken effect, or may still. Any 5xx, 408, 409
	// (a gateway that sent a request twice may report the second's conflict),
	// a redirect, a time-out or a cut once a connection was had, a 2xx that
	// cannot be read, and every error that is not a Client's.
	clientUnknown clientOutcome = iota
	// clientOK: it took effect.
	clientOK
	// clientRefused: no effect, and the same request will fare no better: an
	// argument refused here or a 4xx that is none of the others.
	clientRefused
	// clientThrottled: no effect, and the same request may be sent again after
	// clientRetryAfter: 429, or no connection was ever made, be it that dialling
	// or TLS failed or that the context ended before.
	clientThrottled
	// clientUnauthorized: no effect; the credentials are wrong or not allowed
	// to (401, 403).
	clientUnauthorized
	// clientGone: no effect; there is no such thing (404, 410).
	clientGone
)

var clientOutcomeNames = [...]string{"unknown", "ok", "refused", "throttled", "unauthorized", "gone"}

func (o clientOutcome) String() string { return clientOutcomeNames[o] }

// outcomeOf classifies the error of a Client method, wrapped or not.
func outcomeOf(err error) clientOutcome {
	var answer *APIError
	var sending *clientSendError
	switch {
	case err == nil:
		return clientOK
	case errors.As(err, &answer):
		return outcomeOfStatus(answer.Status)
	case errors.As(err, &sending):
		if sending.notSent {
			return clientThrottled
		}
		return clientUnknown
	case errors.Is(err, ErrInvalid):
		return clientRefused
	}
	return clientUnknown
}

func outcomeOfStatus(status int) clientOutcome {
	switch status {
	case http.StatusUnauthorized, http.StatusForbidden:
		return clientUnauthorized
	case http.StatusNotFound, http.StatusGone:
		return clientGone
	case http.StatusTooManyRequests:
		return clientThrottled
	case http.StatusRequestTimeout, http.StatusConflict:
		return clientUnknown
	}
	if status/100 == 4 {
		return clientRefused
	}
	return clientUnknown
}

// clientRetryAfter returns how long the provider asked to wait; 0 if it did not.
func clientRetryAfter(err error) time.Duration {
	var answer *APIError
	if errors.As(err, &answer) {
		return answer.RetryAfter
	}
	return 0
}

// A clientSendError is a request without an answer.
type clientSendError struct {
	op      string
	err     error
	notSent bool // certainly: no connection was made for it
}

// newClientSendError decides whether the request can have left. It cannot if
// net/http looked for a connection and never had one. A transport that does
// not trace is believed only if it names a failed dial; its silence proves
// nothing, since it may have delivered the request without any connection.
func newClientSendError(op string, err error, conn *clientConnTrace) error {
	var outer *url.Error
	if errors.As(err, &outer) {
		err = outer.Err // the rest is the method and a long URL
	}
	notSent := !conn.got.Load() && (conn.asked.Load() || clientDialFailed(err))
	return &clientSendError{op: op, err: err, notSent: notSent}
}

func clientDialFailed(err error) bool {
	var dns *net.DNSError
	if errors.As(err, &dns) {
		return true
	}
	var op *net.OpError
	return errors.As(err, &op) && op.Op == "dial"
}

func (e *clientSendError) Error() string { return "coaching: " + e.op + ": " + e.err.Error() }

func (e *clientSendError) Unwrap() error { return e.err }
