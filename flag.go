package coaching

import "time"

// A flag is one of a participant's three switches (mute, hold, coach_mode) as
// far as we know it. What is known comes from reads alone: neither an answer
// to a request nor an event confirms anything.
type flag struct {
	Value bool      `json:"v,omitempty"` // as the newest conclusive read showed it
	Known bool      `json:"k,omitempty"` // such a read exists
	Since time.Time `json:"s,omitzero"`  // Value is known to have held since then; zero: ever since the join
	Seen  time.Time `json:"r,omitzero"`  // when that read began,
	View  string    `json:"q,omitempty"` // and by whose clock
	Asked bool      `json:"a,omitempty"` // a request is newer than that read
	Want  bool      `json:"w,omitempty"` // what the newest request asks for
	Other bool      `json:"o,omitempty"` // the other value is known to have held throughout the read lag before it
	Doubt bool      `json:"d,omitempty"` // a request since that read ended without an answer, or was refused and others were not
	Took  bool      `json:"g,omitempty"` // a request since that read was answered: it has taken effect, or will
	Fly   int       `json:"f,omitempty"` // requests sent that have no outcome yet
	At    time.Time `json:"t,omitzero"`  // when the newest outcome came,
	Tick  uint64    `json:"n,omitempty"` // at which tick of the call,
	By    string    `json:"b,omitempty"` // and by which instance's clock
	Owe   time.Time `json:"w8,omitzero"` // an opening request went unanswered: it may land until then
	Tries int       `json:"y,omitempty"` // failures in a row
	Next  time.Time `json:"x,omitzero"`  // not before

	more string
}

// confirmed reports whether a read after our last request shows v.
func (f *flag) confirmed(v bool) bool { return f.Known && !f.Asked && f.Value == v }

// expects reports whether a change to v is no news: we asked for it, or knew.
func (f *flag) expects(v bool) bool {
	return f.Asked && f.Want == v || f.confirmed(v)
}

// settled reports whether a read after our last request exists.
func (f *flag) settled() bool { return f.Known && !f.Asked }

// send notes a request for v that is about to leave.
func (f *flag) send(v bool, now time.Time, by string, lag time.Duration) {
	if by != f.View {
		lag += clockSkew
	}
	switch {
	case !f.Asked:
		f.Other = f.Known && f.Value != v && (f.Since.IsZero() || now.Sub(f.Since) >= lag)
	case f.Want != v:
		f.Other = false // what a stale read shows could be either request's doing
	}
	f.Asked, f.Want = true, v
	f.Fly++
}

// outcome notes that a request has its answer, was refused, or has none. Only
// where every request since the last read was refused is that read still good.
func (f *flag) outcome(o clientOutcome, now time.Time, tick uint64, by string) {
	if f.Fly > 0 {
		f.Fly--
	}
	f.At, f.Tick, f.By = now, tick, by
	switch {
	case o == clientOK:
		f.Tries, f.Took = 0, true
	case o == clientUnknown:
		f.Doubt = true
		f.Tries++
	default:
		f.Tries++
		if f.Fly == 0 && !f.Doubt && !f.Took && f.Known {
			f.Asked = false
		} else {
			f.Doubt = true // another request decides, or nothing is known yet: ask again
		}
	}
}

// A view is when and by whom a read was begun.
type view struct {
	began time.Time
	tick  uint64 // of the call, when the read was swapped to sent
	by    string
}

// read takes in what a read shows. It counts only where the read began after
// our last request's answer and cannot be stale (R10 f): either the other
// value is known to have held throughout the read lag before the request, so
// that what is shown must be the request's doing, or the read began a lag
// after the answer.
func (f *flag) read(v bool, w view, now time.Time, lag time.Duration) {
	if f.Fly > 0 || w.began.Before(f.Seen) {
		return
	}
	fresh := f.Tick == 0 // nothing was ever asked of this flag, so no older value can show
	if !fresh {
		if w.tick <= f.Tick {
			return
		}
		if w.by != f.By {
			lag += clockSkew
		}
		late := !w.began.Before(f.At.Add(lag))
		ours := f.Asked && v == f.Want && f.Other
		same := !f.Asked && v == f.Value
		if !late && !ours && !same {
			return
		}
	}
	if !f.Known || f.Value != v || f.Asked {
		f.Since = now // the read may show what happened while it was under way
		if fresh && !f.Known {
			f.Since = time.Time{}
		}
	}
	f.Value, f.Known, f.Asked, f.Doubt, f.Took, f.Seen, f.View, f.Tries = v, true, false, false, false, w.began, w.by, 0
	owe := f.Owe
	if w.by != f.By {
		owe = owe.Add(clockSkew)
	}
	if !f.Owe.IsZero() && !w.began.Before(owe) {
		f.Owe = time.Time{}
	}
}

// readFrom returns the earliest moment at which a read can confirm v.
func (f *flag) readFrom(v bool, lag time.Duration) time.Time {
	if f.Asked && f.Want == v && f.Other && !f.Doubt {
		return f.At
	}
	if f.Tick == 0 {
		return time.Time{}
	}
	return f.At.Add(lag)
}
