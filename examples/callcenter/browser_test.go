package main

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/chromedp"
)

const desk = `[data-testid="desk"] >> `

// TestBrowserScenarios plays the four scenarios by clicking, each person in a
// browser of their own, and looks at what their phones hear.
func TestBrowserScenarios(t *testing.T) {
	t.Parallel()
	chromium(t)
	c := startCenter(t)
	cust := openBrowser(t, "customer", c.URL+"/customer", 420, 640)
	ann := openBrowser(t, "Ann", c.URL+"/agent/ann", 900, 1000)
	lee := openBrowser(t, "Lee", c.URL+"/supervisor/lee", 900, 1000)
	watch := openBrowser(t, "Lee’s second screen", c.URL+leesConsole, 1280, 800)

	// Connect: the customer calls and Ann answers.
	watch.see("an empty wallboard", `at('[data-testid="empty"]')`)
	watch.picture("01-wallboard-empty")
	cust.see("the phone is ready", `at('[data-testid="phone"]').dataset.connected === ''`)
	cust.click(phone("call"))
	ann.phone("ringing")
	ann.see("Ann’s desk shows the call by itself", `at('`+desk+`[data-testid="call"]')?.dataset.phase === 'ringing'`)
	cust.see("music", `at('[data-testid="phone-listening"]').dataset.listening === 'music'`)
	watch.click(`[data-testid="calls"] a`)
	watch.see("the call rings", `at('[data-testid="call"]')?.dataset.phase === 'ringing' && at('g[data-person="agent:ann"]')?.dataset.ghost`)
	watch.picture("02-call-ringing")
	ann.click(phone("answer"))
	ann.phone("in-call")
	cust.phone("in-call")
	ann.see("Ann talks", `at('`+desk+`[data-testid="call"]').dataset.phase === 'talking'`)
	ann.says("Good morning, this is Ann.", cust)
	cust.says("My parcel has not come.", ann)
	watch.see("talking", `at('[data-testid="call"]').dataset.phase === 'talking' && at('g[data-hears="customer>agent:ann"]')`)
	watch.picture("03-call-talking")

	// Add supervisor: Ann asks for Lee, who joins to coach.
	ann.click(desk + `[data-verb="add-supervisor"]`)
	ann.click(desk + `[data-testid="supervisor-lee"]`)
	ann.click(desk + `[data-testid="mode-coach"]`)
	ann.click(desk + `[data-testid="confirm"]`)
	lee.phone("ringing")
	lee.see("Lee’s desk shows the call by itself", `at('`+desk+`[data-testid="call"]')`)
	watch.see("Lee’s phone rings", `at('[data-supervision="lee"]')?.dataset.standing === 'ringing'`)
	watch.picture("04-supervisor-ringing")
	lee.click(phone("answer"))
	lee.stands("confirmed", "coach")
	ann.see("Ann is told", `all('`+desk+`[data-testid="toast"][data-kind="good"]').some((x) => x.textContent.includes('Lee joined, coaching'))`)
	cust.says("It should have been here on Monday.", ann, lee)
	lee.says("Offer her free delivery.", ann)
	ann.says("Your next delivery is free.", cust, lee)
	lee.click(desk + `[data-testid="own-supervision"] [data-verb="leave"]`)
	lee.phone("idle")

	// Barge: Lee picks the call from her list.
	lee.click(desk + `[data-testid="join-monitor"]`)
	lee.click(desk + `[data-verb="barge"]`)
	lee.phone("ringing")
	lee.click(phone("answer"))
	lee.stands("confirmed", "monitor")
	lee.says("Oh dear.")
	cust.says("I would rather cancel.", ann, lee)
	ann.see("nobody on Ann’s desk", `!at('`+desk+`[data-supervision="lee"][data-standing="confirmed"]')`)
	watch.see("Lee monitors", `at('[data-supervision="lee"]')?.dataset.mode === 'monitor'`)
	watch.picture("05-call-monitor")
	lee.click(desk + `[data-testid="own-supervision"] [data-verb="set-mode"][data-mode="coach"]`)
	lee.stands("confirmed", "coach")
	lee.says("Shall I talk to her?", ann)
	watch.see("Lee coaches", `at('[data-supervision="lee"][data-standing="confirmed"]')?.dataset.mode === 'coach'`)
	watch.picture("06-call-coach")

	// Take over, with Ann muted, and hand back.
	lee.click(desk + `[data-testid="own-supervision"] [data-verb="take-over"]`)
	lee.click(desk + `[data-testid="part-mute"]`)
	lee.picture("06b-panel-take-over")
	lee.click(desk + `[data-testid="confirm"]`)
	lee.stands("confirmed", "open")
	lee.says("Hello, I am Lee. Let me see to it.", cust, ann)
	ann.says("Phew.")
	cust.says("Thank you!", ann, lee)
	watch.see("taken over", `at('[data-supervision="lee"][data-standing="confirmed"]')?.dataset.mode === 'open' && at('g[data-hears="customer>supervisor:lee"]') && !at('g[data-hears="customer>agent:ann"]')`)
	watch.picture("07-call-taken-over")
	lee.click(desk + `[data-testid="own-supervision"] [data-verb="hand-back"]`)
	lee.stands("confirmed", "coach")
	lee.says("Well done.", ann)
	ann.says("So, that is settled.", cust, lee)
	for _, line := range []string{"Offer her free delivery.", "Oh dear.", "Shall I talk to her?", "Well done.", "Phew."} {
		if cust.heard(line) {
			t.Errorf("the customer’s phone shows %q", line)
		}
	}
	watch.see("handed back", `at('[data-supervision="lee"][data-standing="confirmed"]')?.dataset.mode === 'coach' && at('g[data-hears="customer>agent:ann"]')`)
	watch.picture("08-call-handed-back")

	ann.picture("09-ann")
	lee.picture("10-lee")
	cust.picture("11-customer")
	ann.click(desk + `[data-verb="end"]`)
	ann.click(desk + `[data-testid="confirm"]`)
	for _, b := range []*browser{cust, ann, lee} {
		b.phone("idle")
	}
	watch.see("the call is over", `at('[data-testid="call"]').dataset.state === 'ended' && at('[data-testid="ended"]')`)
	watch.picture("12-call-ended")
}

