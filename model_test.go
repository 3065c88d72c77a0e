package coaching_test

import (
	"context"
	"flag"
	"fmt"
	"math/rand/v2"
	"reflect"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/mpc-coaching/coaching"
	"github.com/mpc-coaching/coaching/plivotest"
)

// The model-based test: random people, verbs, faults and crashes against the
// emulator, with the promises judged by the emulator's own audio at every
// instant. A story is a list of moves, each of which makes sense whatever came
// before it, so that a failing story can be cut down to a short one.

var (
	modelSteps = flag.Int("model.steps", 20000, "moves of the model-based test in all")
	modelFrom  = flag.Uint64("model.from", 1, "the first seed")
	modelSeed  = flag.Uint64("model.seed", 0, "play this seed alone, and print its story")
	modelStore = flag.String("model.store", "", "keep the calls behind this `address` of internal/remotestore, two instances from the start")
	modelNow   = time.Now()
)

const movesPerStory = 60

// A move is one thing that happens: what, to whom, and how long until the next.
type move struct {
	do   int // index into moveNames
	a, b int // who and how, taken modulo what there is
	wait time.Duration
}

var moveNames = []string{
	"customer calls", "customer hangs up", "agent hangs up", "supervisor hangs up",
	"AddSupervisor", "Barge", "TakeOver", "TakeOver", "HandBack", "SetMode", "SetMode", "Leave",
	"Hold", "Resume", "Mute", "Unmute", "Remove", "Transfer", "End", "Ticket",
	"faults on", "faults off", "callbacks fail", "callbacks work", "crash", "second instance", "wait",
}

func (m move) String() string {
	return fmt.Sprintf("%s %d/%d, %v", moveNames[m.do], m.a, m.b, m.wait)
}

func newStory(seed uint64) story {
	r := rand.New(rand.NewPCG(seed, 7))
	out := story{{do: 0, wait: 4 * time.Second}}
	for len(out) < movesPerStory {
		wait := time.Duration(r.IntN(3000)) * time.Millisecond
		switch r.IntN(8) {
		case 0:
			wait = 0
		case 1:
			wait = time.Duration(r.IntN(40)) * time.Second
		}
		out = append(out, move{r.IntN(len(moveNames)), r.IntN(12), r.IntN(12), wait})
	}
	return out
}

func TestModel(t *testing.T) {
	seeds := []uint64{*modelSeed}
	if *modelSeed == 0 {
		seeds = nil
		for i := range *modelSteps / movesPerStory {
			seeds = append(seeds, *modelFrom+uint64(i))
		}
	}
	var sum tally
	for _, seed := range seeds {
		story := newStory(seed)
		got := play(t, seed, story, *modelSeed != 0)
		sum.add(got.tally)
		if got.wrong == "" {
			continue
		}
		kind := kindOf(got.wrong)
		short := shorten(story, func(s []move) bool { return kindOf(play(t, seed, s, false).wrong) == kind })
		last := play(t, seed, short, true)
		if kindOf(last.wrong) != kind { // only where the scheduler has a say, as under the race detector
			short, last = story, got
		}
		if *modelSeed != 0 {
			t.Logf("%s\n%s", last.timeline, last.log)
		}
		t.Fatalf("seed %d: %s\nthe story, cut down:%s\nreplay: go test -run TestModel -model.seed %d .", seed, last.wrong, short, seed)
	}
	t.Logf("%d stories, %d moves, %d verbs (%d nil), %d request faults, %d callback faults, %d crashes", len(seeds), sum.moves, sum.verbs, sum.nils, sum.faults, sum.callbacks, sum.crashes)
	if sum.nils == 0 || *modelSeed == 0 && (sum.faults == 0 || sum.callbacks == 0 || sum.crashes == 0) {
		t.Error("the stories did not do what they are for")
	}
}

func kindOf(wrong string) string {
	kind, _, _ := strings.Cut(wrong, ":")
	return kind
}

type story []move

func (s story) String() string {
	var b strings.Builder
	for _, m := range s {
		fmt.Fprintf(&b, "\n\t%v", m)
	}
	return b.String()
}

// shorten cuts a failing story down, chunk by chunk: away, or to a wait of the
// same length.
func shorten(s story, fails func([]move) bool) story {
	for n := len(s) / 2; n > 0; n /= 2 {
		for i := 0; i+n <= len(s); {
			var gone time.Duration
			for _, m := range s[i : i+n] {
				gone += m.wait
			}
			away := append(slices.Clone(s[:i]), s[i+n:]...)
			wait := append(append(slices.Clone(s[:i]), move{do: len(moveNames) - 1, wait: gone}), s[i+n:]...)
			switch {
			case len(away) > 0 && fails(away):
				s = away
			case n > 1 && fails(wait):
				s = wait
				i++
			default:
				i += n
			}
		}
	}
	return s
}

type tally struct{ moves, verbs, nils, faults, callbacks, crashes int }

