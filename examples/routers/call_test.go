package main

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/mpc-coaching/coaching"
	"github.com/mpc-coaching/coaching/plivotest"
)

// A whole call goes through: answered, Ann rung and joined, Lee's barge by the
// host's own route, and the end. Every callback of it is answered 200.
func TestCall(t *testing.T) {
	eachCenter(t, func(c *center) {
		id, customer := c.talk()
		agent := c.emu.Phone(ann, nil).Last()
		if !c.emu.Hears(customer, agent) || !c.emu.Hears(agent, customer) {
			c.t.Fatal("the customer and Ann do not hear each other")
		}

		r := request("POST", c.base+"/calls/"+string(id)+"/supervisors/lee", "")
		r.SetBasicAuth("lee", password)
		resp := c.do(r)
		var body struct {
			Supervision coaching.Supervision
			Error       string
		}
		if raw := readAll(c.t, resp); json.Unmarshal([]byte(raw), &body) != nil || resp.StatusCode != http.StatusOK {
			c.t.Fatalf("barge = %d %q, want 200 and JSON", resp.StatusCode, raw)
		}
		if s := body.Supervision; s.State != coaching.SupervisionJoined || s.Actor != (coaching.Actor{ID: "lee", Role: "supervisor"}) || body.Error != "" {
			c.t.Errorf("barge = %+v, want joined, asked for by the supervisor lee", body)
		}
		if sup := c.emu.Phone(lee, nil).Last(); !c.emu.Hears(agent, sup) || !c.emu.Hears(sup, customer) || c.emu.Hears(customer, sup) {
			c.t.Error("Lee does not coach")
		}

		customer.Hangup()
		c.until("the end", func() bool { return agent.State() == plivotest.Ended })
		if err := c.emu.Wait(context.Background()); err != nil {
			c.t.Fatal(err)
		}
		call, err := c.flow.Call(coaching.AsHost(context.Background()), id)
		if err != nil || call.State != coaching.StateEnded {
			c.t.Errorf("Call = %v, %v, want ended", call.State, err)
		}
		for _, kind := range []string{"answer", "status", "leg"} {
			if len(c.seen(kind)) == 0 {
				c.t.Errorf("no callback of kind %q was sent", kind)
			}
		}
		if st := c.emu.CallbackStats(); st.Failed != 0 || st.OK != st.Sent {
			c.t.Errorf("callbacks %+v, want all answered 200", st)
		}
	})
}

// What Plivo did not sign is answered 403 and changes nothing; what it did
// sign, with the same content, does.
func TestForged(t *testing.T) {
	eachCenter(t, func(c *center) {
		id, _ := c.talk()
		c.stop() // so that nothing but callbacks changes the books
		if err := c.emu.Wait(context.Background()); err != nil {
			c.t.Fatal(err)
		}
		var target string
		var end url.Values
		for _, cb := range c.seen("status") {
			if cb.Event == "MPCStart" {
				target, end = cb.URL, cb.Form
			}
		}
		if target == "" {
			c.t.Fatal("no MPCStart was sent")
		}
		end.Set("EventName", "MPCEnd")
		end.Del("SequenceNumber")

		before := c.document(id)
		token := c.emu.AuthToken()
		unsigned := callback(target, end, token, "n1")
		unsigned.Header.Del("X-Plivo-Signature-V3")
		flipped := callback(target, end, token, "n2")
		body := end.Encode()
		at := strings.Index(body, "MPCUUID=") + len("MPCUUID=")
		setBody(flipped, body[:at]+string(body[at]^1)+body[at+1:])
		query := callback(target, end, token, "n3")
		query.URL.RawQuery += "&x=1"
		for _, f := range []struct {
			name string
			r    *http.Request
		}{
			{"signed with another token", callback(target, end, "not "+token, "n4")},
			{"not signed", unsigned},
			{"with a flipped byte", flipped},
			{"with another query", query},
		} {
			resp := c.do(f.r)
			readAll(c.t, resp)
			if resp.StatusCode != http.StatusForbidden {
				c.t.Errorf("a callback %s = %d, want 403", f.name, resp.StatusCode)
			}
			if c.document(id) != before {
				c.t.Errorf("a callback %s changed the books", f.name)
			}
		}

		resp := c.do(callback(target, end, token, "n5"))
		readAll(c.t, resp)
		if resp.StatusCode != http.StatusOK || c.document(id) == before {
			c.t.Errorf("the callback as Plivo signs it = %d, changed the books: %t, want 200 and true", resp.StatusCode, c.document(id) != before)
		}
	})
}

