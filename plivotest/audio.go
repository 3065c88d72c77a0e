package plivotest

import (
	"strings"
	"time"
)

// Hears says whether listener hears speaker at this instant. It follows from
// their memberships alone: both are in the same active MPC; the listener is
// not on hold; the speaker is neither muted nor on hold; and a supervisor in
// coach mode reaches agents only. Nobody hears themselves.
func (s *Server) Hears(listener, speaker *Leg) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.hears(listener, speaker)
}

func (s *Server) hears(listener, speaker *Leg) bool {
	if listener == nil || speaker == nil || listener == speaker {
		return false
	}
	l, sp := listener.member, speaker.member
	if l == nil || sp == nil || l.mpc != sp.mpc || !l.hearsMPC() || sp.mute || sp.hold {
		return false
	}
	if sp.role == supervisor && sp.coach {
		return l.role == agent || l.role == supervisor && s.opts.Switches.CoachesHearEachOther
	}
	return true
}

// say puts a line into the ears of exactly those who hear the speaker.
func (s *Server) say(l *Leg, text string) {
	var ears []string
	if m := l.member; m != nil {
		for _, o := range m.mpc.inside() {
			if s.hears(o.leg, l) {
				o.leg.heard = append(o.leg.heard, Heard{At: time.Now(), From: l.uuid, FromAddress: l.phone.address, Text: text})
				ears = append(ears, o.leg.phone.address)
			}
		}
		s.speakEvents(m)
	}
	l.said = append(l.said, said{time.Now(), text, ears})
	who := "nobody"
	if len(ears) > 0 {
		who = strings.Join(ears, ", ")
	}
	s.log("say", "%s %s: %q, heard by %s", short(l.uuid), l.phone.address, text, who)
}

// said is a line that a leg spoke, and the addresses that heard it.
type said struct {
	at   time.Time
	text string
	ears []string
}

// Listening returns what the leg hears right now: "mpc", "wait music", "hold
// music", "speak", "play", "silence", or "nothing" before the answer and after
// the end.
func (l *Leg) Listening() (what string) {
	l.with(func() { what = l.listening() })
	return what
}

func (l *Leg) listening() string {
	if l.state != InProgress {
		return "nothing"
	}
	if m := l.member; m != nil {
		switch {
		case m.music == "":
			return "mpc"
		case m.playing:
			return m.music
		}
		return "silence"
	}
	if l.run.sounding != "" {
		return l.run.sounding
	}
	return "silence"
}

// refreshMusic gives every member the music their state calls for.
func (s *Server) refreshMusic(x *mpc) {
	for _, m := range x.inside() {
		switch {
		case m.hold:
			s.setMusic(m, "hold music")
		case x.status == initialized:
			s.setMusic(m, "wait music")
		default:
			s.setMusic(m, "")
		}
	}
}

// setMusic changes what a member hears in place of the MPC; "" is nothing.
func (s *Server) setMusic(m *member, kind string) {
	if m.music == kind {
		return
	}
	if m.music != "" {
		s.stopSound(m.leg, m.music)
	}
	m.music, m.playing = kind, false
	m.fetches++
	s.changed = true
	if kind == "" {
		return
	}
	from := m.mpc.set.wait
	if kind == "hold music" {
		switch m.role {
		case customer:
			from = m.mpc.set.customHold
		case agent:
			from = m.mpc.set.agentHold
		default:
			from = hook{}
			if s.opts.Switches.NoSupervisorHoldMusic {
				return
			}
		}
	}
	if from.url == "" {
		m.playing = true
		s.startSound(m.leg, kind, "plivo")
		return
	}
	turn := m.fetches
	s.deliver(nil, "music", "", from.method, from.url, s.musicForm(m), func(res result) {
		if m.fetches != turn {
			return
		}
		if !s.playable(kind, from.url, res) {
			return // silence
		}
		m.playing = true
		s.changed = true
		s.startSound(m.leg, kind, from.url)
	})
}

// playable says whether the answer to a request for music or a sound is XML of
// Play, Speak and Wait, and warns where it is not.
func (s *Server) playable(kind, from string, res result) bool {
	if !res.ok() {
		s.warn("%s from %s is silence: %v", kind, from, res)
		return false
	}
	doc, err := parseDocument(res.body)
	if err != nil {
		s.warn("%s from %s is silence: %v", kind, from, err)
		return false
	}
	audible := false
	for _, e := range doc {
		switch e.name {
		case "Play", "Speak":
			audible = true
		case "Wait":
		default:
			s.warn("%s from %s: element %s ignored", kind, from, e.name)
		}
	}
	if !audible {
		s.warn("%s from %s is silence: no Play or Speak in it", kind, from)
	}
	return audible
}

// playSound plays a beep, or what a URL answers, to everybody who hears the
// MPC at that moment.
func (s *Server) playSound(x *mpc, m *member, kind string, h hook) {
	switch h.url {
	case "none", "":
		return
	case "beep:1", "beep:2":
		s.toAll(x, "beep", h.url)
		return
	}
	s.deliver(nil, "sound", "", h.method, h.url, s.musicForm(m), func(res result) {
		if s.playable(kind, h.url, res) {
			s.toAll(x, kind, h.url)
		}
	})
}

func (s *Server) toAll(x *mpc, kind, name string) {
	for _, m := range x.inside() {
		if m.hearsMPC() {
			s.beep(m.leg, kind, name)
		}
	}
}
