package console_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/mpc-coaching/coaching/plivotest"
)

// The scenarios, by HTTP alone: who hears whom is the emulator's word.
func TestVerbs(t *testing.T) {
	bubble(t, func(t *testing.T) {
		o := open(t)
		customer, agent, id := o.connected()
		path := "/api/calls/" + string(id) + "/"
		legs := func() map[string]*plivotest.Leg {
			m := map[string]*plivotest.Leg{"customer": customer, "ann": agent}
			if l := o.srv.Phone(lee, nil).Last(); l != nil {
				m["lee"] = l
			}
			return m
		}
		hears := func(when string, want ...string) {
			t.Helper()
			var got []string
			for l, ll := range legs() {
				for s, sl := range legs() {
					if l != s && o.srv.Hears(ll, sl) {
						got = append(got, l+"<-"+s)
					}
				}
			}
			slices.Sort(got)
			slices.Sort(want)
			if !slices.Equal(got, want) {
				t.Errorf("%s: %v, want %v", when, got, want)
			}
		}
		type supervision struct {
			Supervision struct {
				ID, State, Mode, Agent string
				Audible                bool
				TookOver               bool                `json:"took_over"`
				AskedBy                struct{ ID string } `json:"asked_by"`
			}
		}
		do := func(as, verb, body string, state, mode string) {
			t.Helper()
			var got supervision
			p := o.want(ask{as: as, path: path + verb, body: body}, 200, "")
			p.into(t, &got)
			if s := got.Supervision; s.ID != "lee" || s.State != state || s.Mode != mode {
				t.Errorf("%s = %s, want lee %s %s", verb, p.body, state, mode)
			}
		}
		hears("connected", "customer<-ann", "ann<-customer")
		do("agent:ann", "add-supervisor", `{"supervisor":"lee","mode":"monitor","ring_seconds":20,"no_wait":true}`, "ringing", "")
		do("agent:ann", "await", `{"supervisor":"lee"}`, "joined", "monitor")
		hears("monitoring", "customer<-ann", "ann<-customer", "lee<-ann", "lee<-customer")
		do("supervisor:lee", "set-mode", `{"supervisor":"lee","mode":"coach"}`, "joined", "coach")
		hears("coaching", "customer<-ann", "ann<-customer", "lee<-ann", "lee<-customer", "ann<-lee")
		time.Sleep(5 * time.Second)
		do("supervisor:lee", "take-over", `{"supervisor":"lee","agent":"mute"}`, "joined", "open")
		hears("taken over", "customer<-lee", "ann<-customer", "lee<-customer", "ann<-lee")
		time.Sleep(5 * time.Second)
		do("supervisor:lee", "hand-back", `{"supervisor":"lee","mode":"monitor"}`, "joined", "monitor")
		hears("handed back", "customer<-ann", "ann<-customer", "lee<-ann", "lee<-customer")
		o.want(ask{as: "supervisor:lee", path: path + "leave", body: `{"supervisor":"lee"}`}, 204, "")
		hears("left", "customer<-ann", "ann<-customer")
		o.want(ask{as: "agent:ann", path: path + "hold", body: `{"member":"` + customer.MemberID() + `"}`}, 204, "")
		hears("on hold")
		o.want(ask{as: "agent:ann", path: path + "resume", body: `{"member":"` + customer.MemberID() + `"}`}, 204, "")
		o.want(ask{as: "agent:ann", path: path + "transfer", body: `{"agents":["bob"],"ring_seconds":20}`}, 204, "")
		if b := o.srv.Phone(bob, nil).Last(); b == nil || !o.srv.Hears(customer, b) || o.srv.Hears(customer, agent) {
			t.Error("after a transfer the customer does not hear Bob alone")
		}
		o.want(ask{as: "supervisor:mia", path: path + "end", body: `{"farewell":true}`}, 204, "")
		o.want(ask{as: "supervisor:mia", path: path + "hold", body: `{"member":"1"}`}, 410, "call-ended")
	})
}

// What a verb says when it did not come to what was asked for.
func TestVerbProblems(t *testing.T) {
	bubble(t, func(t *testing.T) {
		o := open(t)
		_, agent, id := o.connected()
		path := "/api/calls/" + string(id) + "/"
		o.srv.Phone(lee, &plivotest.PhonePlan{Action: plivotest.Busy})
		p := o.want(ask{as: "supervisor:lee", path: path + "barge", body: `{"supervisor":"lee"}`}, 409, "not-applied")
		var got struct {
			Op, Detail  string
			Supervision struct{ ID, State, Reason string }
		}
		p.into(t, &got)
		if got.Op != "Barge" || got.Supervision.ID != "lee" || got.Supervision.State != "ended" || got.Supervision.Reason == "" || got.Detail != got.Supervision.Reason {
			t.Errorf("barge of a busy phone says %s", p.body)
		}
		p = o.want(ask{as: "agent:ann", path: path + "mute", body: `{"member":"` + agent.MemberID() + `"}`}, 409, "conflict")
		got.Op, got.Detail = "", ""
		p.into(t, &got)
		if got.Op != "Mute" || got.Detail == "" || strings.Contains(got.Detail, "coaching: ") || strings.HasSuffix(got.Detail, "conflict") || strings.Contains(string(p.body), "supervision") {
			t.Errorf("mute of the only one says %s", p.body)
		}
		o.want(ask{as: "supervisor:lee", path: path + "set-mode", body: `{"supervisor":"lee","mode":"coach"}`}, 404, "not-found")
		o.want(ask{as: "supervisor:lee", path: path + "hand-back", body: `{"supervisor":"lee"}`}, 404, "not-found")
		o.want(ask{as: "supervisor:lee", path: "/api/calls/cc00000000000000/end", body: `{}`}, 404, "not-found")

		// Nothing answers: the worst case is shown.
		o.srv.Phone(lee, &plivotest.PhonePlan{After: 2 * time.Second})
		o.want(ask{as: "supervisor:lee", path: path + "barge", body: `{"supervisor":"lee"}`}, 200, "")
		time.Sleep(5 * time.Second)
		o.srv.FailFunc(func(r plivotest.Request) *plivotest.Failure {
			if r.Method == "POST" {
				return &plivotest.Failure{Status: 503}
			}
			return nil
		})
		p = o.want(ask{as: "supervisor:lee", path: path + "take-over", body: `{"supervisor":"lee"}`}, 504, "unknown")
		if !strings.Contains(string(p.body), `"audible":`) {
			t.Errorf("a take-over without an answer says %s", p.body)
		}
	})
}
