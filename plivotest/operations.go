package plivotest

const (
	onMPC    = "MultiPartyCall/{mpc}"
	onMember = onMPC + "/Participant/{member}"
)

// allOperations returns every endpoint that is modelled.
func allOperations() []operation {
	return []operation{
		op("ListMPCs", "GET", "MultiPartyCall", (*Server).listMPCs),
		op("GetMPC", "GET", onMPC, (*Server).getMPC),
		op("ActivateMPC", "POST", onMPC, (*Server).activateMPC),
		op("EndMPC", "DELETE", onMPC, (*Server).deleteMPC),

		op("AddParticipant", "POST", onMPC+"/Participant", (*Server).addParticipant),
		op("ListParticipants", "GET", onMPC+"/Participant", (*Server).listParticipants),
		op("GetParticipant", "GET", onMember, (*Server).getParticipant),
		op("UpdateParticipant", "POST", onMember, (*Server).updateParticipant),
		op("Kick", "DELETE", onMember, (*Server).kick),

		op("StartRecording", "POST", onMPC+"/Record", (*Server).startRecording),
		op("StopRecording", "DELETE", onMPC+"/Record", (*Server).stopRecording),
		op("PauseRecording", "POST", onMPC+"/Record/Pause", (*Server).pauseRecording),
		op("ResumeRecording", "POST", onMPC+"/Record/Resume", (*Server).resumeRecording),
		op("StartParticipantRecording", "POST", onMember+"/Record", (*Server).startRecording),
		op("StopParticipantRecording", "DELETE", onMember+"/Record", (*Server).stopRecording),
		op("PauseParticipantRecording", "POST", onMember+"/Record/Pause", (*Server).pauseRecording),
		op("ResumeParticipantRecording", "POST", onMember+"/Record/Resume", (*Server).resumeRecording),

		op("PlayAudio", "POST", onMPC+"/Member/{member}/Play", (*Server).playAudio),
		op("StopAudio", "DELETE", onMPC+"/Member/{member}/Play", (*Server).stopAudio),
		op("Speak", "POST", onMPC+"/Member/{member}/Speak", (*Server).speak),
		op("StopSpeak", "DELETE", onMPC+"/Member/{member}/Speak", (*Server).stopSpeak),

		op("HangupCall", "DELETE", "Call/{call}", (*Server).hangupCall),
		op("HangupAllCalls", "DELETE", "Call", (*Server).hangupAllCalls),
		op("GetCall", "GET", "Call/{call}", (*Server).getCall),
		op("ListCalls", "GET", "Call", (*Server).listCalls),
		op("CancelRequest", "DELETE", "Request/{request}", (*Server).cancelRequest),
	}
}
