package redisstore_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/mpc-coaching/coaching"
	"github.com/mpc-coaching/coaching/internal/enginetest"
	"github.com/mpc-coaching/coaching/redisstore"
)

func TestNewNamesBadFields(t *testing.T) {
	lax := redis.NewClient(&redis.Options{})
	defer lax.Close()
	elsewhere := redis.NewClusterClient(&redis.ClusterOptions{Addrs: []string{"127.0.0.1:1"}, RouteByLatency: true})
	defer elsewhere.Close()
	ring := redis.NewRing(&redis.RingOptions{Addrs: map[string]string{"a": "127.0.0.1:1"}})
	defer ring.Close()
	for _, test := range []struct {
		cfg    redisstore.Config
		fields []string
	}{
		{redisstore.Config{Prefix: "{a}", FeedLength: 1, Replicas: -1, Timeout: time.Hour}, []string{"Client is required", "Prefix", "FeedLength", "Replicas", "Timeout"}},
		{redisstore.Config{Client: lax}, []string{"ContextTimeoutEnabled"}},
		{redisstore.Config{Client: elsewhere}, []string{"ContextTimeoutEnabled", "must not read from replicas"}},
		{redisstore.Config{Client: ring}, []string{"Client must not be a *redis.Ring"}},
	} {
		_, err := redisstore.New(t.Context(), test.cfg)
		if !errors.Is(err, coaching.ErrInvalid) {
			t.Errorf("New = %v, want ErrInvalid", err)
		}
		for _, field := range test.fields {
			if !strings.Contains(fmt.Sprint(err), field) {
				t.Errorf("New = %v, which does not say %q", err, field)
			}
		}
	}
}

// A server that evicts would drop live calls.
func TestNewRefusesEviction(t *testing.T) {
	t.Parallel()
	c := connect(t, startServer(t, "--maxmemory", "64mb", "--maxmemory-policy", "allkeys-lru").addr())
	if _, err := redisstore.New(t.Context(), redisstore.Config{Client: c}); !errors.Is(err, coaching.ErrInvalid) || !strings.Contains(err.Error(), "noeviction") {
		t.Errorf("New = %v, want ErrInvalid that says noeviction", err)
	}
}

// No memory left: Put fails and has changed nothing, not even half.
func TestOutOfMemory(t *testing.T) {
	t.Parallel()
	c := connect(t, startServer(t, "--maxmemory", "4mb", "--maxmemory-policy", "noeviction").addr())
	s := open(t, redisstore.Config{Client: c})
	f := watch(t, s, "")
	var stored []coaching.Call
	var err error
	for n := 0; err == nil && n < 10_000; n++ {
		next := live(n)
		next.Data = map[string]string{"large": strings.Repeat("x", 10_000)}
		if next, err = s.Put(t.Context(), next); err == nil {
			stored = append(stored, next)
		}
	}
	if err == nil || errors.Is(err, coaching.ErrConflict) || !strings.Contains(err.Error(), "OOM") {
		t.Errorf("Put without memory = %v, want an error that says OOM", err)
	}
	listed := 0
	for _, err := range s.Live(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		listed++
	}
	if listed != len(stored) {
		t.Errorf("Live yields %d calls, want the %d that were taken", listed, len(stored))
	}
	if err := c.ConfigSet(t.Context(), "maxmemory", "64mb").Err(); err != nil {
		t.Fatal(err)
	}
	for _, last := range stored[len(stored)-1:] {
		if _, resync := f.Until(put(t, s, last)); resync {
			t.Errorf("Changes gives a Resync although nothing was lost")
		}
	}
}

const password = "hunter2hunter2"

// What docs/stores.md says a user needs.
var needed = []string{
	"+eval", "+evalsha", "+hmget", "+hget", "+hset", "+persist", "+pexpire", "+sadd", "+srem", "+smembers", "+time", "+xadd", "+xrange", "+xread",
}

// user makes a user who may do this alone, and connects as that.
func user(t *testing.T, n *server, name string, rules ...string) *redis.Client {
	t.Helper()
	args := []any{"ACL", "SETUSER", name, "on", ">" + password, "~{coaching}:*"}
	for _, r := range rules {
		args = append(args, r)
	}
	if err := connect(t, n.addr()).Do(t.Context(), args...).Err(); err != nil {
		t.Fatal(err)
	}
	return connect(t, n.addr(), func(o *redis.Options) { o.Username, o.Password = name, password })
}

func TestPermissions(t *testing.T) {
	t.Parallel()
	n := startServer(t)
	s := open(t, redisstore.Config{Client: user(t, n, "app", needed...)})
	f := watch(t, s, "")
	c := put(t, s, live(1))
	ch, _ := f.Until(c)
	c = put(t, s, ended(c, time.Hour))
	f.Until(c)
	f.Until(put(t, s, live(2)))
	if _, err := s.Get(t.Context(), c.ID); err != nil {
		t.Error(err)
	}
	if ch := watch(t, s, ch.Cursor).Next("the change after the cursor"); ch.Resync {
		t.Errorf("a good cursor gives a Resync")
	}
	for _, err := range s.Live(t.Context()) {
		if err != nil {
			t.Error(err)
		}
	}
}

