package coaching

import (
	"bytes"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// FuzzApply gives the state machine inputs that fuzz bytes stand for, in any
// order and with any content, and checks after each what must hold whatever
// Plivo, the host and the clocks do. The other tests ask whether the machine
// reaches its goals where the world is as documented; this one asks whether it
// keeps its head where the world is not.
func FuzzApply(f *testing.F) {
	for _, seed := range fuzzSeeds {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, in []byte) { playBytes(t, in[:min(len(in), 600)]) })
}

// The kinds of inputs; a byte chooses one. The world going on as it should
// stands for several: without it nothing would come about that could go wrong.
const fuzzKinds = "wwwwwwaaaatcoooonnlirdfx"

// fuzzBytes are the bytes of inputs given as pairs of a moment, which is a
// digit, and a kind; other bytes stand in parentheses, in decimal.
func fuzzBytes(start byte, script string) []byte {
	out := []byte{start}
	for _, word := range strings.Fields(script) {
		if n, err := strconv.ParseUint(strings.Trim(word, "()"), 10, 8); word[0] == '(' && err == nil {
			out = append(out, byte(n))
			continue
		}
		out = append(out, word[0]-'0', byte(strings.IndexByte(fuzzKinds, word[1])))
	}
	return out
}

var fuzzSeeds = [][]byte{
	nil,
	// connected, a supervisor joins, takes over, hands back and leaves; the end
	fuzzBytes(2, strings.Repeat("0w ", 12)+"0a (0) (0) (1) "+strings.Repeat("1w ", 12)+"0a (2) (0) (1) "+strings.Repeat("2w ", 12)+
		"0a (3) (0) (0) (0) "+strings.Repeat("2w ", 12)+"0a (4) (0) "+strings.Repeat("2w ", 6)+"0a (9) (0) "+strings.Repeat("3w ", 12)),
	// found by an event alone; a take-over
	fuzzBytes(1, "(1) (0) (7) (0) (0) (0) "+strings.Repeat("1w ", 20)+"0a (2) (1) (2) "+strings.Repeat("3w ", 20)),
	// a ticket, and news that contradict each other
	fuzzBytes(0, strings.Repeat("0w ", 10)+"0i (0) (0) (1) (1) (1) 1r (0) (0) (1) 0n (4) (0) (7) (11) (2) (3) "+strings.Repeat("2o (1) (0) (1) ", 8)+strings.Repeat("4w ", 8)),
}

// playBytes plays the inputs that in stands for.
func playBytes(t testing.TB, in []byte) {
	p := newPlayer(t, in)
	for len(p.in) > 0 && !p.Failed() {
		p.step()
	}
	if !p.Failed() {
		p.finish()
	}
	if p.Failed() {
		p.Logf("inputs:\n%s", p.inputs())
	}
}

// newPlayer returns a player of these bytes, at its first call.
func newPlayer(t testing.TB, in []byte) *player {
	p := &player{TB: t, in: in, now: time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC)}
	start := p.byte()
	m := machine{
		prefix: "cc", ringTime: 20 * time.Second, requestTimeout: 10 * time.Second, routeTimeout: 5 * time.Second,
		settle: time.Minute, lag: 2 * time.Second, causeGrace: 2 * time.Second, queue: 30 * time.Second,
		maxWait: 10 * time.Minute, retention: time.Hour, records: start&2 != 0,
	}
	if start&4 != 0 {
		m.leave.AfterGoodbye = LeaveRoute
	}
	p.m[0], p.m[1] = m, m
	p.m[0].by, p.m[1].by = "one", "two"
	id := callIDOf("cc", fuzzUUID(0))
	if start&1 == 0 {
		p.apply(answered{id: id, callUUID: fuzzUUID(0), from: "14155550123", to: "14155550100"})
	} else {
		p.apply(provisional{id, p.news()})
	}
	return p
}

// What was planned to open a lock does not leave any more once nobody wants the
// supervisor to be heard. FuzzApply found that it did.
func TestR10PlannedOpeningIsTakenBack(t *testing.T) {
	verb := func(o operation) func(*player, *Supervision) {
		return func(p *player, _ *Supervision) { p.apply(ask{op: o, made: new(int)}) }
	}
	for name, over := range map[string]func(*player, *Supervision){
		"leave": verb(operation{Kind: opLeave, Sup: "supa"}),
		"coach": verb(operation{Kind: opMode, Sup: "supa", Mode: ModeCoach}),
		"end":   verb(operation{Kind: opEnd}),
		"gone":  func(p *player, s *Supervision) { p.apply(news{kind: newsExited, mpc: p.c.MPC, member: s.Member}) },
	} {
		t.Run(name, func(t *testing.T) {
			p := newPlayer(t, fuzzBytes(0, strings.Repeat("1w ", 12)+"0a (2) (0) (0)")) // connected; a take-over
			for len(p.in) > 0 {
				p.step()
			}
			opens := func() bool {
				return p.c.hasStep(stepUpdate, func(s *step) bool { return s.Flag == flagCoach && !s.Value })
			}
			for range 30 {
				if opens() {
					break
				}
				p.now = p.now.Add(300 * time.Millisecond)
				p.world()
			}
			if !opens() {
				t.Fatal("the take-over does not come to open the lock")
			}
			over(p, p.c.supervision("supa"))
			if opens() {
				t.Error("the customer is to hear the supervisor all the same")
			}
		})
	}
}

