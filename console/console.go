package console

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"path"
	"runtime/debug"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/mpc-coaching/coaching"
)

// Config configures a [Console]. Flow and Identify are required; the zero value
// of every other field is the documented default. The functions may be called
// from several goroutines at once; one that panics is answered with 500 and
// logged.
type Config struct {
	// Flow runs the calls. It must have been made with Config.Authorize:
	// that decides who sees which call and who may do what.
	Flow *coaching.Flow
	// Identify says who asks, from a session's cookie, say. An error, or an
	// Actor without an ID, is answered with 401, and its text is shown to
	// nobody. It is asked again, with the same request, every 30 s while a
	// stream is open.
	Identify func(*http.Request) (coaching.Actor, error)
	// People says whom an actor may choose from on the page. Nil: nobody;
	// verbs take any id all the same, and Authorize decides.
	People func(context.Context, coaching.Actor) (People, error)
	// Agent finds the agents whom transfer and hand-back ring, by id: a
	// browser never says an address. Its error may wrap
	// coaching.ErrNotFound. Nil: ringing agents is refused. Supervisors are
	// found by coaching.Config.Directory.
	Agent func(context.Context, coaching.AgentID) (coaching.Agent, error)
	// View says what is hidden from an actor. Nil: nothing.
	View func(coaching.Actor) View
	// TrustedOrigins are other origins whose pages may write, such as
	// "https://desk.example.com"; see http.CrossOriginProtection.
	TrustedOrigins []string
	// Logger gets errors and panics of host code, without phone numbers.
	// Nil: discard.
	Logger *slog.Logger
	// Title heads the page. Empty: "Calls".
	Title string
}

// A View says what is hidden from an actor who may see a call. It decides the
// rendering alone; what is done with a call is Authorize's business.
type View struct {
	// MaskNumbers shows no more of addresses than their last three digits.
	MaskNumbers bool
	// HideMonitors leaves out supervisors who have not been more than
	// monitoring.
	HideMonitors bool
}

// A Person is somebody to choose.
type Person struct {
	ID   string `json:"id"`
	Name string `json:"name"`
	Note string `json:"note"` // such as a team, or that they are busy
}

// People are those an actor may choose from.
type People struct {
	Agents      []Person `json:"agents"`
	Supervisors []Person `json:"supervisors"`
}

// A Console is an [http.Handler] with an API, a live stream and a page. Make it
// with [New]. All methods are safe for concurrent use.
type Console struct {
	cfg  Config
	view func(coaching.Actor) View
	cop  *http.CrossOriginProtection
	mux  *http.ServeMux
	keys *keyring
	hub  *hub

	description []byte // OpenAPI

	patience  time.Duration // with a client that does not read or write; shorter in tests
	encodings atomic.Int64  // of calls, for tests
}

// New returns a Console. It names every missing field at once, in an error that
// wraps coaching.ErrInvalid, and starts nothing.
func New(cfg Config) (*Console, error) {
	var bad []string
	switch {
	case cfg.Flow == nil:
		bad = append(bad, "Flow is required")
	case !cfg.Flow.Authorizes():
		bad = append(bad, "Flow has no Authorize, so everybody could do everything")
	}
	if cfg.Identify == nil {
		bad = append(bad, "Identify is required")
	}
	c := &Console{cfg: cfg, view: cfg.View, cop: http.NewCrossOriginProtection(), mux: http.NewServeMux(), keys: newKeyring(), patience: ioTime}
	for _, o := range cfg.TrustedOrigins {
		if err := c.cop.AddTrustedOrigin(o); err != nil {
			bad = append(bad, fmt.Sprintf("TrustedOrigins: %v", err))
		}
	}
	if len(bad) > 0 {
		return nil, fmt.Errorf("console: New: %s: %w", strings.Join(bad, "; "), coaching.ErrInvalid)
	}
	if c.view == nil {
		c.view = func(coaching.Actor) View { return View{} }
	}
	if c.cfg.Logger == nil {
		c.cfg.Logger = slog.New(slog.DiscardHandler)
	}
	if c.cfg.Title == "" {
		c.cfg.Title = "Calls"
	}
	c.cfg.TrustedOrigins = nil
	c.hub = newHub(c)
	c.register()
	return c, nil
}

// Close ends the open streams and refuses new ones with 503; everything else
// goes on. Give it to http.Server.RegisterOnShutdown, for Shutdown waits for
// streams, which have no end of their own.
func (c *Console) Close() { c.hub.close() }

// A route is one method of one path. The same table makes the handler and its
// description.
type route struct {
	method, path string // the path as in a pattern of http.ServeMux
	id           string // operationId
	open         bool   // served without asking who it is
	serve        func(*Console, http.ResponseWriter, *http.Request, viewer) error
	doc          operationDoc
}

// A viewer is who asks, and what is hidden from them.
type viewer struct {
	actor coaching.Actor
	view  View
}

