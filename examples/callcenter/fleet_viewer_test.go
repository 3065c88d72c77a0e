package main

import (
	"bufio"
	"context"
	"encoding/json"
	"maps"
	"net/http"
	"strings"
	"sync"
	"time"
)

// A viewer is a page's end of a console's stream: it comes back when the stream
// breaks, with the last event it has had.
type viewer struct {
	url string

	mu        sync.Mutex
	calls     map[string]float64 // versions by id
	last      string
	breaks    int
	snapshots int
}

func (v *viewer) watch(ctx context.Context) {
	for ctx.Err() == nil {
		v.read(ctx)
		v.mu.Lock()
		v.breaks++
		v.mu.Unlock()
		select {
		case <-ctx.Done():
		case <-time.After(100 * time.Millisecond):
		}
	}
}

func (v *viewer) read(ctx context.Context) {
	req, err := http.NewRequestWithContext(ctx, "GET", v.url, nil)
	if err != nil {
		return
	}
	v.mu.Lock()
	if v.last != "" {
		req.Header.Set("Last-Event-ID", v.last)
	}
	v.mu.Unlock()
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return
	}
	lines := bufio.NewScanner(resp.Body)
	lines.Buffer(nil, 16<<20)
	event, id, data := "", "", ""
	for lines.Scan() {
		field, value, _ := strings.Cut(lines.Text(), ": ")
		switch field {
		case "event":
			event = value
		case "id":
			id = value
		case "data":
			data = value
		case "":
			v.take(event, id, data)
			event, id, data = "", "", ""
		}
	}
}

// take applies one event.
func (v *viewer) take(event, id, data string) {
	type call struct {
		ID      string  `json:"id"`
		Version float64 `json:"version"`
		State   string  `json:"state"`
		Calls   []struct {
			ID      string  `json:"id"`
			Version float64 `json:"version"`
		} `json:"calls"`
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	if id != "" {
		v.last = id
	}
	var c call
	if data != "" && json.Unmarshal([]byte(data), &c) != nil {
		return
	}
	switch event {
	case "snapshot":
		v.snapshots++
		clear(v.calls)
		for _, k := range c.Calls {
			v.calls[k.ID] = k.Version
		}
	case "call":
		if c.State == "ended" {
			delete(v.calls, c.ID)
			return
		}
		v.calls[c.ID] = max(v.calls[c.ID], c.Version)
	case "gone":
		delete(v.calls, c.ID)
	}
}

func (v *viewer) view() map[string]float64 {
	v.mu.Lock()
	defer v.mu.Unlock()
	return maps.Clone(v.calls)
}

func (v *viewer) tally() (breaks, snapshots int) {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.breaks, v.snapshots
}
