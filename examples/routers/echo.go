package main

import (
	"log/slog"
	"net/http"

	"github.com/labstack/echo/v5"
	"github.com/labstack/echo/v5/middleware"

	"github.com/mpc-coaching/coaching"
)

// echoRouter mounts what Plivo calls, a verb and the console on an Echo.
// console may be nil.
func echoRouter(plivo, console http.Handler, h host) http.Handler {
	e := echo.NewWithConfig(echo.Config{
		// Where a path came escaped, as encodeURIComponent writes the @ of
		// lee@example.com, echo's parameters are so too unless told not to.
		Router: echo.NewRouter(echo.RouterConfig{UnescapePathParamValues: true}),
	})

	// echo itself never redirects: keep it so. middleware.AddTrailingSlash
	// and RemoveTrailingSlash rewrite the path that the Flow reads, or redirect
	// with a RedirectCode. ContextTimeout is for single routes: it ends a verb that
	// waits for a phone to be answered, and the console's stream.
	//
	// The query stays out of the log: with GET it is what holds the telephone
	// numbers.
	e.Use(middleware.RequestLoggerWithConfig(middleware.RequestLoggerConfig{
		LogMethod: true, LogURIPath: true, LogStatus: true, LogLatency: true,
		HandleError: true, // writes the answer first, so that its status is known
		LogValuesFunc: func(c *echo.Context, v middleware.RequestLoggerValues) error {
			level := slog.LevelInfo
			attrs := []any{"method", v.Method, "path", v.URIPath, "status", v.Status, "took", v.Latency}
			if v.Error != nil {
				level, attrs = slog.LevelError, append(attrs, "err", v.Error) // a panic's stack, too
			}
			c.Logger().Log(c.Request().Context(), level, "request", attrs...)
			return nil
		},
	}), middleware.Recover())

	// Any takes every method, so that the Flow can answer 405 with Allow. The
	// wildcard's parameter is not used: WrapHandler passes on the request with its
	// whole path, and that suits the Flow; in a group too.
	//
	// Nothing in front of it may call c.FormValue, c.Bind or the like, as CSRF,
	// KeyAuth and MethodOverride do when they look in the form: they read the body,
	// and the Flow then sees none and answers 403.
	e.Any("/voice/plivo/*", echo.WrapHandler(plivo))

	// Logins, CSRF checks and rate limits belong to the routes that want them,
	// for Plivo passes none.
	e.POST("/calls/:call/supervisors/:supervisor", echoBarge(h), echoLogin(h))

	if console != nil {
		// Strip the whole prefix, of groups too. The redirect is for the page,
		// whose links are relative.
		e.GET("/console", func(c *echo.Context) error { return c.Redirect(http.StatusTemporaryRedirect, "console/") })
		e.Any("/console/*", echo.WrapHandler(http.StripPrefix("/console", console)))
	}
	return e
}

// echoBarge brings a supervisor into the call of the path.
func echoBarge(h host) echo.HandlerFunc {
	return func(c *echo.Context) error {
		ctx := c.Request().Context()
		status, body := answered(h.barge(ctx, coaching.CallID(c.Param("call")), coaching.SupervisorID(c.Param("supervisor"))))
		return c.JSON(status, body) // not the verb's error, of which echo would make a 500
	}
}

// echoLogin tells the Flow who asks.
func echoLogin(h host) echo.MiddlewareFunc {
	return func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c *echo.Context) error {
			actor, ok := h.login(c.Request())
			if !ok {
				return echo.ErrUnauthorized
			}
			c.SetRequest(c.Request().WithContext(coaching.WithActor(c.Request().Context(), actor))) // c.Set would not reach the Flow
			return next(c)
		}
	}
}
