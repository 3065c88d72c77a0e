package plivotest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"syscall"
)

var (
	errClosed  = errors.New("plivotest: server closed")
	errCut     = fmt.Errorf("plivotest: connection cut: %w", io.ErrUnexpectedEOF)
	errRefused = &net.OpError{Op: "dial", Net: "tcp", Err: syscall.ECONNREFUSED}
)

// inMemory is a RoundTripper that serves each request with h. The handler
// runs in a goroutine of s, with a context that ends with the request's and
// with the server's. A handler that panics breaks the connection.
type inMemory struct {
	s *Server
	h http.Handler
}

func (t inMemory) RoundTrip(r *http.Request) (*http.Response, error) {
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	body, err := readBody(r)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(r.Context())
	defer context.AfterFunc(t.s.ctx, cancel)()

	in := r.Clone(ctx)
	in.Body = io.NopCloser(bytes.NewReader(body))
	in.ContentLength = int64(len(body))
	in.RequestURI = r.URL.RequestURI()
	in.RemoteAddr = "192.0.2.1:1234"
	in.Proto, in.ProtoMajor, in.ProtoMinor = "HTTP/1.1", 1, 1
	if in.Host == "" {
		in.Host = r.URL.Host
	}
	if in.Header == nil {
		in.Header = http.Header{}
	}
	in.Close = false
	in.Response = nil

	rec := &recorder{header: http.Header{}}
	done := make(chan error, 1) // buffered: the handler never waits for us
	t.s.mu.Lock()
	if t.s.closed {
		t.s.mu.Unlock()
		cancel()
		return nil, errClosed
	}
	t.s.wg.Add(1)
	t.s.mu.Unlock()
	go func() {
		defer t.s.wg.Done()
		defer cancel()
		done <- rec.serve(t.h, in)
	}()
	select {
	case err := <-done:
		if err != nil {
			return nil, err
		}
		return rec.response(r), nil
	case <-r.Context().Done():
		return nil, r.Context().Err()
	case <-t.s.ctx.Done():
		return nil, errClosed
	}
}

func readBody(r *http.Request) ([]byte, error) {
	if r.Body == nil {
		return nil, nil
	}
	defer r.Body.Close()
	return io.ReadAll(r.Body)
}

// recorder is the ResponseWriter of the in-memory connection.
type recorder struct {
	header, sent http.Header
	status       int
	body         bytes.Buffer
}

// refused is panicked with to make the client see a connection never made.
type refused struct{}

func (rec *recorder) serve(h http.Handler, r *http.Request) (err error) {
	defer func() {
		switch recover().(type) {
		case nil:
		case refused:
			err = errRefused
		default:
			err = errCut // as net/http's server: the connection goes down
		}
	}()
	h.ServeHTTP(rec, r)
	rec.WriteHeader(http.StatusOK)
	return nil
}

func (rec *recorder) Header() http.Header { return rec.header }

func (rec *recorder) WriteHeader(status int) {
	if rec.sent == nil && status >= 200 {
		rec.status = status
		rec.sent = rec.header.Clone()
	}
}

func (rec *recorder) Write(p []byte) (int, error) {
	rec.WriteHeader(http.StatusOK)
	return rec.body.Write(p)
}

// Flush lets handlers that stream believe they do; the body arrives when the
// handler returns.
func (rec *recorder) Flush() { rec.WriteHeader(http.StatusOK) }

func (rec *recorder) response(r *http.Request) *http.Response {
	body := rec.body.Bytes()
	if r.Method == http.MethodHead {
		body = nil
	}
	if rec.sent.Get("Content-Type") == "" && len(body) > 0 {
		rec.sent.Set("Content-Type", http.DetectContentType(body))
	}
	return &http.Response{
		Status:        strconv.Itoa(rec.status) + " " + http.StatusText(rec.status),
		StatusCode:    rec.status,
		Proto:         "HTTP/1.1",
		ProtoMajor:    1,
		ProtoMinor:    1,
		Header:        rec.sent,
		Body:          io.NopCloser(bytes.NewReader(body)),
		ContentLength: int64(len(body)),
		Request:       r,
	}
}
