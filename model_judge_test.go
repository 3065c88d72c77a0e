package coaching_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/mpc-coaching/coaching"
	"github.com/mpc-coaching/coaching/internal/remotestore"
	"github.com/mpc-coaching/coaching/plivotest"
)

// A model is one story being played: the shop, the people, and the judge.
type model struct {
	s     *shop
	r     *rand.Rand
	start time.Time
	n     int
	sum   tally
	boots uint64        // instances started so far
	slow  time.Duration // how long the store takes at most

	mu        sync.Mutex
	instances []modelInstance // at work, oldest first
	customers []*modelCustomer
	failed    string
	log       []string
	pending   int
	trouble   time.Time // faults were on until then
	lossy     time.Time // callbacks failed until then
	faulty    bool
	deaf      bool
	flags     map[string]flagsAt // of every member
}

type flagsAt struct {
	mute, hold, coach bool
	at                time.Time
}

// A modelInstance is one process of the shop.
type modelInstance struct {
	flow  *coaching.Flow
	alive *atomic.Bool // false refuses everything
	stop  func()
}

type modelCustomer struct {
	leg    *plivotest.Leg
	verbs  []*modelVerb
	silent time.Time // since when they hear nothing; zero: they do
	busy   int       // verbs under way
	last   time.Time // the last time anything was done to this call
}

type modelVerb struct {
	name           string
	sup            coaching.SupervisorID
	raises, lowers bool
	called         time.Time
	returned       time.Time // zero: under way
	err            error
	truth          func() string // what is wrong with a nil
}

func newModel(t *testing.T, seed uint64) *model {
	m := &model{r: rand.New(rand.NewPCG(seed, 1)), start: time.Now(), flags: map[string]flagsAt{}}
	o := &plivotest.Options{Seed: seed, CPS: -1, Switches: switchesFor(m.r)}
	if m.r.IntN(4) == 0 {
		o.CPS = 2
	}
	if m.r.IntN(2) == 0 {
		m.slow = 200 * time.Microsecond
	}
	m.s = closed(t, o, func(c *coaching.Config) {
		c.Route = func(_ context.Context, c coaching.Call) (coaching.Next, error) {
			switch n := len(c.Attempts); {
			case n%4 == 3:
				return coaching.Next{Wait: 2 * time.Second}, nil
			case n > 12:
				return coaching.Next{}, nil
			case n%2 == 0:
				return coaching.Next{Ring: []coaching.Agent{agentAnn, agentBob}}, nil
			}
			return coaching.Next{Ring: []coaching.Agent{agentBob}}, nil
		}
		c.RingTime = 20 * time.Second
		if *modelStore != "" {
			store := remotestore.NewClient(*modelStore)
			store.Ahead = time.Until(modelNow) // the bubble's clock begins long ago, the engine's does not
			if err := store.Reset(t.Context()); err != nil {
				t.Fatal(err)
			}
			c.Store = store
		}
	})
	m.s.seed = seed
	// Every phone of the staff may be busy, ring out or refuse.
	for i, a := range []string{ann, bob, lee, mia} {
		plan := plivotest.PhonePlan{After: time.Duration(500+m.r.IntN(4000)) * time.Millisecond}
		if m.r.IntN(6) == 0 {
			plan.Action = []plivotest.Action{plivotest.NoAnswer, plivotest.Busy, plivotest.Reject}[i%3]
		}
		m.s.srv.Phone(a, &plan)
	}
	m.s.srv.OnChange(m.judge)
	m.boot()
	if *modelStore != "" {
		m.second()
	}
	return m
}

// flow returns an instance; verbs may come to any.
func (m *model) flow() *coaching.Flow {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.instances[m.r.IntN(len(m.instances))].flow
}

func (m *model) fail(format string, args ...any) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.failed == "" {
		m.failed = fmt.Sprintf(format, args...) + fmt.Sprintf(" (at %v)", time.Since(m.start))
	}
}

func (m *model) wrong() string {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.failed
}

func (m *model) addCustomer(l *plivotest.Leg) {
	m.note("customer %s calls", l.UUID()[:8])
	m.mu.Lock()
	defer m.mu.Unlock()
	m.customers = append(m.customers, &modelCustomer{leg: l, last: time.Now()})
}

func (m *model) liveCustomers() (n int) {
	for _, c := range m.customers {
		if c.leg.State() != plivotest.Ended {
			n++
		}
	}
	return n
}

// pick returns a customer who is on the line.
func (m *model) pick(i int) *modelCustomer {
	var live []*modelCustomer
	for _, c := range m.customers {
		if c.leg.State() != plivotest.Ended {
			live = append(live, c)
		}
	}
	if len(live) == 0 {
		return nil
	}
	return live[i%len(live)]
}

