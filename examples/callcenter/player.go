package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/mpc-coaching/coaching/plivotest"
)

// patience is how long a player waits for something to happen.
const patience = 10 * time.Second

// A player plays one step over HTTP: the phones by the emulator's control API,
// the desks by the console's. Its methods panic with a failure at the first
// thing that is not as it should be; tour.next turns that into a result.
type player struct {
	ctx   context.Context
	tour  *tour
	step  step
	deeds []deed
}

// A deed is something that was done or found, for the reader.
type deed struct {
	Kind string `json:"kind"` // "did", "said" or "saw"
	Who  string `json:"who,omitempty"`
	What string `json:"what"`
	MS   int64  `json:"ms,omitempty"`
	OK   bool   `json:"ok"`
}

// A failure says what did not hold.
type failure string

func (f failure) Error() string { return string(f) }

// expect ends the step if ok is false.
func (p *player) expect(what string, ok bool) {
	if p.tour.fail != "" && strings.Contains(p.step.title+": "+what, p.tour.fail) {
		ok = !ok
	}
	p.deeds = append(p.deeds, deed{Kind: "saw", What: what, OK: ok})
	if !ok {
		panic(failure("this does not hold: " + what))
	}
}

func (p *player) must(what string, err error) {
	if err != nil {
		p.deeds = append(p.deeds, deed{Kind: "did", What: what})
		panic(failure(fmt.Sprintf("%s: %v", what, err)))
	}
}

// until waits for something to become so.
func (p *player) until(what string, ok func() bool) {
	deadline := time.Now().Add(patience)
	for !ok() && time.Now().Before(deadline) && p.ctx.Err() == nil {
		sleep(p.ctx, 10*time.Millisecond)
	}
	p.expect(what, ok())
}

// wait leaves a reader time to look.
func (p *player) wait() { sleep(p.ctx, p.tour.pause) }

func sleep(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
}

// phoneView is what the emulator tells of a phone's last call.
type phoneView struct {
	Calls []struct {
		State     plivotest.State   `json:"state"`
		Headers   map[string]string `json:"headers"`
		Listening string            `json:"listening"`
		CallUUID  string            `json:"call_uuid"`
		Hears     []string          `json:"hears"`
		Heard     []struct {
			Text string `json:"text"`
		} `json:"heard"`
	} `json:"calls"`
}

func (p *player) phone(who string) phoneView {
	var v phoneView
	err := p.tour.api.call(p.ctx, "GET", phonePath(p.tour.address(who))+"?calls=1", nil, &v)
	p.must("look at "+name(who)+"’s phone", err)
	return v
}

func (p *player) state(who string) plivotest.State {
	if v := p.phone(who); len(v.Calls) > 0 {
		return v.Calls[0].State
	}
	return plivotest.Ended
}

// clear sets the stage: nobody is in a call, phones wait for a hand.
func (p *player) clear() {
	t := p.tour
	t.call = ""
	for _, who := range []string{customer, ann, lee} {
		for range 10 {
			end := "/hangup"
			if st := p.state(who); st == plivotest.Ended {
				break
			} else if st == plivotest.Ringing && who != customer {
				end = "/reject"
			}
			t.api.call(p.ctx, "POST", phonePath(t.address(who))+end, nil, nil) // it may have ended by itself
		}
	}
	for _, who := range []string{ann, lee} {
		err := t.api.call(p.ctx, "PUT", phonePath(t.address(who)), plan(plivotest.Manual), nil)
		p.must("let "+name(who)+"’s phone wait for a hand", err)
	}
	p.until("nobody of the cast is in a call", func() bool {
		var list struct{ Calls []deskCall }
		p.must("look at Lee’s desktop", t.api.call(p.ctx, "GET", t.deskPath(lee)+"api/calls", nil, &list))
		for _, c := range list.Calls {
			if c.From == firstCaller || c.with(ann) {
				return false
			}
		}
		return true
	})
}

// dial lets somebody call a number.
func (p *player) dial(who, number string) {
	err := p.tour.api.call(p.ctx, "POST", "/_/calls", map[string]string{"from": p.tour.address(who), "to": number}, nil)
	p.must(name(who)+" calls "+number, err)
	p.deeds = append(p.deeds, deed{Kind: "did", Who: who, What: "calls " + number, OK: true})
}

// What the emulator says somebody listens to, in the reader's words.
var listening = map[string]string{"wait music": "hears music", "mpc": "is in the conversation"}

func (p *player) listens(who, what string) {
	p.until(name(who)+" "+listening[what], func() bool {
		v := p.phone(who)
		return len(v.Calls) > 0 && v.Calls[0].Listening == what
	})
}

func (p *player) rings(who string) {
	p.until(name(who)+"’s phone rings", func() bool { return p.state(who) == plivotest.Ringing })
}

// answer takes the call, unless the reader did.
func (p *player) answer(who string) {
	if p.state(who) != plivotest.InProgress {
		err := p.tour.api.call(p.ctx, "POST", phonePath(p.tour.address(who))+"/answer", nil, nil)
		p.must(name(who)+" answers", err)
	}
	p.deeds = append(p.deeds, deed{Kind: "did", Who: who, What: "answers", OK: true})
	p.listens(who, "mpc")
}

