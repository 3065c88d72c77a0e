package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/mpc-coaching/coaching/internal/require"
)

// binary builds the command once.
func binary(t *testing.T) string {
	t.Helper()
	bin := filepath.Join(t.TempDir(), "plivotest")
	if out, err := exec.Command("go", "build", "-o", bin, ".").CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	return bin
}

func TestBadFlags(t *testing.T) {
	bin := binary(t)
	for _, c := range []struct{ args, want string }{
		{"-addr 0.0.0.0:0", "-allow-remote"},
		{"-addr example.com:80", "-allow-remote"},
		{"-addr :0", "-allow-remote"},
		{"-addr nonsense", "HOST:PORT"},
		{"-phone bob", "ADDRESS=ACTION"},
		{"-phone 14155550100=sing", "answer, noanswer, busy"},
		{"-phone 14155550100=answer:soon", "no duration"},
		{"-number 14155550100", "NUMBER=http"},
		{"-number 14155550100=/answer", "NUMBER=http"},
		{"-auth-token=", "must not be empty"},
		{"-cps lots", "invalid value"},
		{"-colour red", "not defined"},
		{"stray", "unexpected argument"},
	} {
		out, err := exec.Command(bin, strings.Fields(c.args)...).CombinedOutput()
		if err == nil || !bytes.Contains(out, []byte(c.want)) {
			t.Errorf("%s: %v, %s, want an error with %q", c.args, err, out, c.want)
		}
	}
	if out, err := exec.Command(bin, "-h").CombinedOutput(); err != nil || !bytes.Contains(out, []byte("-phone")) {
		t.Errorf("-h: %v\n%s", err, out)
	}
}

func TestProcess(t *testing.T) {
	events := make(chan string, 20)
	app := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.ParseForm()
		if r.URL.Path == "/answer" {
			fmt.Fprintf(w, `<Response><MultiPartyCall role="Customer" startMpcOnEnter="false" statusCallbackUrl="http://%s/events">room</MultiPartyCall></Response>`, r.Host)
			return
		}
		events <- r.PostForm.Get("EventName")
	}))
	defer app.Close()

	cmd := exec.Command(binary(t), "-addr", "127.0.0.1:0", "-number", "14155550100="+app.URL+"/answer", "-phone", "sip:a@phone.plivo.com=answer:10ms")
	cmd.Stderr = os.Stderr
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer cmd.Process.Kill()
	lines := bufio.NewScanner(stdout)
	lines.Scan()
	base, ok := strings.CutPrefix(lines.Text(), "plivotest listens on ")
	if !ok {
		t.Fatalf("first line %q", lines.Text())
	}

	post(t, base+"/_/calls", `{"from":"14155550123","to":"14155550100"}`, 201)
	expect(t, events, "MPCInitialized", "ParticipantJoin")
	post(t, base+"/v1/Account/MAXXXXXXXXXXXXXXXXXX/MultiPartyCall/name_room/Participant/", `{"role":"Agent","from":"14155550123","to":"sip:a@phone.plivo.com"}`, 201)
	expect(t, events, "MPCStart", "ParticipantJoin")
	resp, err := http.Get(base + "/_/audio")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	var audio struct{ Hears []any }
	if err := json.NewDecoder(resp.Body).Decode(&audio); err != nil || len(audio.Hears) != 2 {
		t.Errorf("audio %+v, %v, want two who hear each other", audio, err)
	}

	cmd.Process.Signal(syscall.SIGINT)
	done := make(chan error, 1)
	go func() {
		for lines.Scan() {
		}
		done <- cmd.Wait()
	}()
	select {
	case err := <-done:
		if err != nil {
			t.Errorf("after SIGINT: %v", err)
		}
	case <-time.After(10 * time.Second):
		t.Error("still running 10s after SIGINT")
	}
}

func post(t *testing.T, url, body string, want int) {
	t.Helper()
	req, _ := http.NewRequest("POST", url, strings.NewReader(body))
	req.SetBasicAuth("MAXXXXXXXXXXXXXXXXXX", "secret")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != want {
		t.Fatalf("POST %s = %d, want %d", url, resp.StatusCode, want)
	}
}

// expect waits for events; their order over a network is not a promise.
func expect(t *testing.T, events <-chan string, want ...string) {
	t.Helper()
	var got []string
	for range want {
		select {
		case e := <-events:
			got = append(got, e)
		case <-time.After(10 * time.Second):
			t.Fatalf("within 10s only %v, want %v", got, want)
		}
	}
	slices.Sort(got)
	if !slices.Equal(got, want) {
		t.Errorf("events %v, want %v", got, want)
	}
}

// TestDemo runs demo.sh, with a Node application, where Node and curl are.
func TestDemo(t *testing.T) {
	for _, tool := range []string{"node", "curl", "sh"} {
		_, err := exec.LookPath(tool)
		require.Have(t, tool, err)
	}
	cmd := exec.Command("sh", "demo.sh")
	cmd.Env = append(os.Environ(), "PORT="+freePort(t), "APP_PORT="+freePort(t))
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("demo.sh: %v\n%s", err, out)
	}
}

func freePort(t *testing.T) string {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	_, port, _ := net.SplitHostPort(ln.Addr().String())
	return port
}