func (s *tally) add(o tally) {
	s.moves += o.moves
	s.verbs += o.verbs
	s.nils += o.nils
	s.faults += o.faults
	s.callbacks += o.callbacks
	s.crashes += o.crashes
}

// An outcome is what became of a story.
type outcome struct {
	tally         tally
	wrong         string // "" if nothing went wrong
	timeline, log string // where asked for
}

// play plays a story in a bubble. On one processor, and undisturbed by the
// collector, goroutines that are woken at one instant run in the order in which
// they were woken: the same seed tells the same story.
func play(t *testing.T, seed uint64, s story, keep bool) (out outcome) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	runtime.GC()
	defer debug.SetGCPercent(debug.SetGCPercent(-1))
	synctest.Test(t, func(t *testing.T) {
		m := newModel(t, seed)
		for _, mv := range s {
			m.sum.moves++
			m.move(mv)
			time.Sleep(mv.wait)
			if m.wrong() != "" {
				break
			}
		}
		if m.wrong() == "" {
			m.settle()
		}
		m.s.close()
		out.tally, out.wrong = m.sum, m.wrong()
		if keep {
			var b strings.Builder
			_ = m.s.srv.WriteTimeline(&b)
			out.timeline, out.log = b.String(), strings.Join(m.log, "\n")
		}
	})
	return out
}

// switchesFor draws every one of the emulator's switches for what no source
// settles, those of a later version too.
func switchesFor(r *rand.Rand) (s plivotest.Switches) {
	v := reflect.ValueOf(&s).Elem()
	for i := range v.NumField() {
		if r.IntN(4) != 0 {
			continue
		}
		switch f := v.Field(i).Addr().Interface().(type) {
		case *bool:
			*f = true
		case *time.Duration:
			*f = time.Duration(r.IntN(2000)) * time.Millisecond
		}
	}
	return s
}

func (m *model) note(format string, args ...any) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.log = append(m.log, fmt.Sprintf("%v %s", time.Since(m.start), fmt.Sprintf(format, args...)))
}

// move does one move.
func (m *model) move(mv move) {
	switch name := moveNames[mv.do]; name {
	case "customer calls":
		if m.liveCustomers() < 3 {
			m.n++
			from := fmt.Sprintf("1415555%04d", 200+m.n)
			m.s.srv.Phone(from, nil)
			m.addCustomer(m.s.srv.Dial(from, hotline, nil))
		}
	case "customer hangs up":
		if c := m.pick(mv.a); c != nil && mv.b < 4 {
			c.leg.Hangup()
		}
	case "agent hangs up", "supervisor hangs up":
		who := []string{ann, bob}
		if name == "supervisor hangs up" {
			who = []string{lee, mia}
		}
		for _, l := range m.s.srv.Phone(who[mv.a%2], nil).Calls() {
			if l.State() == plivotest.InProgress {
				l.Hangup()
				break
			}
		}
	case "faults on":
		m.setFaults(1 + mv.a)
	case "faults off":
		m.setFaults(0)
	case "callbacks fail":
		m.setCallbackFaults(1 + mv.a)
	case "callbacks work":
		m.setCallbackFaults(0)
	case "crash":
		m.crash(mv.a)
	case "second instance":
		m.second()
	case "wait":
		time.Sleep(time.Duration(mv.a) * time.Second)
	default:
		if c := m.pick(mv.a); c != nil {
			m.verb(c, name, mv)
		}
	}
}

