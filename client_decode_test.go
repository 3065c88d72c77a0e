package coaching_test

import (
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/mpc-coaching/coaching"
)

func TestMPCDecodesLeniently(t *testing.T) {
	id := `"mpc_uuid":"` + clientUUID + `"`
	at := time.Date(2020, 6, 3, 10, 48, 43, 0, time.UTC)
	for _, tt := range []struct {
		name, body string
		want       coaching.MPC
	}{
		{"nothing else", `{` + id + `}`, coaching.MPC{}},
		{"nulls", `{` + id + `,"status":null,"stay_alone":null,"duration":null,"billed_amount":null,"creation_time":null,"termination_cause_code":null}`, coaching.MPC{}},
		{"strings", `{` + id + `,"stay_alone":"True","duration":"34","billed_amount":"0.00500","termination_cause_code":"1000","friendly_name":" mpc 1000 "}`,
			coaching.MPC{StayAlone: new(true), Duration: new(34 * time.Second), BilledAmount: "0.00500", TerminationCode: 1000, FriendlyName: "mpc 1000"}},
		{"numbers", `{` + id + `,"stay_alone":0,"duration":34.5,"billed_amount":3.6,"billed_duration":6e1,"friendly_name":42}`,
			coaching.MPC{StayAlone: new(false), Duration: new(34500 * time.Millisecond), BilledAmount: "3.6", BilledDuration: new(time.Minute), FriendlyName: "42"}},
		{"bools", `{` + id + `,"friendly_name":true,"duration":true,"creation_time":false}`, coaching.MPC{FriendlyName: "true"}},
		{"odd types", `{` + id + `,"status":{"a":1},"duration":[],"stay_alone":"maybe","creation_time":17,"termination_cause":[["x"]],"billed_amount":[{}]}`, coaching.MPC{}},
		{"numbers too large", `{` + id + `,"duration":1e400,"billed_duration":1e12,"termination_cause_code":99999999999999999999}`, coaching.MPC{}},
		{"status in any case", `{` + id + `,"status":"ENDED","recording":"Paused"}`, coaching.MPC{Status: coaching.MPCStatusEnded, Recording: "paused"}},
		{"unknown status", `{` + id + `,"status":"Draining"}`, coaching.MPC{Status: "draining"}},
		{"an offset", `{` + id + `,"creation_time":"2020-06-03 16:18:43+05:30"}`, coaching.MPC{Created: at}},
		{"no offset", `{` + id + `,"creation_time":"2020-06-03 10:48:43"}`, coaching.MPC{Created: at}},
		{"fractions", `{` + id + `,"creation_time":"2020-06-03 10:48:43.000000+00:00"}`, coaching.MPC{Created: at}},
		{"RFC 3339", `{` + id + `,"creation_time":"2020-06-03T10:48:43Z"}`, coaching.MPC{Created: at}},
		{"documented and never seen", `{` + id + `,"max_participants":"10","max_duration":14400}`,
			coaching.MPC{MaxParticipants: 10, MaxDuration: new(4 * time.Hour)}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c, _ := newRecordedClient(t, 200, tt.body)
			got, err := c.MPC(t.Context(), clientMPC)
			tt.want.UUID = clientUUID
			if diff := cmp.Diff(tt.want, got); err != nil || diff != "" {
				t.Errorf("MPC: %v (-want +got):\n%s", err, diff)
			}
		})
	}
}

func TestParticipantDecodesLeniently(t *testing.T) {
	for _, tt := range []struct {
		name, body string
		want       coaching.MPCParticipant
	}{
		{"a numeric id", `{"member_id":2132,"role":"Agent"}`, coaching.MPCParticipant{MemberID: "2132", Role: coaching.RoleAgent}},
		{"a large id", `{"member_id":12345678901234567890}`, coaching.MPCParticipant{MemberID: "12345678901234567890"}},
		{"nil is not false", `{"member_id":"1","mute":null,"coach_mode":"false","hold":"1"}`,
			coaching.MPCParticipant{MemberID: "1", CoachMode: new(false), Hold: new(true)}},
		{"unknown role", `{"member_id":"1","role":"ai-agent"}`, coaching.MPCParticipant{MemberID: "1"}},
		{"the other name of the cause", `{"member_id":"1","participant_exit_cause":"Kicked Out of Multiparty Call","billed_amount":0.005}`,
			coaching.MPCParticipant{MemberID: "1", ExitCause: "Kicked Out of Multiparty Call", BilledAmount: "0.005"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c, _ := newRecordedClient(t, 200, tt.body)
			got, err := c.Participant(t.Context(), clientMPC, "1")
			if diff := cmp.Diff(tt.want, got); err != nil || diff != "" {
				t.Errorf("Participant: %v (-want +got):\n%s", err, diff)
			}
		})
	}
}

