package coaching

import (
	"net/http"
	"slices"
	"strings"
	"time"
)

// A MultiPartyCall puts the call into a multiparty call, and creates that if no
// live one of the account has its name. Elements after it are carried out when
// the call leaves and no OnExitActionURL took over.
//
// A zero field leaves its attribute out; Plivo's default then holds, given here
// in brackets. A URL must be absolute, http or https. Its method is GET or POST
// and always written with it; "" means POST for reports, GET for audio.
//
// Settings marked (MPC) are the multiparty call's; which participant's value
// wins is not documented, so give all the same. The others are the participant's
// own. Attributes that Plivo's own documents do not name are left out.
type MultiPartyCall struct {
	// Name is required: usually a call's [CallID], though Plivo allows any text.
	// Without blanks at either end, since Plivo may trim them.
	Name CallID
	Role Role // required, unless AIAgent is set

	MaxDuration          time.Duration // (MPC) [4 h] whole seconds, 5 min to 8 h from initiation
	MaxParticipants      int           // (MPC) [10] 2 to 10
	RecordMinMemberCount int           // (MPC) [1] 1 to 2: members from which on to record

	// Each answers XML of Play, Speak and Wait; an audio file is silence. [Plivo's music]
	WaitMusicURL, WaitMusicMethod                 string // (MPC) until the multiparty call starts
	AgentHoldMusicURL, AgentHoldMusicMethod       string // (MPC)
	CustomerHoldMusicURL, CustomerHoldMusicMethod string // (MPC)

	Record                                            *bool  // (MPC) [false]
	RecordFileFormat                                  string // (MPC) [mp3] mp3 or wav
	RecordCoachVoice                                  *bool  // (MPC) whether a coaching supervisor is recorded
	RecordingCallbackURL, RecordingCallbackMethod     string // (MPC)
	StartRecordingAudioURL, StartRecordingAudioMethod string // (MPC)
	StopRecordingAudioURL, StopRecordingAudioMethod   string // (MPC)

	StatusCallbackURL, StatusCallbackMethod string // (MPC)
	// (MPC) groups to report, of mpc-state-changes, participant-state-changes,
	// participant-speak-events, participant-digit-input-events,
	// add-participant-api-events and participant-audio-events. [the first two]
	StatusCallbackEvents []string

	WaitForAgent    *bool // (MPC) [false] start no sooner than an agent is in
	StayAlone       *bool // [false] whether the last participant stays
	CoachMode       *bool // [true] supervisors only
	Mute            *bool // [false]
	Hold            *bool // [false]
	StartMPCOnEnter *bool // [true]
	EndMPCOnExit    *bool // [false]
	RelayDTMFInputs *bool // [false] whether keys pressed reach the others

	// "beep:1", "beep:2", "none", or a URL as for music. A method goes with a
	// URL only.
	EnterSound, EnterSoundMethod string // [beep:1]
	ExitSound, ExitSoundMethod   string // [beep:2]

	OnExitActionURL, OnExitActionMethod string // answers XML for the call once it has left

	AIAgent *AIAgent // nil: a person
}

// An AIAgent makes a participant a software agent, reached by a stream of audio;
// the role is then ai-agent. A zero field leaves its attribute out.
type AIAgent struct {
	ServiceURL                              string // required; wss
	ContentType                             string // "": audio/x-l16;rate=8000
	StatusCallbackURL, StatusCallbackMethod string // http or https; "" means POST
	SamplingRate                            int    // Hz, not negative
	ExtraHeaders                            string // as Plivo takes them
}

// xmlRoles spells the roles as the attribute's documentation does.
var xmlRoles = [...]string{RoleCustomer: "Customer", RoleAgent: "Agent", RoleSupervisor: "Supervisor"}

var xmlEventGroups = []string{
	"mpc-state-changes", "participant-state-changes", "participant-speak-events",
	"participant-digit-input-events", "add-participant-api-events", "participant-audio-events",
}

