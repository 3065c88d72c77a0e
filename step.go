package coaching

import (
	"iter"
	"maps"
	"slices"
	"time"
)

// work is what the library still has to do for a call, and what it remembers
// for doing it. Hosts do not see it; stores keep it.
type work struct {
	Tick      uint64         `json:"tick"`            // counts every change: orders requests and reads
	Next      int            `json:"next"`            // last id given to a step, operation, leg or attempt
	Ghost     bool           `json:"ghost,omitempty"` // provisional: known from an event alone, nothing is routed until a read finds the customer
	Steps     []step         `json:"steps,omitempty"`
	Ops       []operation    `json:"ops,omitempty"`
	Legs      []leg          `json:"legs,omitempty"`
	Route     routing        `json:"route,omitzero"`
	Tickets   []ticket       `json:"tickets,omitempty"`
	Seen      []repeat       `json:"seen,omitempty"` // the repeat guard, oldest first
	Out       []Record       `json:"out,omitempty"`  // records not yet drained
	OutNext   uint64         `json:"out_next,omitempty"`
	Due       time.Time      `json:"due,omitzero"`
	Read      time.Time      `json:"read,omitzero"`        // when the newest good read began
	ReadBy    time.Time      `json:"read_by,omitzero"`     // a read is wanted from then on; zero: none
	ReadMPC   bool           `json:"read_mpc,omitempty"`   // and is to ask for the state of the MPC too
	ReadNeed  uint64         `json:"read_need,omitempty"`  // which must be sent after this tick
	ReadTick  uint64         `json:"read_tick,omitempty"`  // the newest answered read was sent at this tick
	ReadTried time.Time      `json:"read_tried,omitzero"`  // the newest read or search had its outcome then
	Asked     time.Time      `json:"asked,omitzero"`       // when activate or end was asked for last,
	AskedKind stepKind       `json:"asked_kind,omitempty"` // and which
	Bound     time.Time      `json:"bound,omitzero"`       // the MPC was first seen then
	Misses    int            `json:"misses,omitempty"`     // times in a row that Plivo knew nothing of the MPC
	Ending    bool           `json:"ending,omitempty"`     // the end is decided
	Farewell  bool           `json:"farewell,omitempty"`   // the customer's call is to be ended after a farewell
	Retries   map[string]int `json:"retries,omitempty"`    // failures in a row by kind of step, for backing off
	Lease     time.Time      `json:"lease,omitzero"`       // of the document that lets one instance sweep
	Swept     time.Time      `json:"swept,omitzero"`       // likewise

	more string // as of the Call

	want  time.Time // while planning: the earliest read of use for a flag or a match
	moved bool      // while planning: something changed that others may have to look at
}

func (w work) clone() work {
	w.Steps = slices.Clone(w.Steps)
	for i := range w.Steps {
		w.Steps[i].Legs = slices.Clone(w.Steps[i].Legs)
	}
	w.Ops = slices.Clone(w.Ops)
	for i := range w.Ops {
		w.Ops[i].To = slices.Clone(w.Ops[i].To)
		w.Ops[i].Members = slices.Clone(w.Ops[i].Members)
	}
	w.Legs = slices.Clone(w.Legs)
	w.Route.Ring = slices.Clone(w.Route.Ring)
	w.Tickets = slices.Clone(w.Tickets)
	w.Seen = slices.Clone(w.Seen)
	w.Out = slices.Clone(w.Out)
	w.Retries = maps.Clone(w.Retries)
	return w
}

type stepKind uint8

const (
	stepRoute    stepKind = iota + 1 // ask Config.Route
	stepDial                         // add participants: dials phones, never repeated
	stepUpdate                       // set one flag of one member
	stepKick                         // remove one member
	stepHangup                       // hang up one call by its UUID
	stepCancel                       // cancel a queued dial by its request's UUID
	stepActivate                     // take the MPC from Initialized to Active
	stepEnd                          // end the MPC
	stepGhost                        // end an MPC that bears our name and is not ours
	stepRead                         // list the participants, and get the MPC where asked
	stepFind                         // get the MPC by its name
	stepCause                        // get a call's hangup cause
	stepDrain                        // give records to the Observer
)

