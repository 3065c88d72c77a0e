package storetest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"maps"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/mpc-coaching/coaching"
)

// A paper is a small right store of documents. Its fault, if it has one, is
// what is wrong with it.
type paper struct {
	fault string

	mu      sync.Mutex
	docs    map[coaching.CallID]entry
	log     []entry // the feed: all changes ever
	changed chan struct{}
	kept    map[coaching.CallID]coaching.Call // for faults that share memory
}

type entry struct {
	doc     []byte
	version uint64
	live    bool
	expires time.Time
	first   time.Time // the first expires that its call ever had
}

func newPaper(fault string) *paper {
	return &paper{fault: fault, docs: map[coaching.CallID]entry{}, changed: make(chan struct{}), kept: map[coaching.CallID]coaching.Call{}}
}

func (p *paper) call(e entry) coaching.Call {
	c, err := coaching.DecodeCall(e.doc)
	if err != nil {
		panic(err)
	}
	c.Version = e.version
	return c
}

func (p *paper) Get(ctx context.Context, id coaching.CallID) (coaching.Call, error) {
	if err := ctx.Err(); err != nil && p.fault != "Get ignores the context" {
		return coaching.Call{}, err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	e, ok := p.docs[id]
	if !ok || p.gone(e) {
		if p.fault == "another error for a missing call" {
			return coaching.Call{}, errors.New("no such key")
		}
		return coaching.Call{}, coaching.ErrNotFound
	}
	switch p.fault {
	case "shares memory on Put", "shares memory on Get":
		return p.kept[id], nil
	case "reads are stale":
		for i := len(p.log) - 2; i >= 0; i-- {
			if c := p.call(p.log[i]); c.ID == id && e.version%7 == 3 {
				return c, nil
			}
		}
	case "keeps the public view":
		view, err := json.Marshal(p.call(e))
		if err != nil {
			return coaching.Call{}, err
		}
		var c coaching.Call
		return c, json.Unmarshal(view, &c)
	}
	return p.call(e), nil
}

func (p *paper) gone(e entry) bool {
	switch p.fault {
	case "forgets ended calls at once":
		return !e.live && !e.expires.IsZero()
	case "forgets live calls":
		return !e.expires.IsZero() && !time.Now().Before(e.expires)
	case "forgets by the first Expires":
		return !e.first.IsZero() && !time.Now().Before(e.first)
	case "forgets nothing":
		return false
	}
	return !e.live && !e.expires.IsZero() && !time.Now().Before(e.expires)
}

func (p *paper) Put(ctx context.Context, c coaching.Call) (coaching.Call, error) {
	if err := ctx.Err(); err != nil && p.fault != "Put ignores the context" {
		return coaching.Call{}, err
	}
	if p.fault == "loses large calls" && len(c.Data["large"]) > 1000 {
		c.Data = nil
	}
	doc, err := coaching.EncodeCall(c)
	if err != nil {
		return coaching.Call{}, err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	old, ok := p.docs[c.ID]
	if ok && p.gone(old) {
		old = entry{}
	}
	switch {
	case p.fault == "loses concurrent creates" && c.Version == 0, p.fault == "loses concurrent updates" && c.Version != 0:
		p.mu.Unlock() // looks, and writes later
		time.Sleep(time.Millisecond)
		p.mu.Lock()
	}
	match := old.version == c.Version
	switch p.fault {
	case "forgets versions":
		match = true
	case "creates over what is there":
		match = match || c.Version == 0
	case "takes old versions":
		match = c.Version >= old.version || c.Version > 0 && c.Version+1 == old.version
	case "updates what is not there":
		match = match || old.version == 0
	}
	if !match {
		if p.fault == "another error for a conflict" {
			return coaching.Call{}, errors.New("wrong revision")
		}
		return coaching.Call{}, coaching.ErrConflict
	}
	e := entry{doc: doc, version: max(old.version, c.Version) + 1, live: c.Live(), expires: c.Expires}
	if e.first = old.first; e.first.IsZero() && !e.live {
		e.first = e.expires
	}
	if p.fault == "versions stand still" {
		e.version = max(old.version, 1)
	}
	p.docs[c.ID] = e
	switch p.fault {
	case "shares memory on Put":
		c.Version = e.version
		p.kept[c.ID] = c
	case "shares memory on Get":
		p.kept[c.ID] = p.call(e)
	}
	if !(p.fault == "the feed loses the last change" && e.version%50 == 0) && !(p.fault == "the feed forgets ends" && !e.live) {
		p.log = append(p.log, e)
	}
	close(p.changed)
	p.changed = make(chan struct{})
	if p.fault == "returns the old version" {
		return c, nil
	}
	c.Version = e.version
	return c, nil
}

func (p *paper) Live(ctx context.Context) iter.Seq2[coaching.Call, error] {
	return func(yield func(coaching.Call, error) bool) {
		p.mu.Lock()
		if p.fault == "Live holds the lock" {
			defer p.mu.Unlock()
		}
		var out []coaching.Call
		for _, id := range slices.Sorted(maps.Keys(p.docs)) {
			e := p.docs[id]
			c := p.call(e)
			listed := e.live
			switch p.fault {
			case "Live lists ended calls":
				listed = !p.gone(e)
			case "Live goes by the state":
				listed = c.State != coaching.StateEnded
			case "Live ends after a page":
				listed = listed && len(out) < 100
			case "Live keeps what has ended":
				listed = listed || e.version > 1
			}
			if !listed {
				continue
			}
			if p.fault == "Live shares memory" {
				if _, ok := p.kept[id]; !ok {
					p.kept[id] = c
				}
				c = p.kept[id]
			}
			out = append(out, c)
			if p.fault == "Live lists twice" {
				out = append(out, c)
			}
		}
		if p.fault == "Live forgets some" && len(out) > 2 {
			out = out[1:]
		}
		if p.fault != "Live holds the lock" {
			p.mu.Unlock()
		}
		for _, c := range out {
			if ctx.Err() != nil {
				break
			}
			if !yield(c, nil) {
				return
			}
		}
		if err := ctx.Err(); err != nil && p.fault != "Live ignores the context" {
			yield(coaching.Call{}, err)
		}
	}
}

const paperFeed = 200

func (p *paper) Changes(ctx context.Context, after coaching.Cursor) iter.Seq2[coaching.Change, error] {
	p.mu.Lock()
	at, resync := len(p.log), false
	p.mu.Unlock()
	if after != "" && p.fault != "the feed ignores cursors" {
		n, err := strconv.Atoi(strings.TrimPrefix(string(after), "paper-"))
		switch ok := err == nil && n >= 0 && n <= at && strings.HasPrefix(string(after), "paper-"); {
		case ok && (at-n <= paperFeed || p.fault == "the feed hides a gap"):
			at = max(n, at-paperFeed)
		case p.fault != "the feed knows no Resync":
			resync = true
		}
	}
	late := p.fault == "the feed starts late"
	sent := map[coaching.CallID]entry{}
	return func(yield func(coaching.Change, error) bool) {
		if late {
			p.mu.Lock()
			at = len(p.log)
			p.mu.Unlock()
		}
		for {
			if resync && !yield(coaching.Change{Cursor: cursor(at), Resync: true}, nil) {
				return
			}
			resync = false
			p.mu.Lock()
			news, changed := p.log[at:], p.changed
			if len(news) > paperFeed {
				at, news = len(p.log), nil
				resync = p.fault != "the feed hides a gap"
				p.mu.Unlock()
				continue
			}
			p.mu.Unlock()
			for _, e := range news {
				if ctx.Err() != nil {
					break
				}
				at++
				c := p.call(e)
				if p.fault == "the feed goes backwards" {
					if old, ok := sent[c.ID]; ok && e.version%5 == 0 && !yield(coaching.Change{Cursor: cursor(at), Call: p.call(old)}, nil) {
						return
					}
					sent[c.ID] = e
				}
				if p.fault == "the feed shares memory" {
					p.mu.Lock()
					if k, ok := p.kept[c.ID]; ok && k.Version == c.Version {
						c = k
					}
					p.kept[c.ID] = c
					p.mu.Unlock()
				}
				if !yield(coaching.Change{Cursor: cursor(at), Call: c}, nil) {
					return
				}
			}
			if p.fault == "the feed ignores the context" {
				<-changed
				continue
			}
			if len(news) == 0 {
				select {
				case <-ctx.Done():
				case <-changed:
				}
			}
			if err := ctx.Err(); err != nil {
				if p.fault != "the feed ends without a word" {
					yield(coaching.Change{}, err)
				}
				return
			}
		}
	}
}

func cursor(n int) coaching.Cursor { return coaching.Cursor(fmt.Sprintf("paper-%d", n)) }

func TestRightStorePasses(t *testing.T) {
	Run(t, func(testing.TB) coaching.Store { return newPaper("") }, &Options{ForgetsWithin: time.Millisecond, FeedLength: paperFeed})
}

// A store without a feed, and without promises, is a store.
type plain struct{ coaching.Store }

func TestStoreWithoutFeedPasses(t *testing.T) {
	store := plain{newPaper("")}
	s := newSuite(nil)
	ran := 0
	for _, c := range cases {
		if s.skips(c, store) == "" {
			ran++
		}
	}
	if want := 18; ran != want {
		t.Errorf("%d cases run on a store without a feed, want %d", ran, want)
	}
	Run(t, func(testing.TB) coaching.Store { return plain{newPaper("")} }, nil)
}

// A witness watches a case fail.
type witness struct {
	ctx context.Context
	mu  sync.Mutex
	log []string
}

func (w *witness) Helper()                  {}
func (w *witness) Context() context.Context { return w.ctx }

func (w *witness) Errorf(format string, args ...any) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.log = append(w.log, fmt.Sprintf(format, args...))
}

func (w *witness) Fatalf(format string, args ...any) {
	w.Errorf(format, args...)
	runtime.Goexit()
}

func (w *witness) failures() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.log)
}

