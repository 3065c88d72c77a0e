package coaching

import (
	"fmt"
	"slices"
	"testing"
	"time"
)

// lockWorld is what the library believes about one supervisor's locks, what is
// true at Plivo, and what is on its way. Time goes in units: reads are stale by
// less than one (ReadLag), requests land at most two late (SettleTime).
type lockWorld struct {
	locks  [2]flag // mute, coach_mode
	want   CoachMode
	raised bool // a raise was called for, and no lowering is confirmed since
	tick   uint64
	truth  [2]bool
	since  [2]uint8 // values that were true after a request that no read has shown yet, as bits
	unit   [2]uint8 // values in this unit of time
	read   lockRead
	reqs   [3]lockReq
}

type lockRead struct {
	view
	on   bool
	held [2]uint8 // values it may show
}

type lockReq struct {
	flag             flagName // zero: the slot is free
	value            bool
	landed, answered bool
	left             uint8 // units until it has its answer, or will not land any more
}

func (r lockReq) String() string {
	if r.flag == 0 {
		return ""
	}
	return fmt.Sprintf(" %v=%v", r.flag, r.value)
}

const lockUnit = time.Second

var (
	lockNow   = time.Unix(1000, 0).UTC()
	lockFlags = [2]flagName{flagMute, flagCoach}
	lockShown = [...]struct {
		v    [2]bool
		name string
	}{{[2]bool{true, true}, "monitor"}, {[2]bool{false, true}, "coach"}, {[2]bool{false, false}, "open"}, {[2]bool{true, false}, "mute alone"}}
)

// TestR10EveryOrder tries every order of verbs, requests, answers, effects,
// reads and time that the rules of the two locks allow: requests are lost, are
// refused, go unanswered with or without effect, and those that open land late,
// after later requests too; reads are stale; verbs come at any moment. Wherever
// that leads, the customer hears the supervisor only while a raise is on or not
// confirmed undone, Audible says so, and what is taken for confirmed was true
// after the last request.
func TestR10EveryOrder(t *testing.T) {
	w := lockWorld{want: ModeCoach, truth: [2]bool{false, true}, since: [2]uint8{1, 2}, unit: [2]uint8{1, 2}}
	seen := map[[24]byte]bool{w.key(): true}
	trail := []lockStep{{}} // how each state was reached first
	for todo, at := []lockWorld{w}, 0; len(todo) > 0; {
		var later []lockWorld
		for _, from := range todo {
			from.each(func(what string, r lockReq, w *lockWorld) {
				fault := ""
				if w.truth == [2]bool{} && !(w.raised && mayBeHeard(w.who())) {
					fault = "the customer hears the supervisor without a raise, or Audible does not say so"
				}
				for i := range w.locks {
					was, f := &from.locks[i], &w.locks[i]
					if f.settled() && !was.settled() && w.since[i]&bit(f.Value) == 0 {
						fault = lockFlags[i].String() + " is taken for confirmed and is not so"
					}
					if other := &from.locks[1-i]; what == "request" && r.flag == lockFlags[i] && !r.value && !(other.settled() && other.Owe.IsZero()) {
						fault = lockFlags[i].String() + " is opened while the other lock is in doubt"
					}
				}
				if fault != "" {
					way := fmt.Sprint(what, r)
					for i := at; i > 0; i = trail[i].from {
						way = fmt.Sprint(trail[i].what, trail[i].req, ", ", way)
					}
					t.Fatalf("%s: %s\n%+v", fault, way, *w)
				}
				w.raised = w.raised && (w.want == ModeOpen || mayBeHeard(w.who()))
				if k := w.key(); !seen[k] {
					seen[k] = true
					later, trail = append(later, *w), append(trail, lockStep{what, r, at})
				}
			})
			at++
		}
		todo = later
	}
	if t.Logf("%d states", len(seen)); len(seen) < 10_000 {
		t.Errorf("%d states: the model has lost its way", len(seen))
	}
}

type lockStep struct {
	what string
	req  lockReq
	from int
}

func (w *lockWorld) who() *Participant {
	return &Participant{Role: RoleSupervisor, mute: w.locks[0], coach: w.locks[1]}
}

func bit(v bool) byte {
	if v {
		return 2
	}
	return 1
}

