package main

import (
	"bufio"
	"errors"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

// program is this program: the test's own binary, which TestMain turns into it.
func program(t *testing.T, args ...string) *exec.Cmd {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), self, args...)
	cmd.Env = append(os.Environ(), asProgram+"=1")
	return cmd
}

func TestArguments(t *testing.T) {
	for _, tt := range []struct {
		args string
		code int
		want string
	}{
		{"-router rails", 2, `routers: -router "rails": want one of nethttp, chi, gin, echo`},
		{"-router=", 2, `want one of nethttp, chi, gin, echo`},
		{"-colour red", 2, "not defined: -colour"},
		{"stray", 2, `unexpected argument "stray"`},
		{"-addr nowhere", 1, "routers: listen tcp"},
		{"-h", 0, "name of the router: nethttp, chi, gin, echo"},
	} {
		out, err := program(t, strings.Fields(tt.args)...).CombinedOutput()
		code := 0
		if exit := (*exec.ExitError)(nil); errors.As(err, &exit) {
			code = exit.ExitCode()
		} else if err != nil {
			t.Fatal(err)
		}
		if code != tt.code || !strings.Contains(string(out), tt.want) {
			t.Errorf("routers %s ended with %d and printed %q, want %d and %q", tt.args, code, out, tt.code, tt.want)
		}
	}
}

// What the program prints to try gives what it says, and an interrupt ends it.
func TestProgram(t *testing.T) {
	eachRouter(t, func(t *testing.T, rt router) {
		t.Parallel()
		cmd := program(t, "-router", rt.name, "-addr", "127.0.0.1:0")
		pr, pw, err := os.Pipe()
		if err != nil {
			t.Fatal(err)
		}
		defer pr.Close()
		cmd.Stdout, cmd.Stderr = pw, pw
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		pw.Close()
		exited := false
		defer func() {
			if !exited {
				cmd.Process.Kill()
				cmd.Wait()
			}
		}()
		if err := pr.SetReadDeadline(time.Now().Add(30 * time.Second)); err != nil {
			t.Fatal(err)
		}
		lines := bufio.NewScanner(pr)
		tried, note := 0, ""
		for lines.Scan() && lines.Text() != "Ctrl-C ends it." {
			line := strings.TrimSpace(lines.Text())
			if comment, ok := strings.CutPrefix(line, "# "); ok {
				note = comment
			}
			if !strings.HasPrefix(line, "curl ") {
				continue
			}
			tried++
			if got := curl(t, line); !strings.HasPrefix(note, got) {
				t.Errorf("%s = %s, want %s", line, got, note)
			}
		}
		if tried != 8 {
			t.Fatalf("%d commands to try, want 8 (%v)", tried, lines.Err())
		}

		if err := cmd.Process.Signal(syscall.SIGINT); err != nil {
			t.Fatal(err)
		}
		if _, err := io.Copy(io.Discard, pr); err != nil { // to its end
			t.Fatalf("after SIGINT: %v", err)
		}
		exited = true
		if err := cmd.Wait(); err != nil {
			t.Errorf("after SIGINT: %v, want status 0", err)
		}
	})
}

// curl does what the command does, and returns the status.
func curl(t *testing.T, line string) string {
	t.Helper()
	words := strings.Fields(line)[1:]
	method, user, body := "GET", "", ""
	for len(words) > 1 {
		switch i := slices.Index([]string{"-u", "-X", "-d"}, words[0]); i {
		case 0:
			user = words[1]
		case 1:
			method = words[1]
		case 2:
			method, body = "POST", strings.Trim(words[1], "'")
		default:
			t.Fatalf("%s: %s is not known to this test", line, words[0])
		}
		words = words[2:]
	}
	if _, err := url.ParseRequestURI(words[0]); err != nil {
		t.Fatalf("%s: %v", line, err)
	}
	r := request(method, words[0], body)
	if body != "" {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	if name, pass, ok := strings.Cut(user, ":"); ok {
		r.SetBasicAuth(name, pass)
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	readAll(t, resp)
	return resp.Status[:3]
}
