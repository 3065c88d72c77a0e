package plivotest_test

import (
	"strings"
	"testing"
	"testing/synctest"

	plivo "github.com/plivo/plivo-go/v7"

	"github.com/mpc-coaching/coaching/plivotest"
)

// TestSDK runs every method of the Go SDK's service against the server: its
// paths, bodies and decoding.
func TestSDK(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, nil)
		client, err := plivo.NewClient(b.AuthID(), b.AuthToken(), &plivo.ClientOptions{HttpClient: b.Client()})
		if err != nil {
			t.Fatal(err)
		}
		svc := client.MultiPartyCall
		no := false
		ok := func(what string, err error) {
			t.Helper()
			if err != nil {
				t.Errorf("%s: %v", what, err)
			}
			b.settle()
		}
		b.Phone(agentSIP, nil)
		b.Phone(coachSIP, nil)
		room := plivo.MultiPartyCallBasicParams{FriendlyName: "the room"}
		added, err := svc.AddParticipant(room, plivo.MultiPartyCallAddParticipantParams{Role: "Agent", From: caller, To: agentSIP, StartMpcOnEnter: &no, StayAlone: true})
		ok("AddParticipant", err)
		if len(added.Calls) != 1 || added.Calls[0].CallUuid != added.RequestUuid || added.ApiID == "" {
			t.Errorf("AddParticipant = %+v", added)
		}
		ok("Start", svc.Start(room))
		_, err = svc.AddParticipant(room, plivo.MultiPartyCallAddParticipantParams{Role: "Supervisor", From: caller, To: coachSIP, CoachMode: true})
		ok("AddParticipant", err)

		got, err := svc.Get(room)
		ok("Get", err)
		if got.Status != "Active" || got.FriendlyName != "the room" || !got.StayAlone || got.StartTime == "" {
			t.Errorf("Get = %+v", got)
		}
		byUUID := plivo.MultiPartyCallBasicParams{MpcUuid: got.MpcUuid}
		list, err := svc.List(plivo.MultiPartyCallListParams{Status: "active", Limit: 5})
		ok("List", err)
		if len(list.Objects) != 1 || list.Meta.TotalCount != 1 || list.Meta.Limit != 5 || list.Objects[0].MpcUuid != got.MpcUuid {
			t.Errorf("List = %+v", list)
		}
		people, err := svc.ListParticipants(byUUID, plivo.MultiPartyCallListParticipantParams{})
		ok("ListParticipants", err)
		if len(people.Objects) != 2 || people.Objects[0].CallUuid != added.RequestUuid || people.Objects[1].Role != "supervisor" || !people.Objects[1].CoachMode {
			t.Fatalf("ListParticipants = %+v", people)
		}
		coach := plivo.MultiPartyCallParticipantParams{MpcUuid: got.MpcUuid, ParticipantId: people.Objects[1].MemberId}
		yes := true
		updated, err := svc.UpdateParticipant(coach, plivo.MultiPartyCallUpdateParticipantParams{CoachMode: &no, Mute: &yes})
		ok("UpdateParticipant", err)
		if !strings.Contains(updated.CoachMode, "the room") || updated.Mute == "" || updated.Hold != "" {
			t.Errorf("UpdateParticipant = %+v", updated)
		}
		one, err := svc.GetParticipant(coach)
		ok("GetParticipant", err)
		if one.CoachMode || !one.Mute || one.MemberAddress != coachSIP {
			t.Errorf("GetParticipant = %+v", one)
		}

		tape, err := svc.StartRecording(room, plivo.MultiPartyCallStartRecordingParams{FileFormat: "wav"})
		ok("StartRecording", err)
		if tape.RecordingId == "" || !strings.HasSuffix(tape.RecordingUrl, ".wav") {
			t.Errorf("StartRecording = %+v", tape)
		}
		ok("PauseRecording", svc.PauseRecording(room))
		if m := b.MPCs()[0]; m.Recording != "paused" {
			t.Errorf("recording %q", m.Recording)
		}
		ok("ResumeRecording", svc.ResumeRecording(room))
		ok("StopRecording", svc.StopRecording(room))
		tape, err = svc.StartParticipantRecording(coach, plivo.MultiPartyCallStartRecordingParams{})
		ok("StartParticipantRecording", err)
		if tape.RecordingId == "" {
			t.Errorf("StartParticipantRecording = %+v", tape)
		}
		ok("PauseParticipantRecording", svc.PauseParticipantRecording(coach))
		ok("ResumeParticipantRecording", svc.ResumeParticipantRecording(coach, plivo.MultiPartyCallParticipantRecordingParams{RecordTrackType: "all"}))
		ok("StopParticipantRecording", svc.StopParticipantRecording(coach, plivo.MultiPartyCallParticipantRecordingParams{}))

		played, err := svc.StartPlayAudio(coach, plivo.MultiPartyCallAudioParams{Url: "https://cdn.example/a.mp3"})
		ok("StartPlayAudio", err)
		if len(played.MemberId) != 1 || played.MemberId[0] != coach.ParticipantId || played.FriendlyName != "the room" {
			t.Errorf("StartPlayAudio = %+v", played)
		}
		ok("StopPlayAudio", svc.StopPlayAudio(coach))
		spoken, err := svc.StartSpeak(coach, plivo.MultiPartyCallSpeakParams{Text: "hi"})
		ok("StartSpeak", err)
		if spoken.Message != "speak queued into MPC" {
			t.Errorf("StartSpeak = %+v", spoken)
		}
		ok("StopSpeak", svc.StopSpeak(coach))
		ok("KickParticipant", svc.KickParticipant(coach))
		ok("Stop", svc.Stop(byUUID))
		got, err = svc.Get(byUUID)
		ok("Get of the ended", err)
		if got.Status != "Ended" || got.TerminationCauseCode != 3000 || got.BilledAmount == "" {
			t.Errorf("Get of the ended = %+v", got)
		}
		if _, err := svc.Get(room); err == nil {
			t.Error("Get by name of the ended: no error")
		}

		for _, r := range b.Requests() {
			if r.Op == "" {
				t.Errorf("%s %s reached no operation", r.Method, r.Path)
			}
		}
		call, err := client.Calls.Get(added.RequestUuid)
		ok("Calls.Get", err)
		if call.HangupCauseCode != 4020 || call.HangupSource != "API Request" {
			t.Errorf("Calls.Get = %+v", call)
		}
	})
}