// What was asked for and is not there must not pass for "none".
func TestReadsWithoutTheirSubject(t *testing.T) {
	for _, body := range []string{
		`{}`, `{"objects":null}`, `{"objects":{}}`, `{"objects":[null]}`, `{"objects":[[]]}`, `{"objects":[{}]}`, `{"objects":"none"}`,
		`{"error":"not found"}`, `{"api_id":"x","message":"async api spawned"}`,
	} {
		c, _ := newRecordedClient(t, 200, body)
		_, err1 := c.MPC(t.Context(), clientMPC)
		_, err2 := c.ListMPCs(t.Context(), nil)
		_, err3 := c.Participant(t.Context(), clientMPC, "1")
		list, err4 := c.Participants(t.Context(), clientMPC, nil)
		_, err5 := c.CallDetail(t.Context(), clientCallID)
		for i, err := range []error{err1, err2, err3, err4, err5} {
			if !errors.Is(err, coaching.ErrUnknown) || list != nil {
				t.Errorf("read %d answered %s = %v, want ErrUnknown", i+1, body, err)
			}
		}
	}
}

func TestListMeta(t *testing.T) {
	for meta, want := range map[string]coaching.MPCPage{
		`{"count":23,"limit":20,"offset":0}`: {Total: 23, Limit: 20},
		`{"total_count":"7","limit":"5"}`:    {Total: 7, Limit: 5},
		`{}`:                                 {Total: -1, Limit: 20},
		`null`:                               {Total: -1, Limit: 20},
		`[1]`:                                {Total: -1, Limit: 20},
	} {
		c, _ := newRecordedClient(t, 200, `{"meta":`+meta+`,"objects":[]}`)
		want.MPCs = []coaching.MPC{}
		got, err := c.ListMPCs(t.Context(), nil)
		if diff := cmp.Diff(want, got); err != nil || diff != "" {
			t.Errorf("ListMPCs with meta %s: %v (-want +got):\n%s", meta, err, diff)
		}
	}
}

// FuzzClientDecode gives every operation any answer at all. None may panic,
// and what is returned without an error must hold what its type promises.
func FuzzClientDecode(f *testing.F) {
	for _, op := range clientOperations() {
		f.Add(op.status, op.answer)
	}
	for _, s := range []string{"", "{}", "[]", "null", `{"objects":[{"mpc_uuid":1,"member_id":[true],"duration":1e999}]}`, `{"error":{"a":[1,"` + clientToken + `"]}}`} {
		f.Add(200, s)
		f.Add(404, s)
	}
	f.Fuzz(func(t *testing.T, status int, body string) {
		if status < 200 || status > 599 {
			t.Skip()
		}
		for _, op := range clientOperations() {
			c, _ := newRecordedClient(t, status, body)
			got, err := op.do(t.Context(), c)
			if status/100 != 2 {
				var answer *coaching.APIError
				if !errors.As(err, &answer) || len(answer.Message) > 200 || answer.RetryAfter != 0 {
					t.Fatalf("%s answered %d %q = %v", op.name, status, body, err)
				}
				continue
			}
			if err != nil {
				if op.result == nil || !errors.Is(err, coaching.ErrUnknown) {
					t.Fatalf("%s answered %d %q = %v", op.name, status, body, err)
				}
				continue
			}
			switch v := got.(type) {
			case coaching.MPC:
				if v.UUID == "" {
					t.Errorf("MPC without uuid of %q", body)
				}
			case []coaching.MPCParticipant:
				for _, p := range v {
					if p.MemberID == "" {
						t.Errorf("participant without id of %q", body)
					}
				}
			case coaching.AddedParticipant:
				if v.RequestUUID == "" && len(v.Calls) == 0 {
					t.Errorf("added participant without id of %q", body)
				}
			}
		}
	})
}