var stepNames = [...]string{stepRoute: "route", stepDial: "dial", stepUpdate: "update", stepKick: "kick", stepHangup: "hangup", stepCancel: "cancel",
	stepActivate: "activate", stepEnd: "end", stepGhost: "ghost", stepRead: "read", stepFind: "find", stepCause: "cause", stepDrain: "drain"}

func (k stepKind) String() string { return enumString(stepNames[:], "step", uint8(k)) }

// A step is one thing to do outside. It stands in the stored Call before it is
// done: intent before effect.
type step struct {
	ID     int       `json:"id"`
	Kind   stepKind  `json:"kind"`
	Member MemberID  `json:"member,omitempty"`
	Flag   flagName  `json:"flag,omitempty"`
	Value  bool      `json:"value,omitempty"`
	UUID   string    `json:"uuid,omitempty"`  // of a call, a request or an MPC
	Legs   []int     `json:"legs,omitempty"`  // whom a dial rings
	MPC    bool      `json:"mpc,omitempty"`   // a read asks for the MPC too
	Watch  bool      `json:"watch,omitempty"` // a read that nobody waits for
	From   time.Time `json:"from,omitzero"`   // not before
	Tries  int       `json:"tries,omitempty"`

	Sent  bool      `json:"sent,omitempty"`
	At    time.Time `json:"at,omitzero"`    // sent then,
	Tick  uint64    `json:"tick,omitempty"` // at this tick of the call,
	By    string    `json:"by,omitempty"`   // by this instance,
	Owner string    `json:"owner,omitempty"`
	Until time.Time `json:"until,omitzero"` // with a claim that ends then

	more string
}

// closing reports whether the step can only make a supervisor less audible:
// such steps never wait for another.
func (s *step) closing(c *Call) bool {
	p := c.member(s.Member)
	if p == nil || p.Role != RoleSupervisor {
		return false
	}
	return s.Kind == stepKick || s.Kind == stepUpdate && s.Value && s.Flag != flagHold
}

// lane reports whether the step waits its turn among the call's other steps.
func (s *step) lane(c *Call) bool {
	switch s.Kind {
	case stepDial, stepUpdate, stepKick, stepActivate, stepEnd:
		return !s.closing(c)
	}
	return false
}

// sendable yields the steps that may be sent at now, oldest first.
func sendable(c *Call, now time.Time) iter.Seq[*step] {
	return func(yield func(*step) bool) {
		busy := slices.ContainsFunc(c.work.Steps, func(s step) bool { return s.Sent && s.lane(c) })
		for i := range c.work.Steps {
			s := &c.work.Steps[i]
			if s.Sent || s.From.After(now) {
				continue
			}
			if s.lane(c) {
				if busy {
					continue
				}
				busy = true
			}
			if !yield(s) {
				return
			}
		}
	}
}

// runnable returns copies of them.
func runnable(c *Call, now time.Time) (out []step) {
	for s := range sendable(c, now) {
		out = append(out, *s)
	}
	return out
}

// rests reports whether nothing of the call may be sent at now.
func rests(c *Call, now time.Time) bool {
	for range sendable(c, now) {
		return false
	}
	return true
}

func (c *Call) step(id int) *step {
	for i := range c.work.Steps {
		if c.work.Steps[i].ID == id {
			return &c.work.Steps[i]
		}
	}
	return nil
}

func (c *Call) drop(id int) {
	c.work.Steps = slices.DeleteFunc(c.work.Steps, func(s step) bool { return s.ID == id })
}

// hasStep reports whether a step of that kind stands that ok accepts; nil
// accepts all.
func (c *Call) hasStep(k stepKind, ok func(*step) bool) bool {
	for i := range c.work.Steps {
		if s := &c.work.Steps[i]; s.Kind == k && (ok == nil || ok(s)) {
			return true
		}
	}
	return false
}

func (c *Call) addStep(s step) int {
	c.work.Next++
	s.ID = c.work.Next
	c.work.Steps = append(c.work.Steps, s)
	return s.ID
}

