package plivotest_test

import (
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/mpc-coaching/coaching/plivotest"
)

// statuses returns the CallStatus values sent for a leg, and the last form.
func (b *bench) legStatuses(uuid string) (got []string, last received) {
	for _, r := range b.app.all("/leg") {
		if r.form.Get("CallUUID") == uuid {
			got, last = append(got, r.form.Get("CallStatus")), r
		}
	}
	return got, last
}

func TestDialOutcomes(t *testing.T) {
	sec := time.Second
	for _, c := range []struct {
		name     string
		plan     *plivotest.PhonePlan // nil: no phone there
		to       string
		fields   map[string]any
		joins    bool
		statuses []string
		code     int
		lasts    time.Duration // from ringing, for those that do not join
	}{
		{"answers", &plivotest.PhonePlan{After: 2 * sec}, agentSIP, nil, true, []string{"ringing", "in-progress"}, 0, 0},
		{"busy", &plivotest.PhonePlan{Action: plivotest.Busy}, agentSIP, nil, false, []string{"ringing", "busy"}, 3010, 0},
		{"rejects", &plivotest.PhonePlan{Action: plivotest.Reject, After: 3 * sec}, agentSIP, nil, false, []string{"ringing", "busy"}, 3020, 3 * sec},
		{"network gives up", &plivotest.PhonePlan{Action: plivotest.NoAnswer, After: 20 * sec}, agentSIP, nil, false, []string{"ringing", "no-answer"}, 3000, 20 * sec},
		{"ring time-out", &plivotest.PhonePlan{Action: plivotest.NoAnswer}, agentSIP, map[string]any{"ring_timeout": 15}, false, []string{"ringing", "timeout"}, 6010, 15 * sec},
		{"default ring time-out", &plivotest.PhonePlan{Action: plivotest.NoAnswer}, agentSIP, nil, false, []string{"ringing", "timeout"}, 6010, 45 * sec},
		{"unregistered", &plivotest.PhonePlan{Action: plivotest.Unregistered}, agentSIP, nil, false, []string{"failed"}, 2020, 0},
		{"unknown endpoint", nil, "sip:nobody@phone.plivo.com", nil, false, []string{"failed"}, 2020, 0},
		{"unknown number rings out", nil, "15550000009", map[string]any{"ring_timeout": 5}, false, []string{"ringing", "timeout"}, 6010, 5 * sec},
		{"confirm key", &plivotest.PhonePlan{PressKey: "1"}, agentSIP, map[string]any{"confirm_key": "1"}, true, []string{"ringing", "in-progress"}, 0, 0},
		{"wrong confirm key", &plivotest.PhonePlan{PressKey: "2"}, agentSIP, map[string]any{"confirm_key": "1"}, false, []string{"ringing", "in-progress", "completed"}, 9110, 1500 * time.Millisecond},
		{"voicemail", &plivotest.PhonePlan{}, agentSIP, map[string]any{"confirm_key": "1"}, false, []string{"ringing", "in-progress", "completed"}, 9110, 11 * sec},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newBench(t, nil)
				cust := b.call()
				if c.plan != nil {
					b.Phone(c.to, c.plan)
				}
				body := map[string]any{"role": "Agent", "to": c.to, "call_status_callback_url": appURL + "/leg"}
				for k, v := range c.fields {
					body[k] = v
				}
				start := time.Now()
				out := b.add(body)
				uuid := out["request_uuid"].(string)
				l := b.Leg(uuid)
				got, last := b.legStatuses(uuid)
				if !slices.Equal(got, c.statuses) {
					t.Errorf("statuses %v, want %v", got, c.statuses)
				}
				if (l.MemberID() != "") != c.joins {
					t.Errorf("member %q, want one: %t", l.MemberID(), c.joins)
				}
				if l.HangupCause().Code != c.code {
					t.Errorf("cause %+v, want %d", l.HangupCause(), c.code)
				}
				if !c.joins {
					if d := time.Since(start); d < c.lasts || d > c.lasts+100*time.Millisecond {
						t.Errorf("took %v, want %v", d, c.lasts)
					}
					if last.form.Get("HangupCauseCode") == "" || last.form.Get("RequestUUID") != uuid {
						t.Errorf("final leg callback %v", last.form)
					}
				}
				if cust.MPCUUID() == "" {
					t.Error("the customer is gone")
				}
			})
		})
	}
}

