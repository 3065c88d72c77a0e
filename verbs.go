package coaching

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// JoinOptions are the extras of [Flow.AddSupervisor] and [Flow.Barge]; nil is
// the zero value.
type JoinOptions struct {
	// Mode is ModeMonitor or ModeCoach; zero: ModeCoach.
	Mode CoachMode
	// NoWait returns as soon as Plivo has accepted the dial; [Flow.Await]
	// waits later.
	NoWait bool
	// RingTime is how long the supervisor's phone rings; 0: Config.RingTime.
	RingTime time.Duration
}

// TakeOverOptions are the extras of [Flow.TakeOver]; nil is the zero value.
type TakeOverOptions struct {
	// Agent says what becomes of the agents; AgentKeep by default.
	Agent AgentPart
	// RingTime is as in JoinOptions, for a supervisor who is not in the call.
	RingTime time.Duration
}

// HandBackOptions are the extras of [Flow.HandBack]; nil is the zero value.
type HandBackOptions struct {
	// To rings these agents instead of those that the take-over removed.
	To []Agent
	// RingTime is how long they ring; 0: Config.RingTime.
	RingTime time.Duration
	// Mode is what the supervisor goes back to; zero: what they were in
	// before TakeOver, else ModeCoach.
	Mode CoachMode
}

// EndOptions are the extras of [Flow.End]; nil is the zero value.
type EndOptions struct {
	// Farewell lets the customer hear what they hear when nobody was found.
	Farewell bool
}

// AddSupervisor rings a supervisor for an agent who asked for help. It waits
// until the supervisor is in and confirmed in the mode asked for; the customer
// does not hear them. A supervisor who is in the call already, or rung
// already, is left as they are and returned: one live leg per call and
// supervisor, however often a button is pressed.
//
// Errors: [ErrInvalid], [ErrDenied], [ErrNotFound], [ErrCallEnded]; [ErrConflict]
// for a full call or one that is not there yet, and while a phone of theirs that
// was given up may still ring; [ErrNotApplied] where they did not answer, were
// busy or refused; [ErrUnknown], with the context's error, where ctx ended first:
// the phone rings on, [Flow.Leave] gives it up.
func (f *Flow) AddSupervisor(ctx context.Context, id CallID, sup Supervisor, o *JoinOptions) (Supervision, error) {
	return f.join(ctx, "AddSupervisor", id, sup, o)
}

// Barge rings a supervisor who wants into a live call, unheard by the
// customer: coaching by default, or monitoring. ModeOpen is [ErrInvalid], see
// [Flow.TakeOver]. Everything else is as for [Flow.AddSupervisor].
func (f *Flow) Barge(ctx context.Context, id CallID, sup Supervisor, o *JoinOptions) (Supervision, error) {
	return f.join(ctx, "Barge", id, sup, o)
}

func (f *Flow) join(ctx context.Context, op string, id CallID, sup Supervisor, o *JoinOptions) (Supervision, error) {
	if o == nil {
		o = &JoinOptions{}
	}
	mode := o.Mode
	if mode == 0 {
		mode = ModeCoach
	}
	if mode != ModeMonitor && mode != ModeCoach {
		return Supervision{}, wrap(op, invalid("a supervisor joins in ModeMonitor or ModeCoach"))
	}
	if err := checkRing(o.RingTime); err != nil {
		return Supervision{}, wrap(op, err)
	}
	a := ask{op: operation{Kind: opJoin, Sup: sup.ID, Mode: mode, Actor: actorOf(ctx)}, sup: sup, ring: o.RingTime}
	until := finishedOp
	if o.NoWait {
		until = acceptedOp
	}
	return f.supervise(ctx, op, id, sup.ID, mode, a, until)
}

