package main

import (
	"bufio"
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/mpc-coaching/coaching/plivotest"
)

func noEnv(string) string { return "" }

func TestAuto(t *testing.T) {
	tests := map[string]struct {
		args []string
		err  string   // in the error; "": none
		want []string // in the output
	}{
		"the tour": {want: []string{"Connect", "Add supervisor", "Barge", "Take over", "Lee: POST …/hand-back", "✓ four scenarios, 10 steps"}},
		"a failing expectation": {
			args: []string{"-fail", "Lee listens in: the customer does not hear Lee"},
			err:  "Lee listens in: this does not hold: the customer does not hear Lee",
			want: []string{"Barge", "✗ the customer does not hear Lee"},
		},
		"no such expectation": {args: []string{"-fail", "the moon is blue"}, err: "no expectation contains"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			var out, log strings.Builder
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			err := run(ctx, append([]string{"-auto"}, tt.args...), noEnv, &out, &log)
			if got := message(err); tt.err == "" && err != nil || !strings.Contains(got, tt.err) {
				t.Errorf("run(-auto %q) = %q, want %q", tt.args, got, tt.err)
			}
			for _, s := range tt.want {
				if !strings.Contains(out.String(), s) {
					t.Errorf("run(-auto %q) does not print %q", tt.args, s)
				}
			}
			if log.Len() > 0 && tt.err == "" {
				t.Errorf("run(-auto) warns: %s", log.String())
			}
			if t.Failed() {
				t.Log(out.String())
			}
		})
	}
}

func message(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

func TestAutoBinary(t *testing.T) {
	bin := filepath.Join(t.TempDir(), "callcenter")
	if out, err := exec.CommandContext(t.Context(), "go", "build", "-o", bin, ".").CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	for _, tt := range []struct {
		args []string
		code int
		want string
	}{
		{[]string{"-auto"}, 0, "✓ four scenarios"},
		{[]string{"-auto", "-fail", "Ann answers: the customer hears Ann"}, 1, "callcenter: Ann answers: this does not hold: the customer hears Ann"},
		{[]string{"-addr", "0.0.0.0:0"}, 1, "-allow-remote"},
		{[]string{"-h"}, 0, "-auto"},
	} {
		cmd := exec.CommandContext(t.Context(), bin, tt.args...)
		cmd.Env = append(os.Environ(), "PLIVO_AUTH_ID=", "PLIVO_AUTH_TOKEN=")
		out, err := cmd.CombinedOutput()
		code := 0
		if exit := (*exec.ExitError)(nil); errors.As(err, &exit) {
			code = exit.ExitCode()
		} else if err != nil {
			t.Fatal(err)
		}
		if code != tt.code || !strings.Contains(string(out), tt.want) {
			t.Errorf("callcenter %q = %d with %s, want %d with %q", tt.args, code, out, tt.code, tt.want)
		}
	}
}

// TestElsewhere plays the tour against an emulator that is another process, as
// far as this one can tell: by its own port, with callbacks over HTTP.
func TestElsewhere(t *testing.T) {
	emu := plivotest.NewServer(&plivotest.Options{AuthID: "MAELSEWHERE000000000", AuthToken: "another"})
	defer emu.Close()
	there := httptest.NewServer(emu)
	defer there.Close()
	// The address is known once it is listened on; the test takes a free one.
	free := freeAddr(t)
	env := map[string]string{"PLIVO_AUTH_ID": "MAELSEWHERE000000000", "PLIVO_AUTH_TOKEN": "another"}
	var out, log strings.Builder
	err := run(t.Context(), []string{"-auto", "-addr", free, "-plivo", there.URL, "-public-url", "http://" + free, "-prefix", "elsewhere"},
		func(k string) string { return env[k] }, &out, &log)
	if err != nil || !strings.Contains(out.String(), "✓ four scenarios") {
		t.Fatalf("run(-plivo) = %v, %s%s", err, out.String(), log.String())
	}
	if n := len(emu.MPCs()); n != 1 {
		t.Errorf("the emulator elsewhere had %d calls, want 1", n)
	}
	if name := emu.MPCs()[0].Name; !strings.HasPrefix(name, "elsewhere") {
		t.Errorf("the call's id is %s, want one that begins with -prefix", name)
	}
}

// TestStopsWithOpenStreams stops the program while pages are open.
func TestStopsWithOpenStreams(t *testing.T) {
	emu := plivotest.NewServer(nil)
	defer emu.Close()
	there := httptest.NewServer(emu)
	defer there.Close()
	for name, args := range map[string][]string{
		"the emulator here":      nil,
		"the emulator elsewhere": {"-plivo", there.URL, "-public-url", "http://127.0.0.1:1"},
	} {
		t.Run(name, func(t *testing.T) {
			o, err := parseOptions(append([]string{"-addr", "127.0.0.1:0"}, args...), noEnv, io.Discard)
			if err != nil {
				t.Fatal(err)
			}
			a, err := newApp(t.Context(), o, slog.New(slog.DiscardHandler))
			defer a.close()
			if err != nil {
				t.Fatal(err)
			}
			ctx, stop := context.WithCancel(t.Context())
			defer stop()
			done := make(chan error, 1)
			go func() { done <- a.serve(ctx) }()
			for _, path := range []string{"/_/phones/stream?address=sip:ann@phone.plivo.com", "/supervisor/lee/console/api/stream"} {
				resp, err := http.Get(a.url() + path)
				if err != nil {
					t.Fatal(err)
				}
				defer resp.Body.Close()
				if line, err := bufio.NewReader(resp.Body).ReadString('\n'); err != nil || resp.StatusCode != 200 {
					t.Fatalf("GET %s = %d %q, %v", path, resp.StatusCode, line, err)
				}
			}
			start := time.Now()
			stop()
			if err := <-done; err != nil || time.Since(start) > shutdownTime {
				t.Errorf("serve() = %v after %v, want nil before %v", err, time.Since(start), shutdownTime)
			}
		})
	}
}
