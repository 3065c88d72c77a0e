package coaching

// newsOf reduces a callback to what the state machine reads, and returns the
// MPC's name.
func newsOf(ev Event) (news, CallID) {
	m := ev.Common()
	n := news{mpc: m.MPCUUID}
	who := func(k newsKind, p EventParticipant) {
		n.kind, n.member, n.role, n.call = k, p.MemberID, p.Role, p.CallUUID
		n.addr, n.from, n.to = p.Address, p.From, p.To
	}
	changed := func(f flagName, v bool, p EventParticipant) {
		who(newsFlag, p)
		n.flag, n.value = f, v
	}
	switch e := ev.(type) {
	case MPCInitialized:
		who(newsInitialized, e.EventParticipant)
	case MPCStarted:
		who(newsStarted, e.EventParticipant)
	case MPCEnded:
		n.kind = newsEnded
	case ParticipantJoined:
		who(newsJoined, e.EventParticipant)
	case ParticipantExited:
		who(newsExited, e.EventParticipant)
	case ParticipantMuted:
		changed(flagMute, true, e.EventParticipant)
	case ParticipantUnmuted:
		changed(flagMute, false, e.EventParticipant)
	case ParticipantHeld:
		changed(flagHold, true, e.EventParticipant)
	case ParticipantUnheld:
		changed(flagHold, false, e.EventParticipant)
	case CoachModeStarted:
		changed(flagCoach, true, e.EventParticipant)
	case CoachModeStopped:
		changed(flagCoach, false, e.EventParticipant)
	}
	return n, m.MPCName
}

// legNewsOf does the same for the status of a leg.
func legNewsOf(l LegStatus) legNews {
	return legNews{call: l.CallUUID, to: l.To, status: l.CallStatus, code: l.HangupCauseCode, source: l.HangupSource}
}