// SetMode switches a supervisor who is in the call between ModeMonitor and
// ModeCoach; ModeOpen is [ErrInvalid], see [Flow.TakeOver]. It returns once a
// read shows the new mode. [ErrConflict]: the supervisor still rings, has taken
// over and is the only one the customer hears (use [Flow.HandBack]), or an
// earlier request may still open a lock. [ErrUnknown]: Plivo does not confirm it
// within 8 s; the library goes on closing.
func (f *Flow) SetMode(ctx context.Context, id CallID, sup SupervisorID, mode CoachMode) error {
	if mode != ModeMonitor && mode != ModeCoach {
		return wrap("SetMode", invalid("mode must be ModeMonitor or ModeCoach"))
	}
	a := ask{op: operation{Kind: opMode, Sup: sup, Mode: mode, Actor: actorOf(ctx)}}
	_, err := f.supervise(ctx, "SetMode", id, sup, mode, a, finishedOp)
	return err
}

// TakeOver lets a supervisor talk with the customer; somebody who is not in
// the call is rung first. In this order, each step confirmed: the call is
// active, the customer off hold, the supervisor audible, and then the agents'
// part: kept, muted, held or removed. Until the agents' part is sent a failure
// undoes everything; after that the supervisor stays audible.
//
// If ctx ends before anything was sent that opens the way to the customer's
// ear, the take-over is withdrawn: a supervisor who answers later only coaches.
//
// Errors as for [Flow.AddSupervisor]; [ErrConflict] also while the supervisor
// still rings for another verb, and for a minute after a request of theirs
// that opens a lock went unanswered.
func (f *Flow) TakeOver(ctx context.Context, id CallID, sup Supervisor, o *TakeOverOptions) (Supervision, error) {
	if o == nil {
		o = &TakeOverOptions{}
	}
	if o.Agent > AgentRemove {
		return Supervision{}, wrap("TakeOver", invalid("Agent is undeclared"))
	}
	if err := checkRing(o.RingTime); err != nil {
		return Supervision{}, wrap("TakeOver", err)
	}
	a := ask{op: operation{Kind: opTakeOver, Sup: sup.ID, Mode: ModeOpen, Part: o.Agent, Actor: actorOf(ctx)}, sup: sup, ring: o.RingTime}
	return f.supervise(ctx, "TakeOver", id, sup.ID, ModeOpen, a, finishedOp)
}

// HandBack undoes TakeOver: the agents get back the mute and hold they had
// before, or, if they were removed, are rung again; once one is confirmed
// audible, the supervisor is lowered to the mode they were in. If nobody
// answers, [ErrNotApplied], and the supervisor keeps the call. [ErrConflict]: the
// supervisor has not taken over.
func (f *Flow) HandBack(ctx context.Context, id CallID, sup SupervisorID, o *HandBackOptions) (Supervision, error) {
	if o == nil {
		o = &HandBackOptions{}
	}
	if o.Mode > ModeCoach {
		return Supervision{}, wrap("HandBack", invalid("Mode must be ModeMonitor or ModeCoach"))
	}
	if err := errors.Join(checkRing(o.RingTime), Next{Ring: o.To}.check()); err != nil {
		return Supervision{}, wrap("HandBack", err)
	}
	a := ask{op: operation{Kind: opHandBack, Sup: sup, Mode: o.Mode, For: o.RingTime, Actor: actorOf(ctx)}, to: o.To}
	return f.supervise(ctx, "HandBack", id, sup, ModeCoach, a, finishedOp)
}

// Leave takes a supervisor out of the call, or gives up their ringing phone.
// It replaces a pending raise. The agents get back the mute and hold they had.
// [ErrConflict]: the customer would be left with nobody; use [Flow.HandBack].
func (f *Flow) Leave(ctx context.Context, id CallID, sup SupervisorID) error {
	a := ask{op: operation{Kind: opLeave, Sup: sup, Actor: actorOf(ctx)}}
	_, err := f.supervise(ctx, "Leave", id, sup, 0, a, finishedOp)
	return err
}

