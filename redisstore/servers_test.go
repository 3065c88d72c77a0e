package redisstore_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/redis/go-redis/v9"

	"github.com/mpc-coaching/coaching/internal/enginetest"
	"github.com/mpc-coaching/coaching/internal/leak"
	"github.com/mpc-coaching/coaching/internal/require"
	"github.com/mpc-coaching/coaching/redisstore"
)

var (
	live, ended, put         = enginetest.Live, enginetest.Ended, enginetest.Put
	watch, reach, eventually = enginetest.Watch, enginetest.Reach, enginetest.Eventually
	freePort                 = enginetest.FreePort
)

func TestMain(m *testing.M) { os.Exit(leak.Main(m.Run)) }

// A server is a redis-server of Debian's, on loopback.
type server struct {
	tb   testing.TB
	port int
	dir  string
	args []string
	cmd  *exec.Cmd
}

// startServer starts one; each change of its data is on disk before it is
// answered.
func startServer(tb testing.TB, args ...string) *server {
	tb.Helper()
	_, err := exec.LookPath("redis-server")
	require.Have(tb, "redis", err)
	s := &server{tb: tb, port: freePort(tb), dir: tb.TempDir(), args: args}
	tb.Cleanup(s.kill)
	s.start()
	return s
}

// start starts it, or again, on the same port and with the same files.
func (s *server) start() {
	s.tb.Helper()
	args := append([]string{
		"--port", fmt.Sprint(s.port), "--bind", "127.0.0.1", "--dir", s.dir, "--save", "", "--appendonly", "yes", "--appendfsync", "always",
		"--logfile", filepath.Join(s.dir, "log"),
	}, s.args...)
	s.cmd = exec.Command("redis-server", args...)
	if err := s.cmd.Start(); err != nil {
		s.tb.Fatal(err)
	}
	c := redis.NewClient(&redis.Options{Addr: s.addr(), MaxRetries: -1})
	defer c.Close()
	eventually(s.tb, "redis-server answers", func() bool {
		err := c.Ping(context.Background()).Err()
		return err == nil || redis.HasErrorPrefix(err, "NOAUTH")
	})
}

// kill ends it as a crash does.
func (s *server) kill() {
	if s.cmd != nil {
		_ = s.cmd.Process.Kill()
		_ = s.cmd.Wait()
		s.cmd = nil
	}
}

// lose kills it and takes its files away.
func (s *server) lose() {
	s.kill()
	if err := os.RemoveAll(filepath.Join(s.dir, "appendonlydir")); err != nil {
		s.tb.Fatal(err)
	}
}

func (s *server) addr() string { return fmt.Sprintf("127.0.0.1:%d", s.port) }

func connect(tb testing.TB, addr string, change ...func(*redis.Options)) *redis.Client {
	tb.Helper()
	o := &redis.Options{Addr: addr, ContextTimeoutEnabled: true}
	for _, f := range change {
		f(o)
	}
	c := redis.NewClient(o)
	tb.Cleanup(func() { _ = c.Close() })
	return c
}

func open(tb testing.TB, cfg redisstore.Config) *redisstore.Store {
	tb.Helper()
	s, err := redisstore.New(tb.Context(), cfg)
	if err != nil {
		tb.Fatal(err)
	}
	return s
}
