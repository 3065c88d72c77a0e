package coaching

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"strings"
	"time"
)

// Schema is the version of the documents that [EncodeCall] writes. It rises
// where an older reader would go wrong, and not for a new field that an older
// reader may carry along without knowing it.
const Schema = 1

// EncodeCall returns the document that a [Store] adapter keeps for a call: JSON
// with everything in the Call, what the library remembers for its own use and
// Expires included, and Version left out: that is the adapter's own record of
// how often the document was written. Numbers are exact to 64 bits, so other
// programs may read a document, within limits, and never write one; it holds
// phone numbers and the agents' confirm keys. For showing a call to people
// there is [json.Marshal].
//
// The same Call gives the same bytes. Text that is not UTF-8 is stored with
// U+FFFD for what is wrong with it; times keep the offset of their zone, lose
// their monotonic clock and must lie between the years 0 and 9999.
// [ErrInvalid]: the ID is malformed, or a value is undeclared or out of range.
func EncodeCall(c Call) ([]byte, error) {
	if !validCallID(c.ID) {
		return nil, fmt.Errorf("coaching: EncodeCall: %w", invalid("ID must match [A-Za-z0-9]{16,64}"))
	}
	doc, err := marshalMore(newCallDoc(c), c.more)
	if err != nil {
		return nil, fmt.Errorf("coaching: EncodeCall: %w", invalid("%v", err))
	}
	return doc, nil
}

// DecodeCall is the inverse of [EncodeCall]; the adapter sets Version
// afterwards. Fields that this version does not know are kept and written again
// by EncodeCall, so that instances of neighbouring versions can share a store:
// those of the document, of participants and supervisions, and of all that the
// library remembers for its own use, but not of attempts, records and people.
//
// [ErrSchema]: a newer version of this package wrote the document, in a later
// Schema or with a value of a closed set that this version does not know. The
// call is for an instance that knows it: Get returns the error, Live and
// Changes leave the call out. [ErrInvalid]: anything else that is not a call.
// It never panics, and keeps no reference to doc.
func DecodeCall(doc []byte) (Call, error) {
	c, err := decodeCall(doc)
	if err != nil {
		return Call{}, fmt.Errorf("coaching: DecodeCall: %w", err)
	}
	return c, nil
}

func decodeCall(doc []byte) (Call, error) {
	var head struct { // before the rest, which may mean something else in another schema
		Schema int64 `json:"v"`
	}
	if err := json.Unmarshal(doc, &head); err != nil {
		return Call{}, badDoc(err)
	}
	switch {
	case head.Schema > Schema:
		return Call{}, fmt.Errorf("schema %d, and this version knows %d: %w", head.Schema, Schema, ErrSchema)
	case head.Schema < 1:
		return Call{}, invalid("no schema")
	}
	var d callDoc
	if err := unmarshalMore(doc, &d, &d.more); err != nil {
		return Call{}, badDoc(err)
	}
	if !validCallID(d.ID) {
		return Call{}, invalid("the id is missing or malformed")
	}
	return d.call(), nil
}

// badDoc sorts an error of encoding/json: what refuses a value as undeclared
// says ErrInvalid itself, and in a document that is a newer version's value.
func badDoc(err error) error {
	why := truncate(err.Error(), 200) // may quote the document
	if errors.Is(err, ErrInvalid) {
		return fmt.Errorf("%s: %w", why, ErrSchema)
	}
	return invalid("%s", why)
}

// The documents' structs add to the public ones what [json.Marshal] does not
// show. A test fails where a field is forgotten here or in a tag.

type callDoc struct {
	Schema int `json:"v"`
	Call
	Version      uint64           `json:"version,omitzero"` // hides the Call's: always zero
	Participants []participantDoc `json:"participants,omitempty"`
	Supervisions []supervisionDoc `json:"supervisions,omitempty"`
	Expires      time.Time        `json:"expires,omitzero"`
	Work         work             `json:"work,omitzero"`
}

