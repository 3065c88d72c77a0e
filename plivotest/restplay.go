package plivotest

import (
	"net/http"
	"slices"
	"time"
)

// playback is audio that REST plays to members of an MPC.
type playback struct {
	mpc     *mpc
	target  string // as the request named the members; a stop must name them likewise
	kind    string // "play" or "speak"
	members []*member
	end     *event
}

func (s *Server) playAudio(c *apiCall) reply {
	url, _ := c.Body["url"].(string)
	if url == "" {
		url, _ = c.Body["urls"].(string) // the docs' name; SDKs send url
	}
	if !isWebURL(url) {
		return s.fail(http.StatusBadRequest, "url must be an http or https URL")
	}
	return s.startPlayback(c, "play", url, playLength)
}

func (s *Server) speak(c *apiCall) reply {
	text, _ := c.Body["text"].(string)
	if text == "" {
		return s.fail(http.StatusBadRequest, "text is required")
	}
	return s.startPlayback(c, "speak", text, time.Duration(len(text))*speakPerByte)
}

func (s *Server) startPlayback(c *apiCall, kind, name string, length time.Duration) reply {
	x, members, bad := s.targets(c)
	if bad != nil {
		return *bad
	}
	p := &playback{mpc: x, target: c.member, kind: kind, members: members}
	ids := []string{}
	for _, m := range members {
		s.startSound(m.leg, kind, name)
		ids = append(ids, m.id)
	}
	s.audio = append(s.audio, p)
	p.end = s.afterQuiet(length, "playback "+c.key, func() { s.endPlayback(p) })
	return s.good(http.StatusAccepted, map[string]any{"message": kind + " queued into MPC", "mpcMemberId": ids, "mpcName": x.name})
}

func (s *Server) endPlayback(p *playback) {
	s.drop(p.end)
	for _, m := range p.members {
		if m.left.IsZero() {
			s.stopSound(m.leg, p.kind)
		}
	}
	s.audio = slices.DeleteFunc(s.audio, func(o *playback) bool { return o == p })
}

func (s *Server) stopAudio(c *apiCall) reply { return s.stopPlayback(c, "play") }
func (s *Server) stopSpeak(c *apiCall) reply { return s.stopPlayback(c, "speak") }

func (s *Server) stopPlayback(c *apiCall, kind string) reply {
	x, _ := s.findMPC(c.MPC, time.Now())
	found := false
	for _, p := range slices.Clone(s.audio) {
		if p.mpc == x && p.target == c.member && p.kind == kind {
			s.endPlayback(p)
			found = true
		}
	}
	if !found {
		return s.fail(http.StatusNotFound, "nothing plays to %s", clip(c.member))
	}
	return noContent
}

// stopPlaybacks ends what a member who leaves heard.
func (s *Server) stopPlaybacks(m *member) {
	for _, p := range s.audio {
		if slices.Contains(p.members, m) {
			s.stopSound(m.leg, p.kind)
		}
	}
}
