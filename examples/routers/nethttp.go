package main

import (
	"encoding/json"
	"log/slog"
	"net/http"
	"path"
	"runtime/debug"
	"strings"
	"time"

	"github.com/mpc-coaching/coaching"
)

// netHTTP mounts what Plivo calls, a verb and the console on a ServeMux.
// console may be nil.
func netHTTP(plivo, console http.Handler, h host) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("POST /calls/{call}/supervisors/{supervisor}", netHTTPLogin(h, netHTTPBarge(h)))
	if console != nil {
		// The console wants its own paths, so strip all that leads to it. The
		// mux redirects a browser from /console to /console/ by itself.
		mux.Handle("/console/", http.StripPrefix("/console", console))
	}

	// A ServeMux redirects every path that it would clean, such as
	// /voice/plivo//events, and a callback that is redirected loses its form or
	// its signature. What it would clean into ours therefore never reaches it:
	// the Flow answers 404 to what it does not know.
	//
	// No StripPrefix is needed: the Flow finds its paths below that of PublicURL.
	// Neither is a method: the Flow answers 405 with Allow. "POST /voice/plivo/"
	// would take GET from /answer and /music, which Plivo may use.
	root := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(path.Clean(r.URL.Path)+"/", "/voice/plivo/") {
			plivo.ServeHTTP(w, r)
			return
		}
		mux.ServeHTTP(w, r)
	})

	// Only what leaves bodies alone may stand in front of everything: after an
	// r.FormValue the Flow sees no body, and answers 403. Logins, CSRF checks and
	// rate limits belong to single routes, for Plivo passes none. Nowhere belongs
	// http.TimeoutHandler: it cuts off a verb that waits for a phone to be
	// answered, and holds back the console's stream.
	return netHTTPLog(netHTTPRecover(root))
}

// netHTTPBarge brings a supervisor into the call of the path.
func netHTTPBarge(h host) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		call, sup := coaching.CallID(r.PathValue("call")), coaching.SupervisorID(r.PathValue("supervisor"))
		status, body := answered(h.barge(r.Context(), call, sup))
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		json.NewEncoder(w).Encode(body)
	})
}

// netHTTPLogin tells the Flow who asks.
func netHTTPLogin(h host, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		actor, ok := h.login(r)
		if !ok {
			http.Error(w, http.StatusText(http.StatusUnauthorized), http.StatusUnauthorized)
			return
		}
		next.ServeHTTP(w, r.WithContext(coaching.WithActor(r.Context(), actor)))
	})
}

// netHTTPRecover answers 500 where a handler panics; net/http alone would break
// the connection.
func netHTTPRecover(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer func() {
			if p := recover(); p == http.ErrAbortHandler {
				panic(p) // it means to break the connection
			} else if p != nil {
				slog.Error("panic", "path", r.URL.Path, "panic", p, "stack", string(debug.Stack()))
				w.WriteHeader(http.StatusInternalServerError)
			}
		}()
		next.ServeHTTP(w, r)
	})
}

// netHTTPLog logs each request. The query stays out: with GET it is what holds
// the telephone numbers.
func netHTTPLog(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		sw := &statusWriter{ResponseWriter: w, status: http.StatusOK}
		start := time.Now()
		defer func() {
			slog.Info("request", "method", r.Method, "path", r.URL.Path, "status", sw.status, "took", time.Since(start))
		}()
		next.ServeHTTP(sw, r)
	})
}

// A statusWriter remembers the status. A wrapper without Unwrap would hide from
// http.ResponseController that the connection can flush and has deadlines, one
// without Flush would hide it from those who ask for an http.Flusher: no event
// of a stream would leave before its end.
type statusWriter struct {
	http.ResponseWriter
	status int
}

func (w *statusWriter) WriteHeader(status int) {
	w.status = status
	w.ResponseWriter.WriteHeader(status)
}

func (w *statusWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

func (w *statusWriter) Flush() { _ = http.NewResponseController(w.ResponseWriter).Flush() }