// TestSDKSendsFalseNowhere shows the trap: the SDK's add-participant cannot
// ask for a supervisor whom all hear.
func TestSDKSendsFalseNowhere(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, nil)
		client, _ := plivo.NewClient(b.AuthID(), b.AuthToken(), &plivo.ClientOptions{HttpClient: b.Client()})
		cust := b.call()
		p := b.Phone(coachSIP, nil)
		client.MultiPartyCall.AddParticipant(plivo.MultiPartyCallBasicParams{FriendlyName: "room"},
			plivo.MultiPartyCallAddParticipantParams{Role: "Supervisor", From: caller, To: coachSIP, CoachMode: false})
		b.settle()
		if b.Hears(cust, p.Last()) {
			t.Error("the customer hears the supervisor")
		}
		var _ *plivotest.Phone = p
	})
}

// TestSDKDialsThreeTimes shows the other trap: a 5xx that took effect is sent
// again twice.
func TestSDKDialsThreeTimes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, nil)
		client, _ := plivo.NewClient(b.AuthID(), b.AuthToken(), &plivo.ClientOptions{HttpClient: b.Client()})
		b.call()
		p := b.Phone(agentSIP, nil)
		b.FailFunc(func(plivotest.Request) *plivotest.Failure { return &plivotest.Failure{Status: 503, Body: "{}"} })
		_, err := client.MultiPartyCall.AddParticipant(plivo.MultiPartyCallBasicParams{FriendlyName: "room"},
			plivo.MultiPartyCallAddParticipantParams{Role: "Agent", From: caller, To: agentSIP})
		b.settle()
		if n := len(p.Calls()); n != 3 || err != nil {
			t.Errorf("%d calls, %v, want 3 and no error", n, err)
		}
	})
}
