package console_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/mpc-coaching/coaching"
	"github.com/mpc-coaching/coaching/console"
)

var asLee = ask{as: "supervisor:lee"}

// A stream breaks, and the world goes on for a while. Whatever the client comes
// back with, its page ends up as a fresh one.
func TestStreamResumes(t *testing.T) {
	all := ask{as: "supervisor:lee", path: "/api/stream"}
	one := ask{as: "supervisor:lee", path: "/api/stream?call=" + string(callID(1))}
	for name, c := range map[string]struct {
		ask       ask
		away      time.Duration
		change    func(*browser) // of what it comes back with
		query     bool           // by last_event_id
		others    bool           // another stream stays open
		unnoticed bool           // the server believes the line is up
		snapshot  bool           // instead of the differences
	}{
		"after 30 s":                         {ask: all, away: 30 * time.Second},
		"by the query":                       {ask: all, away: 30 * time.Second, query: true},
		"while others listen":                {ask: all, away: 30 * time.Second, others: true},
		"while the server knows nothing":     {ask: all, away: 30 * time.Second, unnoticed: true},
		"of one call":                        {ask: one, away: 30 * time.Second},
		"unnoticed, too late":                {ask: all, away: 3 * time.Minute, unnoticed: true, snapshot: true}, // calls of then are forgotten
		"of one call, unnoticed":             {ask: one, away: 30 * time.Second, unnoticed: true, others: true},
		"too late":                           {ask: all, away: 3 * time.Minute, snapshot: true},
		"too late, while others listen":      {ask: all, away: 3 * time.Minute, others: true, snapshot: true},
		"of one call, too late":              {ask: one, away: 3 * time.Minute, snapshot: true},
		"with an id that is not known":       {ask: all, away: time.Second, snapshot: true, change: func(b *browser) { b.last = "AAAAAAAAAAAAAAAA.7" }},
		"with an id from the future":         {ask: all, away: time.Second, snapshot: true, change: func(b *browser) { b.last += "9" }},
		"with nonsense for an id":            {ask: all, away: time.Second, snapshot: true, change: func(b *browser) { b.last = strings.Repeat("%00", 3000) }},
		"with a number that is none":         {ask: all, away: time.Second, snapshot: true, change: func(b *browser) { b.last, _, _ = strings.Cut(b.last, "."); b.last += ".-1" }},
		"after all of it, with an old event": {ask: all, away: 30 * time.Second, change: func(b *browser) { b.last = b.events()[0].id }},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				o := newBooks(t)
				for i := range 20 {
					o.put(i)
				}
				if c.others {
					defer newBrowser(t).listen(o.console, ask{as: "supervisor:mia"}).hangUp()
				}
				b := newBrowser(t)
				l := b.listen(o.console, c.ask)
				o.change(5 * time.Second)
				before := len(b.events())
				if c.unnoticed {
					l.lose()
					defer l.hangUp()
				} else {
					l.hangUp()
				}
				o.change(c.away)
				if c.change != nil {
					c.change(b)
				}
				a := c.ask
				if c.query {
					sep := "?"
					if strings.Contains(a.path, sep) {
						sep = "&"
					}
					a.path, a.header = a.path+sep+"last_event_id="+b.last, http.Header{}
				}
				l = b.listen(o.console, a)
				came := b.events()[before:]
				if has := slices.ContainsFunc(came, func(e event) bool { return e.kind == "snapshot" }); has != c.snapshot {
					t.Errorf("coming back brings a snapshot: %v, want %v: %v", has, c.snapshot, came)
				}
				if len(came) == 0 {
					t.Errorf("coming back brings nothing")
				}
				b.same(o.console, c.ask, "after coming back")
				o.change(5 * time.Second)
				b.same(o.console, c.ask, "some changes later")
				if got := keys(b.view()); c.ask.path == one.path && !slices.Equal(got, []string{string(callID(1))}) {
					t.Errorf("a stream of one call shows %v", got)
				}
				l.hangUp()
			})
		})
	}
}

// change lets calls come, change and go, ten a second.
func (b *books) change(d time.Duration) {
	r := rand.New(rand.NewPCG(1, uint64(time.Now().UnixNano())))
	for range int(d / (100 * time.Millisecond)) {
		i := r.IntN(60)
		switch c, err := b.store.Get(context.Background(), callID(i)); {
		case err == nil && c.State == coaching.StateEnded:
		case i != 1 && r.IntN(8) == 0 && err == nil:
			b.put(i, ended)
		default:
			b.put(i)
		}
		time.Sleep(100 * time.Millisecond)
	}
	time.Sleep(time.Second)
}

