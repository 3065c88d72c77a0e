package plivotest_test

import (
	"reflect"
	"testing"
	"testing/synctest"
	"time"

	"github.com/mpc-coaching/coaching/plivotest"
)

// TestEachSwitchAlone plays the same day under every switch: whatever Plivo
// does where nothing is settled, coaching stays coaching and calls end.
func TestEachSwitchAlone(t *testing.T) {
	typ := reflect.TypeFor[plivotest.Switches]()
	for i := range typ.NumField() {
		name := typ.Field(i).Name
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var sw plivotest.Switches
				f := reflect.ValueOf(&sw).Elem().Field(i)
				if f.Kind() == reflect.Bool {
					f.SetBool(true)
				} else {
					f.SetInt(int64(2 * time.Second))
				}
				b := newBench(t, &plivotest.Options{Switches: sw})
				cust := b.call()
				agent := b.member("Agent", agentSIP, nil)
				coach := b.member("Supervisor", coachSIP, nil)
				if !b.Hears(agent, coach) || b.Hears(cust, coach) || !b.Hears(coach, cust) {
					t.Error("coach mode does not work")
				}
				b.update(coach, map[string]any{"coach_mode": false})
				if !b.Hears(cust, coach) {
					t.Error("the customer does not hear an open supervisor")
				}
				cust.Hangup()
				b.settle()
				for _, l := range b.Legs() {
					if l.State() != plivotest.Ended {
						t.Errorf("%s is %s", l.Phone().Address(), l.State())
					}
				}
			})
		})
	}
}