// Await waits for what was asked last about a supervisor, such as a Barge with
// NoWait, and returns its outcome. What has ended is remembered for a minute;
// later, nil says no more than that the supervisor is in the call.
func (f *Flow) Await(ctx context.Context, id CallID, sup SupervisorID) (Supervision, error) {
	if !validPersonID(string(sup)) {
		return Supervision{}, wrap("Await", invalid("a SupervisorID matches [A-Za-z0-9._@-]{1,64}"))
	}
	c, err := f.checked(ctx, "Await", id, sup, 0)
	if err != nil {
		return Supervision{}, wrap("Await", err)
	}
	s := c.supervision(sup)
	if s == nil {
		return Supervision{}, wrap("Await", ErrNotFound)
	}
	o := c.opOf(sup)
	if o == nil && s.State != SupervisionEnded {
		o = c.lastOp(sup)
	}
	switch {
	case o != nil:
		c, err = f.await(ctx, id, o.ID, finishedOp)
	case s.State == SupervisionEnded:
		err = fmt.Errorf("%s: %w", reasonOf(s), ErrNotApplied)
	}
	return supervisionIn(c, sup), wrap("Await", err)
}

// Hold lets a participant hear hold music and be heard by nobody. Holding the
// only one the customer hears is done by holding the customer. It returns once
// a read shows it; [ErrConflict], [ErrNotApplied] and [ErrUnknown] as for SetMode.
func (f *Flow) Hold(ctx context.Context, id CallID, m MemberID) error {
	return f.flag(ctx, "Hold", id, m, opHold, true)
}

// Resume undoes [Flow.Hold]. [ErrConflict]: a take-over or the lack of anybody
// to talk with keeps the participant on hold.
func (f *Flow) Resume(ctx context.Context, id CallID, m MemberID) error {
	return f.flag(ctx, "Resume", id, m, opHold, false)
}

// Mute silences a participant, who goes on hearing. [ErrConflict]: they are the
// only one the customer hears; agents mute in their softphone. Supervisors are
// silenced by [Flow.SetMode].
func (f *Flow) Mute(ctx context.Context, id CallID, m MemberID) error {
	return f.flag(ctx, "Mute", id, m, opMute, true)
}

// Unmute undoes [Flow.Mute]. [ErrConflict]: a take-over keeps them muted.
func (f *Flow) Unmute(ctx context.Context, id CallID, m MemberID) error {
	return f.flag(ctx, "Unmute", id, m, opMute, false)
}

func (f *Flow) flag(ctx context.Context, op string, id CallID, m MemberID, k opKind, v bool) error {
	return f.onMember(ctx, op, id, m, ask{op: operation{Kind: k, Member: m, Value: v, Actor: actorOf(ctx)}})
}

// Remove takes a participant out of the call. Removing the customer is
// [ErrInvalid], see [Flow.End]; removing the last agent finds another.
func (f *Flow) Remove(ctx context.Context, id CallID, m MemberID) error {
	return f.onMember(ctx, "Remove", id, m, ask{op: operation{Kind: opRemove, Member: m, Actor: actorOf(ctx)}})
}

func (f *Flow) onMember(ctx context.Context, op string, id CallID, m MemberID, a ask) error {
	if !validMemberID(m) {
		return wrap(op, invalid("a MemberID is 1 to 20 digits"))
	}
	if _, err := f.checked(ctx, op, id, "", 0); err != nil {
		return wrap(op, err)
	}
	_, err := f.do(ctx, id, a, finishedOp)
	return wrap(op, err)
}

