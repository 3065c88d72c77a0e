package coaching

import (
	"slices"
	"strings"
)

// An MPCRef says which multiparty call an operation means. Make one with
// [ByUUID] or [ByName]. The zero MPCRef, which is also what a malformed id
// gives, is refused with [ErrInvalid] by every method. MPCRefs compare with ==.
type MPCRef struct{ segment string }

// ByUUID refers to the multiparty call with Plivo's id uuid, live or ended.
func ByUUID(uuid string) MPCRef {
	if !validUUID(uuid) {
		return MPCRef{}
	}
	return MPCRef{"uuid_" + uuid}
}

// ByName refers to the live multiparty call with the friendly name name,
// [A-Za-z0-9_-]{1,64}; a [CallID] always fits. Plivo answers 404 once the call
// has ended. [Client.AddParticipant] by name creates the call if none is live.
func ByName[S ~string](name S) MPCRef {
	ok := func(c byte) bool { return isAlnum(c) || c == '_' || c == '-' }
	if !all(string(name), 1, 64, ok) {
		return MPCRef{}
	}
	return MPCRef{"name_" + string(name)}
}

// String returns "uuid_" or "name_" and the id, or "" for the zero MPCRef.
func (r MPCRef) String() string { return r.segment }

// Members says which participants an operation means. Make one with
// [MemberIDs] or [AllMembers]. The zero Members is refused with [ErrInvalid].
type Members struct{ segment string }

const (
	clientAllMembers = "all"
	clientMaxMembers = 20 // in one path; twice what one call holds
)

// MemberIDs means the participants with these ids, 1 to 20 different ones. If
// there are none, or one is malformed, it returns the zero Members.
func MemberIDs(ids ...MemberID) Members {
	if len(ids) == 0 || len(ids) > clientMaxMembers {
		return Members{}
	}
	segments := make([]string, len(ids))
	for i, id := range ids {
		if !validMemberID(id) || slices.Contains(ids[:i], id) {
			return Members{}
		}
		segments[i] = string(id)
	}
	return Members{strings.Join(segments, ",")}
}

// AllMembers means every participant of the call, whoever that is when the
// request arrives.
func AllMembers() Members { return Members{clientAllMembers} }

// String returns the ids separated by commas, "all", or "" for the zero Members.
func (m Members) String() string { return m.segment }