// The end of a call is lost on the way, and the call is long forgotten when the
// client comes back.
func TestStreamResumesWithoutAnEnd(t *testing.T) {
	bubble(t, func(t *testing.T) {
		o := newBooks(t)
		o.put(1)
		o.put(2)
		defer newBrowser(t).listen(o.console, ask{as: "supervisor:mia"}).hangUp()
		b := newBrowser(t)
		l := b.listen(o.console, asLee)
		l.lose()
		o.put(1, ended)
		time.Sleep(50 * time.Second)
		l.hangUp()
		time.Sleep(100 * time.Second)
		o.put(2)
		time.Sleep(time.Second)
		l = b.listen(o.console, asLee)
		if n := b.count("snapshot"); n != 1 {
			t.Errorf("%d snapshots, want 1", n)
		}
		b.same(o.console, asLee, "without the end of a call")
		l.hangUp()
	})
}

// A client that got nothing new since it came back still has its old id, and
// one that breaks off again and again loses nothing.
func TestStreamResumesAgainAndAgain(t *testing.T) {
	bubble(t, func(t *testing.T) {
		o := newBooks(t)
		o.put(1)
		b := newBrowser(t)
		for i := range 10 {
			l := b.listen(o.console, asLee)
			if i > 0 && i%3 != 0 {
				o.put(i % 4)
				time.Sleep(100 * time.Millisecond)
			}
			b.same(o.console, asLee, fmt.Sprint("the time ", i))
			l.hangUp()
			time.Sleep(time.Minute)
		}
		if n := b.count("snapshot"); n != 1 {
			t.Errorf("%d snapshots, want 1", n)
		}
	})
}

// An id is of use to nobody but whom it was given to, in the view they had.
func TestStreamIDsAreTheirOwners(t *testing.T) {
	bubble(t, func(t *testing.T) {
		g, masked := newGate(), false
		g.set("mia "+string(callID(2)), true)
		o := newBooks(t, g.use(), config(func(c *console.Config) {
			c.View = func(coaching.Actor) console.View { return console.View{MaskNumbers: masked} }
		}))
		o.put(1)
		o.put(2)
		b := newBrowser(t)
		b.listen(o.console, asLee).hangUp()
		for name, a := range map[string]ask{
			"another actor":     {as: "supervisor:mia"},
			"another role":      {as: "agent:lee"},
			"another stream":    {as: "supervisor:lee", path: "/api/stream?call=" + string(callID(1))},
			"another view":      asLee,
			"no id, to be sure": {as: "supervisor:lee", header: http.Header{}},
		} {
			masked = name == "another view"
			other := newBrowser(t)
			other.last = b.last
			other.listen(o.console, a).hangUp()
			if other.count("snapshot") != 1 {
				t.Errorf("%s gets %v, want a snapshot", name, other.events())
			}
		}
	})
}

// What becomes of a stream when the viewer is no longer who they were.
func TestStreamAsksAgain(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*gate, *atomic.Bool) // or of the view: masked
		over   bool
		shown  []int
	}{
		"nothing":            {func(*gate, *atomic.Bool) {}, false, []int{1, 2}},
		"logged out":         {func(g *gate, _ *atomic.Bool) { g.set("login lee", true) }, true, []int{1, 2}},
		"another view":       {func(_ *gate, masked *atomic.Bool) { masked.Store(true) }, true, []int{1, 2}},
		"one call is lost":   {func(g *gate, _ *atomic.Bool) { g.set("lee "+string(callID(1)), true) }, false, []int{2}},
		"one call is won":    {func(g *gate, _ *atomic.Bool) { g.set("lee "+string(callID(3)), false) }, false, []int{1, 2, 3}},
		"all calls are lost": {func(g *gate, _ *atomic.Bool) { g.set("lee", true) }, false, nil},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				g, masked := newGate(), &atomic.Bool{}
				g.set("lee "+string(callID(3)), true)
				o := newBooks(t, g.use(), config(func(cfg *console.Config) {
					cfg.View = func(coaching.Actor) console.View { return console.View{MaskNumbers: masked.Load()} }
				}))
				for i := 1; i <= 3; i++ {
					o.put(i)
				}
				b, second := newBrowser(t), newBrowser(t)
				l := b.listen(o.console, asLee)
				time.Sleep(20 * time.Second)
				l2 := second.listen(o.console, asLee) // another tab, 20 s later
				c.change(g, masked)
				time.Sleep(31 * time.Second)
				synctest.Wait()
				if n := len(b.events()); name == "nothing" && n != 1 {
					t.Errorf("where nothing happens there are %d events, want the snapshot alone: %v", n, b.events())
				}
				for i := 1; i <= 3; i++ { // what is lost is told of once
					o.put(i)
					time.Sleep(time.Second)
				}
				for i, b := range []*browser{b, second} {
					var want []string
					for _, n := range c.shown {
						want = append(want, string(callID(n)))
					}
					if got := keys(b.view()); !slices.Equal(got, want) {
						t.Errorf("tab %d shows %v, want %v: %v", i, got, want, b.events())
					}
					if lost := 2 - len(c.shown); lost > 0 && b.count("gone") != lost {
						t.Errorf("tab %d has %d events gone, want %d", i, b.count("gone"), lost)
					}
				}
				if l.over() != c.over || l2.over() != c.over {
					t.Errorf("the streams are over: %v %v, want %v", l.over(), l2.over(), c.over)
				}
				l.hangUp()
				l2.hangUp()
			})
		})
	}
}