// A player is one call in the hands of two instances.
type player struct {
	testing.TB
	in  []byte
	m   [2]machine
	at  int // which instance acts
	c   Call
	now time.Time
	log []entry
	dup int // digests so far
}

// An entry is an input that was applied.
type entry struct {
	at time.Time
	by string
	in input
}

// inputs tells what was applied, for whoever wants to know how it came to that.
func (p *player) inputs() string {
	var b strings.Builder
	for i, e := range p.log {
		line := fmt.Sprintf("%3d %s %s %T%+v\n", i+1, e.at.Format("15:04:05.000"), e.by, e.in, e.in)
		b.WriteString(strings.ReplaceAll(line, "0001-01-01 00:00:00 +0000 UTC", "-"))
	}
	return b.String()
}

func (p *player) byte() byte {
	if len(p.in) == 0 {
		return 0
	}
	b := p.in[0]
	p.in = p.in[1:]
	return b
}

func (p *player) upTo(n int) int { return int(p.byte()) % n }

func (p *player) fail(format string, args ...any) {
	p.Helper()
	p.Errorf("after input %d: "+format, append([]any{len(p.log)}, args...)...)
}

func fuzzUUID(i int) string { return fmt.Sprintf("00000000-0000-4000-8000-%012d", i) }

func fuzzMPC(i int) string { return fmt.Sprintf("00000000-0000-4000-9000-%012d", i) }

var fuzzAddresses = [...]string{"", "sip:ann@phone.plivo.com", "sip:bob@phone.plivo.com", "sip:lee@phone.plivo.com", "+14155550107"}

func (p *player) supervisor() Supervisor {
	i := p.upTo(3)
	return Supervisor{ID: SupervisorID("sup" + string('a'+rune(i))), Address: fuzzAddresses[3+i%2]}
}

func (p *player) agents() []Agent {
	all := [...]Agent{{ID: "ann", Address: fuzzAddresses[1]}, {ID: "bob", Address: fuzzAddresses[2], ConfirmKey: "5"}, {ID: "eve", Address: fuzzAddresses[1]}}
	b := p.byte()
	var out []Agent
	for i, a := range all {
		if b&(1<<i) != 0 {
			out = append(out, a)
		}
	}
	return out
}

// member is one that the call knows, or any.
func (p *player) member() MemberID {
	i := p.upTo(12)
	if i < len(p.c.Participants) {
		return p.c.Participants[i].Member
	}
	return MemberID(fmt.Sprint(100 + i))
}

// uuid is of a leg that the call knows, of the customer, or any.
func (p *player) uuid() string {
	i := p.upTo(16)
	if i > 1 && i-2 < len(p.c.work.Legs) {
		return p.c.work.Legs[len(p.c.work.Legs)-1-(i-2)].CallUUID
	}
	if i == 1 {
		return ""
	}
	return fuzzUUID(i)
}

func (p *player) mpc() string {
	if i := p.upTo(8); i < 2 {
		return fuzzMPC(1 + i)
	}
	return fuzzMPC(0)
}

func (p *player) guard() repeat {
	if b := p.byte(); b > 200 {
		return repeat{Nonce: uint64(b % 5), Body: uint64(b % 7)}
	} else if b > 100 {
		p.dup++
		return repeat{Nonce: uint64(1000 + p.dup), Body: uint64(1000 + p.dup), Reply: strings.Repeat("x", int(b))}
	}
	return repeat{}
}

var fuzzSteps = [...]time.Duration{0, time.Millisecond, 300 * time.Millisecond, time.Second, 2500 * time.Millisecond, 6 * time.Second, 35 * time.Second, 65 * time.Second,
	-1500 * time.Millisecond, 11 * time.Minute, 0, 0}