func TestLostRace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, &plivotest.Options{CPS: -1})
		b.call()
		slow := b.Phone(agentSIP, &plivotest.PhonePlan{After: 5 * time.Second})
		fast := b.Phone("15550000002", &plivotest.PhonePlan{After: 2 * time.Second})
		b.add(map[string]any{"role": "Agent", "to": agentSIP + "<15550000002<15550000003", "delay_dial": "0<0<30", "call_status_callback_url": appURL + "/leg"})
		if fast.Last().MemberID() == "" || slow.Last().HangupCause().Code != 9000 {
			t.Errorf("fast in %q, slow %+v", fast.Last().MemberID(), slow.Last().HangupCause())
		}
		if got, _ := b.legStatuses(slow.Last().UUID()); !slices.Equal(got, []string{"ringing", "cancel"}) {
			t.Errorf("loser's statuses %v", got)
		}
	})
}

func TestDialQueue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, nil) // two a second
		b.call()
		start := time.Now()
		var rang []time.Duration
		for _, to := range []string{"15550000001", "15550000002", "15550000003", "15550000004"} {
			b.Phone(to, &plivotest.PhonePlan{Action: plivotest.Busy})
			b.rest("POST", "MultiPartyCall/name_room/Participant/", map[string]any{"role": "Agent", "from": caller, "to": to, "call_status_callback_url": appURL + "/leg"})
		}
		b.settle()
		for _, r := range b.app.all("/leg") {
			if r.form.Get("CallStatus") == "ringing" {
				rang = append(rang, r.at.Sub(start).Round(10*time.Millisecond))
			}
		}
		if want := []time.Duration{0, 500 * time.Millisecond, time.Second, 1500 * time.Millisecond}; len(rang) != 4 || rang[3] < want[3] || rang[3] > want[3]+50*time.Millisecond {
			t.Errorf("rang at %v, want about %v", rang, want)
		}
	})
}

func TestDelayDialHoldsNobodyUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, nil)
		b.call()
		b.Phone(agentSIP, nil)
		b.rest("POST", "MultiPartyCall/name_room/Participant/", map[string]any{"role": "Agent", "from": caller, "to": "15550000001", "delay_dial": 60})
		start := time.Now()
		p := b.Phone(agentSIP, nil)
		b.rest("POST", "MultiPartyCall/name_room/Participant/", map[string]any{"role": "Agent", "from": caller, "to": agentSIP})
		b.Until(t.Context(), func() bool { return p.Last() != nil && p.Last().MemberID() != "" })
		if d := time.Since(start); d > 2*time.Second {
			t.Errorf("joined after %v", d)
		}
	})
}

func TestManualPhone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, nil)
		b.call()
		p := b.Phone(agentSIP, &plivotest.PhonePlan{Action: plivotest.Manual})
		b.add(map[string]any{"role": "Agent", "to": agentSIP})
		if p.Last().State() != plivotest.Ringing {
			t.Fatalf("state %s, want ringing", p.Last().State())
		}
		if l := p.Answer(); l != p.Last() || l.MemberID() == "" {
			t.Errorf("Answer() = %v", l)
		}
		if l := p.Answer(); l != nil {
			t.Errorf("second Answer() = %v, want nil", l)
		}
		b.add(map[string]any{"role": "Agent", "to": agentSIP})
		if l := p.Reject(); l == nil || l.HangupCause().Code != 3020 {
			t.Errorf("Reject() = %v", l)
		}
		b.add(map[string]any{"role": "Agent", "to": agentSIP})
		p.Last().Hangup()
		if c := p.Last().HangupCause(); c.Code != 3020 || len(p.Calls()) != 3 {
			t.Errorf("hang-up of a ringing phone: %+v, %d calls", c, len(p.Calls()))
		}
	})
}

