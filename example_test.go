package coaching_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"time"

	"github.com/plivo/plivo-go/v7"

	"github.com/mpc-coaching/coaching"
	"github.com/mpc-coaching/coaching/plivotest"
)

// The examples play in an office on the emulator: Ann takes calls, Lee
// supervises, and a customer talks with Ann when an example begins.
type office struct {
	srv      *plivotest.Server
	flow     *coaching.Flow
	call     coaching.CallID
	customer *plivotest.Leg
	close    func()
}

func newOffice() *office {
	srv := plivotest.NewServer(&plivotest.Options{CPS: -1})
	sdk, err := plivo.NewClient(srv.AuthID(), srv.AuthToken(), &plivo.ClientOptions{})
	if err != nil {
		panic(err)
	}
	flow, err := coaching.New(coaching.Config{
		Plivo: sdk, PublicURL: "https://voice.example.com/plivo", HTTPClient: srv.Client(), ReadLag: time.Millisecond,
		Route: coaching.RingOnce(coaching.Agent{ID: "ann", Address: "sip:ann@phone.plivo.com"}),
	})
	if err != nil {
		panic(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- flow.Run(ctx) }()

	srv.Mount("https://voice.example.com/plivo", flow.Handler())
	srv.Number("14155550100", "https://voice.example.com/plivo/answer")
	srv.Number("sip:lee@phone.plivo.com", "https://voice.example.com/plivo/supervisor")
	for _, address := range []string{"sip:ann@phone.plivo.com", "sip:lee@phone.plivo.com"} {
		srv.Phone(address, &plivotest.PhonePlan{After: 10 * time.Millisecond})
	}
	o := &office{srv: srv, flow: flow, customer: srv.Dial("14155550123", "14155550100", nil)}
	o.close = func() {
		cancel()
		<-done
		srv.Close()
	}
	reached := func(c coaching.Call) bool { return len(c.Attempts) > 0 && c.Attempts[0].Reached == "ann" }
	for start := time.Now(); o.call == ""; {
		if time.Since(start) > 10*time.Second {
			panic("nobody reached the customer")
		}
		for c := range flow.Calls(ctx, coaching.CallFilter{}) {
			if reached(c) {
				o.call = c.ID
			}
		}
		time.Sleep(5 * time.Millisecond)
	}
	return o
}

// says lets a phone speak and returns who heard it.
func (o *office) says(phone string) (ears string) {
	o.srv.Phone(phone, nil).Last().Say("hello")
	for _, l := range o.srv.Legs() {
		if h := l.Heard(); len(h) > 0 && h[len(h)-1].FromAddress == phone && l.State() == plivotest.InProgress {
			ears += l.Phone().Address() + " "
		}
	}
	return ears
}

// Ann asks for help. Lee's phone rings; once the verb returns, he is in, and
// only Ann hears him.
func ExampleFlow_AddSupervisor() {
	o := newOffice()
	defer o.close()
	lee := coaching.Supervisor{ID: "lee", Address: "sip:lee@phone.plivo.com"}

	sup, err := o.flow.AddSupervisor(context.Background(), o.call, lee, nil)
	fmt.Println(err, sup.State, sup.Mode, "audible to the customer:", sup.Audible)
	fmt.Println("Lee is heard by", o.says("sip:lee@phone.plivo.com"))
	// Output:
	// <nil> joined coach audible to the customer: false
	// Lee is heard by sip:ann@phone.plivo.com
}

// Lee comes by himself and only listens; then he begins to coach.
func ExampleFlow_Barge() {
	o := newOffice()
	defer o.close()
	lee := coaching.Supervisor{ID: "lee", Address: "sip:lee@phone.plivo.com"}
	ctx := context.Background()

	sup, err := o.flow.Barge(ctx, o.call, lee, &coaching.JoinOptions{Mode: coaching.ModeMonitor})
	fmt.Println(err, sup.Mode)
	fmt.Println(o.flow.SetMode(ctx, o.call, "lee", coaching.ModeCoach))
	// Output:
	// <nil> monitor
	// <nil>
}

// Lee dials in from his own phone. The ticket travels in a SIP header, as
// X-PH-Ticket, and lets him in once.
func ExampleFlow_Ticket() {
	o := newOffice()
	defer o.close()
	lee := coaching.Supervisor{ID: "lee", Address: "sip:lee@phone.plivo.com"}
	ctx := context.Background()

	ticket, err := o.flow.Ticket(ctx, o.call, lee, &coaching.TicketOptions{TTL: 30 * time.Second})
	fmt.Println(err, ticket.Value) // a Secret does not print

	changes := o.flow.Watch(ctx, &coaching.WatchOptions{Call: o.call})
	name, value := ticket.Header() // for the softphone
	o.srv.Dial("sip:lee@phone.plivo.com", "14155550100", map[string]string{name: value})
	for ch := range changes {
		if sup, _ := ch.Call.Supervision("lee"); sup.State == coaching.SupervisionJoined {
			fmt.Println("Lee is in")
			break
		}
	}
	// Output:
	// <nil> [redacted]
	// Lee is in
}

// Lee takes the call over and Ann is muted; then he gives it back.
func ExampleFlow_TakeOver() {
	o := newOffice()
	defer o.close()
	lee := coaching.Supervisor{ID: "lee", Address: "sip:lee@phone.plivo.com"}
	ctx := context.Background()

	sup, err := o.flow.TakeOver(ctx, o.call, lee, &coaching.TakeOverOptions{Agent: coaching.AgentMute})
	fmt.Println(err, sup.Mode, "audible to the customer:", sup.Audible)
	fmt.Printf("Ann is heard by %q\n", o.says("sip:ann@phone.plivo.com"))

	sup, err = o.flow.HandBack(ctx, o.call, "lee", nil)
	fmt.Println(err, sup.Mode, "audible to the customer:", sup.Audible)
	// Output:
	// <nil> open audible to the customer: true
	// Ann is heard by ""
	// <nil> coach audible to the customer: false
}

// A removed agent is rung again, or another in their place.
func ExampleFlow_HandBack() {
	o := newOffice()
	defer o.close()
	lee := coaching.Supervisor{ID: "lee", Address: "sip:lee@phone.plivo.com"}
	ctx := context.Background()
	o.srv.Phone("sip:bob@phone.plivo.com", &plivotest.PhonePlan{After: 10 * time.Millisecond})

	_, err := o.flow.TakeOver(ctx, o.call, lee, &coaching.TakeOverOptions{Agent: coaching.AgentRemove})
	fmt.Println(err)
	_, err = o.flow.HandBack(ctx, o.call, "lee", &coaching.HandBackOptions{To: []coaching.Agent{{ID: "bob", Address: "sip:bob@phone.plivo.com"}}})
	call, _ := o.flow.Call(ctx, o.call)
	_, isIn := call.Agent("bob")
	fmt.Println(err, "Bob is in:", isIn)
	// Output:
	// <nil>
	// <nil> Bob is in: true
}

// A desktop follows one call. The subscription begins with Watch, so nothing
// that happens afterwards is missed.
func ExampleFlow_Watch() {
	o := newOffice()
	defer o.close()
	lee := coaching.Supervisor{ID: "lee", Address: "sip:lee@phone.plivo.com"}
	ctx := context.Background()

	changes := o.flow.Watch(ctx, &coaching.WatchOptions{Call: o.call})
	go o.flow.Barge(ctx, o.call, lee, nil)
	for ch, err := range changes {
		if err != nil {
			fmt.Println(err)
			return
		}
		if sup, ok := ch.Call.Supervision("lee"); ok && sup.Mode == coaching.ModeCoach {
			fmt.Println("Lee coaches")
			break
		}
	}
	// Output:
	// Lee coaches
}

// The handler is an http.Handler of relative paths: mount it where PublicURL
// leads. What Plivo did not sign gets nowhere.
func ExampleFlow_Handler() {
	sdk, err := plivo.NewClient("MAXXXXXXXXXXXXXXXXXX", "auth token", &plivo.ClientOptions{})
	if err != nil {
		fmt.Println(err)
		return
	}
	flow, err := coaching.New(coaching.Config{
		Plivo:     sdk,
		PublicURL: "https://voice.example.com/plivo",
		Route:     coaching.RingOnce(coaching.Agent{ID: "ann", Address: "+14155550111"}),
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	mux := http.NewServeMux()
	mux.Handle("/plivo/", http.StripPrefix("/plivo", flow.Handler()))

	w := httptest.NewRecorder()
	mux.ServeHTTP(w, httptest.NewRequest("POST", "/plivo/answer", nil))
	fmt.Println(w.Code)
	// Output:
	// 403
}

// Every missing or malformed field is named at once.
func ExampleNew() {
	_, err := coaching.New(coaching.Config{PublicURL: "voice.example.com", RingTime: time.Second})
	fmt.Println(err)
	// Output:
	// coaching: New: Plivo is required; Route is required; PublicURL must be an absolute http or https URL without query, fragment and user; RingTime must be from 5s to 2m0s: invalid argument
}

// For webhooks of Plivo's that this package does not serve, such as messages.
func ExampleVerifySignature() {
	const token, public = "auth token", "https://voice.example.com/messages"
	handler := func(w http.ResponseWriter, r *http.Request) {
		if err := r.ParseForm(); err != nil {
			http.Error(w, "bad form", http.StatusBadRequest)
			return
		}
		err := coaching.VerifySignature(r.Method, public+"?"+r.URL.RawQuery, r.PostForm,
			r.Header.Get("X-Plivo-Signature-V3-Nonce"), r.Header.Get("X-Plivo-Signature-V3"), token)
		w.WriteHeader(coaching.HTTPStatus(err))
	}

	r := httptest.NewRequest("POST", "/messages", nil)
	r.Header.Set("X-Plivo-Signature-V3-Nonce", "12345")
	r.Header.Set("X-Plivo-Signature-V3", plivotest.SignV3(token, "POST", public, nil, "12345"))
	for range 2 {
		w := httptest.NewRecorder()
		handler(w, r)
		fmt.Println(w.Code)
		r.Header.Set("X-Plivo-Signature-V3-Nonce", "12346")
	}
	// Output:
	// 200
	// 403
}

func ExampleParseEvent() {
	form, err := url.ParseQuery("EventName=ParticipantJoin&MPCUUID=c5712c9f-2e3f-48ec-afbb-075f424ddc44&MPCName=room1" +
		"&MemberID=209&ParticipantRole=supervisor&ParticipantCoachMode=true")
	if err != nil {
		fmt.Println(err)
		return
	}
	event, err := coaching.ParseEvent(form)
	switch e := event.(type) {
	case coaching.ParticipantJoined:
		fmt.Println(e.MPCName, e.MemberID, e.Role, *e.CoachMode)
	case nil:
		fmt.Println(err)
	default: // later versions know more events
	}
	// Output:
	// room1 209 supervisor true
}

// A Document is an http.Handler too.
func ExampleNewDocument() {
	yes, no := true, false
	doc, err := coaching.NewDocument(
		coaching.MultiPartyCall{Name: "room1", Role: coaching.RoleCustomer, StartMPCOnEnter: &no, EndMPCOnExit: &yes},
		coaching.Speak{Text: "Thank you & goodbye."},
		coaching.Hangup{},
	)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Print(doc)
	// Output:
	// <?xml version="1.0" encoding="UTF-8"?>
	// <Response><MultiPartyCall role="Customer" startMpcOnEnter="false" endMpcOnExit="true">room1</MultiPartyCall><Speak>Thank you &amp; goodbye.</Speak><Hangup/></Response>
}

// The client reaches whatever the Flow does not: here, a recording.
func ExampleClient() {
	o := newOffice()
	defer o.close()
	ctx := context.Background()
	sdk, err := plivo.NewClient(o.srv.AuthID(), o.srv.AuthToken(), &plivo.ClientOptions{})
	if err != nil {
		fmt.Println(err)
		return
	}
	client := coaching.NewClient(sdk, o.srv.Client())

	mpc, err := client.MPC(ctx, coaching.ByName(o.call))
	fmt.Println(err, mpc.Status)
	_, err = client.StartRecording(ctx, coaching.ByUUID(mpc.UUID), nil)
	fmt.Println(err)
	err = client.StopSpeaking(ctx, coaching.ByUUID(mpc.UUID), "7")
	fmt.Println(coaching.HTTPStatus(err))
	// Output:
	// <nil> active
	// <nil>
	// 404
}
