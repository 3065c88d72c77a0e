// Command plivotest runs an emulator of Plivo's Multi-Party Call as a process,
// for demos and for applications in any language. See docs/emulator.md.
//
//	plivotest -addr 127.0.0.1:9090 -number 14155550100=http://127.0.0.1:5000/answer \
//	    -phone sip:agent1@phone.plivo.com=answer:300ms
//
// It serves Plivo's REST API under /v1/Account/ and a control API, without
// credentials, under /_/.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/mpc-coaching/coaching/plivotest"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	err := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	switch {
	case errors.Is(err, flag.ErrHelp):
	case err != nil:
		fmt.Fprintln(os.Stderr, "plivotest:", err)
		os.Exit(2)
	}
}

// config is what the flags say.
type config struct {
	addr        string
	allowRemote bool
	quiet       bool
	opts        plivotest.Options
	numbers     [][2]string // number, answer URL
	phones      []phone
}

type phone struct {
	address string
	plan    plivotest.PhonePlan
}

func parseFlags(args []string, stderr io.Writer) (*config, error) {
	c := &config{}
	fs := flag.NewFlagSet("plivotest", flag.ContinueOnError)
	fs.SetOutput(stderr)
	fs.StringVar(&c.addr, "addr", "127.0.0.1:9090", "`address` to listen on; port 0 takes a free one")
	fs.BoolVar(&c.allowRemote, "allow-remote", false, "listen on other than loopback addresses: whoever reaches them controls the emulator")
	fs.StringVar(&c.opts.AuthID, "auth-id", "MAXXXXXXXXXXXXXXXXXX", "auth `id` of the account")
	fs.StringVar(&c.opts.AuthToken, "auth-token", "secret", "auth `token` of the account; it also signs callbacks")
	fs.Uint64Var(&c.opts.Seed, "seed", 0, "seed of ids and delays")
	fs.IntVar(&c.opts.CPS, "cps", 0, "outbound dials a second; 0: 2, negative: unlimited")
	fs.BoolVar(&c.opts.Switches.LenientXML, "lenient-xml", false, "ignore unknown XML attributes instead of failing the call")
	fs.BoolVar(&c.quiet, "q", false, "do not print the timeline")
	fs.Func("number", "`NUMBER=URL`: a rented number, or an endpoint's sip: URI, and its answer URL; repeatable", func(v string) error {
		number, answer, ok := strings.Cut(v, "=")
		u, err := url.Parse(answer)
		if !ok || number == "" || err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
			return errors.New("want NUMBER=http://…")
		}
		c.numbers = append(c.numbers, [2]string{number, answer})
		return nil
	})
	fs.Func("phone", "`ADDRESS=ACTION[:DURATION]`: a phone; actions: answer, noanswer, busy, reject, unregistered; repeatable", func(v string) error {
		address, plan, err := plivotest.ParsePhone(v)
		if err != nil {
			return errors.New(strings.TrimPrefix(err.Error(), "plivotest: "))
		}
		c.phones = append(c.phones, phone{address, plan})
		return nil
	})
	if err := fs.Parse(args); err != nil {
		return nil, err
	}
	if fs.NArg() > 0 {
		return nil, fmt.Errorf("unexpected argument %q", fs.Arg(0))
	}
	if c.opts.AuthID == "" || c.opts.AuthToken == "" {
		return nil, errors.New("-auth-id and -auth-token must not be empty")
	}
	return c, c.checkAddr()
}

// checkAddr refuses addresses that others can reach, unless they were asked for.
func (c *config) checkAddr() error {
	host, _, err := net.SplitHostPort(c.addr)
	if err != nil {
		return fmt.Errorf("-addr %q: want HOST:PORT", c.addr)
	}
	ip := net.ParseIP(host)
	if c.allowRemote || host == "localhost" || ip != nil && ip.IsLoopback() {
		return nil
	}
	return fmt.Errorf("-addr %q is not a loopback address; -allow-remote permits it", c.addr)
}

// run serves until ctx ends.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	c, err := parseFlags(args, stderr)
	if err != nil {
		return err
	}
	ln, err := net.Listen("tcp", c.addr)
	if err != nil {
		return err
	}
	emu := plivotest.NewServer(&c.opts)
	for _, n := range c.numbers {
		emu.Number(n[0], n[1])
	}
	for _, p := range c.phones {
		emu.Phone(p.address, &p.plan)
	}
	srv := &http.Server{Handler: emu, ReadHeaderTimeout: 10 * time.Second}
	served := make(chan error, 1)
	go func() { served <- srv.Serve(ln) }()
	fmt.Fprintf(stdout, "plivotest listens on http://%s\n", ln.Addr())
	printed := make(chan struct{})
	go func() {
		defer close(printed)
		if !c.quiet {
			follow(ctx, emu, stdout)
		}
	}()

	select {
	case err = <-served:
	case <-ctx.Done():
		grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), 2*time.Second)
		defer cancel()
		if srv.Shutdown(grace) != nil {
			srv.Close()
		}
		err = nil
	}
	emu.Close()
	if ctx.Err() != nil {
		<-printed
	}
	if errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return err
}

// follow prints the timeline as it grows. Lines are printed a moment late, so
// that requests and callbacks have their answers.
func follow(ctx context.Context, emu *plivotest.Server, w io.Writer) {
	tick := time.NewTicker(250 * time.Millisecond)
	defer tick.Stop()
	shown, known := 0, 0
	for {
		over := false
		select {
		case <-ctx.Done():
			over = true
		case <-tick.C:
		}
		lines := emu.Timeline()
		if over {
			known = len(lines)
		}
		for _, e := range lines[shown:known] {
			fmt.Fprintln(w, e)
		}
		if over {
			return
		}
		shown, known = known, len(lines)
	}
}
