package plivotest_test

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/mpc-coaching/coaching/plivotest"
)

func TestControl(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, nil)
		do := func(method, path, body string) (int, map[string]any, string) {
			t.Helper()
			resp, err := b.Client().Post("http://emulator"+path, "application/json", strings.NewReader(body))
			if method == "GET" {
				resp, err = b.Client().Get("http://emulator" + path)
			}
			if err != nil {
				t.Fatal(err)
			}
			data, _ := io.ReadAll(resp.Body)
			out := map[string]any{}
			json.Unmarshal(data, &out)
			return resp.StatusCode, out, string(data)
		}
		status, out, _ := do("POST", "/_/calls", `{"from":"14155550123","to":"14155550100","headers":{"Ticket":"1"}}`)
		uuid, _ := out["call_uuid"].(string)
		if status != 201 || len(uuid) != 36 {
			t.Fatalf("start = %d %v", status, out)
		}
		b.settle()
		agent := b.member("Agent", agentSIP, nil)
		for _, c := range []struct {
			path, body string
			want       int
		}{
			{"/_/calls/" + uuid + "/say", `{"text":"hello"}`, 204},
			{"/_/calls/" + uuid + "/say", `{}`, 400},
			{"/_/calls/" + uuid + "/press", `{"digits":"1"}`, 204},
			{"/_/calls/" + uuid + "/press", ``, 400},
			{"/_/calls/" + uuid + "/say", `nonsense`, 400},
			{"/_/calls/nobody/say", `{"text":"hello"}`, 404},
			{"/_/calls", `{"from":"1"}`, 400},
			{"/_/nothing", ``, 404},
			{"/_/mpcs", ``, 405},
		} {
			if got, _, body := do("POST", c.path, c.body); got != c.want {
				t.Errorf("POST %s %s = %d %s, want %d", c.path, c.body, got, body, c.want)
			}
		}
		if h := agent.Heard(); len(h) != 1 || h[0].Text != "hello" {
			t.Errorf("agent heard %v", h)
		}
		_, audio, raw := do("GET", "/_/audio", "")
		if hears := audio["hears"].([]any); len(hears) != 2 || !strings.Contains(raw, `"text": "hello"`) {
			t.Errorf("audio = %s", raw)
		}
		if _, _, raw := do("GET", "/_/mpcs", ""); !strings.Contains(raw, `"friendly_name": "room"`) || !strings.Contains(raw, `"role": "agent"`) {
			t.Errorf("mpcs = %s", raw)
		}
		if _, out, _ := do("GET", "/_/calls", ""); len(out["calls"].([]any)) != 2 {
			t.Errorf("calls = %v", out)
		}
		if _, _, raw := do("GET", "/_/timeline", ""); !strings.Contains(raw, "joined by") {
			t.Errorf("timeline = %s", raw)
		}
		if status, _, _ := do("POST", "/_/calls/"+uuid+"/hangup", ""); status != 204 || b.Leg(uuid).State() != plivotest.Ended {
			t.Errorf("hangup = %d, call %s", status, b.Leg(uuid).State())
		}
		req, _ := http.NewRequest("POST", "http://emulator/_/calls", strings.NewReader(`{"from":"1","to":"2"}`))
		req.Header.Set("Origin", "https://evil.example")
		if resp, err := b.Client().Do(req); err != nil || resp.StatusCode != 403 {
			t.Errorf("cross-origin request: %v, %v, want 403", resp, err)
		}
	})
}
