package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"sync"
	"time"
)

// readingPause lies between the lines of a step in the browser.
const readingPause = 900 * time.Millisecond

// A tour plays its steps one after the other, and waits between them.
type tour struct {
	api   jsonClient
	staff staff
	fail  string // turns expectations around; see main
	pause time.Duration
	steps []step

	mu   sync.Mutex // one step at a time
	at   int        // the next step
	call string     // the call's id, once known
}

func newTour(base string, s staff, fail string) *tour {
	return &tour{api: jsonClient{base, &http.Client{Timeout: 2 * time.Minute}}, staff: s, fail: fail, steps: tourSteps(), pause: readingPause}
}

// possible says whether the cast works here.
func (t *tour) possible() error {
	for who, role := range map[string]string{ann: agentRole, bob: agentRole, lee: supervisorRole} {
		if _, ok := t.staff.find(role, who); !ok {
			return fmt.Errorf("the tour needs %s to be an %s of the staff", who, role)
		}
	}
	return nil
}

func (t *tour) address(who string) string {
	for _, p := range t.staff.people {
		if p.ID == who {
			return p.Address
		}
	}
	return firstCaller
}

func (t *tour) deskPath(who string) string {
	for _, p := range t.staff.people {
		if p.ID == who {
			return "/" + p.Role + "/" + p.ID + "/console/"
		}
	}
	return "/nobody/"
}

// A stepView is a step as the page shows it, before it is played.
type stepView struct {
	Number   int    `json:"number"` // from 1 on
	Of       int    `json:"of"`
	Scenario string `json:"scenario"`
	Title    string `json:"title"`
	Caption  string `json:"caption"`
}

// A stepResult is what became of a step.
type stepResult struct {
	stepView
	Deeds []deed    `json:"deeds"`
	OK    bool      `json:"ok"`
	Error string    `json:"error,omitempty"` // what did not hold
	Next  *stepView `json:"next,omitempty"`  // absent after the last step
}

func (t *tour) view(i int) stepView {
	s := t.steps[i]
	return stepView{i + 1, len(t.steps), s.scenario, s.title, s.caption}
}

func (t *tour) views() []stepView {
	out := []stepView{}
	for i := range t.steps {
		out = append(out, t.view(i))
	}
	return out
}

// next plays the next step. A step that fails is where the tour stops: it then
// begins again.
func (t *tour) next(ctx context.Context) stepResult {
	t.mu.Lock()
	defer t.mu.Unlock()
	i := t.at
	p := &player{ctx: ctx, tour: t, step: t.steps[i], deeds: []deed{}}
	res := stepResult{stepView: t.view(i), OK: true}
	func() {
		defer func() {
			switch f := recover().(type) {
			case nil:
			case failure:
				res.OK, res.Error = false, f.Error()
			default:
				panic(f)
			}
		}()
		p.step.play(p)
	}()
	res.Deeds = p.deeds
	t.at = 0
	if res.OK && i+1 < len(t.steps) {
		t.at = i + 1
		n := t.view(t.at)
		res.Next = &n
	}
	return res
}

// reset goes back to the first step.
func (t *tour) reset() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.at = 0
}

// routes serves the guided tour of the browser.
func (t *tour) routes(mux *http.ServeMux) {
	mux.HandleFunc("GET /tour", func(w http.ResponseWriter, _ *http.Request) {
		t.mu.Lock()
		at := t.at
		t.mu.Unlock()
		common(w.Header(), ownPolicy)
		writeJSON(w, http.StatusOK, map[string]any{"next": t.view(at), "steps": t.views()})
	})
	mux.HandleFunc("POST /tour/next", func(w http.ResponseWriter, r *http.Request) {
		common(w.Header(), ownPolicy)
		if err := t.possible(); err != nil {
			http.Error(w, err.Error(), http.StatusConflict)
			return
		}
		writeJSON(w, http.StatusOK, t.next(r.Context()))
	})
	mux.HandleFunc("POST /tour/reset", func(w http.ResponseWriter, _ *http.Request) {
		t.reset()
		common(w.Header(), ownPolicy)
		w.WriteHeader(http.StatusNoContent)
	})
}

// auto plays the whole tour, without pauses, and prints it. Its error names the
// first thing that does not hold.
func (t *tour) auto(ctx context.Context, out io.Writer) error {
	if err := t.possible(); err != nil {
		return err
	}
	t.pause = 0
	start, scenario, checks := time.Now(), "", 0
	for range t.steps {
		res := t.next(ctx)
		if res.Scenario != scenario {
			scenario = res.Scenario
			fmt.Fprintf(out, "\n%s\n", scenario)
		}
		fmt.Fprintf(out, "  %2d  %s\n", res.Number, res.Title)
		for _, d := range res.Deeds {
			if d.Kind == "saw" {
				checks++
			}
			if d.Kind == "did" || !d.OK {
				fmt.Fprintf(out, "      %s\n", d)
			}
		}
		if !res.OK {
			return fmt.Errorf("%s: %s", res.Title, res.Error)
		}
	}
	if t.fail != "" {
		return fmt.Errorf("no expectation contains %q", t.fail)
	}
	fmt.Fprintf(out, "\n✓ four scenarios, %d steps, %d expectations in %d ms: all is as it should be.\n", len(t.steps), checks, time.Since(start).Milliseconds())
	return nil
}

// String is the deed in a line.
func (d deed) String() string {
	mark := "▸ "
	if !d.OK {
		mark = "✗ "
	}
	s := d.What
	if d.Who != "" {
		s = name(d.Who) + ": " + s
	}
	if d.MS > 0 {
		s += fmt.Sprintf(" (%d ms)", d.MS)
	}
	return mark + s
}

func writeJSON(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	json.NewEncoder(w).Encode(v)
}
