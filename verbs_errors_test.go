package coaching_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/mpc-coaching/coaching"
	"github.com/mpc-coaching/coaching/plivotest"
)

// A verbCall is one verb with the arguments that a table varies.
type verbCall struct {
	name   string
	needs  string // "supervisor", "member" or ""
	noRun  bool   // works without Run
	onOver error  // for an ended call, if not ErrCallEnded
	call   func(f *coaching.Flow, ctx context.Context, id coaching.CallID, sup coaching.Supervisor, m coaching.MemberID) error
}

func verbCalls() []verbCall {
	type (
		flow = *coaching.Flow
		ctxt = context.Context
		cid  = coaching.CallID
		sup  = coaching.Supervisor
		mid  = coaching.MemberID
	)
	none := errors.New("none")
	return []verbCall{
		{"AddSupervisor", "supervisor", false, nil, func(f flow, c ctxt, id cid, s sup, _ mid) error { _, err := f.AddSupervisor(c, id, s, nil); return err }},
		{"Barge", "supervisor", false, nil, func(f flow, c ctxt, id cid, s sup, _ mid) error { _, err := f.Barge(c, id, s, nil); return err }},
		{"TakeOver", "supervisor", false, nil, func(f flow, c ctxt, id cid, s sup, _ mid) error { _, err := f.TakeOver(c, id, s, nil); return err }},
		{"Ticket", "supervisor", true, nil, func(f flow, c ctxt, id cid, s sup, _ mid) error { _, err := f.Ticket(c, id, s, nil); return err }},
		{"HandBack", "supervisor", false, nil, func(f flow, c ctxt, id cid, s sup, _ mid) error { _, err := f.HandBack(c, id, s.ID, nil); return err }},
		{"SetMode", "supervisor", false, nil, func(f flow, c ctxt, id cid, s sup, _ mid) error { return f.SetMode(c, id, s.ID, coaching.ModeMonitor) }},
		{"Leave", "supervisor", false, none, func(f flow, c ctxt, id cid, s sup, _ mid) error { return f.Leave(c, id, s.ID) }},
		{"Await", "supervisor", true, coaching.ErrNotFound, func(f flow, c ctxt, id cid, s sup, _ mid) error { _, err := f.Await(c, id, s.ID); return err }},
		{"Hold", "member", false, nil, func(f flow, c ctxt, id cid, _ sup, m mid) error { return f.Hold(c, id, m) }},
		{"Resume", "member", false, nil, func(f flow, c ctxt, id cid, _ sup, m mid) error { return f.Resume(c, id, m) }},
		{"Mute", "member", false, nil, func(f flow, c ctxt, id cid, _ sup, m mid) error { return f.Mute(c, id, m) }},
		{"Unmute", "member", false, nil, func(f flow, c ctxt, id cid, _ sup, m mid) error { return f.Unmute(c, id, m) }},
		{"Remove", "member", false, nil, func(f flow, c ctxt, id cid, _ sup, m mid) error { return f.Remove(c, id, m) }},
		{"Transfer", "", false, nil, func(f flow, c ctxt, id cid, _ sup, _ mid) error {
			return f.Transfer(c, id, coaching.Next{Ring: []coaching.Agent{agentBob}})
		}},
		{"End", "", false, none, func(f flow, c ctxt, id cid, _ sup, _ mid) error { return f.End(c, id, nil) }},
		{"Call", "", true, none, func(f flow, c ctxt, id cid, _ sup, _ mid) error { _, err := f.Call(c, id); return err }},
	}
}

