// Command killhost is a small contact center for the tests that kill it: it
// keeps its calls in files, and does what a POST tells it.
//
//	POST /do/{verb}/{call}    addsupervisor, barge, takeover, handback, leave
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log"
	"net/http"
	"net/url"
	"os"
	"os/signal"
	"time"

	"github.com/plivo/plivo-go/v7"
	"golang.org/x/sync/errgroup"

	"github.com/mpc-coaching/coaching"
)

var (
	addr  = flag.String("addr", "", "where to listen")
	api   = flag.String("api", "", "Plivo's address")
	dir   = flag.String("dir", "", "folder of the calls")
	id    = flag.String("auth-id", "", "account")
	token = flag.String("auth-token", "", "token")

	ann = coaching.Agent{ID: "ann", Address: "sip:ann@phone.plivo.com"}
	lee = coaching.Supervisor{ID: "lee", Address: "sip:lee@phone.plivo.com"}
)

func main() {
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx); err != nil {
		log.Fatal(err)
	}
}

func run(ctx context.Context) error {
	sdk, err := plivo.NewClient(*id, *token, &plivo.ClientOptions{})
	if err != nil {
		return err
	}
	if sdk.BaseUrl, err = url.Parse(*api); err != nil {
		return err
	}
	store, err := openFiles(*dir)
	if err != nil {
		return err
	}
	flow, err := coaching.New(coaching.Config{
		Plivo: sdk, PublicURL: "http://" + *addr + "/plivo", Store: store,
		Route:   coaching.RingOnce(ann),
		ReadLag: 50 * time.Millisecond, RequestTimeout: time.Second, SettleTime: time.Second, SweepInterval: 2 * time.Second,
	})
	if err != nil {
		return err
	}
	mux := http.NewServeMux()
	mux.Handle("/plivo/", http.StripPrefix("/plivo", flow.Handler()))
	mux.HandleFunc("POST /do/{verb}/{call}", func(w http.ResponseWriter, r *http.Request) {
		err := do(r.Context(), flow, r.PathValue("verb"), coaching.CallID(r.PathValue("call")))
		w.WriteHeader(coaching.HTTPStatus(err))
		if err != nil {
			fmt.Fprintln(w, err)
		}
	})
	server := &http.Server{Addr: *addr, Handler: mux}
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return flow.Run(ctx) })
	group.Go(server.ListenAndServe)
	group.Go(func() error { <-ctx.Done(); return server.Close() })
	if err := group.Wait(); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

func do(ctx context.Context, flow *coaching.Flow, verb string, call coaching.CallID) error {
	var err error
	switch verb {
	case "addsupervisor":
		_, err = flow.AddSupervisor(ctx, call, lee, nil)
	case "barge":
		_, err = flow.Barge(ctx, call, lee, &coaching.JoinOptions{Mode: coaching.ModeMonitor})
	case "takeover":
		_, err = flow.TakeOver(ctx, call, lee, &coaching.TakeOverOptions{Agent: coaching.AgentMute})
	case "handback":
		_, err = flow.HandBack(ctx, call, lee.ID, nil)
	case "leave":
		err = flow.Leave(ctx, call, lee.ID)
	default:
		err = fmt.Errorf("verb %q: %w", verb, coaching.ErrInvalid)
	}
	return err
}
