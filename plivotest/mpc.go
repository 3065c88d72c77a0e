package plivotest

import (
	"fmt"
	"slices"
	"time"
)

// Status of an MPC.
const (
	initialized = "Initialized"
	active      = "Active"
	ended       = "Ended"
)

// termination says why an MPC ended. The codes share numbers with hang-up
// causes, not meaning.
type termination struct {
	code int
	name string
}

var (
	noActiveParticipants = termination{1000, "No Active Participants"}
	stayAloneDenied      = termination{1010, "Stay Alone Not Permitted"}
	maxDurationReached   = termination{2000, "Max Duration Reached"}
	hangupAPI            = termination{3000, "Hangup API Triggered"}
)

// mpc is one multiparty call.
type mpc struct {
	uuid, name string
	set        mpcSettings
	status     string
	recording  string // "recording", "not-recording" or "paused"
	tapes      []*tape

	created, started, ending time.Time
	why                      termination
	limit                    *event // max duration

	members     []*member // all, in the order of joining
	dials       int       // add-participant requests that still may bring someone
	wantsStart  bool      // somebody who starts it is in; waitForAgent may hold it
	sequence    map[string]int
	callbacks   queue
	history     []mpcState
	lastLeg     *Leg // whose keys ride on events of the MPC
	lastMember  *member
	lastJoining *joining // whose settings are in force
}

// mpcState is what reads can show of an instant.
type mpcState struct {
	at        time.Time
	status    string
	recording string
}

func (x *mpc) note() {
	x.history = append(x.history, mpcState{time.Now(), x.status, x.recording})
}

func (x *mpc) live() bool { return x.status != ended }

// inside returns the members that are in, in the order of joining.
func (x *mpc) inside() []*member {
	var in []*member
	for _, m := range x.members {
		if m.left.IsZero() {
			in = append(in, m)
		}
	}
	return in
}

// full says whether nobody more may enter.
func (s *Server) full(x *mpc) bool {
	n := len(x.inside())
	if s.opts.Switches.DialsCount {
		n += x.dials
	}
	return n >= x.set.maxParticipants
}

// liveMPC returns the live MPC of that name, or nil.
func (s *Server) liveMPC(name string) *mpc {
	for _, x := range s.mpcs {
		if x.name == name && x.live() {
			return x
		}
	}
	return nil
}

// newMPC makes an MPC for the first who enters or is dialled.
func (s *Server) newMPC(name string, j *joining, l *Leg) *mpc {
	x := &mpc{
		uuid: s.newUUID(idMPC), name: name, set: j.mpc, status: initialized, recording: "not-recording",
		created: time.Now(), sequence: map[string]int{}, lastLeg: l, lastJoining: j,
	}
	s.mpcs = append(s.mpcs, x)
	x.note()
	s.log("mpc", "%s %q initialized", short(x.uuid), x.name)
	x.limit = s.afterQuiet(time.Duration(x.set.maxDuration)*time.Second, "max duration "+x.uuid, func() {
		s.endMPC(x, maxDurationReached, causeMPCEnded)
	})
	if !s.opts.Switches.NoMPCInitialized || !j.start {
		s.mpcEvent(x, "MPCInitialized")
	}
	if x.set.record {
		s.startTape(x, "", x.set.format, x.set.recording)
	}
	return x
}

// activate connects those who wait.
func (s *Server) activate(x *mpc) {
	if x.status != initialized {
		return
	}
	x.status, x.started = active, time.Now()
	x.note()
	s.changed = true
	s.log("mpc", "%s %q active", short(x.uuid), x.name)
	s.mpcEvent(x, "MPCStart")
	s.refreshMusic(x)
}

// mayStart makes the MPC active if all that holds it is gone.
func (s *Server) mayStart(x *mpc) {
	hasAgent := slices.ContainsFunc(x.inside(), func(m *member) bool { return m.role == agent })
	if x.wantsStart && (!x.set.waitForAgent || hasAgent) {
		s.activate(x)
	}
}

// endMPC ends the MPC and sends everybody on their way; c is for the legs
// that have nowhere to go.
func (s *Server) endMPC(x *mpc, why termination, c HangupCause) {
	if !x.live() {
		return
	}
	in := x.inside()
	x.status, x.ending, x.why = ended, time.Now(), why
	x.note()
	s.changed = true
	s.drop(x.limit)
	s.log("mpc", "%s %q ended: %d %s", short(x.uuid), x.name, why.code, why.name)
	if s.opts.Switches.EndBeforeExits {
		s.mpcEvent(x, "MPCEnd")
	}
	for _, m := range in {
		s.leave(m, exitMPCEnded)
	}
	s.stopTapes(x)
	if !s.opts.Switches.EndBeforeExits {
		s.mpcEvent(x, "MPCEnd")
	}
	for _, m := range in {
		s.goOn(m, c)
	}
	if !s.opts.Switches.JoinAfterEndCreates {
		for _, d := range slices.Clone(s.dials) { // dropping one takes it out of the list
			if d.mpc == x {
				s.dropDial(d, c)
			}
		}
	}
}

// duration is the MPC's length as reported: from its start, or from its
// creation if it never started.
func (x *mpc) duration() time.Duration {
	if x.started.IsZero() {
		return x.ending.Sub(x.created)
	}
	return x.ending.Sub(x.started)
}

// billed is the sum of everybody's time, each rounded up to whole minutes.
func (x *mpc) billed() int {
	sum := 0
	for _, m := range x.members {
		sum += m.billed()
	}
	return sum
}

func amount(billed int) string { return fmt.Sprintf("%.5f", float64(billed)/60*0.005) }
