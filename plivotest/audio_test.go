package plivotest_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/mpc-coaching/coaching/plivotest"
)

// wantHears is the rule of audibility, written out a second time.
func wantHears(state, listener, speaker string, coach, mute, hold, listenerHold bool) bool {
	if state != "Active" || listenerHold || mute || hold {
		return false
	}
	if speaker == "Supervisor" && coach {
		return listener == "Agent"
	}
	return true
}

func TestHearsFullProduct(t *testing.T) {
	bools := []bool{false, true}
	roles := []string{"Customer", "Agent", "Supervisor"}
	for _, listener := range roles {
		for _, speaker := range roles {
			t.Run(listener+" hears "+speaker, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					b := newBench(t, nil)
					stay := map[string]any{"start_mpc_on_enter": false, "stay_alone": true}
					l := b.member(listener, "15550000001", stay)
					sp := b.member(speaker, "15550000002", stay)
					checked := 0
					for _, state := range []string{"Initialized", "Active"} {
						if state == "Active" {
							if status, out := b.rest("POST", "MultiPartyCall/name_room/", map[string]any{"status": "active"}); status != 204 {
								t.Fatalf("activate = %d %v", status, out)
							}
						}
						for _, coach := range bools {
							for _, mute := range bools {
								for _, hold := range bools {
									for _, lhold := range bools {
										for _, lmute := range bools {
											for _, lcoach := range bools {
												set(b, sp, speaker, coach, mute, hold)
												set(b, l, listener, lcoach, lmute, lhold)
												want := wantHears(state, listener, speaker, coach, mute, hold, lhold)
												if got := b.Hears(l, sp); got != want {
													t.Errorf("%s: hears(coach=%t mute=%t hold=%t, listener coach=%t mute=%t hold=%t) = %t, want %t",
														state, coach, mute, hold, lcoach, lmute, lhold, got, want)
												}
												before := len(l.Heard())
												sp.Say("x")
												if got := len(l.Heard()) > before; got != want {
													t.Errorf("%s: said line arrives = %t, want %t", state, got, want)
												}
												checked++
											}
										}
									}
								}
							}
						}
					}
					if b.Hears(l, l) {
						t.Error("a leg hears itself")
					}
					b.rest("DELETE", "MultiPartyCall/name_room/", nil)
					b.settle()
					if b.Hears(l, sp) {
						t.Error("they hear each other after the end")
					}
					if checked != 128 {
						t.Errorf("checked %d combinations, want 128", checked)
					}
				})
			})
		}
	}
}

func set(b *bench, l *plivotest.Leg, role string, coach, mute, hold bool) {
	b.Helper()
	fields := map[string]any{"mute": mute, "hold": hold}
	if role == "Supervisor" {
		fields["coach_mode"] = coach
	}
	time.Sleep(20 * time.Millisecond) // stay below the rate limit
	b.update(l, fields)
}

func TestOutsidersHearNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, nil)
		cust := b.call()
		b.member("Agent", agentSIP, nil)
		b.app.answer = strings.ReplaceAll(mpcXML(customerXML+` startMpcOnEnter="true"`), ">room<", ">other<")
		b.app.answer = strings.Replace(b.app.answer, ` startMpcOnEnter="false"`, "", 1)
		other := b.Dial("14155550199", hotline, nil)
		b.settle()
		if other.MPCUUID() == cust.MPCUUID() || other.MPCUUID() == "" {
			t.Fatalf("both are in %q", other.MPCUUID())
		}
		if b.Hears(cust, other) || b.Hears(other, cust) || b.Hears(nil, cust) || b.Hears(cust, nil) {
			t.Error("somebody hears somebody of another MPC")
		}
	})
}

func TestCoachesHearEachOther(t *testing.T) {
	for _, on := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			b := newBench(t, &plivotest.Options{Switches: plivotest.Switches{CoachesHearEachOther: on}})
			b.call()
			c1 := b.member("Supervisor", coachSIP, nil)
			c2 := b.member("Supervisor", "sip:coach2@phone.plivo.com", nil)
			if got := b.Hears(c1, c2); got != on {
				t.Errorf("switch %t: coaches hear each other = %t", on, got)
			}
		})
	}
}

// sounds lists what a leg heard from a moment on, with "…" on what still plays.
func sounds(l *plivotest.Leg, from int) []string {
	var out []string
	for _, o := range l.Sounds()[from:] {
		line := o.Kind + " " + o.Name
		if o.End.IsZero() && (strings.HasSuffix(o.Kind, "music")) {
			line += " …"
		}
		out = append(out, line)
	}
	return out
}

func wantSounds(t *testing.T, who string, l *plivotest.Leg, from int, want ...string) {
	t.Helper()
	if got := sounds(l, from); !slices.Equal(got, want) {
		t.Errorf("%s heard %q, want %q", who, got, want)
	}
}

