package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/mpc-coaching/coaching"
	"github.com/mpc-coaching/coaching/plivotest"
)

// A stage holds who is on the line, and checks what it shows. Its methods
// panic with a failure at the first thing that is not as it should be; play
// turns that into an error.
type stage struct {
	srv  *plivotest.Server
	flow *coaching.Flow
	call coaching.CallID
	page page
	fail string // turns expectations around; see main

	cast   []member // who is on the line, in order of coming
	title  string
	acts   int
	shown  int // timeline entries so far
	checks int

	mu      sync.Mutex // guards what watch looks at
	legs    []member
	allowed bool // a take-over is on: the customer may hear a supervisor
	broken  string
	looks   int
}

// A failure says which expectation did not hold.
type failure string

func (f failure) Error() string { return string(f) }

func (st *stage) failf(format string, args ...any) {
	panic(failure(st.title + ": " + fmt.Sprintf(format, args...)))
}

type member struct {
	name string
	leg  *plivotest.Leg
}

func newStage(srv *plivotest.Server, flow *coaching.Flow, out io.Writer, quiet bool, fail string) *stage {
	return &stage{srv: srv, flow: flow, page: newPage(out, quiet), fail: fail}
}

// act begins the next scenario.
func (st *stage) act(title, story string) {
	st.acts++
	st.title = title
	st.page.heading(st.acts, title, story)
}

// do runs one verb and shows it with the time it took.
func (st *stage) do(what string, verb func() error) {
	start := time.Now()
	err := verb()
	st.page.step(what, time.Since(start))
	if err != nil {
		st.failf("%s = %v", what, err)
	}
	st.expect(what+" returns nil", true)
}

// until waits for something to happen, 5 s at most.
func (st *stage) until(ctx context.Context, what string, ok func() bool) {
	start := time.Now()
	for !ok() && time.Since(start) < 5*time.Second && ctx.Err() == nil {
		time.Sleep(2 * time.Millisecond)
	}
	st.page.step(what, time.Since(start))
	st.expect(what, ok())
}

// expect ends the walkthrough if ok is false.
func (st *stage) expect(what string, ok bool) {
	st.checks++
	if st.fail != "" && strings.Contains(st.title+": "+what, st.fail) {
		ok = !ok
	}
	if !ok {
		st.page.wrong(what)
		st.failf("this does not hold: %s", what)
	}
}

func (st *stage) enter(name string, leg *plivotest.Leg) {
	if leg == nil {
		st.failf("the phone of %s never rang", name)
	}
	st.cast = append(st.cast, member{name, leg})
	st.mu.Lock()
	st.legs = append(st.legs, member{name, leg})
	st.mu.Unlock()
}

func (st *stage) enterPhone(name, address string) {
	st.enter(name, st.srv.Phone(address, nil).Last())
}

func (st *stage) leave(name string) {
	st.cast = slices.DeleteFunc(st.cast, func(m member) bool { return m.name == name })
}

func (st *stage) leg(name string) *plivotest.Leg {
	for _, m := range st.cast {
		if m.name == name {
			return m.leg
		}
	}
	st.failf("%s is not on the line", name)
	return nil
}

// hears compares who hears whom with sentences such as "ann hears customer,
// lee", one for each who hears anybody, and shows it as a table.
func (st *stage) hears(sentences ...string) {
	want := map[[2]string]bool{}
	for _, s := range sentences {
		listener, speakers, _ := strings.Cut(s, " hears ")
		for speaker := range strings.SplitSeq(speakers, ", ") {
			want[[2]string{listener, speaker}] = true
		}
	}
	names := make([]string, len(st.cast))
	cells := make([][]bool, len(st.cast))
	for i, l := range st.cast {
		names[i] = l.name
		for _, s := range st.cast {
			cells[i] = append(cells[i], st.srv.Hears(l.leg, s.leg))
		}
	}
	st.page.table(names, cells)
	for i, l := range names {
		for j, s := range names {
			if i == j {
				continue
			}
			verb := " does not hear "
			if want[[2]string{l, s}] {
				verb = " hears "
			}
			st.expect(l+verb+s, cells[i][j] == want[[2]string{l, s}])
		}
	}
}

// say lets somebody speak, and compares whose ears it reached.
func (st *stage) say(who, text string, hearers ...string) {
	st.leg(who).Say(text)
	var heard []string
	for _, m := range st.cast {
		h := m.leg.Heard()
		if n := len(h); n > 0 && h[n-1].Text == text {
			heard = append(heard, m.name)
		}
	}
	st.page.line(who, text, heard)
	for _, m := range st.cast {
		if m.name == who {
			continue
		}
		verb := " does not hear "
		if slices.Contains(hearers, m.name) {
			verb = " hears "
		}
		st.expect(fmt.Sprintf("%s%s%s say %q", m.name, verb, who, text), slices.Contains(heard, m.name) == slices.Contains(hearers, m.name))
	}
}

// watch looks at every instant at which audio changed, so that nothing slips
// through between two tables.
func (st *stage) watch() {
	st.srv.OnChange(func() {
		st.mu.Lock()
		defer st.mu.Unlock()
		st.looks++
		if len(st.legs) == 0 || st.broken != "" {
			return
		}
		customer, company := st.legs[0].leg, false
		if customer.MemberID() == "" {
			return
		}
		for _, leg := range st.srv.Legs() {
			if !st.srv.Hears(customer, leg) {
				continue
			}
			company = true
			if who := st.supervisor(leg); who != "" && !st.allowed {
				st.broken = "the customer hears " + who + ", whom nobody raised"
			}
		}
		if what := customer.Listening(); !company && what != "wait music" && what != "hold music" {
			st.broken = "the customer hears neither anybody nor music"
		}
	})
}

func (st *stage) supervisor(leg *plivotest.Leg) string {
	for _, s := range []coaching.Supervisor{lee, mia} {
		if leg.Phone().Address() == s.Address {
			return string(s.ID)
		}
	}
	return ""
}

// open says whether a take-over is on.
func (st *stage) open(on bool) {
	st.mu.Lock()
	defer st.mu.Unlock()
	st.allowed = on
}

// curtain ends an act: what was on the wire, and whether the promises held all
// along.
func (st *stage) curtain(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	if err := st.srv.Wait(ctx); err != nil && !errors.Is(err, context.DeadlineExceeded) {
		st.failf("%v", err)
	}
	all := st.srv.Timeline()
	st.page.timeline(all[st.shown:], string(st.call), st.names())
	st.shown = len(all)
	st.promises()
}

func (st *stage) promises() {
	st.mu.Lock()
	broken := st.broken
	st.mu.Unlock()
	if broken != "" {
		st.page.wrong(broken)
	}
	st.expect("at every instant the customer had company or music, and heard no supervisor but by take over", broken == "")
}

func (st *stage) farewell() {
	st.promises()
	st.mu.Lock()
	looks := st.looks
	st.mu.Unlock()
	st.page.done(st.acts, st.checks, looks)
}

// names maps addresses to the names of their owners.
func (st *stage) names() map[string]string {
	return map[string]string{
		"14155550123": "customer", hotline: "hotline",
		ann.Address: "ann", lee.Address: "lee", mia.Address: "mia",
	}
}
