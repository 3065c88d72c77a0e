package coaching_test

import (
	"errors"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/mpc-coaching/coaching"
)

const (
	mpcUUID = "c5712c9f-2c78-4d85-b1a4-6eae7dbafb36"
	legUUID = "ceeac2c3-2c78-4d85-b1a4-6eae7dbafb37"
	recUUID = "0a1b2c3d-2c78-4d85-b1a4-6eae7dbafb38"
	reqUUID = "11111111-2c78-4d85-b1a4-6eae7dbafb39"
)

var eventTime = time.Date(2024, 5, 1, 10, 0, 2, 0, time.UTC)

// eventForm is a callback with every field of status callbacks.
func eventForm(name string, more ...string) url.Values {
	form := url.Values{
		"EventName": {name}, "EventTimestamp": {"2024-05-01 10:00:02"}, "MPCUUID": {mpcUUID}, "MPCName": {string(room)},
		"MemberID": {"209"}, "ParticipantRole": {"agent"}, "ParticipantCallUUID": {legUUID}, "ParticipantCoachMode": {"false"},
		"ParticipantCallFrom": {"15551110000"}, "ParticipantCallTo": {"sip:alice@phone.plivo.com"}, "ParticipantCallDirection": {"outbound"},
		"MemberAddress": {"sip:alice@phone.plivo.com"}, "SequenceNumber": {"4"},
	}
	return with(form, more...)
}

func with(form url.Values, pairs ...string) url.Values {
	form = maps.Clone(form)
	for i := 0; i < len(pairs); i += 2 {
		form[pairs[i]] = []string{pairs[i+1]}
	}
	return form
}

func meta(form url.Values) coaching.Meta {
	return coaching.Meta{
		EventName: form.Get("EventName"), MPCUUID: mpcUUID, MPCName: room, Sequence: 4,
		Timestamp: eventTime, TimestampText: "2024-05-01 10:00:02", Form: form,
	}
}

func party() coaching.EventParticipant {
	return coaching.EventParticipant{
		MemberID: "209", Role: coaching.RoleAgent, CallUUID: legUUID, CoachMode: new(false), From: "15551110000",
		To: "sip:alice@phone.plivo.com", Direction: "outbound", Address: "sip:alice@phone.plivo.com",
	}
}

