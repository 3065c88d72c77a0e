package coaching_test

import (
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/mpc-coaching/coaching"
	"github.com/mpc-coaching/coaching/plivotest"
)

// R18: calls that the store lost.

// R18: a process forgets everything and starts again. A supervisor found
// audible stays as found, one found unheard stays unheard.
func TestR18Orphans(t *testing.T) {
	for name, audible := range map[string]bool{"audible": true, "unheard": false} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				s, a := crowd(t, 1, nil)
				c, ag, id := s.connected()
				ctx := t.Context()
				var err error
				if audible {
					_, err = s.flow.TakeOver(ctx, id, supLee, &coaching.TakeOverOptions{Agent: coaching.AgentRemove})
				} else {
					_, err = s.flow.Barge(ctx, id, supLee, nil)
				}
				if err != nil {
					t.Fatal(err)
				}
				a.to[0].kill()
				v := s.watchOver(c)
				after(20 * time.Second)
				s.cfg.Store = coaching.NewMemoryStore()
				fresh := s.instance(true)
				a.at(fresh)
				s.flow = fresh.flow
				updates := len(s.requests("UpdateParticipant"))
				after(3 * time.Minute)
				l := s.leg(lee)
				if s.talks(c, l) != audible {
					t.Errorf("customer and supervisor talk: %v, want %v", s.talks(c, l), audible)
				}
				if s.talks(c, ag) == audible {
					t.Errorf("customer and agent talk: %v, want %v", s.talks(c, ag), !audible)
				}
				if n := len(s.requests("UpdateParticipant")) - updates; n != 0 {
					t.Errorf("%d updates were sent, want everybody left as found", n)
				}
				v.atMost(0)
				sup := coaching.SupervisorID("member-" + l.MemberID())
				got, ok := s.book(id).Supervision(sup)
				if !ok || got.Audible != audible || got.State != coaching.SupervisionJoined {
					t.Errorf("Supervision(%s) = %+v, %v, want joined, audible: %v", sup, got, ok, audible)
				}
				book := s.book(id)
				if book.From != caller || book.To != hotline || book.CallUUID != c.UUID() {
					t.Errorf("From %q, To %q, CallUUID %q, want the customer's", book.From, book.To, book.CallUUID)
				}
				if !audible {
					if err := s.flow.SetMode(ctx, id, sup, coaching.ModeMonitor); err != nil {
						t.Errorf("SetMode(adopted) = %v", err)
					}
					if err := s.flow.Leave(ctx, id, sup); err != nil {
						t.Errorf("Leave(adopted) = %v", err)
					}
					return
				}
				if _, err := s.flow.HandBack(ctx, id, sup, &coaching.HandBackOptions{To: []coaching.Agent{agentBob}}); err != nil {
					t.Errorf("HandBack(adopted) = %v", err)
				}
				if !s.talks(c, s.leg(bob)) || s.srv.Hears(c, l) {
					t.Error("after the hand back the customer should talk with bob alone")
				}
			})
		})
	}
}

// R18: an orphan whose agent is muted, who had been muted for the sake of a
// supervisor who is gone: the customer is not left with silence for ever.
func TestR18OrphanInSilence(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s, a := crowd(t, 1, nil)
		c, ag, id := s.connected()
		if _, err := s.flow.TakeOver(t.Context(), id, supLee, &coaching.TakeOverOptions{Agent: coaching.AgentMute}); err != nil {
			t.Fatal(err)
		}
		a.to[0].kill()
		s.leg(lee).Hangup()
		after(5 * time.Second)
		s.cfg.Store = coaching.NewMemoryStore()
		fresh := s.instance(true)
		a.at(fresh)
		s.flow = fresh.flow
		s.eventually("customer and agent talk again", func() bool { return s.talks(c, ag) })
	})
}

// R18: what an adopted call's customer dialled is found out, however Plivo wants to
// be asked about a call that lives: without it nobody could be rung for one who
// withholds their number.
func TestR18AdoptedAnonymous(t *testing.T) {
	for _, byStatus := range []bool{false, true} {
		bubble(t, func(t *testing.T) {
			s := open(t, &plivotest.Options{Switches: plivotest.Switches{LiveCallsByStatus: byStatus}})
			s.stops[0]() // before anybody is rung: what the next one does is what is looked at
			c := s.srv.Dial("anonymous", hotline, nil)
			after(3 * time.Second)
			s.cfg.Store = coaching.NewMemoryStore()
			s.flow = s.start()
			after(3 * time.Minute)
			if !s.talks(c, s.leg(ann)) {
				t.Errorf("by status %v: the customer is %v and hears %v, farewell %v", byStatus, c.State(), c.Listening(), farewell(c))
			}
		})
	}
}

