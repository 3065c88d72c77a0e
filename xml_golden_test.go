package coaching_test

import (
	"errors"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	plivoxml "github.com/plivo/plivo-go/v7/xml"

	"github.com/mpc-coaching/coaching"
)

// fullCall has every setting of a person.
func fullCall() coaching.MultiPartyCall {
	const u = "https://voice.example.com/plivo"
	return coaching.MultiPartyCall{
		Name: `Zoë & <Co> "🎧" 'x'`, Role: coaching.RoleSupervisor,
		MaxDuration: 8 * time.Hour, MaxParticipants: 10, RecordMinMemberCount: 2,
		WaitMusicURL: u + "/music", AgentHoldMusicURL: u + "/music?hold=1&who=agent", AgentHoldMusicMethod: "POST",
		CustomerHoldMusicURL: u + `/music?q="<é>"`,
		Record:               new(true), RecordFileFormat: "wav", RecordCoachVoice: new(false),
		RecordingCallbackURL: u + "/recording", StartRecordingAudioURL: u + "/start", StopRecordingAudioURL: u + "/stop",
		StatusCallbackURL: u + "/events?call=1#rc=3", StatusCallbackEvents: []string{"mpc-state-changes", "participant-speak-events"},
		WaitForAgent: new(false), StayAlone: new(true), CoachMode: new(true), Mute: new(true), Hold: new(false),
		StartMPCOnEnter: new(false), EndMPCOnExit: new(false), RelayDTMFInputs: new(false),
		EnterSound: "none", ExitSound: u + "/bye", OnExitActionURL: u + "/exit",
	}
}

func customerCall() coaching.MultiPartyCall {
	const u = "https://voice.example.com/plivo"
	const q = "?call=cc1a2b3c4d3e82ae9d2c784d85"
	return coaching.MultiPartyCall{
		Name: room, Role: coaching.RoleCustomer,
		MaxDuration: 8 * time.Hour, MaxParticipants: 10,
		WaitMusicURL: u + "/music", AgentHoldMusicURL: u + "/music", CustomerHoldMusicURL: u + "/music",
		StatusCallbackURL: u + "/events" + q,
		StayAlone:         new(true), Mute: new(false), Hold: new(false), StartMPCOnEnter: new(false), EndMPCOnExit: new(true),
		EnterSound: "none", ExitSound: "none", OnExitActionURL: u + "/exit" + q,
	}
}

func TestDocumentGolden(t *testing.T) {
	for name, elements := range map[string][]coaching.Element{
		"customer":  {customerCall(), coaching.Speak{Text: "Sorry, please call again."}, coaching.Hangup{}},
		"full":      {fullCall()},
		"music":     {coaching.Play{URL: "https://cdn.example.com/wait & see?a=1&b=<2>.mp3", Loop: new(0)}}, // refused, see below
		"farewell":  {coaching.Speak{Text: "Bye & \"thanks\" <3 🎧\nZoë", Voice: "MAN", Language: "en-GB", Loop: new(1)}, coaching.Wait{Length: 2 * time.Second}, coaching.Hangup{Schedule: time.Second}},
		"busy":      {coaching.Hangup{Reason: "busy"}},
		"redirect":  {coaching.Wait{Length: 5 * time.Second, Silence: new(true), MinSilence: 1500 * time.Millisecond, Beep: new(false)}, coaching.Redirect{URL: "https://ivr.example.com/?a=1&b=2"}},
		"ai_agent":  {coaching.MultiPartyCall{Name: room, AIAgent: &coaching.AIAgent{ServiceURL: "wss://ai.example.com/s", SamplingRate: 16000, StatusCallbackURL: "https://ai.example.com/cb"}}},
		"no_answer": {},
	} {
		t.Run(name, func(t *testing.T) {
			if name == "music" {
				refusedXML(t, elements[0], "url") // a blank in the URL
				elements = []coaching.Element{coaching.Play{URL: "https://cdn.example.com/wait%20&%20see?a=1&b=<2>.mp3", Loop: new(0)}}
			}
			doc, err := coaching.NewDocument(elements...)
			if err != nil {
				t.Fatal(err)
			}
			path := filepath.Join("testdata", "xml", name+".xml")
			if *update {
				if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(path, doc.Bytes(), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), doc.String()); diff != "" {
				t.Errorf("%s (-want +got):\n%s", path, diff)
			}
			if _, err := readDocument(doc.String()); err != nil {
				t.Errorf("%s: %v", path, err)
			}
		})
	}
	files, err := filepath.Glob(filepath.Join("testdata", "xml", "*.xml"))
	if err != nil || len(files) != 8 {
		t.Errorf("golden files: %v, %v, want 8", files, err)
	}
}

// xmlText reports whether XML 1.0 can carry s: its production Char.
func xmlText(s string) bool {
	for _, r := range s {
		if r == 0x9 || r == 0xA || r == 0xD || r >= 0x20 && r <= 0xD7FF || r >= 0xE000 && r <= 0xFFFD || r >= 0x10000 && r <= 0x10FFFF {
			continue
		}
		return false
	}
	return utf8.ValidString(s)
}

