package coaching

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"strings"
	"sync/atomic"
	"time"

	"github.com/plivo/plivo-go/v7"
)

// clientBodyLimit caps what is read of one answer.
const clientBodyLimit = 1 << 20

// api is all that this file needs of the SDK: paths, credentials, JSON.
// *plivo.Client has it. The SDK's own sending is not used, because it takes no
// context, posts a request again after a 5xx, and reports a failure without a
// body as success.
type api interface {
	NewRequest(method string, params any, format string, args ...any) (*http.Request, error)
}

// A Client is a typed client of Plivo's MultiPartyCall resource, and of the
// three call operations that go with it: [Client.HangUp],
// [Client.CancelRequest] and [Client.CallDetail]. It is safe for concurrent use.
//
// Each method sends one request and never repeats it: whether that is safe
// depends on what the request does, which the caller knows. (For GET alone
// net/http may use a second connection when a kept one was closed on it.)
// Every id is matched against a strict pattern before a path is made of it.
// Redirects are not followed, and nothing but the SDK client's BaseUrl is
// ever called, whatever an answer says.
//
// # Errors
//
// An error is one of four:
//
//   - it wraps [ErrInvalid]: an argument was refused and nothing was sent;
//   - it is an [*APIError]: an answer outside 2xx, redirects included;
//   - it wraps [ErrUnknown]: a 2xx, so the thing was done, but the answer with
//     its result cannot be read;
//   - anything else wraps the transport's or the context's error, and in
//     general does not say whether the request took effect.
//
// No error text holds the auth token or an address from the arguments, and
// the provider's own text is cleared of what looks like a phone number or an
// address.
type Client struct {
	sdk  api
	http *http.Client
}

// NewClient returns a client that makes its requests with sdk's credentials
// and base URL, and sends them through h. sdk must not be changed while the
// Client is in use; if it is nil, every method returns [ErrInvalid].
//
// h is copied; its redirect policy is replaced by "none". If h is nil, a
// client with a time-out of 15 s per request and connections for many
// requests at once is used. A client without Timeout waits for as long as
// the context allows.
func NewClient(sdk *plivo.Client, h *http.Client) *Client {
	c := &Client{http: newClientHTTP()}
	if sdk != nil { // a nil pointer in an interface would not be nil
		c.sdk = sdk
	}
	if h != nil {
		own := *h
		c.http = &own
	}
	c.http.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return c
}

// Format keeps the account's token out of every formatting verb.
func (c *Client) Format(s fmt.State, _ rune) { fmt.Fprint(s, "coaching.Client") }

func newClientHTTP() *http.Client {
	dialer := &net.Dialer{Timeout: 5 * time.Second, KeepAlive: 30 * time.Second}
	return &http.Client{
		Timeout: 15 * time.Second,
		Transport: &http.Transport{
			Proxy:                 http.ProxyFromEnvironment,
			DialContext:           dialer.DialContext,
			ForceAttemptHTTP2:     true,
			MaxIdleConns:          128,
			MaxIdleConnsPerHost:   128, // there is only one host
			IdleConnTimeout:       90 * time.Second,
			TLSHandshakeTimeout:   5 * time.Second,
			ResponseHeaderTimeout: 10 * time.Second,
		},
	}
}

// clientReply is an answer in 2xx.
type clientReply struct {
	status int
	body   []byte
	err    error // why body is incomplete
}

// exec performs call and leaves a 2xx's body alone: the status says it all.
func (c *Client) exec(ctx context.Context, call *clientCall) error {
	_, err := c.send(ctx, call)
	return err
}

// fetch performs call and returns the JSON object that answers it. A body
// that is none is an error wrapping [ErrUnknown].
func (c *Client) fetch(ctx context.Context, call *clientCall) (clientObject, error) {
	reply, err := c.send(ctx, call)
	if err != nil {
		return clientObject{}, err
	}
	if reply.err != nil {
		return clientObject{}, &clientUnreadableError{call.op, reply.status, reply.err}
	}
	obj, err := decodeClientObject(reply.body)
	if err != nil {
		return clientObject{}, &clientUnreadableError{call.op, reply.status, err}
	}
	obj.status = reply.status
	return obj, nil
}