func (m *MultiPartyCall) write(w *xmlWriter) {
	const get, post = http.MethodGet, http.MethodPost
	w.open("MultiPartyCall")
	switch {
	case m.AIAgent != nil && m.Role != 0:
		w.refuse("role", "given beside AIAgent")
	case m.AIAgent != nil:
		w.word("role", "ai-agent")
	case m.Role == 0 || int(m.Role) >= len(xmlRoles):
		w.refuse("role", "missing or unknown")
	default:
		w.word("role", xmlRoles[m.Role])
	}
	w.units("maxDuration", m.MaxDuration, time.Second, 300*time.Second, 28800*time.Second)
	w.number("maxParticipants", m.MaxParticipants, 2, 10)
	w.number("recordMinMemberCount", m.RecordMinMemberCount, 1, 2)
	w.link("waitMusicUrl", m.WaitMusicURL, "waitMusicMethod", m.WaitMusicMethod, get)
	w.link("agentHoldMusicUrl", m.AgentHoldMusicURL, "agentHoldMusicMethod", m.AgentHoldMusicMethod, get)
	w.link("customerHoldMusicUrl", m.CustomerHoldMusicURL, "customerHoldMusicMethod", m.CustomerHoldMusicMethod, get)
	w.flag("record", m.Record)
	w.oneOf("recordFileFormat", m.RecordFileFormat, "mp3", "wav")
	w.flag("recordCoachVoice", m.RecordCoachVoice)
	w.link("recordingCallbackUrl", m.RecordingCallbackURL, "recordingCallbackMethod", m.RecordingCallbackMethod, post)
	w.link("startRecordingAudio", m.StartRecordingAudioURL, "startRecordingAudioMethod", m.StartRecordingAudioMethod, get)
	w.link("stopRecordingAudio", m.StopRecordingAudioURL, "stopRecordingAudioMethod", m.StopRecordingAudioMethod, get)
	w.link("statusCallbackUrl", m.StatusCallbackURL, "statusCallbackMethod", m.StatusCallbackMethod, post)
	w.eventGroups(m.StatusCallbackEvents)
	w.flag("waitForAgent", m.WaitForAgent)
	w.flag("stayAlone", m.StayAlone)
	w.flag("coachMode", m.CoachMode)
	w.flag("mute", m.Mute)
	w.flag("hold", m.Hold)
	w.flag("startMpcOnEnter", m.StartMPCOnEnter)
	w.flag("endMpcOnExit", m.EndMPCOnExit)
	w.flag("relayDTMFInputs", m.RelayDTMFInputs)
	w.sound("enterSound", m.EnterSound, "enterSoundMethod", m.EnterSoundMethod)
	w.sound("exitSound", m.ExitSound, "exitSoundMethod", m.ExitSoundMethod)
	w.link("onExitActionUrl", m.OnExitActionURL, "onExitActionMethod", m.OnExitActionMethod, post)
	if a := m.AIAgent; a != nil {
		if !xmlURL(a.ServiceURL, "ws") || a.ServiceURL[2] != 's' {
			w.refuse("aiAgentStreamServiceUrl", "missing, or not an absolute wss URL")
		}
		w.attr("aiAgentStreamServiceUrl", a.ServiceURL)
		w.text("aiAgentStreamContentType", a.ContentType)
		w.link("aiAgentStreamStatusCallbackUrl", a.StatusCallbackURL,
			"aiAgentStreamStatusCallbackMethod", a.StatusCallbackMethod, post)
		w.number("aiAgentStreamSamplingRate", a.SamplingRate, 1, 1<<20)
		w.text("aiAgentStreamExtraHeaders", a.ExtraHeaders)
	}
	name := string(m.Name)
	if name == "" || strings.TrimSpace(name) != name {
		w.refuse("name", "missing, or with blanks at an end")
	}
	w.content("name", name)
}

func (w *xmlWriter) eventGroups(groups []string) {
	if len(groups) == 0 {
		return
	}
	for i, g := range groups {
		if !slices.Contains(xmlEventGroups, g) || slices.Contains(groups[:i], g) {
			w.refuse("statusCallbackEvents", "unknown or repeated group")
			return
		}
	}
	w.word("statusCallbackEvents", strings.Join(groups, ","))
}

// Speak reads a text aloud.
type Speak struct {
	Text     string // required; plain text, no markup
	Voice    string // "": WOMAN
	Language string // such as "en-GB"; "": en-US
	Loop     *int   // times, 0 for ever; nil: once
}

func (s *Speak) write(w *xmlWriter) {
	w.open("Speak")
	w.text("voice", s.Voice)
	w.text("language", s.Language)
	w.loop(s.Loop)
	if strings.TrimSpace(s.Text) == "" {
		w.refuse("text", "missing")
	}
	w.content("text", s.Text)
}

// Play plays an audio file, mp3 or wav.
type Play struct {
	URL  string // required; absolute, http or https
	Loop *int   // times, 0 for ever; nil: once
}

func (p *Play) write(w *xmlWriter) {
	w.open("Play")
	w.loop(p.Loop)
	if !xmlURL(p.URL, "http") {
		w.refuse("url", "not an absolute http or https URL")
	}
	w.content("url", p.URL)
}

// Wait is silence. As the first element it delays the answer of the call.
type Wait struct {
	Length     time.Duration // whole seconds, at least 1; 0: 1 s
	Silence    *bool         // nil: false. true: end early once MinSilence was silent
	MinSilence time.Duration // whole milliseconds, at least 1, below Length, with Silence only; 0: 2 s
	Beep       *bool         // nil: false. true: end at a voicemail's beep
}

const xmlMaxWait = 24 * time.Hour // no call lasts longer

func (x *Wait) write(w *xmlWriter) {
	w.open("Wait")
	w.units("length", x.Length, time.Second, time.Second, xmlMaxWait)
	w.flag("silence", x.Silence)
	switch {
	case x.MinSilence == 0:
	case x.Silence == nil || !*x.Silence:
		w.refuse("minSilence", "without silence")
	case x.MinSilence >= max(x.Length, time.Second):
		w.refuse("minSilence", "not below length")
	default:
		w.units("minSilence", x.MinSilence, time.Millisecond, time.Millisecond, xmlMaxWait)
	}
	w.flag("beep", x.Beep)
	w.close()
}

// Hangup ends the call, or refuses it where it is the first element.
type Hangup struct {
	Reason   string        // "", "rejected" or "busy"
	Schedule time.Duration // whole seconds, at least 1: hang up so much later, while the next elements run; 0: now
}

func (h *Hangup) write(w *xmlWriter) {
	w.open("Hangup")
	w.oneOf("reason", h.Reason, "rejected", "busy")
	w.units("schedule", h.Schedule, time.Second, time.Second, xmlMaxWait)
	w.close()
}

// Redirect goes on with the document found at a URL. Elements after it are not
// carried out.
type Redirect struct {
	URL    string // required; absolute, http or https
	Method string // GET or POST; "": POST
}

func (r *Redirect) write(w *xmlWriter) {
	w.open("Redirect")
	w.method("method", r.Method, http.MethodPost)
	if !xmlURL(r.URL, "http") {
		w.refuse("url", "not an absolute http or https URL")
	}
	w.content("url", r.URL)
}
