package main

import (
	"net/http"

	"github.com/gin-gonic/gin"

	"github.com/mpc-coaching/coaching"
)

// ginRouter mounts what Plivo calls, a verb and the console on a gin.Engine.
// console may be nil.
func ginRouter(plivo, console http.Handler, h host) http.Handler {
	e := gin.New()
	// gin redirects to the path with or without its last slash unless told not
	// to, and a callback that is redirected loses its form or its signature.
	// RedirectFixedPath and RemoveExtraSlash are off: leave them so.
	e.RedirectTrailingSlash = false
	e.HandleMethodNotAllowed = true // else 404, for the routes below
	e.SetTrustedProxies(nil)        // else any client writes its address in the log

	// The query stays out of the log: with GET it is what holds the telephone
	// numbers.
	e.Use(gin.LoggerWithConfig(gin.LoggerConfig{SkipQueryString: true}), gin.Recovery())

	// Any takes the methods of net/http, so that the Flow can answer 405 with
	// Allow. The wildcard's parameter is not used: WrapH passes on the request
	// with its whole path, and that suits the Flow; in a group too.
	//
	// Nothing in front of it may call c.PostForm, c.ShouldBind or the like: they
	// read the body, and the Flow then sees none and answers 403. (After
	// c.ShouldBindBodyWith too, which keeps a copy for gin alone.)
	e.Any("/voice/plivo/*path", gin.WrapH(plivo))

	// Logins, CSRF checks and rate limits belong here, for Plivo passes none. A
	// time-out middleware that runs the handler aside and buffers its answer
	// belongs nowhere: it cuts off a verb that waits for a phone to be answered.
	calls := e.Group("/calls", ginLogin(h))
	calls.POST("/:call/supervisors/:supervisor", ginBarge(h))

	if console != nil {
		// Strip the whole prefix, of groups too. The redirect is for the page,
		// whose links are relative.
		e.GET("/console", func(c *gin.Context) { c.Redirect(http.StatusTemporaryRedirect, "console/") })
		e.Any("/console/*path", gin.WrapH(http.StripPrefix("/console", console)))
	}
	return e
}

// ginBarge brings a supervisor into the call of the path.
func ginBarge(h host) gin.HandlerFunc {
	return func(c *gin.Context) {
		// Not c itself, although it is a context.Context: it knows neither the
		// actor nor that the browser has gone, unless Engine.ContextWithFallback
		// is set, and gin uses it again for another request afterwards.
		ctx := c.Request.Context()
		status, body := answered(h.barge(ctx, coaching.CallID(c.Param("call")), coaching.SupervisorID(c.Param("supervisor"))))
		c.JSON(status, body)
	}
}

// ginLogin tells the Flow who asks.
func ginLogin(h host) gin.HandlerFunc {
	return func(c *gin.Context) {
		actor, ok := h.login(c.Request)
		if !ok {
			c.AbortWithStatus(http.StatusUnauthorized) // without Abort the verb would go on
			return
		}
		c.Request = c.Request.WithContext(coaching.WithActor(c.Request.Context(), actor)) // c.Set would not reach the Flow
	}
}
