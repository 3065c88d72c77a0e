package redisstore_test

import (
	"fmt"
	"testing"

	"github.com/mpc-coaching/coaching"
	"github.com/mpc-coaching/coaching/internal/remotestore"
	"github.com/mpc-coaching/coaching/redisstore"
)

// Random stories with two instances; each has keys of its own.
func TestModelOnRedis(t *testing.T) {
	client := connect(t, startServer(t).addr())
	prefixes := 0
	remotestore.PlayModel(t, func() coaching.Store {
		prefixes++
		store, err := redisstore.New(t.Context(), redisstore.Config{Client: client, Prefix: fmt.Sprint("model", prefixes)})
		if err != nil {
			t.Fatal(err)
		}
		return store
	}, 600)
}
