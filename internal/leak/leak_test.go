package leak_test

import (
	"strings"
	"testing"
	"time"

	"github.com/mpc-coaching/coaching/internal/leak"
)

func TestMain(m *testing.M) {
	if code := leak.Main(m.Run); code != 0 {
		panic("leak.Main finds something where nothing runs")
	}
}

func TestStacks(t *testing.T) {
	stop, done := make(chan struct{}), make(chan struct{})
	go func() { defer close(done); <-stop }()
	if got := leak.Stacks(20 * time.Millisecond); !strings.Contains(got, "TestStacks") {
		t.Errorf("Stacks() does not show a goroutine of a test:\n%s", got)
	}
	close(stop)
	<-done
	if got := leak.Stacks(time.Second); got != "" {
		t.Errorf("Stacks() shows a goroutine that has ended:\n%s", got)
	}
}