// book returns the customer's call as the books have it.
func (m *model) book(c *modelCustomer) (coaching.Call, bool) {
	for call, err := range m.flow().Calls(context.Background(), coaching.CallFilter{}) {
		if err == nil && call.CallUUID == c.leg.UUID() {
			return call, true
		}
	}
	return coaching.Call{}, false
}

func (m *model) touchAll() {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, c := range m.customers {
		c.last = time.Now()
	}
}

// run runs a verb in a goroutine and judges its answer.
func (m *model) run(c *modelCustomer, v *modelVerb, do func(context.Context) error) {
	m.note("%s %s on %s", v.name, v.sup, c.leg.UUID()[:8])
	m.mu.Lock()
	m.sum.verbs++
	m.pending++
	c.verbs = append(c.verbs, v)
	c.busy++
	c.last = time.Now()
	alone := c.busy == 1
	patience := time.Duration(2+m.r.IntN(60)) * time.Second
	m.mu.Unlock()
	go func() {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		err := do(ctx)
		wrong := ""
		if err == nil && v.truth != nil {
			wrong = v.truth()
		}
		m.note("%s %s on %s = %v", v.name, v.sup, c.leg.UUID()[:8], err)
		m.mu.Lock()
		m.pending--
		v.returned, v.err = time.Now(), err
		c.busy--
		disturbed := !alone || c.busy > 0 || c.last.After(v.called)
		c.last = time.Now()
		if err == nil {
			m.sum.nils++
		}
		m.mu.Unlock()
		if wrong != "" && !disturbed && c.leg.State() != plivotest.Ended {
			m.fail("untrue answer: %s of %s returned nil: %s", v.name, v.sup, wrong)
		}
		if err != nil && !expected(err) {
			m.fail("untyped error: %s: %v", v.name, err)
		}
		m.judge()
	}()
}

func expected(err error) bool {
	for _, e := range []error{coaching.ErrConflict, coaching.ErrNotApplied, coaching.ErrUnknown, coaching.ErrCallEnded, coaching.ErrNotFound,
		coaching.ErrInvalid, coaching.ErrNotRunning, errDead} {
		if errors.Is(err, e) {
			return true
		}
	}
	return false
}

// inCall returns the supervisor's leg that is in the customer's call.
func (m *model) inCall(c *modelCustomer, sup coaching.SupervisorID) *plivotest.Leg {
	mpc := c.leg.MPCUUID()
	for _, l := range m.s.srv.Phone(addressOf(sup), nil).Calls() {
		if mpc != "" && l.MPCUUID() == mpc {
			return l
		}
	}
	return nil
}

func addressOf(sup coaching.SupervisorID) string {
	if sup == "lee" {
		return lee
	}
	return mia
}

// truth says what is wrong with a mode that was confirmed.
func (m *model) truth(c *modelCustomer, sup coaching.SupervisorID, want coaching.CoachMode) string {
	l := m.inCall(c, sup)
	if l == nil {
		return ""
	}
	p, ok := m.participant(l.MemberID())
	if !ok || m.justChanged(p.MemberID) {
		return ""
	}
	if p.Mute != (want == coaching.ModeMonitor) || p.CoachMode != (want != coaching.ModeOpen) {
		return fmt.Sprintf("want %v, have mute=%v coach_mode=%v", want, p.Mute, p.CoachMode)
	}
	return ""
}

func (m *model) flagTruth(c *modelCustomer, member coaching.MemberID, mute bool) string {
	if p, ok := m.participant(string(member)); ok && p.In() && !m.justChanged(p.MemberID) && p.Mute != mute && c.leg.MPCUUID() != "" {
		return fmt.Sprintf("member %s has mute=%v", member, p.Mute)
	}
	return ""
}

// justChanged reports whether a member's flags changed within the time by
// which reads may be stale: a request of long ago that lands just then can
// make any answer untrue.
func (m *model) justChanged(member string) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return time.Since(m.flags[member].at) < 2100*time.Millisecond
}

func (m *model) participant(member string) (plivotest.Participant, bool) {
	for _, x := range m.s.srv.MPCs() {
		for _, p := range x.Participants {
			if p.MemberID == member {
				return p, true
			}
		}
	}
	return plivotest.Participant{}, false
}

