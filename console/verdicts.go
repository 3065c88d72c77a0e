package console

import (
	"context"
	"sync"
	"time"

	"github.com/mpc-coaching/coaching"
)

const (
	askAgain    = 30 * time.Second // Identify, View and Authorize on an open stream
	askPatience = 10 * time.Second // for one look at all calls: what was not answered by then is a no
)

// verdicts are what Authorize has said to one actor about the calls, for all
// streams of that actor: about each version of a call, and about every call
// again with each round.
type verdicts struct {
	actor   coaching.Actor
	streams int // guarded by the hub

	mu    sync.Mutex
	round int
	begun time.Time           // of the round
	said  map[*entry]*verdict // in it
}

type verdict struct {
	version uint64
	done    chan struct{} // closed when ok stands
	ok      bool
}

// listen returns the verdicts of an actor; the caller must unlisten.
func (h *hub) listen(a coaching.Actor) *verdicts {
	h.mu.Lock()
	defer h.mu.Unlock()
	v := h.actors[a]
	if v == nil {
		v = &verdicts{actor: a, begun: time.Now(), said: map[*entry]*verdict{}}
		h.actors[a] = v
	}
	v.streams++
	return v
}

func (h *hub) unlisten(v *verdicts) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if v.streams--; v.streams == 0 {
		delete(h.actors, v.actor)
	}
}

// turn returns the round, and when the next one begins. It begins one that is
// due, and then forgets what was said before.
func (v *verdicts) turn(now time.Time) (round int, next time.Time) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if now.Sub(v.begun) >= askAgain {
		v.round++
		v.begun = now
		v.said = map[*entry]*verdict{}
	}
	return v.round, v.begun.Add(askAgain)
}

// admits reports whether the actor may watch a call as it is. ctx is the feed's,
// so that one stream's end is no answer to another, and so bears no value of any
// request; until bounds the asking.
func (v *verdicts) admits(ctx context.Context, c *Console, t told, until time.Time) bool {
	if t.rev == nil {
		return false
	}
	v.mu.Lock()
	said := v.said[t.e]
	if said != nil && said.version == t.rev.call.Version {
		v.mu.Unlock()
		select {
		case <-said.done:
			return said.ok
		case <-ctx.Done():
			return false
		}
	}
	said = &verdict{version: t.rev.call.Version, done: make(chan struct{})}
	v.said[t.e] = said
	v.mu.Unlock()
	defer close(said.done)
	if time.Now().Before(until) {
		ctx, stop := context.WithDeadline(coaching.WithActor(ctx, v.actor), until)
		defer stop()
		said.ok = c.cfg.Flow.Authorize(ctx, coaching.AccessRequest{Op: "Watch", Call: t.rev.call}) == nil
	}
	return said.ok
}
