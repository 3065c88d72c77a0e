package console

import (
	"strings"

	"github.com/mpc-coaching/coaching"
)

// hidden is what a view leaves out of a call.
type hidden struct {
	supervision map[int]bool // by index
	record      map[int]bool // by index in History
	member      map[coaching.MemberID]bool
}

// hiddenIn finds the monitors: supervisions which are not more than monitoring,
// are not to become more, and have not been as far as the history goes back. In
// doubt it hides.
func hiddenIn(c coaching.Call, v View) hidden {
	if !v.HideMonitors {
		return hidden{}
	}
	h := hidden{map[int]bool{}, map[int]bool{}, map[coaching.MemberID]bool{}}
	of := make([]int, len(c.History)) // the supervision that a record is about
	more := map[int]bool{}
	for i, r := range c.History {
		if of[i] = supervisionOf(c, r); of[i] >= 0 && r.Mode > coaching.ModeMonitor {
			more[of[i]] = true
		}
	}
	shown := map[coaching.MemberID]bool{}
	for i, s := range c.Supervisions {
		if s.Mode > coaching.ModeMonitor || s.Want > coaching.ModeMonitor || s.TookOver || more[i] {
			shown[s.Member] = true
			continue
		}
		h.supervision[i] = true
	}
	for _, p := range c.Participants {
		if p.Role == coaching.RoleSupervisor && !shown[p.Member] {
			h.member[p.Member] = true
		}
	}
	for i, r := range c.History {
		switch {
		case of[i] >= 0:
			h.record[i] = h.supervision[of[i]]
		case r.Supervisor != "": // a ticket nobody has used
			h.record[i] = r.Mode <= coaching.ModeMonitor
		default:
			h.record[i] = h.member[r.Member]
		}
	}
	return h
}

// supervisionOf returns the index of the supervision that a record is about, or
// -1. One person's supervisions follow each other.
func supervisionOf(c coaching.Call, r coaching.Record) int {
	found := -1
	for i, s := range c.Supervisions {
		switch {
		case r.Supervisor == "" || s.ID != r.Supervisor:
		case !s.Asked.After(r.At):
			found = i
		case found < 0 && r.Kind != coaching.RecordTicket:
			found = i
		}
	}
	return found
}

const dot = "•"

// mask hides all of an address but the last three digits: of a number, or of
// the user of a SIP URI. What is shorter than a telephone number, or does not
// end in digits, is hidden whole.
func mask(address string) string {
	scheme, user, host := "", address, ""
	if rest, ok := strings.CutPrefix(address, "sip:"); ok {
		scheme, user = "sip:", rest
		if name, domain, found := strings.Cut(rest, "@"); found {
			user, host = name, "@"+domain
		}
	}
	runes := []rune(user)
	shown := 3
	if len(runes) < 7 {
		shown = 0
	}
	for _, r := range runes[len(runes)-shown:] {
		if r < '0' || r > '9' {
			shown = 0
			break
		}
	}
	hide := len(runes) - shown
	return scheme + strings.Repeat(dot, hide) + string(runes[hide:]) + host
}
