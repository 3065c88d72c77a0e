package redisstore

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net/url"
	"os"
	"regexp"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/mpc-coaching/coaching"
	"github.com/mpc-coaching/coaching/internal/follow"
)

// Config configures a [Store]. The zero value of every field but Client is the
// documented default.
type Config struct {
	// Client reaches Redis: a [redis.Client], of one server or of Sentinel's
	// master, or a [redis.ClusterClient]. It belongs to the caller, who closes
	// it when no Store uses it any more. ContextTimeoutEnabled must be set in
	// its options, or no time limit holds; it must neither read from replicas
	// nor cache. Required.
	Client redis.UniversalClient
	// Prefix begins all keys, between braces, so that a Redis Cluster keeps
	// them together: {coaching}:live and so on. [A-Za-z0-9_.:-]{1,64}. All
	// instances of a deployment have the same, and other deployments another.
	// Empty: "coaching".
	Prefix string
	// FeedLength is how many changes are remembered at least: a reader of
	// Changes who is further behind gets a Resync. From 100 to 1,000,000;
	// 0: 10,000, which takes some 700 KB.
	FeedLength int
	// Replicas is how many replicas must have a change before Put returns; if
	// they have not within Timeout, it fails, and the write has happened. It
	// makes it unlikely that a failover loses a change, and not impossible.
	// 0: none.
	Replicas int
	// Timeout bounds each request. 0: 2 s.
	Timeout time.Duration
}

var prefixName = regexp.MustCompile(`^[A-Za-z0-9_.:-]{1,64}$`)

// withDefaults returns a checked copy. Its error names every bad field and
// wraps ErrInvalid.
func (c Config) withDefaults() (Config, error) {
	var bad []string
	check := func(ok bool, what string) {
		if !ok {
			bad = append(bad, what)
		}
	}
	if c.Prefix == "" {
		c.Prefix = "coaching"
	}
	if c.FeedLength == 0 {
		c.FeedLength = 10_000
	}
	if c.Timeout == 0 {
		c.Timeout = 2 * time.Second
	}
	switch client := c.Client.(type) {
	case nil:
		check(false, "Client is required")
	case *redis.Client:
		o := client.Options()
		check(o.ContextTimeoutEnabled, "Client must have ContextTimeoutEnabled")
		check(o.ClientSideCache == nil && o.ClientSideCacheConfig == nil, "Client must not cache")
	case *redis.ClusterClient:
		o := client.Options()
		check(o.ContextTimeoutEnabled, "Client must have ContextTimeoutEnabled")
		check(!o.ReadOnly, "Client must not read from replicas (ReadOnly, RouteByLatency, RouteRandomly)")
	default:
		check(false, fmt.Sprintf("Client must not be a %T: not every change would be on one server", client))
	}
	check(prefixName.MatchString(c.Prefix), "Prefix must match [A-Za-z0-9_.:-]{1,64}")
	check(c.FeedLength >= 100 && c.FeedLength <= 1_000_000, "FeedLength must be from 100 to 1000000")
	check(c.Replicas >= 0 && c.Replicas <= 16, "Replicas must be from 0 to 16")
	check(c.Timeout >= 10*time.Millisecond && c.Timeout <= time.Minute, "Timeout must be from 10ms to 1m0s")
	if len(bad) > 0 {
		return c, fmt.Errorf("redisstore: New: %s: %w", strings.Join(bad, "; "), coaching.ErrInvalid)
	}
	return c, nil
}

// New returns a Store, after trying out all that it will ask of Redis. Its
// error wraps [coaching.ErrInvalid] and names every field that is wrong, or
// says what is wrong with the server: one that evicts keys would lose live
// calls. Otherwise it is Redis's own.
func New(ctx context.Context, cfg Config) (*Store, error) {
	cfg, err := cfg.withDefaults()
	if err != nil {
		return nil, err
	}
	s := &Store{cfg: cfg, c: cfg.Client, keys: keysOf(cfg.Prefix)}
	s.feed = follow.New((*changeLog)(s))
	if err := s.try(ctx); err != nil {
		return nil, fmt.Errorf("redisstore: New: %w", err)
	}
	return s, nil
}

// Open connects and returns a Store, and what closes its client. The URL is
// what [redis.ParseURL] takes, rediss:// for TLS, with user and password in it
// if need be; one with addr in its query is for [redis.ParseClusterURL], one
// with master_name for [redis.ParseFailoverURL]. The query may also have prefix,
// and ca, the path of the certificates to trust instead of the system's:
//
//	rediss://coaching:secret@redis.example.com:6379/0?prefix=coaching
//
// Errors do not show the URL.
func Open(ctx context.Context, rawURL string) (*Store, func() error, error) {
	fail := func(why string) (*Store, func() error, error) {
		return nil, nil, fmt.Errorf("redisstore: Open: %s: %w", why, coaching.ErrInvalid)
	}
	u, err := url.Parse(rawURL)
	if err != nil || u.Host == "" && u.Scheme != "unix" {
		return fail("the URL is malformed")
	}
	query, err := url.ParseQuery(u.RawQuery)
	if err != nil {
		return fail("the URL's query is malformed")
	}
	cfg := Config{Prefix: query.Get("prefix")}
	trust := func(*tls.Config) {}
	if ca := query.Get("ca"); ca != "" {
		pool, err := certificates(ca)
		if err == nil && u.Scheme != "rediss" {
			err = errors.New("ca is for TLS alone, rediss://")
		}
		if err != nil {
			return fail(err.Error())
		}
		trust = func(c *tls.Config) { c.RootCAs = pool }
	}
	query.Del("prefix")
	query.Del("ca")
	u.RawQuery = query.Encode()
	switch {
	case query.Has("addr") && !query.Has("master_name"):
		o, perr := redis.ParseClusterURL(u.String())
		if err = perr; err == nil {
			o.ContextTimeoutEnabled = true
			trust(o.TLSConfig)
			cfg.Client = redis.NewClusterClient(o)
		}
	case query.Has("master_name"):
		o, perr := redis.ParseFailoverURL(u.String())
		if err = perr; err == nil {
			o.ContextTimeoutEnabled = true
			trust(o.TLSConfig)
			cfg.Client = redis.NewFailoverClient(o)
		}
	default:
		o, perr := redis.ParseURL(u.String())
		if err = perr; err == nil {
			o.ContextTimeoutEnabled = true
			trust(o.TLSConfig)
			cfg.Client = redis.NewClient(o)
		}
	}
	if err != nil {
		if password, _ := u.User.Password(); password != "" && strings.Contains(err.Error(), password) {
			return fail("the URL is none that go-redis takes")
		}
		return fail(err.Error())
	}
	s, err := New(ctx, cfg)
	if err != nil {
		_ = cfg.Client.Close() // the other error says more
		return nil, nil, err
	}
	return s, cfg.Client.Close, nil
}

// certificates reads those of a file.
func certificates(file string) (*x509.CertPool, error) {
	pem, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("ca: %w", err)
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("ca: %s has no certificate", file)
	}
	return pool, nil
}
