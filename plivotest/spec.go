package plivotest

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Roles, as REST writes them.
const (
	customer   = "customer"
	agent      = "agent"
	supervisor = "supervisor"
)

// hook is a URL and how it is requested.
type hook struct{ url, method string }

// joining is what an add-participant request and a MultiPartyCall element have
// in common: who enters, and the MPC they would make.
type joining struct {
	role                          string
	coach, mute, hold             bool
	start, endOnExit, relayDigits bool
	enter, exit                   hook // url: beep:1, beep:2, none or a URL
	onExit                        hook
	mpc                           mpcSettings
	given                         map[string]string // MPC-level parameters that were given
}

// mpcSettings belong to the MPC. Those of its creator stay; that is inferred.
type mpcSettings struct {
	maxDuration, maxParticipants int
	wait, agentHold, customHold  hook
	status, recording            hook
	events                       []string // groups of status callbacks
	record                       bool
	format                       string
	stayAlone, waitForAgent      bool
}

func newJoining() joining {
	return joining{
		coach: true,
		start: true,
		enter: hook{"beep:1", "GET"},
		exit:  hook{"beep:2", "GET"},
		mpc: mpcSettings{
			maxDuration: 14400, maxParticipants: 10, format: "mp3",
			wait: hook{"", "GET"}, agentHold: hook{"", "GET"}, customHold: hook{"", "GET"},
			events: []string{"mpc-state-changes", "participant-state-changes"},
		},
		given: map[string]string{},
	}
}

// kind is how a parameter's value is checked.
type kind uint8

const (
	boolean kind = iota
	number       // lo to hi
	text         // at most hi bytes, if hi is set
	webURL
	verb
	sound // beep:1, beep:2, none or a URL
	groups
	roleName
	format
)

// value is a checked parameter.
type value struct {
	s string
	n int
	b bool
}

// parameter is one setting under its two names. Whoever knows it by one of
// them only leaves the other empty.
type parameter struct {
	rest, xml string
	kind      kind
	lo, hi    int
	mpcLevel  bool
	sdkOnly   bool // no page documents it, some SDKs send it
	set       func(*joining, value)
}

func ignore(*joining, value) {}