// verb starts a verb in a goroutine of its own.
func (m *model) verb(c *modelCustomer, name string, mv move) {
	call, ok := m.book(c)
	if !ok {
		return
	}
	sup := []coaching.Supervisor{supLee, supMia}[mv.b%2]
	part := coaching.AgentPart(mv.b / 2 % 4)
	mode := []coaching.CoachMode{coaching.ModeMonitor, coaching.ModeCoach}[mv.b/2%2]
	var member coaching.MemberID
	if n := len(call.Participants); n > 0 {
		member = call.Participants[mv.b%n].Member
	}
	id, flow := call.ID, m.flow()
	var do func(context.Context) error
	v := &modelVerb{name: name, sup: sup.ID, called: time.Now()}
	switch name {
	case "AddSupervisor":
		do = func(ctx context.Context) error { _, err := flow.AddSupervisor(ctx, id, sup, nil); return err }
	case "Barge":
		do = func(ctx context.Context) error {
			_, err := flow.Barge(ctx, id, sup, &coaching.JoinOptions{Mode: mode})
			return err
		}
	case "TakeOver":
		v.raises = true
		do = func(ctx context.Context) error {
			_, err := flow.TakeOver(ctx, id, sup, &coaching.TakeOverOptions{Agent: part})
			return err
		}
		v.truth = func() string { return m.truth(c, sup.ID, coaching.ModeOpen) }
	case "HandBack":
		v.lowers = true
		do = func(ctx context.Context) error { _, err := flow.HandBack(ctx, id, sup.ID, nil); return err }
	case "SetMode":
		v.lowers = true
		do = func(ctx context.Context) error { return flow.SetMode(ctx, id, sup.ID, mode) }
		v.truth = func() string { return m.truth(c, sup.ID, mode) }
	case "Leave":
		v.lowers = true
		do = func(ctx context.Context) error { return flow.Leave(ctx, id, sup.ID) }
		v.truth = func() string {
			if l := m.inCall(c, sup.ID); l != nil {
				return "the supervisor is still in the call"
			}
			return ""
		}
	case "Hold":
		do = func(ctx context.Context) error { return flow.Hold(ctx, id, member) }
	case "Resume":
		do = func(ctx context.Context) error { return flow.Resume(ctx, id, member) }
	case "Mute":
		do = func(ctx context.Context) error { return flow.Mute(ctx, id, member) }
		v.truth = func() string { return m.flagTruth(c, member, true) }
	case "Unmute":
		do = func(ctx context.Context) error { return flow.Unmute(ctx, id, member) }
		v.truth = func() string { return m.flagTruth(c, member, false) }
	case "Remove":
		if p, ok := call.Participant(member); ok && p.Live() && p.Supervisor != "" {
			v.lowers, v.sup = true, p.Supervisor
		}
		do = func(ctx context.Context) error { return flow.Remove(ctx, id, member) }
	case "Transfer":
		to := []coaching.Agent{agentBob, agentAnn}[mv.b%2]
		do = func(ctx context.Context) error {
			return flow.Transfer(ctx, id, coaching.Next{Ring: []coaching.Agent{to}})
		}
	case "End":
		if mv.b > 2 {
			return // rarely, or nothing lives long
		}
		do = func(ctx context.Context) error { return flow.End(ctx, id, nil) }
	case "Ticket":
		v.raises = part == coaching.AgentHold
		do = func(ctx context.Context) error {
			tk, err := flow.Ticket(ctx, id, sup, &coaching.TicketOptions{Mode: mode, TakeOver: v.raises, TTL: 10 * time.Minute})
			if err == nil {
				k, val := tk.Header()
				m.s.srv.Dial(string(sup.Address), hotline, map[string]string{k: val})
			}
			return err
		}
	}
	m.run(c, v, do)
}

// settle stops the faults, lets things come to rest and compares the books
// with the truth.
func (m *model) settle() {
	m.setFaults(0)
	m.setCallbackFaults(0)
	m.note("settling")
	time.Sleep(60 * time.Second) // until the last late effect has landed
	time.Sleep(100 * time.Second)
	m.compare()
	for _, c := range m.customers {
		if c.leg.State() != plivotest.Ended {
			c.leg.Hangup()
		}
	}
	time.Sleep(100 * time.Second)
	for _, x := range m.s.srv.MPCs() {
		if x.Status != "Ended" {
			m.fail("zombie MPC: %s is %s after everybody left", x.Name, x.Status)
		}
	}
	for c, err := range m.flow().Calls(context.Background(), coaching.CallFilter{}) {
		if err == nil {
			m.fail("zombie call: %s is %v in the books after everybody left", c.ID, c.State)
		}
	}
	m.mu.Lock()
	pending := m.pending
	m.mu.Unlock()
	if pending != 0 {
		m.fail("stuck verbs: %d", pending)
	}
}

// compare says where the books differ from Plivo's truth.
func (m *model) compare() {
	live := map[string]plivotest.MPC{}
	for _, x := range m.s.srv.MPCs() {
		if x.Status != "Ended" {
			live[x.Name] = x
		}
	}
	for c, err := range m.flow().Calls(context.Background(), coaching.CallFilter{}) {
		if err != nil {
			m.fail("books: %v", err)
			return
		}
		x, ok := live[string(c.ID)]
		if !ok {
			m.fail("books differ: %s is %v in the books, and over at Plivo", c.ID, c.State)
			continue
		}
		delete(live, string(c.ID))
		truth := map[coaching.MemberID]plivotest.Participant{}
		for _, p := range x.Participants {
			if p.In() {
				truth[coaching.MemberID(p.MemberID)] = p
			}
		}
		for _, p := range c.Participants {
			q, in := truth[p.Member]
			switch {
			case p.Live() != in:
				m.fail("books differ: member %s live=%v, truth %v", p.Member, p.Live(), in)
			case !in:
			case p.Muted != q.Mute, p.Held != q.Hold, p.Role == coaching.RoleSupervisor && p.Coaching != q.CoachMode:
				m.fail("books differ: %s %s muted=%v held=%v coaching=%v, truth %+v", p.Role, p.Member, p.Muted, p.Held, p.Coaching, q)
			}
			delete(truth, p.Member)
		}
		for id := range truth {
			m.fail("books differ: member %s is not in them", id)
		}
	}
	for name := range live {
		m.fail("books differ: the live MPC %s is not in them", name)
	}
}
