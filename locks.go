package coaching

import "time"

// A customer hears a supervisor only while coach_mode is false and mute is
// false. These are two locks: closed is true, for both. This file holds the
// rules of opening and closing them (R10); it knows nothing but the flags.

type flagName uint8

const (
	flagMute flagName = iota + 1
	flagHold
	flagCoach
)

var flagNames = [...]string{flagMute: "mute", flagHold: "hold", flagCoach: "coach_mode"}

func (n flagName) String() string { return enumString(flagNames[:], "flag", uint8(n)) }

func (p *Participant) flag(n flagName) *flag {
	switch n {
	case flagMute:
		return &p.mute
	case flagHold:
		return &p.hold
	}
	return &p.coach
}

// locked reports whether the flag is one of the two locks.
func (p *Participant) locked(n flagName) bool { return p.Role == RoleSupervisor && n != flagHold }

// A lockMove is the next thing to do about one supervisor: send one flag, or
// read, or (the zero value) nothing but wait.
type lockMove struct {
	send  flagName
	value bool
	read  bool
	from  time.Time // the read is of use from then on
}

// closed reports that no request of ours can have opened the lock or may still
// do so: it is confirmed closed and nothing is owed.
func closed(f *flag) bool { return f.confirmed(true) && f.Owe.IsZero() }

// mayBeHeard reports the worst case: whether the customer may hear p now. It
// is safe as soon as one lock is surely closed.
func mayBeHeard(p *Participant) bool {
	return p.Role == RoleSupervisor && !closed(&p.mute) && !closed(&p.coach) && !p.hold.confirmed(true)
}

// mode returns the mode that confirmed flags amount to, or zero.
func mode(p *Participant) CoachMode {
	switch {
	case !p.mute.settled() || !p.coach.settled():
		return 0
	case p.mute.Value && p.coach.Value:
		return ModeMonitor
	case p.coach.Value:
		return ModeCoach
	case !p.mute.Value:
		return ModeOpen
	}
	return 0 // unmuted later, this one would be heard: no mode of ours
}

// nextMove says what brings the two locks nearer to want, one flag at a time.
// firm says that doubt rolls forward: what a take-over has given the customer
// to hear is not taken away again (R11).
func nextMove(p *Participant, want CoachMode, firm bool, lag time.Duration) lockMove {
	mute, coach := &p.mute, &p.coach
	switch {
	case want == ModeOpen && (firm || mute.Owe.IsZero() && coach.Owe.IsZero()):
		return raise(mute, coach, lag)
	case want == ModeCoach && closed(coach): // where something is owed, a late opening would meet an open microphone (R10 d)
		if mute.confirmed(false) {
			return lockMove{}
		}
		return open(flagMute, mute, coach, lag)
	}
	if !mute.confirmed(true) {
		m := shut(flagMute, mute, lag)
		if c := shut(flagCoach, coach, lag); mute.Tries > 0 && m.send == 0 && !coach.confirmed(true) && c.send != 0 {
			return c // mute does not get through; the other lock is as good
		}
		return m
	}
	if !coach.confirmed(true) {
		return shut(flagCoach, coach, lag)
	}
	return lockMove{}
}

// raise opens mute first and coach_mode last, so that from monitor the last
// request is the one that lets the customer hear (R10 c).
func raise(mute, coach *flag, lag time.Duration) lockMove {
	if !mute.confirmed(false) {
		return open(flagMute, mute, coach, lag)
	}
	if !coach.confirmed(false) {
		return open(flagCoach, coach, mute, lag)
	}
	return lockMove{}
}

// open moves towards an open lock. It sends nothing while the other lock's
// state is unconfirmed (R10 a), and only where a read shows this one closed
// (R10 e).
func open(n flagName, f, other *flag, lag time.Duration) lockMove {
	switch {
	case f.Fly > 0 || other.Fly > 0:
		return lockMove{}
	case !other.settled():
		return lockMove{read: true, from: other.readFrom(other.Want, lag)}
	case !f.settled():
		return lockMove{read: true, from: f.readFrom(f.Want, lag)}
	case f.Value:
		return lockMove{send: n, value: false}
	}
	return lockMove{}
}

// shut moves towards a closed lock: closing may be sent at any time, also
// while an opening is under way, and again until a read shows it (R10 b).
func shut(n flagName, f *flag, lag time.Duration) lockMove {
	switch {
	case !f.Known && !f.Asked: // just joined, with both locks as its dial or XML asked
		return lockMove{read: true}
	case !f.Asked || !f.Want: // never asked to close, or not since the last opening
		return lockMove{send: n, value: true}
	case f.Fly > 0:
		return lockMove{}
	case f.Tries > 0: // the newest request had no good answer
		return lockMove{send: n, value: true, read: true, from: f.readFrom(true, lag)}
	}
	return lockMove{read: true, from: f.readFrom(true, lag)}
}

// sendLock notes a request for one lock that is about to leave. Closing what a
// request was to open, before a read shows that it did, leaves that request
// without a trace: it may land later, and counts as unanswered (R10 d).
func sendLock(f *flag, v bool, now time.Time, by string, lag, settle time.Duration) {
	if v && f.Asked && !f.Want {
		f.Owe = now.Add(settle)
	}
	f.send(v, now, by, lag)
}

// answerLock notes the outcome of such a request. It reports whether both
// locks have to close: a request that opens one went unanswered (R10 d).
func answerLock(f *flag, v bool, o clientOutcome, now time.Time, tick uint64, by string, settle time.Duration) bool {
	f.outcome(o, now, tick, by)
	if !v && (o == clientUnknown || o == clientOK && !f.Owe.IsZero()) {
		f.Owe = now.Add(settle)
	}
	return !v && o == clientUnknown
}

// readLock takes in what a read shows of a lock. It reports whether both locks
// have to close: a request that opens this one was answered, and the lock is
// closed, so the request may land later.
func readLock(f *flag, v bool, w view, now time.Time, tick uint64, by string, lag, settle time.Duration) bool {
	opening, open := f.Asked && !f.Want, f.confirmed(false)
	f.read(v, w, now, lag)
	switch {
	case opening && f.confirmed(true):
		f.Owe = now.Add(settle)
		return true
	case !open && f.confirmed(false) && f.Tick > 0:
		f.At, f.Tick, f.By = now, tick, by // it may have opened just now: a stale read does not close it
	}
	return false
}
