package redisstore_test

import (
	"testing"

	"github.com/mpc-coaching/coaching/internal/duet"
	"github.com/mpc-coaching/coaching/redisstore"
)

func TestTwoInstances(t *testing.T) {
	t.Parallel()
	n := startServer(t)
	a := open(t, redisstore.Config{Client: connect(t, n.addr())})
	b := open(t, redisstore.Config{Client: connect(t, n.addr())})
	d := duet.Start(t, a, b)
	d.Connect()
	d.Barge()
	d.TakeOver()
	d.HandBack()
	d.End()
}

// When the server has lost its data, the calls that go on are found by asking
// Plivo, and can be worked with again.
func TestTwoInstancesAfterLoss(t *testing.T) {
	t.Parallel()
	n := startServer(t)
	a := open(t, redisstore.Config{Client: connect(t, n.addr())})
	b := open(t, redisstore.Config{Client: connect(t, n.addr())})
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
