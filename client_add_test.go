package coaching_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/mpc-coaching/coaching"
)

func clientInvalid(err error, op string) bool {
	return errors.Is(err, coaching.ErrInvalid) && strings.HasPrefix(err.Error(), "coaching: "+op+": ")
}

func clientHook(name string) coaching.Webhook {
	return coaching.Webhook{URL: "https://v.example/" + name}
}

func TestAddParticipantSendsEveryField(t *testing.T) {
	c, rec := newRecordedClient(t, 201, `{"request_uuid":"`+clientCallID+`"}`)
	get, no, yes := "GET", new(false), new(true)
	_, err := c.AddParticipant(t.Context(), clientMPC, coaching.ParticipantParams{
		Role: coaching.RoleAgent, From: "14155550100", To: []string{"+14155550123", "sip:ann@phone.plivo.com"},
		CallerName: strings.Repeat("é", 50), SIPHeaders: map[string]string{"Leg": "a1", "Callid": "cc01%20"},
		CallStatusCallback: clientHook("leg"), ConfirmKey: "#", ConfirmKeySound: clientHook("confirm"), DialMusic: "None",
		RingTimeout: []time.Duration{30 * time.Second, 20 * time.Second}, DelayDial: []time.Duration{5 * time.Second},
		SendDigits: "wW12#", SendOnPreanswer: no, OnExitAction: clientHook("exit"), Async: clientHook("async"),
		CoachMode: no, Mute: no, Hold: no, StartMPCOnEnter: no, EndMPCOnExit: no, RelayDTMFInputs: no,
		EnterSound: "none", ExitSound: "https://v.example/out", ExitSoundMethod: "POST", RecordParticipantTrack: no,
		MaxDuration: 28800 * time.Second, MaxParticipants: 10, StayAlone: no, CreateMPCWithSingleParticipant: no,
		StatusCallback: clientHook("events"), StatusCallbackEvents: []string{"mpc-state-changes", "participant-speak-events"},
		WaitMusic: clientHook("wait"), AgentHoldMusic: coaching.Webhook{URL: "https://v.example/ahold", Method: "POST"}, CustomerHoldMusic: clientHook("chold"),
		InlineAgentHoldMusic: "<Response/>", InlineCustomerHoldMusic: "<Response/>", Record: no, RecordFileFormat: "mp3",
		RecordMinMemberCount: 2, RecordingCallback: coaching.Webhook{URL: "https://v.example/rec", Method: get},
		StartRecordingAudio: clientHook("on"), StopRecordingAudio: clientHook("off"), Transcript: yes, TranscriptionURL: "https://v.example/t",
	})
	if err != nil {
		t.Fatal(err)
	}
	want := strings.Join([]string{
		`{"agent_hold_music":"\u003cResponse/\u003e"`, `"agent_hold_music_method":"POST"`, `"agent_hold_music_url":"https://v.example/ahold"`,
		`"call_status_callback_method":"POST"`, `"call_status_callback_url":"https://v.example/leg"`,
		`"callback_method":"POST"`, `"callback_url":"https://v.example/async"`, `"caller_name":"` + strings.Repeat("é", 50) + `"`,
		`"coach_mode":false`, `"confirm_key":"#"`, `"confirm_key_sound_method":"GET"`, `"confirm_key_sound_url":"https://v.example/confirm"`,
		`"create_mpc_with_single_participant":false`, `"customer_hold_music":"\u003cResponse/\u003e"`, `"customer_hold_music_method":"GET"`,
		`"customer_hold_music_url":"https://v.example/chold"`, `"delay_dial":5`, `"dial_music":"None"`, `"end_mpc_on_exit":false`,
		`"enter_sound":"none"`, `"exit_sound":"https://v.example/out"`, `"exit_sound_method":"POST"`, `"from":"14155550100"`, `"hold":false`,
		`"max_duration":28800`, `"max_participants":10`, `"mute":false`, `"on_exit_action_method":"POST"`, `"on_exit_action_url":"https://v.example/exit"`,
		`"record":false`, `"record_file_format":"mp3"`, `"record_min_member_count":2`, `"record_participant_track":false`,
		`"recording_callback_method":"GET"`, `"recording_callback_url":"https://v.example/rec"`, `"relay_dtmf_inputs":false`,
		`"ring_timeout":"30\u003c20"`, `"role":"agent"`, `"send_digits":"wW12#"`, `"send_on_preanswer":false`,
		`"sip_headers":"Callid=cc01%20,Leg=a1"`, `"start_mpc_on_enter":false`,
		`"start_recording_audio":"https://v.example/on"`, `"start_recording_audio_method":"GET"`,
		`"status_callback_events":"mpc-state-changes,participant-speak-events"`, `"status_callback_method":"POST"`, `"status_callback_url":"https://v.example/events"`,
		`"stay_alone":false`, `"stop_recording_audio":"https://v.example/off"`, `"stop_recording_audio_method":"GET"`,
		`"to":"+14155550123\u003csip:ann@phone.plivo.com"`, `"transcript":true`, `"transcription_url":"https://v.example/t"`,
		`"wait_music_method":"GET"`, `"wait_music_url":"https://v.example/wait"}`,
	}, ",")
	if diff := cmp.Diff(strings.Split(want, `,"`), strings.Split(rec.requests()[0].Body, `,"`)); diff != "" {
		t.Errorf("AddParticipant sent (-want +got):\n%s", diff)
	}
}

