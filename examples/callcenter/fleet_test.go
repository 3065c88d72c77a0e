package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/mpc-coaching/coaching/plivotest"
)

// A fleet is several processes of this program over one store, behind a
// balancer that sprays requests over them, and one emulator for all.
type fleet struct {
	t     *testing.T
	emu   *plivotest.Server
	rest  *httptest.Server // the emulator
	front *httptest.Server // the balancer
	store string
	staff string // file

	mu    sync.Mutex
	ships []*ship
	lost  int // requests that met a dying instance
}

// A ship is one process.
type ship struct {
	cmd  *exec.Cmd
	url  string
	log  *bytes.Buffer
	done chan struct{}
}

const (
	fleetAgents = 40
	fleetCalls  = 200
	fleetLine   = "14155550100"
	talkTime    = 3 * time.Second
)

func newFleet(t *testing.T, store string, size int) *fleet {
	t.Helper()
	f := &fleet{t: t, store: store, emu: plivotest.NewServer(&plivotest.Options{CPS: -1})}
	t.Cleanup(f.emu.Close)
	f.rest = httptest.NewServer(f.emu)
	t.Cleanup(f.rest.Close)
	f.front = httptest.NewServer(http.HandlerFunc(f.balance))
	t.Cleanup(f.front.Close)
	f.hire()
	bin := filepath.Join(t.TempDir(), "callcenter")
	if out, err := exec.CommandContext(t.Context(), "go", "build", "-o", bin, ".").CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	for range size {
		f.launch(bin)
	}
	for i := range fleetAgents {
		f.emu.Phone(agentAddress(i), &plivotest.PhonePlan{After: 200 * time.Millisecond, BusyInCall: true})
	}
	for _, s := range []string{"sue", "sam"} {
		f.emu.Phone("sip:"+s+"@phone.plivo.com", &plivotest.PhonePlan{After: 200 * time.Millisecond, BusyInCall: true})
	}
	return f
}

func agentAddress(i int) string { return fmt.Sprintf("sip:agent%d@phone.plivo.com", i) }

// hire writes the file of the staff.
func (f *fleet) hire() {
	f.t.Helper()
	type worker map[string]string
	person := func(id, role string) worker {
		return worker{"id": id, "role": role, "team": "sales", "endpoint": id, "password": "not used by the emulator"}
	}
	people := []worker{person("sue", supervisorRole), person("sam", supervisorRole)}
	for i := range fleetAgents {
		people = append(people, person(fmt.Sprint("agent", i), agentRole))
	}
	data, err := json.Marshal(map[string]any{"hotlines": map[string]string{fleetLine: "sales"}, "people": people})
	if err != nil {
		f.t.Fatal(err)
	}
	f.staff = filepath.Join(f.t.TempDir(), "people.json")
	if err := os.WriteFile(f.staff, data, 0o600); err != nil {
		f.t.Fatal(err)
	}
}

// launch starts a process and waits until it is open.
func (f *fleet) launch(bin string) {
	f.t.Helper()
	s := &ship{log: &bytes.Buffer{}, done: make(chan struct{})}
	s.cmd = exec.Command(bin, "-addr", "127.0.0.1:0", "-plivo", f.rest.URL, "-public-url", f.front.URL,
		"-prefix", "fleet", "-people", f.staff, "-store", f.store)
	s.cmd.Stderr = s.log
	s.cmd.Env = append(os.Environ(), "PLIVO_AUTH_ID=", "PLIVO_AUTH_TOKEN=")
	out, err := s.cmd.StdoutPipe()
	if err == nil {
		err = s.cmd.Start()
	}
	if err != nil {
		f.t.Fatal(err)
	}
	lines := bufio.NewReader(out)
	for s.url == "" {
		line, err := lines.ReadString('\n')
		if err != nil {
			f.t.Fatalf("an instance did not open: %v\n%s", err, s.log)
		}
		if _, url, ok := strings.Cut(line, "open: "); ok {
			s.url = strings.TrimSpace(url)
		}
	}
	go func() {
		defer close(s.done)
		_, _ = io.Copy(io.Discard, lines)
		_ = s.cmd.Wait()
	}()
	f.t.Cleanup(func() {
		s.kill()
		if f.t.Failed() {
			f.t.Logf("%s said:\n%s", s.url, s.log)
		}
	})
	f.mu.Lock()
	f.ships = append(f.ships, s)
	f.mu.Unlock()
}

