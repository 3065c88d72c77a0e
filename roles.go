package coaching

import (
	"fmt"
	"slices"
)

// Role is the part a participant plays in a multiparty call. It is fixed for
// the participant's life. The zero Role is invalid.
type Role uint8

const (
	RoleCustomer   Role = iota + 1 // the outside party
	RoleAgent                      // the party being coached
	RoleSupervisor                 // the coach
)

var roleNames = [...]string{RoleCustomer: "customer", RoleAgent: "agent", RoleSupervisor: "supervisor"}

// String returns the wire name, or "Role(n)" for an undeclared value.
func (r Role) String() string {
	if r == 0 || int(r) >= len(roleNames) {
		return fmt.Sprintf("Role(%d)", uint8(r))
	}
	return roleNames[r]
}

// ParseRole is the inverse of [Role.String]. Its error wraps [ErrInvalid].
func ParseRole(s string) (Role, error) {
	i, err := parseName(roleNames[:], "role", s)
	return Role(i), err
}

// MarshalText returns the wire name; an undeclared value is [ErrInvalid].
func (r Role) MarshalText() ([]byte, error) { return marshalName(roleNames[:], "role", int(r)) }

// UnmarshalText is the inverse of [Role.MarshalText].
func (r *Role) UnmarshalText(b []byte) error {
	v, err := ParseRole(string(b))
	if err == nil {
		*r = v
	}
	return err
}

// CoachMode says who hears a supervisor. The zero CoachMode means "the verb's
// default" in options and "not known" in a [Supervision].
type CoachMode uint8

const (
	// ModeMonitor: hears all, heard by none (coach_mode=true, mute=true).
	ModeMonitor CoachMode = iota + 1
	// ModeCoach: hears all, heard by every agent (coach_mode=true,
	// mute=false). Elsewhere called whisper. Everyone with RoleAgent is in the
	// coach's earshot, so third parties belong into the call as customers.
	ModeCoach
	// ModeOpen: hears all, heard by all (coach_mode=false, mute=false).
	// Reached by TakeOver alone.
	ModeOpen
)

var modeNames = [...]string{ModeMonitor: "monitor", ModeCoach: "coach", ModeOpen: "open"}

// String returns "monitor", "coach", "open", or "CoachMode(n)" for another value.
func (m CoachMode) String() string {
	if m == 0 || int(m) >= len(modeNames) {
		return fmt.Sprintf("CoachMode(%d)", uint8(m))
	}
	return modeNames[m]
}

// ParseCoachMode is the inverse of [CoachMode.String]. Its error wraps [ErrInvalid].
func ParseCoachMode(s string) (CoachMode, error) {
	i, err := parseName(modeNames[:], "coach mode", s)
	return CoachMode(i), err
}

// MarshalText returns the name; an undeclared value is [ErrInvalid].
func (m CoachMode) MarshalText() ([]byte, error) {
	return marshalName(modeNames[:], "coach mode", int(m))
}

// UnmarshalText is the inverse of [CoachMode.MarshalText].
func (m *CoachMode) UnmarshalText(b []byte) error {
	v, err := ParseCoachMode(string(b))
	if err == nil {
		*m = v
	}
	return err
}

func parseName(names []string, what, s string) (int, error) {
	if i := slices.Index(names, s); i > 0 {
		return i, nil
	}
	return 0, fmt.Errorf("coaching: %s %q: %w", what, truncate(s, 40), ErrInvalid)
}

func marshalName(names []string, what string, i int) ([]byte, error) {
	if i <= 0 || i >= len(names) {
		return nil, fmt.Errorf("coaching: %s %d: %w", what, i, ErrInvalid)
	}
	return []byte(names[i]), nil
}

// truncate returns at most n bytes of s, cut at a rune's border.
func truncate(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for n > 0 && s[n]&0xC0 == 0x80 {
		n--
	}
	return s[:n]
}