func TestBusyInCall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, nil)
		b.call()
		p := b.Phone(agentSIP, &plivotest.PhonePlan{BusyInCall: true, HangupAfter: time.Minute})
		b.add(map[string]any{"role": "Agent", "to": agentSIP})
		b.add(map[string]any{"role": "Agent", "to": agentSIP})
		if calls := p.Calls(); calls[1].HangupCause().Code != 3010 || calls[0].MemberID() == "" {
			t.Errorf("second call %+v", calls[1].HangupCause())
		}
		time.Sleep(2 * time.Minute)
		if c := p.Calls()[0].HangupCause(); c.Code != 4000 || c.Source != "Callee" {
			t.Errorf("after HangupAfter: %+v", c)
		}
	})
}

func TestTransfer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, nil)
		b.app.answer = `<Response><Wait length="600"/></Response>`
		l := b.call()
		status, out := b.rest("POST", "MultiPartyCall/name_room/Participant/", map[string]any{"role": "Customer", "call_uuid": l.UUID(), "start_mpc_on_enter": false})
		if status != 201 || l.MemberID() == "" || out["calls"] == nil {
			t.Fatalf("transfer = %d %v", status, out)
		}
		room := l.MPCUUID()
		status, _ = b.rest("POST", "MultiPartyCall/name_hall/Participant/", map[string]any{"role": "Customer", "call_uuid": l.UUID()})
		if status != 201 || l.MPCUUID() == room {
			t.Errorf("second transfer = %d", status)
		}
		if p := b.MPCs()[0].Participants[0]; p.ExitCause != "Participant Call Transferred" {
			t.Errorf("first stay ended by %q", p.ExitCause)
		}
		if status, _ := b.rest("POST", "MultiPartyCall/name_hall/Participant/", map[string]any{"role": "Customer", "call_uuid": "nobody"}); status != 404 {
			t.Errorf("unknown call = %d, want 404", status)
		}
		b.rest("DELETE", "MultiPartyCall/name_hall/", nil)
		if c := l.HangupCause(); c.Code != 4020 || c.Source != "API Request" {
			t.Errorf("after the end: %+v", c)
		}
	})
}

func TestCallOperations(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, &plivotest.Options{Switches: plivotest.Switches{HangupCauseDelay: time.Minute}})
		cust := b.call()
		p := b.Phone(agentSIP, &plivotest.PhonePlan{Action: plivotest.Manual})
		b.add(map[string]any{"role": "Agent", "to": agentSIP})
		if status, _ := b.rest("DELETE", "Call/"+p.Last().UUID()+"/", nil); status != 204 || p.Last().HangupCause().Code != 1000 {
			t.Errorf("hang-up of a ringing leg: %d %+v", status, p.Last().HangupCause())
		}
		out := b.add(map[string]any{"role": "Agent", "to": agentSIP})
		if status, _ := b.rest("DELETE", "Request/"+out["request_uuid"].(string)+"/", nil); status != 204 || p.Last().CallStatus() != "cancel" {
			t.Errorf("cancel: %d %s", status, p.Last().CallStatus())
		}
		uuid := p.Last().UUID()
		_, c := b.rest("GET", "Call/"+uuid+"/", nil)
		wantFields(t, c, map[string]any{"hangup_cause_code": nil, "hangup_source": nil})
		time.Sleep(time.Minute)
		_, c = b.rest("GET", "Call/"+uuid+"/", nil)
		wantFields(t, c, map[string]any{"hangup_cause_code": 1000.0, "hangup_cause_name": "Canceled", "hangup_source": "API Request", "call_direction": "outbound"})

		b.add(map[string]any{"role": "Agent", "to": agentSIP})
		p.Answer()
		if status, _ := b.rest("DELETE", "Call//", nil); status != 204 {
			t.Errorf("hang-up without id = %d", status)
		}
		b.settle()
		for _, l := range []*plivotest.Leg{cust, p.Last()} {
			if l.State() != plivotest.Ended || l.HangupCause().Name != "Unknown" && l.HangupCause().Code != 4020 {
				t.Errorf("%s: %s %+v, want ended", l.Phone().Address(), l.State(), l.HangupCause())
			}
		}
	})
}