func (s *ship) kill() {
	_ = s.cmd.Process.Kill()
	<-s.done
}

// sink kills an instance as kill -9 does. The balancer learns of it when it
// cannot connect any more.
func (f *fleet) sink(i int) {
	f.mu.Lock()
	s := f.ships[i]
	f.mu.Unlock()
	s.kill()
}

// balance hands a request to any instance, and to another where that cannot be
// connected. One that dies in the middle of a request has lost it.
func (f *fleet) balance(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	for {
		f.mu.Lock()
		if len(f.ships) == 0 {
			f.mu.Unlock()
			http.Error(w, "no instance", http.StatusServiceUnavailable)
			return
		}
		s := f.ships[rand.IntN(len(f.ships))]
		f.mu.Unlock()
		req, err := http.NewRequestWithContext(r.Context(), r.Method, s.url+r.URL.RequestURI(), bytes.NewReader(body))
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		req.Header = r.Header.Clone()
		resp, err := f.rest.Client().Do(req)
		if err == nil {
			relay(w, resp)
			return
		}
		if r.Context().Err() != nil {
			return
		}
		f.mu.Lock()
		f.ships = slices.DeleteFunc(f.ships, func(o *ship) bool { return o == s })
		refused := strings.Contains(err.Error(), "refused")
		if !refused {
			f.lost++
		}
		f.mu.Unlock()
		if !refused {
			http.Error(w, "the instance died", http.StatusBadGateway)
			return
		}
	}
}

func relay(w http.ResponseWriter, resp *http.Response) {
	defer resp.Body.Close()
	for k, v := range resp.Header {
		w.Header()[k] = v
	}
	w.WriteHeader(resp.StatusCode)
	buf := make([]byte, 32<<10)
	for {
		n, err := resp.Body.Read(buf)
		if n > 0 {
			if _, err := w.Write(buf[:n]); err != nil {
				return
			}
			_ = http.NewResponseController(w).Flush()
		}
		if err != nil {
			if err != io.EOF {
				panic(http.ErrAbortHandler) // the client must see that the answer is not whole
			}
			return
		}
	}
}

// A caller is a customer and what they heard.
type caller struct {
	leg     *plivotest.Leg
	dialled time.Time
	reached time.Time // heard an agent, who heard them
	stays   bool      // does not hang up by themselves
}

// sail lets the calls come in while hurt does its worst, and says what became
// of them.
func (f *fleet) sail(hurt func()) {
	t := f.t
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	var streams []*viewer
	for range 4 {
		for _, s := range []string{"sue", "sam"} {
			v := &viewer{url: f.front.URL + "/supervisor/" + s + "/console/api/stream", calls: map[string]float64{}}
			streams = append(streams, v)
			go v.watch(ctx)
		}
	}
	var callers []*caller
	barges := make(chan string, fleetCalls)
	hurtBy := make(chan struct{})
	for i := range fleetCalls {
		from := fmt.Sprintf("1415556%04d", i)
		f.emu.Phone(from, nil)
		callers = append(callers, &caller{leg: f.emu.Dial(from, fleetLine, nil), dialled: time.Now(), stays: i >= fleetCalls-5})
		if i == fleetCalls*2/5 {
			go func() { defer close(hurtBy); hurt() }()
		}
		if i%10 == 5 {
			go func() { barges <- f.barge(ctx, callers[i].leg) }()
		}
		for end := time.Now().Add(90 * time.Millisecond); time.Now().Before(end); time.Sleep(15 * time.Millisecond) {
			f.look(callers)
		}
	}
	<-hurtBy
	defer f.lostOnes(callers)
	within(f.t, 75*time.Second, "every customer reached an agent, or heard a farewell", func() bool {
		f.look(callers)
		return !slices.ContainsFunc(callers, func(c *caller) bool { return c.reached.IsZero() && c.leg.State() != plivotest.Ended })
	})
	within(f.t, time.Minute, "those who talked have hung up", func() bool {
		f.look(callers)
		return !slices.ContainsFunc(callers, func(c *caller) bool { return !c.stays && c.leg.State() != plivotest.Ended })
	})
	f.converged(streams)
	f.report(callers, streams, barges)
}

