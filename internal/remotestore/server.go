// Package remotestore takes a [coaching.Store] across a socket: a test that runs
// in a synctest bubble, where time is not real, can so use an engine whose
// client needs real time. Every request has a connection of its own, since a
// connection that waits would hold the bubble's clock; for the same reason the
// feed is asked for and never waited for.
package remotestore

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
	"sync"
	"time"

	"github.com/mpc-coaching/coaching"
)

// A message is a call on its way.
type message struct {
	Version uint64          `json:"version"`
	Doc     json.RawMessage `json:"doc,omitempty"`
	Cursor  coaching.Cursor `json:"cursor,omitempty"` // of a change
	Resync  bool            `json:"resync,omitempty"` // likewise
}

func pack(c coaching.Call) (message, error) {
	doc, err := coaching.EncodeCall(c)
	return message{Version: c.Version, Doc: doc}, err
}

func (m message) unpack() (coaching.Call, error) {
	c, err := coaching.DecodeCall(m.Doc)
	c.Version = m.Version
	return c, err
}

// catchUp is how long a feed may take to tell what was put.
const catchUp = 5 * time.Second

// A Server serves a store, and a fresh one after each reset. Close ends its
// feeds.
type Server struct {
	open func() coaching.Store
	wg   sync.WaitGroup // feeds

	mu    sync.Mutex
	store coaching.Store
	put   map[coaching.CallID]uint64 // the last version that went through here
	feeds map[int]*feed
	next  int
}

// A feed buffers the changes of one watcher.
type feed struct {
	stop    context.CancelFunc
	since   map[coaching.CallID]uint64 // what had been put before
	seen    map[coaching.CallID]uint64
	waiting []message
	moved   chan struct{} // one token
	err     string
}

// NewServer returns a server of what open returns, which is empty each time and
// a [coaching.Watcher] too.
func NewServer(open func() coaching.Store) *Server {
	s := &Server{open: open, feeds: map[int]*feed{}}
	s.fresh()
	return s
}

// Close ends all feeds and joins them.
func (s *Server) Close() {
	s.mu.Lock()
	for n, f := range s.feeds {
		f.stop()
		delete(s.feeds, n)
	}
	s.mu.Unlock()
	s.wg.Wait()
}

func (s *Server) fresh() {
	s.Close()
	store := s.open()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.store, s.put = store, map[coaching.CallID]uint64{}
}

func (s *Server) now() coaching.Store {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.store
}

func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /reset", func(w http.ResponseWriter, _ *http.Request) {
		s.fresh()
		reply(w, true, nil)
	})
	mux.HandleFunc("GET /calls/{id}", s.get)
	mux.HandleFunc("PUT /calls/{id}", s.doPut)
	mux.HandleFunc("GET /live", s.live)
	mux.HandleFunc("POST /feeds", s.watch)
	mux.HandleFunc("GET /feeds/{n}", s.drain)
	mux.HandleFunc("DELETE /feeds/{n}", s.unwatch)
	mux.ServeHTTP(w, r)
}

var statuses = map[int]error{
	http.StatusNotFound: coaching.ErrNotFound, http.StatusConflict: coaching.ErrConflict,
	http.StatusUpgradeRequired: coaching.ErrSchema, http.StatusBadRequest: coaching.ErrInvalid,
}

func fail(w http.ResponseWriter, err error) {
	for status, e := range statuses {
		if errors.Is(err, e) {
			http.Error(w, err.Error(), status)
			return
		}
	}
	http.Error(w, err.Error(), http.StatusInternalServerError)
}

func reply(w http.ResponseWriter, v any, err error) {
	if err != nil {
		fail(w, err)
		return
	}
	_ = json.NewEncoder(w).Encode(v)
}

func (s *Server) get(w http.ResponseWriter, r *http.Request) {
	c, err := s.now().Get(r.Context(), coaching.CallID(r.PathValue("id")))
	if err != nil {
		fail(w, err)
		return
	}
	m, err := pack(c)
	reply(w, m, err)
}