func (c *Console) register() {
	byPath, all := map[string][]route{}, routes()
	c.description = describe(all)
	for _, r := range all {
		byPath[r.path] = append(byPath[r.path], r)
	}
	for pattern, at := range byPath {
		var allow []string
		for _, r := range at {
			allow = append(allow, r.method)
		}
		slices.Sort(allow)
		c.mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
			for _, route := range at {
				if route.method == r.Method {
					c.serve(route, w, r)
					return
				}
			}
			w.Header().Set("Allow", strings.Join(allow, ", "))
			c.refuse(w, r, problem(methodNotAllowed, "this path takes "+strings.Join(allow, ", ")))
		})
	}
	c.mux.HandleFunc("/", c.page)
}

// What every answer carries. Nothing of ours is of use to another origin, and
// no page of ours runs code or loads anything that is not of this one.
var everywhere = map[string]string{
	"Cache-Control":                "no-store",
	"Content-Security-Policy":      "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'self'",
	"Cross-Origin-Resource-Policy": "same-origin",
	"Referrer-Policy":              "no-referrer",
	"X-Content-Type-Options":       "nosniff",
}

// ServeHTTP serves the page at the root of where the Console is mounted, its
// parts below assets/, and the API below api/; docs/console.md lists them with
// their answers. Mount it with [http.StripPrefix]; its URLs are relative.
func (c *Console) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	for k, v := range everywhere {
		w.Header().Set(k, v)
	}
	sent := &sentinel{ResponseWriter: w}
	defer func() {
		p := recover()
		if p == nil {
			return
		}
		if p == http.ErrAbortHandler {
			panic(p)
		}
		c.cfg.Logger.ErrorContext(r.Context(), "a handler panicked", "panic", fmt.Sprint(p), "stack", string(debug.Stack()))
		if !sent.begun {
			c.refuse(sent, r, problem(internal, ""))
		}
	}()
	if err := c.cop.Check(r); err != nil {
		c.refuse(sent, r, problem(crossOrigin, "a page of another origin may not write here"))
		return
	}
	if r = mounted(sent, r); r == nil {
		return
	}
	// http.ServeMux would redirect to somewhere outside the mount, or answer in plain text.
	if p := r.URL.EscapedPath(); p != "/" && path.Clean(p) != p || r.RequestURI == "*" {
		c.refuse(sent, r, problem(notFound, "no such path"))
		return
	}
	c.mux.ServeHTTP(sent, r)
}

// mounted returns the request with a path that begins with a slash. One for the
// mount itself without its slash is sent there, and nil returned: relative URLs
// would lead astray.
func mounted(w http.ResponseWriter, r *http.Request) *http.Request {
	p := r.URL.Path
	if p == "" && r.Method == http.MethodGet {
		outside, _, _ := strings.Cut(r.RequestURI, "?")
		if last := path.Base(outside); !strings.HasSuffix(outside, "/") && isSegment(last) {
			w.Header().Set("Location", "./"+last+"/")
			w.WriteHeader(http.StatusTemporaryRedirect)
			return nil
		}
	}
	if strings.HasPrefix(p, "/") {
		return r
	}
	u := *r.URL
	u.Path = "/" + p
	if u.RawPath != "" {
		u.RawPath = "/" + u.RawPath
	}
	r2 := *r
	r2.URL = &u
	return &r2
}

func isSegment(s string) bool {
	return s != "" && s != "." && s != ".." && !strings.ContainsFunc(s, func(r rune) bool {
		return !('a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9' || strings.ContainsRune("-._~", r))
	})
}

// serve asks who it is, and answers a route's error.
func (c *Console) serve(route route, w http.ResponseWriter, r *http.Request) {
	var who viewer
	var err error
	if !route.open {
		who, err = c.identify(r)
	}
	if err == nil {
		r = r.WithContext(coaching.WithActor(r.Context(), who.actor))
		err = route.serve(c, w, r, who)
	}
	if err != nil {
		c.refuse(w, r, err)
	}
}

// A sentinel knows whether an answer has begun.
type sentinel struct {
	http.ResponseWriter
	begun bool
}

func (s *sentinel) WriteHeader(status int) {
	s.begun = true
	s.ResponseWriter.WriteHeader(status)
}

func (s *sentinel) Write(b []byte) (int, error) {
	s.begun = true
	return s.ResponseWriter.Write(b)
}

// FlushError is what http.ResponseController calls.
func (s *sentinel) FlushError() error {
	err := http.NewResponseController(s.ResponseWriter).Flush()
	s.begun = s.begun || !errors.Is(err, http.ErrNotSupported)
	return err
}

// Unwrap is for http.ResponseController.
func (s *sentinel) Unwrap() http.ResponseWriter { return s.ResponseWriter }

// ioTime is how long a client may take to send a body, and to take each part of a
// stream.
const ioTime = 10 * time.Second

var errClosed = errors.New("the console is closed")