// step takes a moment and an input from the bytes.
func (p *player) step() {
	when := p.byte()
	p.at = int(when >> 7)
	switch i := int(when&127) % len(fuzzSteps); i {
	case 10, 11:
		if p.c.Due().After(p.now) {
			p.now = p.c.Due()
		}
	default:
		p.now = p.now.Add(fuzzSteps[i])
	}
	switch fuzzKinds[p.upTo(len(fuzzKinds))] {
	case 'w':
		p.world()
	case 'a':
		p.ask()
	case 't':
		p.apply(tick{})
	case 'c':
		p.claim(p.byte())
	case 'o':
		p.claim(p.byte())
		p.outcome(p.upTo(6), false)
	case 'n':
		p.apply(p.news())
	case 'l':
		p.apply(legNews{
			guard: p.guard(), step: p.upTo(40), call: p.uuid(), to: fuzzAddresses[p.upTo(len(fuzzAddresses))],
			status: [...]CallStatus{"", CallRinging, CallInProgress, CallBusy, CallNoAnswer, CallTimeout, CallCancelled, CallCompleted, "failed"}[p.upTo(9)],
			code:   [...]int{0, 3000, 3010, 3020, 4000, 6010, 9000, 1}[p.upTo(8)], source: [...]string{"", "callee", "Caller", "API"}[p.upTo(4)],
		})
	case 'i':
		p.apply(issue{ticket{Hash: fmt.Sprint("hash", p.upTo(4)), Sup: p.supervisor(), Mode: ModeMonitor + CoachMode(p.upTo(2)),
			TakeOver: p.byte()&1 != 0, Agent: AgentPart(p.upTo(4)), Expires: p.now.Add(time.Minute)}})
	case 'r':
		p.apply(redeem{guard: p.guard(), hash: fmt.Sprint("hash", p.upTo(4)), call: fuzzUUID(50 + p.upTo(4)), used: new(ticket)})
	case 'd':
		id := p.upTo(60)
		if id < len(p.c.work.Ops) {
			id = p.c.work.Ops[id].ID
		}
		p.apply(withdraw{id})
	case 'f':
		p.apply(foundMPC{news{kind: newsOther, mpc: p.mpc()}})
	case 'x':
		if p.byte()&1 == 0 {
			p.apply(recorded{guard: p.guard(), what: "RecordingCompleted"})
		} else {
			p.apply(answeredAgain{p.guard()})
		}
	}
}

// world lets everything that may be sent succeed, and the first phone that
// rings be answered.
func (p *player) world() {
	p.claim(0xff)
	for range len(p.c.work.Steps) {
		p.outcome(0, true)
	}
	if p.c.MPC == "" {
		p.apply(news{kind: newsInitialized, mpc: fuzzMPC(0), member: "100", role: RoleCustomer, call: fuzzUUID(0), addr: "14155550123"})
		return
	}
	for _, l := range p.c.work.Legs {
		if l.State != legOut || l.CallUUID == "" {
			continue
		}
		role := RoleSupervisor
		if l.isAgent() {
			role = RoleAgent
		}
		p.apply(news{kind: newsJoined, mpc: p.c.MPC, member: MemberID(fmt.Sprint(1000 + l.ID)), role: role, call: l.CallUUID, addr: l.To})
		return
	}
}

func (p *player) news() news {
	i := p.byte()
	n := news{guard: p.guard(), kind: newsKind(i % 7), mpc: p.mpc(), role: Role(i / 7 % 4)}
	n.member, n.call, n.addr = p.member(), p.uuid(), fuzzAddresses[p.upTo(len(fuzzAddresses))]
	if i > 200 {
		n.member = ""
	}
	n.flag, n.value = flagMute+flagName(i%3), i&64 != 0
	n.from, n.to = n.addr, "14155550100"
	return n
}

// ask is a verb, as verbs.go brings it.
func (p *player) ask() {
	k := opJoin + opKind(p.upTo(int(opEnd)))
	a := ask{op: operation{Kind: k, Actor: Actor{ID: "desk"}}, made: new(int)}
	switch k {
	case opJoin:
		a.sup = p.supervisor()
		a.op.Mode = ModeMonitor + CoachMode(p.upTo(2))
	case opMode:
		a.sup = p.supervisor()
		a.op.Mode = ModeMonitor + CoachMode(p.upTo(2))
	case opTakeOver:
		a.sup = p.supervisor()
		a.op.Mode, a.op.Part = ModeOpen, AgentPart(p.upTo(4))
	case opHandBack:
		a.sup = p.supervisor()
		a.op.Mode, a.to = CoachMode(p.upTo(3)), p.agents()
	case opLeave:
		a.sup = p.supervisor()
	case opMute, opHold:
		a.op.Member, a.op.Value = p.member(), p.byte()&1 != 0
	case opRemove:
		a.op.Member = p.member()
	case opTransfer:
		a.to = p.agents()
		if len(a.to) == 0 {
			return // refused before it comes here
		}
	case opEnd:
		a.farewell = p.byte()&1 != 0
	}
	a.op.Sup = a.sup.ID
	p.apply(a)
}

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

