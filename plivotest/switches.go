package plivotest

import "time"

// Switches decide what no source settles. The zero value is the careful
// reading; a client of Plivo must work under every setting.
type Switches struct {
	// Sparse status callbacks carry only the keys that apply: no
	// ParticipantCallUUID, ParticipantCallTo, ParticipantCallDirection and
	// MemberAddress, and on MPC events no participant keys but the
	// ParticipantCallFrom of MPCInitialized. Zero: every documented key is on
	// every event, empty where it does not apply.
	Sparse bool
	// NoSequenceNumber leaves SequenceNumber out.
	NoSequenceNumber bool
	// SequencePerURL counts SequenceNumber per callback URL. Zero: per MPC.
	SequencePerURL bool
	// CapitalRoles writes Agent, Supervisor, Customer in callbacks. Zero: lower
	// case, as REST does.
	CapitalRoles bool
	// PreciseTimestamps writes EventTimestamp with microseconds and offset.
	PreciseTimestamps bool
	// NoMPCInitialized leaves MPCInitialized out where the first participant
	// makes the MPC active at once. Zero: it is always sent.
	NoMPCInitialized bool
	// JoinBeforeStart sends ParticipantJoin before the MPCStart it causes.
	JoinBeforeStart bool
	// EndBeforeExits sends MPCEnd before the exits of those it removes.
	EndBeforeExits bool
	// NoLegCallbacks sends nothing to call_status_callback_url.
	NoLegCallbacks bool
	// TimeoutAsNoAnswer reports a leg that reached its ring time-out as
	// no-answer. Zero: CallStatus timeout.
	TimeoutAsNoAnswer bool
	// RetryNewNonce signs each attempt of a callback with a new nonce. Zero: a
	// retry repeats the request to the byte.
	RetryNewNonce bool
	// StatusCallbackGET is the method where REST's status_callback_method is
	// absent. Zero: POST.
	StatusCallbackGET bool

	// HarshStayAlone ends an MPC without stay_alone as soon as its first
	// participant is in it alone. Zero: when one is left of two.
	HarshStayAlone bool
	// CreateAtJoin makes the MPC of an add-participant request when the phone
	// is answered. Zero: when the request is accepted.
	CreateAtJoin bool
	// JoinAfterEndCreates lets a leg that rings when its MPC ends ring on and
	// join a new MPC of that name. Zero: it is hung up with the MPC.
	JoinAfterEndCreates bool
	// EndMpcOnExitCause3000 is the cause of an MPC that ended because a
	// participant with end_mpc_on_exit left. Zero: 1000.
	EndMpcOnExitCause3000 bool
	// OnExitAfterHangup requests the on-exit URL also after the participant's
	// own hang-up; its answer is ignored. Zero: only while the leg is alive.
	OnExitAfterHangup bool
	// FullXMLHangup hangs up a call whose XML leads into a full MPC. Zero: it
	// falls to the next element.
	FullXMLHangup bool
	// FullRESTDials accepts add-participant for a full MPC and hangs up who
	// answers. Zero: 400.
	FullRESTDials bool
	// DialsCount counts add-participant requests whose phones are queued or
	// ringing as participants. Zero: only who is in counts.
	DialsCount bool
	// LastSettingsWin lets MPC-level settings of later participants replace
	// the creator's. Zero: the creator's stay, with a warning.
	LastSettingsWin bool
	// KickCause4020 hangs kicked legs up with 4020. Zero: 4030.
	KickCause4020 bool

	// CoachesHearEachOther lets supervisors hear coaching supervisors. Zero:
	// agents alone do.
	CoachesHearEachOther bool
	// MuteHoldSound plays beep:1 into the MPC at every mute, unmute, hold and
	// unhold. Zero: silent.
	MuteHoldSound bool
	// MusicUnsigned asks for wait and hold music without a signature. Zero:
	// signed, as every other request is.
	MusicUnsigned bool
	// NoSupervisorHoldMusic gives supervisors on hold silence. Zero: Plivo's
	// own music.
	NoSupervisorHoldMusic bool

	// StaleReads lets reads of MPCs and participants show the state of up to
	// this long ago; how long is drawn for each read.
	StaleReads time.Duration
	// SplitFlags applies the flags of one update at different instants, up to a
	// second apart, in a drawn order; the answer comes with the first.
	SplitFlags bool
	// PartialListsFail answers 404 where one of several member ids is unknown.
	// Zero: only if all are.
	PartialListsFail bool
	// ListExited shows participants who left also while the MPC is live.
	ListExited bool
	// CoachFlagOnOthersOK takes coach_mode for agents and customers and ignores
	// it. Zero: 400.
	CoachFlagOnOthersOK bool
	// NotFoundBraces makes {} the body of every 404. Zero: an object with
	// api_id and error.
	NotFoundBraces bool
	// TransferWithoutCalls leaves calls out of the answer to an add-participant
	// request that names a call_uuid.
	TransferWithoutCalls bool
	// HangupCauseDelay is how long after a call's end its hangup cause can be
	// read. Zero: at once.
	HangupCauseDelay time.Duration
	// LiveCallsByStatus answers 404 to a GET of a live call that does not ask
	// with status=live. Zero: the record, without an end.
	LiveCallsByStatus bool

	// LenientXML ignores attributes Plivo does not document, with a warning in
	// the timeline. Zero: they fail the document.
	LenientXML bool
	// StrictNames refuses MPC names outside [A-Za-z0-9_.-].
	StrictNames bool
}
