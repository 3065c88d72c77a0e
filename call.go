package coaching

import (
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"time"
)

// A Call is everything known about one customer's call: one small document
// that a [Store] keeps behind compare-and-swap. Values are copies: reading one
// is safe anywhere, changing one changes nothing but the copy.
type Call struct {
	ID      CallID    `json:"id"`
	Version uint64    `json:"version"`        // rises with every change; set by the Store
	State   CallState `json:"state,omitzero"` //
	MPC     string    `json:"mpc,omitempty"`  // UUID of the multiparty call, once seen

	CallUUID string              `json:"call_uuid,omitempty"` // the customer's leg
	From     string              `json:"from,omitempty"`      // the customer's address
	To       string              `json:"to,omitempty"`        // the number they dialled
	Headers  map[string]string   `json:"headers,omitempty"`   // X-PH- headers of the customer's call, without that prefix
	Query    map[string][]string `json:"query,omitempty"`     // query of the answer request: what an IVR handed over
	Data     map[string]string   `json:"data,omitempty"`      // set by Route

	Attempts     []Attempt     `json:"attempts,omitempty"`     // oldest first, the last 32
	Participants []Participant `json:"participants,omitempty"` // in order of joining, those who left included
	Supervisions []Supervision `json:"supervisions,omitempty"` // in order of asking, ended ones included
	History      []Record      `json:"history,omitempty"`      // what happened, oldest first, the last 32

	Created   time.Time  `json:"created,omitzero"`
	Activated time.Time  `json:"activated,omitzero"` // people could hear each other from then on
	Ended     time.Time  `json:"ended,omitzero"`
	EndReason ExitReason `json:"end_reason,omitzero"` // set as soon as the end is decided

	// Expires is when a Store may forget an ended call; zero while it is live.
	Expires time.Time `json:"-"`

	work work
	more string // fields of a newer version, see DecodeCall
}

// An Attempt is one answer of [RouteFunc] that rang somebody.
type Attempt struct {
	ID      int       `json:"id"`
	Started time.Time `json:"started"`
	Ended   time.Time `json:"ended,omitzero"`
	Rings   []Ring    `json:"rings"`
	Reached AgentID   `json:"reached,omitempty"` // the agent confirmed audible, if any
}

// A Ring is one phone of an [Attempt].
type Ring struct {
	Agent   AgentID    `json:"agent"`
	Outcome LegOutcome `json:"outcome,omitzero"`
}

// A Participant is one membership in the multiparty call. Somebody who leaves
// and joins again is two participants.
type Participant struct {
	Member     MemberID     `json:"member"`
	Role       Role         `json:"role,omitzero"`
	Agent      AgentID      `json:"agent,omitempty"`
	Supervisor SupervisorID `json:"supervisor,omitempty"`
	CallUUID   string       `json:"call_uuid,omitempty"`
	Address    string       `json:"address,omitempty"`
	Muted      bool         `json:"muted"`     // as last confirmed
	Held       bool         `json:"held"`      // as last confirmed
	Coaching   bool         `json:"coaching"`  // as last confirmed; supervisors only
	Confirmed  bool         `json:"confirmed"` // false while a request about this participant is unanswered
	Joined     time.Time    `json:"joined"`
	Left       time.Time    `json:"left,omitzero"`

	mute, hold, coach flag
	askMute, askHold  bool      // what verbs asked for; policies lie over it
	kick              bool      // is to leave,
	kickNext          time.Time // not asked for before
	byAddress         bool      // matched by address alone: never raised (R8)
	adopted           bool      // found by a sweep
	cause             legCause
	more              string // as of the Call
}

// Live reports whether the participant is in the call.
func (p Participant) Live() bool { return p.Left.IsZero() }

// A Supervision is one supervisor's stay in one call, from being asked for to
// leaving.
type Supervision struct {
	ID       SupervisorID     `json:"id"`
	Call     CallID           `json:"call"`
	Actor    Actor            `json:"actor,omitzero"` // who asked
	State    SupervisionState `json:"state,omitzero"`
	Member   MemberID         `json:"member,omitempty"`
	Mode     CoachMode        `json:"mode,omitzero"` // as last confirmed; zero while not known
	Want     CoachMode        `json:"want,omitzero"` // what the library is working towards
	Audible  bool             `json:"audible"`       // worst case: the customer may hear them now
	TookOver bool             `json:"took_over"`
	Agent    AgentPart        `json:"agent"`            // what a take-over does with the agents
	Reason   string           `json:"reason,omitempty"` // why it ended, such as "no answer"
	Asked    time.Time        `json:"asked"`
	Joined   time.Time        `json:"joined,omitzero"`
	Ended    time.Time        `json:"ended,omitzero"`

	leg     int       // id of the leg that brings or brought them
	prior   CoachMode // what hand back and a rolled-back raise return to
	firm    bool      // a take-over's agent part was sent: doubt rolls forward (R11)
	removed []Agent   // whom a take-over removed: hand back rings them again
	more    string    // as of the Call
}

// Customer returns the customer's live participant.
func (c Call) Customer() (Participant, bool) {
	return c.find(func(p *Participant) bool {
		return p.Role == RoleCustomer && (c.CallUUID == "" || p.CallUUID == c.CallUUID)
	})
}

// Agent returns the live participant of that agent.
func (c Call) Agent(id AgentID) (Participant, bool) {
	return c.find(func(p *Participant) bool { return p.Role == RoleAgent && p.Agent == id })
}

// Supervisor returns the live participant of that supervisor.
func (c Call) Supervisor(id SupervisorID) (Participant, bool) {
	return c.find(func(p *Participant) bool { return p.Role == RoleSupervisor && p.Supervisor == id })
}

