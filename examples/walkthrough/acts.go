package main

import (
	"context"

	"github.com/mpc-coaching/coaching"
)

// The acts. What is passed to do is what a host calls; everything else is
// stage work: phones, and looking who hears whom.

func connect(ctx context.Context, st *stage) {
	st.act("Connect", "A customer calls. She hears music until Ann answers. Nothing to call here: Config.Route said whom to ring.")
	st.enter("customer", st.srv.Dial("14155550123", hotline, nil))
	customer := st.leg("customer")
	st.until(ctx, "the customer hears music while Ann's phone rings", func() bool {
		return customer.Listening() == "wait music" && st.srv.Phone(ann.Address, nil).Last() != nil
	})
	st.until(ctx, "Ann answers, and the music stops", func() bool {
		return customer.Listening() == "mpc"
	})
	st.enterPhone("ann", ann.Address)
	st.hears("customer hears ann", "ann hears customer")
	st.say("ann", "Good morning, this is Ann.", "customer")
	// Ann's desktop learns which call it is in from a header of her own leg.
	st.call = coaching.CallID(st.leg("ann").Headers()["X-PH-Callid"])
	st.until(ctx, "the desktop finds the call in the books: flow.Call(ctx, call)", func() bool {
		c, err := st.flow.Call(ctx, st.call)
		_, in := c.Agent("ann")
		return err == nil && c.State == coaching.StateActive && in
	})
}

func addSupervisor(ctx context.Context, st *stage) {
	st.act("Add supervisor", "Ann asks for help. Lee is rung and joins in coach mode: only Ann hears her.")
	st.do("flow.AddSupervisor(ctx, call, lee, nil)", func() error {
		_, err := st.flow.AddSupervisor(ctx, st.call, lee, nil)
		return err
	})
	st.enterPhone("lee", lee.Address)
	st.hears("customer hears ann", "ann hears customer, lee", "lee hears customer, ann")
	st.say("customer", "It has been broken since Monday.", "ann", "lee")
	st.say("lee", "Offer her a free month.", "ann")
	st.say("ann", "What if we gave you a free month?", "customer", "lee")
	st.do(`flow.Leave(ctx, call, "lee")`, func() error { return st.flow.Leave(ctx, st.call, "lee") })
	st.expect("Lee's line has ended", st.leg("lee").MPCUUID() == "")
	st.leave("lee")
}

func barge(ctx context.Context, st *stage) {
	st.act("Barge", "Mia picks this call from her list and listens in, heard by nobody. Then she starts to coach.")
	st.do("flow.Barge(ctx, call, mia, &coaching.JoinOptions{Mode: coaching.ModeMonitor})", func() error {
		_, err := st.flow.Barge(ctx, st.call, mia, &coaching.JoinOptions{Mode: coaching.ModeMonitor})
		return err
	})
	st.enterPhone("mia", mia.Address)
	st.hears("customer hears ann", "ann hears customer", "mia hears customer, ann")
	st.say("customer", "I want to cancel.", "ann", "mia")
	st.say("mia", "Oh dear.")
	st.do(`flow.SetMode(ctx, call, "mia", coaching.ModeCoach)`, func() error {
		return st.flow.SetMode(ctx, st.call, "mia", coaching.ModeCoach)
	})
	st.hears("customer hears ann", "ann hears customer, mia", "mia hears customer, ann")
	st.say("mia", "Shall I talk to her?", "ann")
}

func takeOver(ctx context.Context, st *stage) {
	st.act("Take over", "Mia talks with the customer herself. Ann stays to listen, muted.")
	st.open(true)
	st.do("flow.TakeOver(ctx, call, mia, &coaching.TakeOverOptions{Agent: coaching.AgentMute})", func() error {
		_, err := st.flow.TakeOver(ctx, st.call, mia, &coaching.TakeOverOptions{Agent: coaching.AgentMute})
		return err
	})
	st.hears("customer hears mia", "ann hears customer, mia", "mia hears customer")
	st.say("mia", "Hello, I am Mia, Ann's supervisor.", "customer", "ann")
	st.say("ann", "Phew.")
}

func handBack(ctx context.Context, st *stage) {
	st.act("Hand back", "Ann gets her voice back first; only when she is confirmed audible is Mia lowered to coaching.")
	st.do(`flow.HandBack(ctx, call, "mia", nil)`, func() error {
		_, err := st.flow.HandBack(ctx, st.call, "mia", nil)
		return err
	})
	st.open(false)
	st.hears("customer hears ann", "ann hears customer, mia", "mia hears customer, ann")
	st.say("ann", "So, that is settled.", "customer", "mia")
	st.say("mia", "Well done.", "ann")
}

func end(ctx context.Context, st *stage) {
	st.page.printf("\n")
	st.do("flow.End(ctx, call, nil)", func() error { return st.flow.End(ctx, st.call, nil) })
	customer := st.leg("customer")
	st.until(ctx, "the customer's line has ended", func() bool { return customer.Listening() == "nothing" })
	c, err := st.flow.Call(ctx, st.call)
	st.expect("the books say: ended, by the host", err == nil && c.State == coaching.StateEnded && c.EndReason == coaching.ExitHost)
	st.farewell()
}
