package coaching_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/mpc-coaching/coaching"
	"github.com/mpc-coaching/coaching/plivotest"
)

// R2, R9, R12 and R17: what everybody is told on the way in, how a supervisor
// joins, music, and tickets.

// documents records what the instance behind the front answers, by path.
func (s *shop) documents() func(path string) []node {
	var mu sync.Mutex
	last := map[string]string{}
	inner := s.flow.Handler()
	s.front.set(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		rec := httptest.NewRecorder()
		inner.ServeHTTP(rec, r)
		mu.Lock()
		last[r.URL.Path] = rec.Body.String()
		mu.Unlock()
		for k, v := range rec.Header() {
			w.Header()[k] = v
		}
		w.WriteHeader(rec.Code)
		_, _ = w.Write(rec.Body.Bytes())
	}))
	return func(path string) []node {
		s.t.Helper()
		mu.Lock()
		text := last["/plivo"+path]
		mu.Unlock()
		nodes, err := readDocument(text)
		if err != nil {
			s.t.Fatalf("%s answered %q: %v", path, text, err)
		}
		return nodes
	}
}

// dialsOf returns the bodies of all add-participant requests for a role.
func (s *shop) dialsOf(role string) (bodies []map[string]any) {
	for _, r := range s.srv.Requests() {
		if r.Op == "AddParticipant" && strings.EqualFold(fmt.Sprint(r.Body["role"]), role) {
			bodies = append(bodies, r.Body)
		}
	}
	return bodies
}

// ticketCall lets a supervisor's phone dial in with a ticket.
func (s *shop) ticketCall(address, value string) *plivotest.Leg {
	return s.srv.Dial(address, hotline, map[string]string{"X-PH-Ticket": value})
}

func TestR2ExplicitFlags(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := open(t, nil)
		paper := s.documents()
		_, _, id := s.connected()
		if _, err := s.flow.AddSupervisor(t.Context(), id, supLee, nil); err != nil {
			t.Fatal(err)
		}
		tk, err := s.flow.Ticket(t.Context(), id, supMia, nil)
		if err != nil {
			t.Fatal(err)
		}
		_, value := tk.Header()
		s.ticketCall(mia, value)
		after(2 * time.Second)

		always := []string{"call_status_callback_method", "status_callback_method", "mute", "hold", "start_mpc_on_enter",
			"end_mpc_on_exit", "enter_sound", "exit_sound", "dial_music", "stay_alone", "caller_name", "record", "relay_dtmf_inputs"}
		for role, more := range map[string][]string{"agent": nil, "supervisor": {"coach_mode"}} {
			bodies := s.dialsOf(role)
			if len(bodies) != 1 {
				t.Fatalf("%d dials of role %s, want 1", len(bodies), role)
			}
			for _, key := range slices.Concat(always, more) {
				if _, ok := bodies[0][key]; !ok {
					t.Errorf("the dial of the %s leaves %s to a default", role, key)
				}
			}
			if name := fmt.Sprint(bodies[0]["caller_name"]); len([]rune(name)) > 50 || name == "" {
				t.Errorf("caller_name of the %s = %q, want 1 to 50 characters", role, name)
			}
		}
		attributes := []string{"statusCallbackMethod", "mute", "hold", "startMpcOnEnter", "endMpcOnExit", "enterSound",
			"exitSound", "stayAlone", "record", "relayDTMFInputs"}
		for path, more := range map[string][]string{"/answer": {"onExitActionMethod"}, "/supervisor": {"coachMode"}} {
			mpc := paper(path)[0]
			for _, a := range slices.Concat(attributes, more) {
				if _, ok := mpc.Attrs[a]; !ok {
					t.Errorf("the document of %s leaves %s to a default", path, a)
				}
			}
		}
	})
}

