// Package require says what tests may skip. A test that needs a tool or a
// server which is not part of Go is skipped where that is missing, unless
// COACHING_REQUIRE names it: then a missing one is a failure, so that a
// machine that is to check everything does not quietly check less.
//
//	COACHING_REQUIRE=node,redis go test work
//	COACHING_REQUIRE=all        go test work
package require

import (
	"os"
	"slices"
	"strings"
)

// T is what this package uses of *testing.T.
type T interface {
	Helper()
	Skipf(format string, args ...any)
	Fatalf(format string, args ...any)
}

// Named reports whether COACHING_REQUIRE names what.
func Named(what string) bool {
	names := strings.FieldsFunc(os.Getenv("COACHING_REQUIRE"), func(r rune) bool { return r == ',' || r == ' ' })
	return slices.Contains(names, what) || slices.Contains(names, "all")
}

// Have goes on where err, which says why what is not at hand, is nil; else it
// skips the test, or fails it where what is named.
func Have(t T, what string, err error) {
	t.Helper()
	switch {
	case err == nil:
	case Named(what):
		t.Fatalf("COACHING_REQUIRE names %s: %v", what, err)
	default:
		t.Skipf("needs %s: %v", what, err)
	}
}
