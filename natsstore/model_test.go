package natsstore_test

import (
	"fmt"
	"testing"

	"github.com/mpc-coaching/coaching"
	"github.com/mpc-coaching/coaching/internal/remotestore"
	"github.com/mpc-coaching/coaching/natsstore"
)

// Random stories with two instances; each has a bucket.
func TestModelOnNATS(t *testing.T) {
	node := startNode(t, nil)
	conn := connect(t, node.url())
	buckets := 0
	remotestore.PlayModel(t, func() coaching.Store {
		buckets++
		store, err := natsstore.New(t.Context(), natsstore.Config{Conn: conn, Bucket: fmt.Sprint("model", buckets)})
		if err != nil {
			t.Fatal(err)
		}
		return store
	}, 600)
}
