package coaching_test

import (
	"context"
	"net/http"
	"time"

	"github.com/mpc-coaching/coaching"
)

const (
	clientMPCJSON = `{"api_id":"d6eb04d7-a587-11ea-8818-0242ac11000e","billed_amount":null,"billed_duration":null,
		"creation_time":"2020-06-03 10:48:43+00:00","duration":null,"end_time":null,"friendly_name":"support_42",
		"mpc_uuid":"` + clientUUID + `","participants":"https://evil.example/p/","recording":"not-recording",
		"resource_uri":"https://evil.example/","start_time":"2020-06-03 16:18:44+05:30","status":"Active",
		"stay_alone":false,"sub_account":null,"termination_cause":null,"termination_cause_code":null}`
	clientPersonJSON = `{"api_id":"x","billed_amount":null,"billed_duration":null,"call_uuid":"` + clientCallID + `",
		"coach_mode":true,"duration":null,"end_mpc_on_exit":false,"exit_cause":null,"exit_time":null,"hold":false,
		"join_time":"2020-06-03 10:48:50+00:00","member_address":"sip:lee123@phone.plivo.com","member_id":"2132",
		"mpc_uuid":"` + clientUUID + `","mute":true,"resource_uri":"/x/","role":"supervisor","start_mpc_on_enter":false}`
	clientListMeta = `{"api_id":"a-1","meta":{"count":41,"limit":20,"next":"https://evil.example/?offset=20","offset":20,"previous":null},"objects":[`
)

func clientMPCValue() coaching.MPC {
	return coaching.MPC{
		APIID: "d6eb04d7-a587-11ea-8818-0242ac11000e", UUID: clientUUID, FriendlyName: "support_42",
		Status: coaching.MPCStatusActive, Recording: "not-recording", StayAlone: new(false),
		Created: time.Date(2020, 6, 3, 10, 48, 43, 0, time.UTC), Started: time.Date(2020, 6, 3, 10, 48, 44, 0, time.UTC),
	}
}

func clientPersonValue() coaching.MPCParticipant {
	return coaching.MPCParticipant{
		MemberID: "2132", MPCUUID: clientUUID, CallUUID: clientCallID, Role: coaching.RoleSupervisor,
		Address: "sip:lee123@phone.plivo.com", CoachMode: new(true), Mute: new(true), Hold: new(false),
		StartMPCOnEnter: new(false), EndMPCOnExit: new(false), Joined: time.Date(2020, 6, 3, 10, 48, 50, 0, time.UTC),
	}
}

// clientOperations lists every method of Client that sends a request.
func clientOperations() []clientOperation {
	return append(clientMPCOperations(), clientMediaOperations()...)
}