// judge is called at every instant in which audio may have changed.
func (m *model) judge() {
	m.mu.Lock()
	customers := append([]*modelCustomer(nil), m.customers...)
	m.mu.Unlock()
	for _, x := range m.s.srv.MPCs() {
		for _, p := range x.Participants {
			m.mu.Lock()
			f, known := m.flags[p.MemberID]
			changed := !known || f.mute != p.Mute || f.hold != p.Hold || f.coach != p.CoachMode
			if changed {
				m.flags[p.MemberID] = flagsAt{p.Mute, p.Hold, p.CoachMode, time.Now()}
			}
			m.mu.Unlock()
			if changed && p.Role == "agent" && (p.Mute && !f.mute || p.Hold && !f.hold) && !m.mayBeSilenced(x) {
				m.fail("silenced: nobody asked for mute=%v hold=%v of agent %s", p.Mute, p.Hold, p.MemberID)
			}
		}
	}
	staff := map[string][]*plivotest.Leg{}
	for _, a := range []string{ann, bob, lee, mia} {
		for _, l := range m.s.srv.Phone(a, nil).Calls() {
			if l.State() == plivotest.InProgress {
				staff[a] = append(staff[a], l)
			}
		}
	}
	for _, c := range customers {
		company := false
		for a, legs := range staff {
			for _, l := range legs {
				if !m.s.srv.Hears(c.leg, l) {
					continue
				}
				company = true
				sup := coaching.SupervisorID(strings.TrimSuffix(strings.TrimPrefix(a, "sip:"), "@phone.plivo.com"))
				if (a == lee || a == mia) && !m.mayHear(c, sup) {
					m.fail("heard: the customer hears %s", sup)
				}
			}
		}
		m.silence(c, company)
	}
	for _, a := range []string{lee, mia} {
		legs := map[string]int{}
		for _, l := range m.s.srv.Phone(a, nil).Calls() {
			if id := l.Headers()["X-PH-Callid"]; id != "" && l.State() != plivotest.Ended {
				if legs[id]++; legs[id] > 1 {
					m.fail("double dial: %s has two live legs for one call", a)
				}
			}
		}
	}
}

// mayBeSilenced reports whether a verb was ever called on the call that mutes
// or holds agents: supervision alone changes nobody else's flags.
func (m *model) mayBeSilenced(x plivotest.MPC) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, c := range m.customers {
		if !slices.ContainsFunc(x.Participants, func(p plivotest.Participant) bool { return p.CallUUID == c.leg.UUID() }) {
			continue
		}
		for _, v := range c.verbs {
			if v.raises || v.name == "Mute" || v.name == "Hold" {
				return true
			}
		}
	}
	return false
}

// mayHear reports whether a raising verb is in force: called, not failed, and
// not followed by a lowering verb that returned nil.
func (m *model) mayHear(c *modelCustomer, sup coaching.SupervisorID) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	grace := 12 * time.Second // an unknown raise is being closed
	if m.faulty || time.Since(m.trouble) < 70*time.Second {
		grace = 150 * time.Second // ... while the API fails
	}
	for _, v := range c.verbs {
		if v.sup != sup || !v.raises {
			continue
		}
		lowered, replaced := false, false
		for _, w := range c.verbs {
			if w.sup != sup || !w.lowers {
				continue
			}
			// At the same instant either may come first.
			replaced = replaced || w.returned.IsZero() || !w.returned.Before(v.called)
			lowered = lowered || w.called.After(v.called) && !w.returned.IsZero() && w.err == nil
		}
		if lowered {
			continue
		}
		switch {
		case v.returned.IsZero(), v.err == nil:
			return true
		case errors.Is(v.err, context.DeadlineExceeded):
			return true // the operation goes on
		case strings.Contains(v.err.Error(), "Run has returned"):
			return true // and on with the next instance
		case errors.Is(v.err, coaching.ErrUnknown) && time.Since(v.returned) < grace:
			return true
		case errors.Is(v.err, coaching.ErrConflict) && replaced, errors.Is(v.err, errDead):
			return true
		case strings.Contains(v.err.Error(), "the agent's part"):
			return true
		}
	}
	return false
}

// silence keeps the time for which a customer has heard nothing at all.
func (m *model) silence(c *modelCustomer, company bool) {
	quiet := c.leg.State() == plivotest.InProgress && !company && (c.leg.Listening() == "mpc" || c.leg.Listening() == "silence")
	now := time.Now()
	m.mu.Lock()
	since := c.silent
	if !quiet {
		c.silent = time.Time{}
	} else if since.IsZero() {
		c.silent = now
	}
	from := since
	for _, t := range []time.Time{m.trouble, m.lossy} { // the bound holds once faults have ended
		if from.Before(t) {
			from = t
		}
	}
	faulty := m.faulty || m.deaf
	m.mu.Unlock()
	if !since.IsZero() && !faulty && now.Sub(from) > 75*time.Second {
		m.fail("silence: customer %s heard nothing for %v", c.leg.UUID()[:8], now.Sub(since))
	}
}