// No join opens the coach lock, not even that of a take-over, and who only
// listens comes in muted.
func TestR9JoinsUnheard(t *testing.T) {
	for name, tt := range map[string]struct {
		mute bool
		join func(context.Context, *coaching.Flow, coaching.CallID) error
	}{
		"add supervisor": {false, func(ctx context.Context, f *coaching.Flow, id coaching.CallID) error {
			_, err := f.AddSupervisor(ctx, id, supLee, nil)
			return err
		}},
		"barge to monitor": {true, func(ctx context.Context, f *coaching.Flow, id coaching.CallID) error {
			_, err := f.Barge(ctx, id, supLee, &coaching.JoinOptions{Mode: coaching.ModeMonitor})
			return err
		}},
		"take over": {false, func(ctx context.Context, f *coaching.Flow, id coaching.CallID) error {
			_, err := f.TakeOver(ctx, id, supLee, nil)
			return err
		}},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				s := open(t, nil)
				_, _, id := s.connected()
				if err := tt.join(t.Context(), s.flow, id); err != nil {
					t.Fatal(err)
				}
				bodies := s.dialsOf("supervisor")
				if len(bodies) != 1 {
					t.Fatalf("%d dials of supervisors, want 1", len(bodies))
				}
				want := map[string]any{"start_mpc_on_enter": false, "end_mpc_on_exit": false, "coach_mode": true,
					"enter_sound": "none", "exit_sound": "none", "dial_music": "None"}
				for k, v := range want {
					if got := bodies[0][k]; got != v {
						t.Errorf("%s = %v, want %v", k, got, v)
					}
				}
				if tt.mute && bodies[0]["mute"] != true {
					t.Errorf("mute = %v, want true: coaching was not asked for", bodies[0]["mute"])
				}
			})
		})
	}
}

// Somebody else's program, with the same account, puts a supervisor into our
// call, and open at that.
func TestR9StrangerIsRemoved(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := open(t, nil)
		c, a, _ := s.connected()
		url := "https://api.plivo.com/v1/Account/" + s.srv.AuthID() + "/MultiPartyCall/uuid_" + c.MPCUUID() + "/Participant/"
		req, err := http.NewRequest("POST", url, strings.NewReader(`{"role":"Supervisor","from":"14155550100","to":"`+mia+`","coach_mode":false,"enter_sound":"none"}`))
		if err != nil {
			t.Fatal(err)
		}
		req.SetBasicAuth(s.srv.AuthID(), s.srv.AuthToken())
		req.Header.Set("Content-Type", "application/json")
		resp, err := s.srv.Client().Do(req)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		after(4 * time.Second) // 2 of which the phone rings
		l := s.leg(mia)
		member := ""
		for _, x := range s.srv.MPCs() {
			for _, p := range x.Participants {
				if p.CallUUID == l.UUID() {
					member = p.MemberID
				}
			}
		}
		if member == "" {
			t.Fatal("the stranger never joined")
		}
		if s.srv.Hears(c, l) || l.MPCUUID() != "" {
			t.Errorf("2 s after joining the stranger is heard %v, in the call %v, want neither", s.srv.Hears(c, l), l.MPCUUID() != "")
		}
		muted := false
		for _, r := range s.srv.Requests() {
			muted = muted || r.Op == "UpdateParticipant" && r.Target == member && r.Body["mute"] == true
		}
		if !muted {
			t.Error("the stranger was removed, but not muted first: a removal may take long")
		}
		if !s.srv.Hears(c, a) || !s.srv.Hears(a, c) {
			t.Error("customer and agent no longer hear each other")
		}
	})
}

func TestR9JoiningAWaitingCall(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := open(t, nil)
		s.srv.Phone(ann, &plivotest.PhonePlan{Action: plivotest.Manual})
		c := s.call()
		s.eventually("Ann's phone rings", func() bool { return s.leg(ann) != nil })
		id := s.id(c)
		if _, err := s.flow.Barge(t.Context(), id, supLee, nil); err != nil {
			t.Fatalf("Barge(a waiting call) = %v, want nil", err)
		}
		l := s.leg(lee)
		for who, leg := range map[string]*plivotest.Leg{"the customer": c, "the supervisor": l} {
			if got := leg.Listening(); got != "wait music" {
				t.Errorf("%s hears %s, want wait music until the agent is in", who, got)
			}
		}
		if got := s.book(id).State; got != coaching.StateWaiting {
			t.Errorf("the call is %v, want waiting: a supervisor starts no call", got)
		}
		s.srv.Phone(ann, nil).Answer()
		after(time.Second)
		s.hears("the agent is in", map[string]*plivotest.Leg{"customer": c, "agent": s.leg(ann), "lee": l},
			"customer<-agent", "agent<-customer", "agent<-lee", "lee<-customer", "lee<-agent")
	})
}

