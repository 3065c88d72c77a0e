package console_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"time"

	"github.com/plivo/plivo-go/v7"

	"github.com/mpc-coaching/coaching"
	"github.com/mpc-coaching/coaching/console"
	"github.com/mpc-coaching/coaching/plivotest"
)

// Lee supervises Ann. His page shows her call, and a POST brings him in.
func Example() {
	shop := newShop()
	defer shop.close()
	desk, err := console.New(console.Config{
		Flow: shop.flow, // made with Authorize
		Identify: func(r *http.Request) (coaching.Actor, error) { // your session's user
			return coaching.Actor{ID: r.Header.Get("X-User"), Role: "supervisor"}, nil
		},
	})
	if err != nil {
		panic(err)
	}
	mux := http.NewServeMux()
	mux.Handle("/desk/", http.StripPrefix("/desk", desk))
	server := httptest.NewServer(mux)
	defer server.Close()
	defer desk.Close()

	stream := as("lee", "GET", server.URL+"/desk/api/stream", "")
	defer stream.Body.Close()
	events := bufio.NewScanner(stream.Body)
	for events.Scan() && !strings.HasPrefix(events.Text(), "event") {
	}
	fmt.Println(events.Text())

	barge := as("lee", "POST", server.URL+"/desk/api/calls/"+string(shop.call)+"/barge", `{"supervisor":"lee"}`)
	defer barge.Body.Close()
	body, _ := io.ReadAll(barge.Body)
	fmt.Println(barge.Status, strings.Contains(string(body), `"mode":"coach"`))

	other := as("mia", "GET", server.URL+"/desk/api/calls/"+string(shop.call), "")
	defer other.Body.Close()
	body, _ = io.ReadAll(other.Body)
	fmt.Println(string(body))
	// Output:
	// event: snapshot
	// 200 OK true
	// {"type":"urn:coaching:problem:denied","title":"That is not allowed","status":403,"detail":"the actor may not do this"}
}

func as(user, method, url, body string) *http.Response {
	r, err := http.NewRequest(method, url, strings.NewReader(body))
	if err != nil {
		panic(err)
	}
	r.Header.Set("X-User", user)
	r.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		panic(err)
	}
	return resp
}

// A shop is where the example plays: a customer talks with Ann.
type shop struct {
	flow  *coaching.Flow
	call  coaching.CallID
	close func()
}

func newShop() *shop {
	srv := plivotest.NewServer(&plivotest.Options{CPS: -1})
	sdk, err := plivo.NewClient(srv.AuthID(), srv.AuthToken(), &plivo.ClientOptions{})
	if err != nil {
		panic(err)
	}
	flow, err := coaching.New(coaching.Config{
		Plivo: sdk, PublicURL: publicURL, HTTPClient: srv.Client(), ReadLag: time.Millisecond,
		Route:     coaching.RingOnce(coaching.Agent{ID: "ann", Address: ann}),
		Directory: directory, Authorize: policy,
	})
	if err != nil {
		panic(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- flow.Run(ctx) }()
	srv.Mount(publicURL, flow.Handler())
	srv.Number(hotline, publicURL+"/answer")
	srv.Phone(ann, &plivotest.PhonePlan{After: 10 * time.Millisecond})
	srv.Phone(lee, &plivotest.PhonePlan{After: 10 * time.Millisecond})
	srv.Dial(caller, hotline, nil)
	s := &shop{flow: flow, close: func() { cancel(); <-done; srv.Close() }}
	for start := time.Now(); s.call == ""; time.Sleep(5 * time.Millisecond) {
		if time.Since(start) > 10*time.Second {
			panic("nobody reached the customer")
		}
		for c := range flow.Calls(coaching.AsHost(ctx), coaching.CallFilter{}) {
			if len(c.Attempts) > 0 && c.Attempts[0].Reached == "ann" {
				s.call = c.ID
			}
		}
	}
	return s
}