func TestVerbErrors(t *testing.T) {
	for _, v := range verbCalls() {
		t.Run(v.name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				s := open(t, nil)
				c, a, id := s.connected()
				m := member(a)
				unknown := id[:len(id)-4] + "0000"
				check := func(what string, err, want error) {
					t.Helper()
					if !errors.Is(err, want) {
						t.Errorf("%s(%s) = %v, want %v", v.name, what, err, want)
					}
				}
				ctx := t.Context()
				requests := len(s.srv.Requests())
				check("unknown call", v.call(s.flow, ctx, unknown, supLee, m), coaching.ErrNotFound)
				for _, bad := range []coaching.CallID{"", "short", id + "/", id + "é", coaching.CallID(fmt.Sprintf("%065d", 0))} {
					check("malformed call "+string(bad), v.call(s.flow, ctx, bad, supLee, m), coaching.ErrInvalid)
				}
				switch v.needs {
				case "supervisor":
					for _, bad := range []coaching.SupervisorID{"", "a b", "lee/", "ünal"} {
						check("malformed supervisor "+string(bad), v.call(s.flow, ctx, id, coaching.Supervisor{ID: bad, Address: lee}, m), coaching.ErrInvalid)
					}
					switch v.name {
					case "AddSupervisor", "Barge", "TakeOver":
						for _, bad := range []string{"", "nowhere", "sip:", "sip:lee", "sip:a<b@x", "0123", "14155550100;14155550101"} {
							check("bad address "+bad, v.call(s.flow, ctx, id, coaching.Supervisor{ID: "lee", Address: bad}, m), coaching.ErrInvalid)
						}
						check("bad key", v.call(s.flow, ctx, id, coaching.Supervisor{ID: "lee", Address: lee, ConfirmKey: "12"}, m), coaching.ErrInvalid)
						check("long name", v.call(s.flow, ctx, id, coaching.Supervisor{ID: "lee", Address: lee, Name: fmt.Sprintf("%051d", 0)}, m), coaching.ErrInvalid)
					case "Ticket":
					default:
						check("nobody of that id", v.call(s.flow, ctx, id, supLee, m), coaching.ErrNotFound)
					}
				case "member":
					for _, bad := range []coaching.MemberID{"", "x", "all", "1001,1002", "1/../2"} {
						check("malformed member "+string(bad), v.call(s.flow, ctx, id, supLee, bad), coaching.ErrInvalid)
					}
					check("nobody of that id", v.call(s.flow, ctx, id, supLee, "999999"), coaching.ErrNotFound)
				}
				if n := len(s.srv.Requests()); n != requests {
					t.Errorf("%d requests were sent for refused verbs", n-requests)
				}

				c.Hangup()
				after(10 * time.Second)
				err := v.call(s.flow, ctx, id, supLee, m)
				switch want := v.onOver; {
				case want == nil:
					check("ended call", err, coaching.ErrCallEnded)
				case errors.Is(want, coaching.ErrNotFound):
					check("ended call", err, coaching.ErrNotFound)
				case err != nil:
					t.Errorf("%s(ended call) = %v, want nil", v.name, err)
				}
			})
		})
	}
}

// Without a Run a verb that needs one waits a second for it, and is refused;
// after Run has returned, at once. Nothing is stored.
func TestVerbErrorsNotRunning(t *testing.T) {
	for _, v := range verbCalls() {
		t.Run(v.name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				s := closed(t, nil)
				flow, stop := s.startWith(s.cfg)
				s.flow = flow
				_, a, id := s.connected()
				idle, err := coaching.New(s.cfg)
				if err != nil {
					t.Fatal(err)
				}
				before := s.book(id).Version
				for name, f := range map[string]*coaching.Flow{"never ran": idle, "has returned": flow} {
					if f == flow {
						stop()
					}
					begun := time.Now()
					err := v.call(f, t.Context(), id, supLee, member(a))
					if v.noRun {
						if errors.Is(err, coaching.ErrNotRunning) {
							t.Errorf("%s(%s) = %v, want no Run to be needed", v.name, name, err)
						}
						continue
					}
					if !errors.Is(err, coaching.ErrNotRunning) {
						t.Errorf("%s(%s) = %v, want ErrNotRunning", v.name, name, err)
					}
					if d := time.Since(begun); d > 1100*time.Millisecond {
						t.Errorf("%s(%s) took %v, want at most 1s", v.name, name, d)
					}
				}
				if got := s.book(id).Version; !v.noRun && got != before {
					t.Errorf("the call went from version %d to %d", before, got)
				}
			})
		})
	}
}

