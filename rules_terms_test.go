package coaching_test

import (
	"context"
	"encoding/xml"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/mpc-coaching/coaching"
	"github.com/mpc-coaching/coaching/plivotest"
)

// R3, R4 and R5: what Plivo is told about a call, its customer and its agents.

// sign makes a callback of our own making, as Plivo would sign it.
func (s *shop) sign(path string, form url.Values, nonce string) letter {
	l := letter{method: http.MethodPost, url: publicURL + path, header: http.Header{}, body: []byte(form.Encode())}
	l.header.Set("Content-Type", "application/x-www-form-urlencoded")
	l.header.Set("X-Plivo-Signature-V3", plivotest.SignV3(s.srv.AuthToken(), l.method, l.url, form, nonce))
	l.header.Set("X-Plivo-Signature-V3-Nonce", nonce)
	return l
}

// form is url.Values from pairs.
func form(pairs ...string) url.Values {
	v := url.Values{}
	for i := 0; i+1 < len(pairs); i += 2 {
		v.Add(pairs[i], pairs[i+1])
	}
	return v
}

// A paperDoc is an answer document taken apart.
type paperDoc struct {
	elements []string
	mpc      map[string]string // attributes of MultiPartyCall
	name     string
}

func parseDoc(t *testing.T, body string) paperDoc {
	t.Helper()
	var out paperDoc
	d := xml.NewDecoder(strings.NewReader(body))
	depth, in := 0, false
	for {
		tok, err := d.Token()
		if err != nil {
			break
		}
		switch e := tok.(type) {
		case xml.StartElement:
			if depth++; depth == 2 {
				out.elements = append(out.elements, e.Name.Local)
				if in = e.Name.Local == "MultiPartyCall"; in {
					out.mpc = map[string]string{}
					for _, a := range e.Attr {
						out.mpc[a.Name.Local] = a.Value
					}
				}
			}
		case xml.EndElement:
			depth--
			in = false
		case xml.CharData:
			if in {
				out.name += string(e)
			}
		}
	}
	if len(out.elements) == 0 {
		t.Errorf("no document: %q", body)
	}
	return out
}

// sameInBoth are the settings of the whole multiparty call, by their names in
// XML and in a dial.
var sameInBoth = map[string]string{
	"maxDuration": "max_duration", "maxParticipants": "max_participants", "stayAlone": "stay_alone",
	"statusCallbackUrl": "status_callback_url", "statusCallbackMethod": "status_callback_method", "statusCallbackEvents": "status_callback_events",
	"waitMusicUrl": "wait_music_url", "waitMusicMethod": "wait_music_method",
	"agentHoldMusicUrl": "agent_hold_music_url", "agentHoldMusicMethod": "agent_hold_music_method",
	"customerHoldMusicUrl": "customer_hold_music_url", "customerHoldMusicMethod": "customer_hold_music_method",
	"record": "record", "recordFileFormat": "record_file_format",
	"recordingCallbackUrl": "recording_callback_url", "recordingCallbackMethod": "recording_callback_method",
}

func TestR3SettingsAreTheSameForEverybody(t *testing.T) {
	for name, adjust := range map[string]func(*coaching.Config){
		"plain": func(*coaching.Config) {},
		"music and recording": func(cfg *coaching.Config) {
			cfg.WaitMusic, cfg.HoldMusic = "https://cdn.example.com/wait.mp3", "https://cdn.example.com/hold.mp3"
			cfg.Recording = &coaching.Recording{Format: "wav", CoachVoice: true}
		},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				s := open(t, nil, adjust)
				m := &mailroom{}
				s.front.set(m.keep(s.flow.Handler()))
				_, _, id := s.connected()
				if _, err := s.flow.Barge(t.Context(), id, supLee, nil); err != nil {
					t.Fatalf("Barge = %v", err)
				}
				ticket, err := s.flow.Ticket(t.Context(), id, supMia, nil)
				if err != nil {
					t.Fatalf("Ticket = %v", err)
				}
				key, value := ticket.Header()
				s.srv.Dial(mia, mia, map[string]string{key: value})
				after(5 * time.Second)
				var docs []paperDoc
				for _, l := range m.all() {
					if strings.HasSuffix(l.url, "/answer") || strings.HasSuffix(l.url, "/supervisor") {
						_, body := s.post(l)
						docs = append(docs, parseDoc(t, body))
					}
				}
				if len(docs) != 2 {
					t.Fatalf("%d documents, want the customer's and the supervisor's", len(docs))
				}
				for _, d := range docs {
					if d.name != string(id) {
						t.Errorf("the document names %q, want %q", d.name, id)
					}
					for _, r := range s.requests("AddParticipant") {
						for inXML, inREST := range sameInBoth {
							rest := ""
							if v, ok := r.Body[inREST]; ok {
								rest = fmt.Sprint(v)
							}
							if d.mpc[inXML] != rest {
								t.Errorf("%s=%q in XML, %s=%q in the dial of %v", inXML, d.mpc[inXML], inREST, rest, r.Body["to"])
							}
						}
					}
				}
				for _, e := range s.srv.Timeline() {
					if e.Kind == "warning" {
						t.Errorf("the emulator warns: %s", e.Text)
					}
				}
			})
		})
	}
}