func phone(key string) string { return fmt.Sprintf(`[data-testid="phone-%s"]`, key) }

// phone waits for a state of the phone.
func (b *browser) phone(state string) {
	b.t.Helper()
	b.see("the phone is "+state, fmt.Sprintf(`at('[data-testid="phone"]').dataset.state === %q`, state))
}

// stands waits until Lee's desk says how she stands.
func (b *browser) stands(standing, mode string) {
	b.t.Helper()
	b.see("Lee stands "+standing+" "+mode, fmt.Sprintf(`(() => { const s = at('%s[data-supervision="lee"]'); return s?.dataset.standing === %q && s.dataset.mode === %q; })()`, desk, standing, mode))
}

// heard reports whether the phone shows a line that it heard.
func (b *browser) heard(line string) bool {
	b.t.Helper()
	return look[bool](b, fmt.Sprintf(`all('[data-testid="phone-line"][data-kind="heard"] .text').some((x) => x.textContent === %q)`, line))
}

// says types a line into the phone, and waits until exactly these people's
// phones show it.
func (b *browser) says(line string, to ...*browser) {
	b.t.Helper()
	b.write(phone("say"), line)
	b.click(phone("say-send"))
	want := "heard by nobody"
	for i, p := range to {
		name := p.who
		if name == "customer" {
			name = "Customer"
		}
		if i == 0 {
			want = "heard by " + name
		} else {
			want += ", " + name
		}
	}
	sorted := `((s) => s.replace('heard by ', '').split(', ').sort().join())`
	b.see(fmt.Sprintf("%q %s", line, want), fmt.Sprintf(`all('[data-testid="phone-line"][data-kind="said"]').some((x) => x.querySelector('.text').textContent === %q && %s(x.querySelector('.by').textContent) === %s(%q))`, line, sorted, sorted, want))
	for _, p := range to {
		p.see("hears "+line, fmt.Sprintf(`all('[data-testid="phone-line"][data-kind="heard"] .text').some((x) => x.textContent === %q)`, line))
	}
}

