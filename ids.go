package coaching

import (
	"fmt"
	"strings"
)

// CallID is our name for a call, which is also the friendly name of its
// multiparty call. Opaque, [A-Za-z0-9]{16,64}: it travels in SIP headers,
// which carry nothing else. Never parse it.
type CallID string

// MemberID is Plivo's id of one participant in one multiparty call: decimal
// digits. A person who leaves and joins again gets another.
type MemberID string

// AgentID is the host's id of an agent, [A-Za-z0-9._@-]{1,64}.
type AgentID string

// SupervisorID is the host's id of a supervisor, [A-Za-z0-9._@-]{1,64}.
type SupervisorID string

func isAlnum(c byte) bool {
	return '0' <= c && c <= '9' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z'
}

func isHex(c byte) bool { return '0' <= c && c <= '9' || 'a' <= c && c <= 'f' || 'A' <= c && c <= 'F' }

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

// all reports whether s has between lo and hi bytes, each accepted by ok.
func all(s string, lo, hi int, ok func(byte) bool) bool {
	if len(s) < lo || len(s) > hi {
		return false
	}
	for i := range len(s) {
		if !ok(s[i]) {
			return false
		}
	}
	return true
}

func validCallID(s CallID) bool { return all(string(s), 16, 64, isAlnum) }

func validMemberID(s MemberID) bool { return all(string(s), 1, 20, isDigit) }

// validPersonID serves agents and supervisors.
func validPersonID(s string) bool {
	return all(s, 1, 64, func(c byte) bool { return isAlnum(c) || strings.IndexByte("._@-", c) >= 0 })
}

// validUUID accepts what Plivo uses for MPCs, calls and requests: hex digits
// and dashes, 36 bytes.
func validUUID(s string) bool {
	return all(s, 36, 36, func(c byte) bool { return isHex(c) || c == '-' })
}

// validAddress accepts an E.164 number, with or without "+", or a sip: URI
// without spaces, separators of Plivo's lists or control bytes.
func validAddress(s string) bool {
	if rest, ok := strings.CutPrefix(s, "sip:"); ok {
		user, host, found := strings.Cut(rest, "@")
		return found && all(user, 1, 100, sipByte) && all(host, 1, 100, sipByte)
	}
	return isE164(s)
}

func sipByte(c byte) bool { return isAlnum(c) || strings.IndexByte("._-+:", c) >= 0 }

// isE164 accepts "+" optionally, then 7 to 15 digits not starting with 0.
func isE164(s string) bool {
	s = strings.TrimPrefix(s, "+")
	return all(s, 7, 15, isDigit) && s[0] != '0'
}

func invalid(format string, args ...any) error {
	return fmt.Errorf("%s: %w", fmt.Sprintf(format, args...), ErrInvalid)
}