// lostOnes says what became of those who reached nobody, where the test fails.
func (f *fleet) lostOnes(callers []*caller) {
	for _, c := range callers {
		if f.t.Failed() && c.reached.IsZero() && c.leg.State() != plivotest.Ended {
			f.t.Logf("%s is %v, hears %s, in MPC %q", c.leg.From(), c.leg.State(), c.leg.Listening(), c.leg.MPCUUID())
		}
	}
}

// look marks who hears an agent, checks that nobody hears a supervisor, and
// lets those hang up who have talked enough.
func (f *fleet) look(callers []*caller) {
	talking := map[string]*plivotest.Leg{}
	for i := range fleetAgents {
		for _, l := range f.emu.Phone(agentAddress(i), nil).Calls() {
			if id := l.MPCUUID(); id != "" {
				talking[id] = l
			}
		}
	}
	var coaches []*plivotest.Leg
	for _, s := range []string{"sue", "sam"} {
		coaches = append(coaches, f.emu.Phone("sip:"+s+"@phone.plivo.com", nil).Calls()...)
	}
	for _, c := range callers {
		id := c.leg.MPCUUID()
		if id == "" {
			continue
		}
		for _, l := range coaches {
			if f.emu.Hears(c.leg, l) {
				f.t.Errorf("%s hears a supervisor whom nobody raised", c.leg.From())
			}
		}
		if a := talking[id]; a != nil && c.reached.IsZero() && f.emu.Hears(c.leg, a) && f.emu.Hears(a, c.leg) {
			c.reached = time.Now()
		}
		if !c.reached.IsZero() && !c.stays && time.Since(c.reached) > talkTime {
			c.leg.Hangup()
		}
	}
}

// barge lets Sue into a call once somebody talks there, and returns the status.
func (f *fleet) barge(ctx context.Context, leg *plivotest.Leg) string {
	for range 200 {
		if leg.MPCUUID() != "" {
			break
		}
		time.Sleep(20 * time.Millisecond)
	}
	name := ""
	for _, x := range f.emu.MPCs() {
		if x.UUID == leg.MPCUUID() {
			name = x.Name
		}
	}
	req, err := http.NewRequestWithContext(ctx, "POST", f.front.URL+"/supervisor/sue/console/api/calls/"+name+"/barge", strings.NewReader(`{"supervisor":"sue"}`))
	if err != nil {
		return err.Error()
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return "cut"
	}
	defer resp.Body.Close()
	_, _ = io.Copy(io.Discard, resp.Body)
	return fmt.Sprint(resp.StatusCode)
}

// books returns the live calls as an instance knows them, with their versions.
func (f *fleet) books(s *ship) map[string]float64 {
	out := map[string]float64{}
	var list struct {
		Calls []struct {
			ID      string  `json:"id"`
			Version float64 `json:"version"`
		} `json:"calls"`
	}
	if err := f.fetch(s.url+"/supervisor/sue/console/api/calls?limit=200", &list); err != nil {
		f.t.Fatal(err)
	}
	for _, c := range list.Calls {
		out[c.ID] = c.Version
	}
	return out
}

