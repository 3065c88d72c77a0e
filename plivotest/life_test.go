package plivotest_test

import (
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/mpc-coaching/coaching/plivotest"
)

func (b *bench) mpc(i int) plivotest.MPC {
	b.Helper()
	all := b.MPCs()
	if i >= len(all) {
		b.Fatalf("there are %d MPCs, want more than %d", len(all), i)
	}
	return all[i]
}

func TestHowMPCsEnd(t *testing.T) {
	for _, c := range []struct {
		name     string
		sw       plivotest.Switches
		customer string // attributes
		agent    map[string]any
		then     func(b *bench, cust, agent *plivotest.Leg)
		code     int // 0: lives
	}{
		{"the last one leaves", plivotest.Switches{}, `role="Customer" stayAlone="true"`, nil, func(b *bench, cust, agent *plivotest.Leg) {
			cust.Hangup()
			if b.mpc(0).Status != "Active" {
				b.Error("stay_alone did not keep the agent in")
			}
			agent.Hangup()
		}, 1000},
		{"one left of two", plivotest.Switches{}, `role="Customer"`, nil, func(_ *bench, cust, _ *plivotest.Leg) { cust.Hangup() }, 1010},
		{"one left of two while waiting", plivotest.Switches{}, `role="Customer" startMpcOnEnter="false"`, map[string]any{"start_mpc_on_enter": false},
			func(_ *bench, cust, _ *plivotest.Leg) { cust.Hangup() }, 1010},
		{"a lone first one stays", plivotest.Switches{}, `role="Customer"`, nil, nil, 0},
		{"max duration counts from the beginning", plivotest.Switches{}, `role="Customer" maxDuration="300"`, nil,
			func(b *bench, _, _ *plivotest.Leg) { time.Sleep(301 * time.Second); b.settle() }, 2000},
		{"not before max duration", plivotest.Switches{}, `role="Customer" maxDuration="300"`, nil,
			func(*bench, *plivotest.Leg, *plivotest.Leg) { time.Sleep(295 * time.Second) }, 0},
		{"API", plivotest.Switches{}, `role="Customer"`, nil, func(b *bench, _, _ *plivotest.Leg) { b.rest("DELETE", "MultiPartyCall/name_room/", nil) }, 3000},
		{"endMpcOnExit", plivotest.Switches{}, customerXML, nil, func(_ *bench, cust, _ *plivotest.Leg) { cust.Hangup() }, 1000},
		{"endMpcOnExit, other cause", plivotest.Switches{EndMpcOnExitCause3000: true}, customerXML, nil, func(_ *bench, cust, _ *plivotest.Leg) { cust.Hangup() }, 3000},
		{"end_mpc_on_exit when kicked", plivotest.Switches{}, `role="Customer" stayAlone="true"`, map[string]any{"end_mpc_on_exit": true},
			func(b *bench, _, agent *plivotest.Leg) {
				b.rest("DELETE", "MultiPartyCall/name_room/Participant/"+agent.MemberID()+"/", nil)
			}, 1000},
		{"kick of all", plivotest.Switches{}, customerXML, nil, func(b *bench, _, _ *plivotest.Leg) {
			b.rest("DELETE", "MultiPartyCall/name_room/Participant/all/", nil)
		}, 1000},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newBench(t, &plivotest.Options{Switches: c.sw})
				b.app.answer = mpcXML(c.customer)
				cust := b.call()
				if c.then != nil {
					c.then(b, cust, b.member("Agent", agentSIP, c.agent))
				}
				b.settle()
				m := b.mpc(0)
				if m.TerminationCauseCode != c.code || (m.Status == "Ended") != (c.code != 0) {
					t.Errorf("%s, cause %d, want %d", m.Status, m.TerminationCauseCode, c.code)
				}
				for _, p := range m.Participants {
					if p.In() == (c.code != 0) {
						t.Errorf("participant %s: in %t", p.Role, p.In())
					}
				}
			})
		})
	}
}

func TestHarshStayAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, &plivotest.Options{Switches: plivotest.Switches{HarshStayAlone: true}})
		b.app.answer = mpcXML(`role="Customer"`)
		b.call()
		if m := b.mpc(0); m.TerminationCauseCode != 1010 {
			t.Errorf("a lone first participant: %s %d, want 1010", m.Status, m.TerminationCauseCode)
		}
	})
}

