package natsstore

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/mpc-coaching/coaching"
	"github.com/mpc-coaching/coaching/internal/follow"
)

// Config configures a [Store]. The zero value of every field but Conn is the
// documented default.
type Config struct {
	// Conn reaches the servers. It belongs to the caller, who closes it when no
	// Store uses it any more. Connect with [nats.MaxReconnects](-1): a
	// connection that has given up does not come back. Required.
	Conn *nats.Conn
	// Bucket is the name of the key-value bucket, [A-Za-z0-9_-]{1,64}. All
	// instances of a deployment have the same, and other deployments another.
	// Empty: "coaching".
	Bucket string
	// Replicas is on how many servers a bucket is kept that New makes: 1, 3 or 5.
	// 0: 3 if the server belongs to a cluster, else 1. A bucket that is there
	// stays as it is.
	Replicas int
	// Storage is where a bucket is kept that New makes. The zero value:
	// [jetstream.FileStorage].
	Storage jetstream.StorageType
	// MaxBytes bounds a bucket that New makes: beyond, Put fails and nothing is
	// dropped. 0: no bound but the account's.
	MaxBytes int64
	// Timeout bounds each request to the servers, and how long one is tried
	// again while the bucket has no leader. 0: 2 s.
	Timeout time.Duration
}

var bucketName = regexp.MustCompile(`^[A-Za-z0-9_-]{1,64}$`)

// withDefaults returns a checked copy. Its error names every bad field and
// wraps ErrInvalid.
func (c Config) withDefaults() (Config, error) {
	var bad []string
	check := func(ok bool, what string) {
		if !ok {
			bad = append(bad, what)
		}
	}
	if c.Bucket == "" {
		c.Bucket = "coaching"
	}
	if c.Timeout == 0 {
		c.Timeout = 2 * time.Second
	}
	check(c.Conn != nil, "Conn is required")
	check(bucketName.MatchString(c.Bucket), "Bucket must match [A-Za-z0-9_-]{1,64}")
	check(c.Replicas == 0 || c.Replicas == 1 || c.Replicas == 3 || c.Replicas == 5, "Replicas must be 1, 3 or 5")
	check(c.Storage == jetstream.FileStorage || c.Storage == jetstream.MemoryStorage, "Storage is undeclared")
	check(c.MaxBytes >= 0, "MaxBytes must not be negative")
	check(c.Timeout >= 10*time.Millisecond && c.Timeout <= time.Minute, "Timeout must be from 10ms to 1m0s")
	if len(bad) > 0 {
		return c, fmt.Errorf("natsstore: New: %s: %w", strings.Join(bad, "; "), coaching.ErrInvalid)
	}
	if c.Replicas == 0 {
		c.Replicas = 1
		if c.Conn.ConnectedClusterName() != "" {
			c.Replicas = 3
		}
	}
	return c, nil
}

// New returns a Store of a bucket, and makes the bucket if it is not there. Its
// error wraps [coaching.ErrInvalid] and names every field that is wrong, or
// what is wrong with a bucket that is there; else it says why the servers do
// not do what they are asked.
func New(ctx context.Context, cfg Config) (*Store, error) {
	cfg, err := cfg.withDefaults()
	if err != nil {
		return nil, err
	}
	js, err := jetstream.New(cfg.Conn)
	if err != nil {
		return nil, fmt.Errorf("natsstore: New: %w", err)
	}
	s := &Store{cfg: cfg, nc: cfg.Conn, js: js, stream: "KV_" + cfg.Bucket, space: "$KV." + cfg.Bucket + "."}
	s.feed = follow.New((*changeLog)(s))
	if err := s.ensure(ctx); err != nil {
		return nil, fmt.Errorf("natsstore: New: %w", err)
	}
	return s, nil
}

// Open connects and returns a Store, and what closes its connection. The URL is
// what [nats.Connect] takes, one or several separated by commas, with user and
// password or token in it if need be, tls:// for TLS, and, in a query after the
// last, bucket, replicas, storage (file or memory), creds, the path of a
// credentials file, and ca, that of the certificates to trust instead of the
// system's:
//
//	nats://a.example.com:4222,nats://b.example.com:4222?bucket=coaching&replicas=3
//
// It goes on trying to reach a server that goes away for as long as it lives.
// Errors do not show the URL. Closing never fails.
func Open(ctx context.Context, urls string) (*Store, func() error, error) {
	cfg, servers, options, err := parseURLs(urls)
	if err != nil {
		return nil, nil, err
	}
	options = append(options, nats.Name("coaching"), nats.MaxReconnects(-1), nats.ReconnectBufSize(-1))
	if cfg.Conn, err = nats.Connect(servers, options...); err != nil {
		var parse *url.Error
		if errors.As(err, &parse) { // shows the URL, with its password
			err = parse.Err
		}
		return nil, nil, fmt.Errorf("natsstore: Open: %w", err)
	}
	s, err := New(ctx, cfg)
	if err != nil {
		cfg.Conn.Close()
		return nil, nil, err
	}
	return s, func() error { cfg.Conn.Close(); return nil }, nil
}

func parseURLs(urls string) (cfg Config, servers string, options []nats.Option, err error) {
	servers, query, _ := strings.Cut(urls, "?")
	for _, server := range strings.Split(servers, ",") {
		if u, perr := url.Parse(strings.TrimSpace(server)); perr != nil || u.Host == "" {
			return cfg, "", nil, fmt.Errorf("natsstore: Open: a URL is malformed: %w", coaching.ErrInvalid)
		}
	}
	var bad []string
	values, perr := url.ParseQuery(query)
	if perr != nil {
		bad = append(bad, "the query is malformed")
	}
	for key, v := range values {
		switch value := v[len(v)-1]; {
		case key == "bucket":
			cfg.Bucket = value
		case key == "creds":
			options = append(options, nats.UserCredentials(value))
		case key == "ca":
			options = append(options, nats.RootCAs(value))
		case key == "replicas":
			if cfg.Replicas, perr = strconv.Atoi(value); perr != nil {
				bad = append(bad, "replicas is no number")
			}
		case key == "storage" && value == "file":
			cfg.Storage = jetstream.FileStorage
		case key == "storage" && value == "memory":
			cfg.Storage = jetstream.MemoryStorage
		default:
			bad = append(bad, fmt.Sprintf("the query has %q, or a value of it, that is unknown", key))
		}
	}
	if len(bad) > 0 {
		return cfg, "", nil, fmt.Errorf("natsstore: Open: %s: %w", strings.Join(bad, "; "), coaching.ErrInvalid)
	}
	return cfg, servers, options, nil
}
