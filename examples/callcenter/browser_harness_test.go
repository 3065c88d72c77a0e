package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"github.com/mpc-coaching/coaching/internal/require"
)

// A browser is a Chromium of its own, with one page: what one person looks at.
type browser struct {
	t    *testing.T
	who  string
	ctx  context.Context
	shot string // folder
}

// chromium returns where Chromium is, or skips the test.
func chromium(t *testing.T) string {
	t.Helper()
	var path string
	var err error
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if path, err = exec.LookPath(name); err == nil {
			break
		}
	}
	require.Have(t, "chromium", err)
	return path
}

// openBrowser starts a Chromium for who, at url, with a window of that size.
func openBrowser(t *testing.T, who, url string, width, height int) *browser {
	t.Helper()
	opts := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(chromium(t)), chromedp.NoSandbox, chromedp.DisableGPU, chromedp.WindowSize(width, height),
		chromedp.Flag("disable-quic", true), chromedp.Flag("disable-component-update", true), chromedp.Flag("lang", "en-US"),
		chromedp.Flag("hide-scrollbars", true))
	alloc, stop := chromedp.NewExecAllocator(context.Background(), opts...)
	ctx, _ := chromedp.NewContext(alloc)
	t.Cleanup(func() {
		patient, cancel := context.WithTimeout(ctx, 10*time.Second)
		defer cancel()
		if err := chromedp.Cancel(patient); err != nil {
			t.Errorf("%s’s browser does not close: %v", who, err)
		}
		stop()
	})
	b := &browser{t: t, who: who, ctx: ctx, shot: shotFolder(t)}
	b.do(chromedp.EmulateViewport(int64(width), int64(height)), chromedp.Navigate(url))
	return b
}

const leesConsole = "/supervisor/lee/console/"

// openLee opens Lee's console.
func (c *testCenter) openLee() *browser {
	c.t.Helper()
	return openBrowser(c.t, "Lee", c.URL+leesConsole, 1280, 800)
}

// tab opens another page in the same browser.
func (b *browser) tab(who, url string) *browser {
	b.t.Helper()
	ctx, cancel := chromedp.NewContext(b.ctx)
	b.t.Cleanup(cancel)
	tab := &browser{t: b.t, who: who, ctx: ctx, shot: b.shot}
	tab.do(chromedp.Navigate(url))
	return tab
}

