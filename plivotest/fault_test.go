package plivotest_test

import (
	"context"
	"errors"
	"net"
	"testing"
	"testing/synctest"
	"time"

	"github.com/mpc-coaching/coaching/plivotest"
)

func TestFailures(t *testing.T) {
	for _, c := range []struct {
		name    string
		failure plivotest.Failure
		status  int // 0: an error
		took    time.Duration
		effect  time.Duration // when the agent is muted; negative: never
	}{
		{"none", plivotest.Failure{}, 202, 0, 0},
		{"refusal", plivotest.Failure{Status: 429, Body: "slow down"}, 429, 0, -1},
		{"server error that worked", plivotest.Failure{Status: 500}, 500, 0, 0},
		{"server error that did nothing", plivotest.Failure{Status: 500, NoEffect: true}, 500, 0, -1},
		{"a lie", plivotest.Failure{NoEffect: true}, 202, 0, -1},
		{"slow", plivotest.Failure{Delay: time.Minute}, 202, time.Minute, time.Minute},
		{"slow answer", plivotest.Failure{AfterDelay: time.Minute}, 202, time.Minute, 0},
		{"cut before", plivotest.Failure{CutBefore: true}, 0, 0, -1},
		{"cut after", plivotest.Failure{CutAfter: true}, 0, 0, 0},
		{"cut after, slowly", plivotest.Failure{CutAfter: true, Delay: time.Second, AfterDelay: time.Second}, 0, 2 * time.Second, time.Second},
		{"refused", plivotest.Failure{Refused: true}, 0, 0, -1},
		{"late under a cut", plivotest.Failure{CutBefore: true, LateEffect: 20 * time.Second}, 0, 0, 20 * time.Second},
		{"late under an error", plivotest.Failure{Status: 503, LateEffect: time.Second}, 503, 0, time.Second},
		{"late under a good answer", plivotest.Failure{LateEffect: time.Second}, 202, 0, time.Second},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newBench(t, nil)
				b.call()
				agent := b.member("Agent", agentSIP, nil)
				b.FailFunc(func(r plivotest.Request) *plivotest.Failure {
					if r.Op != "UpdateParticipant" || r.Target != agent.MemberID() || r.MPC != "name_room" || r.Body["mute"] != true || r.Nth != 2 {
						t.Errorf("request %+v", r)
					}
					return &c.failure
				})
				start, when := time.Now(), time.Duration(-1)
				b.OnChange(func() {
					if when < 0 && b.mpc(0).Participants[1].Mute {
						when = time.Since(start)
					}
				})
				status, _, err := doREST(context.Background(), b.Server, "POST", "MultiPartyCall/name_room/Participant/"+agent.MemberID()+"/", map[string]any{"mute": true})
				if status != c.status || (err != nil) != (c.status == 0) {
					t.Errorf("answer %d, %v, want %d", status, err, c.status)
				}
				if d := time.Since(start); d < c.took || d > c.took+10*time.Millisecond {
					t.Errorf("answered after %v, want %v", d, c.took)
				}
				b.settle()
				if c.effect < 0 != (when < 0) || c.effect >= 0 && (when < c.effect || when > c.effect+10*time.Millisecond) {
					t.Errorf("took effect after %v, want %v", when, c.effect)
				}
				recs := b.Requests()
				if got := recs[len(recs)-1]; got.Status != c.status || got.Op != "UpdateParticipant" {
					t.Errorf("record %d %s", got.Status, got.Op)
				}
				var op *net.OpError
				if c.failure.Refused && (!errors.As(err, &op) || op.Op != "dial") {
					t.Errorf("error %v, want one of dialling", err)
				}
			})
		})
	}
}

func TestEffectThoughClientGaveUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, nil)
		b.call()
		agent := b.member("Agent", agentSIP, nil)
		b.FailFunc(func(plivotest.Request) *plivotest.Failure { return &plivotest.Failure{Delay: 20 * time.Second} })
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		start := time.Now()
		_, _, err := doREST(ctx, b.Server, "POST", "MultiPartyCall/name_room/Participant/"+agent.MemberID()+"/", map[string]any{"mute": true})
		if !errors.Is(err, context.DeadlineExceeded) || time.Since(start) != 10*time.Second {
			t.Errorf("%v after %v, want DeadlineExceeded after 10s", err, time.Since(start))
		}
		if b.mpc(0).Participants[1].Mute {
			t.Error("muted too early")
		}
		b.settle()
		if !b.mpc(0).Participants[1].Mute {
			t.Error("the request was lost with its client")
		}
	})
}

func TestLateAddIsOneDial(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, nil)
		b.call()
		p := b.Phone(agentSIP, nil)
		b.FailFunc(func(plivotest.Request) *plivotest.Failure {
			return &plivotest.Failure{CutBefore: true, LateEffect: 30 * time.Second}
		})
		doREST(t.Context(), b.Server, "POST", "MultiPartyCall/name_room/Participant/", map[string]any{"role": "Agent", "from": caller, "to": agentSIP})
		b.settle()
		if n := len(p.Calls()); n != 1 || p.Last().MemberID() == "" {
			t.Errorf("%d calls, want one that joined", n)
		}
	})
}