// Options that make no sense are refused before anything is stored or sent.
func TestVerbErrorsOptions(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := open(t, nil)
		_, _, id := s.connected()
		ctx := t.Context()
		one := func(_ any, err error) error { return err }
		for name, err := range map[string]error{
			"Barge(open)":             one(s.flow.Barge(ctx, id, supLee, &coaching.JoinOptions{Mode: coaching.ModeOpen})),
			"AddSupervisor(mode 9)":   one(s.flow.AddSupervisor(ctx, id, supLee, &coaching.JoinOptions{Mode: 9})),
			"Barge(ring 1 s)":         one(s.flow.Barge(ctx, id, supLee, &coaching.JoinOptions{RingTime: time.Second})),
			"TakeOver(agent 9)":       one(s.flow.TakeOver(ctx, id, supLee, &coaching.TakeOverOptions{Agent: 9})),
			"TakeOver(ring 1 h)":      one(s.flow.TakeOver(ctx, id, supLee, &coaching.TakeOverOptions{RingTime: time.Hour})),
			"HandBack(mode open)":     one(s.flow.HandBack(ctx, id, "lee", &coaching.HandBackOptions{Mode: coaching.ModeOpen})),
			"HandBack(bad agent)":     one(s.flow.HandBack(ctx, id, "lee", &coaching.HandBackOptions{To: []coaching.Agent{{ID: "x"}}})),
			"SetMode(open)":           s.flow.SetMode(ctx, id, "lee", coaching.ModeOpen),
			"SetMode(0)":              s.flow.SetMode(ctx, id, "lee", 0),
			"Ticket(open)":            one(s.flow.Ticket(ctx, id, supLee, &coaching.TicketOptions{Mode: coaching.ModeOpen})),
			"Ticket(ttl)":             one(s.flow.Ticket(ctx, id, supLee, &coaching.TicketOptions{TTL: time.Hour})),
			"Transfer(nobody)":        s.flow.Transfer(ctx, id, coaching.Next{}),
			"Transfer(wait)":          s.flow.Transfer(ctx, id, coaching.Next{Ring: []coaching.Agent{agentBob}, Wait: time.Second}),
			"Transfer(bad agent)":     s.flow.Transfer(ctx, id, coaching.Next{Ring: []coaching.Agent{{ID: "x", Address: "y"}}}),
			"Transfer(twenty-one)":    s.flow.Transfer(ctx, id, coaching.Next{Ring: make([]coaching.Agent, 21)}),
			"Transfer(an hour)":       s.flow.Transfer(ctx, id, coaching.Next{Ring: []coaching.Agent{agentBob}, For: time.Hour}),
			"Transfer(negative time)": s.flow.Transfer(ctx, id, coaching.Next{Ring: []coaching.Agent{agentBob}, For: -time.Second}),
		} {
			if !errors.Is(err, coaching.ErrInvalid) {
				t.Errorf("%s = %v, want ErrInvalid", name, err)
			}
		}
		s.dials("the agent alone", 1)
	})
}

