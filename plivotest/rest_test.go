package plivotest_test

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/mpc-coaching/coaching/plivotest"
)

func TestAddParticipantRefusals(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, nil)
		many := strings.TrimSuffix(strings.Repeat("15550000001<", 21), "<")
		for _, c := range []struct {
			name string
			body map[string]any
			want string // in the error; "" is accepted
		}{
			{"good", map[string]any{}, ""},
			{"no role", map[string]any{"role": nil}, "role is required"},
			{"unknown role", map[string]any{"role": "Boss"}, "role"},
			{"ai agent", map[string]any{"role": "ai-agent"}, "not modelled"},
			{"lower-case role", map[string]any{"role": "agent"}, ""},
			{"from alone", map[string]any{"to": nil}, "from and to"},
			{"to alone", map[string]any{"from": nil}, "from and to"},
			{"call_uuid and to", map[string]any{"call_uuid": "x"}, "excludes"},
			{"nobody", map[string]any{"from": nil, "to": nil}, "required"},
			{"several for a supervisor", map[string]any{"role": "Supervisor", "to": "15550000001<15550000002"}, "Agent only"},
			{"several for an agent", map[string]any{"to": "15550000001<15550000002"}, ""},
			{"more than twenty", map[string]any{"to": many}, "at most 20"},
			{"ring list too long", map[string]any{"ring_timeout": "10<20"}, "more entries"},
			{"ring list", map[string]any{"to": "15550000001<15550000002", "ring_timeout": "10<20"}, ""},
			{"ring not a number", map[string]any{"ring_timeout": "soon"}, "ring_timeout"},
			{"ring zero", map[string]any{"ring_timeout": 0}, "ring_timeout"},
			{"delay list too long", map[string]any{"delay_dial": "1<2"}, "more entries"},
			{"delay negative", map[string]any{"delay_dial": -1}, "delay_dial"},
			{"long name", map[string]any{"caller_name": strings.Repeat("é", 51)}, "at most 50"},
			{"name of 50 characters", map[string]any{"caller_name": strings.Repeat("é", 50)}, ""},
			{"duration small", map[string]any{"max_duration": 299}, "max_duration"},
			{"duration large", map[string]any{"max_duration": 28801}, "max_duration"},
			{"participants small", map[string]any{"max_participants": 1}, "max_participants"},
			{"participants large", map[string]any{"max_participants": 11}, "max_participants"},
			{"record members", map[string]any{"record_min_member_count": 3}, "record_min_member_count"},
			{"event group", map[string]any{"status_callback_events": "mpc-state-changes,nonsense"}, "nonsense"},
			{"verb", map[string]any{"status_callback_method": "PUT"}, "GET or POST"},
			{"format", map[string]any{"record_file_format": "ogg"}, "mp3 or wav"},
			{"sound", map[string]any{"enter_sound": "beep:3"}, "enter_sound"},
			{"URL", map[string]any{"on_exit_action_url": "/exit"}, "on_exit_action_url"},
			{"boolean", map[string]any{"mute": "maybe"}, "mute"},
			{"boolean as text", map[string]any{"mute": "true"}, ""},
			{"confirm key", map[string]any{"confirm_key": "12"}, "confirm_key"},
			{"dial music", map[string]any{"dial_music": "loud"}, "dial_music"},
			{"dial music lower case", map[string]any{"dial_music": "none"}, ""},
			{"destination", map[string]any{"to": "bob"}, "neither"},
			{"object", map[string]any{"mute": map[string]any{}}, "mute"},
			{"unknown parameter", map[string]any{"colour": "red"}, ""},
			{"async", map[string]any{"callback_url": appURL + "/x"}, "not modelled"},
		} {
			body := map[string]any{"role": "Agent", "from": caller, "to": agentSIP}
			for k, v := range c.body {
				if body[k] = v; v == nil {
					delete(body, k)
				}
			}
			status, out := b.rest("POST", "MultiPartyCall/name_room/Participant/", body)
			msg := fmt.Sprint(out["error"])
			switch {
			case c.want == "" && status != 201:
				t.Errorf("%s: %d %v, want 201", c.name, status, out)
			case c.want != "" && (status != 400 && status != 501 || !strings.Contains(msg, c.want) || out["api_id"] == nil):
				t.Errorf("%s: %d %v, want 400 with %q", c.name, status, out, c.want)
			}
		}
	})
}

func TestAddParticipantAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, nil)
		b.Phone(agentSIP, &plivotest.PhonePlan{Action: plivotest.NoAnswer})
		one := b.add(map[string]any{"role": "Agent", "to": agentSIP, "ring_timeout": 5})
		calls := one["calls"].([]any)
		first := calls[0].(map[string]any)
		if len(calls) != 1 || first["to"] != agentSIP || first["from"] != caller || first["call_uuid"] != one["request_uuid"] || len(first["call_uuid"].(string)) != 36 {
			t.Errorf("one destination: %v", one)
		}
		two := b.add(map[string]any{"role": "Agent", "to": agentSIP + "<15550000001", "ring_timeout": 5})
		calls = two["calls"].([]any)
		if len(calls) != 2 || two["request_uuid"] == calls[0].(map[string]any)["call_uuid"] {
			t.Errorf("two destinations: %v", two)
		}
	})
}

func TestStatuses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, nil)
		cust := b.call()
		agent := b.member("Agent", agentSIP, nil)
		coach := b.member("Supervisor", coachSIP, nil)
		id := agent.MemberID()
		flag := func(k string, v any) map[string]any { return map[string]any{k: v} }
		for _, c := range []struct {
			method, path string
			body         map[string]any
			want         int
		}{
			{"GET", "MultiPartyCall/", nil, 200},
			{"GET", "MultiPartyCall", nil, 200},
			{"GET", "MultiPartyCall/name_room", nil, 200},
			{"GET", "MultiPartyCall/uuid_" + cust.MPCUUID() + "/", nil, 200},
			{"GET", "MultiPartyCall/name_nobody/", nil, 404},
			{"GET", "MultiPartyCall/room/", nil, 404},
			{"PUT", "MultiPartyCall/name_room/", nil, 405},
			{"GET", "Conference/", nil, 501},
			{"POST", "MultiPartyCall/name_room/", flag("status", "active"), 404}, // it is
			{"POST", "MultiPartyCall/name_room/", flag("status", "sleep"), 400},
			{"POST", "MultiPartyCall/uuid_nobody/Participant/", map[string]any{"role": "Agent", "from": caller, "to": agentSIP}, 404},
			{"GET", "MultiPartyCall/name_room/Participant/", nil, 200},
			{"GET", "MultiPartyCall/name_room/Participant/" + id + "/", nil, 200},
			{"GET", "MultiPartyCall/name_room/Participant/9/", nil, 404},
			{"POST", "MultiPartyCall/name_room/Participant/" + id + "/", nil, 400},
			{"POST", "MultiPartyCall/name_room/Participant/" + id + "/", map[string]any{}, 400},
			{"POST", "MultiPartyCall/name_room/Participant/" + id + "/", flag("mute", "loud"), 400},
			{"POST", "MultiPartyCall/name_room/Participant/9/", flag("mute", true), 404},
			{"POST", "MultiPartyCall/name_room/Participant/9," + id + "/", flag("mute", true), 202},
			{"POST", "MultiPartyCall/name_room/Participant/all/", flag("mute", false), 202},
			{"POST", "MultiPartyCall/name_room/Participant/all/", flag("coach_mode", true), 400},
			{"POST", "MultiPartyCall/name_room/Participant/" + id + "/", flag("coach_mode", true), 400},
			{"POST", "MultiPartyCall/name_room/Participant/" + coach.MemberID() + "/", flag("coach_mode", "false"), 202},
			{"DELETE", "MultiPartyCall/name_room/Participant/9/", nil, 404},
			{"POST", "MultiPartyCall/name_room/Member/" + id + "/Play/", flag("url", "song"), 400},
			{"POST", "MultiPartyCall/name_room/Member/" + id + "/Play/", flag("urls", "https://cdn.example/a.mp3"), 202},
			{"DELETE", "MultiPartyCall/name_room/Member/all/Play/", nil, 404},
			{"DELETE", "MultiPartyCall/name_room/Member/" + id + "/Play/", nil, 204},
			{"POST", "MultiPartyCall/name_room/Member/all/Speak/", flag("text", "hello"), 202},
			{"POST", "MultiPartyCall/name_room/Member/all/Speak/", flag("voice", "x"), 400},
			{"DELETE", "MultiPartyCall/name_room/Member/all/Speak/", nil, 204},
			{"POST", "MultiPartyCall/name_room/Record/", flag("file_format", "ogg"), 400},
			{"POST", "MultiPartyCall/name_room/Record/Pause/", nil, 404},
			{"POST", "MultiPartyCall/name_room/Record/", nil, 202},
			{"POST", "MultiPartyCall/name_room/Record/", nil, 400},
			{"POST", "MultiPartyCall/name_room/Record/Pause/", nil, 204},
			{"POST", "MultiPartyCall/name_room/Record/Resume/", nil, 204},
			{"DELETE", "MultiPartyCall/name_room/Record/", nil, 204},
			{"POST", "MultiPartyCall/name_room/Participant/" + id + "/Record/", nil, 200},
			{"DELETE", "MultiPartyCall/name_room/Participant/" + id + "/Record/", nil, 204},
			{"GET", "Call/nobody/", nil, 404},
			{"GET", "Call/" + agent.UUID() + "/", nil, 200},
			{"GET", "Call/" + agent.UUID() + "/?status=live", nil, 200},
			{"GET", "Call/" + agent.UUID() + "/?status=queued", nil, 404},
			{"GET", "Call/?status=live", nil, 200},
			{"GET", "Call/", nil, 501},
			{"DELETE", "Request/nobody/", nil, 404},
			{"DELETE", "Call/nobody/", nil, 404},
			{"DELETE", "MultiPartyCall/name_room/Participant/" + id + "/", nil, 204},
			{"GET", "MultiPartyCall/name_room/Participant/" + id + "/", nil, 404},
			{"DELETE", "MultiPartyCall/uuid_" + cust.MPCUUID(), nil, 204},
			{"DELETE", "MultiPartyCall/name_room", nil, 404},
			{"GET", "MultiPartyCall/name_room", nil, 404},
		} {
			if got, out := b.rest(c.method, c.path, c.body); got != c.want {
				t.Errorf("%s %s %v = %d %v, want %d", c.method, c.path, c.body, got, out, c.want)
			}
		}
	})
}

