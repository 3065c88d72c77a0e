package console

import (
	"encoding/json"
	"time"

	"github.com/mpc-coaching/coaching"
)

// What of a call leaves the console, and in which words. Nothing does that is
// not named here: no headers, no query, no uuids, and no addresses but the
// customer's.

type callJSON struct {
	ID            coaching.CallID   `json:"id"`
	Version       uint64            `json:"version"`
	State         string            `json:"state"`
	From          string            `json:"from"`
	To            string            `json:"to"`
	Data          map[string]string `json:"data,omitempty"`
	Created       stamp             `json:"created"`
	Activated     stamp             `json:"activated,omitzero"`
	Ended         stamp             `json:"ended,omitzero"`
	EndReason     string            `json:"end_reason,omitempty"`
	Participants  []participantJSON `json:"participants"`
	Supervisions  []supervisionJSON `json:"supervisions"`
	Attempts      []attemptJSON     `json:"attempts"`
	Hears         []hearsJSON       `json:"hears"`
	CustomerHears string            `json:"customer_hears"`
	History       []recordJSON      `json:"history"`
}

type participantJSON struct {
	Member     coaching.MemberID     `json:"member"`
	Role       string                `json:"role"`
	Agent      coaching.AgentID      `json:"agent,omitempty"`
	Supervisor coaching.SupervisorID `json:"supervisor,omitempty"`
	Muted      bool                  `json:"muted"`
	Held       bool                  `json:"held"`
	Coaching   bool                  `json:"coaching"`
	Confirmed  bool                  `json:"confirmed"`
	Joined     stamp                 `json:"joined"`
	Left       stamp                 `json:"left,omitzero"`
	Address    string                `json:"address,omitempty"` // of customers alone
}

type supervisionJSON struct {
	ID       coaching.SupervisorID `json:"id"`
	State    string                `json:"state"`
	Member   coaching.MemberID     `json:"member,omitempty"`
	Mode     string                `json:"mode,omitempty"`
	Want     string                `json:"want,omitempty"`
	Audible  bool                  `json:"audible"`
	TookOver bool                  `json:"took_over"`
	Agent    string                `json:"agent"`
	Reason   string                `json:"reason,omitempty"`
	Asked    stamp                 `json:"asked"`
	Joined   stamp                 `json:"joined,omitzero"`
	Ended    stamp                 `json:"ended,omitzero"`
	AskedBy  actorJSON             `json:"asked_by"`
}

type attemptJSON struct {
	ID      int              `json:"id"`
	Started stamp            `json:"started"`
	Ended   stamp            `json:"ended,omitzero"`
	Rings   []ringJSON       `json:"rings"`
	Reached coaching.AgentID `json:"reached,omitempty"`
}

type ringJSON struct {
	Agent   coaching.AgentID `json:"agent"`
	Outcome string           `json:"outcome,omitempty"`
}

type hearsJSON struct {
	Listener coaching.MemberID `json:"listener"`
	Speaker  coaching.MemberID `json:"speaker"`
}

type recordJSON struct {
	Seq        uint64                `json:"seq"`
	Kind       coaching.RecordKind   `json:"kind"`
	At         stamp                 `json:"at"`
	Actor      *actorJSON            `json:"actor,omitempty"`
	Supervisor coaching.SupervisorID `json:"supervisor,omitempty"`
	Agent      coaching.AgentID      `json:"agent,omitempty"`
	Member     coaching.MemberID     `json:"member,omitempty"`
	Mode       string                `json:"mode,omitempty"`
	Detail     string                `json:"detail,omitempty"`
}

// A stamp is a time as RFC 3339 in UTC, with milliseconds.
type stamp time.Time

func (s stamp) IsZero() bool { return time.Time(s).IsZero() }

func (s stamp) MarshalText() ([]byte, error) {
	return time.Time(s).UTC().AppendFormat(nil, "2006-01-02T15:04:05.000Z07:00"), nil
}

