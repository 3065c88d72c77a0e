package console_test

import (
	"fmt"
	"os"
	"runtime"
	"strings"
	"testing"
	"time"
)

// TestMain fails the run if code of this module still runs in another goroutine
// when all tests are over. Bubbles see to themselves.
func TestMain(m *testing.M) {
	code := m.Run()
	if left := leaked(time.Second); code == 0 && left != "" {
		fmt.Fprintf(os.Stderr, "goroutines of this module outlive the tests:\n\n%s\n", left)
		code = 1
	}
	os.Exit(code)
}

// leaked returns the stacks of goroutines in this module, other than the one
// that asks, that are still there after the patience.
func leaked(patience time.Duration) string {
	for deadline := time.Now().Add(patience); ; time.Sleep(10 * time.Millisecond) {
		buf := make([]byte, 1<<20)
		buf = buf[:runtime.Stack(buf, true)]
		var left []string
		for i, g := range strings.Split(string(buf), "\n\n") {
			if i > 0 && strings.Contains(g, "github.com/mpc-coaching/coaching") && !strings.Contains(g, "testing.(*T).Run(") { // tests that wait for their parts
				left = append(left, g)
			}
		}
		if len(left) == 0 || time.Now().After(deadline) {
			return strings.Join(left, "\n\n")
		}
	}
}
