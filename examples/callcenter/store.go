package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/mpc-coaching/coaching"
	"github.com/mpc-coaching/coaching/natsstore"
	"github.com/mpc-coaching/coaching/redisstore"
)

// openStore returns the store at a URL; "" is memory, for one process alone.
// The function it returns closes it.
func openStore(ctx context.Context, url string) (coaching.Store, func() error, error) {
	scheme, _, _ := strings.Cut(url, "://")
	switch scheme {
	case "":
		return coaching.NewMemoryStore(), func() error { return nil }, nil
	case "nats", "tls":
		return opened(natsstore.Open(ctx, url))
	case "redis", "rediss":
		return opened(redisstore.Open(ctx, url))
	}
	return nil, nil, fmt.Errorf("-store: %q is none of nats, tls, redis and rediss", scheme)
}

// opened makes no interface of a store that is nil.
func opened[S coaching.Store](s S, closed func() error, err error) (coaching.Store, func() error, error) {
	if err != nil {
		return nil, nil, fmt.Errorf("-store: %w", err)
	}
	return s, closed, nil
}
