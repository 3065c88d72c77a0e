package plivotest

import (
	"fmt"
	"io"
	"time"
)

// Entry is one line of the timeline.
type Entry struct {
	At   time.Duration // since the server was made
	Kind string        // "request", "callback", "call", "mpc", "flag", "sound", "say" or "warning"
	Text string
}

// String returns the line as [Server.WriteTimeline] prints it.
func (e Entry) String() string {
	return fmt.Sprintf("%14.6fs  %-8s  %s", e.At.Seconds(), e.Kind, e.Text)
}

// Timeline returns what happened so far, in order: requests, callbacks with
// their answers, calls, joins and exits, flags, sounds, words and warnings.
// Ids are cut to their first block.
func (s *Server) Timeline() []Entry {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]Entry(nil), s.timeline...)
}

// WriteTimeline prints the timeline to w, one line per entry.
func (s *Server) WriteTimeline(w io.Writer) error {
	for _, e := range s.Timeline() {
		if _, err := fmt.Fprintln(w, e); err != nil {
			return err
		}
	}
	return nil
}

func (s *Server) log(kind, format string, args ...any) {
	s.timeline = append(s.timeline, Entry{At: time.Since(s.start), Kind: kind, Text: fmt.Sprintf(format, args...)})
}

// open writes a line whose end is not known yet and returns a function that
// writes it, so that requests stand before what they cause.
func (s *Server) open(kind, format string, args ...any) func(format string, args ...any) {
	s.log(kind, format, args...)
	i := len(s.timeline) - 1
	return func(format string, args ...any) { s.timeline[i].Text += fmt.Sprintf(format, args...) }
}

func (s *Server) warn(format string, args ...any) { s.log("warning", format, args...) }