func TestNobodyAnswersRESTCreated(t *testing.T) {
	for _, atJoin := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			b := newBench(t, &plivotest.Options{Switches: plivotest.Switches{CreateAtJoin: atJoin}})
			b.Phone(agentSIP, &plivotest.PhonePlan{Action: plivotest.Busy})
			b.add(map[string]any{"role": "Agent", "to": agentSIP, "status_callback_url": appURL + "/events"})
			if atJoin {
				if n := len(b.MPCs()); n != 0 {
					t.Errorf("%d MPCs, want none", n)
				}
				return
			}
			if m := b.mpc(0); m.TerminationCauseCode != 1000 {
				t.Errorf("%s %d, want ended by 1000", m.Status, m.TerminationCauseCode)
			}
			if got, want := b.app.events(), []string{"MPCInitialized", "MPCEnd"}; !slices.Equal(got, want) {
				t.Errorf("events %v, want %v", got, want)
			}
		})
	}
}

func TestRESTCreatedIsLiveWhileRinging(t *testing.T) {
	for _, atJoin := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			b := newBench(t, &plivotest.Options{Switches: plivotest.Switches{CreateAtJoin: atJoin}})
			b.Phone(agentSIP, &plivotest.PhonePlan{After: 10 * time.Second})
			b.rest("POST", "MultiPartyCall/name_room/Participant/", map[string]any{"role": "Agent", "from": caller, "to": agentSIP, "start_mpc_on_enter": false})
			want := 200
			if atJoin {
				want = 404
			}
			if status, _ := b.rest("GET", "MultiPartyCall/name_room/", nil); status != want {
				t.Errorf("CreateAtJoin %t: GET while ringing = %d, want %d", atJoin, status, want)
			}
			b.settle()
			if m := b.mpc(0); m.Status != "Initialized" || len(m.Participants) != 1 {
				t.Errorf("CreateAtJoin %t: %+v", atJoin, m)
			}
		})
	}
}

func TestLegThatRingsWhenItsMPCEnds(t *testing.T) {
	for _, creates := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			b := newBench(t, &plivotest.Options{Switches: plivotest.Switches{JoinAfterEndCreates: creates}})
			cust := b.call()
			p := b.Phone(agentSIP, &plivotest.PhonePlan{After: 10 * time.Second})
			b.rest("POST", "MultiPartyCall/name_room/Participant/", map[string]any{"role": "Agent", "from": caller, "to": agentSIP, "stay_alone": true})
			time.Sleep(2 * time.Second)
			cust.Hangup()
			b.settle()
			if l := p.Last(); (l.MemberID() != "") != creates || len(b.MPCs()) != map[bool]int{false: 1, true: 2}[creates] {
				t.Errorf("JoinAfterEndCreates %t: member %q, %d MPCs, cause %+v", creates, l.MemberID(), len(b.MPCs()), l.HangupCause())
			}
		})
	}
}

func TestNamesAreUniqueAmongLive(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, nil)
		cust := b.call()
		second := b.Dial("14155550199", hotline, nil)
		b.settle()
		if cust.MPCUUID() != second.MPCUUID() {
			t.Error("two live MPCs of one name")
		}
		first := cust.MPCUUID()
		b.rest("DELETE", "MultiPartyCall/name_room/", nil)
		third := b.call()
		if third.MPCUUID() == first {
			t.Error("an ended MPC came back to life")
		}
		if status, _ := b.rest("POST", "MultiPartyCall/uuid_"+first+"/Participant/", map[string]any{"role": "Agent", "from": caller, "to": agentSIP}); status != 404 {
			t.Errorf("adding to an ended MPC = %d, want 404", status)
		}
	})
}

