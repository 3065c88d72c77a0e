package coaching

import (
	"fmt"
	"net/url"
	"time"
)

// An Event is one callback of Plivo, as [ParseEvent] reads it. Its type is one
// of those below; a later minor version may add more, so a type switch wants a
// default.
//
// An Event is news, not proof: callbacks come late, twice, out of order or not
// at all. It shares its form with whoever parsed it.
type Event interface {
	event()
	Common() Meta // what every callback carries
}

// Meta is what every callback carries. A field Plivo did not send, or sent
// empty, is zero.
type Meta struct {
	EventName     string
	MPCUUID       string     // the multiparty call, 36 bytes
	MPCName       CallID     // its name, unchecked: not every multiparty call is one of ours
	Sequence      int64      // 0: absent or unreadable. Compares within one MPCUUID and one callback URL
	Timestamp     time.Time  // UTC; zero: absent or in an unknown format
	TimestampText string     // as received
	Form          url.Values // every field as received; not a copy
}

// Common returns m, from whatever type embeds it.
func (m Meta) Common() Meta { return m }

// EventParticipant says whom an event is about. Plivo sends it with events of
// the whole call too: of the participant who caused them. Each field may be
// zero.
type EventParticipant struct {
	MemberID  MemberID
	Role      Role   // zero too if this version does not know it; see Form
	CallUUID  string // the participant's leg
	CoachMode *bool  // nil: not told
	From, To  string // of the leg: E.164 without "+", or a SIP URI
	Direction string // of the leg: "inbound" or "outbound"
	Address   string // MemberAddress
}

// Events of the whole call: EventName MPCInitialized, MPCStart and MPCEnd.
type (
	// MPCInitialized reports that the multiparty call exists.
	MPCInitialized struct {
		Meta
		EventParticipant
	}
	// MPCStarted reports that participants hear each other from now on.
	MPCStarted struct {
		Meta
		EventParticipant
	}
	// MPCEnded reports the end.
	MPCEnded struct {
		Meta
		EventParticipant
		Duration       time.Duration
		BilledDuration time.Duration
		BilledAmount   string // as received
		Cause          string // MPCTerminationCause, as received
		CauseCode      int    // MPCTerminationCauseCode; 0: absent or unreadable
	}
)

// Events of a participant: EventName Participant, then Join, Exit, Mute,
// Unmute, Hold, Unhold, CoachModeStart, CoachModeStop, SpeakStart, SpeakStop or
// DigitInput. Any of them may lack its MemberID.
type (
	// ParticipantJoined reports that a leg is in the multiparty call.
	ParticipantJoined struct {
		Meta
		EventParticipant
	}
	// ParticipantExited reports that it no longer is.
	ParticipantExited struct {
		Meta
		EventParticipant
	}
	// ParticipantMuted reports that a participant is no longer heard.
	ParticipantMuted struct {
		Meta
		EventParticipant
	}
	// ParticipantUnmuted is the reverse of ParticipantMuted.
	ParticipantUnmuted struct {
		Meta
		EventParticipant
	}
	// ParticipantHeld reports that a participant hears music instead of the call.
	ParticipantHeld struct {
		Meta
		EventParticipant
	}
	// ParticipantUnheld is the reverse of ParticipantHeld.
	ParticipantUnheld struct {
		Meta
		EventParticipant
	}
	// CoachModeStarted reports that only agents hear this supervisor.
	CoachModeStarted struct {
		Meta
		EventParticipant
	}
	// CoachModeStopped reports that customers may hear this supervisor.
	CoachModeStopped struct {
		Meta
		EventParticipant
	}
	// ParticipantSpeakStarted reports a voice.
	ParticipantSpeakStarted struct {
		Meta
		EventParticipant
	}
	// ParticipantSpeakStopped reports that a voice fell silent.
	ParticipantSpeakStopped struct {
		Meta
		EventParticipant
	}
	// ParticipantDigits reports keys pressed.
	ParticipantDigits struct {
		Meta
		EventParticipant
		Digits string // as received
	}
)

// Events of dialling: EventName AddParticipantByAPIActionInitiated and
// AddParticipantByAPIActionCompleted. Plivo does not say when it sends the
// second, nor its outcomes: do not depend on it.
type (
	// AddParticipantStarted reports that a participant is being dialled.
	AddParticipantStarted struct {
		Meta
		EventParticipant
	}
	// AddParticipantCompleted reports that dialling is over.
	AddParticipantCompleted struct {
		Meta
		EventParticipant
		Outcome string // as received
	}
)

// RecordingState is what became of a recording. The zero RecordingState is
// invalid.
type RecordingState uint8

const (
	RecordingInitiated RecordingState = iota + 1 // it runs
	RecordingPaused
	RecordingResumed
	RecordingCompleted // the file is or will be at its URL
	RecordingFailed    // there is none
)

