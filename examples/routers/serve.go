package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/mpc-coaching/coaching"
	"github.com/mpc-coaching/coaching/plivotest"
)

// serve runs the contact center behind a router at addr, and the emulator's
// control API at a port of its own, until ctx ends.
func serve(ctx context.Context, rt router, addr string, out io.Writer) error {
	app, err := net.Listen("tcp", addr)
	if err != nil {
		return err
	}
	control, err := net.Listen("tcp", "127.0.0.1:0") // whoever reaches it plays Plivo
	if err != nil {
		app.Close()
		return err
	}
	emu := plivotest.NewServer(nil)
	defer emu.Close()
	emu.Phone(ann, nil)
	emu.Phone(lee, nil)

	flow, h, err := newCenter(emu, baseURL(app)+"/voice/plivo")
	if err != nil {
		return errors.Join(err, app.Close(), control.Close())
	}
	var console http.Handler // console.New's, at /console/

	// There is no WriteTimeout: it would break off the answer of a verb that
	// waited for a phone to be answered, and the console's stream.
	server := &http.Server{
		Handler:           rt.mount(flow.Handler(), console, h),
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       10 * time.Second, // of a callback that stalls; a handler may take longer
		IdleTimeout:       time.Minute,
	}

	// What accepts requests ends before what does their work.
	work, stopWork := context.WithCancel(context.WithoutCancel(ctx))
	defer stopWork()
	var running errgroup.Group
	running.Go(func() error { return flow.Run(work) })
	serving, sctx := errgroup.WithContext(ctx)
	serving.Go(func() error { return listen(sctx, server, app) })
	serving.Go(func() error {
		return listen(sctx, &http.Server{Handler: emu, ReadHeaderTimeout: 5 * time.Second}, control)
	})
	serving.Go(func() error {
		call, err := firstCall(sctx, flow, emu)
		if err != nil {
			return err
		}
		suggest(out, rt.name, baseURL(app), baseURL(control), call)
		return nil
	})
	err = serving.Wait()
	stopWork()
	if err = errors.Join(err, running.Wait()); ctx.Err() != nil && errors.Is(err, context.Canceled) {
		return nil // ended before the first call was through
	}
	return err
}

// listen serves until ctx ends, and then lets requests in flight come to their
// end, for a while.
func listen(ctx context.Context, s *http.Server, ln net.Listener) error {
	served := make(chan error, 1)
	go func() { served <- s.Serve(ln) }()
	select {
	case err := <-served:
		return err
	case <-ctx.Done():
	}
	grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), 3*time.Second)
	defer cancel()
	err := s.Shutdown(grace)
	if errors.Is(err, context.DeadlineExceeded) {
		err = s.Close() // a stream never ends by itself
	}
	if served := <-served; !errors.Is(served, http.ErrServerClosed) {
		err = errors.Join(err, served)
	}
	return err
}

// baseURL is where a listener of this machine is reached from this machine.
func baseURL(ln net.Listener) string {
	host, port, _ := net.SplitHostPort(ln.Addr().String())
	if ip := net.ParseIP(host); ip == nil || ip.IsUnspecified() {
		host = "127.0.0.1"
	}
	return "http://" + net.JoinHostPort(host, port)
}

// firstCall lets a customer call, and returns once they talk with Ann.
func firstCall(ctx context.Context, flow *coaching.Flow, emu *plivotest.Server) (coaching.CallID, error) {
	ctx, cancel := context.WithTimeout(coaching.AsHost(ctx), 20*time.Second)
	defer cancel()
	changes := flow.Watch(ctx, nil)
	emu.Dial(caller, hotline, nil)
	for change, err := range changes {
		if err != nil {
			return "", fmt.Errorf("waiting for the first call: %w", err)
		}
		if _, ok := change.Call.Agent("ann"); ok && change.Call.State == coaching.StateActive {
			return change.Call.ID, nil
		}
	}
	return "", errors.New("the feed of changes ended")
}

// suggest prints what to try, each command below what it is to show.
func suggest(out io.Writer, name, app, control string, call coaching.CallID) {
	fmt.Fprintf(out, `%[1]s serves on %[2]s, the emulator on %[3]s.
A customer called and talks with Ann. Try:

  # 200, after a second: Lee comes and coaches
  curl -u lee:demo -X POST %[2]s/calls/%[4]s/supervisors/lee
  # 200: who hears whom
  curl %[3]s/_/audio
  # 403: supervisors come by themselves
  curl -u ann:demo -X POST %[2]s/calls/%[4]s/supervisors/lee
  # 404: there is no such call
  curl -u lee:demo -X POST %[2]s/calls/%.10[4]s000000/supervisors/lee
  # 401: who is it?
  curl -X POST %[2]s/calls/%[4]s/supervisors/lee
  # 403: Plivo did not sign it
  curl -d EventName=MPCEnd %[2]s/voice/plivo/events
  # 405: that is no way to report an event
  curl %[2]s/voice/plivo/events
  # 201: another customer calls
  curl -d '{"from":"14155550124","to":"%[5]s"}' %[3]s/_/calls

Ctrl-C ends it.
`, name, app, control, call, hotline)
}