func TestFull(t *testing.T) {
	for _, hangup := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			b := newBench(t, &plivotest.Options{CPS: -1, Switches: plivotest.Switches{FullXMLHangup: hangup}})
			b.app.answer = strings.Replace(mpcXML(`role="Customer" maxParticipants="2"`), "</Response>", "<Speak>Full</Speak></Response>", 1)
			b.call()
			b.Phone(agentSIP, &plivotest.PhonePlan{After: 5 * time.Second})
			b.rest("POST", "MultiPartyCall/name_room/Participant/", map[string]any{"role": "Agent", "from": caller, "to": agentSIP}) // rings: does not count
			b.Dial("14155550199", hotline, nil)
			time.Sleep(time.Second)
			if status, _ := b.rest("POST", "MultiPartyCall/name_room/Participant/", map[string]any{"role": "Agent", "from": caller, "to": coachSIP}); status != 400 {
				t.Errorf("adding to a full MPC = %d, want 400", status)
			}
			third := b.Dial("14155550198", hotline, nil)
			b.settle()
			time.Sleep(10 * time.Second)
			spoken := len(third.Sounds()) == 1 && third.Sounds()[0].Name == "Full"
			if spoken == hangup || third.State() != plivotest.Ended {
				t.Errorf("FullXMLHangup %t: %v, %+v", hangup, third.Sounds(), third.HangupCause())
			}
			if l := b.Phone(agentSIP, nil).Last(); l.State() != plivotest.Ended {
				t.Error("the ringing agent joined a full MPC")
			}
		})
	}
}

func TestWaitForAgent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, nil)
		b.app.answer = mpcXML(`role="Customer" waitForAgent="true" stayAlone="true"`)
		b.call()
		b.member("Supervisor", coachSIP, nil)
		if m := b.mpc(0); m.Status != "Initialized" {
			t.Errorf("without an agent: %s", m.Status)
		}
		agent := b.member("Agent", agentSIP, nil)
		if m := b.mpc(0); m.Status != "Active" {
			t.Errorf("with an agent: %s", m.Status)
		}
		agent.Hangup()
		if m := b.mpc(0); m.Status != "Active" {
			t.Errorf("after the agent: %s", m.Status)
		}
	})
}

func TestCreatorsSettingsStay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, nil)
		b.call()
		b.member("Agent", agentSIP, map[string]any{"stay_alone": false, "max_participants": 3})
		if m := b.mpc(0); !m.StayAlone || m.MaxParticipants != 10 {
			t.Errorf("%+v, want the creator's settings", m)
		}
		warned := 0
		for _, e := range b.Timeline() {
			if e.Kind == "warning" && strings.Contains(e.Text, "the creator's value stays") {
				warned++
			}
		}
		if warned != 2 {
			t.Errorf("%d warnings, want 2", warned)
		}
	})
}

func TestLastSettingsWin(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, &plivotest.Options{Switches: plivotest.Switches{LastSettingsWin: true}})
		b.call()
		b.member("Agent", agentSIP, map[string]any{"stay_alone": false, "max_participants": 3})
		if m := b.mpc(0); m.StayAlone || m.MaxParticipants != 3 {
			t.Errorf("%+v, want the last settings", m)
		}
		if got := b.app.events(); !slices.Contains(got, "MPCStart") {
			t.Errorf("events %v: the callback URL that was not given again is lost", got)
		}
	})
}

func TestFullByREST(t *testing.T) {
	for _, c := range []struct {
		sw   plivotest.Switches
		want []int // statuses of three requests for an MPC of two, made while they ring
		in   int
	}{
		{plivotest.Switches{}, []int{201, 201, 201}, 2},
		{plivotest.Switches{DialsCount: true}, []int{201, 400, 400}, 2},
		{plivotest.Switches{DialsCount: true, FullRESTDials: true}, []int{201, 201, 201}, 2},
	} {
		synctest.Test(t, func(t *testing.T) {
			b := newBench(t, &plivotest.Options{CPS: -1, Switches: c.sw})
			b.app.answer = mpcXML(`role="Customer" maxParticipants="2" stayAlone="true"`)
			b.call()
			for i, to := range []string{"15550000001", "15550000002", "15550000003"} {
				b.Phone(to, &plivotest.PhonePlan{After: time.Duration(10-i) * time.Second})
				if status, _ := b.rest("POST", "MultiPartyCall/name_room/Participant/", map[string]any{"role": "Agent", "from": caller, "to": to}); status != c.want[i] {
					t.Errorf("%+v: request %d = %d, want %d", c.sw, i, status, c.want[i])
				}
			}
			b.settle()
			if n := len(b.mpc(0).Participants); n != c.in {
				t.Errorf("%+v: %d in, want %d", c.sw, n, c.in)
			}
		})
	}
}

func TestPartialListsFail(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, &plivotest.Options{Switches: plivotest.Switches{PartialListsFail: true}})
		cust := b.call()
		if status, _ := b.rest("POST", "MultiPartyCall/name_room/Participant/9,"+cust.MemberID()+"/", map[string]any{"mute": true}); status != 404 {
			t.Errorf("partial list = %d, want 404", status)
		}
	})
}