// send is the one place from which requests leave. It sends exactly one.
func (c *Client) send(ctx context.Context, call *clientCall) (*clientReply, error) {
	req, err := c.request(call)
	if err != nil {
		return nil, fmt.Errorf("coaching: %s: %w", call.op, err)
	}
	if err := ctx.Err(); err != nil {
		return nil, &clientSendError{op: call.op, err: err, notSent: true}
	}
	var conn clientConnTrace
	resp, err := c.http.Do(req.WithContext(conn.attach(ctx)))
	if err != nil {
		return nil, newClientSendError(call.op, err, &conn)
	}
	defer resp.Body.Close()
	// Reading to the end lets the connection be used again. What is longer than
	// the limit costs the connection.
	body, err := io.ReadAll(io.LimitReader(resp.Body, clientBodyLimit+1))
	if len(body) > clientBodyLimit {
		body, err = body[:clientBodyLimit], fmt.Errorf("longer than %d bytes", clientBodyLimit)
	}
	if resp.StatusCode/100 != 2 {
		return nil, newAPIError(call.op, req, resp, body)
	}
	return &clientReply{resp.StatusCode, body, err}, nil
}

// request builds the HTTP request of a call whose arguments all passed.
func (c *Client) request(call *clientCall) (req *http.Request, err error) {
	if err := call.err(); err != nil {
		return nil, err
	}
	if c.sdk == nil || c.http == nil {
		return nil, invalid("the client has no SDK client")
	}
	// The SDK dereferences its base URL and the request it failed to make.
	defer func() {
		if recover() != nil {
			req, err = nil, invalid("the SDK client cannot make requests; use plivo.NewClient")
		}
	}()
	args := make([]any, len(call.segments))
	for i, s := range call.segments {
		args[i] = s
	}
	var body any // an untyped nil, or the SDK encodes "null"
	if call.body != nil {
		body = call.body
	}
	format := strings.TrimSuffix(strings.Repeat("%s/", len(args)), "/")
	req, err = c.sdk.NewRequest(call.method, body, format, args...)
	if err != nil {
		return nil, invalid("the SDK client cannot make requests: %v", err)
	}
	id, token, _ := req.BasicAuth()
	if !all(id, 1, 64, isAlnum) || token == "" {
		return nil, invalid("the SDK client's auth id or auth token is missing or malformed")
	}
	if want := "/v1/Account/" + id + "/" + strings.Join(call.segments, "/") + "/"; req.URL.Path != want || req.URL.Host == "" {
		return nil, invalid("the SDK client makes requests for another resource")
	}
	if len(call.query) > 0 { // the SDK would put a DELETE's arguments into a body
		req.URL.RawQuery = call.query.Encode()
	}
	// net/http sends a request again by itself when a kept connection turns out
	// to be dead, if it believes that safe: a GET, or anything marked with an
	// Idempotency-Key, always; others if no byte was written and the body, if
	// any, can be had again through GetBody. A POST here may dial a phone, so
	// its body cannot be had twice, and nothing sets that header.
	if req.Method == http.MethodPost {
		req.GetBody = nil
	}
	return req, nil
}

// clientConnTrace notes how far a request got towards a connection. A
// transport that is not net/http's leaves both false.
type clientConnTrace struct {
	asked atomic.Bool // a connection was looked for
	got   atomic.Bool // and had, so that the request may have left
}

func (t *clientConnTrace) attach(ctx context.Context) context.Context {
	return httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		GetConn: func(string) { t.asked.Store(true) },
		GotConn: func(httptrace.GotConnInfo) { t.got.Store(true) },
	})
}
