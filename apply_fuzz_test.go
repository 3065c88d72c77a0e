package coaching

import (
	"fmt"
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
