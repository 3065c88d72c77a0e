package plivotest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"time"
)

const (
	// streamGap is the least time between two looks of one stream.
	streamGap = 50 * time.Millisecond
	// streamPing keeps a quiet stream alive, and notices a client that is gone.
	streamPing = 15 * time.Second
	// streamWrite is how long a client may take to accept one look's views.
	streamWrite = 10 * time.Second
	// streamPhones is how many phones one stream may show.
	streamPhones = 64
)

// controlStream sends the views of some phones, and each again whenever it
// changed, as server-sent events. It ends with the client or with the server.
func (s *Server) controlStream(w http.ResponseWriter, r *http.Request) {
	addresses, ok := streamedPhones(w, r)
	if !ok {
		return
	}
	n, ok := lastCalls(w, r)
	if !ok {
		return
	}
	w.Header().Set("Content-Type", "text/event-stream")
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("X-Accel-Buffering", "no")
	out := http.NewResponseController(w)
	send := func(text []byte) bool {
		out.SetWriteDeadline(time.Now().Add(streamWrite)) // not every writer can
		if _, err := w.Write(text); err != nil {
			return false
		}
		return out.Flush() == nil
	}
	ping := time.NewTicker(streamPing)
	defer ping.Stop()
	pause := time.NewTimer(streamGap)
	defer pause.Stop()
	shown := make([][]byte, len(addresses))
	for {
		s.mu.Lock()
		tick := s.tick // before the look, so that no change is missed
		s.mu.Unlock()
		var news []byte
		for i, address := range addresses {
			view, _ := json.Marshal(s.phoneView(address, n))
			if !bytes.Equal(view, shown[i]) {
				news = fmt.Appendf(news, "data: %s\n\n", view)
				shown[i] = view
			}
		}
		if len(news) > 0 && !send(news) {
			return
		}
		pause.Reset(streamGap)
		for waiting := true; waiting; {
			select {
			case <-tick:
				waiting = false
			case <-ping.C:
				if !send([]byte(": ping\n\n")) {
					return
				}
			case <-r.Context().Done():
				return
			case <-s.ctx.Done():
				return
			}
		}
		select {
		case <-pause.C:
		case <-r.Context().Done():
			return
		case <-s.ctx.Done():
			return
		}
	}
}

// streamedPhones reads ?address=, once for each phone.
func streamedPhones(w http.ResponseWriter, r *http.Request) (addresses []string, ok bool) {
	for _, text := range r.URL.Query()["address"] {
		address := normal(text)
		if !dialable(address) {
			controlError(w, http.StatusBadRequest, fmt.Sprintf("the address %q is neither a number nor a sip: URI", text))
			return nil, false
		}
		if !slices.Contains(addresses, address) {
			addresses = append(addresses, address)
		}
	}
	if len(addresses) == 0 || len(addresses) > streamPhones {
		controlError(w, http.StatusBadRequest, fmt.Sprintf("a stream shows 1 to %d phones: ?address=, once for each", streamPhones))
		return nil, false
	}
	return addresses, true
}