// After the first event every request names the multiparty call by its UUID.
func TestR3ByUUID(t *testing.T) {
	bubble(t, func(t *testing.T) {
		fourScenariosThen(t, func(s *shop) {
			for _, r := range s.srv.Requests() {
				if r.MPC != "" && !strings.HasPrefix(r.MPC, "uuid_") {
					t.Errorf("%s names the call %s, want it by uuid", r.Op, r.MPC)
				}
			}
		})
	})
}

// Somebody makes a multiparty call of our name, when ours is over or never
// was. Nobody is rung for it, and it is ended.
func TestR3Ghosts(t *testing.T) {
	for _, tt := range []struct {
		name  string
		ended bool // after a call of ours; else an id that never was
	}{{"after the end", true}, {"never was", false}} {
		t.Run(tt.name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				s := open(t, nil)
				c, _, id := s.connected()
				c.Hangup()
				after(10 * time.Second)
				if !tt.ended {
					id = id[:len(id)-4] + "0000"
				}
				dials := len(s.requests("AddParticipant"))
				client := coaching.NewClient(s.cfg.Plivo, s.srv.Client())
				_, err := client.AddParticipant(t.Context(), coaching.ByName(id), coaching.ParticipantParams{
					Role: coaching.RoleAgent, From: hotline, To: []string{bob},
					StatusCallback: coaching.Webhook{URL: publicURL + "/events?call=" + string(id), Method: "POST"},
				})
				if err != nil {
					t.Fatal(err)
				}
				after(40 * time.Second)
				s.dials("the foreign one", dials+1)
				for _, x := range s.srv.MPCs() {
					if x.Status != "Ended" {
						t.Errorf("multiparty call %s is %s, want it ended", x.UUID, x.Status)
					}
				}
				for c := range s.flow.Calls(t.Context(), coaching.CallFilter{}) {
					t.Errorf("call %s (%v) is in the books", c.ID, c.State)
				}
			})
		})
	}
}

// An event that names another multiparty call than the one the call is bound
// to changes nothing about it, and that one is ended.
func TestR3AnotherMPCOfTheSameCall(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := open(t, nil)
		c, a, id := s.connected()
		other := "deadbeef-0000-4000-8000-000000000001"
		for _, name := range []string{"MPCInitialized", "MPCStart", "ParticipantJoin", "ParticipantExit", "MPCEnd"} {
			l := s.sign("/events?call="+string(id), form("EventName", name, "MPCUUID", other, "MPCName", string(id),
				"MemberID", "1001", "ParticipantRole", "customer"), "nonce"+name)
			if status, _ := s.post(l); status != http.StatusOK {
				t.Errorf("%s of another MPC = %d, want 200", name, status)
			}
		}
		after(5 * time.Second)
		if !s.talks(c, a) {
			t.Error("customer and agent do not talk any more")
		}
		if got := s.book(id); got.State != coaching.StateActive || got.MPC == other || len(got.Participants) != 2 {
			t.Errorf("the call is %v in %s with %d participants, want it as it was", got.State, got.MPC, len(got.Participants))
		}
		ends := s.requests("EndMPC")
		if len(ends) == 0 || ends[0].MPC != "uuid_"+other {
			t.Errorf("EndMPC requests = %v, want one for the other MPC", ends)
		}
		s.dials("the agent, once", 1)
	})
}