// A bare audio file at a music URL would be silence: what Plivo is told of
// answers XML.
func TestR12Music(t *testing.T) {
	const wait, hold = "https://cdn.example.com/wait.mp3", "https://cdn.example.com/hold.mp3"
	for _, unsigned := range []bool{false, true} {
		bubble(t, func(t *testing.T) {
			s := open(t, &plivotest.Options{Switches: plivotest.Switches{MusicUnsigned: unsigned}}, func(cfg *coaching.Config) { cfg.WaitMusic, cfg.HoldMusic = wait, hold })
			paper := s.documents()
			c, _, id := s.connected()
			mpc := paper("/answer")[0]
			for _, a := range []string{"waitMusicUrl", "agentHoldMusicUrl", "customerHoldMusicUrl"} {
				if !strings.HasPrefix(mpc.Attrs[a], publicURL+"/music?kind=") {
					t.Errorf("%s = %q, want our own /music", a, mpc.Attrs[a])
				}
			}
			if err := s.flow.Hold(t.Context(), id, coaching.MemberID(c.MemberID())); err != nil {
				t.Fatal(err)
			}
			after(time.Second)
			if play := paper("/music"); len(play) != 1 || play[0].Name != "Play" || play[0].Text != hold {
				t.Errorf("/music answers %v, want Play of %s", play, hold)
			}
			heard := map[string]string{}
			for _, snd := range c.Sounds() {
				heard[snd.Kind] = snd.Name
			}
			if !strings.Contains(heard["wait music"], "kind=wait") && heard["wait music"] != wait {
				t.Errorf("the customer waited with %q, want %s", heard["wait music"], wait)
			}
			if !strings.Contains(heard["hold music"], "kind=hold") && heard["hold music"] != hold {
				t.Errorf("the customer was on hold with %q, want %s", heard["hold music"], hold)
			}
			if got := c.Listening(); got != "hold music" {
				t.Errorf("the customer hears %s, want hold music", got)
			}
		})
	}
}

func TestR12PlivosOwnMusic(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := open(t, nil)
		paper := s.documents()
		s.connected()
		for a := range paper("/answer")[0].Attrs {
			if strings.Contains(a, "Music") {
				t.Errorf("the document has %s, want none without Config.WaitMusic and HoldMusic", a)
			}
		}
	})
}

func TestR17Ticket(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := open(t, nil)
		c, a, id := s.connected()
		tk, err := s.flow.Ticket(t.Context(), id, supLee, nil)
		if err != nil {
			t.Fatal(err)
		}
		name, value := tk.Header()
		if name != "Ticket" || !regexp.MustCompile(`^[A-Za-z0-9]{48,96}$`).MatchString(value) || !strings.HasPrefix(value, string(id)) {
			t.Errorf("Header() = %s with %d characters, want Ticket with the CallID and 32 hex digits", name, len(value))
		}
		if got := time.Until(tk.Expires); got != time.Minute {
			t.Errorf("a ticket lasts %v, want 1m0s", got)
		}
		secret := value[len(id):]
		for _, text := range []string{fmt.Sprintf("%v %+v %#v", tk, tk, tk), fmt.Sprintf("%+v", s.book(id))} {
			if strings.Contains(text, secret) {
				t.Error("the ticket's bits are printed, or stand in the stored call")
			}
		}
		l := s.ticketCall(lee, value)
		after(time.Second)
		if _, err := s.flow.Await(t.Context(), id, "lee"); err != nil {
			t.Fatalf("Await = %v", err)
		}
		s.hears("dialled in", map[string]*plivotest.Leg{"customer": c, "agent": a, "lee": l},
			"customer<-agent", "agent<-customer", "agent<-lee", "lee<-customer", "lee<-agent")
	})
}

