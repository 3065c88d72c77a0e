package coaching_test

import (
	"context"
	"fmt"
	"math"
	"os"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/mpc-coaching/coaching"
	"github.com/mpc-coaching/coaching/plivotest"
)

// A counting store counts what a call costs an engine.
type countingStore struct {
	*coaching.MemoryStore
	gets, puts, conflicts, bytes, largest atomic.Int64
}

func (s *countingStore) Get(ctx context.Context, id coaching.CallID) (coaching.Call, error) {
	s.gets.Add(1)
	return s.MemoryStore.Get(ctx, id)
}

func (s *countingStore) Put(ctx context.Context, c coaching.Call) (coaching.Call, error) {
	doc, err := coaching.EncodeCall(c)
	if err != nil {
		return c, err
	}
	c, err = s.MemoryStore.Put(ctx, c)
	if err != nil {
		s.conflicts.Add(1)
		return c, err
	}
	s.puts.Add(1)
	s.bytes.Add(int64(len(doc)))
	s.largest.Store(max(s.largest.Load(), int64(len(doc))))
	return c, nil
}

// A cost is what one call costs. The text is a row of docs/scaling.md.
type cost struct {
	callbacks, requests, gets, puts int64
	bytes, largest                  int64
}

func (c cost) String() string {
	return fmt.Sprintf("| %d | %d | %d | %d | %d | %.1f | %.1f |", c.callbacks, c.requests, c.gets, c.puts, c.gets+c.puts,
		float64(c.bytes)/1024, float64(c.largest)/1024)
}

// costOf plays a story with one call and five minutes of talk.
func costOf(t *testing.T, o *plivotest.Options, story func(*shop, coaching.CallID)) (c cost) {
	bubble(t, func(t *testing.T) {
		store := &countingStore{MemoryStore: coaching.NewMemoryStore()}
		s := open(t, o, func(cfg *coaching.Config) { cfg.Store = store })
		customer, _, id := s.connected()
		if story != nil {
			story(s, id)
		}
		after(5*time.Minute - time.Since(s.book(id).Activated))
		customer.Hangup()
		after(time.Minute)
		if got := s.book(id).State; got != coaching.StateEnded {
			t.Errorf("the call is %v, want ended", got)
		}
		for _, q := range s.srv.Requests() {
			if q.Op != "ListMPCs" { // the sweep's, whatever the calls
				c.requests++
			}
		}
		c.callbacks = int64(s.srv.CallbackStats().Sent)
		c.gets, c.puts, c.bytes, c.largest = store.gets.Load(), store.puts.Load(), store.bytes.Load(), store.largest.Load()
	})
	return c
}

func supervised(s *shop, id coaching.CallID) {
	s.t.Helper()
	steps := []func() error{
		func() error {
			_, err := s.flow.Barge(s.t.Context(), id, supLee, &coaching.JoinOptions{Mode: coaching.ModeMonitor})
			return err
		},
		func() error { return s.flow.SetMode(s.t.Context(), id, supLee.ID, coaching.ModeCoach) },
		func() error {
			_, err := s.flow.TakeOver(s.t.Context(), id, supLee, &coaching.TakeOverOptions{Agent: coaching.AgentMute})
			return err
		},
		func() error { _, err := s.flow.HandBack(s.t.Context(), id, supLee.ID, nil); return err },
		func() error { return s.flow.Leave(s.t.Context(), id, supLee.ID) },
	}
	for i, step := range steps {
		after(20 * time.Second)
		if err := step(); err != nil {
			s.t.Errorf("step %d = %v, want nil", i, err)
		}
	}
}

// What a call costs stands in docs/scaling.md, from which the rest there is
// computed. A number may be off by a tenth, or by two.
func TestCostOfACall(t *testing.T) {
	doc, err := os.ReadFile("docs/scaling.md")
	if err != nil {
		t.Fatal(err)
	}
	for name, story := range map[string]func(*shop, coaching.CallID){"customer and agent": nil, "a supervisor in every mode": supervised} {
		got := strings.Split(costOf(t, nil, story).String(), "|")
		_, row, _ := strings.Cut(string(doc), "| "+name+" ")
		row, _, _ = strings.Cut(row, "\n")
		want := strings.Split(row, "|")
		if len(got) != len(want) {
			t.Errorf("docs/scaling.md says %q of %s, want %q", row, name, got)
			continue
		}
		for i := range got {
			g, _ := strconv.ParseFloat(strings.TrimSpace(got[i]), 64)
			w, _ := strconv.ParseFloat(strings.TrimSpace(want[i]), 64)
			if math.Abs(g-w) > max(2, w/10) {
				t.Errorf("%s costs %v, docs/scaling.md says %v: %v, want %v", name, got, want, g, w)
			}
		}
	}
}