func keys(m map[string]string) (out []string) {
	for k := range m {
		out = append(out, k)
	}
	slices.Sort(out)
	return out
}

var secrets = regexp.MustCompile(`secret-\d+-\d+-terces`)

// Calls and what Authorize says change at random, streams break and resume, and
// reads go on. Nothing of a version of a call reaches anybody to whom Authorize
// has not admitted that version, and what they end up with is what they may see.
func TestNothingReachesOthers(t *testing.T) {
	for seed := range uint64(12) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			bubble(t, func(t *testing.T) { nothingReachesOthers(t, rand.New(rand.NewPCG(seed, 7))) })
		})
	}
}

func nothingReachesOthers(t *testing.T, r *rand.Rand) {
	const calls = 12
	people := []string{"lee", "mia", "ann"}
	g := newGate()
	adjust := []adjustment{g.use()}
	if r.IntN(2) == 0 {
		adjust = append(adjust, flowConfig(func(c *coaching.Config) { c.Store = unwatched{c.Store} }))
	}
	o := newBooks(t, adjust...)
	type tab struct {
		who string
		b   *browser
		l   *line
	}
	var tabs []*tab
	open := func(x *tab) { x.l = x.b.listen(o.console, ask{as: "supervisor:" + x.who}) }
	for i := range 6 {
		x := &tab{who: people[i%3], b: newBrowser(t)}
		open(x)
		tabs = append(tabs, x)
	}
	answers := map[string][]byte{}
	for range 400 {
		switch r.IntN(10) {
		case 0, 1, 2, 3:
			i := r.IntN(calls)
			if c, err := o.store.Get(t.Context(), callID(i)); err == nil && c.State == coaching.StateEnded {
				break
			}
			if r.IntN(10) == 0 {
				o.put(i, ended)
			} else {
				o.put(i)
			}
		case 4, 5:
			g.set(people[r.IntN(3)]+" "+string(callID(r.IntN(calls))), r.IntN(2) == 0)
		case 6:
			x := tabs[r.IntN(len(tabs))]
			if r.IntN(2) == 0 { // it will be noticed another time
				x.l.lose()
				break
			}
			x.l.hangUp()
			if r.IntN(4) == 0 {
				time.Sleep(time.Duration(r.IntN(150)) * time.Second)
			}
			open(x)
		case 7:
			who := people[r.IntN(3)]
			path := "/api/calls?limit=3"
			if r.IntN(2) == 0 {
				path = "/api/calls/" + string(callID(r.IntN(calls)))
			}
			answers[who] = append(answers[who], send(t, o.console, ask{as: "supervisor:" + who, path: path}).body...)
		default:
			time.Sleep(time.Duration(r.IntN(3000)) * time.Millisecond)
		}
	}
	for _, x := range tabs {
		if x.l.isLost() {
			x.l.hangUp()
			open(x)
		}
	}
	time.Sleep(35 * time.Second)
	synctest.Wait()
	shown := 0
	for i, x := range tabs {
		fresh := newBrowser(t)
		fresh.listen(o.console, ask{as: "supervisor:" + x.who}).hangUp()
		if got, want := keys(x.b.view()), keys(fresh.view()); !slices.Equal(got, want) {
			t.Errorf("tab %d of %s shows %v, want %v", i, x.who, got, want)
		}
		x.b.same(o.console, ask{as: "supervisor:" + x.who}, fmt.Sprintf("tab %d of %s", i, x.who))
		x.l.hangUp()
		for _, s := range secrets.FindAllString(x.b.sent.String()+string(answers[x.who]), -1) {
			shown++
			if !g.yes[x.who][s] {
				t.Errorf("%s has %s, which Authorize has not admitted", x.who, s)
			}
		}
	}
	if shown < 100 {
		t.Errorf("only %d versions were shown at all", shown)
	}
}
