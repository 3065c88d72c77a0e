package coaching_test

import (
	"runtime/debug"
	"slices"
	"strings"
	"testing"
)

// The same seed gives the same timeline, so that a failing seed is a story
// that can be told again.
func TestSameSeedSameTimeline(t *testing.T) {
	if b, ok := debug.ReadBuildInfo(); ok && slices.Contains(b.Settings, debug.BuildSetting{Key: "-race", Value: "true"}) {
		t.Skip("the race detector shuffles what may run: it is to find other orders, not the same")
	}
	const seeds, times = 25, 4
	joined := 0
	for seed := uint64(1); seed <= seeds; seed++ {
		story := newStory(seed)
		first := timelineOf(t, seed, story)
		joined += strings.Count(first, "joined by")
		for i := 1; i < times; i++ {
			if got := timelineOf(t, seed, story); got != first {
				t.Fatalf("seed %d, run %d: the timeline differs from the first run's at line\n%s", seed, i+1, firstDifference(first, got))
			}
		}
	}
	if joined < 10*seeds {
		t.Errorf("%d joins in %d stories: they say nothing", joined, seeds)
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
