package coaching

import (
	"context"
	"errors"
	"iter"
)

// A CallFilter selects calls; the zero one selects all that are not ended.
type CallFilter struct {
	Agent      AgentID      // with this agent in it
	Supervisor SupervisorID // with this supervisor in it or being rung
}

// Call returns a call, ended ones until Config.Retention has passed.
// [ErrInvalid], [ErrNotFound], [ErrDenied].
func (f *Flow) Call(ctx context.Context, id CallID) (Call, error) {
	c, err := f.checked(ctx, "Call", id, "", 0)
	if err != nil {
		return Call{}, wrap("Call", err)
	}
	return c, nil
}

// Calls yields the calls that are not ended and that the actor may see, in the
// Store's order. It is never denied as a whole: who may see none gets none. An
// error ends the sequence.
func (f *Flow) Calls(ctx context.Context, filter CallFilter) iter.Seq2[Call, error] {
	return func(yield func(Call, error) bool) {
		for c, err := range f.cfg.Store.Live(ctx) {
			if err != nil {
				yield(Call{}, wrap("Calls", err))
				return
			}
			if c.State == StateEnded || c.work.Ghost || !filter.admits(c) || f.authorize(ctx, AccessRequest{Op: "Calls", Call: c}) != nil {
				continue
			}
			if !yield(c, nil) {
				return
			}
		}
	}
}

func (q CallFilter) admits(c Call) bool {
	if q.Agent != "" {
		if _, ok := c.Agent(q.Agent); !ok {
			return false
		}
	}
	return q.Supervisor == "" || c.supervision(q.Supervisor).open()
}

// WatchOptions are the extras of [Flow.Watch]; nil is the zero value.
type WatchOptions struct {
	After Cursor // go on after this change; "": from now on
	Call  CallID // changes of this call alone; "": of all
}

// Watch yields changes of calls that the actor may see. The subscription
// starts at the call of Watch, not at the first change taken. Versions of one
// call only rise; some may be left out, the last one always arrives. A cursor
// that is too old gives one Resync change, which tells of no call, so that who
// may see none gets it too. It ends with ctx, whose error it yields. Without a
// [Watcher] as Store it is [ErrInvalid]. The sequence may be ranged over once.
func (f *Flow) Watch(ctx context.Context, o *WatchOptions) iter.Seq2[Change, error] {
	if o == nil {
		o = &WatchOptions{}
	}
	fail := func(err error) iter.Seq2[Change, error] {
		return func(yield func(Change, error) bool) { yield(Change{}, wrap("Watch", err)) }
	}
	w, ok := f.cfg.Store.(Watcher)
	if !ok {
		return fail(invalid("the Store has no feed of changes"))
	}
	if o.Call != "" {
		if _, err := f.checked(ctx, "Watch", o.Call, "", 0); err != nil && !errors.Is(err, ErrNotFound) {
			return fail(err)
		}
	}
	changes := w.Changes(ctx, o.After)
	return func(yield func(Change, error) bool) {
		for ch, err := range changes {
			if err != nil {
				yield(Change{}, wrap("Watch", err))
				return
			}
			if !ch.Resync {
				if o.Call != "" && ch.Call.ID != o.Call || ch.Call.ID == f.leaseID() || ch.Call.work.Ghost {
					continue
				}
				if f.authorize(ctx, AccessRequest{Op: "Watch", Call: ch.Call}) != nil {
					continue
				}
			}
			if !yield(ch, nil) {
				return
			}
		}
	}
}