func TestSoundsPerListener(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, nil)
		b.app.answer = mpcXML(customerXML + ` enterSound="none" exitSound="none"`)
		cust := b.call()
		wantSounds(t, "waiting customer", cust, 0, "wait music plivo …")

		loud := map[string]any{"enter_sound": "beep:1", "exit_sound": "beep:2"}
		agent := b.member("Agent", agentSIP, loud)
		wantSounds(t, "customer", cust, 0, "wait music plivo", "beep beep:1")
		wantSounds(t, "agent", agent, 0, "beep beep:1")

		b.update(agent, map[string]any{"hold": true})
		wantSounds(t, "held agent", agent, 1, "hold music plivo …")
		c0, a0 := len(cust.Sounds()), len(agent.Sounds())
		coach := b.member("Supervisor", coachSIP, loud)
		wantSounds(t, "customer at the join", cust, c0, "beep beep:1")
		wantSounds(t, "held agent at the join", agent, a0)
		wantSounds(t, "supervisor at the join", coach, 0, "beep beep:1")

		// coach_mode=false beeps each time, true only on a change.
		for i, c := range []struct {
			on   bool
			want []string
		}{{true, nil}, {false, []string{"beep beep:1"}}, {false, []string{"beep beep:1"}}, {true, []string{"beep beep:1"}}, {true, nil}} {
			c0, s0 := len(cust.Sounds()), len(coach.Sounds())
			b.update(coach, map[string]any{"coach_mode": c.on})
			wantSounds(t, fmt.Sprintf("step %d: customer", i), cust, c0, c.want...)
			wantSounds(t, fmt.Sprintf("step %d: supervisor", i), coach, s0, c.want...)
		}
		wantSounds(t, "held agent", agent, a0)
		c0 = len(cust.Sounds())
		b.update(coach, map[string]any{"coach_mode": false, "disable_state_change_sound": true})
		b.update(coach, map[string]any{"mute": true})
		wantSounds(t, "customer at a quiet change and a mute", cust, c0)

		coach.Hangup()
		b.settle()
		wantSounds(t, "customer at the exit", cust, c0, "beep beep:2")
		b.update(agent, map[string]any{"hold": false})
		wantSounds(t, "agent off hold", agent, 1, "hold music plivo")
	})
}

func TestMuteHoldSound(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, &plivotest.Options{Switches: plivotest.Switches{MuteHoldSound: true}})
		cust := b.call()
		agent := b.member("Agent", agentSIP, nil)
		from := len(cust.Sounds())
		b.update(agent, map[string]any{"mute": true})
		b.update(agent, map[string]any{"mute": true}) // no change
		b.update(agent, map[string]any{"hold": true})
		wantSounds(t, "customer", cust, from, "beep beep:1", "beep beep:1")
	})
}

func TestDialMusic(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, nil)
		cust := b.call()
		b.member("Agent", agentSIP, nil)
		from := len(cust.Sounds())
		b.member("Supervisor", coachSIP, nil) // dial_music None
		wantSounds(t, "customer under None", cust, from)
		b.member("Supervisor", "sip:coach2@phone.plivo.com", map[string]any{"dial_music": "Real"})
		wantSounds(t, "customer under Real", cust, from, "dial music Real")
		if o := cust.Sounds()[from]; o.End.Sub(o.At) < 900*time.Millisecond {
			t.Errorf("dial music lasts %v, want about a second", o.End.Sub(o.At))
		}
	})
}

func TestMusic(t *testing.T) {
	const good = `<Response><Play>https://cdn.example/a.mp3</Play><Wait length="2"/></Response>`
	for _, c := range []struct{ name, doc, waiting string }{
		{"XML", good, "wait music"},
		{"speech", `<Response><Speak>Please wait</Speak></Response>`, "wait music"},
		{"bare audio", "ID3\x03\x00", "silence"},
		{"nothing", "", "silence"},
		{"only a pause", `<Response><Wait length="2"/></Response>`, "silence"},
		{"another element beside", `<Response><Hangup/><Play>https://cdn.example/a.mp3</Play></Response>`, "wait music"},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newBench(t, nil)
				b.app.docs["/wait"], b.app.docs["/hold"] = c.doc, good
				b.app.answer = mpcXML(customerXML + ` waitMusicUrl="` + appURL + `/wait" customerHoldMusicUrl="` + appURL + `/hold" customerHoldMusicMethod="POST"`)
				cust := b.call()
				if got := cust.Listening(); got != c.waiting {
					t.Errorf("waiting customer listens to %q, want %q", got, c.waiting)
				}
				if n := len(b.app.all("/wait")); n != 1 {
					t.Errorf("wait music fetched %d times, want once", n)
				}
				agent := b.member("Agent", agentSIP, nil)
				if got := cust.Listening(); got != "mpc" {
					t.Errorf("customer listens to %q, want mpc", got)
				}
				b.update(cust, map[string]any{"hold": true})
				if got := cust.Listening(); got != "hold music" {
					t.Errorf("held customer listens to %q, want hold music", got)
				}
				if o := cust.Sounds()[len(cust.Sounds())-1]; o.Name != appURL+"/hold" {
					t.Errorf("held customer hears %+v", o)
				}
				b.update(agent, map[string]any{"hold": true}) // Plivo's own for agents
				if o := agent.Sounds()[len(agent.Sounds())-1]; o.Name != "plivo" || o.Kind != "hold music" {
					t.Errorf("held agent hears %+v", o)
				}
			})
		})
	}
}

func TestSoundFromURL(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, nil)
		b.app.docs["/hello"] = `<Response><Speak>Agent here</Speak></Response>`
		cust := b.call()
		from := len(cust.Sounds())
		b.member("Agent", agentSIP, map[string]any{"enter_sound": appURL + "/hello"})
		wantSounds(t, "customer", cust, from, "enter sound "+appURL+"/hello")
	})
}

func TestOnChangeSeesEveryInstant(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, nil)
		cust := b.call()
		agent := b.member("Agent", agentSIP, nil)
		var seen []bool
		b.OnChange(func() {
			if h := b.Hears(cust, agent); len(seen) == 0 || seen[len(seen)-1] != h {
				seen = append(seen, h)
			}
		})
		for _, mute := range []bool{true, false, true} {
			b.update(agent, map[string]any{"mute": mute})
		}
		b.OnChange(nil)
		if want := []bool{false, true, false}; !slices.Equal(seen, want) {
			t.Errorf("seen %v, want %v", seen, want)
		}
	})
}