func TestReentryIsANewMember(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, nil)
		b.app.answer = `<Response>` + strings.TrimSuffix(strings.TrimPrefix(mpcXML(`role="Customer" stayAlone="true"`), "<Response>"), "</Response>") +
			strings.TrimPrefix(mpcXML(`role="Customer"`), "<Response>")
		cust := b.call()
		b.member("Agent", agentSIP, nil)
		first := cust.MemberID()
		b.rest("DELETE", "MultiPartyCall/name_room/Participant/"+first+"/", nil)
		b.settle()
		if cust.MemberID() == first || cust.MemberID() == "" {
			t.Errorf("member %q after re-entry, was %q", cust.MemberID(), first)
		}
		if n := len(b.mpc(0).Participants); n != 3 {
			t.Errorf("%d entries, want 3", n)
		}
	})
}

func TestWhereLegsGo(t *testing.T) {
	const next = `<Speak>Goodbye</Speak>`
	for _, c := range []struct {
		name    string
		attrs   string
		tail    string
		leave   func(b *bench, cust *plivotest.Leg)
		exits   int
		spoken  string
		code    int
		mayLive bool
	}{
		{"kick, next element", `role="Customer"`, next, kickCustomer, 0, "Goodbye", 4010, false},
		{"end, next element", `role="Customer"`, next, endRoom, 0, "Goodbye", 4010, false},
		{"end, nothing follows", `role="Customer"`, "", endRoom, 0, "", 4010, false},
		{"kick, on-exit URL", `role="Customer" onExitActionUrl="` + appURL + `/exit"`, next, kickCustomer, 1, "Exit", 4010, false},
		{"end, on-exit URL", `role="Customer" onExitActionUrl="` + appURL + `/exit"`, next, endRoom, 1, "Exit", 4010, false},
		{"own hang-up", `role="Customer" onExitActionUrl="` + appURL + `/exit"`, next, func(_ *bench, cust *plivotest.Leg) { cust.Hangup() }, 0, "", 4000, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newBench(t, nil)
				b.app.docs["/exit"] = `<Response><Speak>Exit</Speak></Response>`
				b.app.answer = strings.Replace(mpcXML(c.attrs), "</Response>", c.tail+"</Response>", 1)
				cust := b.call()
				id := cust.MemberID()
				agent := b.member("Agent", agentSIP, nil)
				n := len(cust.Sounds())
				c.leave(b, cust)
				b.settle()
				if c.spoken != "" && cust.Listening() != "speak" {
					t.Errorf("listens to %q, want speak", cust.Listening())
				}
				time.Sleep(10 * time.Second)
				b.settle()
				spoken := ""
				for _, o := range cust.Sounds()[n:] {
					if o.Kind == "speak" {
						spoken += o.Name
					}
				}
				if spoken != c.spoken || cust.HangupCause().Code != c.code {
					t.Errorf("heard %q, cause %+v, want %q and %d", spoken, cust.HangupCause(), c.spoken, c.code)
				}
				exits := b.app.all("/exit")
				if len(exits) != c.exits {
					t.Fatalf("%d on-exit requests, want %d", len(exits), c.exits)
				}
				if c.exits > 0 {
					f := exits[0].form
					if f.Get("MemberID") != id || f.Get("MPCFriendlyName") != "room" || f.Get("ParticipantRole") != "customer" || f.Get("ParticipantEndTime") == "" || f.Get("CallUUID") != cust.UUID() {
						t.Errorf("on-exit form %v", f)
					}
				}
				if agent.State() != plivotest.Ended { // alone, without stay_alone, and dialled
					t.Errorf("agent is %s", agent.State())
				}
			})
		})
	}
}

func kickCustomer(b *bench, cust *plivotest.Leg) {
	b.rest("DELETE", "MultiPartyCall/name_room/Participant/"+cust.MemberID()+"/", nil)
}

func endRoom(b *bench, _ *plivotest.Leg) { b.rest("DELETE", "MultiPartyCall/name_room/", nil) }