// TestBrowserSideBySide takes the tour on the page that shows all three phones.
func TestBrowserSideBySide(t *testing.T) {
	t.Parallel()
	chromium(t)
	c := startCenter(t)
	b := openBrowser(t, "all three", c.URL+"/", 1440, 900)
	steps := len(c.tour.steps)
	for i := range steps {
		b.click(`[data-testid="tour-next"]`)
		state := "waiting"
		if i == steps-1 {
			state = "done"
		}
		b.see(c.tour.steps[i].title, fmt.Sprintf(`at('[data-testid="tour"]').dataset.state === %q && at('[data-testid="tour"]').dataset.step === '%d'`, state, i+1))
		if bad := look[[]string](b, `all('[data-testid="tour-check"][data-ok="false"]').map((x) => x.textContent)`); len(bad) > 0 {
			t.Errorf("%s: %q", c.tour.steps[i].title, bad)
		}
		if i == 6 || i == 7 {
			const call = `[data-testid="frame-supervisor"] >> [data-testid="desk"] >> `
			b.see("Lee’s desk follows", `(at('`+call+`[data-supervision="lee"]')?.dataset.mode ?? '') === '`+[]string{"coach", "open"}[i-6]+`'`)
			b.see("her words", `all('[data-testid="frame-agent"] >> [data-testid="phone-line"][data-role="supervisor"]').length > 0`)
			b.picture(fmt.Sprintf("16-side-by-side-%d", i+1))
		}
	}
	const line = `[data-testid="phone-line"][data-kind="heard"][data-role="supervisor"] .text`
	got := look[[]string](b, `all('[data-testid="frame-customer"] >> `+line+`').map((x) => x.textContent)`)
	if want := []string{"Hello, I am Lee. Let me see to it."}; !slices.Equal(got, want) {
		t.Errorf("of the supervisor the customer’s phone shows %q, want %q", got, want)
	}
	if n := look[int](b, `all('[data-testid="frame-agent"] >> `+line+`').length`); n != 4 {
		t.Errorf("the agent’s phone shows %d lines of the supervisor, want 4", n)
	}
}

// TestBrowserPress has a call come in while somebody presses the row of another,
// which it pushes down.
func TestBrowserPress(t *testing.T) {
	t.Parallel()
	chromium(t)
	c := startCenter(t)
	p, b := c.player(), c.openLee()
	c.tour.steps[0].play(p)
	c.tour.steps[1].play(p)
	row := `[data-testid="calls"] [data-call="` + c.tour.call + `"] a`
	b.see("Ann talks", `at('[data-phase="talking"]')`)
	x, y := b.spot(row)
	b.do(chromedp.MouseEvent(input.DispatchMouseEventTypeMousePressed, x, y, chromedp.ButtonLeft, chromedp.ClickCount(1)))
	c.another("14155550888")
	until(t, "two calls", func() bool { return len(c.liveCalls()) == 2 })
	time.Sleep(200 * time.Millisecond) // in which the page hears of it
	b.do(chromedp.MouseEvent(input.DispatchMouseEventTypeMouseReleased, x, y, chromedp.ButtonLeft, chromedp.ClickCount(1)))
	b.see("the call that was pressed", `at('[data-testid="call"]')?.dataset.call === '`+c.tour.call+`'`)
	b.see("the other one above", `at('[data-testid="calls"] > *').dataset.phase === 'ringing'`)
}

// TestBrowserManyPages has everybody's pages open in one browser, beside the one
// that shows all: there are connections enough for all to stay fresh.
func TestBrowserManyPages(t *testing.T) {
	t.Parallel()
	chromium(t)
	c := startCenter(t)
	p := c.player()
	front := openBrowser(t, "all three", c.URL+"/", 1440, 900)
	cust := front.tab("customer", c.URL+"/customer")
	ann := front.tab("Ann", c.URL+"/agent/ann")
	lee := front.tab("Lee", c.URL+"/supervisor/lee")
	for _, b := range []*browser{cust, ann, lee} {
		b.see("the phone is ready", `at('[data-testid="phone"]')?.dataset.connected === ''`)
	}
	for i := range 4 { // until Lee coaches
		c.tour.steps[i].play(p)
	}
	for _, b := range []*browser{cust, ann, lee} {
		b.phone("in-call")
	}
	lee.stands("confirmed", "coach")
	for _, who := range []string{"customer", "agent", "supervisor"} {
		front.see("the "+who+"’s phone beside the others", `at('[data-testid="frame-`+who+`"] >> [data-testid="phone"]')?.dataset.state === 'in-call'`)
	}
	// The page of one goes, and the phone beside the others stays fresh.
	ann.do(chromedp.Navigate("about:blank"))
	c.tour.steps[len(c.tour.steps)-1].play(p)
	front.see("the call is over", `['customer', 'agent', 'supervisor'].every((who) => at('[data-testid="frame-' + who + '"] >> [data-testid="phone"]')?.dataset.state === 'idle')`)
}