func (s *Server) doPut(w http.ResponseWriter, r *http.Request) {
	var m message
	if err := json.NewDecoder(r.Body).Decode(&m); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	c, err := m.unpack()
	if err == nil {
		c, err = s.now().Put(r.Context(), c)
	}
	if err == nil {
		s.mu.Lock()
		s.put[c.ID] = max(s.put[c.ID], c.Version)
		s.mu.Unlock()
	}
	reply(w, message{Version: c.Version}, err)
}

func (s *Server) live(w http.ResponseWriter, r *http.Request) {
	out := []message{}
	for c, err := range s.now().Live(r.Context()) {
		var m message
		if err == nil {
			m, err = pack(c)
		}
		if err != nil {
			fail(w, err)
			return
		}
		out = append(out, m)
	}
	reply(w, out, nil)
}

func (s *Server) watch(w http.ResponseWriter, r *http.Request) {
	ctx, stop := context.WithCancel(context.Background())
	f := &feed{stop: stop, since: map[coaching.CallID]uint64{}, seen: map[coaching.CallID]uint64{}, moved: make(chan struct{}, 1)}
	changes := s.now().(coaching.Watcher).Changes(ctx, coaching.Cursor(r.URL.Query().Get("after")))
	s.mu.Lock()
	s.next++
	n := s.next
	s.feeds[n] = f
	for id, v := range s.put {
		f.since[id] = v
	}
	s.mu.Unlock()
	s.wg.Go(func() {
		defer stop()
		for ch, err := range changes {
			s.mu.Lock()
			f.take(ch, err)
			s.mu.Unlock()
			select {
			case f.moved <- struct{}{}:
			default:
			}
		}
	})
	reply(w, n, nil)
}

func (f *feed) take(ch coaching.Change, err error) {
	if err != nil {
		f.err = err.Error()
		return
	}
	m := message{Cursor: ch.Cursor, Resync: ch.Resync}
	if !ch.Resync {
		if m, err = pack(ch.Call); err != nil {
			f.err = err.Error()
			return
		}
		m.Cursor = ch.Cursor
		f.seen[ch.Call.ID] = max(f.seen[ch.Call.ID], ch.Call.Version)
	}
	f.waiting = append(f.waiting, m)
}

// behind returns a call whose last change the feed has not told yet, "" if it
// has told all.
func (s *Server) behind(f *feed) coaching.CallID {
	for id, v := range s.put {
		if v > f.since[id] && f.seen[id] < v {
			return id
		}
	}
	return ""
}

// drain answers with what the feed has told since the last time, and waits for
// it to tell all that was put through this server.
func (s *Server) drain(w http.ResponseWriter, r *http.Request) {
	n, _ := strconv.Atoi(r.PathValue("n"))
	patience := time.NewTimer(catchUp)
	defer patience.Stop()
	for {
		s.mu.Lock()
		f := s.feeds[n]
		if f == nil {
			s.mu.Unlock()
			fail(w, coaching.ErrNotFound)
			return
		}
		late, out, err := s.behind(f), f.waiting, f.err
		if late == "" || err != "" {
			f.waiting = nil
		}
		s.mu.Unlock()
		switch {
		case err != "":
			fail(w, errors.New(err))
			return
		case late == "":
			if out == nil {
				out = []message{}
			}
			reply(w, out, nil)
			return
		}
		select {
		case <-f.moved:
		case <-r.Context().Done():
			return
		case <-patience.C:
			fail(w, errors.New("the feed does not tell the last change of "+string(late)))
			return
		}
	}
}

func (s *Server) unwatch(w http.ResponseWriter, r *http.Request) {
	n, _ := strconv.Atoi(r.PathValue("n"))
	s.mu.Lock()
	defer s.mu.Unlock()
	if f := s.feeds[n]; f != nil {
		f.stop()
		delete(s.feeds, n)
	}
}