// What the state of a call forbids is ErrConflict, and changes nothing.
func TestVerbErrorsConflict(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := open(t, nil)
		c, a, id := s.connected()
		ctx := t.Context()
		if _, err := s.flow.Barge(ctx, id, supLee, nil); err != nil {
			t.Fatal(err)
		}
		s.phone(mia, plivotest.PhonePlan{Action: plivotest.NoAnswer})
		if _, err := s.flow.Barge(ctx, id, supMia, &coaching.JoinOptions{NoWait: true}); err != nil {
			t.Fatal(err)
		}
		one := func(_ any, err error) error { return err }
		for name, err := range map[string]error{
			"HandBack(has not taken over)": one(s.flow.HandBack(ctx, id, "lee", nil)),
			"TakeOver(still rings)":        one(s.flow.TakeOver(ctx, id, supMia, nil)),
			"SetMode(still rings)":         s.flow.SetMode(ctx, id, "mia", coaching.ModeMonitor),
			"HandBack(still rings)":        one(s.flow.HandBack(ctx, id, "mia", nil)),
			"Ticket(is in)":                one(s.flow.Ticket(ctx, id, supLee, nil)),
			"Ticket(still rings)":          one(s.flow.Ticket(ctx, id, supMia, nil)),
			"Mute(the only voice)":         s.flow.Mute(ctx, id, member(a)),
			"Transfer(to themselves)":      s.flow.Transfer(ctx, id, coaching.Next{Ring: []coaching.Agent{agentAnn}}),
		} {
			if !errors.Is(err, coaching.ErrConflict) {
				t.Errorf("%s = %v, want ErrConflict", name, err)
			}
		}
		if err := s.flow.Mute(ctx, id, member(s.leg(lee))); !errors.Is(err, coaching.ErrInvalid) {
			t.Errorf("Mute(supervisor) = %v, want ErrInvalid", err)
		}
		// and the harmless: a second press of a button
		n := len(s.srv.Requests())
		if got, err := s.flow.Barge(ctx, id, supLee, &coaching.JoinOptions{Mode: coaching.ModeMonitor}); err != nil || got.Mode != coaching.ModeCoach {
			t.Errorf("Barge again = %+v, %v, want them as they are", got, err)
		}
		if err := s.flow.SetMode(ctx, id, "lee", coaching.ModeCoach); err != nil {
			t.Errorf("SetMode(as it is) = %v", err)
		}
		if err := s.flow.Unmute(ctx, id, member(a)); err != nil {
			t.Errorf("Unmute(as it is) = %v", err)
		}
		for _, r := range s.srv.Requests()[n:] {
			if r.Method != "GET" {
				t.Errorf("a second press caused %s %s", r.Op, r.Target)
			}
		}
		if !s.talks(c, a) {
			t.Error("customer and agent do not talk")
		}
	})
}

// A multiparty call holds ten. One more is refused before a phone rings, also
// where those who still ring make it full; a place that is free again is free.
func TestS29ConflictFull(t *testing.T) {
	for _, sw := range []plivotest.Switches{{}, {FullXMLHangup: true}, {FullRESTDials: true}, {DialsCount: true}} {
		t.Run(switchNames(sw), func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				s := open(t, &plivotest.Options{CPS: -1, Switches: sw})
				c, a, id := s.connected()
				ctx := t.Context()
				v := s.watchOver(c)
				sup := func(k int) coaching.Supervisor {
					return coaching.Supervisor{ID: coaching.SupervisorID(fmt.Sprintf("s%d", k)), Address: fmt.Sprintf("sip:s%d@phone.plivo.com", k)}
				}
				for k := range 12 {
					plan := plivotest.PhonePlan{After: time.Second}
					if k == 7 {
						plan.Action = plivotest.Manual
					}
					s.phone(sup(k).Address, plan)
				}
				for k := range 7 {
					if _, err := s.flow.Barge(ctx, id, sup(k), nil); err != nil {
						t.Fatalf("Barge %d = %v", k, err)
					}
				}
				if _, err := s.flow.Barge(ctx, id, sup(7), &coaching.JoinOptions{NoWait: true}); err != nil {
					t.Fatalf("Barge of the tenth = %v", err)
				}
				after(time.Second)
				dials := len(s.requests("AddParticipant"))
				one := func(_ any, err error) error { return err }
				for name, err := range map[string]error{
					"Barge":         one(s.flow.Barge(ctx, id, sup(8), nil)),
					"AddSupervisor": one(s.flow.AddSupervisor(ctx, id, sup(8), nil)),
					"TakeOver":      one(s.flow.TakeOver(ctx, id, sup(8), nil)),
					"Ticket":        one(s.flow.Ticket(ctx, id, sup(8), nil)),
					"Transfer":      s.flow.Transfer(ctx, id, coaching.Next{Ring: []coaching.Agent{agentBob}}),
				} {
					if !errors.Is(err, coaching.ErrConflict) {
						t.Errorf("%s into a full call = %v, want ErrConflict", name, err)
					}
				}
				s.dials("none for the refused", dials)
				s.srv.Phone(sup(7).Address, nil).Answer()
				if _, err := s.flow.Await(ctx, id, sup(7).ID); err != nil {
					t.Errorf("Await of the tenth = %v", err)
				}
				if err := s.flow.Leave(ctx, id, sup(0).ID); err != nil {
					t.Errorf("Leave = %v", err)
				}
				if _, err := s.flow.Barge(ctx, id, sup(8), nil); err != nil {
					t.Errorf("Barge into the free place = %v", err)
				}
				if !s.talks(c, a) {
					t.Error("customer and agent do not talk")
				}
				v.unheard()
			})
		})
	}
}

