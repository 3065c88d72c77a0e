package main

import (
	"net"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"

	"github.com/mpc-coaching/coaching/internal/require"
)

func TestOpenStore(t *testing.T) {
	s, stop, err := openStore(t.Context(), "")
	if err != nil || s == nil {
		t.Fatalf("openStore(\"\") = %v, %v", s, err)
	}
	if err := stop(); err != nil {
		t.Error(err)
	}
	for _, tt := range []struct{ url, want string }{
		{"mysql://x", `"mysql" is none of`},
		{"nats://127.0.0.1:1", "-store"},
		{"redis://127.0.0.1:1", "-store"},
	} {
		if s, _, err := openStore(t.Context(), tt.url); s != nil || err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("openStore(%s) = %v, %v, want an error with %s", tt.url, s, err, tt.want)
		}
	}
}

// TestAutoOverStores plays the tour with calls that are kept elsewhere.
func TestAutoOverStores(t *testing.T) {
	play := func(t *testing.T, url string) {
		t.Helper()
		var out, log strings.Builder
		if err := run(t.Context(), []string{"-auto", "-store", url}, noEnv, &out, &log); err != nil || !strings.Contains(out.String(), "✓ four scenarios") {
			t.Errorf("run(-auto -store %s) = %v\n%s%s", url, err, out.String(), log.String())
		}
	}
	t.Run("nats", func(t *testing.T) {
		s, err := server.NewServer(&server.Options{Host: "127.0.0.1", Port: server.RANDOM_PORT, JetStream: true, StoreDir: t.TempDir(), NoSigs: true, NoLog: true})
		if err != nil {
			t.Fatal(err)
		}
		go s.Start()
		defer s.WaitForShutdown()
		defer s.Shutdown()
		if !s.ReadyForConnections(10 * time.Second) {
			t.Fatal("the server does not start")
		}
		play(t, s.ClientURL())
	})
	t.Run("redis", func(t *testing.T) {
		bin, err := exec.LookPath("redis-server")
		require.Have(t, "redis", err)
		addr := freeAddr(t)
		_, port, err := net.SplitHostPort(addr)
		if err != nil {
			t.Fatal(err)
		}
		cmd := exec.Command(bin, "--bind", "127.0.0.1", "--port", port, "--dir", t.TempDir(), "--save", "")
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		defer func() { cmd.Process.Kill(); cmd.Wait() }()
		until(t, "Redis listens", func() bool {
			c, err := net.Dial("tcp", addr)
			if err == nil {
				c.Close()
			}
			return err == nil
		})
		play(t, "redis://"+addr)
	})
}