// No path is redirected, for a callback would lose its form: what is not known
// is 404, and a query is nothing special.
func TestPaths(t *testing.T) {
	eachCenter(t, func(c *center) {
		id, _ := c.talk()
		var form url.Values
		for _, cb := range c.seen("status") {
			form = cb.Form
		}
		call := "?call=" + string(id)
		for i, p := range []struct {
			path string
			want int
		}{
			{"/voice/plivo/events" + call, 200},
			{"/voice/plivo/events" + call + "&x=a%2Fb%2F%2Fc&y=//", 200},
			{"/voice/plivo//events" + call, 404},
			{"/voice//plivo/events", 404},
			{"//voice/plivo/events", 404},
			{"/voice/plivo/./events", 404},
			{"/voice/plivo/x/../events", 404},
			{"/voice/plivo/events/", 404},
			{"/voice/plivo/nothing", 404},
			{"/voice/plivo/", 404},
			{"/voice/plivo", 404},
			{"/voice", 404},
			{"/nothing", 404},
			{"/", 404},
			{"/console/", 404}, // no console was given
		} {
			resp := c.do(callback(c.base+p.path, form, c.emu.AuthToken(), "nonce"+string(rune('a'+i))))
			readAll(c.t, resp)
			if resp.StatusCode != p.want {
				c.t.Errorf("POST %s = %d (Location %q), want %d", p.path, resp.StatusCode, resp.Header.Get("Location"), p.want)
			}
		}
	})
}

// The wrong method is 405 and says which one is right.
func TestMethods(t *testing.T) {
	eachCenter(t, func(c *center) {
		for _, p := range []struct{ method, path, allow string }{
			{"GET", "/voice/plivo/events", "POST"},
			{"HEAD", "/voice/plivo/events", "POST"},
			{"PUT", "/voice/plivo/answer", "GET, POST"},
			{"OPTIONS", "/voice/plivo/leg", "POST"},
			{"GET", "/calls/1/supervisors/lee", "POST"},
		} {
			resp := c.do(request(p.method, c.base+p.path, ""))
			readAll(c.t, resp)
			if resp.StatusCode != http.StatusMethodNotAllowed || !strings.Contains(resp.Header.Get("Allow"), p.allow) {
				c.t.Errorf("%s %s = %d, Allow %q, want 405, Allow %q", p.method, p.path, resp.StatusCode, resp.Header.Get("Allow"), p.allow)
			}
		}
	})
}

// Plivo may ask for documents with GET, whose parameters are in the query.
func TestAnswerByGET(t *testing.T) {
	eachCenter(t, func(c *center) {
		target := c.base + "/voice/plivo/answer?CallUUID=ceeac2c3-2c78-4d85-b1a4-6eae7dbafb36&From=" + caller + "&To=" + hotline
		r := request("GET", target, "")
		r.Header.Set("X-Plivo-Signature-V3-Nonce", "n")
		r.Header.Set("X-Plivo-Signature-V3", plivotest.SignV3(c.emu.AuthToken(), "GET", target, nil, "n"))
		resp := c.do(r)
		if body := readAll(c.t, resp); resp.StatusCode != http.StatusOK || !strings.Contains(body, "<MultiPartyCall") {
			c.t.Errorf("GET /answer = %d %q, want 200 and a MultiPartyCall", resp.StatusCode, body)
		}
	})
}

// setBody replaces what was signed.
func setBody(r *http.Request, body string) {
	r.Body, r.ContentLength = io.NopCloser(strings.NewReader(body)), int64(len(body))
	r.GetBody = nil
}
