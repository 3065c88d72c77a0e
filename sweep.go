package coaching

import (
	"context"
	"errors"
	"strings"
	"time"
)

// Looking for live calls of ours that the store does not have (R18).

const (
	fullSweep  = 10 * time.Minute // every so often all live MPCs are listed
	sweepSlack = 2 * time.Minute  // else those created since the last sweep, less this
)

// sweeping sweeps at the start and every SweepInterval, if no other instance
// does.
func (r *runner) sweeping(ctx context.Context) {
	f := r.f
	var full, last time.Time
	for ctx.Err() == nil {
		now := time.Now()
		if f.lease(ctx, now) {
			since := last.Add(-sweepSlack)
			if r.resynced.Swap(false) || full.IsZero() || now.Sub(full) >= fullSweep {
				since, full = time.Time{}, time.Time{} // until it has succeeded
			}
			if f.sweep(ctx, since) {
				last = now
				if since.IsZero() {
					full = now
				}
			}
		}
		// Not all instances at once, who may have been started together.
		sleep(ctx, f.cfg.SweepInterval-f.jitter(f.cfg.SweepInterval/20))
	}
}

// leaseID names the document whose holder sweeps. It is no live call.
func (f *Flow) leaseID() CallID { return CallID(f.cfg.Prefix + "lease" + strings.Repeat("0", 16)) }

// lease takes the right to sweep for nine tenths of an interval.
func (f *Flow) lease(ctx context.Context, now time.Time) bool {
	id := f.leaseID()
	c, err := f.cfg.Store.Get(ctx, id)
	if errors.Is(err, ErrNotFound) {
		c, err = Call{ID: id, State: StateEnded}, nil
	}
	if err != nil || now.Before(c.work.Lease) {
		return false
	}
	c.work.Lease, c.Expires = now.Add(f.cfg.SweepInterval*9/10), now.Add(time.Hour)
	_, err = f.cfg.Store.Put(ctx, c)
	return err == nil
}

// sweep lists live MPCs created since and adopts ours that are not in the
// store. It reports whether the list was read to its end.
func (f *Flow) sweep(ctx context.Context, since time.Time) bool {
	for _, status := range []MPCStatus{MPCStatusInitialized, MPCStatusActive} {
		filter := &MPCFilter{Status: status, Limit: 20}
		if !since.IsZero() {
			filter.Created.NotBefore = since
		}
		for full := true; full; filter.Offset += filter.Limit {
			if !f.awaitBudget(ctx) {
				return false
			}
			bound, cancel := context.WithTimeout(ctx, f.cfg.RequestTimeout)
			page, err := f.client.ListMPCs(bound, filter)
			cancel()
			if err != nil {
				if ctx.Err() == nil {
					f.cfg.Logger.Warn("live calls cannot be listed", "err", err)
				}
				return false
			}
			for _, x := range page.MPCs {
				f.found(ctx, x)
			}
			full = len(page.MPCs) == filter.Limit
		}
	}
	return true
}

func (f *Flow) awaitBudget(ctx context.Context) bool {
	now := time.Now()
	sleep(ctx, f.pace.sweepAt(now).Sub(now))
	return ctx.Err() == nil
}

// found looks at one live MPC of a sweep.
func (f *Flow) found(ctx context.Context, x MPC) {
	id := CallID(x.FriendlyName)
	if !f.ours(id) || x.UUID == "" {
		return
	}
	n := news{kind: newsOther, mpc: x.UUID}
	if _, err := f.commitFor(ctx, id, foundMPC{n}, provisional{id, n}, commitTime); err != nil && !errors.Is(err, errUnchanged) {
		f.cfg.Logger.Warn("a live call cannot be taken in", "call", id, "err", err)
	}
}

// foundMPC is a live MPC of ours for a call that the store has.
type foundMPC struct{ news news }

func (n foundMPC) on(m *machine, c *Call, now time.Time) error {
	switch {
	case c.State == StateEnded || c.MPC != "" && c.MPC != n.news.mpc:
		if c.hasStep(stepGhost, func(s *step) bool { return s.UUID == n.news.mpc }) {
			return errUnchanged
		}
		if c.MPC == n.news.mpc && now.Sub(c.Ended) < m.settle {
			return errUnchanged // its end is on the way
		}
		m.ghost(c, n.news.mpc)
		return nil
	case c.MPC == "":
		c.bound(n.news.mpc, now)
		m.rise(c, StateWaiting, now)
		c.wantRead(now, true)
		return nil
	}
	return errUnchanged
}