// wireEvents is Plivo's list of event names, and what each becomes: in full, and
// with nothing but what must be given.
func wireEvents() map[string]struct {
	form         url.Values
	full, sparse func(coaching.Meta) coaching.Event
} {
	type entry = struct {
		form         url.Values
		full, sparse func(coaching.Meta) coaching.Event
	}
	none := coaching.EventParticipant{}
	plain := func(name string, make func(coaching.Meta, coaching.EventParticipant) coaching.Event) entry {
		return entry{eventForm(name), func(m coaching.Meta) coaching.Event { return make(m, party()) },
			func(m coaching.Meta) coaching.Event { return make(m, none) }}
	}
	events := map[string]entry{}
	for name, make := range map[string]func(m coaching.Meta, p coaching.EventParticipant) coaching.Event{
		"MPCInitialized": func(m coaching.Meta, p coaching.EventParticipant) coaching.Event {
			return coaching.MPCInitialized{m, p}
		},
		"MPCStart": func(m coaching.Meta, p coaching.EventParticipant) coaching.Event { return coaching.MPCStarted{m, p} },
		"ParticipantJoin": func(m coaching.Meta, p coaching.EventParticipant) coaching.Event {
			return coaching.ParticipantJoined{m, p}
		},
		"ParticipantExit": func(m coaching.Meta, p coaching.EventParticipant) coaching.Event {
			return coaching.ParticipantExited{m, p}
		},
		"ParticipantMute": func(m coaching.Meta, p coaching.EventParticipant) coaching.Event {
			return coaching.ParticipantMuted{m, p}
		},
		"ParticipantUnmute": func(m coaching.Meta, p coaching.EventParticipant) coaching.Event {
			return coaching.ParticipantUnmuted{m, p}
		},
		"ParticipantHold": func(m coaching.Meta, p coaching.EventParticipant) coaching.Event {
			return coaching.ParticipantHeld{m, p}
		},
		"ParticipantUnhold": func(m coaching.Meta, p coaching.EventParticipant) coaching.Event {
			return coaching.ParticipantUnheld{m, p}
		},
		"ParticipantCoachModeStart": func(m coaching.Meta, p coaching.EventParticipant) coaching.Event {
			return coaching.CoachModeStarted{m, p}
		},
		"ParticipantCoachModeStop": func(m coaching.Meta, p coaching.EventParticipant) coaching.Event {
			return coaching.CoachModeStopped{m, p}
		},
		"ParticipantSpeakStart": func(m coaching.Meta, p coaching.EventParticipant) coaching.Event {
			return coaching.ParticipantSpeakStarted{m, p}
		},
		"ParticipantSpeakStop": func(m coaching.Meta, p coaching.EventParticipant) coaching.Event {
			return coaching.ParticipantSpeakStopped{m, p}
		},
		"AddParticipantByAPIActionInitiated": func(m coaching.Meta, p coaching.EventParticipant) coaching.Event {
			return coaching.AddParticipantStarted{m, p}
		},
	} {
		events[name] = plain(name, make)
	}
	events["MPCEnd"] = entry{
		eventForm("MPCEnd", "MPCDuration", "61", "MPCBilledDuration", "120", "MPCBilledAmount", "0.0100", "MPCTerminationCause", "Ended", "MPCTerminationCauseCode", "1000"),
		func(m coaching.Meta) coaching.Event {
			return coaching.MPCEnded{m, party(), 61 * time.Second, 2 * time.Minute, "0.0100", "Ended", 1000}
		},
		func(m coaching.Meta) coaching.Event { return coaching.MPCEnded{Meta: m} },
	}
	events["ParticipantDigitInput"] = entry{
		eventForm("ParticipantDigitInput", "DigitInput", "12#*"),
		func(m coaching.Meta) coaching.Event { return coaching.ParticipantDigits{m, party(), "12#*"} },
		func(m coaching.Meta) coaching.Event { return coaching.ParticipantDigits{Meta: m} },
	}
	events["AddParticipantByAPIActionCompleted"] = entry{
		eventForm("AddParticipantByAPIActionCompleted", "AddParticipantAPIRequestOutcome", "x"),
		func(m coaching.Meta) coaching.Event { return coaching.AddParticipantCompleted{m, party(), "x"} },
		func(m coaching.Meta) coaching.Event { return coaching.AddParticipantCompleted{Meta: m} },
	}
	for end, state := range map[string]coaching.RecordingState{"Initiated": coaching.RecordingInitiated, "Paused": coaching.RecordingPaused,
		"Resumed": coaching.RecordingResumed, "Completed": coaching.RecordingCompleted, "Failed": coaching.RecordingFailed} {
		for _, level := range []string{"MPC", "Participant"} {
			name := level + "Recording" + end
			form := url.Values{
				"EventName": {name}, "EventTimestamp": {"2024-05-01 10:00:02"}, "MPCName": {string(room)}, "MPCUUID": {mpcUUID}, "SequenceNumber": {"4"},
				"RecordingUUID": {recUUID}, "RecordingURL": {"https://r.example/1.mp3"}, "RecordingResourceURL": {"/v1/Account/MA/Recording/1/"},
				"RecordingFormat": {"mp3"}, "RecordingDuration": {"12"}, "RecordingStartTime": {"2024-05-01 15:30:02+05:30"}, "RecordingEndTime": {"2024-05-01 10:00:14+00:00"},
			}
			full := coaching.RecordingChanged{State: state, Participant: level == "Participant", RecordingUUID: recUUID, URL: "https://r.example/1.mp3",
				ResourceURL: "/v1/Account/MA/Recording/1/", Format: "mp3", Duration: 12 * time.Second, StartTime: eventTime, EndTime: eventTime.Add(12 * time.Second)}
			if full.Participant {
				form.Set("MemberID", "209")
				full.MemberID = "209"
			}
			events[name] = entry{form,
				func(m coaching.Meta) coaching.Event { full.Meta = m; return full },
				func(m coaching.Meta) coaching.Event {
					return coaching.RecordingChanged{Meta: m, State: state, Participant: full.Participant}
				}}
		}
	}
	return events
}