// checkText puts text where free text may stand, in content and attributes.
func checkText(t *testing.T, text string) {
	t.Helper()
	speak := coaching.Speak{Text: text, Voice: text, Language: text}
	doc, err := coaching.NewDocument(speak, coaching.Hangup{})
	if ok := xmlText(text) && strings.TrimSpace(text) != ""; (err == nil) != ok {
		t.Errorf("NewDocument(Speak %q) = %v, want ok %v", text, err, ok)
	}
	if err != nil {
		if !errors.Is(err, coaching.ErrInvalid) || !doc.IsZero() {
			t.Errorf("NewDocument(Speak %q) = %q, %v, want ErrInvalid", text, doc, err)
		}
		return
	}
	got, err := readDocument(doc.String())
	if err != nil {
		t.Errorf("NewDocument(Speak %q) = %q, which does not parse: %v", text, doc, err)
		return
	}
	want := []node{{"Speak", map[string]string{"voice": text, "language": text}, text}, {"Hangup", map[string]string{}, ""}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("NewDocument(Speak %q) (-want +got):\n%s", text, diff)
	}
}

// Each code point by itself and in company comes back unchanged or is refused.
func TestDocumentRoundTrip(t *testing.T) {
	for r := rune(0); r <= 0x2FF; r++ {
		checkText(t, "a"+string(r)+"b")
	}
	for _, r := range []rune{0xD7FF, 0xE000, 0xFFFC, 0xFFFD, 0xFFFE, 0xFFFF, 0x10000, 0x1F3A7, 0x1FFFE, 0x10FFFF} {
		checkText(t, string(r))
	}
	for b := range 256 {
		checkText(t, "a"+string([]byte{byte(b)})+"b")
	}
	pieces := []string{"&", "<", ">", `"`, "'", "]]>", "\n", "\r", "\t", "\r\n", " ", "🎧", "é", "&amp;", "&#10;", "<!--", "<![CDATA[", "?>", "abc", "\x7f", "\u0085", "\x00", "\xff"}
	rnd := rand.New(rand.NewPCG(1, 2))
	for range 2000 {
		var s strings.Builder
		for range rnd.IntN(8) + 1 {
			s.WriteString(pieces[rnd.IntN(len(pieces))])
		}
		checkText(t, s.String())
	}
}

func FuzzDocument(f *testing.F) {
	f.Add("Zoë & <Co>", "https://a.example/x?a=1&b=\"<2>\"", 3)
	f.Add("]]>\r\n\t", "none", 0)
	f.Add("\x00\xff", "https://a.example/%", -1)
	f.Fuzz(func(t *testing.T, text, u string, n int) {
		checkText(t, text)
		m := coaching.MultiPartyCall{Name: coaching.CallID(text), Role: coaching.Role(n), MaxParticipants: n, EnterSound: u, StatusCallbackURL: u}
		doc, err := coaching.NewDocument(m)
		if (err == nil) == doc.IsZero() {
			t.Fatalf("NewDocument(%+v) = %q, %v, want exactly one", m, doc, err)
		}
		if err != nil {
			return
		}
		nodes, err := readDocument(doc.String())
		if err != nil || len(nodes) != 1 || nodes[0].Text != text || nodes[0].Attrs["statusCallbackUrl"] != u || nodes[0].Attrs["enterSound"] != u {
			t.Fatalf("NewDocument(%+v) = %q, which reads as %v, %v", m, doc, nodes, err)
		}
	})
}

func BenchmarkDocument(b *testing.B) {
	b.Run("coaching", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			doc, err := coaching.NewDocument(customerCall())
			if err != nil || doc.IsZero() {
				b.Fatal(err)
			}
		}
	})
	b.Run("plivo-go", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if plivoCustomerCall() == "" {
				b.Fatal("empty")
			}
		}
	})
}

// plivoCustomerCall is customerCall's document, written by plivo-go.
func plivoCustomerCall() string {
	m := customerCall()
	e := plivoxml.MultiPartyCallElement{
		Contents: []any{string(m.Name)}, Role: new("Customer"), MaxDuration: new(int64(28800)), MaxParticipants: new(int64(10)),
		WaitMusicUrl: &m.WaitMusicURL, WaitMusicMethod: new("GET"), AgentHoldMusicUrl: &m.AgentHoldMusicURL, AgentHoldMusicMethod: new("GET"),
		CustomerHoldMusicUrl: &m.CustomerHoldMusicURL, CustomerHoldMusicMethod: new("GET"),
		StatusCallbackUrl: &m.StatusCallbackURL, StatusCallbackMethod: new("POST"),
		StayAlone: m.StayAlone, Mute: m.Mute, Hold: m.Hold, StartMpcOnEnter: m.StartMPCOnEnter, EndMpcOnExit: m.EndMPCOnExit,
		EnterSound: &m.EnterSound, ExitSound: &m.ExitSound, OnExitActionUrl: &m.OnExitActionURL, OnExitActionMethod: new("POST"),
	}
	return plivoxml.ResponseElement{Contents: []any{e}}.String()
}

// The benchmark compares like with like: both documents say the same.
func TestDocumentBenchmarkIsFair(t *testing.T) {
	want, err := readDocument(plivoCustomerCall())
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, parsed(t, customerCall())); diff != "" {
		t.Errorf("documents of plivo-go and coaching (-want +got):\n%s", diff)
	}
}
