package coaching_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/mpc-coaching/coaching"
	"github.com/mpc-coaching/coaching/plivotest"
)

// Ears listen at every instant in which audio could have changed, and hold the
// first promise against what they hear: a customer hears a supervisor only from
// the call of a raising verb until a lowering is confirmed. They know which
// verbs were called and what the books say, never what the library means to do.
// Two more things are judged at each instant: whoever is heard is Audible in
// the books, and (the vigil) for how long the customer heard nothing at all.
type ears struct {
	*vigil
	mu     sync.Mutex
	raised map[raiseKey]*raise
	faults []string
}

type raiseKey struct {
	call coaching.CallID
	addr string
}

// A raise lasts from the call of a verb until the books say that the
// supervisor is not audible and is not meant to be, with no verb under way.
type raise struct {
	sup   coaching.SupervisorID
	verbs int // under way
}

// listen begins to listen, on behalf of every customer; the vigil is kept over
// one. Whatever the ears object to fails the test when it ends.
func (s *shop) listen(customer *plivotest.Leg) *ears {
	e := &ears{vigil: &vigil{s: s, customer: customer}, raised: map[raiseKey]*raise{}}
	s.srv.OnChange(e.look)
	s.t.Cleanup(func() {
		e.look()
		s.srv.OnChange(nil)
		for _, f := range e.heardWrongly() {
			s.t.Error(f)
		}
	})
	return e
}

// raising notes that a verb which raises a supervisor is about to be called;
// what it returns is called when the verb has returned.
func (e *ears) raising(id coaching.CallID, sup coaching.Supervisor) (returned func()) {
	e.mu.Lock()
	defer e.mu.Unlock()
	k := raiseKey{id, sup.Address}
	r := e.raised[k]
	if r == nil {
		r = &raise{sup: sup.ID}
		e.raised[k] = r
	}
	r.verbs++
	return func() {
		e.mu.Lock()
		r.verbs--
		e.mu.Unlock()
		e.look()
	}
}

// takeOver calls TakeOver within earshot.
func (e *ears) takeOver(ctx context.Context, f *coaching.Flow, id coaching.CallID, sup coaching.Supervisor, part coaching.AgentPart) (coaching.Supervision, error) {
	defer e.raising(id, sup)()
	return f.TakeOver(ctx, id, sup, &coaching.TakeOverOptions{Agent: part})
}

// heardWrongly returns what was wrong so far.
func (e *ears) heardWrongly() []string {
	e.mu.Lock()
	defer e.mu.Unlock()
	return append([]string(nil), e.faults...)
}

func (e *ears) look() {
	if e.vigil.customer != nil {
		e.vigil.look()
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	for k, r := range e.raised {
		if c, err := e.s.cfg.Store.Get(context.Background(), k.call); err == nil && r.verbs == 0 {
			if v, ok := c.Supervision(r.sup); ok && !v.Audible && v.Want != coaching.ModeOpen {
				delete(e.raised, k) // lowered, the books say
			}
		}
	}
	for _, x := range e.s.srv.MPCs() {
		for _, c := range x.Participants {
			for _, p := range x.Participants {
				if c.Role == "customer" && p.Role == "supervisor" && c.In() && p.In() && e.s.srv.Hears(e.s.srv.Leg(c.CallUUID), e.s.srv.Leg(p.CallUUID)) {
					e.heardNow(coaching.CallID(x.Name), p)
				}
			}
		}
	}
}

func (e *ears) heardNow(id coaching.CallID, p plivotest.Participant) {
	if e.raised[raiseKey{id, p.Address}] == nil {
		e.wrong("the customer hears %s, whom nobody raised, or who was confirmed lowered", p.Address)
	}
	c, err := e.s.cfg.Store.Get(context.Background(), id)
	if err != nil {
		return
	}
	for _, v := range c.Supervisions {
		if v.Member == coaching.MemberID(p.MemberID) && !v.Audible {
			e.wrong("the customer hears %s, who is not Audible in the books", p.Address)
		}
	}
}

func (e *ears) wrong(format string, args ...any) {
	if len(e.faults) < 4 {
		e.faults = append(e.faults, fmt.Sprintf(format, args...)+" (at "+time.Now().UTC().Format("15:04:05.000")+")")
	}
}

// The ears must be able to object, or they prove nothing.
func TestEarsObject(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := open(t, nil)
		c, _, id := s.connected()
		e := s.listen(c)
		if _, err := s.flow.AddSupervisor(t.Context(), id, supLee, nil); err != nil {
			t.Fatalf("AddSupervisor = %v", err)
		}
		if _, err := e.takeOver(t.Context(), s.flow, id, supLee, coaching.AgentKeep); err != nil {
			t.Fatalf("TakeOver = %v", err)
		}
		if _, err := s.flow.HandBack(t.Context(), id, "lee", nil); err != nil {
			t.Fatalf("HandBack = %v", err)
		}
		if got := e.heardWrongly(); got != nil {
			t.Errorf("the ears object to a take-over: %q", got)
		}
		s.foreign(s.leg(lee), coaching.ParticipantUpdate{CoachMode: ptr(false)})
		after(time.Second)
		if got := e.heardWrongly(); len(got) < 2 {
			t.Errorf("somebody else opened both locks, and the ears object to %q", got)
		}
		e.mu.Lock()
		e.faults = nil // it was meant so
		e.mu.Unlock()
		if v, _ := s.book(id).Supervision("lee"); v.State != coaching.SupervisionJoined {
			t.Fatalf("lee is %v", v.State)
		}
		s.eventually("the library closes what somebody else opened", func() bool { return !s.srv.Hears(c, s.leg(lee)) })
		e.mu.Lock()
		e.faults = nil
		e.mu.Unlock()
	})
}