func TestR4Customer(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s, a := crowd(t, 1, nil)
		m := &mailroom{}
		a.wrap = m.keep
		c := s.call()
		after(time.Second)
		id := s.id(c)
		answer := m.all()[0]
		want := map[string]string{
			"role": "Customer", "startMpcOnEnter": "false", "endMpcOnExit": "true", "stayAlone": "true",
			"maxDuration": "28800", "maxParticipants": "10", "enterSound": "none", "exitSound": "none",
			"mute": "false", "hold": "false", "coachMode": "", "statusCallbackUrl": publicURL + "/events?call=" + string(id),
			"waitMusicUrl": "", "customerHoldMusicUrl": "",
		}
		check := func(when, body string) {
			t.Helper()
			d := parseDoc(t, body)
			for k, v := range want {
				if d.mpc[k] != v {
					t.Errorf("%s: %s=%q, want %q", when, k, d.mpc[k], v)
				}
			}
			if exit := d.mpc["onExitActionUrl"]; !strings.HasPrefix(exit, publicURL+"/exit?call="+string(id)) {
				t.Errorf("%s: onExitActionUrl=%q, want ours", when, exit)
			}
			if len(d.elements) < 2 || d.elements[0] != "MultiPartyCall" {
				t.Errorf("%s: elements %v, want a fallback after MultiPartyCall", when, d.elements)
			}
		}
		_, first := s.post(answer)
		check("first", first)
		a.to[0].storeDown(10 * time.Second)
		begun := time.Now()
		status, body := s.post(answer)
		if status != http.StatusOK || body != first {
			t.Errorf("with the store down /answer = %d, %q, want the same document", status, body)
		}
		if d := time.Since(begun); d > 1100*time.Millisecond {
			t.Errorf("with the store down /answer took %v, want at most 1s", d)
		}
		after(15 * time.Second)
		c.Hangup()
		after(10 * time.Second)
		if _, body := s.post(answer); strings.Contains(body, "MultiPartyCall") {
			t.Errorf("for an ended call /answer = %q, want the fallback", body)
		}
	})
}

// What a customer calls need be no number that one can call from: then another
// is used. Where there is none, the error says what to do.
func TestR5CallFrom(t *testing.T) {
	const own, someone = "14155550177", "sip:someone@example.com"
	for _, tt := range []struct {
		from, to, callerID string // the customer's address, what they dialled, Config.CallerID
		agent, supervisor  string // what their phones are rung from; "": not at all
	}{
		{caller, "12345", "", caller, caller},
		{caller, "49301234567890123456", "", caller, caller},
		{caller, "support", "", caller, caller},
		{caller, "sip:support@pbx.example.com;transport=udp", "", caller, "sip:support@pbx.example.com"},
		{caller, "12345", own, caller, own},
		{"anonymous", "sip:support@pbx.example.com;transport=udp", "", "sip:support@pbx.example.com", "sip:support@pbx.example.com"},
		{"anonymous", "12345", own, own, own},
		{someone + ";transport=udp", "support", "", someone, someone},
		{"anonymous", hotline, "", hotline, hotline},
		{"anonymous", "12345", "", "", ""},
	} {
		t.Run(fmt.Sprintf("%s calls %s, %q", tt.from, tt.to, tt.callerID), func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				s := open(t, nil, func(cfg *coaching.Config) {
					cfg.CallerID = tt.callerID
					cfg.Route = func(_ context.Context, c coaching.Call) (coaching.Next, error) {
						if len(c.Attempts) > 1 {
							return coaching.Next{Wait: time.Minute}, nil
						}
						return coaching.Next{Ring: []coaching.Agent{agentAnn}}, nil
					}
				})
				s.srv.Number(tt.to, publicURL+"/answer")
				s.srv.Phone(tt.from, nil)
				c := s.srv.Dial(tt.from, tt.to, nil)
				after(10 * time.Second)
				_, err := s.flow.Barge(t.Context(), s.id(c), supLee, nil)
				got := map[string]string{}
				for _, r := range s.requests("AddParticipant") {
					got[fmt.Sprint(r.Body["role"])] = fmt.Sprint(r.Body["from"])
				}
				if got["agent"] != tt.agent || got["supervisor"] != tt.supervisor {
					t.Errorf("rung from %v, want agents from %q and supervisors from %q", got, tt.agent, tt.supervisor)
				}
				if tt.supervisor != "" && (err != nil || !s.talks(c, s.leg(ann))) {
					t.Errorf("Barge = %v; the customer listens to %v", err, c.Listening())
				}
				if tt.supervisor == "" && (!errors.Is(err, coaching.ErrNotApplied) || !strings.Contains(err.Error(), "Config.CallerID") || strings.Contains(err.Error(), "provider")) {
					t.Errorf("Barge = %v, want ErrNotApplied and what to set", err)
				}
			})
		})
	}
}

