// Package duet plays a customer's call on several instances of one contact
// center at once, each with a store of its own over the same engine, in real
// time on the emulator. The store adapters of this repository are tested with
// it.
package duet

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/plivo/plivo-go/v7"
	"golang.org/x/sync/errgroup"

	"github.com/mpc-coaching/coaching"
	"github.com/mpc-coaching/coaching/plivotest"
)

const (
	publicURL = "https://voice.example.com/plivo"
	hotline   = "14155550100"
)

var (
	ann = coaching.Agent{ID: "ann", Address: "sip:ann@phone.plivo.com"}
	mia = coaching.Supervisor{ID: "mia", Address: "sip:mia@phone.plivo.com"}
)

// A Duet is a contact center of several instances, and who is on the line.
type Duet struct {
	t     *testing.T
	srv   *plivotest.Server
	flows []*coaching.Flow

	call                  coaching.CallID
	customer, ann, mia    *plivotest.Leg
	unheard, raisedByNone atomic.Bool // a supervisor must not be heard; was heard
}

// Start starts an instance for each store. Callbacks go to them in turn, as
// behind a load balancer. All ends with the test.
func Start(t *testing.T, stores ...coaching.Store) *Duet {
	t.Helper()
	d := &Duet{t: t, srv: plivotest.NewServer(nil)}
	t.Cleanup(d.srv.Close)
	d.srv.Number(hotline, publicURL+"/answer")
	d.srv.Phone(ann.Address, &plivotest.PhonePlan{After: 100 * time.Millisecond})
	d.srv.Phone(mia.Address, &plivotest.PhonePlan{After: 100 * time.Millisecond})
	sdk, err := plivo.NewClient(d.srv.AuthID(), d.srv.AuthToken(), &plivo.ClientOptions{})
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	group, ctx := errgroup.WithContext(ctx)
	t.Cleanup(func() {
		stop()
		if err := group.Wait(); err != nil {
			t.Errorf("Run = %v, want nil", err)
		}
	})
	var handlers []http.Handler
	for _, store := range stores {
		flow, err := coaching.New(coaching.Config{
			Plivo: sdk, PublicURL: publicURL, Route: coaching.RingOnce(ann), Store: store, HTTPClient: d.srv.Client(),
			ReadLag: 50 * time.Millisecond, SweepInterval: time.Second,
		})
		if err != nil {
			t.Fatal(err)
		}
		d.flows = append(d.flows, flow)
		handlers = append(handlers, http.StripPrefix("/plivo", flow.Handler()))
		group.Go(func() error { return flow.Run(ctx) })
	}
	var turn atomic.Uint32
	d.srv.Mount("https://voice.example.com", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		handlers[int(turn.Add(1))%len(handlers)].ServeHTTP(w, r)
	}))
	d.srv.OnChange(func() { // every instant at which audio changed
		if !d.unheard.Load() {
			return
		}
		for _, leg := range d.srv.Legs() {
			if leg.To() == mia.Address && d.srv.Hears(d.customer, leg) {
				d.raisedByNone.Store(true)
			}
		}
	})
	return d
}

// first and last are the instances that verbs alternate between.
func (d *Duet) first() *coaching.Flow { return d.flows[0] }
func (d *Duet) last() *coaching.Flow  { return d.flows[len(d.flows)-1] }

// Connect has a customer call, and Ann answer.
func (d *Duet) Connect() {
	d.t.Helper()
	d.customer = d.srv.Dial("14155550123", hotline, nil)
	d.unheard.Store(true)
	d.until("Ann and the customer hear each other", func() bool {
		d.ann = d.srv.Phone(ann.Address, nil).Last()
		return d.ann != nil && d.srv.Hears(d.ann, d.customer) && d.srv.Hears(d.customer, d.ann)
	})
	d.call = coaching.CallID(d.ann.Headers()["X-PH-Callid"])
	d.until("all instances have the call", func() bool {
		for _, flow := range d.flows {
			c, err := flow.Call(d.t.Context(), d.call)
			if _, in := c.Agent(ann.ID); err != nil || !in || c.State != coaching.StateActive {
				return false
			}
		}
		return true
	})
}

