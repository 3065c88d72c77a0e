package coaching

import (
	"bytes"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"time"
)

// claim takes what may be sent now, as far as the mask lets it.
func (p *player) claim(mask byte) {
	var taken []step
	k := claim{owner: "owner", by: p.m[p.at].by, hold: 13 * time.Second, taken: &taken}
	for i, s := range runnable(&p.c, p.now) {
		if mask&(1<<(i%8)) != 0 {
			k.ids = append(k.ids, s.ID)
		}
	}
	if len(k.ids) == 0 {
		return
	}
	before := p.c
	p.apply(k)
	for _, s := range taken {
		p.opening(&before, &s)
	}
}

// opening checks a request that is sent against the rules of R10.
func (p *player) opening(c *Call, s *step) {
	who := c.member(s.Member)
	if s.Kind != stepUpdate || s.Value || who == nil || !who.locked(s.Flag) {
		return
	}
	other := who.flag(flagMute + flagCoach - s.Flag)
	v := c.supervisionOf(s.Member)
	switch {
	case v == nil || who.kick:
		p.fail("%s of %s is opened, whom nobody expects", s.Flag, s.Member)
	case c.work.Ending && v.Want == ModeOpen && !v.firm:
		p.fail("%s of %s is opened in a call that ends", s.Flag, s.Member)
	case !other.settled():
		p.fail("%s of %s is opened while the other lock is not confirmed", s.Flag, s.Member)
	case !other.Owe.IsZero() && !v.firm:
		p.fail("%s of %s is opened while a request may still open the other lock", s.Flag, s.Member)
	case v.Want == ModeMonitor, v.Want == ModeCoach && (s.Flag == flagCoach || !closed(other)):
		p.fail("%s of %s is opened, who is to be in %v", s.Flag, s.Member, v.Want)
	case v.Want == ModeOpen && !v.TookOver && (c.opOf(v.ID) == nil || c.opOf(v.ID).Kind != opTakeOver):
		p.fail("%s of %s is opened, and nobody asked for it", s.Flag, s.Member)
	}
}

// outcome brings the outcome of a step that was sent: what the library hopes
// for, or anything.
func (p *player) outcome(i int, good bool) {
	var sent []step
	for _, s := range p.c.work.Steps {
		if s.Sent {
			sent = append(sent, s)
		}
	}
	if len(sent) == 0 {
		return
	}
	s := sent[i%len(sent)]
	d := done{ID: s.ID, Owner: s.Owner, By: s.By, Out: clientOK}
	if !good {
		d.Out = clientOutcome(p.upTo(len(clientOutcomeNames)))
		if p.byte() > 250 {
			d.Owner = "another"
		}
		d.After = time.Duration(p.upTo(3)) * time.Second
	}
	if d.Out != clientOK {
		d.Err = "the provider's words"
		p.apply(d)
		return
	}
	switch s.Kind {
	case stepRoute:
		next := Next{Ring: []Agent{{ID: "ann", Address: fuzzAddresses[1]}}}
		if !good {
			next = Next{Ring: p.agents(), For: time.Duration(p.upTo(3)) * 10 * time.Second, Wait: time.Duration(p.upTo(3)) * time.Second, Data: map[string]string{"k": "v"}}
		}
		d.Next = &next
	case stepDial:
		d.Req = fuzzUUID(1000 + s.ID)
		for _, id := range s.Legs {
			if l := p.c.leg(id); l != nil && (good || p.byte()&1 == 0) {
				d.Calls = append(d.Calls, dialled{To: l.To, CallUUID: fuzzUUID(100 + id)})
			}
		}
	case stepRead:
		d.Seen = p.seen(s.MPC, good)
	case stepFind:
		d.Seen = &seen{MPC: fuzzMPC(0), Status: StateWaiting}
		if !good {
			d.Seen = &seen{MPC: p.mpc(), Status: CallState(p.upTo(5))}
		}
	case stepCause:
		d.Cause = &ending{Over: !good && p.byte()&1 != 0, Code: 4000, Source: "callee", From: "14155550123", To: "14155550100"}
	case stepDrain:
		if n := len(p.c.work.Out); n > 0 {
			d.Drained = p.c.work.Out[n-1].Seq
			if !good {
				d.Drained -= uint64(p.upTo(3))
			}
		}
	}
	p.apply(d)
}

