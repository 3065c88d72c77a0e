package coaching_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
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
		_ = s.flow.Leave(t.Context(), id, "lee") // the phone may ring on: either answer is true
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