func TestAddParticipantRefuses(t *testing.T) {
	long := strings.Repeat("x", 51)
	s := time.Second
	for name, change := range map[string]func(*coaching.ParticipantParams){
		"no role":                func(p *coaching.ParticipantParams) { p.Role = 0 },
		"undeclared role":        func(p *coaching.ParticipantParams) { p.Role = 9 },
		"nobody":                 func(p *coaching.ParticipantParams) { p.From, p.To = "", nil },
		"from alone":             func(p *coaching.ParticipantParams) { p.To = nil },
		"to alone":               func(p *coaching.ParticipantParams) { p.From = "" },
		"call and dial":          func(p *coaching.ParticipantParams) { p.CallUUID = clientCallID },
		"call and from":          func(p *coaching.ParticipantParams) { p.CallUUID, p.To = clientCallID, nil },
		"malformed call":         func(p *coaching.ParticipantParams) { p.CallUUID, p.From, p.To = "1", "", nil },
		"malformed from":         func(p *coaching.ParticipantParams) { p.From = "anonymous" },
		"malformed to":           func(p *coaching.ParticipantParams) { p.To = []string{"14155550123<14155550124"} },
		"empty to":               func(p *coaching.ParticipantParams) { p.To = []string{""} },
		"several for supervisor": func(p *coaching.ParticipantParams) { p.To = []string{"14155550123", "14155550124"} },
		"21 destinations":        func(p *coaching.ParticipantParams) { p.Role, p.To = coaching.RoleAgent, clientNumbers(21) },
		"long name":              func(p *coaching.ParticipantParams) { p.CallerName = long },
		"name of two lines":      func(p *coaching.ParticipantParams) { p.CallerName = "a\nb" },
		"name not UTF-8":         func(p *coaching.ParticipantParams) { p.CallerName = "a\xff" },
		"ring list too long":     func(p *coaching.ParticipantParams) { p.RingTimeout = []time.Duration{s, s} },
		"delay list too long":    func(p *coaching.ParticipantParams) { p.DelayDial = []time.Duration{s, s} },
		"ring zero":              func(p *coaching.ParticipantParams) { p.RingTimeout = []time.Duration{0} },
		"ring in fractions":      func(p *coaching.ParticipantParams) { p.RingTimeout = []time.Duration{1500 * time.Millisecond} },
		"delay negative":         func(p *coaching.ParticipantParams) { p.DelayDial = []time.Duration{-s} },
		"duration too short":     func(p *coaching.ParticipantParams) { p.MaxDuration = 299 * s },
		"duration too long":      func(p *coaching.ParticipantParams) { p.MaxDuration = 28801 * s },
		"duration in fractions":  func(p *coaching.ParticipantParams) { p.MaxDuration = 300*s + 1 },
		"one participant":        func(p *coaching.ParticipantParams) { p.MaxParticipants = 1 },
		"11 participants":        func(p *coaching.ParticipantParams) { p.MaxParticipants = 11 },
		"record from three":      func(p *coaching.ParticipantParams) { p.RecordMinMemberCount = 3 },
		"format":                 func(p *coaching.ParticipantParams) { p.RecordFileFormat = "MP3" },
		"verb": func(p *coaching.ParticipantParams) {
			p.StatusCallback = coaching.Webhook{URL: "https://v.example/", Method: "PUT"}
		},
		"verb without URL":           func(p *coaching.ParticipantParams) { p.WaitMusic.Method = "get" },
		"sound's verb":               func(p *coaching.ParticipantParams) { p.EnterSoundMethod = "post" },
		"relative URL":               func(p *coaching.ParticipantParams) { p.OnExitAction.URL = "/exit" },
		"URL of another scheme":      func(p *coaching.ParticipantParams) { p.TranscriptionURL = "ftp://v.example/" },
		"URL without host":           func(p *coaching.ParticipantParams) { p.RecordingCallback.URL = "https:///rec" },
		"URL with a space":           func(p *coaching.ParticipantParams) { p.Async.URL = "https://v.example/a b" },
		"sound":                      func(p *coaching.ParticipantParams) { p.EnterSound = "beep:3" },
		"dial music":                 func(p *coaching.ParticipantParams) { p.DialMusic = "real" },
		"confirm key":                func(p *coaching.ParticipantParams) { p.ConfirmKey = "a" },
		"two confirm keys":           func(p *coaching.ParticipantParams) { p.ConfirmKey = "12" },
		"digits":                     func(p *coaching.ParticipantParams) { p.SendDigits = "1,2" },
		"event group":                func(p *coaching.ParticipantParams) { p.StatusCallbackEvents = []string{"MPCEnd"} },
		"two event groups in one":    func(p *coaching.ParticipantParams) { p.StatusCallbackEvents = []string{"mpc-state-changes,x"} },
		"SIP header's case":          func(p *coaching.ParticipantParams) { p.SIPHeaders = map[string]string{"CallID": "1"} },
		"SIP header's name":          func(p *coaching.ParticipantParams) { p.SIPHeaders = map[string]string{"A=1,B": "1"} },
		"SIP header reserved":        func(p *coaching.ParticipantParams) { p.SIPHeaders = map[string]string{"Plivoid": "1"} },
		"SIP header's value":         func(p *coaching.ParticipantParams) { p.SIPHeaders = map[string]string{"Callid": "a,B=c"} },
		"SIP header without a value": func(p *coaching.ParticipantParams) { p.SIPHeaders = map[string]string{"Callid": ""} },
	} {
		t.Run(name, func(t *testing.T) {
			c, rec := newRecordedClient(t, 201, `{"request_uuid":"`+clientCallID+`"}`)
			p := coaching.ParticipantParams{Role: coaching.RoleSupervisor, From: "14155550100", To: []string{"14155550123"}}
			if _, err := c.AddParticipant(t.Context(), clientMPC, p); err != nil {
				t.Fatalf("AddParticipant before the change: %v", err)
			}
			change(&p)
			_, err := c.AddParticipant(t.Context(), clientMPC, p)
			if !clientInvalid(err, "AddParticipant") {
				t.Errorf("AddParticipant = %v, want ErrInvalid", err)
			}
			if n := len(rec.requests()); n != 1 {
				t.Errorf("%d requests sent, want the first alone", n)
			}
			for _, secret := range []string{"14155550", clientToken} {
				if err != nil && strings.Contains(err.Error(), secret) {
					t.Errorf("error %q holds an argument's number or the token", err)
				}
			}
		})
	}
}

