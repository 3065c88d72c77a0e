package coaching

import "fmt"

// CallState is where a call stands. It only ever rises.
type CallState uint8

const (
	StateAnswered CallState = iota + 1 // the customer was sent into a multiparty call that we have not seen yet
	StateWaiting                       // the multiparty call is Initialized: the customer hears wait music
	StateActive                        // the multiparty call is Active: people hear each other
	StateEnded                         // over; nothing lives in it any more
)

var stateNames = [...]string{StateAnswered: "answered", StateWaiting: "waiting", StateActive: "active", StateEnded: "ended"}

// String returns "answered", "waiting", "active", "ended", or "CallState(n)".
func (s CallState) String() string { return enumString(stateNames[:], "CallState", uint8(s)) }

// MarshalText returns the name; an undeclared value is [ErrInvalid].
func (s CallState) MarshalText() ([]byte, error) {
	return marshalName(stateNames[:], "call state", int(s))
}

// UnmarshalText is the inverse of [CallState.MarshalText].
func (s *CallState) UnmarshalText(b []byte) error {
	i, err := parseName(stateNames[:], "call state", string(b))
	if err == nil {
		*s = CallState(i)
	}
	return err
}

// ExitReason says why a call ended, and so what a customer who is still on the
// line should hear. The zero ExitReason stands for a call that goes on.
type ExitReason uint8

const (
	ExitCustomer ExitReason = iota + 1 // the customer left
	ExitAgent                          // the last one who talked with the customer said goodbye
	ExitNobody                         // nobody was found for the customer: the farewell is due
	ExitHost                           // Flow.End
	ExitLeft                           // all but supervisors had left
	ExitUnknown                        // Plivo ended it, or it was found ended
)

var exitNames = [...]string{ExitCustomer: "customer", ExitAgent: "agent", ExitNobody: "nobody", ExitHost: "host", ExitLeft: "left", ExitUnknown: "unknown"}

// String returns the name in lower case, or "ExitReason(n)".
func (r ExitReason) String() string { return enumString(exitNames[:], "ExitReason", uint8(r)) }

// MarshalText returns the name; an undeclared value is [ErrInvalid].
func (r ExitReason) MarshalText() ([]byte, error) {
	return marshalName(exitNames[:], "exit reason", int(r))
}

// UnmarshalText is the inverse of [ExitReason.MarshalText].
func (r *ExitReason) UnmarshalText(b []byte) error {
	i, err := parseName(exitNames[:], "exit reason", string(b))
	if err == nil {
		*r = ExitReason(i)
	}
	return err
}

// SupervisionState is where a supervision stands. It only ever rises.
type SupervisionState uint8

const (
	SupervisionRinging SupervisionState = iota + 1 // asked for; their phone rings, or their own call is under way
	SupervisionJoined                              // in the call
	SupervisionEnded                               // left, gave up or never came; Reason says which
)

var supervisionNames = [...]string{SupervisionRinging: "ringing", SupervisionJoined: "joined", SupervisionEnded: "ended"}

// String returns "ringing", "joined", "ended", or "SupervisionState(n)".
func (s SupervisionState) String() string {
	return enumString(supervisionNames[:], "SupervisionState", uint8(s))
}

// MarshalText returns the name; an undeclared value is [ErrInvalid].
func (s SupervisionState) MarshalText() ([]byte, error) {
	return marshalName(supervisionNames[:], "supervision state", int(s))
}

// UnmarshalText is the inverse of [SupervisionState.MarshalText].
func (s *SupervisionState) UnmarshalText(b []byte) error {
	i, err := parseName(supervisionNames[:], "supervision state", string(b))
	if err == nil {
		*s = SupervisionState(i)
	}
	return err
}

// AgentPart says what becomes of the agents while a supervisor has taken over.
type AgentPart uint8

const (
	AgentKeep   AgentPart = iota // they go on talking with the customer too
	AgentMute                    // they hear all and are heard by nobody
	AgentHold                    // they hear hold music
	AgentRemove                  // they leave; hand back rings them again
)

var agentPartNames = [...]string{"keep", "mute", "hold", "remove"}

// String returns "keep", "mute", "hold", "remove", or "AgentPart(n)".
func (p AgentPart) String() string {
	if int(p) >= len(agentPartNames) {
		return fmt.Sprintf("AgentPart(%d)", uint8(p))
	}
	return agentPartNames[p]
}

// ParseAgentPart is the inverse of [AgentPart.String]. Its error wraps [ErrInvalid].
func ParseAgentPart(s string) (AgentPart, error) {
	for i, n := range agentPartNames {
		if n == s {
			return AgentPart(i), nil
		}
	}
	return 0, fmt.Errorf("coaching: agent part %q: %w", truncate(s, 40), ErrInvalid)
}

// MarshalText returns the name; an undeclared value is [ErrInvalid].
func (p AgentPart) MarshalText() ([]byte, error) {
	if int(p) >= len(agentPartNames) {
		return nil, fmt.Errorf("coaching: agent part %d: %w", p, ErrInvalid)
	}
	return []byte(agentPartNames[p]), nil
}

// UnmarshalText is the inverse of [AgentPart.MarshalText].
func (p *AgentPart) UnmarshalText(b []byte) error {
	v, err := ParseAgentPart(string(b))
	if err == nil {
		*p = v
	}
	return err
}

// LegOutcome says what became of a phone that was rung.
type LegOutcome uint8

const (
	LegPending  LegOutcome = iota + 1 // being dialled or ringing
	LegAnswered                       // joined the call
	LegNoAnswer                       // rang out
	LegBusy                           // was busy
	LegRefused                        // was declined, failed, or Plivo refused the request
	LegGivenUp                        // hung up by us: somebody else answered, or nobody needed it any more
)

var outcomeNames = [...]string{LegPending: "pending", LegAnswered: "answered", LegNoAnswer: "no answer", LegBusy: "busy", LegRefused: "refused", LegGivenUp: "given up"}

// String returns the name in lower case, or "LegOutcome(n)".
func (o LegOutcome) String() string { return enumString(outcomeNames[:], "LegOutcome", uint8(o)) }

// MarshalText returns the name; an undeclared value is [ErrInvalid].
func (o LegOutcome) MarshalText() ([]byte, error) {
	return marshalName(outcomeNames[:], "leg outcome", int(o))
}

// UnmarshalText is the inverse of [LegOutcome.MarshalText].
func (o *LegOutcome) UnmarshalText(b []byte) error {
	i, err := parseName(outcomeNames[:], "leg outcome", string(b))
	if err == nil {
		*o = LegOutcome(i)
	}
	return err
}

func enumString(names []string, what string, i uint8) string {
	if i == 0 || int(i) >= len(names) {
		return fmt.Sprintf("%s(%d)", what, i)
	}
	return names[i]
}