// each yields all that can happen next.
func (w *lockWorld) each(yield func(string, lockReq, *lockWorld)) {
	var next lockWorld
	to := func(what string, r lockReq, f func(*lockWorld)) {
		next = *w
		next.tick++
		f(&next)
		yield(what, r, &next)
	}
	step := func(what string, f func(*lockWorld)) { to(what, lockReq{}, f) }
	step("SetMode(monitor)", func(w *lockWorld) { w.want = ModeMonitor })
	if w.locks[1].Owe.IsZero() {
		step("SetMode(coach)", func(w *lockWorld) { w.want = ModeCoach })
		if w.locks[0].Owe.IsZero() {
			step("TakeOver", func(w *lockWorld) { w.want, w.raised = ModeOpen, true })
		}
	}
	free, opening, late := -1, false, false
	for i, r := range w.reqs {
		if r.flag == 0 {
			free = i
			continue
		}
		opening, late = opening || !r.answered && !r.value, late || !r.answered && r.left == 0
		if !r.landed && !r.value { // when one that closes lands before its answer makes no difference
			to("landing of", r, func(w *lockWorld) { w.land(i) })
		}
		if r.answered {
			continue
		}
		to("no answer to", r, func(w *lockWorld) { w.answer(i, clientUnknown) })
		if !r.landed {
			to("refusal of", r, func(w *lockWorld) { w.answer(i, clientThrottled) })
		}
		if r.value {
			to("effect without answer of", r, func(w *lockWorld) { w.land(i); w.answer(i, clientUnknown) })
			to("effect of", r, func(w *lockWorld) { w.land(i); w.answer(i, clientOK) })
		} else {
			to("answer to", r, func(w *lockWorld) { w.answer(i, clientOK) })
		}
	}
	if mv := nextMove(w.who(), w.want, false, lockUnit); mv.send != 0 && free >= 0 && (mv.value || !opening) {
		r := lockReq{flag: mv.send, value: mv.value, left: 1}
		to("request", r, func(w *lockWorld) {
			w.reqs[free] = r
			j := slices.Index(lockFlags[:], r.flag)
			if !w.locks[j].Asked {
				w.since[j] = 0
			}
			sendLock(&w.locks[j], r.value, lockNow, "", lockUnit, 2*lockUnit)
		})
	}
	if !w.read.on {
		step("a read begins", func(w *lockWorld) {
			w.read = lockRead{view{began: lockNow, tick: w.tick}, true, w.unit}
		})
	}
	for _, s := range lockShown {
		if w.read.on && w.read.held[0]&bit(s.v[0]) != 0 && w.read.held[1]&bit(s.v[1]) != 0 {
			step("it shows "+s.name, func(w *lockWorld) {
				for i := range w.locks {
					if readLock(&w.locks[i], s.v[i], w.read.view, lockNow, w.tick, "", lockUnit, 2*lockUnit) {
						w.want = ModeMonitor
					}
				}
				w.read = lockRead{}
			})
		}
	}
	if !late && !w.read.on {
		step("time", (*lockWorld).pass)
	}
}

func (w *lockWorld) land(i int) {
	r := &w.reqs[i]
	j := slices.Index(lockFlags[:], r.flag)
	w.truth[j] = r.value
	w.unit[j] |= bit(r.value)
	if w.read.on {
		w.read.held[j] |= bit(r.value)
	}
	if !r.answered || w.since[j] != 0 {
		w.since[j] |= bit(r.value)
	}
	if r.landed = true; r.answered {
		*r = lockReq{}
	}
}

func (w *lockWorld) answer(i int, o clientOutcome) {
	r := &w.reqs[i]
	j := slices.Index(lockFlags[:], r.flag)
	if answerLock(&w.locks[j], r.value, o, lockNow, w.tick, "", 2*lockUnit) {
		w.want = ModeMonitor
	}
	switch {
	case o != clientThrottled:
		w.since[j] |= bit(w.truth[j])
	case w.since[j] == 0:
		w.since[j] = 3 // nothing happened since
	}
	if r.answered, r.left = true, 2; r.landed || r.value || o == clientThrottled {
		*r = lockReq{}
	}
}

// pass lets a unit of time pass: all that is known moves into the past.
func (w *lockWorld) pass() {
	for i := range w.locks {
		for _, t := range [...]*time.Time{&w.locks[i].Since, &w.locks[i].At, &w.locks[i].Seen, &w.locks[i].Owe} {
			if !t.IsZero() {
				*t = t.Add(-lockUnit)
			}
		}
		w.unit[i] = bit(w.truth[i])
	}
	for i := range w.reqs {
		if r := &w.reqs[i]; r.flag != 0 {
			if r.left--; r.left == 0 && r.answered {
				*r = lockReq{}
			}
		}
	}
}

// key is the state without what makes no difference any more.
func (w *lockWorld) key() (k [24]byte) {
	put := k[:0]
	bits := func(bs ...bool) {
		var b byte
		for i, v := range bs {
			b |= (bit(v) - 1) << i
		}
		put = append(put, b)
	}
	ago := func(t time.Time, most int) byte {
		if t.IsZero() {
			return 15
		}
		return byte(min(int(lockNow.Sub(t)/lockUnit), most) + 3)
	}
	for i, f := range w.locks {
		since := w.since[i]
		switch {
		case f.Asked && (f.Doubt || f.Took):
			f.Value, f.Since = false, lockNow
		case !f.Asked:
			f.Want, f.Other, f.Doubt, f.Took, since = false, false, false, false, 0
		}
		bits(f.Value, f.Known, f.Asked, f.Want, f.Other, f.Doubt, f.Took)
		bits(w.truth[i], f.Tick > 0, w.read.on && w.read.tick <= f.Tick)
		put = append(put, byte(f.Fly), ago(f.Since, 1)|ago(f.At, 1)<<4, ago(f.Owe, 0), w.unit[i]|since<<2|w.read.held[i]<<4)
	}
	bits(w.raised, w.read.on, w.want == ModeOpen, w.want == ModeCoach)
	var rs [len(w.reqs)]byte
	for i, r := range w.reqs {
		rs[i] = byte(r.flag) | (bit(r.value)-1)<<2 | (bit(r.landed)-1)<<3 | (bit(r.answered)-1)<<4 | r.left<<5
	}
	slices.Sort(rs[:])
	put = append(put, rs[:]...)
	return k
}
