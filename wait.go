package coaching

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// How verbs wait: they put an operation into the Call, and look at the Call
// until the operation has its outcome.

const (
	runGrace  = time.Second            // how long a verb waits for a first Run
	waitPause = 500 * time.Millisecond // between looks, where nothing wakes the verb
)

// A waitFor says whether a verb has waited long enough.
type waitFor func(Call, *operation) bool

func finishedOp(_ Call, o *operation) bool { return o.State != opPending }

// acceptedOp is satisfied once Plivo has taken the dial.
func acceptedOp(c Call, o *operation) bool {
	if o.State != opPending {
		return true
	}
	s := c.supervision(o.Sup)
	l := c.leg(legOf(s))
	return s == nil || s.State != SupervisionRinging || l != nil && l.Accepted
}

// do commits a verb and waits for its outcome.
func (f *Flow) do(ctx context.Context, id CallID, a ask, until waitFor) (Call, error) {
	if err := f.awaitRun(ctx); err != nil {
		return Call{}, err
	}
	var made int
	a.made = &made
	c, err := f.commit(ctx, id, a)
	switch {
	case errors.Is(err, errUnchanged):
		return c, nil // the target is reached already
	case err != nil:
		return c, err
	}
	return f.await(ctx, id, made, until)
}

// await looks at the call until the operation is done.
func (f *Flow) await(ctx context.Context, id CallID, op int, until waitFor) (Call, error) {
	var last Call
	for {
		woken := f.ear(id)
		c, err := f.cfg.Store.Get(ctx, id)
		if err == nil {
			last = c
			o := c.op(op)
			if o == nil {
				return c, fmt.Errorf("the call has moved on: %w", ErrUnknown)
			}
			if until(c, o) {
				return c, o.err()
			}
		} else if errors.Is(err, ErrNotFound) {
			return last, fmt.Errorf("the store has lost the call: %w", ErrUnknown)
		}
		if !f.isRunning() {
			return last, fmt.Errorf("Run has returned: %w", ErrUnknown)
		}
		t := time.NewTimer(waitPause)
		select {
		case <-woken:
			t.Stop()
		case <-t.C:
		case <-ctx.Done():
			t.Stop()
			f.giveUpWaiting(id, op)
			return last, fmt.Errorf("%w: %w", ErrUnknown, ctx.Err())
		}
	}
}

// giveUpWaiting takes a raise back whose caller has gone, if nothing was sent
// for it that opens a lock.
func (f *Flow) giveUpWaiting(id CallID, op int) {
	_, err := f.commit(context.Background(), id, withdraw{op})
	if err != nil && !errors.Is(err, errUnchanged) {
		f.cfg.Logger.Warn("a raise could not be withdrawn", "call", id, "err", err)
	}
}

// err is the operation's outcome as an error.
func (o *operation) err() error {
	if o.State != opFailed {
		return nil
	}
	kind := ErrUnknown
	switch o.Fail {
	case failNotApplied:
		kind = ErrNotApplied
	case failEnded:
		kind = ErrCallEnded
	case failConflict:
		kind = ErrConflict
	}
	return fmt.Errorf("%s: %w", o.Why, kind)
}

// awaitRun waits a moment for a first Run.
func (f *Flow) awaitRun(ctx context.Context) error {
	f.mu.Lock()
	started, running, once := f.started, f.running > 0, f.ranOnce
	f.mu.Unlock()
	if running {
		return nil
	}
	if once {
		return ErrNotRunning
	}
	t := time.NewTimer(runGrace)
	defer t.Stop()
	select {
	case <-started:
		return nil
	case <-t.C:
		return ErrNotRunning
	case <-ctx.Done():
		return fmt.Errorf("%w: %w", ErrNotRunning, ctx.Err())
	}
}

func (f *Flow) isRunning() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.running > 0
}

// ear returns a channel that is closed when the call changes next, as far as
// this process learns of it.
func (f *Flow) ear(id CallID) <-chan struct{} {
	f.mu.Lock()
	defer f.mu.Unlock()
	ch, ok := f.ears[id]
	if !ok {
		ch = make(chan struct{})
		f.ears[id] = ch
	}
	return ch
}

// stir wakes those who wait for a call; "": for any.
func (f *Flow) stir(id CallID) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if id != "" {
		if ch, ok := f.ears[id]; ok {
			close(ch)
			delete(f.ears, id)
		}
		return
	}
	for _, ch := range f.ears {
		close(ch)
	}
	clear(f.ears)
}
