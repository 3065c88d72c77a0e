// Package console gives agents and supervisors an HTTP API, a live stream and a
// ready page for the calls of a [coaching.Flow]. A host mounts it beside its
// own pages, behind its own login:
//
//	desk, err := console.New(console.Config{
//		Flow:     flow,     // made with Authorize, which decides who may do what
//		Identify: identify, // func(*http.Request) (coaching.Actor, error): who is asking
//	})
//	if err != nil {
//		return err
//	}
//	http.Handle("/desk/", http.StripPrefix("/desk", desk))
//	server.RegisterOnShutdown(desk.Close)
//
// The page is then at /desk/, the API below /desk/api/, and a description of it
// at /desk/api/openapi.json. docs/console.md has all paths, problems and limits.
//
// # Who may do what
//
// Identify says who asks, and coaching.Config.Authorize what they may do; without
// either, [New] refuses. Authorize is asked before every verb and read, about
// every change that a stream would tell of, and every 30 s about all that an
// open stream shows: what an actor may no longer see is taken from their page.
// It should answer from memory, and by the AccessRequest alone: the context of
// a stream bears no value of any request.
//
// Ids come in, never addresses. Whom to ring is looked up: supervisors in
// coaching.Config.Directory, agents in Config.Agent.
//
// # What a host must do
//
// Let a server's WriteTimeout be: for verbs and streams the Console lifts it by
// http.ResponseController, so a middleware that wraps the ResponseWriter needs
// Unwrap. A
// verb waits as long as a phone rings and runs in the request's context: a
// browser that goes away withdraws a take-over which has not opened anything.
//
// # Concurrency
//
// A Console is safe for concurrent use. While streams are open two goroutines
// read the Store for all of them, and end with the last; streams never hold up
// a verb, a callback or each other.
// What it remembers between requests (idempotency keys, where streams broke
// off) is of this process alone, and is only ever a convenience: behind a load
// balancer any instance will do for any request.
package console
