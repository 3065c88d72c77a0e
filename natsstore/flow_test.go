package natsstore_test

import (
	"testing"

	"github.com/mpc-coaching/coaching/internal/duet"
	"github.com/mpc-coaching/coaching/natsstore"
)

func TestTwoInstancesInCluster(t *testing.T) {
	t.Parallel()
	c := startCluster(t)
	d := duet.Start(t,
		open(t, natsstore.Config{Conn: connect(t, c[0].url())}),
		open(t, natsstore.Config{Conn: connect(t, c[1].url())}))
	d.Connect()
	d.Finish()
}

// A server of three dies in the middle of a call: the one that leads.
func TestTwoInstancesWithoutAServer(t *testing.T) {
	t.Parallel()
	c := startCluster(t)
	a := open(t, natsstore.Config{Conn: connect(t, c.urls())})
	b := open(t, natsstore.Config{Conn: connect(t, c.urls())})
	d := duet.Start(t, a, b)
	d.Connect()
	d.Barge()
	leader, _ := c.leader(t, "coaching")
	leader.stop()
	eventually(t, "the store is back", func() bool {
		_, err := a.Put(t.Context(), ended(live(1), 0))
		return err == nil
	})
	d.TakeOver()
	d.HandBack()
	d.End()
}
