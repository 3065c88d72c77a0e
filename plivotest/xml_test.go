package plivotest_test

import (
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/mpc-coaching/coaching/plivotest"
)

func TestXMLStrictness(t *testing.T) {
	mpc := func(attrs, name string) string {
		return `<Response><MultiPartyCall ` + attrs + `>` + name + `</MultiPartyCall></Response>`
	}
	for _, c := range []struct {
		name, doc string
		code      int // of the hang-up; 0: lives
		lenient   int // the same under LenientXML
	}{
		{"minimal", mpc(`role="Customer"`, "room"), 0, 0},
		{"lower-case role", mpc(`role="agent"`, "room"), 0, 0},
		{"name with blanks around", mpc(`role="Customer"`, "\n  room\n "), 0, 0},
		{"name with markup", mpc(`role="Customer"`, "a &lt;b&gt; &amp; c"), 0, 0},
		{"no role", mpc(``, "room"), 7031, 7031},
		{"no name", mpc(`role="Customer"`, " "), 7031, 7031},
		{"unknown role", mpc(`role="Boss"`, "room"), 7031, 7031},
		{"ai agent", mpc(`role="ai-agent"`, "room"), 7031, 7031},
		{"unknown attribute", mpc(`role="Customer" colour="red"`, "room"), 7031, 0},
		{"attribute in the wrong case", mpc(`role="Customer" startMPCOnEnter="true"`, "room"), 7031, 0},
		{"an SDK's spelling", mpc(`role="Customer" relayDtmfInputs="true"`, "room"), 7031, 0},
		{"the right spelling", mpc(`role="Customer" relayDTMFInputs="true"`, "room"), 0, 0},
		{"attribute only SDKs know", mpc(`role="Customer" waitTime="5"`, "room"), 0, 0},
		{"attribute twice", mpc(`role="Customer" role="Agent"`, "room"), 7031, 7031},
		{"boolean", mpc(`role="Customer" mute="yes"`, "room"), 7031, 7031},
		{"capital boolean", mpc(`role="Customer" mute="True"`, "room"), 7031, 7031},
		{"duration", mpc(`role="Customer" maxDuration="100"`, "room"), 7031, 7031},
		{"participants", mpc(`role="Customer" maxParticipants="20"`, "room"), 7031, 7031},
		{"sound", mpc(`role="Customer" enterSound="bell"`, "room"), 7031, 7031},
		{"sound URL", mpc(`role="Customer" enterSound="https://app.example/none"`, "room"), 0, 0},
		{"event group", mpc(`role="Customer" statusCallbackEvents="all"`, "room"), 7031, 7031},
		{"relative URL", mpc(`role="Customer" onExitActionUrl="/exit"`, "room"), 7031, 7031},
		{"one SDK's children", mpc(`role="Customer"`, "room<AgentHoldMusic><Play>x</Play></AgentHoldMusic>"), 0, 0},
		{"other children", mpc(`role="Customer"`, "room<Speak>x</Speak>"), 7031, 7031},
		{"element in the wrong case", `<Response><Multipartycall role="Customer">room</Multipartycall></Response>`, 7031, 7031},
		{"an unmodelled element", `<Response><Dial><Number>1</Number></Dial></Response>`, 7031, 7031},
		{"empty response", `<Response/>`, 4010, 4010},
		{"another root", `<Answer/>`, 7031, 7031},
		{"no document", ``, 7031, 7031},
		{"broken", `<Response><MultiPartyCall role="Customer">room</Response>`, 7031, 7031},
		{"two roots", `<Response/><Response/>`, 7031, 7031},
		{"text", `<Response>hello</Response>`, 7031, 7031},
		{"declaration and comment", `<?xml version="1.0" encoding="UTF-8"?><!-- hi -->` + mpc(`role="Customer"`, "room"), 0, 0},
		{"not UTF-8", "<Response><Speak>\xff</Speak></Response>", 7031, 7031},
		{"just fits", mpc(`role="Customer"`, "room"+strings.Repeat(" ", 100<<10-len(mpc(`role="Customer"`, "room")))), 0, 0},
		{"too large", mpc(`role="Customer"`, "room"+strings.Repeat(" ", 100<<10)), 7031, 7031},
		{"hang-up", `<Response><Hangup/></Response>`, 4000, 4000},
		{"hang-up reason", `<Response><Hangup reason="busy"/></Response>`, 3010, 3010},
		{"Play without URL", `<Response><Play>song.mp3</Play></Response>`, 7031, 7031},
		{"Speak's typo", `<Response><Speak Voice="WOMAN">hi</Speak></Response>`, 7031, 4010},
	} {
		for _, lenient := range []bool{false, true} {
			want := c.code
			if lenient {
				want = c.lenient
			}
			synctest.Test(t, func(t *testing.T) {
				b := newBench(t, &plivotest.Options{Switches: plivotest.Switches{LenientXML: lenient}})
				b.app.answer = c.doc
				l := b.call()
				time.Sleep(time.Minute)
				if got := l.HangupCause().Code; got != want {
					t.Errorf("%s, lenient %t: cause %+v, want %d", c.name, lenient, l.HangupCause(), want)
				}
			})
		}
	}
}