// Transfer rings another agent; the first one leaves when the other is
// confirmed audible. Asked again for the same agents while that is under way,
// it waits for the same. [ErrNotApplied]: nobody answered, the first one stays.
// [ErrConflict]: somebody else is being rung already, or no agent is in the call.
func (f *Flow) Transfer(ctx context.Context, id CallID, next Next) error {
	err := next.check()
	if err == nil && (len(next.Ring) == 0 || next.Wait != 0) {
		err = invalid("Transfer needs agents in Next.Ring and no Wait")
	}
	if err != nil {
		return wrap("Transfer", err)
	}
	if _, err := f.checked(ctx, "Transfer", id, "", 0); err != nil {
		return wrap("Transfer", err)
	}
	_, err = f.do(ctx, id, ask{op: operation{Kind: opTransfer, For: next.For, Actor: actorOf(ctx)}, to: next.Ring}, finishedOp)
	return wrap("Transfer", err)
}

// End ends a call for everybody, and gives up whoever still rings. It returns
// once the call is over; a call that is over already is no error.
func (f *Flow) End(ctx context.Context, id CallID, o *EndOptions) error {
	if _, err := f.checked(ctx, "End", id, "", 0); err != nil {
		return wrap("End", err)
	}
	_, err := f.do(ctx, id, ask{op: operation{Kind: opEnd, Actor: actorOf(ctx)}, farewell: o != nil && o.Farewell}, finishedOp)
	return wrap("End", err)
}

// wrap adds the verb's name, once.
func wrap(op string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("coaching: %s: %w", op, err)
}

func checkRing(d time.Duration) error {
	if d != 0 && (d < 5*time.Second || d > 2*time.Minute) {
		return invalid("RingTime must be from 5 s to 2 min")
	}
	return nil
}

// resolve completes a supervisor whom the host names by id alone.
func (f *Flow) resolve(ctx context.Context, sup Supervisor) (Supervisor, error) {
	if sup.Address == "" && f.cfg.Directory != nil && validPersonID(string(sup.ID)) {
		id := sup.ID
		found, err := guardHost(ctx, f, "Directory", func(ctx context.Context) (Supervisor, error) { return f.cfg.Directory(ctx, id) })
		if err != nil {
			return sup, fmt.Errorf("asking Directory: %w", err)
		}
		sup = found
		sup.ID = id
	}
	return sup, sup.check(true)
}

// checked reads the call and asks Authorize.
func (f *Flow) checked(ctx context.Context, op string, id CallID, sup SupervisorID, mode CoachMode) (Call, error) {
	if !validCallID(id) {
		return Call{}, invalid("a CallID matches [A-Za-z0-9]{16,64}")
	}
	if sup != "" && !validPersonID(string(sup)) {
		return Call{}, invalid("a SupervisorID matches [A-Za-z0-9._@-]{1,64}")
	}
	c, err := f.cfg.Store.Get(ctx, id)
	if err != nil {
		return Call{}, err
	}
	if id == f.leaseID() {
		return Call{}, ErrNotFound
	}
	return c, f.authorize(ctx, AccessRequest{Op: op, Call: c, Supervisor: sup, Mode: mode})
}

// supervise runs a verb about a supervisor.
func (f *Flow) supervise(ctx context.Context, op string, id CallID, sup SupervisorID, mode CoachMode, a ask, until waitFor) (Supervision, error) {
	if !validPersonID(string(sup)) {
		return Supervision{}, wrap(op, invalid("a SupervisorID matches [A-Za-z0-9._@-]{1,64}"))
	}
	c, err := f.checked(ctx, op, id, sup, mode)
	if err != nil {
		return Supervision{}, wrap(op, err)
	}
	// Whom Directory knows is told to nobody who may not ask for them. Who is in
	// the call is rung no more, so no address is needed.
	if k := a.op.Kind; k == opJoin || k == opTakeOver && !c.supervision(sup).open() {
		if a.sup, err = f.resolve(ctx, a.sup); err != nil {
			return Supervision{}, wrap(op, err)
		}
	}
	c, err = f.do(ctx, id, a, until)
	return supervisionIn(c, sup), wrap(op, err)
}

func supervisionIn(c Call, id SupervisorID) Supervision {
	s, _ := c.Supervision(id)
	return s
}
