package plivotest_test

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/mpc-coaching/coaching/plivotest"
)

// A customer waits, an agent is added by the Go SDK or any other client of
// Plivo's API, and they talk.
func Example() {
	srv := plivotest.NewServer(nil)
	defer srv.Close()
	srv.Mount("https://app.example", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprint(w, `<Response><MultiPartyCall role="Customer" startMpcOnEnter="false" stayAlone="true">room</MultiPartyCall></Response>`)
	}))
	srv.Number("14155550100", "https://app.example/answer")
	agent := srv.Phone("sip:agent1@phone.plivo.com", &plivotest.PhonePlan{After: 10 * time.Millisecond})

	customer := srv.Dial("14155550123", "14155550100", nil)
	srv.Wait(context.Background())
	fmt.Println("customer listens to", customer.Listening())

	req, _ := http.NewRequest("POST", "https://api.plivo.com/v1/Account/"+srv.AuthID()+"/MultiPartyCall/name_room/Participant/",
		strings.NewReader(`{"role":"Agent","from":"14155550123","to":"sip:agent1@phone.plivo.com"}`))
	req.SetBasicAuth(srv.AuthID(), srv.AuthToken())
	resp, err := srv.Client().Do(req)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(resp.Status)
	srv.Wait(context.Background())

	agent.Last().Say("Good morning")
	fmt.Println("customer heard", customer.Heard()[0].Text)
	// Output:
	// customer listens to wait music
	// 201 Created
	// customer heard Good morning
}

// The second request breaks after it took effect.
func ExampleServer_FailFunc() {
	srv := plivotest.NewServer(nil)
	defer srv.Close()
	srv.FailFunc(func(r plivotest.Request) *plivotest.Failure {
		if r.Op == "ListMPCs" && r.Nth == 2 {
			return &plivotest.Failure{CutAfter: true}
		}
		return nil
	})
	for range 3 {
		req, _ := http.NewRequest("GET", "https://api.plivo.com/v1/Account/"+srv.AuthID()+"/MultiPartyCall/", nil)
		req.SetBasicAuth(srv.AuthID(), srv.AuthToken())
		resp, err := srv.Client().Do(req)
		if err != nil {
			fmt.Println("cut")
			continue
		}
		fmt.Println(resp.StatusCode)
	}
	// Output:
	// 200
	// cut
	// 200
}

func ExampleSignV3() {
	fmt.Println(plivotest.SignV3("test_auth_token", "GET", "https://a.example/answer", nil, "12345"))
	// Output: gIZZQ3Xaz2mwFEc/imL9SUXEb2MKowrWlbMXc9JAlyA=
}

func ExampleParsePhone() {
	address, plan, err := plivotest.ParsePhone("sip:agent1@phone.plivo.com=answer:300ms")
	fmt.Println(address, plan.Action, plan.After, err)
	// Output: sip:agent1@phone.plivo.com answer 300ms <nil>
}
