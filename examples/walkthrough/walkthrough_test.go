package main

import (
	"context"
	"errors"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestWalkthrough(t *testing.T) {
	bin := filepath.Join(t.TempDir(), "walkthrough")
	if out, err := exec.CommandContext(t.Context(), "go", "build", "-o", bin, ".").CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	tests := map[string]struct {
		args         []string
		code         int
		want, refuse []string // in the output
	}{
		"the story": {
			want:   []string{"1  Connect", "2  Add supervisor", "3  Barge", "4  Take over", "5  Hand back", "who hears ↓", "on the wire", "✓ 5 acts"},
			refuse: []string{"✗", "\x1b"},
		},
		"the checks alone": {args: []string{"-q"}, want: []string{"✓ 5 acts"}, refuse: []string{"Connect", "✗"}},
		"a failing expectation": {
			args: []string{"-q", "-fail", "Barge: customer does not hear mia"}, code: 1,
			want:   []string{"walkthrough: Barge: this does not hold: customer does not hear mia"},
			refuse: []string{"5 acts"},
		},
		"a failing promise": {
			args: []string{"-fail", "Take over: at every instant"}, code: 1,
			want:   []string{"✗ at every instant", "4  Take over"},
			refuse: []string{"5  Hand back"},
		},
		"no such expectation": {args: []string{"-q", "-fail", "the moon is blue"}, code: 1, want: []string{"no expectation contains"}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
			defer cancel()
			out, err := exec.CommandContext(ctx, bin, tt.args...).CombinedOutput()
			code := 0
			if exit := (*exec.ExitError)(nil); errors.As(err, &exit) {
				code = exit.ExitCode()
			} else if err != nil {
				t.Fatal(err)
			}
			if code != tt.code {
				t.Errorf("walkthrough %q ended with %d, want %d", tt.args, code, tt.code)
			}
			for _, s := range tt.want {
				if !strings.Contains(string(out), s) {
					t.Errorf("walkthrough %q does not print %q", tt.args, s)
				}
			}
			for _, s := range tt.refuse {
				if strings.Contains(string(out), s) {
					t.Errorf("walkthrough %q prints %q", tt.args, s)
				}
			}
			if t.Failed() {
				t.Logf("%s", out)
			}
		})
	}
}
