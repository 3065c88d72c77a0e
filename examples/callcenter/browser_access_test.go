package main

import (
	"encoding/json"
	"slices"
	"testing"
	"time"

	"github.com/chromedp/cdproto/accessibility"
	cdpemulation "github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// TestBrowserAccess looks at the pages in many states: every control has a name
// and is reached by Tab, with a focus that shows; every text stands out from
// what is behind it, in light and dark; and nothing is wider than a telephone.
func TestBrowserAccess(t *testing.T) {
	t.Parallel()
	chromium(t)
	c := startCenter(t)
	p, b := c.player(), c.openLee()
	play := func(i int) { c.tour.steps[i].play(p) }
	panel := func(verb string) {
		t.Helper()
		b.click(`[data-verb="` + verb + `"]`)
		b.see("a panel", `at('[data-testid="panel"]')`)
		b.accessible(verb + " panel")
		b.see("the focus in the panel", `(at('[data-testid="panel"] input, [data-testid="panel"] button').focus(), at('[data-testid="panel"]').contains(document.activeElement))`)
		b.do(chromedp.KeyEvent(kb.Escape))
		b.see("Escape closes the panel and leads back", `!at('[data-testid="panel"]') && document.activeElement.dataset.verb === '`+verb+`'`)
	}

	b.see("empty", `at('[data-testid="empty"]')`)
	b.accessible("empty wallboard")
	play(0)
	b.see("a row", `at('[data-testid="calls"] a')`)
	b.accessible("wallboard")
	b.write(`[data-testid="filter"]`, "nobody")
	b.see("none", `at('[data-testid="clear-filter"]')`)
	b.accessible("wallboard, all filtered")
	b.click(`[data-testid="clear-filter"]`)
	b.click(`[data-testid="calls"] a`)
	b.see("the call", `at('[data-testid="call"]')?.dataset.phase === 'ringing' && at('[data-verb="end"]')`)
	b.accessible("call ringing")
	play(1)
	b.see("talking", `at('[data-testid="call"]').dataset.phase === 'talking' && at('[data-verb="barge"]')`)
	b.accessible("call talking")
	panel("transfer")
	panel("end")
	play(2)
	b.see("Lee rings", `at('[data-standing="ringing"]')`)
	b.accessible("supervisor ringing")
	play(3)
	b.see("Lee coaches", `at('[data-supervision="lee"][data-standing="confirmed"]')`)
	b.accessible("coach")
	panel("take-over")
	play(7)
	b.see("taken over", `at('[data-supervision="lee"][data-standing="confirmed"]')?.dataset.mode === 'open'`)
	b.accessible("taken over")
	panel("hand-back-to")
	b.click(`[data-verb="hand-back"]`)
	b.see("a toast", `at('[data-testid="toast"]')`)
	b.accessible("toast")

	b.do(chromedp.Navigate(c.URL + "/customer"))
	b.phone("in-call")
	b.see("lines", `at('[data-testid="phone-line"]')`)
	b.accessible("the customer’s phone, in a call")

	b.do(chromedp.Navigate(c.URL + "/agent/ann/console/#/calls/" + c.tour.call))
	b.see("Ann’s own voice", `at('[data-testid="own-voice"] button')`)
	b.accessible("agent’s view")
	play(4)
	b.see("Lee left", `at('[data-verb="add-supervisor"]')`)
	panel("add-supervisor")
	play(9)
	b.see("ended", `at('[data-testid="ended"]')`)
	b.accessible("call ended")
	b.do(chromedp.Navigate(c.URL + "/customer"))
	b.phone("idle")
	b.see("ready", `at('[data-testid="phone"]').dataset.connected === ''`)
	b.accessible("the customer’s phone")
}

// accessible checks all that for what the page shows now.
func (b *browser) accessible(what string) {
	b.t.Helper()
	b.steady()
	b.named(what)
	b.tabbed(what)
	for _, scheme := range []string{"dark", "light"} {
		_, err := chromedp.Call(b.ctx, cdpemulation.SetEmulatedMedia, cdpemulation.SetEmulatedMediaParams{Features: []*cdpemulation.MediaFeature{
			{Name: "prefers-color-scheme", Value: scheme}, {Name: "prefers-reduced-motion", Value: "reduce"},
		}})
		if err != nil {
			b.t.Fatal(err)
		}
		b.still()
		res := look[struct {
			Texts int
			Least float64
			Bad   []string
		}](b, contrast)
		if res.Texts < 5 || len(res.Bad) > 0 {
			b.t.Errorf("%s, %s: of %d texts these have too little contrast: %q", what, scheme, res.Texts, res.Bad)
		}
		b.t.Logf("%s, %s: %d texts, contrast at least %.2f", what, scheme, res.Texts, res.Least)
		if scheme == "dark" && (what == "taken over" || what == "take-over panel") {
			b.picture("14-dark-" + what)
		}
	}
	b.do(chromedp.EmulateViewport(390, 844))
	b.still()
	if w := look[int](b, `document.scrollingElement.scrollWidth`); w > 390 {
		b.picture("wide-" + what)
		b.t.Errorf("%s: at a width of 390 the page is %d wide", what, w)
	}
	if what == "taken over" || what == "wallboard" {
		b.picture("15-narrow-" + what)
	}
	b.do(chromedp.EmulateViewport(1280, 800))
	b.still()
}

// steady waits until the same controls have been there for a while: what the
// viewer may do is asked for after the people of a call have changed.
func (b *browser) steady() {
	b.t.Helper()
	since, last := time.Now(), ""
	for deadline := time.Now().Add(10 * time.Second); time.Since(since) < 400*time.Millisecond; time.Sleep(40 * time.Millisecond) {
		if now := look[string](b, `all('a[href], button, input').map((el) => el.outerHTML).join('\n')`); now != last {
			since, last = time.Now(), now
		}
		if time.Now().After(deadline) {
			b.fail("the controls do not come to rest")
		}
	}
}

var controlRoles = []string{"button", "link", "textbox", "searchbox", "combobox", "checkbox", "switch", "radio", "slider", "spinbutton", "listbox", "tab", "menuitem"}

// named asks the browser what it tells screen readers.
func (b *browser) named(what string) {
	b.t.Helper()
	tree, err := chromedp.Call(b.ctx, accessibility.GetFullAXTree, accessibility.GetFullAXTreeParams{})
	if err != nil {
		b.t.Fatal(err)
	}
	text := func(v *accessibility.Value) (s string) {
		if v != nil {
			json.Unmarshal(v.Value, &s)
		}
		return s
	}
	n := 0
	for _, node := range tree.Nodes {
		if role := text(node.Role); !node.Ignored && slices.Contains(controlRoles, role) {
			n++
			if text(node.Name) == "" {
				b.t.Errorf("%s: a %s has no name", what, role)
			}
		}
	}
	if n < 2 {
		b.t.Errorf("%s: %d controls, want more", what, n)
	}
}

// tabbed presses Tab until all controls had the focus.
func (b *browser) tabbed(what string) {
	b.t.Helper()
	n := look[int](b, `(() => {
	  const shown = (el) => el.checkVisibility({ visibilityProperty: true }) && !el.disabled;
	  const els = all('a[href], button, input, select, textarea, [tabindex]').filter((el) => shown(el) && el.getAttribute('tabindex') !== '-1')
	    .filter((el) => el.type !== 'radio' || el.checked || !all('input[type=radio]').some((x) => x.name === el.name && x.checked));
	  window.walk = { els, seen: new Set(), bad: els.filter((el) => el.tabIndex > 0).map((el) => 'tabindex above 0: ' + el.outerHTML.slice(0, 160)) };
	  document.activeElement?.blur();
	  return els.length;
	})()`)
	const step = `(() => {
	  const el = document.activeElement;
	  if (!walk.els.includes(el) || walk.seen.has(el)) return walk.els.length - walk.seen.size;
	  walk.seen.add(el);
	  const ring = (e, pseudo) => { const s = e && getComputedStyle(e, pseudo); return s && s.outlineStyle !== 'none' && parseFloat(s.outlineWidth) >= 1; };
	  if (!ring(el) && !ring(el, '::after') && !ring(el.closest('label'))) walk.bad.push('focus does not show: ' + el.outerHTML.slice(0, 160));
	  return walk.els.length - walk.seen.size;
	})()`
	left := n
	for range 2*n + 5 {
		if left == 0 {
			break
		}
		b.do(chromedp.KeyEvent(kb.Tab))
		left = look[int](b, step)
	}
	if bad := look[[]string](b, `walk.bad.concat(walk.els.filter((el) => !walk.seen.has(el)).map((el) => 'not reached: ' + el.isConnected + ' ' + el.outerHTML.slice(0, 200)))`); len(bad) > 0 {
		b.t.Errorf("%s: %q", what, bad)
	}
	b.t.Logf("%s: %d controls reached", what, n)
}

// contrast compares each text with what it stands on, as WCAG 2 has it. Controls
// that are off are exempt there too.
const contrast = `(() => {
  const ctx = Object.assign(document.createElement('canvas'), { width: 1, height: 1 }).getContext('2d', { willReadFrequently: true });
  const rgba = (color) => {
    ctx.clearRect(0, 0, 1, 1);
    ctx.fillStyle = color;
    ctx.fillRect(0, 0, 1, 1);
    const [r, g, b, a] = ctx.getImageData(0, 0, 1, 1).data;
    return [r, g, b, a / 255];
  };
  const over = (top, under) => [0, 1, 2].map((i) => top[i] * top[3] + under[i] * (1 - top[3])).concat(1);
  const base = matchMedia('(prefers-color-scheme: dark)').matches ? [18, 18, 18, 1] : [255, 255, 255, 1];
  const behind = (el) => {
    const layers = [];
    for (let e = el; e; e = e.parentElement) layers.push(rgba(getComputedStyle(e).backgroundColor));
    return layers.reverse().reduce((under, top) => over(top, under), base);
  };
  const opacity = (el) => { let o = 1; for (let e = el; e; e = e.parentElement) o *= parseFloat(getComputedStyle(e).opacity); return o; };
  const light = (c) => { const [r, g, b] = c.slice(0, 3).map((v) => (v /= 255) <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4); return 0.2126 * r + 0.7152 * g + 0.0722 * b; };
  const ratio = (a, b) => { const [x, y] = [light(a), light(b)].sort((p, q) => q - p); return (x + 0.05) / (y + 0.05); };
  const off = (el) => el.closest(':disabled, [aria-disabled="true"]') || el.closest('label')?.querySelector(':disabled');
  const out = { texts: 0, least: 99, bad: [] };
  const check = (el, color, text) => {
    const svg = el.closest('svg');
    const disc = el.matches('.initials') ? el.parentElement.querySelector('.disc') : el.matches('text.mark') ? el.parentElement.querySelector('circle.mark') : null;
    const ground = behind(svg ? svg.parentElement : el);
    const bg = disc ? over(rgba(getComputedStyle(disc).fill), ground) : ground;
    const fg = rgba(color);
    const r = ratio(over([...fg.slice(0, 3), fg[3] * opacity(el)], bg), bg);
    out.texts++;
    out.least = Math.min(out.least, r);
    if (r < 4.5) out.bad.push(text.trim().slice(0, 40) + ' ' + r.toFixed(2) + ' ' + (el.className.baseVal ?? el.className) + ' ' + color + ' on ' + bg.map(Math.round).join());
  };
  const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let n = texts.nextNode(); n; n = texts.nextNode()) {
    const el = n.parentElement;
    if (!n.data.trim() || el.closest('script, style, title, option, .sr, .head') && getComputedStyle(el.closest('.sr, .head') ?? el).clipPath !== 'none' || el.closest('script, style, title') || !el.checkVisibility({ visibilityProperty: true }) || off(el)) continue;
    check(el, el.closest('svg') ? getComputedStyle(el).fill : getComputedStyle(el).color, n.data);
  }
  for (const el of document.querySelectorAll('input, select')) {
    if (!el.checkVisibility() || el.disabled || ['radio', 'checkbox'].includes(el.type)) continue;
    if (el.value) check(el, getComputedStyle(el).color, el.value);
    if (el.placeholder) check(el, getComputedStyle(el, '::placeholder').color, el.placeholder);
  }
  return out;
})()`
