package console

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/mpc-coaching/coaching"
)

const (
	pingEvery   = 15 * time.Second
	writeSize   = 32 << 10              // of a part that is written at once
	flushTime   = 2 * time.Minute       // for all that is to be said at one time
	streamPause = 50 * time.Millisecond // between two writes: what changes meanwhile is told at once
)

// A stream is one open GET api/stream.
type stream struct {
	c    *Console
	w    http.ResponseWriter
	rc   *http.ResponseController
	r    *http.Request
	feed *feed
	said *verdicts
	sess *session
	out  [][]byte // what is to be written; calls are shared with other streams
}

// stream serves what happens to the calls that the actor may see, until the
// client goes away. It goes on from the client's last event if that is known,
// else it begins with a snapshot.
func (c *Console) stream(w http.ResponseWriter, r *http.Request, who viewer) error {
	query := r.URL.Query()
	id := coaching.CallID(query.Get("call"))
	if query.Has("call") && !isCallID(string(id)) {
		return problem(invalid, "the parameter call is malformed")
	}
	last := r.Header.Get("Last-Event-ID")
	if last == "" {
		last = query.Get("last_event_id")
	}
	feed, err := c.hub.enter()
	if err != nil {
		return problem(notRunning, "this instance is shutting down")
	}
	defer c.hub.leave()
	select {
	case <-feed.ready:
	case <-r.Context().Done():
		return nil
	}
	if !feed.knows {
		return problem(internal, "the calls cannot be read now")
	}
	s := &stream{c: c, w: w, rc: http.NewResponseController(w), r: r, feed: feed}
	past := c.hub.sessions()
	sess, resumed := past.resume(last, who, id)
	if s.sess = sess; !resumed {
		if err := c.mayWatch(r.Context(), id); err != nil {
			return err
		}
		s.sess = newSession(who, id)
	}
	w.Header().Set("Content-Type", "text/event-stream")
	w.Header().Set("X-Accel-Buffering", "no") // nginx would hold events back
	lift(w)
	if err := s.rc.Flush(); errors.Is(err, http.ErrNotSupported) {
		w.Header().Del("X-Accel-Buffering")
		c.cfg.Logger.ErrorContext(r.Context(), "no stream: a ResponseWriter around this one has neither Flush nor Unwrap")
		return problem(internal, "")
	}
	s.said = c.hub.listen(who.actor)
	defer c.hub.unlisten(s.said)
	past.add(s.sess)
	defer func() { past.park(s.sess, time.Now()) }()
	s.say("retry: 2000\n")
	if resumed {
		s.say("id: %s\n\n", s.sess.cursor(s.sess.next()))
	}
	s.serve(who, !resumed)
	return nil
}

// mayWatch says whether one call may be watched; "" is for all, which are asked
// about one by one.
func (c *Console) mayWatch(ctx context.Context, id coaching.CallID) error {
	if id == "" {
		return nil
	}
	call, err := c.cfg.Flow.Call(coaching.AsHost(ctx), id)
	if err != nil {
		return err
	}
	return c.cfg.Flow.Authorize(ctx, coaching.AccessRequest{Op: "Watch", Call: call})
}

// serve writes until something ends it. What ends it is the client's to notice:
// it comes back and learns why.
func (s *stream) serve(who viewer, snapshot bool) {
	round, next := s.said.turn(time.Now())
	grown := s.look(true, snapshot)
	again := time.NewTimer(time.Until(next))
	defer again.Stop()
	ping := time.NewTicker(pingEvery)
	defer ping.Stop()
	for s.flush() == nil {
		if !s.wait(streamPause) {
			return
		}
		select {
		case <-s.r.Context().Done():
			return
		case <-s.feed.ctx.Done():
			return
		case <-ping.C:
			s.say(": ping\n\n")
		case <-grown:
			grown = s.look(false, false)
		case <-again.C:
			if now, err := s.c.identify(s.r); err != nil || now != who {
				return
			}
			var r int
			r, next = s.said.turn(time.Now())
			if r != round {
				round = r
				grown = s.look(true, false)
			}
			again.Reset(time.Until(next))
		}
	}
}

// wait lets a moment pass; false means that the stream is over.
func (s *stream) wait(d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-s.r.Context().Done():
	case <-s.feed.ctx.Done():
	}
	return false
}

// look compares what has changed, or with all everything, to what the client has,
// and puts the difference into words.
func (s *stream) look(all, snapshot bool) (grown <-chan struct{}) {
	after := s.sess.seq
	if all {
		after = 0
	}
	changed, seq, grown := s.c.hub.since(after)
	until := time.Now().Add(askPatience)
	if snapshot {
		s.snapshot(changed, until)
	} else {
		for _, t := range changed {
			s.tell(t, until)
		}
	}
	if all {
		s.forget(changed)
	}
	s.sess.mu.Lock()
	defer s.sess.mu.Unlock()
	s.sess.seq = seq
	return grown
}

