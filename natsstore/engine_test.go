package natsstore_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/mpc-coaching/coaching/internal/enginetest"
	"github.com/mpc-coaching/coaching/natsstore"
)

// An engine is a NATS server as the cases of enginetest want it.
type engine struct{ node *node }

func startEngine(tb testing.TB) enginetest.Engine { return engine{startNode(tb, nil)} }

func (e engine) Addr() string { return fmt.Sprintf("127.0.0.1:%d", e.node.options.Port) }
func (e engine) Stop()        { e.node.stop() }
func (e engine) Start()       { e.node.start() }
func (e engine) Lose()        { e.node.lose() }

func (e engine) Open(tb testing.TB, addr string, timeout time.Duration) enginetest.Store {
	return open(tb, natsstore.Config{Conn: connect(tb, "nats://"+addr), Timeout: timeout})
}

func TestEngine(t *testing.T) {
	t.Parallel()
	enginetest.Run(t, startEngine, enginetest.Options{ForgetsWithin: promises.ForgetsWithin})
}

// Somebody deletes the bucket while all is connected.
func TestBucketIsDeleted(t *testing.T) {
	t.Parallel()
	n := startNode(t, nil)
	nc := connect(t, n.url())
	s := open(t, natsstore.Config{Conn: nc})
	f := watch(t, s, "")
	a := put(t, s, live(1))
	f.Until(a)
	if _, err := nc.Request("$JS.API.STREAM.DELETE.KV_coaching", nil, 5*time.Second); err != nil {
		t.Fatal(err)
	}
	f.Resync("all was lost")
	b := put(t, s, live(1))
	f.Until(b)
}
