package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/plivo/plivo-go/v7"

	"github.com/mpc-coaching/coaching"
	"github.com/mpc-coaching/coaching/plivotest"
)

// What follows stands for a contact center: one number, one agent, one
// supervisor, and an emulator in place of Plivo.

const (
	hotline  = "14155550100"
	caller   = "14155550123"
	ann      = "sip:ann@phone.plivo.com"
	lee      = "sip:lee@phone.plivo.com"
	password = "demo"
)

// centerConfig rings Ann. publicURL is where Plivo reaches the Flow's handler.
func centerConfig(emu *plivotest.Server, publicURL string) (coaching.Config, error) {
	sdk, err := plivo.NewClient(emu.AuthID(), emu.AuthToken(), &plivo.ClientOptions{})
	return coaching.Config{
		Plivo:      sdk,
		PublicURL:  publicURL,
		Route:      coaching.RingOnce(coaching.Agent{ID: "ann", Address: ann}),
		Directory:  directory,
		Authorize:  authorize,
		HTTPClient: emu.Client(), // in place of api.plivo.com
	}, err
}

// newCenter returns the center's Flow, and what the routers need of the host.
func newCenter(emu *plivotest.Server, publicURL string) (*coaching.Flow, host, error) {
	cfg, err := centerConfig(emu, publicURL)
	if err != nil {
		return nil, host{}, err
	}
	flow, err := coaching.New(cfg)
	if err != nil {
		return nil, host{}, err
	}
	emu.Number(hotline, publicURL+"/answer")
	barge := func(ctx context.Context, call coaching.CallID, id coaching.SupervisorID) (coaching.Supervision, error) {
		return flow.Barge(ctx, call, coaching.Supervisor{ID: id}, nil) // the Directory knows the address
	}
	return flow, host{login: login, barge: barge}, nil
}

// login stands for your sessions.
func login(r *http.Request) (coaching.Actor, bool) {
	name, pass, _ := r.BasicAuth()
	roles := map[string]string{"ann": "agent", "lee": "supervisor"}
	return coaching.Actor{ID: name, Role: roles[name]}, roles[name] != "" && pass == password
}

func directory(_ context.Context, id coaching.SupervisorID) (coaching.Supervisor, error) {
	if id != "lee" {
		return coaching.Supervisor{}, fmt.Errorf("supervisor %q: %w", id, coaching.ErrNotFound) // else it counts as our own failure, 500
	}
	return coaching.Supervisor{ID: id, Address: lee}, nil
}

// authorize lets supervisors come by themselves, and nothing else.
func authorize(_ context.Context, r coaching.AccessRequest) error {
	if r.Op == "Barge" && r.Actor.Role == "supervisor" && r.Actor.ID == string(r.Supervisor) {
		return nil
	}
	return errors.New("supervisors come by themselves")
}