func clientMPCOperations() []clientOperation {
	noon := time.Date(2026, 1, 2, 13, 0, 0, 0, time.FixedZone("", 3600))
	return []clientOperation{{
		name: "ListMPCs",
		do: func(ctx context.Context, c *coaching.Client) (any, error) {
			return c.ListMPCs(ctx, &coaching.MPCFilter{
				FriendlyName: "Gasteiz / Vitoria", Status: coaching.MPCStatusEnded, SubAccount: "SA1", TerminationCode: 1010,
				Created: coaching.MPCTimes{After: noon, Before: noon.Add(1500 * time.Microsecond)},
				Ended:   coaching.MPCTimes{NotBefore: noon, NotAfter: noon.Add(time.Hour)},
				Limit:   20, Offset: 20,
			})
		},
		want: clientRequest{"GET", clientAccount + "MultiPartyCall/",
			"creation_time__gt=2026-01-02+12%3A00%3A00&creation_time__lt=2026-01-02+12%3A00%3A00.001500" +
				"&end_time__gte=2026-01-02+12%3A00%3A00&end_time__lte=2026-01-02+13%3A00%3A00" +
				"&friendly_name=Gasteiz+%2F+Vitoria&limit=20&offset=20&status=ended&sub_account=SA1&termination_cause_code=1010", ""},
		status: 200, answer: clientListMeta + clientMPCJSON + `]}`,
		result: coaching.MPCPage{APIID: "a-1", MPCs: []coaching.MPC{clientMPCValue()}, Total: 41, Limit: 20, Offset: 20},
	}, {
		name:   "MPC",
		do:     func(ctx context.Context, c *coaching.Client) (any, error) { return c.MPC(ctx, clientMPC) },
		want:   clientRequest{"GET", clientMPCPath, "", ""},
		status: 200, answer: clientMPCJSON, result: clientMPCValue(),
	}, {
		name:   "ActivateMPC",
		do:     clientNone(func(ctx context.Context, c *coaching.Client) error { return c.ActivateMPC(ctx, clientMPC) }),
		want:   clientRequest{"POST", clientMPCPath, "", `{"status":"active"}`},
		status: 204,
	}, {
		name:   "EndMPC",
		do:     clientNone(func(ctx context.Context, c *coaching.Client) error { return c.EndMPC(ctx, clientMPC) }),
		want:   clientRequest{"DELETE", clientMPCPath, "", ""},
		status: 204,
	}, {
		name: "AddParticipant",
		do: func(ctx context.Context, c *coaching.Client) (any, error) {
			return c.AddParticipant(ctx, coaching.ByName(coaching.CallID("ccdeadbeef00000000000000000000000001")), coaching.ParticipantParams{
				Role: coaching.RoleSupervisor, From: "+14155550100", To: []string{"sip:lee@phone.plivo.com"}, CoachMode: new(false),
			})
		},
		want: clientRequest{"POST", clientAccount + "MultiPartyCall/name_ccdeadbeef00000000000000000000000001/Participant/", "",
			`{"coach_mode":false,"from":"+14155550100","role":"supervisor","to":"sip:lee@phone.plivo.com"}`},
		status: 201,
		answer: `{"api_id":"bfe372c0","calls":[{"to":"sip:lee@phone.plivo.com","from":"14155550100","call_uuid":"` + clientCallID + `"}],
			"message":"add participant action initiated","request_uuid":"` + clientCallID + `"}`,
		result: coaching.AddedParticipant{APIID: "bfe372c0", Message: "add participant action initiated", RequestUUID: clientCallID,
			Calls: []coaching.AddedCall{{CallUUID: clientCallID, From: "14155550100", To: "sip:lee@phone.plivo.com"}}},
	}, {
		name: "Participants",
		do: func(ctx context.Context, c *coaching.Client) (any, error) {
			return c.Participants(ctx, clientMPC, &coaching.ParticipantFilter{CallUUID: clientCallID})
		},
		want:   clientRequest{"GET", clientMPCPath + "Participant/", "call_uuid=" + clientCallID, ""},
		status: 200, answer: clientListMeta + clientPersonJSON + `]}`, result: []coaching.MPCParticipant{clientPersonValue()},
	}, {
		name: "Participant",
		do: func(ctx context.Context, c *coaching.Client) (any, error) {
			return c.Participant(ctx, clientMPC, "2132")
		},
		want:   clientRequest{"GET", clientMPCPath + "Participant/2132/", "", ""},
		status: 200, answer: clientPersonJSON, result: clientPersonValue(),
	}, {
		name: "UpdateParticipants",
		do: clientNone(func(ctx context.Context, c *coaching.Client) error {
			return c.UpdateParticipants(ctx, clientMPC, coaching.MemberIDs("1", "2132"), coaching.ParticipantUpdate{
				Mute: new(false), Hold: new(true), CoachMode: new(false), DisableStateChangeSound: new(true)})
		}),
		want: clientRequest{"POST", clientMPCPath + "Participant/1,2132/", "",
			`{"coach_mode":false,"disable_state_change_sound":true,"hold":true,"mute":false}`},
		status: 202, answer: `{"api_id":"x","mute":"MPC: support_42 mute/unmute member(s) succeeded"}`,
	}, {
		name: "KickParticipants",
		do: clientNone(func(ctx context.Context, c *coaching.Client) error {
			return c.KickParticipants(ctx, clientMPC, coaching.AllMembers())
		}),
		want:   clientRequest{"DELETE", clientMPCPath + "Participant/all/", "", ""},
		status: 204,
	}, {
		name:   "HangUp",
		do:     clientNone(func(ctx context.Context, c *coaching.Client) error { return c.HangUp(ctx, clientCallID) }),
		want:   clientRequest{"DELETE", clientAccount + "Call/" + clientCallID + "/", "", ""},
		status: 204,
	}, {
		name:   "CancelRequest",
		do:     clientNone(func(ctx context.Context, c *coaching.Client) error { return c.CancelRequest(ctx, clientCallID) }),
		want:   clientRequest{"DELETE", clientAccount + "Request/" + clientCallID + "/", "", ""},
		status: 204,
	}, {
		name:   "CallDetail",
		do:     func(ctx context.Context, c *coaching.Client) (any, error) { return c.CallDetail(ctx, clientCallID) },
		want:   clientRequest{"GET", clientAccount + "Call/" + clientCallID + "/", "", ""},
		status: 200,
		answer: `{"answer_time":null,"api_id":"95727cf4","bill_duration":0,"billed_duration":60,"call_direction":"outbound",
			"call_duration":10,"call_uuid":"` + clientCallID + `","end_time":"2017-05-22 17:49:40+05:30","from_number":"+14155550100",
			"hangup_cause_code":"4000","hangup_cause_name":"Normal Hangup","hangup_source":"Callee",
			"initiation_time":"2017-05-22 17:49:30+05:30","parent_call_uuid":null,"to_number":"14155550123","total_amount":"0.00500"}`,
		result: coaching.CallDetail{APIID: "95727cf4", CallUUID: clientCallID, From: "+14155550100", To: "14155550123", Direction: "outbound",
			Initiated: time.Date(2017, 5, 22, 12, 19, 30, 0, time.UTC), Ended: time.Date(2017, 5, 22, 12, 19, 40, 0, time.UTC),
			Duration: new(10 * time.Second), BilledDuration: new(time.Minute), TotalAmount: "0.00500",
			HangupCauseCode: 4000, HangupCauseName: "Normal Hangup", HangupSource: "Callee"},
	}}
}