func TestR5Dial(t *testing.T) {
	const key = "5"
	tests := []struct {
		name     string
		from     string // the customer's address
		callerID string // of Config
		agents   []coaching.Agent
		want     [][2]string // "from" and "to" of each request, in order
	}{
		{"one", caller, "", []coaching.Agent{agentAnn}, [][2]string{{caller, ann}}},
		{"together", caller, "", []coaching.Agent{agentAnn, agentBob}, [][2]string{{caller, ann + "<" + bob}}},
		{"double dropped", caller, "", []coaching.Agent{agentAnn, agentBob, agentAnn, {ID: "ann", Address: bob}}, [][2]string{{caller, ann + "<" + bob}}},
		{"two caller ids", caller, "", []coaching.Agent{agentAnn, {ID: "bob", Address: bob, CallerID: "14155559999"}},
			[][2]string{{caller, ann}, {"14155559999", bob}}},
		{"a confirm key", caller, "", []coaching.Agent{agentAnn, {ID: "bob", Address: bob, ConfirmKey: key}},
			[][2]string{{caller, ann}, {caller, bob}}},
		{"no number", "sip:someone@example.com", "", []coaching.Agent{agentAnn}, [][2]string{{hotline, ann}}},
		{"no number, own caller id", "sip:someone@example.com", "14155550177", []coaching.Agent{agentAnn}, [][2]string{{"14155550177", ann}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				s := open(t, nil, func(cfg *coaching.Config) {
					cfg.CallerID = tt.callerID
					cfg.Route = func(_ context.Context, c coaching.Call) (coaching.Next, error) {
						if len(c.Attempts) > 0 {
							return coaching.Next{}, nil
						}
						return coaching.Next{Ring: tt.agents, For: 20 * time.Second}, nil
					}
				})
				s.srv.Phone(tt.from, nil)
				for _, p := range []string{ann, bob} {
					s.phone(p, plivotest.PhonePlan{After: 2 * time.Second, PressKey: key})
				}
				c := s.srv.Dial(tt.from, hotline, nil)
				after(20 * time.Second)
				id := s.id(c)
				var got [][2]string
				for _, r := range s.requests("AddParticipant") {
					got = append(got, [2]string{fmt.Sprint(r.Body["from"]), fmt.Sprint(r.Body["to"])})
					want := map[string]any{"role": "agent", "start_mpc_on_enter": true, "end_mpc_on_exit": false, "enter_sound": "none", "exit_sound": "none",
						"dial_music": "None", "mute": false, "hold": false, "stay_alone": true, "sip_headers": "Callid=" + string(id), "status_callback_method": "POST",
						"call_status_callback_method": "POST"}
					for k, v := range want {
						if fmt.Sprint(r.Body[k]) != fmt.Sprint(v) {
							t.Errorf("%s=%v, want %v", k, r.Body[k], v)
						}
					}
					if rings := strings.Split(fmt.Sprint(r.Body["ring_timeout"]), "<"); slices.ContainsFunc(rings, func(x string) bool { return x != "20" }) {
						t.Errorf("ring_timeout=%v, want 20 for each", r.Body["ring_timeout"])
					}
					if n := len([]rune(fmt.Sprint(r.Body["caller_name"]))); n == 0 || n > 50 {
						t.Errorf("caller_name=%v, want 1 to 50 characters", r.Body["caller_name"])
					}
					wantKey := ""
					if to := fmt.Sprint(r.Body["to"]); to == bob && tt.name == "a confirm key" {
						wantKey = key
					}
					if k, _ := r.Body["confirm_key"].(string); k != wantKey {
						t.Errorf("confirm_key=%q for %v, want %q", k, r.Body["to"], wantKey)
					}
					if cb := fmt.Sprint(r.Body["call_status_callback_url"]); !strings.HasPrefix(cb, publicURL+"/leg?call="+string(id)) {
						t.Errorf("call_status_callback_url=%s, want ours with the call's id", cb)
					}
				}
				if !slices.Equal(got, tt.want) {
					t.Errorf("dials (from, to) = %v, want %v", got, tt.want)
				}
				talking := 0
				for _, l := range s.srv.Legs() {
					if l == c {
						continue
					}
					if h := l.Headers()["X-PH-Callid"]; h != string(id) {
						t.Errorf("the phone of %s got Callid %q, want %q", l.Phone().Address(), h, id)
					}
					if s.talks(c, l) {
						talking++
					}
				}
				if talking != 1 {
					t.Errorf("%d agents talk with the customer, want 1", talking)
				}
			})
		})
	}
}

// No request is made before the multiparty call is there.
func TestR5AfterInitialized(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := open(t, nil)
		s.srv.CallbackFunc(func(cb plivotest.Callback) *plivotest.CallbackFault {
			if cb.Kind == "status" {
				return &plivotest.CallbackFault{Delay: 2 * time.Second}
			}
			return nil
		})
		s.call()
		after(1500 * time.Millisecond)
		s.dials("before the first event", 0)
		after(time.Second)
		s.dials("after it", 1)
	})
}