func TestXMLFlow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, nil)
		b.app.answer = `<Response><Speak>Hello</Speak><Play loop="2">https://cdn.example/a.mp3</Play><Wait length="3"/><Redirect>` + appURL + `/menu</Redirect></Response>`
		b.app.docs["/menu"] = `<Response><GetDigits action="` + appURL + `/chosen" numDigits="1"><Speak>Press one</Speak></GetDigits><Speak>Nothing pressed</Speak></Response>`
		b.app.docs["/chosen"] = mpcXML(customerXML)
		start := time.Now()
		l := b.call()
		if l.Listening() != "speak" {
			t.Errorf("at first: %q", l.Listening())
		}
		time.Sleep(2 * time.Second)
		if l.Listening() != "play" {
			t.Errorf("then: %q", l.Listening())
		}
		b.Until(t.Context(), func() bool { return len(b.app.all("/menu")) == 1 })
		if d := time.Since(start).Round(100 * time.Millisecond); d != 13300*time.Millisecond {
			t.Errorf("redirected after %v, want 13.3s", d)
		}
		time.Sleep(300 * time.Millisecond)
		l.Press("1")
		b.settle()
		if f := b.app.all("/chosen"); len(f) != 1 || f[0].form.Get("Digits") != "1" || l.MemberID() == "" {
			t.Errorf("chosen %v, member %q", f, l.MemberID())
		}
		lazy := b.Dial("14155550199", hotline, nil)
		time.Sleep(time.Minute)
		if c := lazy.HangupCause(); c.Code != 4010 || lazy.Sounds()[len(lazy.Sounds())-1].Name != "Nothing pressed" {
			t.Errorf("lazy caller: %+v %v", c, lazy.Sounds())
		}
	})
}

func TestAnswerURLFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, nil)
		b.app.status = func(received) int { return 503 }
		l := b.call()
		if c := l.HangupCause(); c.Code != 7011 || len(b.app.all("/answer")) != 2 {
			t.Errorf("cause %+v after %d requests, want 7011 after 2", c, len(b.app.all("/answer")))
		}
		tries := 0
		b.app.status = func(received) int { tries++; return map[bool]int{true: 503, false: 200}[tries == 1] }
		if l := b.call(); l.MemberID() == "" {
			t.Errorf("the retry did not help: %+v", l.HangupCause())
		}
	})
}

// FuzzXML lets arbitrary documents answer a call: the server must survive,
// and the call must end or be in an MPC or play something.
func FuzzXML(f *testing.F) {
	for _, s := range []string{
		mpcXML(customerXML), `<Response/>`, `<Response><Speak loop="0">x</Speak></Response>`, `<Response><GetDigits/></Response>`,
		`<Response><Wait length="9"/><Hangup schedule="1"/></Response>`, `<!DOCTYPE x [<!ENTITY a "b">]><Response><Speak>&a;</Speak></Response>`,
		`<Response xmlns="urn:x"><x:Play xmlns:x="urn:y">https://a.example/</x:Play></Response>`, "\x00",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, doc string) {
		synctest.Test(t, func(t *testing.T) {
			b := newBench(t, &plivotest.Options{HTTPClient: &http.Client{Transport: refuser{}}})
			b.app.answer = doc
			b.app.docs["/exit"] = doc
			l := b.Dial(caller, hotline, nil)
			time.Sleep(time.Second)
			if l.State() == plivotest.InProgress && l.MemberID() == "" && l.Listening() == "nothing" {
				t.Errorf("%q leaves the call in limbo", doc)
			}
			if c := l.HangupCause(); l.State() == plivotest.Ended && c.Name == "" {
				t.Errorf("%q ends the call without a cause", doc)
			}
			l.Hangup()
		})
	})
}