// A leg is one phone on its way into the call: dialled by us, or (tickets)
// calling in by itself. It is matched with a participant by its call UUID.
type leg struct {
	ID       int        `json:"id"`
	Step     int        `json:"step,omitempty"` // the dial that rings it
	Attempt  int        `json:"attempt,omitempty"`
	Agent    Agent      `json:"agent,omitzero"`
	Sup      Supervisor `json:"sup,omitzero"`
	Mode     CoachMode  `json:"mode,omitempty"` // in which a supervisor joins
	To       string     `json:"to,omitempty"`
	CallUUID string     `json:"call,omitempty"`
	Request  string     `json:"request,omitempty"`
	Ring     int        `json:"ring,omitempty"` // seconds
	State    legState   `json:"state"`
	Rang     bool       `json:"rang,omitempty"`
	Deadline time.Time  `json:"deadline,omitzero"`
	Outcome  LegOutcome `json:"outcome,omitempty"`
	Reason   string     `json:"reason,omitempty"`  // in words, for who asked
	Unknown  bool       `json:"unknown,omitempty"` // the dial's outcome is not known
	Member   MemberID   `json:"member,omitempty"`
	Accepted bool       `json:"accepted,omitempty"` // Plivo took the dial
	Chase    bool       `json:"chase,omitempty"`    // given up while it may ring: to be hung up
	HungUp   bool       `json:"hung_up,omitempty"`  // and that is done, or not needed
	HangNext time.Time  `json:"hang_next,omitzero"`
	HangTry  int        `json:"hang_try,omitempty"`

	more string
}

type legState uint8

const (
	legPlanned legState = iota // the dial is not sent yet
	legOut                     // dialled: queued, ringing, or answered and not yet in
	legIn                      // in the call
	legOver                    // came to nothing, or left
)

func (l *leg) open() bool { return l.State == legPlanned || l.State == legOut }

func (l *leg) isAgent() bool { return l.Agent.ID != "" }

func (c *Call) leg(id int) *leg {
	for i := range c.work.Legs {
		if c.work.Legs[i].ID == id {
			return &c.work.Legs[i]
		}
	}
	return nil
}

func (c *Call) legByCall(uuid string) *leg {
	if uuid == "" {
		return nil
	}
	for i := len(c.work.Legs) - 1; i >= 0; i-- {
		if c.work.Legs[i].CallUUID == uuid {
			return &c.work.Legs[i]
		}
	}
	return nil
}

// legCause is how a leg ended, as far as it is known.
type legCause uint8

const (
	causeNone    legCause = iota // not known
	causeGoodbye                 // hung up normally by the person
	causeOther                   // media, error, kicked
)

// routing is the search for somebody who talks with the customer.
type routing struct {
	Attempt int       `json:"attempt,omitempty"` // under way; 0: none
	For     int       `json:"for,omitempty"`     // the operation the attempt serves; 0: routing itself
	Ring    []Agent   `json:"ring,omitempty"`    // answered by Route, to be dialled
	Since   time.Time `json:"since,omitzero"`    // the customer has nobody since then
	Wait    time.Time `json:"wait,omitzero"`     // do not ask before
	Losses  int       `json:"losses,omitempty"`  // audible parties lost so far
	Lost    MemberID  `json:"lost,omitempty"`    // the last one, while the cause of leaving is sought
	Grace   time.Time `json:"grace,omitzero"`    // until when it is sought
	Stopped bool      `json:"stopped,omitempty"` // Plivo refuses our credentials: music until MaxWait
	Hold    bool      `json:"hold,omitempty"`    // the customer is to hear music meanwhile
	Silent  time.Time `json:"silent,omitzero"`   // since when nobody is confirmed audible

	more string
}

// A repeat is one callback already taken in.
type repeat struct {
	Nonce uint64 `json:"n"`
	Body  uint64 `json:"b"`
	Reply string `json:"r,omitempty"` // the document answered, where there was one
}

// A ticket lets one supervisor dial in once.
type ticket struct {
	Hash     string     `json:"hash"`
	Sup      Supervisor `json:"sup"`
	Mode     CoachMode  `json:"mode,omitzero"`
	TakeOver bool       `json:"take_over,omitempty"`
	Agent    AgentPart  `json:"agent,omitempty"`
	Actor    Actor      `json:"actor,omitzero"`
	Expires  time.Time  `json:"expires"`
	CallUUID string     `json:"call,omitempty"` // who used it

	more string
}
