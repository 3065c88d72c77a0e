package plivotest

import (
	"net/http"
	"slices"
	"strings"
	"time"
)

// stateAt returns what a read as of an instant shows of a member, and false if
// it had not joined.
func (m *member) stateAt(at time.Time) (st memberState, ok bool) {
	for _, h := range m.history {
		if h.at.After(at) {
			break
		}
		st, ok = h, true
	}
	return st, ok
}

// visible returns the members that a read as of an instant shows: those who
// are in, and of an ended MPC all.
func (s *Server) visible(x *mpc, st mpcState, at time.Time) (out []*member, states []memberState) {
	all := st.status == ended || s.opts.Switches.ListExited
	for _, m := range x.members {
		if ms, ok := m.stateAt(at); ok && (ms.in || all) {
			out, states = append(out, m), append(states, ms)
		}
	}
	return out, states
}

func (s *Server) listParticipants(c *apiCall) reply {
	at := s.readTime(c)
	x, st := s.findMPC(c.MPC, at)
	if x == nil {
		return s.fail(http.StatusNotFound, "not found")
	}
	found := []any{}
	members, states := s.visible(x, st, at)
	for i, m := range members {
		if want := c.Query.Get("call_uuid"); want == "" || want == m.leg.uuid {
			found = append(found, s.memberObject(m, st, states[i]))
		}
	}
	return s.page(c, found, 20, 0)
}

func (s *Server) getParticipant(c *apiCall) reply {
	at := s.readTime(c)
	x, st := s.findMPC(c.MPC, at)
	if x == nil {
		return s.fail(http.StatusNotFound, "not found")
	}
	members, states := s.visible(x, st, at)
	for i, m := range members {
		if m.id == c.member {
			return s.good(http.StatusOK, s.memberObject(m, st, states[i]))
		}
	}
	return s.fail(http.StatusNotFound, "not found")
}

// memberObject is a participant as REST shows it: flags only while in, times
// and money only afterwards.
func (s *Server) memberObject(m *member, st mpcState, ms memberState) map[string]any {
	o := map[string]any{
		"billed_amount": nil, "billed_duration": nil, "call_uuid": m.leg.uuid, "coach_mode": nil, "duration": nil,
		"end_mpc_on_exit": m.endOnExit, "exit_cause": nil, "exit_time": nil, "hold": nil, "join_time": dateTime(m.joined),
		"member_address": m.leg.phone.address, "member_id": m.id, "mpc_uuid": m.mpc.uuid, "mute": nil,
		"resource_uri": s.mpcURI(m.mpc, st) + "Participant/" + m.id + "/", "role": m.role, "start_mpc_on_enter": m.start,
	}
	if ms.in {
		o["coach_mode"], o["mute"], o["hold"] = ms.coach, ms.mute, ms.hold
		return o
	}
	o["billed_amount"], o["billed_duration"] = amount(m.billed()), m.billed()
	o["duration"] = int(m.left.Sub(m.joined).Seconds())
	o["exit_cause"], o["exit_time"] = m.exitCause, dateTime(m.left)
	return o
}

// targets returns the members a path names by id, comma list or "all".
// Unknown ids among known ones are passed over; nobody at all is a 404.
func (s *Server) targets(c *apiCall) (*mpc, []*member, *reply) {
	x, _ := s.findMPC(c.MPC, time.Now())
	if x == nil || !x.live() {
		rep := s.fail(http.StatusNotFound, "not found")
		return nil, nil, &rep
	}
	found := x.inside()
	if c.member != "all" {
		ids := strings.Split(c.member, ",")
		found = slices.DeleteFunc(found, func(m *member) bool { return !slices.Contains(ids, m.id) })
		if s.opts.Switches.PartialListsFail && len(found) < len(ids) {
			found = nil
		}
	}
	if len(found) == 0 {
		rep := s.fail(http.StatusNotFound, "not found")
		return nil, nil, &rep
	}
	return x, found, nil
}

var flagNames = []string{"coach_mode", "mute", "hold"}

func (s *Server) updateParticipant(c *apiCall) reply {
	flags := map[string]bool{}
	quiet := false
	for _, k := range sortedKeys(c.Body) {
		raw, present, err := rawValue(c.Body[k])
		if err == nil && present {
			var v value
			if v, err = (parameter{kind: boolean}).check(raw); err == nil {
				switch {
				case k == "disable_state_change_sound":
					quiet = v.b
				case slices.Contains(flagNames, k):
					flags[k] = v.b
				default:
					s.warn("update participant: parameter %s ignored", clip(k))
				}
			}
		}
		if err != nil && (slices.Contains(flagNames, k) || k == "disable_state_change_sound") {
			return s.fail(http.StatusBadRequest, "%s %v", k, err)
		}
	}
	_, coach := flags["coach_mode"]
	switch {
	case len(flags) == 0:
		return s.fail(http.StatusBadRequest, "at least one of mute, hold and coach_mode is required")
	case coach && c.member == "all":
		return s.fail(http.StatusBadRequest, "coach_mode cannot be changed for all")
	}
	x, members, bad := s.targets(c)
	if bad != nil {
		return *bad
	}
	if coach && !s.opts.Switches.CoachFlagOnOthersOK &&
		slices.ContainsFunc(members, func(m *member) bool { return m.role != supervisor }) {
		return s.fail(http.StatusBadRequest, "coach_mode is for supervisors only")
	}
	s.applyFlags(c, members, flags, quiet)
	fields := map[string]any{}
	for name, text := range map[string]string{"mute": "mute/unmute member(s)", "hold": "hold/unhold member(s)", "coach_mode": "coach_mode enable/disable"} {
		if _, ok := flags[name]; ok {
			fields[name] = "MPC: " + x.name + " " + text + " succeeded"
		}
	}
	return s.good(http.StatusAccepted, fields)
}

// applyFlags sets the flags at once or, split, one now and the others later.
func (s *Server) applyFlags(c *apiCall, members []*member, flags map[string]bool, quiet bool) {
	var order []string
	for _, k := range flagNames {
		if _, ok := flags[k]; ok {
			order = append(order, k)
		}
	}
	split := s.opts.Switches.SplitFlags && len(order) > 1
	if split {
		turn := int(s.draw("split "+c.key) % uint64(len(order)))
		order = append(order[turn:], order[:turn]...)
	}
	for i, k := range order {
		apply := func() {
			for _, m := range members {
				s.setFlag(m, k, flags[k], quiet)
			}
		}
		if !split || i == 0 {
			apply()
			continue
		}
		s.after(s.upTo(time.Second, "split "+k+c.key), "split "+k+c.key, apply)
	}
}

func (s *Server) kick(c *apiCall) reply {
	x, members, bad := s.targets(c)
	if bad != nil {
		return *bad
	}
	cause := causeKicked
	if s.opts.Switches.KickCause4020 {
		cause = causeMPCEndedAPI
	}
	for _, m := range members {
		if m.left.IsZero() && x.live() { // the first kick may have ended it
			s.leave(m, exitKicked)
			s.goOn(m, cause)
		}
	}
	return noContent
}
