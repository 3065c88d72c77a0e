package coaching_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/mpc-coaching/coaching"
)

// clientHostile are ids that would reach something else, or everything.
var clientHostile = []string{
	"", " ", ".", "..", "a/../b", "../Call", "x/Participant/1", "all", "ALL", "1,2", "1,", "1/Record", "-1", "+1", "1 ", "1\n",
	"%2f", "%2e%2e", "name?x=1", "name#x", "a;b", "a\\b", "a&b", "a=b", "a:b", "a@b", "support 42", "Tikrīt", "１２", "\x00", "\u202e1",
	"uuid_" + clientUUID, "name_x y", "{" + clientUUID + "}", clientUUID + "/", clientUUID + "0", strings.Repeat("a", 65),
	strings.Repeat("9", 21), "%s", "%!s(MISSING)",
}

func TestClientInjection(t *testing.T) {
	c, rec := newRecordedClient(t, 200, `{}`)
	ctx := t.Context()
	good := coaching.ByName("support_42")
	mute := coaching.ParticipantUpdate{Mute: new(true)}
	add := coaching.ParticipantParams{Role: coaching.RoleCustomer, CallUUID: clientCallID}
	try := func(what, id string, err error) {
		t.Helper()
		op, _, _ := strings.Cut(what, " ")
		if !clientInvalid(err, op) {
			t.Errorf("%s with %q = %v, want ErrInvalid", what, id, err)
		}
	}
	// allowedName says which of them are just names, if odd ones.
	allowedName := map[string]bool{"all": true, "ALL": true, "-1": true, "uuid_" + clientUUID: true, clientUUID + "0": true,
		strings.Repeat("9", 21): true}
	for _, id := range clientHostile {
		refs := []coaching.MPCRef{coaching.ByUUID(id)}
		if !allowedName[id] {
			refs = append(refs, coaching.ByName(id), coaching.ByName(coaching.CallID(id)))
		}
		for _, ref := range refs {
			if ref != (coaching.MPCRef{}) || ref.String() != "" {
				t.Errorf("ref of %q = %q, want none", id, ref)
			}
			_, err := c.MPC(ctx, ref)
			try("MPC by", id, err)
			_, err = c.AddParticipant(ctx, ref, add)
			try("AddParticipant by", id, err)
			try("ActivateMPC by", id, c.ActivateMPC(ctx, ref))
			try("EndMPC by", id, c.EndMPC(ctx, ref))
			try("KickParticipants by", id, c.KickParticipants(ctx, ref, coaching.AllMembers()))
			_, err = c.Participants(ctx, ref, nil)
			try("Participants by", id, err)
			_, err = c.StartRecording(ctx, ref, nil)
			try("StartRecording by", id, err)
			try("StopRecording by", id, c.StopRecording(ctx, ref))
			try("PauseRecording by", id, c.PauseRecording(ctx, ref))
			try("ResumeRecording by", id, c.ResumeRecording(ctx, ref))
			try("StopAudio by", id, c.StopAudio(ctx, ref, coaching.AllMembers()))
		}
		for what, f := range clientSingleMember(good) {
			try(what, id, f(ctx, c, coaching.MemberID(id)))
		}
		for _, who := range []coaching.Members{coaching.MemberIDs(coaching.MemberID(id)), coaching.MemberIDs("1", coaching.MemberID(id))} {
			if who != (coaching.Members{}) {
				t.Errorf("MemberIDs(%q) = %q, want none", id, who)
			}
			try("UpdateParticipants of", id, c.UpdateParticipants(ctx, good, who, mute))
			try("KickParticipants of", id, c.KickParticipants(ctx, good, who))
			_, err := c.PlayAudio(ctx, good, who, "https://v.example/a.mp3")
			try("PlayAudio to", id, err)
			try("StopAudio of", id, c.StopAudio(ctx, good, who))
		}
		try("HangUp of", id, c.HangUp(ctx, id))
		try("CancelRequest of", id, c.CancelRequest(ctx, id))
		_, err := c.CallDetail(ctx, id)
		try("CallDetail of", id, err)
		if id != "" {
			_, err = c.Participants(ctx, good, &coaching.ParticipantFilter{CallUUID: id})
			try("Participants of", id, err)
		}
	}
	if sent := rec.requests(); len(sent) != 0 {
		t.Errorf("requests sent: %v", sent)
	}
}

// clientSingleMember lists the methods that take one MemberID.
func clientSingleMember(mpc coaching.MPCRef) map[string]func(context.Context, *coaching.Client, coaching.MemberID) error {
	return map[string]func(context.Context, *coaching.Client, coaching.MemberID) error{
		"Participant": func(ctx context.Context, c *coaching.Client, id coaching.MemberID) error {
			_, err := c.Participant(ctx, mpc, id)
			return err
		},
		"StartParticipantRecording": func(ctx context.Context, c *coaching.Client, id coaching.MemberID) error {
			_, err := c.StartParticipantRecording(ctx, mpc, id, nil)
			return err
		},
		"StopParticipantRecording": func(ctx context.Context, c *coaching.Client, id coaching.MemberID) error {
			return c.StopParticipantRecording(ctx, mpc, id, "")
		},
		"PauseParticipantRecording": func(ctx context.Context, c *coaching.Client, id coaching.MemberID) error {
			return c.PauseParticipantRecording(ctx, mpc, id, "")
		},
		"ResumeParticipantRecording": func(ctx context.Context, c *coaching.Client, id coaching.MemberID) error {
			return c.ResumeParticipantRecording(ctx, mpc, id, "")
		},
		"Speak": func(ctx context.Context, c *coaching.Client, id coaching.MemberID) error {
			_, err := c.Speak(ctx, mpc, id, coaching.SpeakParams{Text: "x"})
			return err
		},
		"StopSpeaking": func(ctx context.Context, c *coaching.Client, id coaching.MemberID) error {
			return c.StopSpeaking(ctx, mpc, id)
		},
	}
}

