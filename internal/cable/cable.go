// Package cable is a TCP connection that tests cut.
package cable

import (
	"io"
	"net"
	"sync"
	"testing"
)

// A Cable passes connections on to an address until it is cut.
type Cable struct {
	to       string
	listener net.Listener

	mu    sync.Mutex
	cut   bool
	conns map[net.Conn]bool
	wg    sync.WaitGroup
}

// New returns a Cable to an address on a port of its own. It ends with the test.
func New(tb testing.TB, to string) *Cable {
	tb.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		tb.Fatal(err)
	}
	c := &Cable{to: to, listener: l, conns: map[net.Conn]bool{}}
	c.wg.Go(c.accept)
	tb.Cleanup(func() {
		_ = l.Close()
		c.Cut()
		c.wg.Wait()
	})
	return c
}

// Addr is where it listens.
func (c *Cable) Addr() string { return c.listener.Addr().String() }

// Cut ends all connections, and each new one at once.
func (c *Cable) Cut() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.cut = true
	for conn := range c.conns {
		_ = conn.Close()
	}
}

// Mend lets new connections through again.
func (c *Cable) Mend() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.cut = false
}

func (c *Cable) accept() {
	for {
		in, err := c.listener.Accept()
		if err != nil {
			return
		}
		c.wg.Go(func() { c.pass(in) })
	}
}

func (c *Cable) pass(in net.Conn) {
	defer in.Close()
	out, err := net.Dial("tcp", c.to)
	if err != nil {
		return
	}
	defer out.Close()
	c.mu.Lock()
	if c.cut {
		c.mu.Unlock()
		return
	}
	c.conns[in], c.conns[out] = true, true
	c.mu.Unlock()
	var both sync.WaitGroup
	both.Go(func() { copyAll(in, out) })
	both.Go(func() { copyAll(out, in) })
	both.Wait()
	c.mu.Lock()
	delete(c.conns, in)
	delete(c.conns, out)
	c.mu.Unlock()
}

// copyAll copies until either side ends, and then ends both.
func copyAll(to, from net.Conn) {
	_, _ = io.Copy(to, from) // an error is an end like any other
	_ = to.Close()
	_ = from.Close()
}
