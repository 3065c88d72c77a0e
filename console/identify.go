package console

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/mpc-coaching/coaching"
)

// identify asks the host who it is and what is hidden from them. Its error is a
// problem; what the host said is logged and shown to nobody.
func (c *Console) identify(r *http.Request) (viewer, error) {
	actor, err := guard(c, "Identify", func() (coaching.Actor, error) { return c.cfg.Identify(r) })
	if errors.Is(err, errPanicked) {
		return viewer{}, problem(internal, "")
	}
	if err != nil || actor.ID == "" {
		c.cfg.Logger.DebugContext(r.Context(), "nobody is asking", "err", err)
		return viewer{}, problem(unauthenticated, "log in first")
	}
	view, err := guard(c, "View", func() (View, error) { return c.view(actor), nil })
	if err != nil {
		return viewer{}, problem(internal, "")
	}
	return viewer{actor, view}, nil
}

var errPanicked = errors.New("host code panicked")

// guard calls host code; a panic becomes an error.
func guard[T any](c *Console, hook string, call func() (T, error)) (v T, err error) {
	defer func() {
		if p := recover(); p != nil {
			c.cfg.Logger.Error("host code panicked", "hook", hook, "panic", fmt.Sprint(p))
			err = fmt.Errorf("%s: %w", hook, errPanicked)
		}
	}()
	return call()
}

// me serves who asks, and whom they may choose from.
func (c *Console) me(w http.ResponseWriter, r *http.Request, who viewer) error {
	var people People
	if c.cfg.People != nil {
		var err error
		people, err = guard(c, "People", func() (People, error) { return c.cfg.People(r.Context(), who.actor) })
		if err != nil {
			c.cfg.Logger.ErrorContext(r.Context(), "People failed", "err", err)
			return problem(internal, "the people to choose from are not known now")
		}
	}
	if people.Agents == nil {
		people.Agents = []Person{}
	}
	if people.Supervisors == nil {
		people.Supervisors = []Person{}
	}
	writeJSON(w, http.StatusOK, meJSON{
		Actor: actorJSON(who.actor), Title: c.cfg.Title, View: viewJSON(who.view), People: people,
	})
	return nil
}

type meJSON struct {
	Actor  actorJSON `json:"actor"`
	Title  string    `json:"title"`
	View   viewJSON  `json:"view"`
	People People    `json:"people"`
}

// actorJSON is an Actor whose empty members are shown.
type actorJSON struct {
	ID   string `json:"id"`
	Role string `json:"role"`
}

type viewJSON struct {
	MaskNumbers  bool `json:"mask_numbers"`
	HideMonitors bool `json:"hide_monitors"`
}

// agent asks the host for an agent to ring.
func (c *Console) agent(ctx context.Context, id coaching.AgentID) (coaching.Agent, error) {
	if c.cfg.Agent == nil {
		return coaching.Agent{}, problem(invalid, "this console rings no agents")
	}
	a, err := guard(c, "Agent", func() (coaching.Agent, error) { return c.cfg.Agent(ctx, id) })
	switch {
	case errors.Is(err, coaching.ErrNotFound):
		return a, problem(notFound, "no such agent")
	case err != nil:
		c.cfg.Logger.ErrorContext(ctx, "Agent failed", "err", err)
		return a, problem(internal, "the agent's phone is not known now")
	}
	a.ID = id
	return a, nil
}
