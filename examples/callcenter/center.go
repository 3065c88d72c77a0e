package main

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/plivo/plivo-go/v7"

	"github.com/mpc-coaching/coaching"
)

const (
	// askAgain is how long a customer waits, with music, before free agents
	// are looked for again.
	askAgain = 2 * time.Second
	// offerTime is how long the books may take to show that an agent rings.
	offerTime = 3 * time.Second
)

// A center is the host: who works here, who is rung, who may do what.
type center struct {
	staff staff
	flow  *coaching.Flow

	mu     sync.Mutex
	offers map[coaching.AgentID]offer
}

// An offer is an agent chosen for a call, until the books show that they ring.
type offer struct {
	call coaching.CallID
	at   time.Time
}

// centerConfig is what differs between the emulator and Plivo.
type centerConfig struct {
	staff             staff
	authID, authToken string
	publicURL         string // of the Flow
	prefix            string
	store             coaching.Store
	client            *http.Client  // reaches Plivo's API; nil: the library's own
	ringTime          time.Duration // 0: the library's own
	readLag           time.Duration // 0: the library's own
	logger            *slog.Logger
}

func newCenter(cfg centerConfig) (*center, error) {
	sdk, err := plivo.NewClient(cfg.authID, cfg.authToken, &plivo.ClientOptions{})
	if err != nil {
		return nil, err
	}
	c := &center{staff: cfg.staff, offers: map[coaching.AgentID]offer{}}
	c.flow, err = coaching.New(coaching.Config{
		Plivo:      sdk,
		PublicURL:  cfg.publicURL,
		Prefix:     cfg.prefix,
		Store:      cfg.store,
		HTTPClient: cfg.client,
		Logger:     cfg.logger,
		RingTime:   cfg.ringTime,
		ReadLag:    cfg.readLag,
		Route:      c.route,
		Directory:  c.directory,
		Authorize:  c.authorize,
	})
	return c, err
}

// route rings one free agent of the team after the other, and lets the
// customer wait while all are busy.
func (c *center) route(ctx context.Context, call coaching.Call) (coaching.Next, error) {
	team := c.staff.team(call)
	if team == "" {
		return coaching.Next{}, nil // a number that is nobody's: the farewell
	}
	others, err := c.others(ctx, call.ID)
	if err != nil {
		return coaching.Next{}, err
	}
	next := coaching.Next{Wait: askAgain, Data: map[string]string{"team": team}}
	agent, ok := c.choose(call, c.staff.of(agentRole, team), others)
	if ok && !justRung(call, agent.ID) {
		next.Ring, next.Wait = []coaching.Agent{agent}, 0
	}
	return next, nil
}

// justRung says whether an agent did not take this call a moment ago.
func justRung(call coaching.Call, id coaching.AgentID) bool {
	if len(call.Attempts) == 0 {
		return false
	}
	last := call.Attempts[len(call.Attempts)-1]
	return time.Since(last.Ended) < askAgain && rings(last, id)
}

func rings(a coaching.Attempt, id coaching.AgentID) bool {
	return slices.ContainsFunc(a.Rings, func(r coaching.Ring) bool { return r.Agent == id })
}

// others returns the live calls but one.
func (c *center) others(ctx context.Context, except coaching.CallID) (map[coaching.CallID]coaching.Call, error) {
	calls := map[coaching.CallID]coaching.Call{}
	for call, err := range c.flow.Calls(coaching.AsHost(ctx), coaching.CallFilter{}) {
		if err != nil {
			return nil, err
		}
		if call.ID != except {
			calls[call.ID] = call
		}
	}
	return calls, nil
}

// busy returns the agents who are in calls, or rung for them.
func busy(calls map[coaching.CallID]coaching.Call) map[coaching.AgentID]bool {
	out := map[coaching.AgentID]bool{}
	for _, call := range calls {
		for _, p := range call.Participants {
			if p.Live() && p.Agent != "" {
				out[p.Agent] = true
			}
		}
		for _, id := range rungNow(call) {
			out[id] = true
		}
	}
	return out
}

// rungNow returns the agents whose phones ring for a call.
func rungNow(call coaching.Call) (ids []coaching.AgentID) {
	for _, a := range call.Attempts {
		for _, r := range a.Rings {
			if a.Ended.IsZero() && r.Outcome <= coaching.LegPending {
				ids = append(ids, r.Agent)
			}
		}
	}
	return ids
}

// choose takes the free agent who was rung least often for this call, the
// first of the list where several were. It keeps two customers who ask at once
// from the same agent: between instances, where it cannot, the phone is busy.
func (c *center) choose(call coaching.Call, team []person, others map[coaching.CallID]coaching.Call) (coaching.Agent, bool) {
	taken := busy(others)
	rung := map[coaching.AgentID]int{}
	for _, a := range call.Attempts {
		for _, r := range a.Rings {
			rung[r.Agent]++
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	now := time.Now()
	var best *person
	for i, p := range team {
		id := coaching.AgentID(p.ID)
		if taken[id] || c.offers[id].holds(id, others, now) {
			continue
		}
		if best == nil || rung[id] < rung[coaching.AgentID(best.ID)] {
			best = &team[i]
		}
	}
	if best == nil {
		return coaching.Agent{}, false
	}
	c.offers[coaching.AgentID(best.ID)] = offer{call.ID, now}
	return best.agent(), true
}

// holds says whether the agent is still promised to another call: it lives, and
// the books do not show yet what became of the offer.
func (o offer) holds(id coaching.AgentID, others map[coaching.CallID]coaching.Call, now time.Time) bool {
	call, live := others[o.call]
	return live && now.Sub(o.at) < offerTime &&
		!slices.ContainsFunc(call.Attempts, func(a coaching.Attempt) bool { return rings(a, id) && !a.Started.Before(o.at) })
}

// directory finds a supervisor's address, so that nobody else has to know it.
func (c *center) directory(_ context.Context, id coaching.SupervisorID) (coaching.Supervisor, error) {
	p, ok := c.staff.find(supervisorRole, string(id))
	if !ok {
		return coaching.Supervisor{}, errors.New("no such supervisor")
	}
	return p.supervisor(), nil
}

// agent finds an agent's address, for the console.
func (c *center) agent(_ context.Context, id coaching.AgentID) (coaching.Agent, error) {
	p, ok := c.staff.find(agentRole, string(id))
	if !ok {
		return coaching.Agent{}, errors.New("no such agent")
	}
	return p.agent(), nil
}
