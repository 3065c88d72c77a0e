package natsstore_test

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/mpc-coaching/coaching"
	"github.com/mpc-coaching/coaching/internal/enginetest"
	"github.com/mpc-coaching/coaching/natsstore"
)

func TestNewNamesBadFields(t *testing.T) {
	_, err := natsstore.New(t.Context(), natsstore.Config{Bucket: "a.b", Replicas: 2, Storage: 7, MaxBytes: -1, Timeout: time.Hour})
	if !errors.Is(err, coaching.ErrInvalid) {
		t.Errorf("New = %v, want ErrInvalid", err)
	}
	for _, field := range []string{"Conn", "Bucket", "Replicas", "Storage", "MaxBytes", "Timeout"} {
		if !strings.Contains(fmt.Sprint(err), field) {
			t.Errorf("New = %v, which does not name %s", err, field)
		}
	}
}

// A bucket that somebody has made otherwise would lose calls or show old ones.
func TestNewRefusesBuckets(t *testing.T) {
	t.Parallel()
	js, err := jetstream.New(connect(t, startNode(t, nil).url()))
	if err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct {
		change func(*jetstream.StreamConfig)
		says   string
	}{
		"plain":    {func(c *jetstream.StreamConfig) { c.AllowMsgTTL, c.AllowAtomicPublish = false, false }, "atomic publishing"},
		"nodirect": {func(c *jetstream.StreamConfig) { c.AllowDirect = false }, "direct gets"},
		"ttl":      {func(c *jetstream.StreamConfig) { c.MaxAge = time.Hour }, "TTL"},
		"history":  {func(c *jetstream.StreamConfig) { c.MaxMsgsPerSubject = 5 }, "history"},
		"dropping": {func(c *jetstream.StreamConfig) { c.MaxBytes, c.Discard = 1<<20, jetstream.DiscardOld }, "drops"},
		"subjects": {func(c *jetstream.StreamConfig) { c.Subjects = []string{"$KV.subjects.live.>"} }, "subjects"},
		"good":     {func(c *jetstream.StreamConfig) { c.MaxBytes = 1 << 20 }, ""},
	} {
		c := jetstream.StreamConfig{
			Name: "KV_" + name, Subjects: []string{"$KV." + name + ".>"}, MaxMsgsPerSubject: 1, Discard: jetstream.DiscardNew,
			AllowDirect: true, AllowMsgTTL: true, AllowAtomicPublish: true,
		}
		test.change(&c)
		if _, err := js.CreateStream(t.Context(), c); err != nil {
			t.Fatal(err)
		}
		_, err := natsstore.New(t.Context(), natsstore.Config{Conn: js.Conn(), Bucket: name})
		switch {
		case test.says == "" && err != nil:
			t.Errorf("New(%s) = %v, want nil", name, err)
		case test.says != "" && (!errors.Is(err, coaching.ErrInvalid) || !strings.Contains(err.Error(), test.says)):
			t.Errorf("New(%s) = %v, want ErrInvalid that says %q", name, err, test.says)
		}
	}
}

// A bucket is one of the key-value kind for the tools.
func TestBucketIsKeyValue(t *testing.T) {
	t.Parallel()
	nc := connect(t, startNode(t, nil).url())
	s := open(t, natsstore.Config{Conn: nc, Bucket: "calls"})
	c := put(t, s, live(1))
	over := put(t, s, ended(put(t, s, live(2)), time.Hour))
	js, err := jetstream.New(nc)
	if err != nil {
		t.Fatal(err)
	}
	kv, err := js.KeyValue(t.Context(), "calls")
	if err != nil {
		t.Fatal(err)
	}
	e, err := kv.Get(t.Context(), "live."+string(c.ID))
	if err != nil || e.Revision() != c.Version {
		t.Errorf("the key of a live call has revision %v, %v, want %d", e, err, c.Version)
	}
	if _, err := kv.Get(t.Context(), "live."+string(over.ID)); !errors.Is(err, jetstream.ErrKeyNotFound) {
		t.Errorf("the live key of a call that has ended: %v, want ErrKeyNotFound", err)
	}
	if e, err := kv.Get(t.Context(), "ended."+string(over.ID)); err != nil || e.Revision() != over.Version {
		t.Errorf("the key of a call that has ended has revision %v, %v, want %d", e, err, over.Version)
	}
}

func TestReplicasNeedACluster(t *testing.T) {
	t.Parallel()
	nc := connect(t, startNode(t, nil).url())
	if _, err := natsstore.New(t.Context(), natsstore.Config{Conn: nc, Replicas: 3}); err == nil || !strings.Contains(err.Error(), "replicas") {
		t.Errorf("New with three replicas on one server = %v, want an error about replicas", err)
	}
}

// No room: Put fails, and nothing is dropped.
func TestFullBucket(t *testing.T) {
	t.Parallel()
	s := open(t, natsstore.Config{Conn: connect(t, startNode(t, nil).url()), MaxBytes: 20 << 10})
	first := put(t, s, live(0))
	var err error
	for n := 1; err == nil && n < 1000; n++ {
		_, err = s.Put(t.Context(), live(n))
	}
	if err == nil || errors.Is(err, coaching.ErrConflict) || !strings.Contains(err.Error(), "maximum bytes") {
		t.Errorf("Put into a full bucket = %v, want an error about bytes", err)
	}
	if _, err := s.Get(t.Context(), first.ID); err != nil {
		t.Errorf("Get of the first call = %v", err)
	}
}