func TestObjects(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, nil)
		cust := b.call()
		uuid := cust.MPCUUID()
		agent := b.member("Agent", agentSIP, map[string]any{"mute": true})
		_, live := b.rest("GET", "MultiPartyCall/name_room/", nil)
		wantFields(t, live, map[string]any{"status": "Active", "friendly_name": "room", "mpc_uuid": uuid, "end_time": nil, "stay_alone": true,
			"recording": "not-recording", "termination_cause": nil, "resource_uri": "/v1/Account/" + b.AuthID() + "/MultiPartyCall/name_room/"})
		id := agent.MemberID()
		_, p := b.rest("GET", "MultiPartyCall/name_room/Participant/"+id+"/", nil)
		wantFields(t, p, map[string]any{"role": "agent", "mute": true, "hold": false, "coach_mode": false, "call_uuid": agent.UUID(),
			"member_address": agentSIP, "exit_time": nil, "billed_duration": nil, "start_mpc_on_enter": true})
		_, list := b.rest("GET", "MultiPartyCall/name_room/Participant/?call_uuid="+agent.UUID(), nil)
		if objs := list["objects"].([]any); len(objs) != 1 {
			t.Errorf("filtered list = %v", list)
		}
		time.Sleep(70 * time.Second)
		cust.Hangup()
		b.settle()
		_, over := b.rest("GET", "MultiPartyCall/uuid_"+uuid+"/", nil)
		wantFields(t, over, map[string]any{"status": "Ended", "termination_cause": "No Active Participants", "termination_cause_code": 1000.0,
			"billed_duration": 240.0, "billed_amount": "0.02000", "duration": 70.0, "recording": nil,
			"resource_uri": "/v1/Account/" + b.AuthID() + "/MultiPartyCall/uuid_" + uuid + "/"})
		_, list = b.rest("GET", "MultiPartyCall/uuid_"+uuid+"/Participant/", nil)
		if objs := list["objects"].([]any); len(objs) != 2 {
			t.Errorf("list of the ended MPC = %v, want both", list)
		}
		_, p = b.rest("GET", "MultiPartyCall/uuid_"+uuid+"/Participant/"+id+"/", nil)
		wantFields(t, p, map[string]any{"mute": nil, "hold": nil, "coach_mode": nil, "exit_cause": "Multiparty Call Ended", "billed_duration": 120.0})
	})
}

func wantFields(t *testing.T, got, want map[string]any) {
	t.Helper()
	for k, v := range want {
		if g, ok := got[k]; !ok || g != v {
			t.Errorf("%s = %v (present %t), want %v", k, g, ok, v)
		}
	}
}

func TestCredentials(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, &plivotest.Options{AuthID: "MAABC", AuthToken: "t"})
		for _, c := range []struct {
			user, pass, account string
			want                int
		}{{"", "", "MAABC", 401}, {"MAABC", "wrong", "MAABC", 401}, {"MAX", "t", "MAABC", 401}, {"MAABC", "t", "MAOTHER", 403}, {"MAABC", "t", "MAABC", 200}} {
			req, _ := http.NewRequest("GET", "https://api.plivo.com/v1/Account/"+c.account+"/MultiPartyCall/", nil)
			if c.user != "" {
				req.SetBasicAuth(c.user, c.pass)
			}
			resp, err := b.Client().Do(req)
			if err != nil {
				t.Fatal(err)
			}
			body, _ := io.ReadAll(resp.Body)
			if resp.StatusCode != c.want {
				t.Errorf("%+v: %d %s", c, resp.StatusCode, body)
			}
			if c.want == 401 && !strings.HasPrefix(resp.Header.Get("Content-Type"), "text/plain") {
				t.Errorf("401 has content type %q, want text", resp.Header.Get("Content-Type"))
			}
		}
	})
}

