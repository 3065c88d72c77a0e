package cable_test

import (
	"io"
	"net"
	"testing"

	"github.com/mpc-coaching/coaching/internal/cable"
)

func TestCable(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	go func() { // an echo
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go func() { _, _ = io.Copy(conn, conn); conn.Close() }()
		}
	}()
	c := cable.New(t, l.Addr().String())
	echo := func() (net.Conn, error) {
		conn, err := net.Dial("tcp", c.Addr())
		if err != nil {
			return nil, err
		}
		if _, err := conn.Write([]byte("x")); err != nil {
			return nil, err
		}
		_, err = io.ReadFull(conn, make([]byte, 1))
		return conn, err
	}
	conn, err := echo()
	if err != nil {
		t.Fatalf("before the cut: %v", err)
	}
	c.Cut()
	if n, err := conn.Read(make([]byte, 1)); err == nil {
		t.Errorf("after the cut a connection reads %d bytes", n)
	}
	if _, err := echo(); err == nil {
		t.Errorf("after the cut a new connection works")
	}
	c.Mend()
	if _, err := echo(); err != nil {
		t.Errorf("mended: %v", err)
	}
}
