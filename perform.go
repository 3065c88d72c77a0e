package coaching

import (
	"context"
	"errors"
	"time"
)

// perform does one step outside and returns its outcome. It is the only place
// from which the state machine reaches Plivo, Route and the Observer.
func (f *Flow) perform(ctx context.Context, c *Call, s step) done {
	d := done{ID: s.ID, Owner: s.Owner, By: f.m.by}
	var err error
	switch s.Kind {
	case stepRoute:
		f.performRoute(ctx, c, &d)
		return d
	case stepDrain:
		d.Drained = f.drain(ctx, c)
		return d
	}
	ctx, cancel := context.WithTimeout(ctx, f.cfg.RequestTimeout)
	defer cancel()
	mpc := ByUUID(c.MPC)
	switch s.Kind {
	case stepDial:
		var added AddedParticipant
		p := f.dial(c, s)
		if p.From == "" {
			err = errNoCallerID
		} else if added, err = f.client.AddParticipant(ctx, mpc, p); err == nil {
			d.Req = added.RequestUUID
			for _, k := range added.Calls {
				d.Calls = append(d.Calls, dialled{To: k.To, CallUUID: k.CallUUID})
			}
		}
	case stepUpdate:
		v := s.Value
		var u ParticipantUpdate
		switch s.Flag {
		case flagMute:
			u.Mute = &v
		case flagHold:
			u.Hold = &v
		default:
			u.CoachMode = &v
		}
		err = f.client.UpdateParticipants(ctx, mpc, MemberIDs(s.Member), u)
	case stepKick:
		err = f.client.KickParticipants(ctx, mpc, MemberIDs(s.Member))
	case stepHangup:
		err = f.client.HangUp(ctx, s.UUID)
	case stepCancel:
		err = f.client.CancelRequest(ctx, s.UUID)
	case stepActivate:
		err = f.client.ActivateMPC(ctx, mpc)
	case stepEnd, stepGhost:
		err = f.client.EndMPC(ctx, ByUUID(s.UUID))
	case stepRead:
		d.Seen, err = f.look(ctx, mpc, s.MPC)
	case stepFind:
		var x MPC
		if x, err = f.client.MPC(ctx, ByName(c.ID)); err == nil {
			d.Seen = &seen{MPC: x.UUID, Name: x.FriendlyName, Status: stateOf(x.Status)}
		}
	case stepCause:
		var k CallDetail
		k, err = f.client.CallDetail(ctx, s.UUID)
		if outcomeOf(err) == clientGone && s.UUID == c.CallUUID { // a live call may have to be asked for as such
			k, err = f.client.callDetail(ctx, s.UUID, "live")
		}
		if err == nil {
			d.Cause = &ending{Over: k.HangupCauseCode != 0 || !k.Ended.IsZero() || k.HangupCauseName != "", Code: k.HangupCauseCode, Source: k.HangupSource, From: k.From, To: k.To}
		}
	}
	d.Out, d.After = outcomeOf(err), clientRetryAfter(err)
	if err != nil {
		d.Err, d.Unsent = reasonFor(err), errors.Is(err, ErrInvalid)
		f.logOutcome(c, s, d, err)
	}
	return d
}

// reasonFor is what is said of a failure in errors and records: the provider's
// words, which the client has cleared of numbers and addresses.
func reasonFor(err error) string {
	var api *APIError
	if errors.As(err, &api) && api.Message != "" {
		return api.Message
	}
	return err.Error()
}

func (f *Flow) logOutcome(c *Call, s step, d done, err error) {
	args := []any{"call", c.ID, "step", s.Kind.String(), "outcome", d.Out.String(), "err", err}
	switch {
	case d.Unsent:
		f.cfg.Logger.Error("a request cannot be made", args...)
	case d.Out == clientUnauthorized, d.Out == clientRefused && s.Kind == stepDial:
		f.cfg.Logger.Error("the provider refuses", args...)
	case d.Out == clientGone && (s.Kind == stepHangup || s.Kind == stepCancel || s.Kind == stepFind || s.Kind == stepGhost || s.Kind == stepEnd):
		// what was to be gone is gone
	default:
		f.cfg.Logger.Warn("a request failed", args...)
	}
}

// look lists the participants, and gets the MPC where asked. The MPC is asked
// first: if it has ended, that is all there is to know.
func (f *Flow) look(ctx context.Context, mpc MPCRef, whole bool) (*seen, error) {
	out := &seen{}
	if whole {
		x, err := f.client.MPC(ctx, mpc)
		if err != nil {
			return nil, err
		}
		out.MPC, out.Name, out.Status = x.UUID, x.FriendlyName, stateOf(x.Status)
		if out.Status == StateEnded {
			return out, nil
		}
	}
	list, err := f.client.Participants(ctx, mpc, nil)
	if err != nil {
		return nil, err
	}
	for _, p := range list {
		out.Members = append(out.Members, seenMember{
			Member: p.MemberID, CallUUID: p.CallUUID, Role: p.Role, Address: p.Address,
			Mute: p.Mute, Hold: p.Hold, Coach: p.CoachMode,
			Exited: !p.Exited.IsZero() || p.ExitCause != "", Cause: p.ExitCause,
		})
	}
	return out, nil
}

func stateOf(s MPCStatus) CallState {
	switch s {
	case MPCStatusInitialized:
		return StateWaiting
	case MPCStatusActive:
		return StateActive
	case MPCStatusEnded:
		return StateEnded
	}
	return 0
}

// performRoute asks the host whom to ring. An answer that cannot be carried
// out counts as an error.
func (f *Flow) performRoute(ctx context.Context, c *Call, d *done) {
	next, err := guardHost(ctx, f, "Route", func(ctx context.Context) (Next, error) { return f.cfg.Route(ctx, c.clone()) })
	if err == nil {
		err = next.check()
	}
	if err == nil && dataSize(c.Data, next.Data) > dataLimit {
		f.cfg.Logger.Error("Next.Data would make Call.Data larger than 4 KiB; it is left out", "call", c.ID)
		next.Data = nil
	}
	if err != nil {
		f.cfg.Logger.Error("Route failed; the customer keeps the music", "call", c.ID, "err", err)
		d.Out, d.Err = clientUnknown, "Route failed"
		return
	}
	d.Out, d.Next = clientOK, &next
}

// drain gives the Observer the records that wait, and returns the last one's
// number. What is stored meanwhile is drained the next time.
func (f *Flow) drain(ctx context.Context, c *Call) uint64 {
	out := c.work.Out
	if len(out) == 0 {
		return 0
	}
	ctx, cancel := context.WithTimeout(ctx, f.cfg.RequestTimeout)
	defer cancel()
	ended := make(chan uint64, 1)
	go func() {
		var last uint64
		for _, r := range out {
			if ctx.Err() != nil {
				break
			}
			f.observe(ctx, r)
			last = r.Seq
		}
		ended <- last
	}()
	select {
	case last := <-ended:
		return last
	case <-ctx.Done():
		select { // a slow Observer may still finish the record it is at
		case last := <-ended:
			return last
		case <-time.After(time.Second):
			f.cfg.Logger.Error("the Observer stalls; records will be repeated", "call", c.ID)
			return 0
		}
	}
}
