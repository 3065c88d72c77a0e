package remotestore_test

import (
	"net/http/httptest"
	"testing"
	"time"

	"github.com/mpc-coaching/coaching"
	"github.com/mpc-coaching/coaching/internal/remotestore"
	"github.com/mpc-coaching/coaching/storetest"
)

// A store is no other behind the socket.
func TestStore(t *testing.T) {
	storetest.Run(t, func(tb testing.TB) coaching.Store {
		server := remotestore.NewServer(func() coaching.Store { return coaching.NewMemoryStore() })
		tb.Cleanup(server.Close)
		socket := httptest.NewServer(server)
		tb.Cleanup(socket.Close)
		c := remotestore.NewClient(socket.URL)
		c.Every = 5 * time.Millisecond
		return c
	}, &storetest.Options{ForgetsWithin: time.Second})
}

// The model plays through the socket as it does without.
func TestPlayModel(t *testing.T) {
	remotestore.PlayModel(t, func() coaching.Store { return coaching.NewMemoryStore() }, 120)
}
