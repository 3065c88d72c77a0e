package natsstore_test

import (
	"testing"

	"github.com/mpc-coaching/coaching/internal/duet"
	"github.com/mpc-coaching/coaching/natsstore"
)

func TestTwoInstances(t *testing.T) {
	t.Parallel()
	c := startCluster(t)
	a := open(t, natsstore.Config{Conn: connect(t, c[0].url())})
	b := open(t, natsstore.Config{Conn: connect(t, c[1].url())})
	d := duet.Start(t, a, b)
	d.Connect()
	d.Barge()
	d.TakeOver()
	d.HandBack()
	d.End()
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

// When the server has lost its data, the calls that go on are found by asking
// Plivo, and can be worked with again.
func TestTwoInstancesAfterLoss(t *testing.T) {
	t.Parallel()
	n := startNode(t, nil)
	a := open(t, natsstore.Config{Conn: connect(t, n.url())})
	b := open(t, natsstore.Config{Conn: connect(t, n.url())})
	d := duet.Start(t, a, b)
	d.Connect()
	n.lose()
	n.start()
	d.Adopted()
	d.Barge()
	d.TakeOver()
	d.HandBack()
	d.End()
}
