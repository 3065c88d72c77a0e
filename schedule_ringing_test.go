package coaching_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/mpc-coaching/coaching"
	"github.com/mpc-coaching/coaching/plivotest"
)

// The schedules about phones that ring when nobody needs them any more.

// Leave while the supervisor's phone rings. The hang-up does not get through,
// and the phone is answered afterwards: whoever comes in is muted, if they are
// not, and leaves at once (R7, R9).
func TestS28LeaveWhileRinging(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := open(t, nil)
		c, a, id := s.connected()
		v := s.watchOver(c)
		s.phone(lee, plivotest.PhonePlan{After: 4 * time.Second})
		s.srv.FailFunc(func(r plivotest.Request) *plivotest.Failure {
			if r.Op == "HangupCall" {
				return &plivotest.Failure{Status: 503, NoEffect: true}
			}
			return nil
		})
		if _, err := s.flow.Barge(t.Context(), id, supLee, &coaching.JoinOptions{NoWait: true}); err != nil {
			t.Fatalf("Barge = %v", err)
		}
		after(2 * time.Second)
		_ = s.flow.Leave(t.Context(), id, "lee") // nil or not, depending on when the phone is answered
		after(20 * time.Second)
		l := s.leg(lee)
		if l.State() != plivotest.Ended {
			t.Errorf("the supervisor's phone is %s, want ended", l.State())
		}
		if got, ok := s.book(id).Supervisor("lee"); ok {
			t.Errorf("the books have the supervisor in the call: %+v", got)
		}
		if !s.talks(c, a) {
			t.Error("customer and agent do not talk any more")
		}
		v.unheard()
	})
}

// Leave says that a phone is given up only when it is: neither the verb nor
// another one beside it returns nil while the phone rings.
func TestS28LeaveWhilePhoneRings(t *testing.T) {
	for name, fault := range map[string]plivotest.Failure{
		"hang-ups fail":     {Status: 503, NoEffect: true},
		"hang-ups are slow": {Delay: 3 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				s := open(t, nil)
				_, _, id := s.connected()
				s.phone(lee, plivotest.PhonePlan{After: 25 * time.Second})
				if _, err := s.flow.Barge(t.Context(), id, supLee, &coaching.JoinOptions{NoWait: true}); err != nil {
					t.Fatalf("Barge = %v", err)
				}
				after(time.Second)
				s.srv.FailFunc(func(r plivotest.Request) *plivotest.Failure {
					if r.Op == "HangupCall" {
						return &fault
					}
					return nil
				})
				var leaving sync.WaitGroup
				for n := range 2 {
					leaving.Go(func() {
						after(time.Duration(n) * 500 * time.Millisecond)
						err := s.flow.Leave(t.Context(), id, "lee")
						if rings := s.leg(lee).State() == plivotest.Ringing; rings != errors.Is(err, coaching.ErrUnknown) || !rings && err != nil {
							t.Errorf("Leave = %v, and the phone rings: %v; want ErrUnknown if it does, else nil", err, rings)
						}
					})
				}
				leaving.Wait()
				s.srv.FailFunc(nil)
				after(20 * time.Second)
			})
		})
	}
}

// Who is asked for again while the phone that was given up may still ring, or
// has answered and is on the way out, has never two legs in the call; once the
// first is gone the next one rings.
func TestS28AskedForAgain(t *testing.T) {
	again := map[string]func(context.Context, *shop, coaching.CallID) error{
		"Barge": func(ctx context.Context, s *shop, id coaching.CallID) error {
			_, err := s.flow.Barge(ctx, id, supLee, nil)
			return err
		},
		"TakeOver": func(ctx context.Context, s *shop, id coaching.CallID) error {
			_, err := s.flow.TakeOver(ctx, id, supLee, nil)
			return err
		},
		"Ticket": func(ctx context.Context, s *shop, id coaching.CallID) error {
			ticket, err := s.flow.Ticket(ctx, id, supLee, nil)
			if err == nil {
				name, value := ticket.Header()
				s.srv.Dial(lee, hotline, map[string]string{name: value})
			}
			return err
		},
	}
	for name, ask := range again {
		for _, failing := range []string{"HangupCall", "Kick"} {
			t.Run(name+", no "+failing, func(t *testing.T) {
				bubble(t, func(t *testing.T) { askAgain(t, name, failing, ask) })
			})
		}
	}
}