func clientMediaOperations() []clientOperation {
	recording := `{"api_id":"x-1","message":"MPC: support_42 record started","recording_id":"r-1","recording_url":"https://media.plivo.com/r-1.mp3"}`
	recorded := coaching.MPCRecording{APIID: "x-1", Message: "MPC: support_42 record started", ID: "r-1", URL: "https://media.plivo.com/r-1.mp3"}
	played := coaching.Playback{APIID: "x-1", Message: "queued", Members: []coaching.MemberID{"1825", "7"}, MPCName: "MyMPC"}
	playing := `{"api_id":"x-1","message":"queued","mpcMemberId":["1825",7],"mpcName":"MyMPC"}`
	hook := coaching.Webhook{URL: "https://voice.example.com/recording?call=1"}
	return []clientOperation{{
		name: "StartRecording",
		do: func(ctx context.Context, c *coaching.Client) (any, error) {
			return c.StartRecording(ctx, clientMPC, &coaching.RecordingParams{FileFormat: "wav", Callback: hook, Transcript: new(false), TranscriptionURL: "https://t.example/"})
		},
		want: clientRequest{"POST", clientMPCPath + "Record/", "",
			`{"file_format":"wav","recording_callback_method":"POST","recording_callback_url":"https://voice.example.com/recording?call=1","transcript":false,"transcription_url":"https://t.example/"}`},
		status: 202, answer: recording, result: recorded,
	}, {
		name:   "StopRecording",
		do:     clientNone(func(ctx context.Context, c *coaching.Client) error { return c.StopRecording(ctx, clientMPC) }),
		want:   clientRequest{"DELETE", clientMPCPath + "Record/", "", ""},
		status: 204,
	}, {
		name:   "PauseRecording",
		do:     clientNone(func(ctx context.Context, c *coaching.Client) error { return c.PauseRecording(ctx, clientMPC) }),
		want:   clientRequest{"POST", clientMPCPath + "Record/Pause/", "", ""},
		status: 204,
	}, {
		name:   "ResumeRecording",
		do:     clientNone(func(ctx context.Context, c *coaching.Client) error { return c.ResumeRecording(ctx, clientMPC) }),
		want:   clientRequest{"POST", clientMPCPath + "Record/Resume/", "", ""},
		status: 204,
	}, {
		name: "StartParticipantRecording",
		do: func(ctx context.Context, c *coaching.Client) (any, error) {
			return c.StartParticipantRecording(ctx, clientMPC, "7", &coaching.RecordingParams{Track: coaching.TrackBoth, Callback: coaching.Webhook{URL: hook.URL, Method: http.MethodGet}})
		},
		want: clientRequest{"POST", clientMPCPath + "Participant/7/Record/", "",
			`{"record_track_type":"both","recording_callback_method":"GET","recording_callback_url":"https://voice.example.com/recording?call=1"}`},
		status: 200, answer: recording, result: recorded,
	}, {
		name: "StopParticipantRecording",
		do: clientNone(func(ctx context.Context, c *coaching.Client) error {
			return c.StopParticipantRecording(ctx, clientMPC, "7", coaching.TrackAll)
		}),
		want:   clientRequest{"DELETE", clientMPCPath + "Participant/7/Record/", "record_track_type=all", ""},
		status: 204,
	}, {
		name: "PauseParticipantRecording",
		do: clientNone(func(ctx context.Context, c *coaching.Client) error {
			return c.PauseParticipantRecording(ctx, clientMPC, "7", coaching.TrackParticipant)
		}),
		want:   clientRequest{"POST", clientMPCPath + "Participant/7/Record/Pause/", "", `{"record_track_type":"participant"}`},
		status: 204,
	}, {
		name: "ResumeParticipantRecording",
		do: clientNone(func(ctx context.Context, c *coaching.Client) error {
			return c.ResumeParticipantRecording(ctx, clientMPC, "7", "")
		}),
		want:   clientRequest{"POST", clientMPCPath + "Participant/7/Record/Resume/", "", ""},
		status: 204,
	}, {
		name: "PlayAudio",
		do: func(ctx context.Context, c *coaching.Client) (any, error) {
			return c.PlayAudio(ctx, clientMPC, coaching.MemberIDs("1825", "7"), "https://s3.example.com/a.mp3")
		},
		want:   clientRequest{"POST", clientMPCPath + "Member/1825,7/Play/", "", `{"url":"https://s3.example.com/a.mp3"}`},
		status: 202, answer: playing, result: played,
	}, {
		name: "StopAudio",
		do: clientNone(func(ctx context.Context, c *coaching.Client) error {
			return c.StopAudio(ctx, clientMPC, coaching.MemberIDs("1825", "7"))
		}),
		want:   clientRequest{"DELETE", clientMPCPath + "Member/1825,7/Play/", "", ""},
		status: 204,
	}, {
		name: "Speak",
		do: func(ctx context.Context, c *coaching.Client) (any, error) {
			return c.Speak(ctx, clientMPC, "7", coaching.SpeakParams{Text: "Grüße\n<break/>", Voice: "WOMAN", Language: "en-GB", Mix: new(false), Type: "ssml", Callback: hook})
		},
		want: clientRequest{"POST", clientMPCPath + "Member/7/Speak/", "",
			`{"callback_method":"POST","callback_url":"https://voice.example.com/recording?call=1","language":"en-GB","mix":false,"text":"Grüße\n\u003cbreak/\u003e","type":"ssml","voice":"WOMAN"}`},
		status: 202, answer: playing, result: played,
	}, {
		name:   "StopSpeaking",
		do:     clientNone(func(ctx context.Context, c *coaching.Client) error { return c.StopSpeaking(ctx, clientMPC, "7") }),
		want:   clientRequest{"DELETE", clientMPCPath + "Member/7/Speak/", "", ""},
		status: 204,
	}}
}
