package coaching

import (
	"net/url"
	"strconv"
	"strings"
	"time"
)

// ParseEvent reads a callback's form: an event of a multiparty call by its
// EventName, or, where that is missing, an [ExitAction] or a [LegStatus] by
// their fields. An unknown EventName gives an [UnknownEvent].
//
// It is lenient where it can be: absent and empty fields are the same, roles
// and booleans count in any case, and a number or a time it cannot read is zero
// and stands in Form. It is strict where the signature is not, for that does not
// tell a field's name from its value: ids must be well-formed, no field read
// here may be repeated, and MPCUUID must be given, except with a LegStatus or an
// UnknownEvent. Else the error wraps [ErrInvalid] and names every such field,
// and the Event is nil.
//
// It keeps form and does not change it. Check the signature first, see
// [VerifySignature].
func ParseEvent(form url.Values) (Event, error) {
	r := eventReader{form: form}
	e := r.event()
	if err := r.err("ParseEvent"); err != nil {
		return nil, err
	}
	return e, nil
}

// ParseExit reads the form of an on-exit action, by the rules of [ParseEvent].
func ParseExit(form url.Values) (ExitAction, error) {
	r := eventReader{form: form}
	e := r.exit()
	if err := r.err("ParseExit"); err != nil {
		return ExitAction{}, err
	}
	return e, nil
}

// ParseLeg reads the form of a leg's status, by the rules of [ParseEvent].
// CallUUID and CallStatus must be given.
func ParseLeg(form url.Values) (LegStatus, error) {
	r := eventReader{form: form}
	e := r.leg()
	if err := r.err("ParseLeg"); err != nil {
		return LegStatus{}, err
	}
	return e, nil
}

// An eventReader reads fields and notes what is wrong with them.
type eventReader struct {
	form url.Values
	bad  []string
}

func (r *eventReader) refuse(key, why string) { r.bad = append(r.bad, key+" "+why) }

func (r *eventReader) err(op string) error {
	if len(r.bad) == 0 {
		return nil
	}
	return invalid("coaching: %s: %s", op, strings.Join(r.bad, ", "))
}

// event dispatches. What it returns counts only if nothing was refused.
func (r *eventReader) event() Event {
	switch {
	case r.has("EventName"):
	case r.has("MPCFriendlyName"), r.has("MPCUUID"):
		return r.exit()
	case r.has("CallStatus"):
		return r.leg()
	default:
		r.refuse("EventName", "missing")
		return nil
	}
	m := r.meta()
	e := r.known(m)
	if e == nil {
		return UnknownEvent{m}
	}
	r.require("MPCUUID")
	return e
}

// known returns nil for an unknown name.
func (r *eventReader) known(m Meta) Event {
	switch m.EventName {
	case "MPCInitialized":
		return MPCInitialized{m, r.participant()}
	case "MPCStart":
		return MPCStarted{m, r.participant()}
	case "MPCEnd":
		return MPCEnded{
			Meta: m, EventParticipant: r.participant(),
			Duration: eventSeconds(r.text("MPCDuration")), BilledDuration: eventSeconds(r.text("MPCBilledDuration")),
			BilledAmount: r.text("MPCBilledAmount"),
			Cause:        r.text("MPCTerminationCause"), CauseCode: eventCode(r.text("MPCTerminationCauseCode")),
		}
	case "ParticipantJoin":
		return ParticipantJoined{m, r.participant()}
	case "ParticipantExit":
		return ParticipantExited{m, r.participant()}
	case "ParticipantMute":
		return ParticipantMuted{m, r.participant()}
	case "ParticipantUnmute":
		return ParticipantUnmuted{m, r.participant()}
	case "ParticipantHold":
		return ParticipantHeld{m, r.participant()}
	case "ParticipantUnhold":
		return ParticipantUnheld{m, r.participant()}
	case "ParticipantCoachModeStart":
		return CoachModeStarted{m, r.participant()}
	case "ParticipantCoachModeStop":
		return CoachModeStopped{m, r.participant()}
	case "ParticipantSpeakStart":
		return ParticipantSpeakStarted{m, r.participant()}
	case "ParticipantSpeakStop":
		return ParticipantSpeakStopped{m, r.participant()}
	case "ParticipantDigitInput":
		return ParticipantDigits{m, r.participant(), r.text("DigitInput")}
	case "AddParticipantByAPIActionInitiated":
		return AddParticipantStarted{m, r.participant()}
	case "AddParticipantByAPIActionCompleted":
		return AddParticipantCompleted{m, r.participant(), r.text("AddParticipantAPIRequestOutcome")}
	}
	if end, ok := strings.CutPrefix(m.EventName, "MPCRecording"); ok {
		return r.recording(m, end, false)
	}
	if end, ok := strings.CutPrefix(m.EventName, "ParticipantRecording"); ok {
		return r.recording(m, end, true)
	}
	return nil
}

