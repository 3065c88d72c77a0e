package console

import (
	"container/list"
	"crypto/rand"
	"encoding/base64"
	"maps"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/mpc-coaching/coaching"
)

const (
	sessionsMax = 1024    // parked ones
	shownMax    = 1 << 18 // calls remembered in parked ones, in all
)

// A session is what one stream has shown to its viewer. When the stream breaks
// it is parked, so that the next one can go on from it: with the client's last
// event it tells exactly which calls the client has, and in which version. It
// belongs to its viewer: an id in other hands opens nothing.
type session struct {
	id   string
	who  viewer
	call coaching.CallID // the one it is about; "": all

	// Only the stream writes to these; another that goes on from here reads.
	mu    sync.Mutex
	n     uint64 // of the last event
	seq   uint64 // of the last change looked at
	floor uint64 // of the last event about a call that is not in shown any more
	shown map[*entry]shown

	parked time.Time // guarded by sessions
	at     *list.Element
}

// shown is what the client was last told of a call.
type shown struct {
	n       uint64 // in which event
	version uint64 // 0: that it is gone
	ended   bool
	unsure  bool // it may not have arrived
}

func newSession(who viewer, call coaching.CallID) *session {
	var b [12]byte
	_, _ = rand.Read(b[:]) // never fails
	return &session{id: base64.RawURLEncoding.EncodeToString(b[:]), who: who, call: call, shown: map[*entry]shown{}}
}

// next numbers an event.
func (s *session) next() uint64 {
	s.n++
	return s.n
}

// cursor is the id of event n.
func (s *session) cursor(n uint64) string { return s.id + "." + strconv.FormatUint(n, 10) }

func parseCursor(c string) (id string, n uint64, ok bool) {
	if len(c) > 64 {
		return "", 0, false
	}
	id, digits, _ := strings.Cut(c, ".")
	n, err := strconv.ParseUint(digits, 10, 64)
	return id, n, err == nil
}

// from returns a new session whose client has received the events of s up to n.
// What was sent later may or may not have arrived. It is impossible if that was
// before an event that s has forgotten.
func (s *session) from(n uint64) (*session, bool) {
	next := newSession(s.who, s.call)
	s.mu.Lock()
	defer s.mu.Unlock()
	if n > s.n || n < s.floor {
		return nil, false
	}
	next.seq, next.shown = s.seq, maps.Clone(s.shown)
	for e, had := range next.shown {
		had.n, had.unsure = 0, had.unsure || had.n > n
		next.shown[e] = had
	}
	return next, true
}

// sessions are those of open and of lately broken streams.
type sessions struct {
	mu     sync.Mutex
	byID   map[string]*session
	parked *list.List // of *session, oldest first
	calls  int        // shown in parked ones
}

func newSessions() *sessions {
	return &sessions{byID: map[string]*session{}, parked: list.New()}
}

func (p *sessions) add(s *session) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.byID[s.id] = s
}

// park keeps a session whose stream has ended, for parkTime, or until there are
// too many.
func (p *sessions) park(s *session, now time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.byID[s.id] != s {
		return
	}
	s.parked, s.at = now, p.parked.PushBack(s)
	p.calls += len(s.shown)
	for e := p.parked.Front(); e != nil; e = p.parked.Front() {
		old := e.Value.(*session)
		if p.parked.Len() <= sessionsMax && p.calls <= shownMax && now.Sub(old.parked) < parkTime {
			break
		}
		p.calls -= len(old.shown)
		p.parked.Remove(e)
		delete(p.byID, old.id)
	}
}

// resume returns a session that goes on after an event which the viewer has
// received, if it is known.
func (p *sessions) resume(cursor string, who viewer, call coaching.CallID) (*session, bool) {
	id, n, ok := parseCursor(cursor)
	if !ok {
		return nil, false
	}
	p.mu.Lock()
	s := p.byID[id]
	if s != nil && s.at != nil && time.Since(s.parked) >= parkTime {
		s = nil
	}
	p.mu.Unlock()
	if s == nil || s.who != who || s.call != call {
		return nil, false
	}
	return s.from(n)
}
