// Walkthrough plays the scenarios of supervisor coaching on the emulator, in
// real time and without an account: connect, add a supervisor, barge, take
// over, hand back. It prints who hears whom and checks all that it prints: an
// expectation that does not hold ends it with status 1.
//
//	go run ./examples/walkthrough       the whole story
//	go run ./examples/walkthrough -q    only the checks
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/mpc-coaching/coaching/plivotest"
)

func main() {
	quiet := flag.Bool("q", false, "print the checks alone")
	fail := flag.String("fail", "", "turn around the expectations that contain this text, to see the program notice")
	flag.Parse()
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	err := run(ctx, os.Stdout, *quiet, *fail)
	if err != nil {
		fmt.Fprintln(os.Stderr, "walkthrough:", err)
		cancel()
		os.Exit(1)
	}
}

// run sets the stage: the emulator is Plivo and everybody's phones, the host
// is a contact center as you would write it.
func run(ctx context.Context, out io.Writer, quiet bool, fail string) error {
	srv := plivotest.NewServer(nil)
	defer srv.Close()
	srv.Number(hotline, publicURL+"/answer")
	srv.Phone(ann.Address, &plivotest.PhonePlan{After: 300 * time.Millisecond})
	srv.Phone(lee.Address, &plivotest.PhonePlan{After: 200 * time.Millisecond})
	srv.Phone(mia.Address, &plivotest.PhonePlan{After: 200 * time.Millisecond})

	flow, err := newFlow(srv.AuthID(), srv.AuthToken(), srv.Client())
	if err != nil {
		return err
	}
	mux := http.NewServeMux()
	mux.Handle("/plivo/", http.StripPrefix("/plivo", flow.Handler()))
	srv.Mount("https://voice.example.com", mux)

	ctx, stop := context.WithCancel(ctx)
	defer stop()
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return flow.Run(ctx) })
	group.Go(func() error {
		defer stop()
		return play(ctx, newStage(srv, flow, out, quiet, fail))
	})
	return group.Wait()
}

func play(ctx context.Context, st *stage) (err error) {
	defer func() {
		switch p := recover().(type) {
		case nil:
		case failure:
			err = p
		default:
			panic(p)
		}
	}()
	st.watch()
	for _, act := range []func(context.Context, *stage){connect, addSupervisor, barge, takeOver, handBack} {
		act(ctx, st)
		st.curtain(ctx)
	}
	end(ctx, st)
	if st.fail != "" {
		return errors.New("no expectation contains what -fail says")
	}
	return nil
}