// recording takes the end of the event's name, such as "Paused".
func (r *eventReader) recording(m Meta, end string, participant bool) Event {
	for s := RecordingInitiated; s <= RecordingFailed; s++ {
		name := recordingNames[s]
		if len(end) != len(name) || end[0] != name[0]-('a'-'A') || end[1:] != name[1:] {
			continue
		}
		return RecordingChanged{
			Meta: m, Participant: participant, State: s,
			MemberID:      r.member(),
			RecordingUUID: r.uuid("RecordingUUID"),
			URL:           r.text("RecordingURL"),
			ResourceURL:   r.text("RecordingResourceURL"),
			Format:        r.text("RecordingFormat"),
			Duration:      eventSeconds(r.text("RecordingDuration")),
			StartTime:     eventTime(r.text("RecordingStartTime")),
			EndTime:       eventTime(r.text("RecordingEndTime")),
		}
	}
	return nil
}

func (r *eventReader) meta() Meta {
	m := Meta{
		EventName:     r.text("EventName"),
		MPCUUID:       r.uuid("MPCUUID"),
		MPCName:       CallID(r.text("MPCName")),
		Sequence:      eventNumber(r.text("SequenceNumber")),
		TimestampText: r.text("EventTimestamp"),
		Form:          r.form,
	}
	m.Timestamp = eventTime(m.TimestampText)
	return m
}

func (r *eventReader) participant() EventParticipant {
	return EventParticipant{
		MemberID:  r.member(),
		Role:      r.role(),
		CallUUID:  r.uuid("ParticipantCallUUID"),
		CoachMode: r.flag("ParticipantCoachMode"),
		From:      r.text("ParticipantCallFrom"),
		To:        r.text("ParticipantCallTo"),
		Direction: r.text("ParticipantCallDirection"),
		Address:   r.text("MemberAddress"),
	}
}

func (r *eventReader) exit() ExitAction {
	m := r.meta()
	if name := r.text("MPCFriendlyName"); name != "" {
		m.MPCName = CallID(name) // Plivo's word for it here
	}
	r.require("MPCUUID")
	e := ExitAction{
		Meta:     m,
		MemberID: r.member(), Role: r.role(), CallUUID: r.uuid("ParticipantCallUUID"),
		JoinTime: eventTime(r.text("ParticipantJoinTime")), EndTime: eventTime(r.text("ParticipantEndTime")),
		From: r.text("From"), To: r.text("To"), Direction: r.text("Direction"), CallStatus: r.callStatus(),
	}
	if leg := r.uuid("CallUUID"); e.CallUUID == "" {
		e.CallUUID = leg // the leg that asks is the one that left
	}
	return e
}

func (r *eventReader) leg() LegStatus {
	e := LegStatus{
		Meta:     r.meta(),
		CallUUID: r.uuid("CallUUID"), RequestUUID: r.uuid("RequestUUID"),
		From: r.text("From"), To: r.text("To"), Direction: r.text("Direction"), CallStatus: r.callStatus(),
		HangupCause: r.text("HangupCause"), HangupCauseName: r.text("HangupCauseName"),
		HangupCauseCode: eventCode(r.text("HangupCauseCode")), HangupSource: r.text("HangupSource"),
	}
	r.require("CallUUID")
	r.require("CallStatus")
	return e
}