// A host's refusal is a refusal, whatever its error wraps.
func TestHTTPStatusOfADenial(t *testing.T) {
	err := fmt.Errorf("%w: %w", coaching.ErrDenied, coaching.ErrInvalid)
	if got := coaching.HTTPStatus(err); got != http.StatusForbidden {
		t.Errorf("HTTPStatus(%v) = %d, want 403", err, got)
	}
}

// Transfer asked for twice is done once, and both learn how it went; so does
// the one whose store wrote it down and lost the answer.
func TestTransferTwice(t *testing.T) {
	to := coaching.Next{Ring: []coaching.Agent{agentBob}}
	t.Run("pressed twice", func(t *testing.T) {
		bubble(t, func(t *testing.T) {
			s := open(t, nil)
			_, _, id := s.connected()
			errs := make(chan error, 2)
			for range 2 {
				go func() { errs <- s.flow.Transfer(t.Context(), id, to) }()
				after(100 * time.Millisecond)
			}
			for range 2 {
				if err := <-errs; err != nil {
					t.Errorf("Transfer = %v, want nil", err)
				}
			}
			s.dials("one for each agent", 2)
		})
	})
	t.Run("the store's answer is lost", func(t *testing.T) {
		bubble(t, func(t *testing.T) {
			store := &muteStore{MemoryStore: coaching.NewMemoryStore()}
			s := open(t, nil, func(cfg *coaching.Config) { cfg.Store = store })
			_, _, id := s.connected()
			store.mute.Store(true)
			if err := s.flow.Transfer(t.Context(), id, to); err != nil {
				t.Errorf("Transfer = %v, want nil", err)
			}
			s.dials("one for each agent", 2)
		})
	})
	t.Run("to somebody else", func(t *testing.T) {
		bubble(t, func(t *testing.T) {
			s := open(t, nil)
			_, _, id := s.connected()
			s.phone(bob, plivotest.PhonePlan{After: 10 * time.Second})
			go s.flow.Transfer(t.Context(), id, to)
			after(time.Second)
			other := coaching.Next{Ring: []coaching.Agent{{ID: "cal", Address: mia}}}
			if err := s.flow.Transfer(t.Context(), id, other); !errors.Is(err, coaching.ErrConflict) {
				t.Errorf("Transfer to another meanwhile = %v, want ErrConflict", err)
			}
			after(20 * time.Second)
		})
	})
}

// A muteStore writes down what it is given, and once says that it did not.
type muteStore struct {
	*coaching.MemoryStore
	mute atomic.Bool
}

func (s *muteStore) Put(ctx context.Context, c coaching.Call) (coaching.Call, error) {
	out, err := s.MemoryStore.Put(ctx, c)
	if err == nil && s.mute.Swap(false) {
		return coaching.Call{}, errors.New("no answer")
	}
	return out, err
}

// Await is told of what failed before it was called.
func TestAwaitAfterFailure(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := open(t, nil)
		_, _, id := s.connected()
		s.srv.FailFunc(func(r plivotest.Request) *plivotest.Failure {
			if r.Method == "GET" && s.leg(lee) != nil {
				return &plivotest.Failure{Status: 503, NoEffect: true}
			}
			return nil
		})
		if _, err := s.flow.Barge(t.Context(), id, supLee, &coaching.JoinOptions{NoWait: true}); err != nil {
			t.Fatalf("Barge = %v", err)
		}
		s.eventually("the verb has failed", func() bool {
			return slices.ContainsFunc(s.book(id).History, func(r coaching.Record) bool { return r.Kind == coaching.RecordFailed })
		})
		if sup, err := s.flow.Await(t.Context(), id, "lee"); !errors.Is(err, coaching.ErrUnknown) {
			t.Errorf("Await = %v in mode %v, want ErrUnknown: no read shows the mode", err, sup.Mode)
		}
	})
}
