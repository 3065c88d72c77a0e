package main

// A step is a page of the tour: what happens, and what must be so afterwards.
// The guided tour of the browser and -auto play the same list.
type step struct {
	scenario, title, caption string
	play                     func(*player)
}

// The cast: who plays in the tour.
const (
	customer = "customer"
	ann      = "ann"
	lee      = "lee"
	bob      = "bob"
)

const tourHotline = "14155550100"

// tourSteps is the tour: the four scenarios, one after the other in one call.
func tourSteps() []step {
	return []step{
		{"Connect", "A customer calls", "The customer hears music while Ann’s phone rings. The host’s route function said whom to ring; nothing else was called.", func(p *player) {
			p.clear()
			p.dial(customer, tourHotline)
			p.listens(customer, "wait music")
			p.rings(ann)
		}},
		{"Connect", "Ann answers", "The music stops, and the two talk. Ann’s desktop knows which call it is from a header of her phone’s call.", func(p *player) {
			p.answer(ann)
			p.learnCall(ann)
			p.hears("customer hears ann", "ann hears customer")
			p.say(ann, "Good morning, this is Ann.", customer)
			p.say(customer, "My parcel has not come.", ann)
			p.desk(ann, "shows the call, with her in it", func(c deskCall) bool { return c.State == "active" && c.From == firstCaller && c.with(ann) })
			p.blind(bob)
		}},
		{"Add supervisor", "Ann asks for Lee", "Lee’s phone rings. The customer notices nothing.", func(p *player) {
			p.do(ann, "add-supervisor", verbBody{Supervisor: lee, NoWait: true, RingSeconds: 120})
			p.rings(lee)
			p.hears("customer hears ann", "ann hears customer")
		}},
		{"Add supervisor", "Lee joins, coaching", "Lee hears both. Ann hears Lee, the customer does not.", func(p *player) {
			p.answer(lee)
			p.do(ann, "await", verbBody{Supervisor: lee})
			p.hears("customer hears ann", "ann hears customer, lee", "lee hears customer, ann")
			p.say(customer, "It should have been here on Monday.", ann, lee)
			p.say(lee, "Offer her free delivery.", ann)
			p.say(ann, "Your next delivery is free.", customer, lee)
		}},
		{"Add supervisor", "Lee leaves", "Ann goes on alone.", func(p *player) {
			p.do(lee, "leave", verbBody{Supervisor: lee})
			p.free(lee)
			p.hears("customer hears ann", "ann hears customer")
		}},
		{"Barge", "Lee listens in", "Lee picks the call from her list. She hears both and is heard by nobody; Ann’s desktop does not show her.", func(p *player) {
			p.do(lee, "barge", verbBody{Supervisor: lee, Mode: "monitor", NoWait: true, RingSeconds: 120})
			p.rings(lee)
			p.wait()
			p.answer(lee)
			p.do(lee, "await", verbBody{Supervisor: lee})
			p.hears("customer hears ann", "ann hears customer", "lee hears customer, ann")
			p.say(customer, "I would rather cancel.", ann, lee)
			p.say(lee, "Oh dear.")
			p.desk(ann, "shows no supervisor", func(c deskCall) bool { return len(c.live()) == 0 })
			p.desk(lee, "shows Lee, monitoring", func(c deskCall) bool { s := c.live(); return len(s) == 1 && s[0].Mode == "monitor" })
		}},
		{"Barge", "Lee starts to coach", "Now Ann hears her, and only Ann.", func(p *player) {
			p.do(lee, "set-mode", verbBody{Supervisor: lee, Mode: "coach"})
			p.hears("customer hears ann", "ann hears customer, lee", "lee hears customer, ann")
			p.say(lee, "Shall I talk to her?", ann)
			p.desk(ann, "shows Lee, coaching", func(c deskCall) bool { s := c.live(); return len(s) == 1 && s[0].Mode == "coach" })
		}},
		{"Take over", "Lee takes over", "Lee talks with the customer. Ann stays and listens, muted. This is the only way into the customer’s ear.", func(p *player) {
			p.do(lee, "take-over", verbBody{Supervisor: lee, Agent: "mute"})
			p.hears("customer hears lee", "ann hears customer, lee", "lee hears customer")
			p.say(lee, "Hello, I am Lee. Let me see to it.", customer, ann)
			p.say(ann, "Phew.")
			p.say(customer, "Thank you!", ann, lee)
		}},
		{"Take over", "Lee hands back", "First Ann is audible again; only then is Lee lowered to coaching.", func(p *player) {
			p.do(lee, "hand-back", verbBody{Supervisor: lee})
			p.hears("customer hears ann", "ann hears customer, lee", "lee hears customer, ann")
			p.say(ann, "So, that is settled.", customer, lee)
			p.say(lee, "Well done.", ann)
		}},
		{"Take over", "Ann ends the call", "Everybody’s phone is free again, and the call is closed in the books.", func(p *player) {
			p.do(ann, "end", verbBody{})
			p.free(customer)
			p.free(ann)
			p.free(lee)
			p.desk(lee, "shows that the call has ended", func(c deskCall) bool { return c.State == "ended" })
		}},
	}
}
