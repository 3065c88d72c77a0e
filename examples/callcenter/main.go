// Callcenter is a whole contact center on one port: the phone of a customer,
// the desktops of agents, the desks of supervisors. By default the phones are
// emulated, and nobody needs an account.
//
//	go run ./examples/callcenter           serves the pages; the address is printed
//	go run ./examples/callcenter -auto     plays the guided tour without a browser
//	go run ./examples/callcenter -h        says the rest
//
// README.md, beside this file, tells how to use it with the real Plivo.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"syscall"
	"time"

	"golang.org/x/sync/errgroup"
)

// autoTime bounds -auto.
const autoTime = 2 * time.Minute

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	err := run(ctx, os.Args[1:], os.Getenv, os.Stdout, os.Stderr)
	switch {
	case errors.Is(err, flag.ErrHelp):
	case err != nil:
		fmt.Fprintln(os.Stderr, "callcenter:", err)
		stop()
		os.Exit(1)
	}
}

// run is the program. It returns when ctx ends, or -auto or -check is through.
func run(ctx context.Context, args []string, env func(string) string, stdout, stderr io.Writer) error {
	o, err := parseOptions(args, env, stderr)
	if err != nil {
		return err
	}
	logger := slog.New(slog.NewTextHandler(stderr, &slog.HandlerOptions{Level: slog.LevelWarn}))
	a, err := newApp(ctx, o, logger)
	defer a.close()
	if err != nil {
		return err
	}
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return a.serve(ctx) })
	group.Go(func() error {
		switch {
		case o.auto:
			defer stop()
			ctx, cancel := context.WithTimeout(ctx, autoTime)
			defer cancel()
			err := a.tour.auto(ctx, stdout)
			a.emu.settle(ctx)
			return err
		case o.real():
			return a.checkAccount(ctx, outside, stdout, stop)
		}
		a.greet(stdout)
		return nil
	})
	return group.Wait()
}

func (a *app) greet(out io.Writer) {
	fmt.Fprintf(out, "The call center is open: %s\n", a.url())
	if a.opts.authID != "" && a.opts.plivo == "" {
		fmt.Fprintln(out, "The phones are emulated. For the real Plivo give -public-url and -people too.")
	}
}