// Participant returns the participant with that member id, live or not.
func (c Call) Participant(id MemberID) (Participant, bool) {
	if p := c.member(id); p != nil {
		return *p, true
	}
	return Participant{}, false
}

// Supervision returns the latest supervision of that supervisor.
func (c Call) Supervision(id SupervisorID) (Supervision, bool) {
	if s := c.supervision(id); s != nil {
		return *s, true
	}
	return Supervision{}, false
}

// Live reports whether the call has not ended or something is left to do for
// it. It is what a [Store] must list in Live.
func (c Call) Live() bool {
	return c.State != StateEnded || len(c.work.Steps) > 0 || len(c.work.Out) > 0
}

// Due returns when the call wants to be looked at next; zero: never. A call
// that goes on always wants to be.
func (c Call) Due() time.Time {
	if c.work.Due.IsZero() && c.State != StateEnded {
		return c.Created
	}
	return c.work.Due
}

// Format writes a short summary under every verb: a Call remembers numbers, who
// may use a ticket and the agents' confirm keys, and none of that belongs into
// a log. To see more, print its fields or use [json.Marshal].
func (c Call) Format(s fmt.State, _ rune) {
	in := 0
	for range c.live(0) {
		in++
	}
	fmt.Fprintf(s, "coaching.Call{ID:%q Version:%d State:%v Live:%d/%d Supervisions:%d Attempts:%d}",
		string(c.ID), c.Version, c.State, in, len(c.Participants), len(c.Supervisions), len(c.Attempts))
}

// LogValue is the summary that Format writes.
func (c Call) LogValue() slog.Value { return slog.StringValue(fmt.Sprint(c)) }

// Format writes the fields, without the agents whom a take-over removed: their
// addresses and confirm keys are nobody's business.
func (s Supervision) Format(f fmt.State, verb rune) {
	type plain Supervision
	s.removed, s.more = nil, ""
	fmt.Fprintf(f, fmt.FormatString(f, verb), plain(s))
}

// Hears reports whether listener hears speaker, from the last confirmed flags.
// While a request that bears on it is unanswered it shows the worst case: a
// supervisor whose locks are not both known may be heard by the customer, and
// nobody else is taken to be heard. It is false unless the call is active and
// both are in it; a listener on hold hears nobody; coaching supervisors do not
// hear each other, which no source settles.
func (c Call) Hears(listener, speaker MemberID) bool {
	l, s := c.member(listener), c.member(speaker)
	if c.State != StateActive || l == nil || s == nil || l == s || !l.Live() || !s.Live() {
		return false
	}
	if s.Role == RoleSupervisor && l.Role == RoleCustomer {
		return mayBeHeard(s) && !l.hold.confirmed(true)
	}
	if !l.hold.confirmed(false) || !s.mute.confirmed(false) || !s.hold.confirmed(false) {
		return false
	}
	if s.Role != RoleSupervisor || s.coach.confirmed(false) {
		return true
	}
	return l.Role == RoleAgent && s.coach.confirmed(true)
}

func (c Call) find(ok func(*Participant) bool) (Participant, bool) {
	for i := range c.Participants {
		if p := &c.Participants[i]; p.Live() && ok(p) {
			return *p, true
		}
	}
	return Participant{}, false
}

func (c *Call) member(id MemberID) *Participant {
	for i := range c.Participants {
		if c.Participants[i].Member == id {
			return &c.Participants[i]
		}
	}
	return nil
}

// customer returns the customer's live participant, or nil.
func (c *Call) customer() *Participant {
	for i := range c.Participants {
		p := &c.Participants[i]
		if p.Live() && p.Role == RoleCustomer && (c.CallUUID == "" || p.CallUUID == "" || p.CallUUID == c.CallUUID) {
			return p
		}
	}
	return nil
}

// live yields the live participants of a role; 0: of every role.
func (c *Call) live(r Role) func(func(*Participant) bool) {
	return func(yield func(*Participant) bool) {
		for i := range c.Participants {
			if p := &c.Participants[i]; p.Live() && (r == 0 || p.Role == r) && !yield(p) {
				return
			}
		}
	}
}

func (c *Call) supervision(id SupervisorID) *Supervision {
	for i := len(c.Supervisions) - 1; i >= 0; i-- {
		if c.Supervisions[i].ID == id {
			return &c.Supervisions[i]
		}
	}
	return nil
}

// supervisionOf returns the live supervision behind a participant, or nil.
func (c *Call) supervisionOf(m MemberID) *Supervision {
	for i := range c.Supervisions {
		if s := &c.Supervisions[i]; s.Member == m && s.State == SupervisionJoined {
			return s
		}
	}
	return nil
}

// clone returns a copy that shares no memory with c.
func (c Call) clone() Call {
	c.Headers = maps.Clone(c.Headers)
	c.Data = maps.Clone(c.Data)
	if c.Query != nil {
		q := make(map[string][]string, len(c.Query))
		for k, v := range c.Query {
			q[k] = slices.Clone(v)
		}
		c.Query = q
	}
	c.Attempts = slices.Clone(c.Attempts)
	for i := range c.Attempts {
		c.Attempts[i].Rings = slices.Clone(c.Attempts[i].Rings)
	}
	c.Participants = slices.Clone(c.Participants)
	c.History = slices.Clone(c.History)
	c.Supervisions = slices.Clone(c.Supervisions)
	for i := range c.Supervisions {
		c.Supervisions[i].removed = slices.Clone(c.Supervisions[i].removed)
	}
	c.work = c.work.clone()
	return c
}
