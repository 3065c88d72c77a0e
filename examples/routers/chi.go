package main

import (
	"encoding/json"
	"net/http"
	"net/url"

	"github.com/go-chi/chi/v5"
	"github.com/go-chi/chi/v5/middleware"

	"github.com/mpc-coaching/coaching"
)

// chiRouter mounts what Plivo calls, a verb and the console on a chi.Router.
// console may be nil.
func chiRouter(plivo, console http.Handler, h host) http.Handler {
	r := chi.NewRouter()

	// chi itself never redirects: keep it so. middleware.RedirectSlashes and a
	// callback to /events/ would be a GET without its form. middleware.CleanPath
	// and StripSlashes do no harm; they change where chi looks, not what the Flow
	// sees. Timeout is for single routes: it ends a verb that waits for a phone to
	// be answered, and the console's stream. What calls r.FormValue is for single
	// routes too: after it the Flow sees no body, and answers 403.
	//
	// Logger logs the query, and with GET that is what holds the telephone numbers:
	// leave the method of your application in Plivo's console at POST.
	r.Use(middleware.Logger, middleware.Recoverer)

	// Mount takes every method, so that the Flow can answer 405 with Allow. It
	// leaves r.URL.Path as it is, and that suits the Flow; in a sub-router too.
	r.Mount("/voice/plivo", plivo)

	// Logins, CSRF checks and rate limits belong here, for Plivo passes none.
	r.Group(func(r chi.Router) {
		r.Use(chiLogin(h))
		r.Post("/calls/{call}/supervisors/{supervisor}", chiBarge(h))
	})

	if console != nil {
		// Since Mount strips nothing, StripPrefix does: the whole prefix, of
		// sub-routers too. Mount("/console", …) would also serve the page at
		// /console, where its relative links lead astray.
		r.Get("/console", http.RedirectHandler("console/", http.StatusTemporaryRedirect).ServeHTTP)
		r.Mount("/console/", http.StripPrefix("/console", console))
	}
	return r
}

// chiBarge brings a supervisor into the call of the path.
func chiBarge(h host) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		// Where a path came escaped, as encodeURIComponent writes the @ of
		// lee@example.com, chi's parameters are so too.
		sup, err := url.PathUnescape(chi.URLParam(r, "supervisor"))
		if err != nil {
			http.Error(w, http.StatusText(http.StatusBadRequest), http.StatusBadRequest)
			return
		}
		status, body := answered(h.barge(r.Context(), coaching.CallID(chi.URLParam(r, "call")), coaching.SupervisorID(sup)))
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		json.NewEncoder(w).Encode(body)
	}
}

// chiLogin tells the Flow who asks.
func chiLogin(h host) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			actor, ok := h.login(r)
			if !ok {
				http.Error(w, http.StatusText(http.StatusUnauthorized), http.StatusUnauthorized)
				return
			}
			next.ServeHTTP(w, r.WithContext(coaching.WithActor(r.Context(), actor)))
		})
	}
}
