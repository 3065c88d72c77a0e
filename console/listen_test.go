package console_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"
)

// An event is one block of a stream.
type event struct {
	kind, id, data string
}

// A browser is what a page does with streams: it applies events and remembers
// the last id.
type browser struct {
	t     testing.TB
	mu    sync.Mutex
	calls map[string]string // their JSON, by id
	last  string
	seen  []event      // all that have come, in order
	sent  lockedBuffer // what the server has written, whether or not it arrived
}

func newBrowser(t testing.TB) *browser { return &browser{t: t, calls: map[string]string{}} }

// take applies one block.
func (b *browser) take(block string) {
	var e event
	for line := range strings.SplitSeq(block, "\n") {
		name, value, _ := strings.Cut(line, ": ")
		switch name {
		case "event":
			e.kind = value
		case "id":
			e.id = value
		case "data":
			e.data += value
		case "", "retry": // a comment, or how long to wait
		default:
			b.t.Errorf("the stream has the line %q", line)
		}
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if e.id != "" {
		b.last = e.id
	}
	if e.data == "" {
		return
	}
	b.seen = append(b.seen, e)
	schemas := map[string]string{"snapshot": "Snapshot", "call": "Call", "gone": "Gone"}
	conforms(b.t, "event "+e.kind, map[string]any{"$ref": "#/components/schemas/" + schemas[e.kind]}, []byte(e.data))
	var call struct {
		ID, State string
		Version   uint64
		Calls     []json.RawMessage
	}
	if err := json.Unmarshal([]byte(e.data), &call); err != nil {
		b.t.Errorf("event %s: %v in %s", e.kind, err, e.data)
	}
	switch e.kind {
	case "snapshot":
		b.calls = map[string]string{}
		for _, c := range call.Calls {
			var one struct{ ID string }
			_ = json.Unmarshal(c, &one)
			b.calls[one.ID] = string(c)
		}
	case "call":
		var old struct{ Version uint64 }
		if had := b.calls[call.ID]; had != "" {
			_ = json.Unmarshal([]byte(had), &old)
		}
		if call.Version < old.Version {
			b.t.Errorf("version %d of %s comes after %d", call.Version, call.ID, old.Version)
		}
		if b.calls[call.ID] = e.data; call.State == "ended" {
			delete(b.calls, call.ID)
		}
	case "gone":
		delete(b.calls, call.ID)
	}
}

// view returns what the page shows now.
func (b *browser) view() map[string]string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return maps.Clone(b.calls)
}

// kinds returns the events since an earlier moment, such as "call cc… 7".
func (b *browser) events() []event {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Clone(b.seen)
}

// count returns how many events of a kind have come.
func (b *browser) count(kind string) (n int) {
	for _, e := range b.events() {
		if e.kind == kind {
			n++
		}
	}
	return n
}

// A line is one open stream, without a network: it is the ResponseWriter, too.
type line struct {
	b      *browser
	cancel context.CancelFunc
	done   chan struct{}

	mu     sync.Mutex
	header http.Header
	status int
	buf    []byte
	lost   bool // what is written no longer arrives
}

// listen opens a stream; in a bubble it has its first events when it returns.
func (b *browser) listen(h http.Handler, a ask) *line {
	b.t.Helper()
	ctx, cancel := context.WithCancel(b.t.Context())
	l := &line{b: b, cancel: cancel, done: make(chan struct{}), header: http.Header{}}
	if a.path == "" {
		a.path = "/api/stream"
	}
	if b.last != "" && a.header == nil {
		a.header = http.Header{"Last-Event-Id": {b.last}}
	}
	a.ctx = ctx
	r := a.request(b.t)
	go func() {
		defer close(l.done)
		h.ServeHTTP(l, r)
	}()
	synctest.Wait()
	l.mu.Lock()
	defer l.mu.Unlock()
	everyAnswer(b.t, r, reply{l.status, l.header, l.buf})
	return l
}

func (l *line) Header() http.Header { return l.header }

func (l *line) WriteHeader(status int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.status == 0 {
		l.status = status
	}
}

func (l *line) Write(p []byte) (int, error) {
	l.WriteHeader(http.StatusOK)
	_, _ = l.b.sent.Write(p)
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.lost {
		return len(p), nil
	}
	l.buf = append(l.buf, p...)
	if l.status != http.StatusOK {
		return len(p), nil
	}
	for {
		block, rest, ok := bytes.Cut(l.buf, []byte("\n\n"))
		if !ok {
			return len(p), nil
		}
		l.buf = rest
		l.b.take(string(block))
	}
}

func (l *line) Flush() { l.WriteHeader(http.StatusOK) }

// lose lets nothing arrive any more, though the server does not notice.
func (l *line) lose() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.lost = true
}

func (l *line) isLost() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.lost
}

// hangUp ends the stream, and returns when the server has let go of it.
func (l *line) hangUp() {
	l.cancel()
	<-l.done
}

// over reports whether the server has ended the stream.
func (l *line) over() bool {
	select {
	case <-l.done:
		return true
	default:
		return false
	}
}

// same compares what a page shows with what a fresh one would.
func (b *browser) same(h http.Handler, a ask, when string) {
	b.t.Helper()
	fresh := newBrowser(b.t)
	fresh.listen(h, a).hangUp()
	if d := cmp.Diff(fresh.view(), b.view()); d != "" {
		b.t.Errorf("%s, the page is not what a fresh one is (-fresh +page):\n%s", when, d)
	}
	if fresh.count("snapshot") != 1 {
		b.t.Errorf("%s, a fresh stream has %d snapshots, want 1: %v", when, fresh.count("snapshot"), fresh.events())
	}
}

func (e event) String() string { return fmt.Sprintf("%s %.90s", e.kind, e.data) }
