package plivotest

import (
	"time"
)

// Why a participant left, as the participant object words it.
const (
	exitHangup      = "Participant Call Hangup"
	exitKicked      = "Kicked Out of Multiparty Call"
	exitMPCEnded    = "Multiparty Call Ended"
	exitTransferred = "Participant Call Transferred"
)

// member is one stay of one call in an MPC.
type member struct {
	id   string
	mpc  *mpc
	leg  *Leg
	role string

	coach, mute, hold             bool
	start, endOnExit, relayDigits bool
	enter, exit, onExit           hook
	byAPI                         bool // dialled or transferred in by REST

	joined, left time.Time
	exitCause    string
	history      []memberState

	music   string // "wait music", "hold music" or ""
	playing bool   // and it sounds, not silence
	fetches int    // of music; late answers are told by it
}

// memberState is what reads can show of an instant.
type memberState struct {
	at                time.Time
	coach, mute, hold bool
	in                bool
}

func (m *member) note() {
	m.history = append(m.history, memberState{time.Now(), m.coach, m.mute, m.hold, m.left.IsZero()})
}

func (m *member) billed() int {
	if m.left.IsZero() {
		return 0
	}
	return max(1, int((m.left.Sub(m.joined)+time.Minute-1)/time.Minute)) * 60
}

// hearsMPC says whether the member hears the MPC itself, not music.
func (m *member) hearsMPC() bool {
	return m.left.IsZero() && m.mpc.status == active && !m.hold
}

// join lets a leg into a live MPC that has room.
func (s *Server) join(l *Leg, x *mpc, j *joining, byAPI bool) *member {
	m := &member{
		id: s.newMemberID(), mpc: x, leg: l, role: j.role, coach: j.coach && j.role == supervisor,
		mute: j.mute, hold: j.hold, start: j.start, endOnExit: j.endOnExit, relayDigits: j.relayDigits,
		enter: j.enter, exit: j.exit, onExit: j.onExit, byAPI: byAPI, joined: time.Now(),
	}
	alone := len(x.members) == 0
	x.members = append(x.members, m)
	x.lastLeg, x.lastMember = l, m
	l.member = m
	m.note()
	s.changed = true
	s.log("mpc", "%s %q joined by %s %s as %s, member %s%s", short(x.uuid), x.name, short(l.uuid), l.phone.address,
		m.role, m.id, flagText(m))
	if m.start {
		x.wantsStart = true
	}
	if s.opts.Switches.JoinBeforeStart {
		s.memberEvent(m, "ParticipantJoin")
		s.mayStart(x)
	} else {
		s.mayStart(x)
		s.memberEvent(m, "ParticipantJoin")
	}
	s.refreshMusic(x)
	s.playSound(x, m, "enter sound", m.enter)
	if alone && s.opts.Switches.HarshStayAlone && !x.set.stayAlone && x.dials == 0 {
		s.endMPC(x, stayAloneDenied, causeMPCEnded)
	}
	return m
}

func flagText(m *member) string {
	t := ""
	if m.role == supervisor && m.coach {
		t += " coach"
	}
	if m.mute {
		t += " mute"
	}
	if m.hold {
		t += " hold"
	}
	return t
}

// leave takes a member out, whether or not its leg lives on, and lets the MPC
// end where that is due. Where the leg goes is goOn's part.
func (s *Server) leave(m *member, why string) {
	if !m.left.IsZero() {
		return
	}
	x := m.mpc
	m.left, m.exitCause = time.Now(), why
	m.leg.member = nil
	x.lastLeg, x.lastMember = m.leg, m
	m.note()
	s.changed = true
	s.log("mpc", "%s %q left by %s %s, member %s: %s", short(x.uuid), x.name, short(m.leg.uuid), m.leg.phone.address, m.id, why)
	s.setMusic(m, "")
	s.stopSound(m.leg, "dial music")
	s.stopPlaybacks(m)
	s.memberEvent(m, "ParticipantExit")
	if !x.live() {
		return // endMPC has the rest in hand
	}
	s.playSound(x, m, "exit sound", m.exit)
	in := len(x.inside())
	switch {
	case m.endOnExit:
		why := noActiveParticipants
		if s.opts.Switches.EndMpcOnExitCause3000 {
			why = hangupAPI
		}
		s.endMPC(x, why, causeMPCEnded)
	case in == 0:
		s.endMPC(x, noActiveParticipants, causeMPCEnded)
	case in == 1 && !x.set.stayAlone:
		s.endMPC(x, stayAloneDenied, causeMPCEnded)
	}
}

// goOn sends a leg that left and is still alive onwards: to its on-exit URL,
// or to the next element of its XML, or it is hung up with c.
func (s *Server) goOn(m *member, c HangupCause) {
	l := m.leg
	if l.state != InProgress || l.member != nil {
		return
	}
	switch {
	case m.onExit.url != "":
		s.fetchXML(l, "exit", m.onExit, s.exitForm(m))
	case m.byAPI:
		s.endLeg(l, c)
	default:
		s.step(l)
	}
}

// setFlag changes one flag; name is as in REST. quiet leaves sounds out.
func (s *Server) setFlag(m *member, name string, on, quiet bool) {
	if !m.left.IsZero() {
		return
	}
	x := m.mpc
	var flag *bool
	event, beep := "", false
	switch name {
	case "mute":
		flag, event, beep = &m.mute, pick(on, "ParticipantMute", "ParticipantUnmute"), s.opts.Switches.MuteHoldSound
	case "hold":
		flag, event, beep = &m.hold, pick(on, "ParticipantHold", "ParticipantUnhold"), s.opts.Switches.MuteHoldSound
	case "coach_mode":
		if m.role != supervisor {
			return
		}
		flag, event = &m.coach, pick(on, "ParticipantCoachModeStart", "ParticipantCoachModeStop")
		beep = !on || !m.coach // documented: false beeps each time, true only on a change
	}
	was := *flag
	*flag = on
	s.changed = true
	if was != on {
		m.note()
		s.log("flag", "%s %s %s=%t", short(m.leg.uuid), m.leg.phone.address, name, on)
		x.lastLeg, x.lastMember = m.leg, m
		s.memberEvent(m, event)
		s.refreshMusic(x)
	}
	if beep && !quiet && (name == "coach_mode" || was != on) {
		s.playSound(x, m, "beep", hook{url: "beep:1"})
	}
}

func pick(cond bool, yes, no string) string {
	if cond {
		return yes
	}
	return no
}
