package coaching_test

import (
	"maps"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/mpc-coaching/coaching"
)

// A form reads as net/url reads it, and what it refuses is refused.
func FuzzParseForm(f *testing.F) {
	for _, s := range []string{
		"", "a", "a=b", "a=b&c=d", "a=b&a=c&a=d", "&&a=&=b&", "a=%41+b&%61=2", "a=%zz", "a;b=c", "a=b;c", "%", "a==b", "a=b=c",
		"Text=gr%C3%BC%C3%9Fe&x=%F0%9F%99%82&y=%ff", strings.Repeat("a=1&b=2&", 50), strings.Repeat("&", 100),
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		want, wantErr := url.ParseQuery(raw)
		got, err := coaching.ParseForm(raw)
		if (err == nil) != (wantErr == nil) {
			t.Fatalf("ParseForm(%q) = %v, net/url says %v", raw, err, wantErr)
		}
		if err == nil && !maps.EqualFunc(got, want, slices.Equal[[]string]) {
			t.Fatalf("ParseForm(%q) = %v, want %v", raw, got, want)
		}
		// Values of one field never reach into another's.
		for k := range got {
			got[k] = append(got[k], "more")
		}
		for k, v := range want {
			if err == nil && !slices.Equal(got[k][:len(v)], v) {
				t.Fatalf("ParseForm(%q): appending to one field changed another: %v", raw, got)
			}
		}
	})
}