const password = "hunter2hunter2"

// users is a server whose user "app" may do this alone.
func users(t *testing.T, publish ...string) *node {
	return startNode(t, func(o *server.Options) {
		o.Users = []*server.User{
			{Username: "admin", Password: password},
			{Username: "app", Password: password, Permissions: &server.Permissions{
				Publish:   &server.SubjectPermission{Allow: publish},
				Subscribe: &server.SubjectPermission{Allow: []string{"_INBOX.>"}},
			}},
		}
	})
}

func (n *node) as(user string) string {
	return fmt.Sprintf("nats://%s:%s@127.0.0.1:%d", user, password, n.options.Port)
}

// What docs/stores.md says a user needs is enough, once the bucket is there.
var needed = []string{
	"$KV.coaching.>", "$JS.API.STREAM.INFO.KV_coaching", "$JS.API.DIRECT.GET.KV_coaching",
	"$JS.API.STREAM.MSG.GET.KV_coaching", "$JS.API.CONSUMER.CREATE.KV_coaching.>", "$JS.API.CONSUMER.MSG.NEXT.KV_coaching.>",
}

func TestPermissions(t *testing.T) {
	t.Parallel()
	n := users(t, needed...)
	open(t, natsstore.Config{Conn: connect(t, n.as("admin"))})
	s := open(t, natsstore.Config{Conn: connect(t, n.as("app"))})
	f := watch(t, s, "")
	c := put(t, s, live(1))
	f.Until(c)
	c = put(t, s, ended(c, time.Hour))
	ch, _ := f.Until(c)
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
	check := func(what string, err error, subject string) {
		t.Helper()
		if err == nil || !strings.Contains(err.Error(), "does not permit") || !strings.Contains(err.Error(), subject) {
			t.Errorf("%s = %v, want an error that says NATS does not permit %s", what, err, subject)
		}
		if strings.Contains(fmt.Sprint(err), password) {
			t.Errorf("%s = %v, which shows the password", what, err)
		}
	}
	t.Run("to make the bucket", func(t *testing.T) {
		t.Parallel()
		n := users(t, needed...)
		_, err := natsstore.New(t.Context(), natsstore.Config{Conn: connect(t, n.as("app")), Timeout: 200 * time.Millisecond})
		check("New", err, "$JS.API.STREAM.CREATE.KV_coaching")
	})
	for _, missing := range needed {
		t.Run(missing, func(t *testing.T) {
			t.Parallel()
			var rest []string
			for _, subject := range needed {
				if subject != missing {
					rest = append(rest, subject)
				}
			}
			n := users(t, append(rest, "_INBOX.>")...)
			open(t, natsstore.Config{Conn: connect(t, n.as("admin"))})
			stem := strings.TrimSuffix(missing, ".>")
			s, err := natsstore.New(t.Context(), natsstore.Config{Conn: connect(t, n.as("app")), Timeout: 400 * time.Millisecond})
			if err != nil {
				check("New", err, stem)
				return
			}
			ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
			defer cancel()
			c, err := s.Put(ctx, live(1))
			if err != nil {
				check("Put", err, stem)
				return
			}
			if _, err := s.Get(ctx, c.ID); err != nil {
				check("Get", err, stem)
				return
			}
			for _, err := range s.Changes(ctx, "") {
				check("Changes", err, stem)
				break
			}
		})
	}
}

func TestOpen(t *testing.T) {
	t.Parallel()
	n := users(t, needed...)
	s, done, err := natsstore.Open(t.Context(), n.as("admin")+"?bucket=coaching&replicas=1&storage=memory")
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
	for _, url := range []string{
		"", "nats://", "nats://app:" + password + "@[::1", n.as("admin") + "?bucke=x", n.as("admin") + "?replicas=x&storage=tape",
		n.as("admin") + "?bucket=a.b", strings.Replace(n.as("admin"), password, password+"x", 1), "nats://app:" + password + "@127.0.0.1:1",
	} {
		if _, _, err := natsstore.Open(t.Context(), url); err == nil || strings.Contains(err.Error(), password) {
			t.Errorf("Open of something wrong = %v, want an error without the password", err)
		}
	}
}

func TestTLS(t *testing.T) {
	t.Parallel()
	cert, key := enginetest.Certificate(t)
	n := startNode(t, func(o *server.Options) {
		pair, err := tls.LoadX509KeyPair(cert, key)
		if err != nil {
			t.Fatal(err)
		}
		o.TLS, o.TLSConfig = true, &tls.Config{Certificates: []tls.Certificate{pair}}
	})
	addr := fmt.Sprintf("tls://127.0.0.1:%d", n.options.Port)
	s, done, err := natsstore.Open(t.Context(), addr+"?ca="+cert)
	if err != nil {
		t.Fatalf("Open with the server's certificate = %v", err)
	}
	t.Cleanup(func() { _ = done() }) // after the watch has ended
	f := watch(t, s, "")
	f.Until(put(t, s, live(1)))
	if _, _, err := natsstore.Open(t.Context(), addr); err == nil || !strings.Contains(err.Error(), "certificate") {
		t.Errorf("Open without = %v, want an error about the certificate", err)
	}
	if _, _, err := natsstore.Open(t.Context(), addr+"?ca="+key+".gone"); err == nil {
		t.Error("Open with a file that is not there = nil")
	}
}