func (r *eventReader) has(key string) bool {
	v := r.form[key]
	return len(v) > 1 || len(v) == 1 && v[0] != ""
}

func (r *eventReader) require(key string) {
	if !r.has(key) {
		r.refuse(key, "missing")
	}
}

func (r *eventReader) text(key string) string {
	switch v := r.form[key]; len(v) {
	case 0:
		return ""
	case 1:
		return v[0]
	}
	r.refuse(key, "repeated")
	return ""
}

func (r *eventReader) uuid(key string) string {
	s := r.text(key)
	if s != "" && !validUUID(s) {
		r.refuse(key, "not a UUID")
	}
	return s
}

func (r *eventReader) member() MemberID {
	id := MemberID(r.text("MemberID"))
	if id != "" && !validMemberID(id) {
		r.refuse("MemberID", "not a number")
	}
	return id
}

func (r *eventReader) role() Role {
	s := strings.ToLower(r.text("ParticipantRole"))
	for role := RoleCustomer; role <= RoleSupervisor; role++ {
		if s == roleNames[role] {
			return role
		}
	}
	return 0
}

func (r *eventReader) flag(key string) *bool {
	switch strings.ToLower(r.text(key)) {
	case "true":
		return new(true)
	case "false":
		return new(false)
	}
	return nil
}

func (r *eventReader) callStatus() CallStatus {
	s := r.text("CallStatus")
	if low := CallStatus(strings.ToLower(s)); low.Final() || low == CallRinging || low == CallInProgress {
		return low
	}
	return CallStatus(s)
}

// eventNumber returns 0 for what is not a number of at most 18 digits.
func eventNumber(s string) int64 {
	if !all(s, 1, 18, isDigit) {
		return 0
	}
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil {
		return 0
	}
	return n
}

// eventCode is eventNumber for the codes of causes, which have four digits.
func eventCode(s string) int {
	if len(s) > 9 {
		return 0
	}
	return int(eventNumber(s))
}

// eventSeconds returns 0 for what is not a number of seconds, up to 30 years.
func eventSeconds(s string) time.Duration {
	if s == "" {
		return 0
	}
	f, err := strconv.ParseFloat(s, 64)
	if err != nil || !(f >= 0 && f <= 1e9) {
		return 0
	}
	return time.Duration(f * float64(time.Second))
}

// Plivo gives a layout for recordings alone, the second here; its samples show
// the first.
var eventLayouts = [...]string{
	"2006-01-02 15:04:05", "2006-01-02 15:04:05Z07:00", "2006-01-02 15:04:05 Z07:00",
	"2006-01-02 15:04:05-0700", "2006-01-02 15:04:05 -0700", "2006-01-02 15:04:05 UTC",
	"2006-01-02T15:04:05", "2006-01-02T15:04:05Z07:00", "2006-01-02T15:04:05-0700",
}

// eventTime reads a time, with or without a fraction; without a zone it is UTC.
// Digits alone are seconds, milliseconds or microseconds since 1970.
func eventTime(s string) time.Time {
	if len(s) < 19 || len(s) > 40 {
		switch n := eventNumber(s); len(s) {
		case 10:
			return eventUnix(n * 1e6)
		case 13:
			return eventUnix(n * 1e3)
		case 16:
			return eventUnix(n)
		}
		return time.Time{}
	}
	for _, layout := range eventLayouts {
		if s[10] != layout[10] || len(s) == 19 && len(layout) != 19 {
			continue
		}
		if t, err := time.Parse(layout, s); err == nil {
			return t.UTC()
		}
	}
	return time.Time{}
}

func eventUnix(micros int64) time.Time {
	if micros == 0 {
		return time.Time{}
	}
	return time.UnixMicro(micros).UTC()
}