func TestPermissionsMissing(t *testing.T) {
	t.Parallel()
	n := startServer(t)
	for i, missing := range needed {
		rest := slices.Delete(slices.Clone(needed), i, i+1)
		_, err := redisstore.New(t.Context(), redisstore.Config{Client: user(t, n, fmt.Sprint("user", i), rest...)})
		if err == nil && missing == "+eval" {
			continue // the script was there already
		}
		if err == nil || !strings.Contains(strings.ToLower(err.Error()), missing[1:]) && !strings.Contains(err.Error(), "can't run this command") {
			t.Errorf("New without %s = %v, want an error that says so", missing, err)
		}
		if strings.Contains(fmt.Sprint(err), password) {
			t.Errorf("New without %s = %v, which shows the password", missing, err)
		}
	}
	elsewhere := user(t, n, "elsewhere", append([]string{"resetkeys", "~{other}:*"}, needed...)...)
	if _, err := redisstore.New(t.Context(), redisstore.Config{Client: elsewhere}); err == nil {
		t.Errorf("New on another's keys = nil, want an error")
	}
	// What was allowed and is no more.
	c := user(t, n, "late", needed...)
	s := open(t, redisstore.Config{Client: c})
	if err := connect(t, n.addr()).Do(t.Context(), "ACL", "SETUSER", "late", "-xread", "-hget", "-hmget", "-eval", "-evalsha").Err(); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	for _, err := range s.Changes(ctx, "") {
		if !redis.HasErrorPrefix(err, "NOPERM") {
			t.Errorf("Changes = %v, want NOPERM", err)
		}
		break
	}
	if _, err := s.Put(ctx, live(1)); !redis.HasErrorPrefix(err, "NOPERM") {
		t.Errorf("Put = %v, want NOPERM", err)
	}
}

func TestOpen(t *testing.T) {
	t.Parallel()
	n := startServer(t, "--requirepass", password)
	url := func(query string) string { return "redis://:" + password + "@" + n.addr() + "/1" + query }
	s, done, err := redisstore.Open(t.Context(), url("?prefix=calls&dial_timeout=3s"))
	if err != nil {
		t.Fatal(err)
	}
	put(t, s, live(1))
	if err := done(); err != nil {
		t.Errorf("close = %v", err)
	}
	if _, err := s.Get(t.Context(), live(1).ID); err == nil {
		t.Errorf("Get after close = nil")
	}
	admin := connect(t, n.addr(), func(o *redis.Options) { o.Password, o.DB = password, 1 })
	if n, err := admin.Exists(t.Context(), "{calls}:call:"+string(live(1).ID)).Result(); err != nil || n != 1 {
		t.Errorf("the key of the call: %d, %v", n, err)
	}
	for _, url := range []string{
		"", "redis://", "nats://" + n.addr(), "redis://:" + password + "@[::1", url("?prefi=x"), url("?prefix={}"), url("?db=" + password),
		"redis://:" + password + "x@" + n.addr(), "redis://:" + password + "@127.0.0.1:1", "redis://a:" + password + "@h/" + password,
	} {
		if _, _, err := redisstore.Open(t.Context(), url); err == nil || strings.Contains(err.Error(), password) {
			t.Errorf("Open of something wrong = %v, want an error without the password", err)
		}
	}
}

func TestOpenCluster(t *testing.T) {
	t.Parallel()
	c := startCluster(t)
	addrs := c.Options().Addrs
	s, done, err := redisstore.Open(t.Context(), "redis://"+addrs[0]+"?addr="+addrs[1]+"&addr="+addrs[2])
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = done() }) // after the watch has ended
	put(t, s, live(1))
	// A plain client knows nothing of slots.
	if _, _, err := redisstore.Open(t.Context(), "redis://"+addrs[0]+"?prefix=a"); err == nil {
		if _, _, err = redisstore.Open(t.Context(), "redis://"+addrs[1]+"?prefix=a"); err == nil {
			t.Errorf("plain clients of two masters both have the same slot")
		}
	}
}

func TestTLS(t *testing.T) {
	t.Parallel()
	cert, key := enginetest.Certificate(t)
	port := freePort(t)
	n := startServer(t, "--tls-port", fmt.Sprint(port), "--tls-cert-file", cert, "--tls-key-file", key, "--tls-auth-clients", "no")
	addr := fmt.Sprintf("rediss://127.0.0.1:%d", port)
	s, done, err := redisstore.Open(t.Context(), addr+"?ca="+cert)
	if err != nil {
		t.Fatalf("Open with the server's certificate = %v", err)
	}
	t.Cleanup(func() { _ = done() }) // after the watch has ended
	f := watch(t, s, "")
	f.Until(put(t, s, live(1)))
	for url, want := range map[string]string{
		addr:                                  "certificate",
		addr + "?ca=" + key:                   "no certificate",
		addr + "?ca=" + key + ".gone":         "ca: ",
		"redis://" + n.addr() + "?ca=" + cert: "rediss://",
	} {
		if _, _, err := redisstore.Open(t.Context(), url); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("Open(%s) = %v, want an error that says %q", url, err, want)
		}
	}
}
