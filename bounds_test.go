package coaching_test

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/mpc-coaching/coaching"
	"github.com/mpc-coaching/coaching/plivotest"
)

// The bounds of docs/guarantees.md, each measured on the emulator, over several
// seeds of its small delays.

func bounds(t *testing.T, f func(t *testing.T, o *plivotest.Options)) {
	t.Helper()
	for seed := range uint64(8) {
		bubble(t, func(t *testing.T) { f(t, &plivotest.Options{Seed: seed + 1}) })
	}
}

// deaf drops all callbacks but those that ask for XML.
func (s *shop) deaf() {
	s.srv.CallbackFunc(func(cb plivotest.Callback) *plivotest.CallbackFault {
		if cb.Kind == "status" || cb.Kind == "leg" {
			return &plivotest.CallbackFault{Drop: true}
		}
		return nil
	})
}

// within fails the test unless it comes true before the bound is over.
func (s *shop) within(bound time.Duration, what string, ok func() bool) {
	s.t.Helper()
	start := time.Now()
	for !ok() {
		if time.Since(start) > bound {
			s.t.Errorf("%s: not within %v", what, bound)
			return
		}
		time.Sleep(20 * time.Millisecond)
	}
}

func TestBoundFirstRing(t *testing.T) {
	bounds(t, func(t *testing.T, o *plivotest.Options) {
		s := open(t, o)
		s.call()
		s.within(3*time.Second, "the first agent's phone rings", func() bool { return s.leg(ann) != nil })
	})
}

func TestBoundLostCallbackWhileWaiting(t *testing.T) {
	bounds(t, func(t *testing.T, o *plivotest.Options) {
		s := open(t, o)
		s.deaf()
		c := s.call()
		s.within(8*time.Second, "nothing tells of the call: the first agent's phone rings", func() bool { return s.leg(ann) != nil })
		a := s.leg(ann)
		if a == nil {
			return
		}
		s.eventually("the agent is in", func() bool { return s.srv.Hears(c, a) })
		s.within(5*time.Second, "nothing tells of the agent: the books have them", func() bool {
			_, ok := s.book(s.id(c)).Agent("ann")
			return ok
		})
	})
}

func TestBoundSilence(t *testing.T) {
	for name, tt := range map[string]struct {
		lost  bool
		bound time.Duration
	}{"noticed": {false, 5 * time.Second}, "callback lost": {true, 65 * time.Second}} {
		t.Run(name, func(t *testing.T) {
			bounds(t, func(t *testing.T, o *plivotest.Options) {
				s := open(t, o)
				c, a, _ := s.connected()
				after(20 * time.Second)
				if tt.lost {
					s.deaf()
				}
				a.Hangup()
				s.within(tt.bound, "the customer, left alone, hears music or the end", func() bool {
					what := c.Listening()
					return what == "hold music" || what == "nothing" || what == "speak"
				})
			})
		})
	}
}

func TestBoundLowering(t *testing.T) {
	for name, tt := range map[string]struct {
		stale    time.Duration
		returned time.Duration
	}{"reads are true": {0, 2 * time.Second}, "reads are stale": {2 * time.Second, 8 * time.Second}} {
		t.Run(name, func(t *testing.T) {
			bounds(t, func(t *testing.T, o *plivotest.Options) {
				o.Switches.StaleReads = tt.stale
				s := open(t, o)
				c, _, id := s.connected()
				if _, err := s.flow.TakeOver(t.Context(), id, supLee, nil); err != nil {
					t.Fatal(err)
				}
				after(10 * time.Second)
				l := s.leg(lee)
				start := time.Now()
				unheard := time.Duration(-1)
				s.srv.OnChange(func() {
					if unheard < 0 && !s.srv.Hears(c, l) {
						unheard = time.Since(start)
					}
				})
				if err := s.flow.SetMode(t.Context(), id, "lee", coaching.ModeMonitor); err != nil {
					t.Fatal(err)
				}
				if unheard < 0 || unheard > 2*time.Second {
					t.Errorf("unheard after %v, want 2s at most", unheard)
				}
				if took := time.Since(start); took > tt.returned {
					t.Errorf("SetMode(monitor) returned after %v, want %v at most", took, tt.returned)
				}
			})
		})
	}
}