func newCallDoc(c Call) callDoc {
	d := callDoc{Schema: Schema, Call: c, Expires: c.Expires, Work: c.work,
		Participants: make([]participantDoc, len(c.Participants)),
		Supervisions: make([]supervisionDoc, len(c.Supervisions))}
	for i, p := range c.Participants {
		d.Participants[i] = participantDoc{p, p.mute, p.hold, p.coach, p.askMute, p.askHold, p.kick, p.kickNext, p.byAddress, p.adopted, p.cause}
	}
	for i, s := range c.Supervisions {
		d.Supervisions[i] = supervisionDoc{s, s.leg, s.prior, s.firm, s.removed}
	}
	return d
}

func (d *callDoc) call() Call {
	c := d.Call
	c.Expires, c.work = d.Expires, d.Work
	if len(d.Participants) > 0 {
		c.Participants = make([]Participant, len(d.Participants))
	}
	for i, from := range d.Participants {
		p := from.Participant
		p.mute, p.hold, p.coach, p.askMute, p.askHold = from.Mute, from.Hold, from.Coach, from.AskMute, from.AskHold
		p.kick, p.kickNext, p.byAddress, p.adopted, p.cause = from.Kick, from.KickNext, from.ByAddress, from.Adopted, from.Cause
		c.Participants[i] = p
	}
	if len(d.Supervisions) > 0 {
		c.Supervisions = make([]Supervision, len(d.Supervisions))
	}
	for i, from := range d.Supervisions {
		s := from.Supervision
		s.leg, s.prior, s.firm, s.removed = from.Leg, from.Prior, from.Firm, from.Removed
		c.Supervisions[i] = s
	}
	return c
}

type participantDoc struct {
	Participant
	Mute      flag      `json:"mute,omitzero"`
	Hold      flag      `json:"hold,omitzero"`
	Coach     flag      `json:"coach,omitzero"`
	AskMute   bool      `json:"ask_mute,omitzero"`
	AskHold   bool      `json:"ask_hold,omitzero"`
	Kick      bool      `json:"kick,omitzero"`
	KickNext  time.Time `json:"kick_next,omitzero"`
	ByAddress bool      `json:"by_address,omitzero"`
	Adopted   bool      `json:"adopted,omitzero"`
	Cause     legCause  `json:"cause,omitzero"`
}

type supervisionDoc struct {
	Supervision
	Leg     int       `json:"leg,omitzero"`
	Prior   CoachMode `json:"prior,omitzero"`
	Firm    bool      `json:"firm,omitzero"`
	Removed []Agent   `json:"removed,omitempty"`
}

// What keeps fields that it does not know does so by a field "more".

type (
	plainParticipant participantDoc // without the methods
	plainSupervision supervisionDoc
	plainWork        work
	plainStep        step
	plainOperation   operation
	plainLeg         leg
	plainRouting     routing
	plainTicket      ticket
	plainFlag        flag
)

func (d participantDoc) MarshalJSON() ([]byte, error) {
	return marshalMore(plainParticipant(d), d.more)
}
func (d supervisionDoc) MarshalJSON() ([]byte, error) {
	return marshalMore(plainSupervision(d), d.more)
}
func (w work) MarshalJSON() ([]byte, error)      { return marshalMore(plainWork(w), w.more) }
func (s step) MarshalJSON() ([]byte, error)      { return marshalMore(plainStep(s), s.more) }
func (o operation) MarshalJSON() ([]byte, error) { return marshalMore(plainOperation(o), o.more) }
func (l leg) MarshalJSON() ([]byte, error)       { return marshalMore(plainLeg(l), l.more) }
func (r routing) MarshalJSON() ([]byte, error)   { return marshalMore(plainRouting(r), r.more) }
func (t ticket) MarshalJSON() ([]byte, error)    { return marshalMore(plainTicket(t), t.more) }
func (f flag) MarshalJSON() ([]byte, error)      { return marshalMore(plainFlag(f), f.more) }

