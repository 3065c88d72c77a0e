package coaching_test

import (
	"testing"
	"time"

	"github.com/mpc-coaching/coaching"
)

// An instance forgets calls that ended, also those that another has ended.
func TestInstancesForgetEndedCalls(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := open(t, nil)
		first := s.flow
		for range 5 {
			customer, _, _ := s.connected()
			second, stop := s.startWith(s.cfg) // takes the callbacks from here on, the end among them
			after(10 * time.Second)
			customer.Hangup()
			after(2 * time.Minute)
			if a, b := coaching.Remembered(first), coaching.Remembered(second); a != 0 || b != 0 {
				t.Fatalf("after the call has ended its instances remember %d and %d calls, want none", a, b)
			}
			stop()
			s.front.set(first.Handler())
		}
	})
}

// So does a process that only serves callbacks, beside one that runs.
func TestServingAloneRemembersNothing(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := open(t, nil)
		web, err := coaching.New(s.cfg)
		if err != nil {
			t.Fatal(err)
		}
		s.front.set(web.Handler())
		for range 5 {
			customer, _, _ := s.connected()
			customer.Hangup()
			after(time.Minute)
		}
		if n := coaching.Remembered(web); n != 0 {
			t.Errorf("five calls later a Flow without Run remembers %d, want none", n)
		}
	})
}