// R18: multiparty calls that are none of ours are left alone.
func TestR18Foreign(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := open(t, nil)
		client := coaching.NewClient(s.cfg.Plivo, s.srv.Client())
		_, err := client.AddParticipant(t.Context(), coaching.ByName("somebodyelses0000"), coaching.ParticipantParams{Role: coaching.RoleAgent, From: hotline, To: []string{bob}})
		if err != nil {
			t.Fatal(err)
		}
		after(15 * time.Minute)
		if x := s.srv.MPCs()[0]; x.Status == "Ended" {
			t.Errorf("the foreign call is %s", x.Status)
		}
		s.dials("the foreign one", 1)
	})
}

// R18: two deployments share an account, and the prefix of one begins the other's.
func TestR18PrefixOfAPrefix(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := open(t, nil, func(cfg *coaching.Config) { cfg.Prefix = "acme2" })
		c, a, _ := s.connected()
		other := s.cfg
		other.Prefix, other.Store, other.PublicURL = "acme", coaching.NewMemoryStore(), "https://other.example.com/plivo"
		_, stop := s.startWith(other)
		s.front.set(s.flow.Handler())
		after(time.Minute)
		if stop(); !s.talks(c, a) {
			t.Errorf("the customer is %v, want to talk with Ann", c.State())
		}
	})
}

// R18: one 404 does not end a call: it may be a gateway's.
func TestR18OneMiss(t *testing.T) {
	for _, op := range []string{"GetMPC", "ListParticipants"} {
		t.Run(op, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				s := open(t, nil)
				c := s.call()
				v := s.watchOver(c)
				s.phone(ann, plivotest.PhonePlan{After: 20 * time.Second})
				after(8 * time.Second)
				var missed atomic.Bool
				s.once(func(r plivotest.Request) bool {
					ours := r.Op == op && strings.HasPrefix(r.MPC, "uuid_")
					if ours {
						missed.Store(true)
					}
					return ours
				}, plivotest.Failure{Status: 404, Body: "<html>no such backend</html>", NoEffect: true})
				after(5 * time.Minute)
				if !missed.Load() {
					t.Error("nobody has read")
				}
				if !s.talks(c, s.leg(ann)) {
					t.Errorf("the customer is %v, want to talk with Ann", c.State())
				}
				v.atMost(5 * time.Second)
			})
		})
	}
}

// R18: a multiparty call of our prefix that no callback tells of and that our
// customer is not in is a ghost: the sweep finds and ends it.
func TestR18GhostFoundBySweep(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := open(t, nil)
		_, _, id := s.connected()
		ghost := id[:len(id)-4] + "0000"
		client := coaching.NewClient(s.cfg.Plivo, s.srv.Client())
		for _, role := range []coaching.Role{coaching.RoleAgent, coaching.RoleSupervisor} {
			_, err := client.AddParticipant(t.Context(), coaching.ByName(ghost), coaching.ParticipantParams{Role: role, From: hotline, To: []string{bob}})
			if err != nil {
				t.Fatal(err)
			}
		}
		after(90 * time.Second)
		for _, x := range s.srv.MPCs() {
			if ended := x.Status == "Ended"; ended != (x.Name == string(ghost)) {
				t.Errorf("multiparty call %s is %s", x.Name, x.Status)
			}
		}
		s.dials("ours and the foreign ones", 3)
	})
}

// A read that comes too early to show a new call, since reads lag, is made
// again after a pause: one call must not eat the account's budget.
func TestR18EarlyReadsAreSpaced(t *testing.T) {
	for seed := range uint64(8) {
		bubble(t, func(t *testing.T) {
			s := open(t, &plivotest.Options{Seed: seed, Switches: plivotest.Switches{StaleReads: 2 * time.Second}})
			s.call()
			after(2 * time.Second)
			if n := len(s.requests("GetMPC")) + len(s.requests("ListParticipants")); n > 12 {
				t.Errorf("seed %d: %d reads in the first two seconds, want at most 12", seed, n)
			}
		})
	}
}
