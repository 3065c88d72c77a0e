package main

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/mpc-coaching/coaching/internal/cable"
)

// view is all that a page of the console shows, but for what counts seconds,
// comes and goes, or is only for screen readers to announce.
const view = `(() => {
  const b = document.body.cloneNode(true);
  for (const el of b.querySelectorAll('.clock, #toasts, [role="status"], script')) el.remove();
  const marks = [...b.querySelectorAll('[data-hears], [data-person], [data-verb], [data-standing], [data-phase], input, [aria-pressed]')]
    .map((el) => [...el.attributes].filter((a) => !['class', 'style', 'title', 'id'].includes(a.name)).map((a) => a.name + '=' + a.value).sort().join(' '));
  return b.innerText + '\n' + b.textContent + '\n' + marks.join('\n') + '\n' + location.hash + '\n' + (at('[data-testid="filter"]')?.value ?? '');
})()`

// settled waits until the page shows the same for a while, with nothing under way.
func (b *browser) settled() string {
	b.t.Helper()
	last, since := "", time.Now()
	for deadline := time.Now().Add(15 * time.Second); time.Now().Before(deadline); time.Sleep(40 * time.Millisecond) {
		now := look[string](b, view)
		busy := look[bool](b, `!at('[data-connection="live"]') || Boolean(at('[data-doubt], [aria-busy="true"], [data-testid="loading"], [data-standing="joining"], [data-standing="changing"], [data-standing="raising"]'))`)
		if now != last || busy {
			last, since = now, time.Now()
		} else if time.Since(since) > 350*time.Millisecond {
			return now
		}
	}
	b.fail("the page does not settle")
	return ""
}

// TestBrowserReconnect cuts a page off for 30 s in which much happens, and
// compares what it shows afterwards with the state and with a new page.
func TestBrowserReconnect(t *testing.T) {
	t.Parallel() // it mostly waits, as they all do
	chromium(t)
	c := startCenter(t)
	p := c.player()
	wire := cable.New(t, strings.TrimPrefix(c.URL, "http://"))
	b := openBrowser(t, "Lee", "http://"+wire.Addr()+leesConsole, 1280, 800)
	press := func(address, key string) {
		until(t, address+" "+key, func() bool { return c.tour.api.call(p.ctx, "POST", phonePath(address)+"/"+key, nil, nil) == nil })
	}
	c.tour.steps[0].play(p)
	c.tour.steps[1].play(p)
	c.another("14155550888")
	b.see("two rows", `all('[data-testid="calls"] > *').length === 2`) // else the second pushes the first away
	b.click(`[data-testid="calls"] [data-call="` + c.tour.call + `"] a`)
	b.see("two calls, one open", `all('[data-testid="calls"] > *').length === 2 && at('[data-testid="call"]')?.dataset.phase === 'talking' && at('[data-verb="barge"]')`)

	wire.Cut()
	begun := time.Now()
	b.see("the banner", `at('[data-testid="banner"]')`)
	changes := []func(){
		func() { c.tour.steps[2].play(p) },
		func() { c.tour.steps[3].play(p) },
		func() { press("sip:cay@phone.plivo.com", "answer") },
		func() { c.another("14155550777") },
		func() { c.tour.steps[7].play(p) },
		func() { press("14155550888", "hangup") },
		func() { c.another("14155550999") },
		func() { press("14155550777", "hangup") },
	}
	pace := time.NewTicker(31 * time.Second / time.Duration(len(changes)))
	defer pace.Stop()
	for _, change := range changes {
		change()
		<-pace.C
	}
	b.see("controls off", `at('[data-connection="off"]') && all('[data-verb]').length > 0 && all('[data-verb]').every((x) => x.disabled)`)
	b.picture("13-cut-off")
	if cut := time.Since(begun); cut < 30*time.Second {
		t.Fatalf("the page was cut off for %s, want 30s", cut)
	}

	wire.Mend()
	mended := time.Now()
	b.within(10*time.Second, "connected", `at('[data-connection="live"]') && !at('[data-testid="banner"]')`)
	got := b.settled()
	t.Logf("connected and settled %s after the line was mended", time.Since(mended).Round(10*time.Millisecond))
	want := c.liveCalls()
	rows := look[[]string](b, `all('[data-testid="calls"] > *').map((x) => x.dataset.call + ' ' + x.dataset.state)`)
	slices.Sort(rows)
	if len(want) != 2 || !slices.Equal(rows, want) {
		t.Errorf("the wallboard shows %q, want %q, two calls", rows, want)
	}
	if !look[bool](b, `at('[data-supervision="lee"]')?.dataset.mode === 'open' && Boolean(at('g[data-hears="customer>supervisor:lee"]'))`) {
		t.Error("the open call does not show that Lee has taken over")
	}
	fresh := openBrowser(t, "Lee, anew", c.URL+leesConsole+look[string](b, "location.hash"), 1280, 800)
	if anew := fresh.settled(); anew != got {
		t.Errorf("after the cut the page shows\n%s\na new one\n%s", got, anew)
	}
}

// TestBrowserReload reloads the console at every step of the tour: the page
// shows the same as before.
func TestBrowserReload(t *testing.T) {
	t.Parallel()
	chromium(t)
	c := startCenter(t)
	p, b := c.player(), c.openLee()
	for i, s := range c.tour.steps {
		s.play(p)
		if i == 0 {
			b.click(`[data-testid="calls"] a`)
			b.write(`[data-testid="filter"]`, "4155")
		}
		b.click(`[data-testid="show-` + []string{"all", "waiting", "coached"}[i%3] + `"]`)
		had := b.settled()
		b.do(chromedp.Reload())
		if got := b.settled(); got != had {
			t.Errorf("%s: reloaded the page shows\n%s\nwant as before\n%s", s.title, got, had)
		}
		if state := look[string](b, `at('[data-testid="call"]').dataset.phase`); i == 0 && state != "ringing" || i == len(c.tour.steps)-1 && state != "ended" {
			t.Errorf("%s: the call is %s", s.title, state)
		}
	}
}
