package plivotest

import (
	"net/url"
	"slices"
	"strconv"
	"time"
)

const (
	groupMPC    = "mpc-state-changes"
	groupMember = "participant-state-changes"
	groupSpeak  = "participant-speak-events"
	groupDigits = "participant-digit-input-events"
	groupAdd    = "add-participant-api-events"
)

// allKeys are the parameters that stand, perhaps empty, on every status
// callback in the careful reading.
var allKeys = []string{"MemberID", "ParticipantRole", "ParticipantCallUUID", "ParticipantCoachMode",
	"ParticipantCallFrom", "ParticipantCallTo", "ParticipantCallDirection", "MemberAddress",
	"MPCDuration", "MPCBilledDuration", "MPCBilledAmount", "MPCTerminationCause", "MPCTerminationCauseCode", "DigitInput"}

// mpcEvent sends an event of the MPC itself. Keys of the participant who
// caused it ride along: the coaching guide relies on ParticipantCallFrom.
func (s *Server) mpcEvent(x *mpc, name string) {
	f := url.Values{}
	if s.opts.Switches.Sparse {
		if name == "MPCInitialized" && x.lastLeg != nil {
			f.Set("ParticipantCallFrom", x.lastLeg.from)
		}
	} else {
		s.participantKeys(f, x)
	}
	if name == "MPCEnd" {
		f.Set("MPCDuration", strconv.Itoa(int(x.duration().Seconds())))
		f.Set("MPCBilledDuration", strconv.Itoa(x.billed()))
		f.Set("MPCBilledAmount", amount(x.billed()))
		f.Set("MPCTerminationCause", x.why.name)
		f.Set("MPCTerminationCauseCode", strconv.Itoa(x.why.code))
	}
	s.statusCallback(x, groupMPC, name, f)
}

// memberEvent sends an event of a participant.
func (s *Server) memberEvent(m *member, name string) {
	s.memberEventWith(m, groupMember, name, nil)
}

func (s *Server) memberEventWith(m *member, group, name string, extra url.Values) {
	f := url.Values{}
	s.memberKeys(f, m)
	for k, v := range extra {
		f[k] = v
	}
	if s.opts.Switches.Sparse {
		for _, k := range []string{"ParticipantCallUUID", "ParticipantCallFrom", "ParticipantCallTo", "ParticipantCallDirection", "MemberAddress"} {
			f.Del(k)
		}
		if m.role != supervisor {
			f.Del("ParticipantCoachMode")
		}
	}
	s.statusCallback(m.mpc, group, name, f)
}

func (s *Server) participantKeys(f url.Values, x *mpc) {
	if x.lastMember != nil {
		s.memberKeys(f, x.lastMember)
		return
	}
	if l := x.lastLeg; l != nil {
		s.legKeys(f, l)
		f.Set("ParticipantRole", s.roleText(x.lastJoining.role))
		f.Set("ParticipantCoachMode", strconv.FormatBool(x.lastJoining.coach && x.lastJoining.role == supervisor))
	}
}

func (s *Server) memberKeys(f url.Values, m *member) {
	s.legKeys(f, m.leg)
	f.Set("MemberID", m.id)
	f.Set("ParticipantRole", s.roleText(m.role))
	f.Set("ParticipantCoachMode", strconv.FormatBool(m.coach))
}

func (s *Server) legKeys(f url.Values, l *Leg) {
	f.Set("ParticipantCallUUID", l.uuid)
	f.Set("ParticipantCallFrom", l.from)
	f.Set("ParticipantCallTo", l.to)
	f.Set("ParticipantCallDirection", l.direction)
	f.Set("MemberAddress", l.phone.address)
}

func (s *Server) roleText(role string) string {
	if s.opts.Switches.CapitalRoles && role != "" {
		return string(role[0]-'a'+'A') + role[1:]
	}
	return role
}

func (s *Server) timestamp() string {
	if s.opts.Switches.PreciseTimestamps {
		return time.Now().UTC().Format("2006-01-02 15:04:05.000000") + "+00:00"
	}
	return time.Now().UTC().Format("2006-01-02 15:04:05")
}

// statusCallback sends an event if its group was asked for.
func (s *Server) statusCallback(x *mpc, group, name string, f url.Values) {
	h := x.set.status
	if h.url == "" || !slices.Contains(x.set.events, group) {
		return
	}
	if !s.opts.Switches.Sparse {
		for _, k := range allKeys {
			if _, ok := f[k]; !ok {
				f.Set(k, "")
			}
		}
	}
	s.eventKeys(f, x, name, h.url)
	s.deliver(&x.callbacks, "status", name, h.method, h.url, f, nil)
}

// eventKeys sets what status and recording callbacks share.
func (s *Server) eventKeys(f url.Values, x *mpc, name, to string) {
	f.Set("EventName", name)
	f.Set("EventTimestamp", s.timestamp())
	f.Set("MPCUUID", x.uuid)
	f.Set("MPCName", x.name)
	if !s.opts.Switches.NoSequenceNumber {
		key := ""
		if s.opts.Switches.SequencePerURL {
			key = to
		}
		x.sequence[key]++
		f.Set("SequenceNumber", strconv.Itoa(x.sequence[key]))
	}
}

// exitForm is what the on-exit URL gets: the documented keys and, inferred,
// the standard ones of the call.
func (s *Server) exitForm(m *member) url.Values {
	f := s.callForm(m.leg, "")
	f.Set("MPCUUID", m.mpc.uuid)
	f.Set("MPCFriendlyName", m.mpc.name)
	f.Set("MemberID", m.id)
	f.Set("ParticipantCallUUID", m.leg.uuid)
	f.Set("ParticipantJoinTime", dateTime(m.joined))
	f.Set("ParticipantEndTime", dateTime(m.left))
	f.Set("ParticipantRole", s.roleText(m.role))
	return f
}

// musicForm is what music URLs get. No source shows it.
func (s *Server) musicForm(m *member) url.Values {
	f := s.callForm(m.leg, "")
	f.Set("MPCUUID", m.mpc.uuid)
	f.Set("MPCName", m.mpc.name)
	f.Set("MemberID", m.id)
	return f
}

// speakDuration is how long a line said by a phone lasts, for the events only.
const speakDuration = time.Second

func (s *Server) speakEvents(m *member) {
	if !slices.Contains(m.mpc.set.events, groupSpeak) {
		return
	}
	s.memberEventWith(m, groupSpeak, "ParticipantSpeakStart", nil)
	s.after(speakDuration, "speak "+m.id, func() {
		if m.left.IsZero() {
			s.memberEventWith(m, groupSpeak, "ParticipantSpeakStop", nil)
		}
	})
}

// legCallback reports a dialled leg's state to call_status_callback_url.
func (s *Server) legCallback(l *Leg, status string) {
	h := l.dial.status
	if h.url == "" || s.opts.Switches.NoLegCallbacks {
		return
	}
	s.deliver(&l.callbacks, "leg", status, h.method, h.url, s.callForm(l, status), nil)
}

// dateTime is how REST writes times.
func dateTime(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05") + "+00:00" }