func TestSIPHeaders(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, nil)
		long := "A23456789012345678901234567890"
		l := b.Dial("sip:lee@phone.plivo.com", hotline, map[string]string{
			"Ticket": "abc123%", "X-PH-Other": "1", "call-id": "x", "CallID": "x", "Bad": "a b", long: "x", "Twiliox": "x", "Empty": "",
		})
		b.settle()
		f := b.app.all("/answer")[0].form
		for k, want := range map[string]string{"X-PH-Ticket": "abc123%", "X-PH-Other": "1", "X-PH-call-id": "", "X-PH-CallID": "", "X-PH-Bad": "", "X-PH-" + long: "", "X-PH-Twiliox": "",
			"From": "sip:lee@phone.plivo.com", "To": hotline, "Direction": "inbound", "Event": "StartApp", "CallStatus": "ringing", "CallUUID": l.UUID()} {
			if got := f.Get(k); got != want {
				t.Errorf("%s = %q, want %q", k, got, want)
			}
		}
		if f.Get("SIP-H-To") == "" || len(l.Headers()) != 2 {
			t.Errorf("SIP-H-To %q, headers %v", f.Get("SIP-H-To"), l.Headers())
		}
	})
}

func TestUnknownNumber(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, nil)
		l := b.Dial(caller, "19999999999", nil)
		b.settle()
		if c := l.HangupCause(); c.Code != 2000 {
			t.Errorf("cause %+v, want 2000", c)
		}
		b.Number("sip:lee@phone.plivo.com", appURL+"/answer") // an endpoint's application
		if l := b.Dial("sip:lee@phone.plivo.com", "anything", nil); func() bool { b.settle(); return l.MemberID() == "" }() {
			t.Errorf("the endpoint's application did not answer: %+v", l.HangupCause())
		}
	})
}

func TestParsePhone(t *testing.T) {
	for _, c := range []struct {
		spec, address string
		plan          plivotest.PhonePlan
		ok            bool
	}{
		{"sip:agent1@phone.plivo.com=answer:300ms", "sip:agent1@phone.plivo.com", plivotest.PhonePlan{After: 300 * time.Millisecond}, true},
		{"+14155550100=noanswer", "14155550100", plivotest.PhonePlan{Action: plivotest.NoAnswer}, true},
		{"14155550100=busy", "14155550100", plivotest.PhonePlan{Action: plivotest.Busy}, true},
		{"14155550100=reject:2s", "14155550100", plivotest.PhonePlan{Action: plivotest.Reject, After: 2 * time.Second}, true},
		{"14155550100", "", plivotest.PhonePlan{}, false},
		{"14155550100=sleep", "", plivotest.PhonePlan{}, false},
		{"14155550100=answer:soon", "", plivotest.PhonePlan{}, false},
		{"14155550100=answer:-1s", "", plivotest.PhonePlan{}, false},
		{"bob=answer", "", plivotest.PhonePlan{}, false},
	} {
		address, plan, err := plivotest.ParsePhone(c.spec)
		if (err == nil) != c.ok || c.ok && (address != c.address || plan != c.plan) {
			t.Errorf("ParsePhone(%q) = %q, %+v, %v", c.spec, address, plan, err)
		}
	}
}