// shotFolder is where pictures go: COACHING_SHOTS, if somebody wants to look.
func shotFolder(t *testing.T) string {
	dir := os.Getenv("COACHING_SHOTS")
	if dir == "" {
		return t.TempDir()
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	return dir
}

// do carries actions out, with a deadline for all of them.
func (b *browser) do(actions ...chromedp.Action[chromedp.Void]) {
	b.t.Helper()
	// Browser and page end with the context in which they were first used.
	if chromedp.FromContext(b.ctx).Target == nil {
		if err := chromedp.Do(b.ctx); err != nil {
			b.t.Fatalf("%s: %v", b.who, err)
		}
	}
	ctx, cancel := context.WithTimeout(b.ctx, 30*time.Second)
	defer cancel()
	if err := chromedp.Do(ctx, actions...); err != nil {
		b.t.Fatalf("%s: %v", b.who, err)
	}
}

// look evaluates JavaScript in a browser's page. The scripts have at(path): the
// element at a CSS selector, where "frame >> sel" looks inside of a frame.
func look[T any](b *browser, script string) T {
	b.t.Helper()
	v, err := try[T](b, script)
	if err != nil {
		b.t.Fatalf("%s: %v in\n%s", b.who, err, script)
	}
	return v
}

func try[T any](b *browser, script string) (T, error) {
	ctx, cancel := context.WithTimeout(b.ctx, 20*time.Second)
	defer cancel()
	return chromedp.Run(ctx, chromedp.Evaluate[T]("(() => {"+finders+"\nreturn ("+script+")})()", chromedp.EvalAwaitPromise))
}

const finders = `
const spot = (path) => {
  let doc = document, x = 0, y = 0;
  const steps = path.split(' >> ');
  for (const frame of steps.slice(0, -1)) {
    const el = doc.querySelector(frame);
    if (!el?.contentDocument) return null;
    const box = el.getBoundingClientRect();
    x += box.x; y += box.y;
    doc = el.contentDocument;
  }
  const el = doc.querySelector(steps.at(-1));
  return el && { el, doc, x, y };
};
const at = (path) => spot(path)?.el ?? null;
const all = (path) => {
  const cut = path.lastIndexOf(' >> ');
  const doc = cut < 0 ? document : at(path.slice(0, cut))?.contentDocument;
  return doc ? [...doc.querySelectorAll(cut < 0 ? path : path.slice(cut + 4))] : [];
};
const documents = (d = document) => [d, ...[...d.querySelectorAll('iframe')].flatMap((f) => f.contentDocument ? documents(f.contentDocument) : [])];
// target is where a mouse can press an element: visible, enabled, not covered.
const target = (path) => {
  const s = spot(path);
  if (!s) return { why: 'is not there' };
  if (s.el.disabled || s.el.getAttribute('aria-disabled') === 'true') return { why: 'is off' };
  s.el.scrollIntoView({ block: 'nearest', behavior: 'instant' });
  for (let win = s.doc.defaultView; win.frameElement; win = win.parent) win.frameElement.scrollIntoView({ block: 'nearest', behavior: 'instant' });
  const again = spot(path);
  const box = s.el.getBoundingClientRect();
  if (box.width < 1 || box.height < 1) return { why: 'is not shown' };
  const [x, y] = [box.x + box.width / 2, box.y + box.height / 2];
  const hit = s.doc.elementFromPoint(x, y);
  if (!hit || !(s.el.contains(hit) || hit.contains(s.el) && hit.tagName === 'LABEL')) return { why: 'is covered by ' + (hit ? hit.outerHTML.slice(0, 120) : 'nothing') };
  return { x: again.x + x, y: again.y + y, why: '' };
};
`

// click presses an element with the mouse, once it is shown, enabled and still.
func (b *browser) click(path string) {
	b.t.Helper()
	x, y := b.spot(path)
	b.do(chromedp.MouseClickXY(x, y))
}

// spot returns where an element can be pressed, once it can and is still.
func (b *browser) spot(path string) (x, y float64) {
	b.t.Helper()
	type point struct {
		X, Y float64
		Why  string
	}
	last := point{Why: "never looked at"}
	for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(30 * time.Millisecond) {
		now := look[point](b, fmt.Sprintf("target(%q)", path))
		if now.Why == "" && now == last {
			return now.X, now.Y
		}
		last = now
		if time.Now().After(deadline) {
			b.fail("%s cannot be clicked: it %s", path, now.Why)
		}
	}
}

// write types text into the field at path.
func (b *browser) write(path, text string) {
	b.t.Helper()
	b.click(path)
	b.do(chromedp.KeyEvent(text))
}

// see waits until a script is true.
func (b *browser) see(what, script string) {
	b.t.Helper()
	b.within(20*time.Second, what, script)
}

func (b *browser) within(patience time.Duration, what, script string) {
	b.t.Helper()
	for deadline := time.Now().Add(patience); ; time.Sleep(30 * time.Millisecond) {
		ok, err := try[bool](b, "Boolean("+script+")")
		if ok {
			return
		}
		if time.Now().After(deadline) {
			b.fail("not within %s: %s (%v)", patience, what, err)
		}
	}
}

// fail ends the test with a picture of the page.
func (b *browser) fail(format string, args ...any) {
	b.t.Helper()
	where := b.picture("failed-" + strings.ReplaceAll(b.t.Name(), "/", "-") + "-" + b.who)
	text, _ := try[string](b, `documents().map((d) => d.body?.innerText).join('\n--- frame\n')`)
	b.t.Fatalf("%s: %s\npicture: %s\npage:\n%s", b.who, fmt.Sprintf(format, args...), where, text)
}

// still waits until all that moves for a moment has come to rest.
func (b *browser) still() {
	b.t.Helper()
	// Some frames without any, as the end of one may begin the next.
	look[bool](b, `new Promise((done) => {
	  const begun = performance.now();
	  let calm = 0;
	  const frame = () => {
	    const moving = documents().flatMap((d) => d.getAnimations())
	      .some((a) => a.effect.getComputedTiming().endTime < 5000 && a.playState === 'running');
	    calm = moving ? 0 : calm + 1;
	    if (calm > 3 || performance.now() - begun > 3000) done(true);
	    else requestAnimationFrame(frame);
	  };
	  frame();
	})`)
}

// picture writes what the page looks like, once nothing moves, and returns where.
func (b *browser) picture(name string) string {
	b.t.Helper()
	b.still()
	ctx, cancel := context.WithTimeout(b.ctx, 20*time.Second)
	defer cancel()
	png, err := chromedp.Run(ctx, chromedp.CaptureScreenshot())
	if err != nil {
		b.t.Errorf("%s: picture %s: %v", b.who, name, err)
		return ""
	}
	path := filepath.Join(b.shot, name+".png")
	if err := os.WriteFile(path, png, 0o644); err != nil {
		b.t.Error(err)
	}
	return path
}
