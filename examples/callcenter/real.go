package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"time"
)

// loadStaff reads the file of -people.
func loadStaff(name string) (staff, error) {
	f, err := os.Open(name)
	if err != nil {
		return staff{}, err
	}
	defer f.Close()
	s, err := readStaff(f)
	if err != nil {
		return staff{}, fmt.Errorf("%s:\n%w", name, err)
	}
	return s, nil
}

// outside reaches the public URL as Plivo does, which follows no redirects.
var outside = &http.Client{Timeout: 15 * time.Second, CheckRedirect: noRedirects}

func noRedirects(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }

// checkAccount prints what the preflight finds. With -check it stops the
// program, with an error if anything is to be fixed; else the program goes on,
// since tunnels and applications may be set right meanwhile.
func (a *app) checkAccount(ctx context.Context, outside *http.Client, out io.Writer, stop func()) error {
	p := &preflight{api: a.api, public: outside, staff: a.staff, publicURL: a.opts.publicURL, flowURL: a.opts.flowURL(), nonces: &a.nonce, now: time.Now}
	wrong := 0
	for _, f := range p.run(ctx) {
		fmt.Fprintln(out, f)
		if f.fix != "" {
			wrong++
		}
	}
	if a.opts.check {
		stop()
		if wrong > 0 {
			return errors.New("there is something to fix")
		}
		return nil
	}
	fmt.Fprintf(out, "The call center is open: %s\n", a.opts.publicURL)
	return nil
}