func (p *player) judge(prev *Call) {
	p.Helper()
	c := &p.c
	if c.State < prev.State {
		p.fail("the state fell from %v to %v", prev.State, c.State)
	}
	for _, old := range prev.Participants {
		if now := c.member(old.Member); now != nil && !old.Live() && now.Live() {
			p.fail("%s, who had left, lives again", old.Member)
		}
	}
	members := map[MemberID]bool{}
	for _, q := range c.Participants {
		if members[q.Member] {
			p.fail("%s is in the books twice", q.Member)
		}
		members[q.Member] = true
	}
	lane, reads, open := 0, 0, map[string]bool{}
	for i := range c.work.Steps {
		s := &c.work.Steps[i]
		if s.Sent && s.lane(c) {
			lane++
		}
		if s.Sent && s.Kind == stepRead {
			reads++
		}
		if who := c.member(s.Member); s.Kind == stepUpdate && !s.Value && who != nil && who.locked(s.Flag) {
			open[string(s.Member)+s.Flag.String()] = true
			if open[string(s.Member)+"mute"] && open[string(s.Member)+"coach_mode"] {
				p.fail("both locks of %s are being opened", s.Member)
			}
		}
	}
	if lane > 1 {
		p.fail("%d requests are on the lane", lane)
	}
	if reads > 2 {
		p.fail("%d reads are under way", reads)
	}
	legs := map[SupervisorID]bool{}
	for i := range c.work.Legs {
		if l := &c.work.Legs[i]; l.open() && !l.isAgent() {
			if legs[l.Sup.ID] {
				p.fail("%s is rung twice", l.Sup.ID)
			}
			legs[l.Sup.ID] = true
		}
	}
	going := map[SupervisorID]bool{}
	for i := range c.Supervisions {
		s := &c.Supervisions[i]
		if s.open() && going[s.ID] {
			p.fail("%s has two supervisions", s.ID)
		}
		going[s.ID] = going[s.ID] || s.open()
	}
	if Spins(*c, p.now) {
		p.fail("due at %v, and nothing can be done", c.Due())
	}
	if c.Due().IsZero() && c.Live() && lane == 0 {
		p.fail("a live call is never due")
	}
	if c.State == StateEnded {
		p.dead()
	}
}

// dead checks that nothing lives in a call that has ended.
func (p *player) dead() {
	p.Helper()
	c := &p.c
	for _, q := range c.Participants {
		if q.Live() {
			p.fail("%s lives in an ended call", q.Member)
		}
	}
	for _, s := range c.Supervisions {
		if s.State != SupervisionEnded || s.Audible {
			p.fail("%s supervises an ended call", s.ID)
		}
	}
	for i := range c.work.Legs {
		if l := &c.work.Legs[i]; l.open() || l.State == legIn {
			p.fail("leg %d is open in an ended call", l.ID)
		}
	}
	for _, o := range c.work.Ops {
		if o.State == opPending {
			p.fail("%v is pending in an ended call", o.Kind)
		}
	}
	for _, s := range c.work.Steps {
		switch s.Kind {
		case stepHangup, stepCancel, stepGhost, stepDrain:
		case stepDial:
			if !s.Sent {
				p.fail("a phone is to be rung for an ended call")
			}
		default:
			p.fail("%v stands in an ended call", s.Kind)
		}
	}
	if c.EndReason == 0 || c.Ended.IsZero() || c.Expires.IsZero() {
		p.fail("ended = %v at %v until %v", c.EndReason, c.Ended, c.Expires)
	}
}

// finish lets a long time pass, after which nothing may be left of the call.
func (p *player) finish() {
	if d := DiffCalls(p.c, p.stored()); d != "" {
		p.fail("a store gives another call back (-want +got):\n%s", d)
	}
	if last := p.c.Created.Add(lastAge + time.Minute); p.now.Before(last) {
		p.now = last
	}
	p.apply(tick{})
	if p.c.State != StateEnded {
		p.fail("a call of that age is %v", p.c.State)
	}
	for range 300 {
		if !p.c.Live() {
			return
		}
		p.claim(0xff)
		for range len(p.c.work.Steps) {
			p.outcome(0, true)
		}
		if due := p.c.Due(); due.After(p.now) {
			p.now = due
			p.apply(tick{})
		}
	}
	p.fail("what is left to do never ends: %+v", p.c.work.Steps)
}