// parameters are those that both the REST request and the XML element have.
var parameters = []parameter{
	{rest: "role", xml: "role", kind: roleName, set: func(j *joining, v value) { j.role = v.s }},
	{rest: "coach_mode", xml: "coachMode", set: func(j *joining, v value) { j.coach = v.b }},
	{rest: "mute", xml: "mute", set: func(j *joining, v value) { j.mute = v.b }},
	{rest: "hold", xml: "hold", set: func(j *joining, v value) { j.hold = v.b }},
	{rest: "start_mpc_on_enter", xml: "startMpcOnEnter", set: func(j *joining, v value) { j.start = v.b }},
	{rest: "end_mpc_on_exit", xml: "endMpcOnExit", set: func(j *joining, v value) { j.endOnExit = v.b }},
	{rest: "relay_dtmf_inputs", xml: "relayDTMFInputs", set: func(j *joining, v value) { j.relayDigits = v.b }},
	{rest: "enter_sound", xml: "enterSound", kind: sound, set: func(j *joining, v value) { j.enter.url = v.s }},
	{rest: "enter_sound_method", xml: "enterSoundMethod", kind: verb, set: func(j *joining, v value) { j.enter.method = v.s }},
	{rest: "exit_sound", xml: "exitSound", kind: sound, set: func(j *joining, v value) { j.exit.url = v.s }},
	{rest: "exit_sound_method", xml: "exitSoundMethod", kind: verb, set: func(j *joining, v value) { j.exit.method = v.s }},
	{rest: "on_exit_action_url", xml: "onExitActionUrl", kind: webURL, set: func(j *joining, v value) { j.onExit.url = v.s }},
	{rest: "on_exit_action_method", xml: "onExitActionMethod", kind: verb, set: func(j *joining, v value) { j.onExit.method = v.s }},

	{rest: "max_duration", xml: "maxDuration", kind: number, lo: 300, hi: 28800, mpcLevel: true, set: func(j *joining, v value) { j.mpc.maxDuration = v.n }},
	{rest: "max_participants", xml: "maxParticipants", kind: number, lo: 2, hi: 10, mpcLevel: true, set: func(j *joining, v value) { j.mpc.maxParticipants = v.n }},
	{rest: "record_min_member_count", xml: "recordMinMemberCount", kind: number, lo: 1, hi: 2, mpcLevel: true, set: ignore},
	{rest: "wait_music_url", xml: "waitMusicUrl", kind: webURL, mpcLevel: true, set: func(j *joining, v value) { j.mpc.wait.url = v.s }},
	{rest: "wait_music_method", xml: "waitMusicMethod", kind: verb, mpcLevel: true, set: func(j *joining, v value) { j.mpc.wait.method = v.s }},
	{rest: "agent_hold_music_url", xml: "agentHoldMusicUrl", kind: webURL, mpcLevel: true, set: func(j *joining, v value) { j.mpc.agentHold.url = v.s }},
	{rest: "agent_hold_music_method", xml: "agentHoldMusicMethod", kind: verb, mpcLevel: true, set: func(j *joining, v value) { j.mpc.agentHold.method = v.s }},
	{rest: "customer_hold_music_url", xml: "customerHoldMusicUrl", kind: webURL, mpcLevel: true, set: func(j *joining, v value) { j.mpc.customHold.url = v.s }},
	{rest: "customer_hold_music_method", xml: "customerHoldMusicMethod", kind: verb, mpcLevel: true, set: func(j *joining, v value) { j.mpc.customHold.method = v.s }},
	{rest: "record", xml: "record", mpcLevel: true, set: func(j *joining, v value) { j.mpc.record = v.b }},
	{rest: "record_file_format", xml: "recordFileFormat", kind: format, mpcLevel: true, set: func(j *joining, v value) { j.mpc.format = v.s }},
	{rest: "recording_callback_url", xml: "recordingCallbackUrl", kind: webURL, mpcLevel: true, set: func(j *joining, v value) { j.mpc.recording.url = v.s }},
	{rest: "recording_callback_method", xml: "recordingCallbackMethod", kind: verb, mpcLevel: true, set: func(j *joining, v value) { j.mpc.recording.method = v.s }},
	{rest: "status_callback_url", xml: "statusCallbackUrl", kind: webURL, mpcLevel: true, set: func(j *joining, v value) { j.mpc.status.url = v.s }},
	{rest: "status_callback_method", xml: "statusCallbackMethod", kind: verb, mpcLevel: true, set: func(j *joining, v value) { j.mpc.status.method = v.s }},
	{rest: "status_callback_events", xml: "statusCallbackEvents", kind: groups, mpcLevel: true, set: func(j *joining, v value) { j.mpc.events = strings.Split(v.s, ",") }},
	{rest: "stay_alone", xml: "stayAlone", mpcLevel: true, set: func(j *joining, v value) { j.mpc.stayAlone = v.b }},
	{xml: "waitForAgent", mpcLevel: true, set: func(j *joining, v value) { j.mpc.waitForAgent = v.b }},
	{xml: "recordCoachVoice", mpcLevel: true, set: ignore},
	{rest: "start_recording_audio", xml: "startRecordingAudio", kind: webURL, mpcLevel: true, set: ignore},
	{rest: "start_recording_audio_method", xml: "startRecordingAudioMethod", kind: verb, mpcLevel: true, set: ignore},
	{rest: "stop_recording_audio", xml: "stopRecordingAudio", kind: webURL, mpcLevel: true, set: ignore},
	{rest: "stop_recording_audio_method", xml: "stopRecordingAudioMethod", kind: verb, mpcLevel: true, set: ignore},

	{xml: "aiAgentStreamServiceUrl", kind: text, set: ignore},
	{xml: "aiAgentStreamContentType", kind: text, set: ignore},
	{xml: "aiAgentStreamStatusCallbackUrl", kind: webURL, set: ignore},
	{xml: "aiAgentStreamStatusCallbackMethod", kind: verb, set: ignore},
	{xml: "aiAgentStreamSamplingRate", kind: text, set: ignore},
	{xml: "aiAgentStreamExtraHeaders", kind: text, set: ignore},

	{xml: "waitTime", kind: number, lo: 0, hi: 1800, sdkOnly: true, set: ignore},
	{rest: "transcript", xml: "transcript", sdkOnly: true, set: ignore},
	{rest: "transcription_url", xml: "transcriptionUrl", kind: webURL, sdkOnly: true, set: ignore},
	{rest: "record_participant_track", xml: "recordParticipantTrack", sdkOnly: true, set: ignore},
}