func TestNotFoundBraces(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, &plivotest.Options{Switches: plivotest.Switches{NotFoundBraces: true}})
		req, _ := http.NewRequest("GET", "https://api.plivo.com/v1/Account/"+b.AuthID()+"/MultiPartyCall/name_x/", nil)
		req.SetBasicAuth(b.AuthID(), b.AuthToken())
		resp, err := b.Client().Do(req)
		if err != nil {
			t.Fatal(err)
		}
		if body, _ := io.ReadAll(resp.Body); resp.StatusCode != 404 || string(body) != "{}" {
			t.Errorf("%d %q, want 404 {}", resp.StatusCode, body)
		}
	})
}

func TestRateLimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, nil)
		refused := 0
		for range 310 {
			if status, _ := b.rest("GET", "MultiPartyCall/", nil); status == 429 {
				refused++
			}
		}
		if refused != 10 {
			t.Errorf("%d of 310 refused, want 10", refused)
		}
		time.Sleep(5 * time.Second)
		if status, _ := b.rest("GET", "MultiPartyCall/", nil); status != 200 {
			t.Errorf("after the window: %d", status)
		}
	})
}

func TestListFiltersAndPages(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, &plivotest.Options{CPS: -1})
		for i := range 25 {
			b.Phone(fmt.Sprintf("1555000%04d", i), nil)
			status, out := b.rest("POST", fmt.Sprintf("MultiPartyCall/name_m%d/Participant/", i),
				map[string]any{"role": "Agent", "from": caller, "to": fmt.Sprintf("1555000%04d", i), "start_mpc_on_enter": i%2 == 0})
			if status != 201 {
				t.Fatal(status, out)
			}
		}
		b.settle()
		for i := range 5 {
			b.rest("DELETE", fmt.Sprintf("MultiPartyCall/name_m%d/", i), nil)
		}
		now := time.Now().UTC().Format("2006-01-02+15:04:05")
		for _, c := range []struct {
			query        string
			count, shown float64
		}{
			{"", 25, 20}, {"?limit=10&offset=20", 25, 5}, {"?offset=30", 25, 0}, {"?status=ended", 5, 5}, {"?status=Active", 10, 10},
			{"?status=initialized", 10, 10}, {"?friendly_name=m7", 1, 1}, {"?termination_cause_code=3000", 5, 5}, {"?termination_cause_code=1000", 0, 0},
			{"?creation_time__gt=" + now, 0, 0}, {"?creation_time__lte=" + now + ".999999", 25, 20}, {"?status=ended&end_time__lt=2000-01-01+00:00", 0, 0},
			{"?sub_account=SAXXXX", 0, 0},
		} {
			status, out := b.rest("GET", "MultiPartyCall/"+c.query, nil)
			if status != 200 {
				t.Errorf("%s: %d %v", c.query, status, out)
				continue
			}
			meta := out["meta"].(map[string]any)
			if n := float64(len(out["objects"].([]any))); meta["count"] != c.count || n != c.shown {
				t.Errorf("%s: count %v, shown %v, want %v and %v", c.query, meta["count"], n, c.count, c.shown)
			}
		}
		_, out := b.rest("GET", "MultiPartyCall/?limit=10&offset=10", nil)
		meta := out["meta"].(map[string]any)
		base := "/v1/Account/" + b.AuthID() + "/MultiPartyCall/"
		if meta["next"] != base+"?limit=10&offset=20" || meta["previous"] != base+"?limit=10&offset=0" {
			t.Errorf("meta = %v", meta)
		}
		for _, q := range []string{"limit=0", "limit=21", "limit=x", "offset=-1", "status=dead", "termination_cause_code=1", "end_time__gt=today", "end_time__eq=2000-01-01+00:00", "colour=red"} {
			if status, _ := b.rest("GET", "MultiPartyCall/?"+q, nil); status != 400 {
				t.Errorf("%s: %d, want 400", q, status)
			}
		}
		time.Sleep(8 * 24 * time.Hour) // what ended is out of the default window
		if _, out := b.rest("GET", "MultiPartyCall/?status=ended&friendly_name=m0", nil); out["meta"].(map[string]any)["count"] != 0.0 {
			t.Errorf("after eight days: %v", out["meta"])
		}
	})
}