// seen is what a read shows: what the call asked for, or anything.
func (p *player) seen(mpc, good bool) *seen {
	out := &seen{}
	if mpc {
		out.MPC, out.Status = p.c.MPC, max(p.c.State, StateWaiting)
		for range p.c.live(RoleAgent) {
			out.Status = StateActive
		}
	}
	for _, q := range p.c.Participants {
		show := func(f flag) *bool {
			v := f.Value
			if f.Asked {
				v = f.Want
			} else if !f.Known && q.Role == RoleSupervisor {
				v = true
			}
			if !good {
				switch p.upTo(6) {
				case 0:
					v = false
				case 1:
					v = true
				case 2:
					return nil
				}
			}
			return &v
		}
		if good && !q.Live() || !good && p.upTo(8) == 0 {
			continue
		}
		out.Members = append(out.Members, seenMember{
			Member: q.Member, CallUUID: q.CallUUID, Role: q.Role, Address: q.Address, Mute: show(q.mute), Hold: show(q.hold), Coach: show(q.coach),
			Exited: !good && p.upTo(8) == 0, Cause: "hangup",
		})
	}
	if good {
		if c := p.c.CallUUID; len(out.Members) == 0 {
			if c == "" {
				c = fuzzUUID(0)
			}
			out.Members = []seenMember{{Member: "100", CallUUID: c, Role: RoleCustomer, Address: "14155550123"}}
		}
		return out
	}
	out.Status, out.Gone = CallState(p.upTo(5)), p.upTo(10) == 0
	for range p.upTo(3) {
		no := false
		out.Members = append(out.Members, seenMember{Member: p.member(), CallUUID: p.uuid(), Role: Role(p.upTo(4)), Address: fuzzAddresses[p.upTo(5)], Mute: &no, Hold: &no, Coach: &no})
	}
	return out
}

// apply applies an input and checks what must hold of every Call.
func (p *player) apply(in input) {
	p.Helper()
	m, prev := &p.m[p.at], p.c
	p.log = append(p.log, entry{p.now, m.by, in})
	before := prev.clone()
	next, err := m.apply(prev, in, p.now)
	if !reflect.DeepEqual(before, prev) {
		p.fail("apply changed its argument (-want +got):\n%s", DiffCalls(before, prev))
	}
	twice, err2 := m.apply(prev, in, p.now)
	if fmt.Sprint(err) != fmt.Sprint(err2) || !reflect.DeepEqual(next, twice) {
		p.fail("the same input gives another call: %v, %v (-first +second):\n%s", err, err2, DiffCalls(next, twice))
	}
	if err != nil {
		if !slices.ContainsFunc([]error{errUnchanged, errRepeat, ErrSignature, ErrConflict, ErrInvalid, ErrNotFound, ErrCallEnded, ErrDenied}, func(e error) bool { return errors.Is(err, e) }) {
			p.fail("an input is refused with %v", err)
		}
		return
	}
	if p.c = next; len(p.log)%8 == 0 {
		p.c = p.stored() // as from a store that encodes
	}
	p.judge(&prev)
}

// stored returns the call as it comes out of a store.
func (p *player) stored() Call {
	p.Helper()
	doc, err := EncodeCall(p.c)
	if err != nil {
		p.fail("EncodeCall = %v", err)
		return p.c
	}
	if len(doc) >= 64<<10 {
		p.fail("the document has %d bytes", len(doc))
	}
	c, err := DecodeCall(doc)
	if err != nil {
		p.fail("DecodeCall = %v\n%s", err, doc)
		return p.c
	}
	if again, err := EncodeCall(c); err != nil || !bytes.Equal(doc, again) {
		p.fail("written again, the call is another: %v (-first +second):\n%s", err, DiffCalls(p.c, c))
	}
	return c
}