// TestBrokenStoresAreRejected names for each fault a case that must find it.
func TestBrokenStoresAreRejected(t *testing.T) {
	for fault, by := range map[string]string{
		"forgets versions":                 "StaleVersion",
		"takes old versions":               "StaleVersion",
		"creates over what is there":       "CreateConflict",
		"updates what is not there":        "MissingKey",
		"versions stand still":             "VersionsRise",
		"returns the old version":          "VersionsRise",
		"another error for a missing call": "MissingKey",
		"another error for a conflict":     "CreateConflict",
		"keeps the public view":            "RoundTrip",
		"loses large calls":                "LargeCall",
		"shares memory on Put":             "CopiesNotShared",
		"shares memory on Get":             "CopiesNotShared",
		"Live shares memory":               "CopiesNotShared",
		"loses concurrent creates":         "ConcurrentCreates",
		"loses concurrent updates":         "ConcurrentUpdates",
		"reads are stale":                  "GetAfterPut",
		"Live lists ended calls":           "LiveListsLiveCalls",
		"Live goes by the state":           "LiveListsLiveCalls",
		"Live forgets some":                "LiveListsLiveCalls",
		"Live lists twice":                 "LiveListsLiveCalls",
		"Live ends after a page":           "LiveListsMany",
		"Live keeps what has ended":        "EndedLeaveLive",
		"Live holds the lock":              "LiveLetsWrite",
		"forgets ended calls at once":      "EndedStayReadable",
		"forgets live calls":               "EndedStayReadable",
		"forgets nothing":                  "Expiry",
		"forgets by the first Expires":     "Expiry",
		"Get ignores the context":          "CancelledContext",
		"Put ignores the context":          "CancelledContext",
		"Live ignores the context":         "CancelledContext",
		"the feed starts late":             "WatchStartsAtTheCall",
		"the feed loses the last change":   "WatchTellsTheLast",
		"the feed goes backwards":          "WatchTellsTheLast",
		"the feed forgets ends":            "WatchTellsEnds",
		"the feed shares memory":           "WatchCopiesNotShared",
		"the feed ignores cursors":         "WatchResumes",
		"the feed knows no Resync":         "WatchUnknownCursor",
		"the feed hides a gap":             "WatchOldCursor",
		"the feed ignores the context":     "WatchEndsWithContext",
		"the feed ends without a word":     "WatchEndsWithContext",
	} {
		t.Run(strings.ReplaceAll(fault, " ", "-"), func(t *testing.T) {
			t.Parallel()
			i := slices.IndexFunc(cases, func(c testCase) bool { return c.name == by })
			if i < 0 {
				t.Fatalf("there is no case %s", by)
			}
			s := newSuite(&Options{ForgetsWithin: time.Millisecond, FeedLength: paperFeed, Patience: 300 * time.Millisecond})
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			w := &witness{ctx: ctx}
			done := make(chan struct{})
			go func() {
				defer close(done)
				cases[i].run(s, w, newPaper(fault))
			}()
			select {
			case <-done:
			case <-time.After(20 * time.Second):
				t.Fatalf("%s hangs", by)
			}
			if got := w.failures(); len(got) == 0 {
				t.Errorf("%s does not reject a store that %s", by, fault)
			} else if testing.Verbose() {
				t.Logf("%s: %.200s", by, got[0])
			}
		})
	}
}

func BenchmarkPaper(b *testing.B) {
	Benchmark(b, func(testing.TB) coaching.Store { return newPaper("") })
}