// Barge has Mia coach Ann.
func (d *Duet) Barge() {
	d.t.Helper()
	d.do("Barge", func(ctx context.Context) error {
		_, err := d.last().Barge(ctx, d.call, mia, nil)
		return err
	})
	d.mia = d.srv.Phone(mia.Address, nil).Last()
	d.hears("customer: ann", "ann: customer mia", "mia: customer ann")
}

// TakeOver lets the customer hear Mia, and no more Ann.
func (d *Duet) TakeOver() {
	d.t.Helper()
	d.unheard.Store(false)
	d.do("TakeOver", func(ctx context.Context) error {
		_, err := d.first().TakeOver(ctx, d.call, mia, &coaching.TakeOverOptions{Agent: coaching.AgentMute})
		return err
	})
	d.hears("customer: mia", "ann: customer mia", "mia: customer")
}

// HandBack undoes TakeOver.
func (d *Duet) HandBack() {
	d.t.Helper()
	d.do("HandBack", func(ctx context.Context) error {
		_, err := d.last().HandBack(ctx, d.call, mia.ID, nil)
		return err
	})
	d.unheard.Store(true)
	d.hears("customer: ann", "ann: customer mia", "mia: customer ann")
}

// Adopted waits until the call, which the store had lost, is found again by
// asking Plivo (R18), with all who are in it.
func (d *Duet) Adopted() {
	d.t.Helper()
	d.until("the call is adopted", func() bool {
		for _, flow := range d.flows {
			c, err := flow.Call(d.t.Context(), d.call)
			if err != nil || c.State != coaching.StateActive || len(c.Participants) < 2 {
				return false
			}
		}
		return true
	})
}

// End ends the call, which all instances then have as ended.
func (d *Duet) End() {
	d.t.Helper()
	d.do("End", func(ctx context.Context) error { return d.first().End(ctx, d.call, nil) })
	d.until("the call has ended everywhere", func() bool {
		for _, flow := range d.flows {
			if c, err := flow.Call(d.t.Context(), d.call); err != nil || c.State != coaching.StateEnded {
				return false
			}
		}
		return d.customer.Listening() == "nothing"
	})
	if d.raisedByNone.Load() {
		d.t.Errorf("the customer has heard a supervisor whom nobody raised")
	}
}

// Finish has Mia coach, take over and hand back, and ends the call.
func (d *Duet) Finish() {
	d.t.Helper()
	d.Barge()
	d.TakeOver()
	d.HandBack()
	d.End()
}

func (d *Duet) do(verb string, f func(context.Context) error) {
	d.t.Helper()
	ctx, cancel := context.WithTimeout(d.t.Context(), 30*time.Second)
	defer cancel()
	if err := f(ctx); err != nil {
		d.t.Fatalf("%s = %v, want nil", verb, err)
	}
}

func (d *Duet) until(what string, ok func() bool) {
	d.t.Helper()
	ctx, cancel := context.WithTimeout(d.t.Context(), 30*time.Second)
	defer cancel()
	for !ok() {
		select {
		case <-ctx.Done():
			d.t.Fatalf("%s: not so within 30 s", what)
		case <-time.After(10 * time.Millisecond):
		}
	}
}

// hears compares who hears whom, a line such as "ann: customer mia" for each.
func (d *Duet) hears(want ...string) {
	d.t.Helper()
	names, legs := []string{"customer", "ann", "mia"}, []*plivotest.Leg{d.customer, d.ann, d.mia}
	var got []string
	for i, listener := range legs {
		line := names[i] + ":"
		for j, speaker := range legs {
			if i != j && d.srv.Hears(listener, speaker) {
				line += " " + names[j]
			}
		}
		got = append(got, line)
	}
	if g, w := strings.Join(got, "; "), strings.Join(want, "; "); g != w {
		d.t.Errorf("who hears whom is %s; want %s", fmt.Sprint(g), w)
	}
}
