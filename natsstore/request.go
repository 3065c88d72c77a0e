package natsstore

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
)

var (
	errNoStream = errors.New("the bucket is not there")
	errOffline  = errors.New("there is no connection to NATS")
	errNobody   = errors.New("nobody answers; does JetStream run, and has the bucket a leader?")
	errDenied   = errors.New("NATS does not permit it")
)

// An apiError is JetStream's answer that it will not.
type apiError struct {
	Code        int    `json:"code"`
	ErrCode     int    `json:"err_code"`
	Description string `json:"description"`
}

func (e *apiError) Error() string {
	return fmt.Sprintf("JetStream: %s (%d)", e.Description, e.ErrCode)
}

// request sends a request and returns the answer.
func (s *Store) request(ctx context.Context, subject string, body []byte) (*nats.Msg, error) {
	return s.requestMsg(ctx, &nats.Msg{Subject: subject, Data: body})
}

// ask sends a request that changes nothing, and again where there is no answer
// for a quarter of the time-out: a server that led until just now may have
// taken it to its grave.
func (s *Store) ask(ctx context.Context, subject string, body []byte) (*nats.Msg, error) {
	bound, cancel := context.WithTimeout(ctx, s.cfg.Timeout)
	defer cancel()
	for {
		try, cancel := context.WithTimeout(bound, s.cfg.Timeout/4)
		m, err := s.request(try, subject, body)
		cancel()
		switch {
		case err == nil:
			return m, nil
		case ctx.Err() != nil:
			return nil, ctx.Err()
		case bound.Err() != nil && !errors.Is(err, errNobody):
			return nil, s.explain(ctx, subject, err)
		case bound.Err() != nil:
			return nil, fmt.Errorf("%s: %w", subject, errNobody)
		case !errors.Is(err, context.DeadlineExceeded):
			return nil, err
		}
		if err := s.explain(bound, subject, err); errors.Is(err, errDenied) {
			return nil, err
		}
	}
}

// requestMsg sends a request and returns the answer. What nobody was there to
// take is sent again until the time-out: a new leader is on its way. While
// there is no connection nothing is sent: what waits in a buffer for the next
// one may take effect long after the caller was told that it failed.
func (s *Store) requestMsg(ctx context.Context, m *nats.Msg) (*nats.Msg, error) {
	bound, cancel := context.WithTimeout(ctx, s.cfg.Timeout)
	defer cancel()
	for wait := 5 * time.Millisecond; ; wait = min(2*wait, 100*time.Millisecond) {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		if !s.nc.IsConnected() {
			return nil, errOffline
		}
		reply, err := s.nc.RequestMsgWithContext(bound, m)
		if err == nil {
			return reply, nil
		}
		if !errors.Is(err, nats.ErrNoResponders) || !pause(bound, wait) {
			return nil, s.explain(ctx, m.Subject, err)
		}
	}
}

// explain returns why a request has no answer.
func (s *Store) explain(ctx context.Context, subject string, err error) error {
	if cerr := ctx.Err(); cerr != nil {
		if errors.Is(err, nats.ErrNoResponders) {
			return fmt.Errorf("%s: %w: %w", subject, errNobody, cerr)
		}
		return cerr
	}
	// A server tells of what it does not permit beside the request, which then
	// has no answer.
	if last := s.nc.LastError(); errors.Is(last, nats.ErrPermissionViolation) && strings.Contains(last.Error(), `"`+subject) {
		return fmt.Errorf("publishing to %s: %w", subject, errDenied)
	}
	switch {
	case errors.Is(err, nats.ErrNoResponders):
		return fmt.Errorf("%s: %w", subject, errNobody)
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, nats.ErrTimeout):
		return fmt.Errorf("no answer to %s within %v", subject, s.cfg.Timeout)
	}
	return err
}

// pause waits, and reports whether ctx goes on.
func pause(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-t.C:
		return true
	}
}