func (d *participantDoc) UnmarshalJSON(b []byte) error {
	return unmarshalMore(b, (*plainParticipant)(d), &d.more)
}
func (d *supervisionDoc) UnmarshalJSON(b []byte) error {
	return unmarshalMore(b, (*plainSupervision)(d), &d.more)
}
func (w *work) UnmarshalJSON(b []byte) error { return unmarshalMore(b, (*plainWork)(w), &w.more) }
func (s *step) UnmarshalJSON(b []byte) error { return unmarshalMore(b, (*plainStep)(s), &s.more) }
func (o *operation) UnmarshalJSON(b []byte) error {
	return unmarshalMore(b, (*plainOperation)(o), &o.more)
}
func (l *leg) UnmarshalJSON(b []byte) error     { return unmarshalMore(b, (*plainLeg)(l), &l.more) }
func (r *routing) UnmarshalJSON(b []byte) error { return unmarshalMore(b, (*plainRouting)(r), &r.more) }
func (t *ticket) UnmarshalJSON(b []byte) error  { return unmarshalMore(b, (*plainTicket)(t), &t.more) }
func (f *flag) UnmarshalJSON(b []byte) error    { return unmarshalMore(b, (*plainFlag)(f), &f.more) }

// marshalMore encodes the struct v and adds the members of the object more;
// "": none.
func marshalMore(v any, more string) ([]byte, error) {
	b, err := json.Marshal(v)
	if err != nil || more == "" {
		return b, err
	}
	b = b[:len(b)-1]
	if len(b) > 1 {
		b = append(b, ',')
	}
	return append(b, more[1:]...), nil
}

// unmarshalMore decodes b into the struct that v points to, and into more an
// object of the members that the struct has no field for.
func unmarshalMore(b []byte, v any, more *string) error {
	strict := json.NewDecoder(bytes.NewReader(b))
	strict.DisallowUnknownFields()
	if err := strict.Decode(v); err == nil { // mostly so, and in half the time
		*more = ""
		return nil
	} else if err := json.Unmarshal(b, v); err != nil {
		return err
	}
	var members map[string]json.RawMessage
	if err := json.Unmarshal(b, &members); err != nil {
		return err
	}
	for _, f := range reflect.VisibleFields(reflect.TypeOf(v).Elem()) {
		if key, _, _ := strings.Cut(f.Tag.Get("json"), ","); key != "" {
			maps.DeleteFunc(members, func(k string, _ json.RawMessage) bool { return strings.EqualFold(k, key) }) // as encoding/json matches
		}
	}
	*more = ""
	if len(members) == 0 {
		return nil
	}
	rest, err := json.Marshal(members)
	*more = string(rest)
	return err
}

// What has no names stands in documents as numbers; a test pins them.

func (k *stepKind) UnmarshalJSON(b []byte) error { return oneOf(b, k, stepDrain) }
func (n *flagName) UnmarshalJSON(b []byte) error { return oneOf(b, n, flagCoach) }
func (s *legState) UnmarshalJSON(b []byte) error { return oneOf(b, s, legOver) }
func (c *legCause) UnmarshalJSON(b []byte) error { return oneOf(b, c, causeOther) }
func (k *opKind) UnmarshalJSON(b []byte) error   { return oneOf(b, k, opEnd) }
func (s *opState) UnmarshalJSON(b []byte) error  { return oneOf(b, s, opFailed) }
func (f *failure) UnmarshalJSON(b []byte) error  { return oneOf(b, f, failConflict) }

// oneOf decodes a value of a set whose last one is top.
func oneOf[E ~uint8](b []byte, e *E, top E) error {
	var n uint64
	if err := json.Unmarshal(b, &n); err != nil {
		return err
	}
	if n > uint64(top) {
		return invalid("%d of a set of %d", n, top)
	}
	*e = E(n)
	return nil
}
