package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/mpc-coaching/coaching"
)

// openStore returns the store at a URL; "" is memory, for one process alone.
// The function it returns closes it.
func openStore(_ context.Context, url string) (coaching.Store, func() error, error) {
	scheme, _, _ := strings.Cut(url, "://")
	switch scheme {
	case "":
		return coaching.NewMemoryStore(), func() error { return nil }, nil
	default:
		return nil, nil, fmt.Errorf("-store: %q is none of nats:// and redis://", scheme+"://")
	}
}