// documentedEvents is the list in Plivo's documentation.
var documentedEvents = strings.Fields(`MPCInitialized MPCStart MPCEnd ParticipantJoin ParticipantExit ParticipantMute ParticipantUnmute
	ParticipantHold ParticipantUnhold ParticipantCoachModeStart ParticipantCoachModeStop ParticipantSpeakStart ParticipantSpeakStop
	ParticipantDigitInput AddParticipantByAPIActionInitiated AddParticipantByAPIActionCompleted
	MPCRecordingInitiated MPCRecordingPaused MPCRecordingResumed MPCRecordingCompleted MPCRecordingFailed
	ParticipantRecordingInitiated ParticipantRecordingPaused ParticipantRecordingResumed ParticipantRecordingCompleted ParticipantRecordingFailed`)

func checkEvent(t *testing.T, form url.Values, want coaching.Event) {
	t.Helper()
	got, err := coaching.ParseEvent(form)
	if err != nil {
		t.Fatalf("ParseEvent(%v) = %v", form, err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("ParseEvent(%v) (-want +got):\n%s", form, diff)
	}
	if diff := cmp.Diff(meta(form).EventName, got.Common().EventName); diff != "" {
		t.Errorf("Common (-want +got):\n%s", diff)
	}
}

func checkInvalid(t *testing.T, form url.Values, names ...string) {
	t.Helper()
	ev, err := coaching.ParseEvent(form)
	if ev != nil || !errors.Is(err, coaching.ErrInvalid) {
		t.Errorf("ParseEvent(%v) = %v, %v, want ErrInvalid", form, ev, err)
		return
	}
	for _, n := range names {
		if !strings.Contains(err.Error(), n) {
			t.Errorf("ParseEvent(%v) = %q, which does not name %s", form, err, n)
		}
	}
}

func TestParseEvent(t *testing.T) {
	events := wireEvents()
	types := map[string]bool{}
	for _, name := range documentedEvents {
		c, ok := events[name]
		if !ok {
			t.Errorf("%s: no case", name)
			continue
		}
		delete(events, name)
		t.Run(name, func(t *testing.T) {
			checkEvent(t, c.form, c.full(meta(c.form)))
			least := url.Values{"EventName": {name}, "MPCUUID": {mpcUUID}}
			checkEvent(t, least, c.sparse(coaching.Meta{EventName: name, MPCUUID: mpcUUID, Form: least}))
			// Empty means absent.
			empty := url.Values{"Unheard": {"of"}, "None": nil}
			for k := range c.form {
				empty.Set(k, "")
			}
			empty.Set("EventName", name)
			empty.Set("MPCUUID", mpcUUID)
			checkEvent(t, empty, c.sparse(coaching.Meta{EventName: name, MPCUUID: mpcUUID, Form: empty}))
			// Every field that is read may come once.
			for k, v := range c.form {
				twice := maps.Clone(c.form)
				twice[k] = []string{v[0], v[0]}
				checkInvalid(t, twice, k+" repeated")
				twice[k] = []string{"", v[0]}
				checkInvalid(t, twice, k+" repeated")
			}
			for _, bad := range []string{"", mpcUUID[:35], mpcUUID + "0", "g" + mpcUUID[1:], "name_" + mpcUUID, " " + mpcUUID[1:], "../" + mpcUUID[3:]} {
				checkInvalid(t, with(c.form, "MPCUUID", bad), "MPCUUID")
			}
			for _, k := range []string{"ParticipantCallUUID", "RecordingUUID"} {
				if c.form.Has(k) {
					checkInvalid(t, with(c.form, k, mpcUUID[:35]), k)
				}
			}
			if c.form.Has("MemberID") {
				for _, bad := range []string{"x", "-1", "1 ", "1,2", "all", "1/2", strings.Repeat("1", 21)} {
					checkInvalid(t, with(c.form, "MemberID", bad), "MemberID")
				}
			}
		})
		ev, err := coaching.ParseEvent(c.form)
		if err != nil {
			continue
		}
		key := fmt.Sprintf("%T", ev)
		if rec, ok := ev.(coaching.RecordingChanged); ok {
			key += fmt.Sprint(rec.Participant, rec.State)
		}
		if types[key] {
			t.Errorf("%s is not to be told apart as %s", name, key)
		}
		types[key] = true
	}
	if len(events) > 0 {
		t.Errorf("cases for undocumented events: %v", slices.Collect(maps.Keys(events)))
	}
}

func TestParseEventValues(t *testing.T) {
	parse := func(pairs ...string) coaching.ParticipantJoined {
		t.Helper()
		ev, err := coaching.ParseEvent(eventForm("ParticipantJoin", pairs...))
		if err != nil {
			t.Fatalf("ParseEvent(%q) = %v", pairs, err)
		}
		return ev.(coaching.ParticipantJoined)
	}
	for text, want := range map[string]coaching.Role{"customer": coaching.RoleCustomer, "Customer": coaching.RoleCustomer, "AGENT": coaching.RoleAgent,
		"Supervisor": coaching.RoleSupervisor, "sUPERVISOR": coaching.RoleSupervisor, "": 0, "ai-agent": 0, "agent ": 0, "agents": 0, "ſupervisor": 0} {
		ev := parse("ParticipantRole", text)
		if ev.Role != want || ev.Form.Get("ParticipantRole") != text {
			t.Errorf("role %q = %v, %q, want %v", text, ev.Role, ev.Form.Get("ParticipantRole"), want)
		}
	}
	yes, no := true, false
	for text, want := range map[string]*bool{"true": &yes, "True": &yes, "TRUE": &yes, "false": &no, "False": &no, "": nil, "1": nil, "yes": nil, " true": nil} {
		if diff := cmp.Diff(want, parse("ParticipantCoachMode", text).CoachMode); diff != "" {
			t.Errorf("coach mode %q (-want +got):\n%s", text, diff)
		}
	}
	for text, want := range map[string]int64{"": 0, "0": 0, "1": 1, "999999999999999999": 999999999999999999, "9999999999999999999": 0, "-1": 0, "+1": 0, "1.0": 0, "x": 0, "0x1": 0, "007": 7} {
		if got := parse("SequenceNumber", text).Sequence; got != want {
			t.Errorf("sequence %q = %d, want %d", text, got, want)
		}
	}
	for text, want := range map[string]time.Time{
		"2024-05-01 10:00:02": eventTime, "2024-05-01T10:00:02": eventTime, "2024-05-01T10:00:02Z": eventTime, "2024-05-01 10:00:02Z": eventTime,
		"2024-05-01 10:00:02+00:00": eventTime, "2024-05-01 15:30:02+05:30": eventTime, "2024-05-01 02:00:02-08:00": eventTime, "2024-05-01T15:30:02+05:30": eventTime,
		"2024-05-01 15:30:02 +0530": eventTime, "2024-05-01 15:30:02+0530": eventTime, "2024-05-01 10:00:02 UTC": eventTime, "2024-05-01 10:00:02 +00:00": eventTime,
		"2024-05-01 10:00:02.5": eventTime.Add(time.Second / 2), "2024-05-01 10:00:02.000000": eventTime, "2024-05-01 10:00:02.238707+00:00": eventTime.Add(238707 * time.Microsecond),
		"2024-05-01T10:00:02.25Z": eventTime.Add(time.Second / 4), "1714557602": eventTime, "1714557602000": eventTime, "1714557602000000": eventTime,
		"": {}, "now": {}, "0": {}, "0000000000": {}, "171455760": {}, "2024-05-01": {}, "2024-13-01 10:00:02": {}, "2024-05-01 25:00:02": {}, "2024-05-01x10:00:02": {},
		"May 1, 2024 10:00:02": {}, "2024-05-01 10:00:02 nonsense": {}, strings.Repeat("1", 50): {},
	} {
		ev := parse("EventTimestamp", text)
		if !ev.Timestamp.Equal(want) || ev.TimestampText != text || ev.Timestamp.Location() != time.UTC {
			t.Errorf("timestamp %q = %v, %q, want %v", text, ev.Timestamp, ev.TimestampText, want)
		}
	}
	for text, want := range map[string]time.Duration{"": 0, "0": 0, "61": 61 * time.Second, "1.5": 1500 * time.Millisecond, "-1": 0, "x": 0, "NaN": 0, "Inf": 0, "1e300": 0, "2000000000": 0} {
		ev, err := coaching.ParseEvent(eventForm("MPCEnd", "MPCDuration", text))
		if err != nil || ev.(coaching.MPCEnded).Duration != want {
			t.Errorf("duration %q = %v, %v, want %v", text, ev, err, want)
		}
	}
	for text, want := range map[string]int{"": 0, "1000": 1000, "-1": 0, "x": 0, "10000000000": 0} {
		ev, err := coaching.ParseEvent(eventForm("MPCEnd", "MPCTerminationCauseCode", text))
		if err != nil || ev.(coaching.MPCEnded).CauseCode != want {
			t.Errorf("cause code %q = %v, %v, want %v", text, ev, err, want)
		}
	}
	for _, name := range []string{"", "not one of ours", "Zoë & <co>", strings.Repeat("x", 300), "\x00"} {
		if got := parse("MPCName", name).MPCName; string(got) != name {
			t.Errorf("name %q = %q", name, got)
		}
	}
}

func TestParseEventUnknown(t *testing.T) {
	for _, name := range []string{"ParticipantAudioLoud", "participantjoin", "MPCRecordingDeleted", "MPCRecording", "ParticipantRecordingpaused", "MPCRecordingPausedX", "x", " ", "\x00"} {
		form := eventForm(name)
		checkEvent(t, form, coaching.UnknownEvent{Meta: meta(form)})
		least := url.Values{"EventName": {name}}
		checkEvent(t, least, coaching.UnknownEvent{Meta: coaching.Meta{EventName: name, Form: least}})
		checkInvalid(t, url.Values{"EventName": {name}, "MPCUUID": {"x"}}, "MPCUUID")
		checkInvalid(t, url.Values{"EventName": {name, name}}, "EventName")
	}
	for _, form := range []url.Values{nil, {}, {"x": {"1"}}, {"EventName": nil}, {"EventName": {""}}, {"eventname": {"MPCEnd"}}, {"Event": {"StartApp"}, "CallUUID": {legUUID}}} {
		checkInvalid(t, form, "EventName")
	}
	checkInvalid(t, with(eventForm("ParticipantJoin"), "MPCUUID", "x", "MemberID", "y", "ParticipantCallUUID", "z"), "MPCUUID", "MemberID", "ParticipantCallUUID")
	_, err := coaching.ParseEvent(with(eventForm("ParticipantJoin"), "MemberID", "+15551230000"))
	if err == nil || strings.Contains(err.Error(), "555") {
		t.Errorf("error %q repeats what was sent", err)
	}
}

func TestParseLeg(t *testing.T) {
	form := url.Values{
		"CallUUID": {legUUID}, "RequestUUID": {reqUUID}, "From": {"15551110000"}, "To": {"sip:alice@phone.plivo.com"}, "Direction": {"outbound"},
		"CallStatus": {"completed"}, "HangupCause": {"NORMAL_CLEARING"}, "HangupCauseName": {"Normal Hangup"}, "HangupCauseCode": {"4000"}, "HangupSource": {"Callee"},
		"Event": {"Hangup"},
	}
	want := coaching.LegStatus{
		Meta: coaching.Meta{Form: form}, CallUUID: legUUID, RequestUUID: reqUUID, From: "15551110000", To: "sip:alice@phone.plivo.com", Direction: "outbound",
		CallStatus: coaching.CallCompleted, HangupCause: "NORMAL_CLEARING", HangupCauseName: "Normal Hangup", HangupCauseCode: 4000, HangupSource: "Callee",
	}
	checkEvent(t, form, want)
	if got, err := coaching.ParseLeg(form); err != nil || !cmp.Equal(got, want) {
		t.Errorf("ParseLeg = %+v, %v, want %+v", got, err, want)
	}
	least := url.Values{"CallUUID": {legUUID}, "CallStatus": {"ringing"}}
	checkEvent(t, least, coaching.LegStatus{Meta: coaching.Meta{Form: least}, CallUUID: legUUID, CallStatus: coaching.CallRinging})
	for text, final := range map[string]bool{"ringing": false, "in-progress": false, "completed": true, "busy": true, "no-answer": true, "timeout": true, "cancel": true, "failed": true, "early-media": false, "Strange": false} {
		for _, s := range []string{text, strings.ToUpper(text)} {
			got, err := coaching.ParseLeg(with(form, "CallStatus", s))
			want := text
			if text == "early-media" || text == "Strange" {
				want = s
			}
			if err != nil || string(got.CallStatus) != want || got.CallStatus.Final() != final {
				t.Errorf("ParseLeg(CallStatus %q) = %q, final %v, %v, want %q, %v", s, got.CallStatus, got.CallStatus.Final(), err, want, final)
			}
		}
	}
	for k := range form {
		if k == "Event" {
			continue // not read
		}
		twice := maps.Clone(form)
		twice[k] = []string{form.Get(k), ""}
		got, err := coaching.ParseLeg(twice)
		if !errors.Is(err, coaching.ErrInvalid) || !strings.Contains(err.Error(), k) || !cmp.Equal(got, coaching.LegStatus{}) {
			t.Errorf("ParseLeg(%s twice) = %+v, %v, want ErrInvalid", k, got, err)
		}
	}
	for _, bad := range []url.Values{nil, with(form, "CallUUID", ""), with(form, "CallUUID", "x"), with(form, "RequestUUID", "x"), with(form, "CallStatus", "")} {
		if _, err := coaching.ParseLeg(bad); !errors.Is(err, coaching.ErrInvalid) {
			t.Errorf("ParseLeg(%v) = %v, want ErrInvalid", bad, err)
		}
	}
}

func TestParseExit(t *testing.T) {
	form := url.Values{
		"MPCUUID": {mpcUUID}, "MPCFriendlyName": {string(room)}, "MemberID": {"209"}, "ParticipantCallUUID": {legUUID}, "ParticipantRole": {"Customer"},
		"ParticipantJoinTime": {"2024-05-01 10:00:02+00:00"}, "ParticipantEndTime": {"2024-05-01 10:01:02+00:00"},
		"CallUUID": {legUUID}, "From": {"15551110000"}, "To": {"14155550100"}, "Direction": {"inbound"}, "CallStatus": {"in-progress"},
	}
	want := coaching.ExitAction{
		Meta: coaching.Meta{MPCUUID: mpcUUID, MPCName: room, Form: form}, MemberID: "209", Role: coaching.RoleCustomer, CallUUID: legUUID,
		JoinTime: eventTime, EndTime: eventTime.Add(time.Minute), From: "15551110000", To: "14155550100", Direction: "inbound", CallStatus: coaching.CallInProgress,
	}
	checkEvent(t, form, want)
	if got, err := coaching.ParseExit(form); err != nil || !cmp.Equal(got, want) {
		t.Errorf("ParseExit = %+v, %v, want %+v", got, err, want)
	}
	least := url.Values{"MPCUUID": {mpcUUID}, "CallUUID": {legUUID}, "MPCName": {string(room)}}
	checkEvent(t, least, coaching.ExitAction{Meta: coaching.Meta{MPCUUID: mpcUUID, MPCName: room, Form: least}, CallUUID: legUUID})
	for k := range form {
		twice := maps.Clone(form)
		twice[k] = []string{form.Get(k), ""}
		got, err := coaching.ParseExit(twice)
		if !errors.Is(err, coaching.ErrInvalid) || !strings.Contains(err.Error(), k) || !cmp.Equal(got, coaching.ExitAction{}) {
			t.Errorf("ParseExit(%s twice) = %+v, %v, want ErrInvalid", k, got, err)
		}
	}
	for _, bad := range []url.Values{nil, with(form, "MPCUUID", ""), with(form, "MPCUUID", "x"), with(form, "CallUUID", "x"), with(form, "ParticipantCallUUID", "x"), with(form, "MemberID", "x")} {
		if _, err := coaching.ParseExit(bad); !errors.Is(err, coaching.ErrInvalid) {
			t.Errorf("ParseExit(%v) = %v, want ErrInvalid", bad, err)
		}
	}
	checkInvalid(t, url.Values{"MPCFriendlyName": {"x"}}, "MPCUUID")
}

func TestRecordingStateText(t *testing.T) {
	for s := coaching.RecordingInitiated; s <= coaching.RecordingFailed; s++ {
		text, err := s.MarshalText()
		var back coaching.RecordingState
		if err2 := back.UnmarshalText(text); err != nil || err2 != nil || back != s || string(text) != s.String() || s.String() == "" {
			t.Errorf("RecordingState %d: %q, %v, %v, %v", s, text, err, back, err2)
		}
	}
	for _, s := range []coaching.RecordingState{0, coaching.RecordingFailed + 1} {
		if text, err := s.MarshalText(); !errors.Is(err, coaching.ErrInvalid) || s.String() != fmt.Sprintf("RecordingState(%d)", s) {
			t.Errorf("RecordingState %d: %q, %v", uint8(s), text, err)
		}
	}
	kept := coaching.RecordingPaused
	for _, text := range []string{"", "Paused", "RecordingState(0)"} {
		if _, err := coaching.ParseRecordingState(text); !errors.Is(err, coaching.ErrInvalid) {
			t.Errorf("ParseRecordingState(%q) = %v, want ErrInvalid", text, err)
		}
		if err := kept.UnmarshalText([]byte(text)); err == nil || kept != coaching.RecordingPaused {
			t.Errorf("UnmarshalText(%q) = %v, %v", text, kept, err)
		}
	}
}

func FuzzParseEvent(f *testing.F) {
	for _, c := range wireEvents() {
		f.Add(c.form.Encode())
	}
	for _, body := range []string{"", "EventName=ParticipantJoin&MPCName=c&ParticipantRole=agent", "EventName=x", "EventName=MPCEnd&EventName=MPCEnd",
		"CallStatus=busy&CallUUID=" + legUUID, "MPCFriendlyName=x&MPCUUID=" + mpcUUID, "EventName=MPCEnd&MPCUUID=" + mpcUUID + "&EventTimestamp=2024-05-01+10:00:02.1%2B05:30"} {
		f.Add(body)
	}
	f.Fuzz(func(t *testing.T, body string) {
		form, _ := url.ParseQuery(body)
		before := form.Encode()
		ev, err := coaching.ParseEvent(form)
		if (ev == nil) == (err == nil) {
			t.Fatalf("ParseEvent(%q) = %v, %v, want exactly one", body, ev, err)
		}
		if err != nil && !errors.Is(err, coaching.ErrInvalid) {
			t.Errorf("ParseEvent(%q) = %v, want ErrInvalid", body, err)
		}
		if form.Encode() != before {
			t.Errorf("ParseEvent(%q) changed the form", body)
		}
		leg, err := coaching.ParseLeg(form)
		if (leg.CallUUID == "" || leg.CallStatus == "") == (err == nil) {
			t.Errorf("ParseLeg(%q) = %+v, %v, want exactly one", body, leg, err)
		}
		exit, err := coaching.ParseExit(form)
		if (exit.MPCUUID == "") == (err == nil) {
			t.Errorf("ParseExit(%q) = %+v, %v, want exactly one", body, exit, err)
		}
		if ev == nil {
			return
		}
		if m := ev.Common(); len(m.MPCUUID) != 36 && m.MPCUUID != "" || m.Sequence < 0 || string(m.MPCName) != "" && !form.Has("MPCName") && !form.Has("MPCFriendlyName") {
			t.Errorf("ParseEvent(%q) = %+v", body, ev)
		}
	})
}

func BenchmarkParseEvent(b *testing.B) {
	_, form, _ := benchRequest()
	b.ReportAllocs()
	for b.Loop() {
		if ev, err := coaching.ParseEvent(form); err != nil || ev == nil {
			b.Fatal(err)
		}
	}
}
