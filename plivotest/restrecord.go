package plivotest

import (
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"time"
)

// tape is a recording: data and callbacks, no audio.
type tape struct {
	id, url, format string
	member          *member // nil: the whole MPC
	began           time.Time
	paused          bool
	hook            hook
}

// prefix of recording events.
func (t *tape) prefix() string { return pick(t.member == nil, "MPCRecording", "ParticipantRecording") }

// startTape starts a recording of the MPC, or of one member.
func (s *Server) startTape(x *mpc, memberID, format string, h hook) *tape {
	t := &tape{id: s.newUUID(idRecording), format: format, began: time.Now(), hook: h}
	t.url = "https://media.plivo.com" + s.base() + "Recording/" + t.id + "." + format
	for _, m := range x.inside() {
		if m.id == memberID {
			t.member = m
		}
	}
	x.tapes = append(x.tapes, t)
	s.noteTape(x, t, "recording")
	s.tapeEvent(x, t, "Initiated")
	return t
}

func (s *Server) noteTape(x *mpc, t *tape, state string) {
	if t.member == nil {
		x.recording = state
		x.note()
	}
}

func (s *Server) tapeEvent(x *mpc, t *tape, what string) {
	s.log("mpc", "%s %q recording %s %s", short(x.uuid), x.name, short(t.id), what)
	if t.hook.url == "" {
		return
	}
	f := url.Values{}
	name := t.prefix() + what
	s.eventKeys(f, x, name, t.hook.url)
	f.Set("RecordingUUID", t.id)
	f.Set("RecordingURL", t.url)
	f.Set("RecordingResourceURL", s.base()+"Recording/"+t.id+"/")
	f.Set("RecordingFormat", t.format)
	f.Set("RecordingStartTime", dateTime(t.began))
	f.Set("RecordingDuration", strconv.Itoa(int(time.Since(t.began).Seconds())))
	f.Set("RecordingEndTime", pick(what == "Completed", dateTime(time.Now()), ""))
	if t.member != nil {
		f.Set("MemberID", t.member.id)
	}
	s.deliver(&x.callbacks, "recording", name, t.hook.method, t.hook.url, f, nil)
}

// tapeOf returns the running recording of the MPC ("") or of a member.
func (x *mpc) tapeOf(memberID string) *tape {
	for _, t := range x.tapes {
		if t.member == nil && memberID == "" || t.member != nil && t.member.id == memberID {
			return t
		}
	}
	return nil
}

func (s *Server) stopTape(x *mpc, t *tape) {
	x.tapes = slices.DeleteFunc(x.tapes, func(o *tape) bool { return o == t })
	s.noteTape(x, t, "not-recording")
	s.tapeEvent(x, t, "Completed")
}

// stopTapes ends every recording of an MPC that ended.
func (s *Server) stopTapes(x *mpc) {
	for _, t := range slices.Clone(x.tapes) {
		s.stopTape(x, t)
	}
}

// recordTarget finds the MPC, and for participant recordings the member, of a
// request.
func (s *Server) recordTarget(c *apiCall) (*mpc, *reply) {
	x, _ := s.findMPC(c.MPC, time.Now())
	known := x != nil && x.live() && (c.member == "" ||
		slices.ContainsFunc(x.inside(), func(m *member) bool { return m.id == c.member }))
	if !known {
		rep := s.fail(http.StatusNotFound, "not found")
		return nil, &rep
	}
	return x, nil
}

func (s *Server) startRecording(c *apiCall) reply {
	x, bad := s.recordTarget(c)
	if bad != nil {
		return *bad
	}
	form := "mp3"
	h := hook{"", "POST"}
	for _, p := range []struct {
		name string
		kind kind
		to   *string
	}{{"file_format", format, &form}, {"recording_callback_url", webURL, &h.url}, {"recording_callback_method", verb, &h.method}} {
		if raw, ok := c.Body[p.name].(string); ok && raw != "" {
			v, err := (parameter{kind: p.kind}).check(raw)
			if err != nil {
				return s.fail(http.StatusBadRequest, "%s %v", p.name, err)
			}
			*p.to = v.s
		}
	}
	if t, _ := c.Body["record_track_type"].(string); t != "" && t != "participant" && t != "all" && t != "both" {
		return s.fail(http.StatusBadRequest, "record_track_type must be participant, all or both")
	}
	if x.tapeOf(c.member) != nil {
		return s.fail(http.StatusBadRequest, "already being recorded")
	}
	t := s.startTape(x, c.member, form, h)
	fields := map[string]any{"message": "MPC: " + x.name + " record started", "recording_id": t.id, "recording_url": t.url}
	if t.member != nil {
		fields["message"] = "MPC: " + x.name + " participant record started"
		return s.good(http.StatusOK, fields) // 200 in SDK tests, 202 in the docs
	}
	return s.good(http.StatusAccepted, fields)
}

func (s *Server) stopRecording(c *apiCall) reply {
	return s.onTape(c, func(x *mpc, t *tape) { s.stopTape(x, t) })
}

func (s *Server) pauseRecording(c *apiCall) reply {
	return s.onTape(c, func(x *mpc, t *tape) { s.pauseTape(x, t, true) })
}

func (s *Server) resumeRecording(c *apiCall) reply {
	return s.onTape(c, func(x *mpc, t *tape) { s.pauseTape(x, t, false) })
}

func (s *Server) pauseTape(x *mpc, t *tape, paused bool) {
	if t.paused == paused {
		return
	}
	t.paused = paused
	s.noteTape(x, t, pick(paused, "paused", "recording"))
	s.tapeEvent(x, t, pick(paused, "Paused", "Resumed"))
}

func (s *Server) onTape(c *apiCall, f func(*mpc, *tape)) reply {
	x, bad := s.recordTarget(c)
	if bad != nil {
		return *bad
	}
	t := x.tapeOf(c.member)
	if t == nil {
		return s.fail(http.StatusNotFound, "not being recorded")
	}
	f(x, t)
	return noContent
}
