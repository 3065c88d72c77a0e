package console

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/mpc-coaching/coaching"
)

const (
	bodyMax   = 16 << 10
	agentsMax = 20
	ringMin   = 5 * time.Second
	ringMax   = 2 * time.Minute
	ttlMin    = time.Second
	ttlMax    = 10 * time.Minute
)

// args are what a verb was given.
type args struct {
	supervisor coaching.SupervisorID
	agents     []coaching.AgentID
	member     coaching.MemberID
	mode       coaching.CoachMode
	part       coaching.AgentPart
	ring, ttl  time.Duration
	noWait     bool
	takeOver   bool
	farewell   bool
}

func (a args) whom() coaching.Supervisor { return coaching.Supervisor{ID: a.supervisor} }

func (a args) join() *coaching.JoinOptions {
	return &coaching.JoinOptions{Mode: a.mode, NoWait: a.noWait, RingTime: a.ring}
}

// A field is a member of a verb's body: how it is read, and its schema.
type field struct {
	read   func(*args, json.RawMessage) bool
	schema schema
}

var fields = map[string]field{
	"supervisor":   {read: text(func(a *args, s string) bool { a.supervisor = coaching.SupervisorID(s); return isPersonID(s) }), schema: personSchema},
	"member":       {read: text(func(a *args, s string) bool { a.member = coaching.MemberID(s); return isMemberID(s) }), schema: memberSchema},
	"agents":       {read: readAgents, schema: agentsSchema},
	"to":           {read: readAgents, schema: agentsSchema},
	"mode":         {read: text(func(a *args, s string) bool { return unmarshal(&a.mode, s) && a.mode != coaching.ModeOpen }), schema: enum("monitor", "coach")},
	"agent":        {read: text(func(a *args, s string) bool { return unmarshal(&a.part, s) }), schema: enum("keep", "mute", "hold", "remove")},
	"ring_seconds": {read: seconds(func(a *args) *time.Duration { return &a.ring }, ringMin, ringMax), schema: secondsSchema(ringMin, ringMax)},
	"ttl_seconds":  {read: seconds(func(a *args) *time.Duration { return &a.ttl }, ttlMin, ttlMax), schema: secondsSchema(ttlMin, ttlMax)},
	"no_wait":      {read: flag(func(a *args) *bool { return &a.noWait }), schema: schema{"type": "boolean"}},
	"take_over":    {read: flag(func(a *args) *bool { return &a.takeOver }), schema: schema{"type": "boolean"}},
	"farewell":     {read: flag(func(a *args) *bool { return &a.farewell }), schema: schema{"type": "boolean"}},
}

func text(set func(*args, string) bool) func(*args, json.RawMessage) bool {
	return func(a *args, raw json.RawMessage) bool {
		var s *string
		return json.Unmarshal(raw, &s) == nil && s != nil && set(a, *s)
	}
}

func flag(at func(*args) *bool) func(*args, json.RawMessage) bool {
	return func(a *args, raw json.RawMessage) bool {
		var b *bool
		if json.Unmarshal(raw, &b) != nil || b == nil {
			return false
		}
		*at(a) = *b
		return true
	}
}

func seconds(at func(*args) *time.Duration, lo, hi time.Duration) func(*args, json.RawMessage) bool {
	return func(a *args, raw json.RawMessage) bool {
		var n *int32
		if json.Unmarshal(raw, &n) != nil || n == nil {
			return false
		}
		d := time.Duration(*n) * time.Second
		*at(a) = d
		return lo <= d && d <= hi
	}
}

func readAgents(a *args, raw json.RawMessage) bool {
	var ids []*string
	if json.Unmarshal(raw, &ids) != nil || len(ids) == 0 || len(ids) > agentsMax {
		return false
	}
	a.agents = nil
	for _, id := range ids {
		if id == nil || !isPersonID(*id) {
			return false
		}
		a.agents = append(a.agents, coaching.AgentID(*id))
	}
	return true
}

func unmarshal(v interface{ UnmarshalText([]byte) error }, s string) bool {
	return v.UnmarshalText([]byte(s)) == nil
}

func (v *verb) takes(name string) bool {
	return slices.ContainsFunc(v.fields, func(f string) bool { return strings.TrimSuffix(f, "!") == name })
}

// parse reads a verb's body: one object with the members that the verb takes,
// each once and in lower case, and nothing else.
func (v *verb) parse(body []byte) (args, error) {
	var a args
	members, err := object(body)
	if err != nil {
		return a, err
	}
	for name, raw := range members {
		if !v.takes(name) {
			return a, problem(invalid, "the body has a member that "+v.path+" does not take")
		}
		if !fields[name].read(&a, raw) {
			return a, problem(invalid, "the member "+name+" is malformed")
		}
	}
	for _, f := range v.fields {
		if name, required := strings.CutSuffix(f, "!"); required && members[name] == nil {
			return a, problem(invalid, "the member "+name+" is missing")
		}
	}
	return a, nil
}

// object takes a JSON object apart. The names are what they are: the decoder
// for structs would take other cases, and the last of two.
func object(body []byte) (map[string]json.RawMessage, error) {
	bad := problem(invalid, "the body is not one JSON object")
	dec := json.NewDecoder(bytes.NewReader(body))
	if t, err := dec.Token(); err != nil || t != json.Delim('{') {
		return nil, bad
	}
	members := map[string]json.RawMessage{}
	for dec.More() {
		t, err := dec.Token()
		name, ok := t.(string)
		if err != nil || !ok {
			return nil, bad
		}
		if members[name] != nil {
			return nil, problem(invalid, "the body has a member twice")
		}
		var raw json.RawMessage
		if err := dec.Decode(&raw); err != nil {
			return nil, bad
		}
		members[name] = raw
	}
	if _, err := dec.Token(); err != nil {
		return nil, bad
	}
	if _, err := dec.Token(); err != io.EOF {
		return nil, bad
	}
	return members, nil
}

// readBody reads what was posted, which must be JSON and small and come soon.
func (c *Console) readBody(w http.ResponseWriter, r *http.Request) ([]byte, error) {
	if kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || kind != "application/json" {
		return nil, problem(unsupportedMediaType, "post application/json")
	}
	_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(c.patience))
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, bodyMax))
	if big := new(http.MaxBytesError); errors.As(err, &big) {
		return nil, problem(tooLarge, "a body has 16 KiB at most")
	}
	if err != nil {
		return nil, problem(invalid, "the body could not be read")
	}
	return body, nil
}