func TestBoundEndedCallIsClosed(t *testing.T) {
	bounds(t, func(t *testing.T, o *plivotest.Options) {
		s := open(t, o)
		c, _, id := s.connected()
		after(20 * time.Second)
		s.deaf()
		c.Hangup()
		s.within(70*time.Second, "nothing tells of the end: the books have it", func() bool {
			return s.book(id).State == coaching.StateEnded
		})
	})
}

// Plivo's API fails and nothing is told: a call may not live in the books for
// ever.
func TestBoundNothingLivesForEver(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := open(t, nil)
		_, _, id := s.connected()
		s.deaf()
		s.srv.FailFunc(func(plivotest.Request) *plivotest.Failure {
			return &plivotest.Failure{Status: 503, NoEffect: true}
		})
		after(8*time.Hour + 9*time.Minute)
		if got := s.book(id).State; got == coaching.StateEnded {
			t.Error("the call is closed before its longest duration and 10 minutes are over, without proof")
		}
		after(2 * time.Minute)
		c, err := s.flow.Call(t.Context(), id)
		if err == nil && c.State != coaching.StateEnded {
			t.Errorf("a call lives %v after its longest duration", 11*time.Minute)
		}
	})
}

// Handing back into coaching takes three confirmations, of flags that changed a
// moment ago: each waits until no read can be stale, and where another instance
// may have sent the request, for the clocks' difference too.
func TestBoundHandBack(t *testing.T) {
	for n, bound := range map[int]time.Duration{1: 6 * time.Second, 2: 12 * time.Second} {
		t.Run(fmt.Sprint(n, " instances"), func(t *testing.T) {
			bounds(t, func(t *testing.T, o *plivotest.Options) {
				s, _ := crowd(t, n, o)
				_, _, id := s.connected()
				if _, err := s.flow.TakeOver(t.Context(), id, supLee, nil); err != nil {
					t.Fatal(err)
				}
				start := time.Now()
				got, err := s.flow.HandBack(t.Context(), id, "lee", nil)
				if err != nil || got.Mode != coaching.ModeCoach {
					t.Errorf("HandBack = %v, %v, want coaching", got.Mode, err)
				}
				if took := time.Since(start); took > bound {
					t.Errorf("HandBack returned after %v, want %v at most", took, bound)
				}
			})
		})
	}
}

// The claims of a process that was killed keep the lane of their call until
// nobody can take it for alive: the time of a request, 3 s, and the clocks'
// difference. What closes a lock waits for none of that.
func TestBoundDeadClaim(t *testing.T) {
	bounds(t, func(t *testing.T, o *plivotest.Options) {
		s, a := crowd(t, 2, o)
		c, ag, id := s.connected()
		if _, err := s.flow.TakeOver(t.Context(), id, supLee, nil); err != nil {
			t.Fatal(err)
		}
		after(5 * time.Second)
		var died time.Time
		for _, i := range a.to {
			i.hook(func(r *http.Request) {
				if isDial(r) && died.IsZero() {
					died = time.Now()
					i.kill()
				}
			}, nil)
		}
		barge := make(chan error, 1)
		go func() { _, err := a.to[0].flow.Barge(t.Context(), id, supMia, nil); barge <- err }()
		s.eventually("one dies", func() bool { return a.to[0].isDead() || a.to[1].isDead() })
		live := a.to[0]
		if live.isDead() {
			live = a.to[1]
		}
		if err := live.flow.SetMode(t.Context(), id, "lee", coaching.ModeMonitor); err != nil || time.Since(died) > 8*time.Second {
			t.Errorf("SetMode(monitor) = %v after %v: a lowering waits for nobody", err, time.Since(died))
		}
		if err := live.flow.Hold(t.Context(), id, member(ag)); err != nil || c.Listening() != "hold music" {
			t.Errorf("Hold = %v, and the customer hears %q", err, c.Listening())
		}
		if took := time.Since(died); took > 13*time.Second {
			t.Errorf("Hold returned %v after the death, want 13s at most", took)
		}
		if live == a.to[0] {
			_ = live.flow.Leave(t.Context(), id, "mia") // nobody's phone rings, and Barge returns
		}
		<-barge
	})
}
