package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/mpc-coaching/coaching"
	"github.com/mpc-coaching/coaching/console"
)

// flowPath is where the Flow's handler is mounted.
const flowPath = "/plivo"

const (
	// emulatedRing leaves a reader time to look at a phone that rings.
	emulatedRing = 2 * time.Minute
	// emulatedLag is how old the emulator's reads are at most. Plivo's may be
	// older: the default is for them.
	emulatedLag = 50 * time.Millisecond
	// shutdownTime is how long requests in flight may take at the end.
	shutdownTime = 2 * time.Second
)

// An app is the contact center, its pages and, if it is emulated, the phones.
type app struct {
	opts    *options
	staff   staff
	center  *center
	console *console.Console
	emu     *emulation // nil with the real Plivo
	api     *plivoAPI  // nil with the emulator
	minter  minter     // likewise
	tour    *tour      // nil with the real Plivo
	nonce   nonces
	handler http.Handler
	ln      net.Listener
	logger  *slog.Logger
	closers []func() error
}

// newApp listens and puts everything together. Whatever its error, close
// releases what was made.
func newApp(ctx context.Context, o *options, logger *slog.Logger) (a *app, err error) {
	a = &app{opts: o, staff: emulatedStaff(), logger: logger}
	if a.ln, err = net.Listen("tcp", o.addr); err != nil {
		return a, err
	}
	a.closers = append(a.closers, a.ln.Close)
	if o.people != "" {
		if a.staff, err = loadStaff(o.people); err != nil {
			return a, err
		}
	}
	store, closeStore, err := openStore(ctx, o.store)
	if err != nil {
		return a, err
	}
	a.closers = append(a.closers, closeStore)

	mux := http.NewServeMux()
	cfg := centerConfig{staff: a.staff, authID: o.authID, authToken: string(o.authToken), prefix: o.prefix, store: store, logger: logger}
	if o.real() {
		cfg.publicURL = o.flowURL()
		if a.api, err = newPlivoAPI(o.authID, o.authToken); err != nil {
			return a, err
		}
		a.minter = newMinter(o, a.api)
	} else if err = a.emulate(ctx, mux, &cfg); err != nil {
		return a, err
	}
	if a.center, err = newCenter(cfg); err != nil {
		return a, err
	}
	a.console, err = console.New(console.Config{
		Flow:     a.center.flow,
		Identify: a.identify,
		People:   a.center.peopleFor,
		Agent:    a.center.agent,
		View:     viewOf,
		Logger:   logger,
		Title:    "Calls",
	})
	if err != nil {
		return a, err
	}
	mux.Handle(flowPath+"/", http.StripPrefix(flowPath, a.center.flow.Handler()))
	a.pages(mux)
	a.handler = a.guard(mux)
	return a, nil
}

// emulate finds the emulator. The addresses of phones and numbers are told to
// it once the Flow is there, see serve.
func (a *app) emulate(ctx context.Context, mux *http.ServeMux, cfg *centerConfig) error {
	o := a.opts
	if o.publicURL == "" {
		o.publicURL = a.url()
	}
	cfg.publicURL = o.flowURL()
	cfg.ringTime, cfg.readLag = emulatedRing, emulatedLag
	if cfg.authID == "" || cfg.authToken == "" || o.plivo == "" {
		cfg.authID, cfg.authToken = emulatedID, emulatedToken
	}
	if o.plivo == "" {
		a.emu = emulateHere(cfg.authID, cfg.authToken, o.publicURL, mux)
	} else {
		var err error
		if a.emu, err = emulateAt(o.plivo); err != nil {
			return err
		}
	}
	a.closers = append(a.closers, func() error { a.emu.close(); return nil })
	cfg.client = a.emu.rest
	mux.Handle("/_/", a.emu.control)
	if a.emu.server != nil {
		mux.Handle("/v1/", a.emu.server)
	}
	a.tour = newTour(a.url(), a.staff, o.fail)
	a.tour.routes(mux)
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	if err := a.emu.rent(ctx, a.staff, o.flowURL()); err != nil {
		return fmt.Errorf("the emulator: %w", err)
	}
	return nil
}

// url is where this program is reached from this machine.
func (a *app) url() string {
	host, port, _ := net.SplitHostPort(a.ln.Addr().String())
	if ip := net.ParseIP(host); ip == nil || ip.IsUnspecified() {
		host = "127.0.0.1"
	}
	return "http://" + net.JoinHostPort(host, port)
}

// serve works until ctx ends.
func (a *app) serve(ctx context.Context) error {
	group, ctx := errgroup.WithContext(ctx)
	server := &http.Server{
		Handler:           a.handler,
		ReadHeaderTimeout: 10 * time.Second,
		BaseContext:       func(net.Listener) context.Context { return ctx }, // streams end with it
		ErrorLog:          slog.NewLogLogger(a.logger.Handler(), slog.LevelWarn),
	}
	server.RegisterOnShutdown(a.console.Close)
	group.Go(func() error { return a.center.flow.Run(ctx) })
	group.Go(func() error {
		if err := server.Serve(a.ln); !errors.Is(err, http.ErrServerClosed) {
			return err
		}
		return nil
	})
	group.Go(func() error {
		<-ctx.Done()
		grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), shutdownTime)
		defer cancel()
		if server.Shutdown(grace) != nil {
			server.Close()
		}
		return nil
	})
	return group.Wait()
}

// close releases everything, the last made first.
func (a *app) close() {
	for i := len(a.closers) - 1; i >= 0; i-- {
		a.closers[i]()
	}
}

// viewOf hides from agents that somebody listens in.
func viewOf(actor coaching.Actor) console.View {
	return console.View{HideMonitors: actor.Role == agentRole}
}

// peopleFor are those whom a person may choose from, themselves included, so that
// their page knows their name: agents ask for their own
// team's supervisors, and everybody hands calls on to agents.
func (c *center) peopleFor(_ context.Context, actor coaching.Actor) (console.People, error) {
	me, ok := c.staff.find(actor.Role, actor.ID)
	if !ok {
		return console.People{}, errNotYours
	}
	out := console.People{Agents: []console.Person{}, Supervisors: []console.Person{}}
	for _, p := range c.staff.people {
		switch {
		case p.Role == agentRole: // oneself too, for the name; nobody hands a call to who is in it
			out.Agents = append(out.Agents, console.Person{ID: p.ID, Name: p.Name, Note: p.Team})
		case p.Role == supervisorRole && (p.ID == me.ID || me.Role == agentRole && p.Team == me.Team):
			out.Supervisors = append(out.Supervisors, console.Person{ID: p.ID, Name: p.Name, Note: p.Team})
		}
	}
	return out, nil
}