var eventGroups = []string{"mpc-state-changes", "participant-state-changes", "participant-speak-events",
	"participant-digit-input-events", "add-participant-api-events", "participant-audio-events"}

// check parses a value. The error reads well after the parameter's name.
func (p parameter) check(raw string) (value, error) {
	v := value{s: raw}
	switch p.kind {
	case boolean:
		switch raw {
		case "true":
			v.b = true
		case "false":
		default:
			return v, fmt.Errorf("must be true or false, not %q", clip(raw))
		}
	case number:
		n, err := strconv.Atoi(raw)
		if err != nil || n < p.lo || n > p.hi {
			return v, fmt.Errorf("must be a number from %d to %d, not %q", p.lo, p.hi, clip(raw))
		}
		v.n = n
	case text:
		if p.hi > 0 && len([]rune(raw)) > p.hi {
			return v, fmt.Errorf("must have at most %d characters", p.hi)
		}
	case webURL:
		if !isWebURL(raw) {
			return v, fmt.Errorf("must be an http or https URL, not %q", clip(raw))
		}
	case verb:
		v.s = strings.ToUpper(raw)
		if v.s != "GET" && v.s != "POST" {
			return v, fmt.Errorf("must be GET or POST, not %q", clip(raw))
		}
	case sound:
		if l := strings.ToLower(raw); l == "beep:1" || l == "beep:2" || l == "none" {
			v.s = l
		} else if !isWebURL(raw) {
			return v, fmt.Errorf("must be beep:1, beep:2, none or a URL, not %q", clip(raw))
		}
	case groups:
		var list []string
		for _, g := range strings.Split(raw, ",") {
			g = strings.TrimSpace(g)
			if !slices.Contains(eventGroups, g) {
				return v, fmt.Errorf("has no group %q", clip(g))
			}
			list = append(list, g)
		}
		v.s = strings.Join(list, ",")
	case roleName:
		v.s = strings.ToLower(raw)
		if v.s == "ai-agent" {
			return v, fmt.Errorf("ai-agent is not modelled by this emulator")
		}
		if v.s != customer && v.s != agent && v.s != supervisor {
			return v, fmt.Errorf("must be Agent, Supervisor or Customer, not %q", clip(raw))
		}
	case format:
		if raw != "mp3" && raw != "wav" {
			return v, fmt.Errorf("must be mp3 or wav, not %q", clip(raw))
		}
	}
	return v, nil
}

func clip(s string) string {
	if len(s) > 60 {
		return strings.ToValidUTF8(s[:60], "") + "…"
	}
	return s
}

// settle deals with MPC-level parameters of a later participant that differ
// from those in force: they are ignored with a warning, or replace them.
func (s *Server) settle(x *mpc, j *joining) {
	if x.lastJoining == j {
		return
	}
	wins := s.opts.Switches.LastSettingsWin
	merged := joining{mpc: x.set}
	for _, p := range parameters {
		now, given := j.given[p.xml]
		was, before := x.lastJoining.given[p.xml]
		if !p.mpcLevel || !given || before && was == now {
			continue
		}
		if !wins {
			s.warn("%s %q: %s ignored, the creator's value stays", short(x.uuid), x.name, p.xml)
			continue
		}
		if v, err := p.check(now); err == nil {
			p.set(&merged, v)
			s.warn("%s %q: %s replaces the creator's value", short(x.uuid), x.name, p.xml)
		}
	}
	if wins {
		x.set, x.lastJoining = merged.mpc, j
		s.refreshMusic(x)
	}
}