func TestDialledLegsAreHungUp(t *testing.T) {
	for _, sw := range []plivotest.Switches{{}, {KickCause4020: true}} {
		synctest.Test(t, func(t *testing.T) {
			b := newBench(t, &plivotest.Options{Switches: sw})
			b.call()
			agent := b.member("Agent", agentSIP, nil)
			coach := b.member("Supervisor", coachSIP, map[string]any{"on_exit_action_url": appURL + "/exit"})
			b.app.docs["/exit"] = `<Response><Wait length="5"/></Response>`
			b.rest("DELETE", "MultiPartyCall/name_room/Participant/"+agent.MemberID()+","+coach.MemberID()+"/", nil)
			b.settle()
			want := 4030
			if sw.KickCause4020 {
				want = 4020
			}
			if agent.HangupCause().Code != want || coach.State() != plivotest.InProgress {
				t.Errorf("agent %+v, want %d; supervisor %s", agent.HangupCause(), want, coach.State())
			}
		})
	}
}

func TestOnExitAfterHangup(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, &plivotest.Options{Switches: plivotest.Switches{OnExitAfterHangup: true}})
		b.app.answer = mpcXML(`role="Customer" onExitActionUrl="` + appURL + `/exit"`)
		b.call().Hangup()
		b.settle()
		if exits := b.app.all("/exit"); len(exits) != 1 || exits[0].form.Get("CallStatus") != "completed" {
			t.Errorf("on-exit requests %v", exits)
		}
	})
}

func TestStaleReads(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, &plivotest.Options{Switches: plivotest.Switches{StaleReads: 2 * time.Second}})
		cust := b.call()
		agent := b.member("Agent", agentSIP, nil)
		time.Sleep(3 * time.Second)
		b.update(agent, map[string]any{"mute": true})
		id := agent.MemberID()
		old, fresh := 0, 0
		for range 40 {
			time.Sleep(40 * time.Millisecond)
			_, p := b.rest("GET", "MultiPartyCall/uuid_"+cust.MPCUUID()+"/Participant/"+id+"/", nil)
			if p["mute"] == true {
				fresh++
			} else {
				old++
			}
		}
		if old == 0 || fresh == 0 {
			t.Errorf("%d old and %d fresh reads, want some of both", old, fresh)
		}
		time.Sleep(3 * time.Second)
		for range 40 {
			if _, p := b.rest("GET", "MultiPartyCall/name_room/Participant/"+id+"/", nil); p["mute"] != true {
				t.Fatal("a read is stale after two seconds")
			}
		}
		uuid := cust.MPCUUID()
		cust.Hangup()
		seen := map[any]bool{}
		for range 40 {
			time.Sleep(40 * time.Millisecond)
			_, m := b.rest("GET", "MultiPartyCall/uuid_"+uuid+"/", nil)
			seen[m["status"]] = true
		}
		if !seen["Active"] || !seen["Ended"] {
			t.Errorf("seen %v after the end, want both", seen)
		}
	})
}

func TestSplitFlags(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		orders := map[string]bool{}
		for seed := range uint64(20) {
			b := newBench(t, &plivotest.Options{Seed: seed, Switches: plivotest.Switches{SplitFlags: true}})
			b.call()
			coach := b.member("Supervisor", coachSIP, map[string]any{"mute": true})
			order := ""
			b.OnChange(func() {
				p := b.mpc(0).Participants[1]
				if !p.Mute && !strings.Contains(order, "m") {
					order += "m"
				}
				if !p.CoachMode && !strings.Contains(order, "c") {
					order += "c"
				}
			})
			b.update(coach, map[string]any{"mute": false, "coach_mode": false})
			orders[order] = true
			b.Close()
		}
		if !orders["mc"] || !orders["cm"] {
			t.Errorf("orders %v, want both", orders)
		}
	})
}

func TestListExited(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, &plivotest.Options{Switches: plivotest.Switches{ListExited: true}})
		b.call()
		b.member("Agent", agentSIP, nil).Hangup()
		_, out := b.rest("GET", "MultiPartyCall/name_room/Participant/", nil)
		if n := len(out["objects"].([]any)); n != 2 {
			t.Errorf("%d listed, want 2", n)
		}
	})
}

func TestCoachFlagOnOthersOK(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, &plivotest.Options{Switches: plivotest.Switches{CoachFlagOnOthersOK: true}})
		cust := b.call()
		agent := b.member("Agent", agentSIP, nil)
		b.update(agent, map[string]any{"coach_mode": true})
		if !b.Hears(cust, agent) || b.mpc(0).Participants[1].CoachMode {
			t.Error("coach_mode did something to an agent")
		}
	})
}