// Whatever is wrong with a ticket, the caller hears the same, and gets in
// nowhere.
func TestR17RefusalsSoundTheSame(t *testing.T) {
	same := func(value string, _ coaching.CallID) string { return value }
	for name, tt := range map[string]struct {
		spoil func(value string, id coaching.CallID) string
		wait  time.Duration
		first bool // somebody else has used it
		deny  error
		ended bool
	}{
		"no ticket":     {spoil: func(string, coaching.CallID) string { return "" }},
		"not a ticket":  {spoil: func(string, coaching.CallID) string { return "please" }},
		"wrong bits":    {spoil: func(v string, id coaching.CallID) string { return string(id) + strings.Repeat("0", 32) }},
		"no such call":  {spoil: func(v string, _ coaching.CallID) string { return v[:12] + "ffffffff" + v[20:] }},
		"expired":       {spoil: same, wait: time.Minute},
		"used already":  {spoil: same, first: true},
		"denied at use": {spoil: same, deny: errors.New("not on shift any more")},
		"call ended":    {spoil: same, ended: true},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				var mu sync.Mutex
				var no error
				asked := []string{}
				s := open(t, nil, func(cfg *coaching.Config) {
					cfg.Authorize = func(_ context.Context, r coaching.AccessRequest) error {
						mu.Lock()
						defer mu.Unlock()
						asked = append(asked, r.Op)
						if r.Op == "Redeem" && (r.Actor.ID != "boss" || r.Supervisor != "lee") {
							t.Errorf("Redeem is asked for %v and %q, want who asked for the ticket, and lee", r.Actor, r.Supervisor)
						}
						return no
					}
				})
				c, _, id := s.connected()
				ctx := coaching.WithActor(t.Context(), coaching.Actor{ID: "boss"})
				tk, err := s.flow.Ticket(ctx, id, supLee, nil)
				if err != nil {
					t.Fatal(err)
				}
				_, value := tk.Header()
				if tt.first {
					s.ticketCall(lee, value)
					after(3 * time.Second)
				}
				if tt.ended {
					if err := s.flow.End(t.Context(), id, nil); err != nil {
						t.Fatal(err)
					}
				}
				after(tt.wait)
				mu.Lock()
				no = tt.deny
				mu.Unlock()
				l := s.ticketCall(mia, tt.spoil(value, id))
				after(20 * time.Second)
				if got := l.MemberID(); got != "" {
					t.Errorf("the caller is in the call, as member %s", got)
				}
				var spoken []string
				for _, snd := range l.Sounds() {
					spoken = append(spoken, snd.Kind+": "+snd.Name)
				}
				if want := []string{"speak: This call cannot be joined. Goodbye."}; !slices.Equal(spoken, want) {
					t.Errorf("the caller hears %q, want %q", spoken, want)
				}
				mu.Lock()
				defer mu.Unlock()
				if tt.deny != nil && !slices.Contains(asked, "Redeem") {
					t.Errorf("Authorize was asked for %q, want Redeem too", asked)
				}
				if s.srv.Hears(c, l) {
					t.Error("the customer hears the caller")
				}
			})
		})
	}
}

// Plivo asks again when an answer got lost: the same call gets the same
// document.
func TestR17SameCallSameAnswer(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := open(t, nil)
		paper := s.documents()
		s.srv.CallbackFunc(func(cb plivotest.Callback) *plivotest.CallbackFault {
			if cb.Kind == "answer" && strings.Contains(cb.URL, "/supervisor") {
				return &plivotest.CallbackFault{Double: true, DoubleDelay: time.Second}
			}
			return nil
		})
		_, _, id := s.connected()
		tk, err := s.flow.Ticket(t.Context(), id, supLee, nil)
		if err != nil {
			t.Fatal(err)
		}
		_, value := tk.Header()
		s.ticketCall(lee, value)
		after(500 * time.Millisecond)
		first := paper("/supervisor")
		after(3 * time.Second)
		again := paper("/supervisor")
		if len(first) == 0 || first[0].Name != "MultiPartyCall" || fmt.Sprint(first) != fmt.Sprint(again) {
			t.Errorf("/supervisor answers %v and then %v, want the same twice", first, again)
		}
		if got := len(s.book(id).Supervisions); got != 1 {
			t.Errorf("%d supervisions, want 1", got)
		}
	})
}