// askAgain gives up a phone that rings, while hang-ups and the failing operation
// do not work, and asks for its supervisor until that succeeds.
func askAgain(t *testing.T, name, failing string, ask func(context.Context, *shop, coaching.CallID) error) {
	s := open(t, nil)
	_, _, id := s.connected()
	s.phone(lee, plivotest.PhonePlan{After: 4 * time.Second})
	s.srv.FailFunc(func(r plivotest.Request) *plivotest.Failure {
		if r.Op == "HangupCall" || r.Op == failing {
			return &plivotest.Failure{Status: 503, NoEffect: true}
		}
		return nil
	})
	two := false
	s.srv.OnChange(func() {
		two = two || len(slices.DeleteFunc(s.srv.Legs(), func(l *plivotest.Leg) bool {
			return l.State() == plivotest.Ended || l.To() != lee && l.From() != lee
		})) > 1
	})
	if _, err := s.flow.Barge(t.Context(), id, supLee, &coaching.JoinOptions{NoWait: true}); err != nil {
		t.Fatalf("Barge = %v", err)
	}
	after(2 * time.Second)
	left := make(chan error, 1)
	go func() { left <- s.flow.Leave(context.Background(), id, "lee") }()
	after(100 * time.Millisecond)
	for start := time.Now(); s.leg(lee).State() != plivotest.Ended; after(500 * time.Millisecond) {
		if err := ask(t.Context(), s, id); !errors.Is(err, coaching.ErrConflict) {
			t.Fatalf("%s while the first phone is %s = %v, want ErrConflict", name, s.leg(lee).State(), err)
		}
		if failing == "Kick" && time.Since(start) > 30*time.Second {
			s.srv.FailFunc(nil)
		}
	}
	<-left
	s.srv.FailFunc(nil)
	after(10 * time.Second)
	if err := ask(t.Context(), s, id); err != nil {
		t.Errorf("%s once the first phone is gone = %v, want nil", name, err)
	}
	after(10 * time.Second)
	if _, in := s.book(id).Supervisor("lee"); !in {
		t.Error("the books do not have the supervisor in the call")
	}
	if two {
		t.Error("two phones of the supervisor were in the call or rung at once")
	}
}

// A take-over is given up while the phone rings: who answers late is not heard
// by the customer for an instant, and does not stay.
func TestS28TakeOverGivenUpWhileRinging(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := open(t, nil)
		c, _, id := s.connected()
		v := s.watchOver(c)
		s.phone(lee, plivotest.PhonePlan{After: 6 * time.Second})
		s.srv.FailFunc(func(r plivotest.Request) *plivotest.Failure {
			if r.Op == "HangupCall" {
				return &plivotest.Failure{CutBefore: true}
			}
			return nil
		})
		result := make(chan error, 1)
		go func() {
			_, err := s.flow.TakeOver(context.Background(), id, supLee, nil)
			result <- err
		}()
		after(3 * time.Second)
		if err := s.flow.Leave(t.Context(), id, "lee"); err != nil && !errors.Is(err, coaching.ErrUnknown) {
			t.Errorf("Leave = %v, want nil or ErrUnknown", err)
		}
		if err := <-result; err == nil {
			t.Error("TakeOver = nil, although it was given up")
		}
		after(20 * time.Second)
		v.unheard()
		if st := s.leg(lee).State(); st != plivotest.Ended {
			t.Errorf("the supervisor's phone is %s, want ended", st)
		}
	})
}

// End while agents and a supervisor ring: every phone stops, and one that is
// answered all the same finds no call.
func TestS28EndWhileRinging(t *testing.T) {
	for _, sw := range []plivotest.Switches{{}, {JoinAfterEndCreates: true}, {NoLegCallbacks: true, JoinAfterEndCreates: true}} {
		t.Run(fmt.Sprint("ring on: ", sw.JoinAfterEndCreates, ", no leg callbacks: ", sw.NoLegCallbacks), func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				s := open(t, &plivotest.Options{Switches: sw})
				s.phone(ann, plivotest.PhonePlan{After: 8 * time.Second})
				s.phone(lee, plivotest.PhonePlan{After: 8 * time.Second})
				c := s.call()
				after(2 * time.Second)
				id := s.id(c)
				if _, err := s.flow.AddSupervisor(t.Context(), id, supLee, &coaching.JoinOptions{NoWait: true}); err != nil {
					t.Fatalf("AddSupervisor = %v", err)
				}
				after(time.Second)
				if err := s.flow.End(t.Context(), id, nil); err != nil {
					t.Fatalf("End = %v", err)
				}
				after(30 * time.Second)
				for _, l := range s.srv.Legs() {
					if l.State() != plivotest.Ended {
						t.Errorf("the call with %s is %s, want ended", l.Phone().Address(), l.State())
					}
				}
				if slices.Contains(sounds(c), "speak") {
					t.Errorf("the customer heard %q", sounds(c))
				}
			})
		})
	}
}
