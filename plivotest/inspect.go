package plivotest

import "time"

// MPC is a copy of one multiparty call, live or ended.
type MPC struct {
	UUID, Name             string
	Status                 string // "Initialized", "Active" or "Ended"
	Recording              string // "recording", "paused" or "not-recording"
	StayAlone              bool
	Created, Started, End  time.Time // zero where it has not happened
	TerminationCause       string
	TerminationCauseCode   int
	MaxParticipants        int
	MaxDuration            time.Duration
	PendingAddParticipants int // requests whose phones are queued or ringing
	Participants           []Participant
}

// Participant is a copy of one stay of one call in an MPC.
type Participant struct {
	MemberID, CallUUID string
	Role               string // "customer", "agent" or "supervisor"
	Address            string
	CoachMode          bool
	Mute, Hold         bool
	JoinTime, ExitTime time.Time // ExitTime is zero while in
	ExitCause          string
	StartMPCOnEnter    bool
	EndMPCOnExit       bool
}

// In says whether the participant is in the MPC.
func (p Participant) In() bool { return p.ExitTime.IsZero() }

// MPCs returns copies of all multiparty calls, oldest first.
func (s *Server) MPCs() []MPC {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []MPC
	for _, x := range s.mpcs {
		c := MPC{UUID: x.uuid, Name: x.name, Status: x.status, Recording: x.recording, StayAlone: x.set.stayAlone,
			Created: x.created, Started: x.started, End: x.ending, TerminationCause: x.why.name, TerminationCauseCode: x.why.code,
			MaxParticipants: x.set.maxParticipants, MaxDuration: time.Duration(x.set.maxDuration) * time.Second,
			PendingAddParticipants: x.dials}
		for _, m := range x.members {
			c.Participants = append(c.Participants, Participant{MemberID: m.id, CallUUID: m.leg.uuid, Role: m.role,
				Address: m.leg.phone.address, CoachMode: m.coach, Mute: m.mute, Hold: m.hold, JoinTime: m.joined,
				ExitTime: m.left, ExitCause: m.exitCause, StartMPCOnEnter: m.start, EndMPCOnExit: m.endOnExit})
		}
		out = append(out, c)
	}
	return out
}

// Legs returns every call, oldest first.
func (s *Server) Legs() []*Leg {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]*Leg(nil), s.legs...)
}

// Leg returns the call with that UUID, or nil.
func (s *Server) Leg(uuid string) *Leg {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.calls[uuid]
}
