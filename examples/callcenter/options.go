package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/url"
	"strings"

	"github.com/mpc-coaching/coaching"
)

// options are what the flags and the environment say.
type options struct {
	addr        string
	allowRemote bool
	publicURL   string // where Plivo, or an emulator elsewhere, reaches this program
	prefix      string
	plivo       string // of an emulator elsewhere; "": here
	store       string
	people      string // file of the staff
	tokens      string // how access tokens are made
	check       bool
	auto        bool
	fail        string

	authID    string
	authToken coaching.Secret
}

// real says whether calls go to the real Plivo.
func (o *options) real() bool {
	return o.plivo == "" && o.publicURL != "" && o.authID != "" && o.authToken != ""
}

// flowURL is where Plivo reaches the Flow.
func (o *options) flowURL() string { return o.publicURL + flowPath }

// parseOptions reads the command line. env is os.Getenv.
func parseOptions(args []string, env func(string) string, stderr io.Writer) (*options, error) {
	o := &options{authID: env("PLIVO_AUTH_ID"), authToken: coaching.Secret(env("PLIVO_AUTH_TOKEN"))}
	fs := flag.NewFlagSet("callcenter", flag.ContinueOnError)
	fs.SetOutput(stderr)
	fs.StringVar(&o.addr, "addr", "", "`address` to listen on (default 127.0.0.1:8080; with -auto a free port)")
	fs.BoolVar(&o.allowRemote, "allow-remote", false, "listen on other than loopback addresses: with the emulator whoever reaches them plays everybody")
	fs.BoolVar(&o.auto, "auto", false, "play the tour without a browser and exit: 0 if all holds")
	fs.StringVar(&o.fail, "fail", "", "turn around the expectations that contain this `text`, to see -auto notice")
	fs.StringVar(&o.publicURL, "public-url", "", "`URL` at which Plivo reaches this program, such as https://voice.example.com; with PLIVO_AUTH_ID and PLIVO_AUTH_TOKEN set the real Plivo is used")
	fs.StringVar(&o.people, "people", "", "`file` that says who works here; needed with the real Plivo")
	fs.StringVar(&o.tokens, "tokens", tokensByPlivo, "who makes the phones' access tokens: `plivo`, by its API, or self, with the auth token")
	fs.BoolVar(&o.check, "check", false, "check the Plivo account and the public URL, say what to fix, and exit")
	fs.StringVar(&o.store, "store", "", "`URL` of the calls' store, shared by several instances: nats://… or redis://… (default: memory)")
	fs.StringVar(&o.prefix, "prefix", "", "beginning of every call's id, the same in all instances of one center (default: made of the public URL)")
	fs.StringVar(&o.plivo, "plivo", "", "`URL` of an emulator that runs elsewhere, such as http://127.0.0.1:9090 (default: one in this process)")
	if err := fs.Parse(args); err != nil {
		return nil, err
	}
	if fs.NArg() > 0 {
		return nil, fmt.Errorf("unexpected argument %q", fs.Arg(0))
	}
	if o.addr == "" {
		o.addr = "127.0.0.1:8080"
		if o.auto {
			o.addr = "127.0.0.1:0"
		}
	}
	var err error
	if o.publicURL, err = origin("-public-url", strings.TrimSuffix(strings.TrimSuffix(o.publicURL, "/"), flowPath)); err != nil {
		return nil, err
	}
	if o.plivo, err = origin("-plivo", o.plivo); err != nil {
		return nil, err
	}
	return o, o.consistent()
}

func (o *options) consistent() error {
	switch {
	case o.tokens != tokensByPlivo && o.tokens != tokensBySelf:
		return fmt.Errorf("-tokens %q: want %s or %s", o.tokens, tokensByPlivo, tokensBySelf)
	case o.plivo != "" && o.publicURL == "":
		return errors.New("-plivo needs -public-url: where that emulator reaches this program")
	case o.check && !o.real():
		return errors.New("-check needs -public-url, and PLIVO_AUTH_ID and PLIVO_AUTH_TOKEN in the environment")
	case o.real() && o.auto:
		return errors.New("-auto plays on the emulator: leave out -public-url")
	case o.real() && o.people == "":
		return errors.New("with the real Plivo -people is needed: who works here, and the passwords of their pages")
	case o.real() && !strings.HasPrefix(o.publicURL, "https://"):
		return errors.New("-public-url must be https: passwords and calls travel over it")
	}
	return o.checkAddr()
}

// checkAddr refuses addresses that others can reach, unless they were asked for.
func (o *options) checkAddr() error {
	host, _, err := net.SplitHostPort(o.addr)
	if err != nil {
		return fmt.Errorf("-addr %q: want HOST:PORT", o.addr)
	}
	ip := net.ParseIP(host)
	if o.allowRemote || host == "localhost" || ip != nil && ip.IsLoopback() {
		return nil
	}
	return fmt.Errorf("-addr %q is not a loopback address; -allow-remote permits it", o.addr)
}

// origin checks that a URL is scheme and host alone.
func origin(name, raw string) (string, error) {
	raw = strings.TrimSuffix(raw, "/")
	if raw == "" {
		return "", nil
	}
	u, err := url.Parse(raw)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" || u.Scheme+"://"+u.Host != raw {
		return "", fmt.Errorf("%s %q: want scheme and host, such as https://voice.example.com", name, raw)
	}
	return raw, nil
}