// FuzzClientPath checks that whatever id is let through stays one segment.
func FuzzClientPath(f *testing.F) {
	for _, s := range clientHostile {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, id string) {
		c, rec := newRecordedClient(t, 204, "")
		_ = c.EndMPC(t.Context(), coaching.ByName(id))
		_ = c.EndMPC(t.Context(), coaching.ByUUID(id))
		_ = c.KickParticipants(t.Context(), clientMPC, coaching.MemberIDs(coaching.MemberID(id)))
		_ = c.HangUp(t.Context(), id)
		for _, r := range rec.requests() {
			parts := strings.Split(strings.Trim(r.Path, "/"), "/")
			last := parts[len(parts)-1]
			if !strings.HasSuffix(last, id) || len(id) == 0 || r.Query != "" || len(parts) > 7 || !strings.HasSuffix(r.Path, "/") {
				t.Errorf("id %q sent %+v", id, r)
			}
		}
	})
}

func TestClientRefusesArguments(t *testing.T) {
	c, rec := newRecordedClient(t, 200, `{}`)
	ctx := t.Context()
	on := new(true)
	twentyOne := make([]coaching.MemberID, 21)
	for i := range twentyOne {
		twentyOne[i] = coaching.MemberID(strings.Repeat("1", i%20+1))
	}
	list := func(f coaching.MPCFilter) error { _, err := c.ListMPCs(ctx, &f); return err }
	record := func(p coaching.RecordingParams) error { _, err := c.StartRecording(ctx, clientMPC, &p); return err }
	play := func(url string) error {
		_, err := c.PlayAudio(ctx, clientMPC, coaching.AllMembers(), url)
		return err
	}
	speak := func(p coaching.SpeakParams) error { _, err := c.Speak(ctx, clientMPC, "7", p); return err }
	update := func(who coaching.Members, u coaching.ParticipantUpdate) error {
		return c.UpdateParticipants(ctx, clientMPC, who, u)
	}
	for name, err := range map[string]error{
		"UpdateParticipants: no flag":        update(coaching.MemberIDs("1"), coaching.ParticipantUpdate{}),
		"UpdateParticipants: the sound only": update(coaching.MemberIDs("1"), coaching.ParticipantUpdate{DisableStateChangeSound: on}),
		"UpdateParticipants: coach all":      update(coaching.AllMembers(), coaching.ParticipantUpdate{CoachMode: on}),
		"UpdateParticipants: nobody":         update(coaching.MemberIDs(), coaching.ParticipantUpdate{Mute: on}),
		"UpdateParticipants: one twice":      update(coaching.MemberIDs("1", "2", "1"), coaching.ParticipantUpdate{Mute: on}),
		"UpdateParticipants: 21":             update(coaching.MemberIDs(twentyOne...), coaching.ParticipantUpdate{Mute: on}),
		"ListMPCs: limit 21":                 list(coaching.MPCFilter{Limit: 21}),
		"ListMPCs: limit -1":                 list(coaching.MPCFilter{Limit: -1}),
		"ListMPCs: offset -1":                list(coaching.MPCFilter{Offset: -1}),
		"ListMPCs: status":                   list(coaching.MPCFilter{Status: "Active"}),
		"ListMPCs: subaccount":               list(coaching.MPCFilter{SubAccount: "SA/1"}),
		"ListMPCs: name":                     list(coaching.MPCFilter{FriendlyName: "a\nb"}),
		"ListMPCs: termination code":         list(coaching.MPCFilter{TerminationCode: -1}),
		"StartRecording: format":             record(coaching.RecordingParams{FileFormat: "ogg"}),
		"StartRecording: track":              record(coaching.RecordingParams{Track: coaching.TrackAll}),
		"StartRecording: URL":                record(coaching.RecordingParams{Callback: coaching.Webhook{URL: "rec"}}),
		"StopParticipantRecording: track":    c.StopParticipantRecording(ctx, clientMPC, "7", "none"),
		"PauseParticipantRecording: track":   c.PauseParticipantRecording(ctx, clientMPC, "7", "ALL"),
		"PlayAudio: no URL":                  play(""),
		"PlayAudio: URL":                     play("javascript:alert(1)"),
		"Speak: no text":                     speak(coaching.SpeakParams{Text: " \n"}),
		"Speak: not UTF-8":                   speak(coaching.SpeakParams{Text: "\xff"}),
		"Speak: voice":                       speak(coaching.SpeakParams{Text: "x", Voice: "a\nb"}),
		"Speak: callback":                    speak(coaching.SpeakParams{Text: "x", Callback: coaching.Webhook{URL: "https://v.example/", Method: "DELETE"}}),
	} {
		op, _, _ := strings.Cut(name, ":")
		if !clientInvalid(err, op) {
			t.Errorf("%s = %v, want ErrInvalid", name, err)
		}
	}
	if sent := rec.requests(); len(sent) != 0 {
		t.Errorf("requests sent: %v", sent)
	}
}

func TestClientNamesEveryProblemAtOnce(t *testing.T) {
	c, _ := newRecordedClient(t, 201, "{}")
	_, err := c.AddParticipant(t.Context(), coaching.MPCRef{}, coaching.ParticipantParams{MaxParticipants: 99, MaxDuration: time.Second})
	for _, want := range []string{"uuid or name", "Role", "From and To", "max_participants", "max_duration"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("AddParticipant = %v, want it to name %s", err, want)
		}
	}
}