var recordingNames = [...]string{
	RecordingInitiated: "initiated", RecordingPaused: "paused", RecordingResumed: "resumed",
	RecordingCompleted: "completed", RecordingFailed: "failed",
}

// String returns the state's name, or "RecordingState(n)" for an undeclared
// value.
func (s RecordingState) String() string {
	if s == 0 || int(s) >= len(recordingNames) {
		return fmt.Sprintf("RecordingState(%d)", uint8(s))
	}
	return recordingNames[s]
}

// ParseRecordingState is the inverse of [RecordingState.String]. Its error
// wraps [ErrInvalid].
func ParseRecordingState(s string) (RecordingState, error) {
	i, err := parseName(recordingNames[:], "recording state", s)
	return RecordingState(i), err
}

// MarshalText returns the name; an undeclared value is [ErrInvalid].
func (s RecordingState) MarshalText() ([]byte, error) {
	return marshalName(recordingNames[:], "recording state", int(s))
}

// UnmarshalText is the inverse of [RecordingState.MarshalText].
func (s *RecordingState) UnmarshalText(b []byte) error {
	v, err := ParseRecordingState(string(b))
	if err == nil {
		*s = v
	}
	return err
}

// RecordingChanged reports on a recording: EventName MPCRecording or
// ParticipantRecording, then the state.
type RecordingChanged struct {
	Meta
	Participant   bool     // of one participant; false: of the whole call
	MemberID      MemberID // of that participant
	State         RecordingState
	RecordingUUID string
	URL           string        // of the file, as received
	ResourceURL   string        // of the API's resource, as received
	Format        string        // "mp3" or "wav", as received
	Duration      time.Duration // 0: absent or unreadable
	StartTime     time.Time     // UTC; zero: absent or in an unknown format
	EndTime       time.Time     // likewise
}

// CallStatus is the state of one leg, in lower case; a value that is not
// declared here is kept as received.
type CallStatus string

const (
	CallRinging    CallStatus = "ringing"
	CallInProgress CallStatus = "in-progress"
	CallCompleted  CallStatus = "completed" // was answered and is over
	CallBusy       CallStatus = "busy"
	CallNoAnswer   CallStatus = "no-answer"
	CallTimeout    CallStatus = "timeout"
	CallCancelled  CallStatus = "cancel"
	CallFailed     CallStatus = "failed"
)

// Final reports whether the leg is over; false for an undeclared value.
func (s CallStatus) Final() bool {
	switch s {
	case CallCompleted, CallBusy, CallNoAnswer, CallTimeout, CallCancelled, CallFailed:
		return true
	}
	return false
}

// LegStatus reports on a leg that was dialled with a call_status_callback_url.
// It has no EventName. Both CallUUID and CallStatus are given.
type LegStatus struct {
	Meta
	CallUUID        string
	RequestUUID     string // of the request that dialled it; may be empty
	From, To        string // E.164 without "+", or a SIP URI; may be empty
	Direction       string // may be empty
	CallStatus      CallStatus
	HangupCause     string // the cause in telephony's words, "" while the leg lives
	HangupCauseName string // the cause in Plivo's words; may be empty
	HangupCauseCode int    // 0: absent, unreadable, or Plivo does not know
	HangupSource    string // who hung up, as received; may be empty
}

// ExitAction asks, at onExitActionUrl, what a leg does that has left the
// multiparty call and still lives. The answer is a [Document]. It has no
// EventName. MPCUUID is given, any other field may be zero.
type ExitAction struct {
	Meta
	MemberID   MemberID
	Role       Role
	CallUUID   string
	JoinTime   time.Time // UTC; zero: absent or in an unknown format
	EndTime    time.Time // likewise
	From, To   string
	Direction  string
	CallStatus CallStatus
}

// UnknownEvent is a callback whose EventName this version does not know. It may
// lack its MPCUUID.
type UnknownEvent struct{ Meta }

func (MPCInitialized) event()          {}
func (MPCStarted) event()              {}
func (MPCEnded) event()                {}
func (ParticipantJoined) event()       {}
func (ParticipantExited) event()       {}
func (ParticipantMuted) event()        {}
func (ParticipantUnmuted) event()      {}
func (ParticipantHeld) event()         {}
func (ParticipantUnheld) event()       {}
func (CoachModeStarted) event()        {}
func (CoachModeStopped) event()        {}
func (ParticipantSpeakStarted) event() {}
func (ParticipantSpeakStopped) event() {}
func (ParticipantDigits) event()       {}
func (AddParticipantStarted) event()   {}
func (AddParticipantCompleted) event() {}
func (RecordingChanged) event()        {}
func (LegStatus) event()               {}
func (ExitAction) event()              {}
func (UnknownEvent) event()            {}