func (s *stream) mine(t told) bool { return s.sess.call == "" || s.sess.call == t.e.id }

func (s *stream) admits(t told, until time.Time) bool {
	return s.said.admits(s.feed.ctx, s.c, t, until)
}

// snapshot is what the client knows from then on: all calls that are not over.
func (s *stream) snapshot(calls []told, until time.Time) {
	var seen []told
	for _, t := range calls {
		if s.mine(t) && t.rev != nil && !t.rev.ended() && s.admits(t, until) {
			seen = append(seen, t)
		}
	}
	s.sess.mu.Lock()
	defer s.sess.mu.Unlock()
	n := s.sess.next()
	s.say("event: snapshot\nid: %s\ndata: {\"calls\":[", s.sess.cursor(n))
	for i, t := range seen {
		if i > 0 {
			s.say(",")
		}
		s.out = append(s.out, t.rev.encoded(s.c, s.sess.who.view))
		s.sess.shown[t.e] = shown{n: n, version: t.rev.call.Version}
	}
	s.say("]}\n\n")
}

// tell says what is new about one call, if anything is.
func (s *stream) tell(t told, until time.Time) {
	if !s.mine(t) {
		return
	}
	ok := s.admits(t, until)
	s.sess.mu.Lock()
	defer s.sess.mu.Unlock()
	had, known := s.sess.shown[t.e]
	switch {
	case ok && known && had.version == t.rev.call.Version && !had.unsure:
	case ok && !known && t.rev.ended() && t.seq <= s.sess.seq: // over before this stream
	case ok:
		n := s.sess.next()
		s.say("event: call\nid: %s\ndata: ", s.sess.cursor(n))
		s.out = append(s.out, t.rev.encoded(s.c, s.sess.who.view))
		s.say("\n\n")
		s.sess.shown[t.e] = shown{n: n, version: t.rev.call.Version, ended: t.rev.ended()}
	case known && (had.version != 0 || had.unsure):
		s.sess.shown[t.e] = shown{n: s.gone(t.e)}
	}
}

// gone says that the viewer may no longer see a call.
func (s *stream) gone(e *entry) uint64 {
	n := s.sess.next()
	s.say("event: gone\nid: %s\ndata: {\"id\":%q}\n\n", s.sess.cursor(n), e.id)
	return n
}

// forget lets go of calls that the hub has let go of; now is all that it knows.
func (s *stream) forget(now []told) {
	s.sess.mu.Lock()
	defer s.sess.mu.Unlock()
	if len(s.sess.shown) == 0 {
		return
	}
	known := make(map[*entry]bool, len(now))
	for _, t := range now {
		known[t.e] = true
	}
	for e, had := range s.sess.shown {
		if known[e] {
			continue
		}
		if had.unsure || !had.ended && had.version != 0 {
			had.n = s.gone(e)
		}
		s.sess.floor = max(s.sess.floor, had.n)
		delete(s.sess.shown, e)
	}
}

func (s *stream) say(format string, args ...any) {
	s.out = append(s.out, fmt.Appendf(nil, format, args...))
}

// flush writes what there is to say. Each part must be taken within ioTime,
// and all of it within flushTime: a client that does not read is cut off, and
// goes on from there when it comes back.
func (s *stream) flush() error {
	if len(s.out) == 0 {
		return nil
	}
	end := time.Now().Add(flushTime)
	size := writeSize // as if a part had just been filled
	for _, b := range s.out {
		if size >= writeSize {
			if err := s.part(end); err != nil {
				return err
			}
			size = 0
		}
		size += len(b)
		if _, err := s.w.Write(b); err != nil {
			return err
		}
	}
	s.out = nil
	if err := s.rc.Flush(); err != nil {
		return err
	}
	// An expired deadline would end an idle stream of HTTP/2.
	if err := s.rc.SetWriteDeadline(time.Time{}); err != nil && !errors.Is(err, http.ErrNotSupported) {
		return err
	}
	return nil
}

// part ends a part, and gives the next one its time.
func (s *stream) part(end time.Time) error {
	if err := s.rc.Flush(); err != nil {
		return err
	}
	by := time.Now().Add(s.c.patience)
	if end.Before(by) {
		by = end
	}
	if err := s.rc.SetWriteDeadline(by); err != nil && !errors.Is(err, http.ErrNotSupported) {
		return err
	}
	return nil
}
