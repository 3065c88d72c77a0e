package coaching

import (
	"context"
	"net/http"
	"strings"
	"time"
)

// An MPCParticipant is one participant as [Client.Participant] and
// [Client.Participants] return it. What the provider says null to, omits or
// garbles is the zero value or nil: a nil flag is not known, which is not false.
type MPCParticipant struct {
	MemberID        MemberID // never empty
	MPCUUID         string
	CallUUID        string // several participants share it if one call came in again
	Role            Role   // zero if this version does not know it
	Address         string // number or sip: URI; may be empty
	CoachMode       *bool  // means something for supervisors only; nil once out
	Mute            *bool  // nil once out
	Hold            *bool  // nil once out
	StartMPCOnEnter *bool
	EndMPCOnExit    *bool
	Joined          time.Time      // UTC
	Exited          time.Time      // UTC; zero while in
	ExitCause       string         // empty while in
	Duration        *time.Duration // nil while in
	BilledDuration  *time.Duration // nil while in
	BilledAmount    string         // a decimal number as received; empty while in
}

// A ParticipantFilter selects participants. The zero one selects all.
type ParticipantFilter struct {
	CallUUID string // those that this call is or was
}

// A ParticipantUpdate changes flags of participants; nil leaves one as it is,
// and at least one must be set.
type ParticipantUpdate struct {
	// Mute: heard by nobody, still hearing.
	Mute *bool
	// Hold: heard by nobody, and hearing hold music instead of the call.
	Hold *bool
	// CoachMode: a supervisor heard by agents alone; false: by everyone.
	// Refused for [AllMembers]. Plivo beeps into the call whenever false is sent.
	CoachMode *bool
	// DisableStateChangeSound goes along with the others and does not count as
	// one of them. It is in one of Plivo's SDKs, undocumented.
	DisableStateChangeSound *bool
}

// Participants reads the participants of a multiparty call, those who have
// left included if the provider lists them: see Exited. A nil filter selects all.
func (c *Client) Participants(ctx context.Context, mpc MPCRef, filter *ParticipantFilter) ([]MPCParticipant, error) {
	call := newMPCCall("Participants", http.MethodGet, mpc).path("Participant")
	if filter != nil && filter.CallUUID != "" {
		call.check(validUUID(filter.CallUUID), "CallUUID is malformed")
		call.arg("call_uuid", filter.CallUUID)
	}
	obj, err := c.fetch(ctx, call)
	if err != nil {
		return nil, err
	}
	objs, ok := obj.objects("objects")
	if !ok {
		return nil, obj.missing(call.op, "list of objects")
	}
	list := make([]MPCParticipant, len(objs))
	for i, o := range objs {
		if list[i] = newMPCParticipant(o); list[i].MemberID == "" {
			return nil, obj.missing(call.op, "member_id in an object")
		}
	}
	return list, nil
}

// Participant reads one participant.
func (c *Client) Participant(ctx context.Context, mpc MPCRef, id MemberID) (MPCParticipant, error) {
	call := newMPCCall("Participant", http.MethodGet, mpc).path("Participant").member(id)
	obj, err := c.fetch(ctx, call)
	if err != nil {
		return MPCParticipant{}, err
	}
	p := newMPCParticipant(obj)
	if p.MemberID == "" {
		return MPCParticipant{}, obj.missing(call.op, "member_id")
	}
	return p, nil
}

// UpdateParticipants sets flags of participants. A nil error means that Plivo
// accepted it; only a read shows the flags.
func (c *Client) UpdateParticipants(ctx context.Context, mpc MPCRef, who Members, u ParticipantUpdate) error {
	call := newMPCCall("UpdateParticipants", http.MethodPost, mpc).path("Participant").members(who)
	call.check(u.Mute != nil || u.Hold != nil || u.CoachMode != nil, "none of Mute, Hold and CoachMode is set")
	call.check(u.CoachMode == nil || who != AllMembers(), "CoachMode cannot be set for all members at once")
	call.flag("mute", u.Mute)
	call.flag("hold", u.Hold)
	call.flag("coach_mode", u.CoachMode)
	call.flag("disable_state_change_sound", u.DisableStateChangeSound)
	return c.exec(ctx, call)
}

// KickParticipants takes participants out of the call. Each leg goes on at its
// exit action, or at the next XML element, or is hung up.
func (c *Client) KickParticipants(ctx context.Context, mpc MPCRef, who Members) error {
	return c.exec(ctx, newMPCCall("KickParticipants", http.MethodDelete, mpc).path("Participant").members(who))
}

func newMPCParticipant(o clientObject) MPCParticipant {
	role, _ := ParseRole(strings.ToLower(o.text("role"))) // zero if unknown
	return MPCParticipant{
		MemberID:        MemberID(o.text("member_id")),
		MPCUUID:         o.text("mpc_uuid"),
		CallUUID:        o.text("call_uuid"),
		Role:            role,
		Address:         o.text("member_address"),
		CoachMode:       o.flag("coach_mode"),
		Mute:            o.flag("mute"),
		Hold:            o.flag("hold"),
		StartMPCOnEnter: o.flag("start_mpc_on_enter"),
		EndMPCOnExit:    o.flag("end_mpc_on_exit"),
		Joined:          o.moment("join_time"),
		Exited:          o.moment("exit_time"),
		ExitCause:       o.text("exit_cause", "participant_exit_cause"),
		Duration:        o.seconds("duration"),
		BilledDuration:  o.seconds("billed_duration"),
		BilledAmount:    o.text("billed_amount"),
	}
}
