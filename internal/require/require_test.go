package require

import (
	"errors"
	"fmt"
	"testing"
)

type recorder struct{ said string }

func (r *recorder) Helper()                      {}
func (r *recorder) Skipf(f string, args ...any)  { r.said = "skip: " + fmt.Sprintf(f, args...) }
func (r *recorder) Fatalf(f string, args ...any) { r.said = "fatal: " + fmt.Sprintf(f, args...) }

func TestHave(t *testing.T) {
	gone := errors.New("not found")
	for _, tt := range []struct {
		env  string
		err  error
		want string
	}{
		{"", nil, ""},
		{"", gone, "skip: needs node: not found"},
		{"redis", gone, "skip: needs node: not found"},
		{"nodes", gone, "skip: needs node: not found"},
		{"redis,node", gone, "fatal: COACHING_REQUIRE names node: not found"},
		{"all", gone, "fatal: COACHING_REQUIRE names node: not found"},
		{"all", nil, ""},
	} {
		t.Setenv("COACHING_REQUIRE", tt.env)
		r := &recorder{}
		if Have(r, "node", tt.err); r.said != tt.want {
			t.Errorf("Have(node, %v) with COACHING_REQUIRE=%q said %q, want %q", tt.err, tt.env, r.said, tt.want)
		}
	}
}