// converged waits until every stream shows what every instance has, and that is
// what the emulator has.
func (f *fleet) converged(streams []*viewer) {
	f.t.Helper()
	why := ""
	defer func() {
		if f.t.Failed() {
			f.t.Log(why)
		}
	}()
	within(f.t, 90*time.Second, "every stream shows the books, and they are true", func() bool {
		live := map[string]bool{}
		for _, x := range f.emu.MPCs() {
			if x.Status != "Ended" {
				live[x.Name] = true
			}
		}
		f.mu.Lock()
		ships := slices.Clone(f.ships)
		f.mu.Unlock()
		for _, s := range ships {
			books := f.books(s)
			if len(books) != len(live) {
				why = fmt.Sprintf("%s has %d calls, the emulator %d", s.url, len(books), len(live))
				return false
			}
			for i, v := range streams {
				if got := v.view(); !equalViews(got, books) {
					why = fmt.Sprintf("stream %d shows %v, %s has %v", i, got, s.url, books)
					return false
				}
			}
		}
		return true
	})
}

func equalViews(a, b map[string]float64) bool {
	if len(a) != len(b) {
		return false
	}
	for id, v := range a {
		if b[id] != v {
			return false
		}
	}
	return true
}

// report checks what is left to check and logs the figures.
func (f *fleet) report(callers []*caller, streams []*viewer, barges chan string) {
	t := f.t
	var waits []time.Duration
	farewells := 0
	for _, c := range callers {
		if !c.reached.IsZero() {
			waits = append(waits, c.reached.Sub(c.dialled))
			continue
		}
		if !slices.ContainsFunc(c.leg.Sounds(), func(s plivotest.Sound) bool { return s.Kind == "speak" }) {
			t.Errorf("%s heard neither an agent nor a farewell", c.leg.From())
			continue
		}
		farewells++
	}
	slices.Sort(waits)
	dials, twice := f.dials()
	resumed, snapshots := 0, 0
	for _, v := range streams {
		r, s := v.tally()
		resumed, snapshots = resumed+r, snapshots+s
	}
	outcomes := map[string]int{}
	for range fleetCalls / 10 {
		outcomes[<-barges]++
	}
	if twice > 0 {
		t.Errorf("%d dials for which there is no ring in the books", twice)
	}
	t.Logf("%d calls: %d reached an agent (median %v, last %v), %d heard the farewell; %d dials, %d twice; %d requests died with an instance; barges by status %v; %d streams: %d breaks, %d resumed with a snapshot",
		len(callers), len(waits), waits[len(waits)/2].Round(time.Millisecond), waits[len(waits)-1].Round(time.Millisecond), farewells, dials, twice, f.lost, outcomes, len(streams), resumed, snapshots-len(streams))
}

// dials counts the agents' phones that were rung, and those among them for which
// no ring stands in the books: the same ring dialled twice.
func (f *fleet) dials() (all, twice int) {
	type key struct{ call, agent string }
	rung, planned := map[key]int{}, map[key]int{}
	for _, x := range f.emu.MPCs() {
		var c struct {
			Attempts []struct {
				Rings []struct {
					Agent string `json:"agent"`
				} `json:"rings"`
			} `json:"attempts"`
		}
		if err := f.fetch(f.front.URL+"/supervisor/sue/console/api/calls/"+x.Name, &c); err != nil {
			f.t.Fatal(err)
		}
		for _, a := range c.Attempts {
			for _, r := range a.Rings {
				planned[key{x.Name, "sip:" + r.Agent + "@phone.plivo.com"}]++
			}
		}
	}
	for _, l := range f.emu.Legs() {
		k := key{l.Headers()["X-PH-Callid"], l.To()}
		if k.call == "" || !strings.HasPrefix(k.agent, "sip:agent") {
			continue
		}
		all++
		if rung[k]++; rung[k] > planned[k] {
			twice++
		}
	}
	return all, twice
}

// fetch reads JSON.
func (f *fleet) fetch(url string, out any) error {
	resp, err := http.Get(url)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("GET %s = %s", url, resp.Status)
	}
	return json.NewDecoder(resp.Body).Decode(out)
}