func clientNumbers(n int) []string {
	list := make([]string, n)
	for i := range list {
		list[i] = "1415555" + string(rune('0'+i/10)) + string(rune('0'+i%10)) + "00"
	}
	return list
}

func TestAddParticipantAnswers(t *testing.T) {
	call := coaching.AddedCall{CallUUID: clientCallID}
	dial := coaching.ParticipantParams{Role: coaching.RoleAgent, From: "14155550100", To: []string{"14155550123"}}
	move := coaching.ParticipantParams{Role: coaching.RoleCustomer, CallUUID: clientCallID}
	async := dial
	async.Async = clientHook("async")
	for _, tt := range []struct {
		name, body string
		params     coaching.ParticipantParams
		want       coaching.AddedParticipant
		unknown    bool
	}{
		{name: "another shape", params: dial, body: `{"call_uuid":"` + clientCallID + `","member_id":49}`,
			want: coaching.AddedParticipant{Calls: []coaching.AddedCall{call}, MemberID: "49"}},
		{name: "request id in a list", params: dial, body: `{"request_uuid":["` + clientCallID + `"],"calls":null}`,
			want: coaching.AddedParticipant{RequestUUID: clientCallID}},
		{name: "no id", params: dial, body: `{"message":"ok","calls":[{}]}`, unknown: true},
		{name: "empty object", params: dial, body: `{}`, unknown: true},
		{name: "empty", params: dial, body: ``, unknown: true},
		{name: "cut", params: dial, body: `{"calls":[{"call_uu`, unknown: true},
		{name: "list", params: dial, body: `[]`, unknown: true},
		{name: "null", params: dial, body: `null`, unknown: true},
		{name: "two objects", params: dial, body: `{"request_uuid":"1"}{}`, unknown: true},
		{name: "async", params: async, body: `{"api_id":"a","message":"async api spawned"}`,
			want: coaching.AddedParticipant{APIID: "a", Message: "async api spawned"}},
		{name: "moved call", params: move, body: `{"api_id":"a"}`, want: coaching.AddedParticipant{APIID: "a"}},
		{name: "moved call, empty", params: move, body: ``, unknown: true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c, rec := newRecordedClient(t, 201, tt.body)
			got, err := c.AddParticipant(t.Context(), clientMPC, tt.params)
			if tt.unknown != errors.Is(err, coaching.ErrUnknown) || !tt.unknown && err != nil {
				t.Errorf("AddParticipant answered %q = %v, want ErrUnknown: %v", tt.body, err, tt.unknown)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("AddParticipant (-want +got):\n%s", diff)
			}
			if n := len(rec.requests()); n != 1 {
				t.Errorf("%d requests sent, want 1", n)
			}
		})
	}
}
