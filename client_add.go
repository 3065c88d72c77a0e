package coaching

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

const clientMaxDestinations = 20

// ParticipantParams says who enters a multiparty call and how. Either From and
// To are set, and new legs are dialled; or CallUUID, and that call is moved in.
// The zero value of any other field is not sent, so that Plivo's default,
// given here, holds; a pointer to false is sent.
//
// Plivo's documents do not say what becomes of settings of the whole call that
// a later participant states differently: give every participant the same.
type ParticipantParams struct {
	Role Role // required

	From     string   // caller id: E.164, or sip: URI
	To       []string // likewise; several, up to 20, for RoleAgent only: the first to answer joins
	CallUUID string

	// Of the leg. CallerName to SendOnPreanswer concern a new leg only.

	CallerName         string            // at most 50 characters; default: From
	SIPHeaders         map[string]string // names like "Callid", at most 24 of A-Z, a-z, 0-9; values at most 120 of those and "%"
	CallStatusCallback Webhook           // told of ringing, answer and end; POST
	ConfirmKey         string            // one of 0-9, *, #, which the callee must press to join
	ConfirmKeySound    Webhook           // XML that asks for it; GET
	DialMusic          string            // "Real" (default), "None", or a URL of XML
	RingTimeout        []time.Duration   // whole seconds, one or up to one for each To; default 45 s
	DelayDial          []time.Duration   // likewise; default none
	SendDigits         string            // pressed after the answer: 0-9, A-D, *, #, w and W to wait 0.5 s and 1 s
	SendOnPreanswer    *bool             // default false
	OnExitAction       Webhook           // XML for the leg when it has left; POST
	Async              Webhook           // where Plivo sends the answer; the method then returns before anything is known; POST

	// Of the participant.

	CoachMode              *bool  // of a supervisor: heard by agents only; default true
	Mute                   *bool  // default false
	Hold                   *bool  // default false
	StartMPCOnEnter        *bool  // default true
	EndMPCOnExit           *bool  // default false
	RelayDTMFInputs        *bool  // default false
	EnterSound             string // "beep:1" (default), "beep:2", "none", or a URL of XML
	EnterSoundMethod       string // with a URL: GET (default) or POST
	ExitSound              string // likewise; default "beep:2"
	ExitSoundMethod        string
	RecordParticipantTrack *bool // undocumented; default false

	// Of the whole call.

	MaxDuration                    time.Duration // whole seconds, 300 s to 28800 s; default 14400 s
	MaxParticipants                int           // 2 to 10; default 10
	StayAlone                      *bool         // the last one may stay; default false
	CreateMPCWithSingleParticipant *bool         // undocumented; default true
	StatusCallback                 Webhook       // told of what happens in the call; POST
	StatusCallbackEvents           []string      // groups; default mpc-state-changes and participant-state-changes
	WaitMusic                      Webhook       // XML; GET
	AgentHoldMusic                 Webhook       // XML; GET
	CustomerHoldMusic              Webhook       // XML; GET
	InlineAgentHoldMusic           string        // one line; undocumented
	InlineCustomerHoldMusic        string        // one line; undocumented
	Record                         *bool         // default false
	RecordFileFormat               string        // mp3 (default) or wav
	RecordMinMemberCount           int           // 1 (default) or 2
	RecordingCallback              Webhook       // POST
	StartRecordingAudio            Webhook       // XML; GET
	StopRecordingAudio             Webhook       // XML; GET
	Transcript                     *bool         // default false
	TranscriptionURL               string
}

// An AddedParticipant is a request that Plivo accepted. Nobody is in the call
// yet, so there is normally no member id.
type AddedParticipant struct {
	APIID       string
	Message     string
	RequestUUID string      // for [Client.CancelRequest]; the call's uuid where there is one call only
	Calls       []AddedCall // one for each To; may be empty where a call was moved
	MemberID    MemberID    // normally empty
}

// An AddedCall is one leg that is being dialled or moved.
type AddedCall struct {
	CallUUID string
	From, To string
}

// AddParticipant dials somebody into a multiparty call, or moves a call in. By
// name, it creates the call if none of that name is live.
//
// An error is no reason to call it again: phones ring for certain, under call
// ids that were lost, if it wraps [ErrUnknown]; they may ring after an
// [*APIError] of 5xx, 408 or 409, a time-out or a cut connection; they do not
// after another [*APIError] or one that wraps [ErrInvalid].
func (c *Client) AddParticipant(ctx context.Context, mpc MPCRef, p ParticipantParams) (AddedParticipant, error) {
	call := newMPCCall("AddParticipant", http.MethodPost, mpc).path("Participant")
	call.who(&p)
	call.leg(&p)
	call.participant(&p)
	call.whole(&p)
	obj, err := c.fetch(ctx, call)
	if err != nil {
		return AddedParticipant{}, err
	}
	added := newAddedParticipant(obj)
	if len(p.To) > 0 && p.Async.URL == "" && added.RequestUUID == "" && len(added.Calls) == 0 {
		return AddedParticipant{}, obj.missing(call.op, "call_uuid")
	}
	return added, nil
}

