// Package leak finds code of this repository that goes on running when it
// should be over. Tests in a synctest bubble need it not: a bubble sees to itself.
package leak

import (
	"fmt"
	"os"
	"runtime"
	"strings"
	"time"
)

// Main is what TestMain gives to os.Exit: the code of run, or 1 where code of
// ours still runs in another goroutine when all tests are over.
func Main(run func() int) int {
	code := run()
	if left := Stacks(5 * time.Second); code == 0 && left != "" {
		fmt.Fprintf(os.Stderr, "goroutines of ours outlive the tests:\n\n%s\n", left)
		return 1
	}
	return code
}

// Stacks returns the stacks of goroutines in this repository, other than the one
// that asks and tests that wait for their parts, that are still there after the
// patience.
func Stacks(patience time.Duration) string {
	for deadline := time.Now().Add(patience); ; time.Sleep(10 * time.Millisecond) {
		buf := make([]byte, 4<<20)
		buf = buf[:runtime.Stack(buf, true)]
		var left []string
		for i, g := range strings.Split(string(buf), "\n\n") {
			if i > 0 && strings.Contains(g, "github.com/mpc-coaching/coaching") && !strings.Contains(g, "testing.(*T).Run(") {
				left = append(left, g)
			}
		}
		if len(left) == 0 || time.Now().After(deadline) {
			return strings.Join(left, "\n\n")
		}
	}
}