// render returns a call as a view shows it.
func render(c coaching.Call, v View) callJSON {
	h := hiddenIn(c, v)
	out := callJSON{
		ID: c.ID, Version: c.Version, State: c.State.String(), From: v.address(c.From), To: v.address(c.To), Data: c.Data,
		Created: stamp(c.Created), Activated: stamp(c.Activated), Ended: stamp(c.Ended),
		Participants: []participantJSON{}, Supervisions: []supervisionJSON{}, Attempts: []attemptJSON{}, Hears: []hearsJSON{}, History: []recordJSON{},
	}
	if c.EndReason != 0 {
		out.EndReason = c.EndReason.String()
	}
	for _, p := range c.Participants {
		if h.member[p.Member] {
			continue
		}
		j := participantJSON{
			Member: p.Member, Agent: p.Agent, Supervisor: p.Supervisor, Muted: p.Muted, Held: p.Held,
			Coaching: p.Coaching, Confirmed: p.Confirmed, Joined: stamp(p.Joined), Left: stamp(p.Left), Role: p.Role.String(),
		}
		if p.Role == coaching.RoleCustomer {
			j.Address = v.address(p.Address)
		}
		out.Participants = append(out.Participants, j)
	}
	for i, s := range c.Supervisions {
		if !h.supervision[i] {
			out.Supervisions = append(out.Supervisions, renderSupervision(s))
		}
	}
	for _, a := range c.Attempts {
		j := attemptJSON{ID: a.ID, Started: stamp(a.Started), Ended: stamp(a.Ended), Rings: []ringJSON{}, Reached: a.Reached}
		for _, r := range a.Rings {
			k := ringJSON{Agent: r.Agent}
			if r.Outcome != 0 {
				k.Outcome = r.Outcome.String()
			}
			j.Rings = append(j.Rings, k)
		}
		out.Attempts = append(out.Attempts, j)
	}
	for i, r := range c.History {
		if h.record[i] {
			continue
		}
		j := recordJSON{
			Seq: r.Seq, Kind: r.Kind, At: stamp(r.At), Supervisor: r.Supervisor, Agent: r.Agent, Member: r.Member,
			Mode: modeName(r.Mode), Detail: r.Detail,
		}
		if r.Actor != (coaching.Actor{}) {
			a := actorJSON(r.Actor)
			j.Actor = &a
		}
		out.History = append(out.History, j)
	}
	out.Hears = pairs(c, h)
	out.CustomerHears = customerHears(c, out.Hears)
	return out
}

func renderSupervision(s coaching.Supervision) supervisionJSON {
	return supervisionJSON{
		ID: s.ID, State: s.State.String(), Member: s.Member, Mode: modeName(s.Mode), Want: modeName(s.Want),
		Audible: s.Audible, TookOver: s.TookOver, Agent: s.Agent.String(), Reason: s.Reason,
		Asked: stamp(s.Asked), Joined: stamp(s.Joined), Ended: stamp(s.Ended), AskedBy: actorJSON(s.Actor),
	}
}

func modeName(m coaching.CoachMode) string {
	if m == 0 {
		return ""
	}
	return m.String()
}

func pairs(c coaching.Call, h hidden) []hearsJSON {
	out := []hearsJSON{}
	for _, l := range c.Participants {
		for _, s := range c.Participants {
			if !h.member[l.Member] && !h.member[s.Member] && c.Hears(l.Member, s.Member) {
				out = append(out, hearsJSON{l.Member, s.Member})
			}
		}
	}
	return out
}

// What a customer hears, in a word.
const (
	hearsNothingYet = "nothing-yet" // not in the multiparty call yet
	hearsMusic      = "music"       // waits, or is on hold
	hearsPeople     = "people"
	hearsSilence    = "silence"
	hearsUnknown    = "unknown"  // a request that it depends on is unanswered
	hearsFarewell   = "farewell" // the call is over because nobody was found
	hearsNothing    = "nothing"  // the call is over
)

func customerHears(c coaching.Call, heard []hearsJSON) string {
	switch c.State {
	case coaching.StateAnswered:
		return hearsNothingYet
	case coaching.StateWaiting:
		return hearsMusic
	case coaching.StateEnded:
		if c.EndReason == coaching.ExitNobody {
			return hearsFarewell
		}
		return hearsNothing
	}
	customer, ok := c.Customer()
	if !ok {
		return hearsNothing
	}
	for _, h := range heard {
		if h.Listener == customer.Member {
			return hearsPeople
		}
	}
	if customer.Held {
		return hearsMusic
	}
	for _, p := range c.Participants {
		if p.Live() && !p.Confirmed {
			return hearsUnknown
		}
	}
	return hearsSilence
}

// address returns an address as the view shows it.
func (v View) address(s string) string {
	if v.MaskNumbers {
		return mask(s)
	}
	return s
}

// encode returns the JSON of a call. Go's encoder escapes <, >, &, U+2028 and
// U+2029, so that it is safe within HTML and on a line of an event.
func (c *Console) encode(call coaching.Call, v View) []byte {
	c.encodings.Add(1)
	b, err := json.Marshal(render(call, v))
	if err != nil {
		panic(err) // strings, numbers and stamps: nothing that can fail
	}
	return b
}