func newAddedParticipant(o clientObject) AddedParticipant {
	added := AddedParticipant{
		APIID:       o.text("api_id"),
		Message:     o.text("message"),
		RequestUUID: o.text("request_uuid"),
		MemberID:    MemberID(o.text("member_id")),
	}
	calls, ok := o.objects("calls")
	if !ok || len(calls) == 0 {
		calls = []clientObject{o} // one service reports a lone call this way
	}
	for _, call := range calls {
		if id := call.text("call_uuid"); id != "" {
			added.Calls = append(added.Calls, AddedCall{CallUUID: id, From: call.text("from"), To: call.text("to")})
		}
	}
	return added
}

func (c *clientCall) who(p *ParticipantParams) {
	role, err := p.Role.MarshalText()
	c.check(err == nil, "Role is missing")
	c.set("role", string(role))
	if p.CallUUID != "" {
		c.check(p.From == "" && len(p.To) == 0, "CallUUID excludes From and To")
		c.check(validUUID(p.CallUUID), "CallUUID is malformed")
		c.set("call_uuid", p.CallUUID)
		return
	}
	c.check(p.From != "" && len(p.To) > 0, "either CallUUID, or From and To are required")
	c.check(p.From == "" || validAddress(p.From), "From is not an E.164 number or a sip: URI")
	for i, to := range p.To {
		c.check(validAddress(to), "To[%d] is not an E.164 number or a sip: URI", i)
	}
	c.check(len(p.To) <= 1 || p.Role == RoleAgent, "To has several destinations, which only RoleAgent may")
	c.check(len(p.To) <= clientMaxDestinations, "To has more than %d destinations", clientMaxDestinations)
	c.set("from", p.From)
	c.set("to", strings.Join(p.To, "<"))
}

func (c *clientCall) leg(p *ParticipantParams) {
	c.text("caller_name", p.CallerName, 50)
	c.sipHeaders(p.SIPHeaders)
	c.hook("call_status_callback_url", "call_status_callback_method", p.CallStatusCallback, http.MethodPost)
	c.check(p.ConfirmKey == "" || len(p.ConfirmKey) == 1 && strings.Contains("0123456789*#", p.ConfirmKey),
		"ConfirmKey is not one of 0-9, *, #")
	c.text("confirm_key", p.ConfirmKey, 1)
	c.hook("confirm_key_sound_url", "confirm_key_sound_method", p.ConfirmKeySound, http.MethodGet)
	c.sound("dial_music", p.DialMusic, "Real", "None")
	c.perDestination("ring_timeout", p.RingTimeout, len(p.To), time.Second)
	c.perDestination("delay_dial", p.DelayDial, len(p.To), 0)
	digit := func(b byte) bool { return strings.IndexByte("0123456789ABCD*#wW", b) >= 0 }
	c.check(all(p.SendDigits, 0, 100, digit), "SendDigits has others than 0-9, A-D, *, #, w, W, or more than 100")
	c.text("send_digits", p.SendDigits, 100)
	c.flag("send_on_preanswer", p.SendOnPreanswer)
	c.hook("on_exit_action_url", "on_exit_action_method", p.OnExitAction, http.MethodPost)
	c.hook("callback_url", "callback_method", p.Async, http.MethodPost)
}

func (c *clientCall) participant(p *ParticipantParams) {
	c.flag("coach_mode", p.CoachMode)
	c.flag("mute", p.Mute)
	c.flag("hold", p.Hold)
	c.flag("start_mpc_on_enter", p.StartMPCOnEnter)
	c.flag("end_mpc_on_exit", p.EndMPCOnExit)
	c.flag("relay_dtmf_inputs", p.RelayDTMFInputs)
	isURL := c.sound("enter_sound", p.EnterSound, "beep:1", "beep:2", "none")
	c.verb("enter_sound_method", p.EnterSoundMethod, http.MethodGet, isURL)
	isURL = c.sound("exit_sound", p.ExitSound, "beep:1", "beep:2", "none")
	c.verb("exit_sound_method", p.ExitSoundMethod, http.MethodGet, isURL)
	c.flag("record_participant_track", p.RecordParticipantTrack)
}

