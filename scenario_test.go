package coaching_test

import (
	"testing"

	"github.com/mpc-coaching/coaching"
	"github.com/mpc-coaching/coaching/plivotest"
)

func TestConnect(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := open(t, nil)
		c, a, _ := s.connected()
		s.hears("connected", map[string]*plivotest.Leg{"customer": c, "agent": a}, "customer<-agent", "agent<-customer")
	})
}

func TestFourScenarios(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := open(t, nil)
		ctx := t.Context()
		c, a, id := s.connected()
		sup, err := s.flow.AddSupervisor(ctx, id, supLee, nil)
		if err != nil {
			t.Fatalf("AddSupervisor = %v", err)
		}
		if sup.Mode != coaching.ModeCoach || sup.State != coaching.SupervisionJoined || sup.Audible {
			t.Errorf("AddSupervisor = %+v, want joined, coaching, not audible", sup)
		}
		l := s.leg(lee)
		all := map[string]*plivotest.Leg{"customer": c, "agent": a, "lee": l}
		coach := []string{"customer<-agent", "agent<-customer", "lee<-customer", "lee<-agent", "agent<-lee"}
		s.hears("coaching", all, coach...)

		if err := s.flow.SetMode(ctx, id, "lee", coaching.ModeMonitor); err != nil {
			t.Fatalf("SetMode(monitor) = %v", err)
		}
		s.hears("monitoring", all, "customer<-agent", "agent<-customer", "lee<-customer", "lee<-agent")
		if err := s.flow.SetMode(ctx, id, "lee", coaching.ModeCoach); err != nil {
			t.Fatalf("SetMode(coach) = %v", err)
		}
		s.hears("coaching again", all, coach...)

		if _, err := s.flow.TakeOver(ctx, id, supLee, &coaching.TakeOverOptions{Agent: coaching.AgentMute}); err != nil {
			t.Fatalf("TakeOver = %v", err)
		}
		s.hears("taken over", all, "customer<-lee", "agent<-lee", "agent<-customer", "lee<-customer")

		if _, err := s.flow.HandBack(ctx, id, "lee", nil); err != nil {
			t.Fatalf("HandBack = %v", err)
		}
		s.hears("handed back", all, coach...)

		if err := s.flow.Leave(ctx, id, "lee"); err != nil {
			t.Fatalf("Leave = %v", err)
		}
		s.hears("left", all, "customer<-agent", "agent<-customer")
		if err := s.flow.End(ctx, id, nil); err != nil {
			t.Fatalf("End = %v", err)
		}
		if got := s.book(id); got.State != coaching.StateEnded || got.EndReason != coaching.ExitHost {
			t.Errorf("after End: %v, %v, want ended, host", got.State, got.EndReason)
		}
	})
}