func (p *player) free(who string) {
	p.until(name(who)+"’s phone is free", func() bool { return p.state(who) == plivotest.Ended })
}

// learnCall takes the call's id from where a desktop takes it.
func (p *player) learnCall(who string) {
	if v := p.phone(who); len(v.Calls) > 0 {
		p.tour.call = v.Calls[0].Headers["X-PH-Callid"]
	}
	p.expect(name(who)+"’s phone knows the call’s id", p.tour.call != "")
}

// verbBody is the body of a verb of the console; each takes some of it.
type verbBody struct {
	Supervisor  string `json:"supervisor,omitempty"`
	Mode        string `json:"mode,omitempty"`
	Agent       string `json:"agent,omitempty"`
	RingSeconds int    `json:"ring_seconds,omitempty"`
	NoWait      bool   `json:"no_wait,omitempty"`
}

// do presses a button of a desk.
func (p *player) do(who, verb string, body verbBody) {
	start := time.Now()
	err := p.tour.api.call(p.ctx, "POST", p.tour.deskPath(who)+"api/calls/"+url.PathEscape(p.tour.call)+"/"+verb, body, nil)
	p.must(name(who)+"’s desktop: "+verb, err)
	p.deeds = append(p.deeds, deed{Kind: "did", Who: who, What: "POST …/" + verb, MS: time.Since(start).Milliseconds(), OK: true})
}

// deskCall is what a desk shows of a call.
type deskCall struct {
	State        string `json:"state"`
	From         string `json:"from"`
	Participants []struct {
		Agent string    `json:"agent"`
		Left  time.Time `json:"left"`
	} `json:"participants"`
	Supervisions []supervisionView `json:"supervisions"`
}

type supervisionView struct {
	ID    string `json:"id"`
	State string `json:"state"`
	Mode  string `json:"mode"`
}

// live returns the supervisions that have not ended.
func (c deskCall) live() []supervisionView {
	return slices.DeleteFunc(slices.Clone(c.Supervisions), func(s supervisionView) bool { return s.State == "ended" })
}

func (c deskCall) with(agent string) bool {
	for _, p := range c.Participants {
		if p.Agent == agent && p.Left.IsZero() {
			return true
		}
	}
	return false
}

// desk looks at the call on a desk.
func (p *player) desk(who, what string, ok func(deskCall) bool) {
	path := p.tour.deskPath(who) + "api/calls/" + url.PathEscape(p.tour.call)
	p.until(name(who)+"’s desktop "+what, func() bool {
		var c deskCall
		p.must("look at "+name(who)+"’s desktop", p.tour.api.call(p.ctx, "GET", path, nil, &c))
		return ok(c)
	})
}

// blind looks whether a desk does not show the call.
func (p *player) blind(who string) {
	err := p.tour.api.call(p.ctx, "GET", p.tour.deskPath(who)+"api/calls/"+url.PathEscape(p.tour.call), nil, nil)
	var status *statusError
	p.expect(name(who)+"’s desktop does not show the call", errors.As(err, &status) && status.status == http.StatusForbidden)
}

// hears compares who hears whom with sentences such as "ann hears customer,
// lee", one for each who hears anybody.
func (p *player) hears(sentences ...string) {
	want := map[[2]string]bool{}
	for _, s := range sentences {
		listener, speakers, _ := strings.Cut(s, " hears ")
		for speaker := range strings.SplitSeq(speakers, ", ") {
			want[[2]string{listener, speaker}] = true
		}
	}
	cast := []string{customer, ann, lee}
	for _, l := range cast {
		var hears []string
		if v := p.phone(l); len(v.Calls) > 0 {
			hears = v.Calls[0].Hears
		}
		for _, s := range cast {
			if l == s {
				continue
			}
			verb := " does not hear "
			if want[[2]string{l, s}] {
				verb = " hears "
			}
			p.expect(name(l)+verb+name(s), slices.Contains(hears, p.tour.address(s)) == want[[2]string{l, s}])
		}
	}
}

// say lets somebody speak, and compares whose ears it reached.
func (p *player) say(who, text string, hearers ...string) {
	p.wait()
	v := p.phone(who)
	if len(v.Calls) == 0 {
		panic(failure(name(who) + " is not in a call"))
	}
	err := p.tour.api.call(p.ctx, "POST", "/_/calls/"+v.Calls[0].CallUUID+"/say", map[string]string{"text": text}, nil)
	p.must(name(who)+" says “"+text+"”", err)
	p.deeds = append(p.deeds, deed{Kind: "said", Who: who, What: text, OK: true})
	for _, l := range []string{customer, ann, lee} {
		if l == who {
			continue
		}
		heard := false
		if v := p.phone(l); len(v.Calls) > 0 {
			n := len(v.Calls[0].Heard)
			heard = n > 0 && v.Calls[0].Heard[n-1].Text == text
		}
		verb := " does not hear "
		if slices.Contains(hearers, l) {
			verb = " hears "
		}
		p.expect(fmt.Sprintf("%s%s%s say “%s”", name(l), verb, name(who), text), heard == slices.Contains(hearers, l))
	}
}

// name is what the reader calls somebody.
func name(who string) string {
	if who == customer {
		return "the customer"
	}
	return strings.ToUpper(who[:1]) + who[1:]
}