func (c *clientCall) whole(p *ParticipantParams) {
	c.seconds("max_duration", p.MaxDuration, 300*time.Second, 28800*time.Second)
	c.count("max_participants", p.MaxParticipants, 2, 10)
	c.flag("stay_alone", p.StayAlone)
	c.flag("create_mpc_with_single_participant", p.CreateMPCWithSingleParticipant)
	c.hook("status_callback_url", "status_callback_method", p.StatusCallback, http.MethodPost)
	c.eventGroups(p.StatusCallbackEvents)
	c.hook("wait_music_url", "wait_music_method", p.WaitMusic, http.MethodGet)
	c.hook("agent_hold_music_url", "agent_hold_music_method", p.AgentHoldMusic, http.MethodGet)
	c.hook("customer_hold_music_url", "customer_hold_music_method", p.CustomerHoldMusic, http.MethodGet)
	c.text("agent_hold_music", p.InlineAgentHoldMusic, 4096)
	c.text("customer_hold_music", p.InlineCustomerHoldMusic, 4096)
	c.flag("record", p.Record)
	c.oneOf("record_file_format", p.RecordFileFormat, "mp3", "wav")
	c.count("record_min_member_count", p.RecordMinMemberCount, 1, 2)
	c.hook("recording_callback_url", "recording_callback_method", p.RecordingCallback, http.MethodPost)
	c.hook("start_recording_audio", "start_recording_audio_method", p.StartRecordingAudio, http.MethodGet)
	c.hook("stop_recording_audio", "stop_recording_audio_method", p.StopRecordingAudio, http.MethodGet)
	c.flag("transcript", p.Transcript)
	c.address("transcription_url", p.TranscriptionURL)
}

// sound takes one of words or a URL, and reports whether it was not a word.
func (c *clientCall) sound(key, v string, words ...string) (isURL bool) {
	if v == "" || slices.Contains(words, v) {
		c.text(key, v, 100)
		return false
	}
	c.check(clientValidURL(v), "%s is neither a URL nor one of %s", key, strings.Join(words, ", "))
	c.set(key, v)
	return true
}

// perDestination takes whole seconds of at least least for each destination.
// One value is sent as a number, several as Plivo's "<" list.
func (c *clientCall) perDestination(key string, list []time.Duration, destinations int, least time.Duration) {
	if len(list) == 0 {
		return
	}
	c.check(len(list) <= destinations, "%s has more entries than To", key)
	texts := make([]string, len(list))
	for i, d := range list {
		c.check(d >= least && d <= time.Hour && d%time.Second == 0, "%s[%d] is not in whole seconds within %v to 1h", key, i, least)
		texts[i] = strconv.Itoa(int(d / time.Second))
	}
	if len(list) == 1 {
		c.set(key, int(list[0]/time.Second))
		return
	}
	c.set(key, strings.Join(texts, "<"))
}

// sipHeaders refuses what Plivo would drop without a word.
func (c *clientCall) sipHeaders(headers map[string]string) {
	if len(headers) == 0 {
		return
	}
	pairs := make([]string, 0, len(headers))
	for _, name := range slices.Sorted(maps.Keys(headers)) {
		value := headers[name]
		c.check(clientValidSIPHeader(name), "SIPHeaders has a name that is reserved, or not one capital and up to 23 lower-case letters or digits")
		c.check(all(value, 1, 120, func(b byte) bool { return isAlnum(b) || b == '%' }), "SIPHeaders has a value that is not 1 to 120 of A-Z, a-z, 0-9, %%")
		pairs = append(pairs, fmt.Sprintf("%s=%s", name, value))
	}
	c.set("sip_headers", strings.Join(pairs, ","))
}

func clientValidSIPHeader(s string) bool {
	if !all(s, 1, 24, isAlnum) || s[0] < 'A' || s[0] > 'Z' || s[1:] != strings.ToLower(s[1:]) {
		return false
	}
	for _, reserved := range [...]string{"Plivo", "Twilio", "Sipauth", "Clientregion"} {
		if strings.HasPrefix(s, reserved) {
			return false
		}
	}
	return true
}

var clientEventGroups = []string{
	"mpc-state-changes", "participant-state-changes", "participant-speak-events",
	"participant-digit-input-events", "add-participant-api-events", "participant-audio-events",
}

func (c *clientCall) eventGroups(groups []string) {
	if len(groups) == 0 {
		return
	}
	for i, g := range groups {
		c.check(slices.Contains(clientEventGroups, g), "StatusCallbackEvents[%d] is not one of %s", i, strings.Join(clientEventGroups, ", "))
	}
	c.set("status_callback_events", strings.Join(groups, ","))
}
