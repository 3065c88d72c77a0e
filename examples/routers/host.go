package main

import (
	"context"
	"net/http"

	"github.com/mpc-coaching/coaching"
)

// A host is what stands for your own code in the files of the routers.
type host struct {
	// login says who sends a request, if that is somebody you know.
	login func(*http.Request) (coaching.Actor, bool)
	// barge is Flow.Barge for people who are known by their id. It takes as long
	// as the supervisor's phone rings.
	barge func(context.Context, coaching.CallID, coaching.SupervisorID) (coaching.Supervision, error)
}

// An answer is the body of what a desktop asked for. With an error too the
// supervision tells what is known, such as a reason to show.
type answer struct {
	Supervision coaching.Supervision `json:"supervision,omitzero"`
	Error       string               `json:"error,omitempty"`
}

// answered turns what a verb returned into a status and a body.
func answered(sup coaching.Supervision, err error) (int, answer) {
	status := coaching.HTTPStatus(err)
	switch {
	case err == nil:
		return status, answer{Supervision: sup}
	case status == http.StatusInternalServerError: // of a Store, say: nothing to show people
		return status, answer{Supervision: sup, Error: http.StatusText(status)}
	}
	return status, answer{Supervision: sup, Error: err.Error()}
}
