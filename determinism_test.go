package coaching_test

import (
	"strings"
	"testing"
)

// The same seed gives the same timeline, so that a failing seed is a story
// that can be told again.
func TestSameSeedSameTimeline(t *testing.T) {
	for seed, times := range map[uint64]int{3: 100, 17: 4, 29: 4} {
		story := newStory(seed)[:25]
		first := timelineOf(t, seed, story)
		if !strings.Contains(first, "joined by") {
			t.Fatalf("seed %d: nobody joined anything", seed)
		}
		for i := 1; i < times; i++ {
			if got := timelineOf(t, seed, story); got != first {
				t.Fatalf("seed %d, run %d: the timeline differs from the first run's at line\n%s", seed, i+1, firstDifference(first, got))
			}
		}
	}
}

func timelineOf(t *testing.T, seed uint64, s story) string {
	return play(t, seed, s, true).timeline
}

func firstDifference(a, b string) string {
	x, y := strings.Split(a, "\n"), strings.Split(b, "\n")
	for i := range min(len(x), len(y)) {
		if x[i] != y[i] {
			return x[i] + "\n" + y[i]
		}
	}
	return "one is longer"
}
