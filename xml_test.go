package coaching_test

import (
	"bytes"
	"encoding/xml"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/mpc-coaching/coaching"
)

var update = flag.Bool("update", false, "rewrite the golden files in testdata")

// A node is an element as an independent parser reads it.
type node struct {
	Name  string
	Attrs map[string]string
	Text  string
}

// readDocument parses a document strictly: one Response, elements without
// children, no attribute twice, nothing outside.
func readDocument(text string) ([]node, error) {
	d := xml.NewDecoder(strings.NewReader(text))
	var nodes []node
	depth := 0
	for {
		tok, err := d.Token()
		if err == io.EOF {
			if depth != 0 || d.InputOffset() != int64(len(text)) {
				return nil, errors.New("cut short")
			}
			return nodes, nil
		}
		if err != nil {
			return nil, err
		}
		switch tok := tok.(type) {
		case xml.StartElement:
			depth++
			if depth == 1 && tok.Name.Local != "Response" || depth > 2 {
				return nil, fmt.Errorf("%s at depth %d", tok.Name.Local, depth)
			}
			if depth == 2 {
				n := node{Name: tok.Name.Local, Attrs: map[string]string{}}
				for _, a := range tok.Attr {
					if _, dup := n.Attrs[a.Name.Local]; dup || a.Name.Space != "" {
						return nil, fmt.Errorf("attribute %s twice or with a name space", a.Name.Local)
					}
					n.Attrs[a.Name.Local] = a.Value
				}
				nodes = append(nodes, n)
			}
		case xml.EndElement:
			depth--
		case xml.CharData:
			if depth == 2 {
				nodes[len(nodes)-1].Text += string(tok)
			} else if len(bytes.TrimSpace(tok)) > 0 {
				return nil, fmt.Errorf("text %q at depth %d", tok, depth)
			}
		}
	}
}

// parsed builds a document and reads it back.
func parsed(t *testing.T, elements ...coaching.Element) []node {
	t.Helper()
	doc, err := coaching.NewDocument(elements...)
	if err != nil {
		t.Fatalf("NewDocument(%+v) = %v", elements, err)
	}
	nodes, err := readDocument(doc.String())
	if err != nil {
		t.Fatalf("%v in\n%s", err, doc)
	}
	return nodes
}

// refusedXML checks that an element is refused, with every one of names in the error.
func refusedXML(t *testing.T, e coaching.Element, names ...string) {
	t.Helper()
	doc, err := coaching.NewDocument(e)
	if !errors.Is(err, coaching.ErrInvalid) || !doc.IsZero() {
		t.Errorf("NewDocument(%+v) = %q, %v, want ErrInvalid", e, doc, err)
		return
	}
	for _, n := range names {
		if !strings.Contains(err.Error(), n) {
			t.Errorf("NewDocument(%+v) = %q, which does not name %s", e, err, n)
		}
	}
}

const room = coaching.CallID("cc1a2b3c4d3e82ae9d2c784d85")

func mpc(set func(*coaching.MultiPartyCall)) coaching.MultiPartyCall {
	m := coaching.MultiPartyCall{Name: room, Role: coaching.RoleCustomer}
	if set != nil {
		set(&m)
	}
	return m
}

type mpcSetter = func(*coaching.MultiPartyCall)

// documentedAttributes is the list in Plivo's documentation of the element,
// less role, in its case.
var documentedAttributes = strings.Fields(`maxDuration maxParticipants recordMinMemberCount
	waitMusicUrl waitMusicMethod agentHoldMusicUrl agentHoldMusicMethod customerHoldMusicUrl customerHoldMusicMethod
	record recordFileFormat recordingCallbackUrl recordingCallbackMethod statusCallbackUrl statusCallbackMethod
	statusCallbackEvents waitForAgent recordCoachVoice startRecordingAudio startRecordingAudioMethod
	stopRecordingAudio stopRecordingAudioMethod stayAlone coachMode mute hold startMpcOnEnter endMpcOnExit
	relayDTMFInputs enterSound enterSoundMethod exitSound exitSoundMethod onExitActionUrl onExitActionMethod
	aiAgentStreamServiceUrl aiAgentStreamContentType aiAgentStreamStatusCallbackUrl aiAgentStreamStatusCallbackMethod
	aiAgentStreamSamplingRate aiAgentStreamExtraHeaders`)

func TestMultiPartyCallAttributes(t *testing.T) {
	const u = `https://a.example/x?a=1&b="<é🎧>'`
	// One attribute, the setting that writes it, its value, and what is written beside it.
	seen := map[string]bool{}
	check := func(set mpcSetter, want map[string]string) {
		t.Helper()
		got := parsed(t, mpc(set))
		if _, ok := want["role"]; !ok {
			want["role"] = "Customer"
		}
		if diff := cmp.Diff([]node{{"MultiPartyCall", want, string(room)}}, got); diff != "" {
			t.Errorf("document (-want +got):\n%s", diff)
		}
		for k := range want {
			seen[k] = true
		}
	}
	check(nil, map[string]string{})
	check(func(m *coaching.MultiPartyCall) { m.MaxDuration = 8 * time.Hour }, map[string]string{"maxDuration": "28800"})
	check(func(m *coaching.MultiPartyCall) { m.MaxParticipants = 10 }, map[string]string{"maxParticipants": "10"})
	check(func(m *coaching.MultiPartyCall) { m.RecordMinMemberCount = 2 }, map[string]string{"recordMinMemberCount": "2"})
	check(func(m *coaching.MultiPartyCall) { m.RecordFileFormat = "wav" }, map[string]string{"recordFileFormat": "wav"})
	check(func(m *coaching.MultiPartyCall) {
		m.StatusCallbackEvents = []string{"mpc-state-changes", "participant-state-changes", "participant-speak-events",
			"participant-digit-input-events", "add-participant-api-events", "participant-audio-events"}
	}, map[string]string{"statusCallbackEvents": "mpc-state-changes,participant-state-changes,participant-speak-events," +
		"participant-digit-input-events,add-participant-api-events,participant-audio-events"})
	for attr, field := range map[string]func(m *coaching.MultiPartyCall) **bool{
		"record":           func(m *coaching.MultiPartyCall) **bool { return &m.Record },
		"recordCoachVoice": func(m *coaching.MultiPartyCall) **bool { return &m.RecordCoachVoice },
		"waitForAgent":     func(m *coaching.MultiPartyCall) **bool { return &m.WaitForAgent },
		"stayAlone":        func(m *coaching.MultiPartyCall) **bool { return &m.StayAlone },
		"coachMode":        func(m *coaching.MultiPartyCall) **bool { return &m.CoachMode },
		"mute":             func(m *coaching.MultiPartyCall) **bool { return &m.Mute },
		"hold":             func(m *coaching.MultiPartyCall) **bool { return &m.Hold },
		"startMpcOnEnter":  func(m *coaching.MultiPartyCall) **bool { return &m.StartMPCOnEnter },
		"endMpcOnExit":     func(m *coaching.MultiPartyCall) **bool { return &m.EndMPCOnExit },
		"relayDTMFInputs":  func(m *coaching.MultiPartyCall) **bool { return &m.RelayDTMFInputs },
	} {
		for _, b := range []bool{true, false} {
			check(func(m *coaching.MultiPartyCall) { *field(m) = &b }, map[string]string{attr: fmt.Sprint(b)})
		}
	}
	type pair = [2]*string
	for _, l := range []struct {
		url, method, def string
		fields           func(m *coaching.MultiPartyCall) pair
	}{
		{"waitMusicUrl", "waitMusicMethod", "GET", func(m *coaching.MultiPartyCall) pair { return pair{&m.WaitMusicURL, &m.WaitMusicMethod} }},
		{"agentHoldMusicUrl", "agentHoldMusicMethod", "GET", func(m *coaching.MultiPartyCall) pair { return pair{&m.AgentHoldMusicURL, &m.AgentHoldMusicMethod} }},
		{"customerHoldMusicUrl", "customerHoldMusicMethod", "GET", func(m *coaching.MultiPartyCall) pair {
			return pair{&m.CustomerHoldMusicURL, &m.CustomerHoldMusicMethod}
		}},
		{"recordingCallbackUrl", "recordingCallbackMethod", "POST", func(m *coaching.MultiPartyCall) pair {
			return pair{&m.RecordingCallbackURL, &m.RecordingCallbackMethod}
		}},
		{"statusCallbackUrl", "statusCallbackMethod", "POST", func(m *coaching.MultiPartyCall) pair { return pair{&m.StatusCallbackURL, &m.StatusCallbackMethod} }},
		{"startRecordingAudio", "startRecordingAudioMethod", "GET", func(m *coaching.MultiPartyCall) pair {
			return pair{&m.StartRecordingAudioURL, &m.StartRecordingAudioMethod}
		}},
		{"stopRecordingAudio", "stopRecordingAudioMethod", "GET", func(m *coaching.MultiPartyCall) pair {
			return pair{&m.StopRecordingAudioURL, &m.StopRecordingAudioMethod}
		}},
		{"enterSound", "enterSoundMethod", "GET", func(m *coaching.MultiPartyCall) pair { return pair{&m.EnterSound, &m.EnterSoundMethod} }},
		{"exitSound", "exitSoundMethod", "GET", func(m *coaching.MultiPartyCall) pair { return pair{&m.ExitSound, &m.ExitSoundMethod} }},
		{"onExitActionUrl", "onExitActionMethod", "POST", func(m *coaching.MultiPartyCall) pair { return pair{&m.OnExitActionURL, &m.OnExitActionMethod} }},
	} {
		for given, sent := range map[string]string{"": l.def, "GET": "GET", "POST": "POST"} {
			check(func(m *coaching.MultiPartyCall) {
				f := l.fields(m)
				*f[0], *f[1] = u, given
			}, map[string]string{l.url: u, l.method: sent})
		}
		for _, method := range []string{"get", "Post", "PUT", " ", "GET ", "\x00"} {
			refusedXML(t, mpc(func(m *coaching.MultiPartyCall) { f := l.fields(m); *f[0], *f[1] = u, method }), l.method)
		}
		refusedXML(t, mpc(func(m *coaching.MultiPartyCall) { *l.fields(m)[1] = "POST" }), l.method)
		for _, bad := range badURLs {
			refusedXML(t, mpc(func(m *coaching.MultiPartyCall) { *l.fields(m)[0] = bad }), l.url)
		}
		if !strings.HasSuffix(l.url, "Sound") {
			refusedXML(t, mpc(func(m *coaching.MultiPartyCall) { *l.fields(m)[0] = "none" }), l.url)
			continue
		}
		for _, word := range []string{"beep:1", "beep:2", "none"} {
			check(func(m *coaching.MultiPartyCall) { *l.fields(m)[0] = word }, map[string]string{l.url: word})
			refusedXML(t, mpc(func(m *coaching.MultiPartyCall) { f := l.fields(m); *f[0], *f[1] = word, "GET" }), l.method)
		}
		for _, word := range []string{"beep", "beep:0", "beep:3", "None", "NONE", " none"} {
			refusedXML(t, mpc(func(m *coaching.MultiPartyCall) { *l.fields(m)[0] = word }), l.url)
		}
	}
	ai := func(a coaching.AIAgent) mpcSetter {
		return func(m *coaching.MultiPartyCall) { m.Role, m.AIAgent = 0, &a }
	}
	const wss = "wss://a.example/stream?x=1&y=2"
	check(ai(coaching.AIAgent{ServiceURL: wss}), map[string]string{"role": "ai-agent", "aiAgentStreamServiceUrl": wss})
	check(ai(coaching.AIAgent{ServiceURL: wss, ContentType: "audio/x-l16;rate=8000", StatusCallbackURL: u, SamplingRate: 16000, ExtraHeaders: `a="1",b=<2>`}),
		map[string]string{"role": "ai-agent", "aiAgentStreamServiceUrl": wss, "aiAgentStreamContentType": "audio/x-l16;rate=8000",
			"aiAgentStreamStatusCallbackUrl": u, "aiAgentStreamStatusCallbackMethod": "POST", "aiAgentStreamSamplingRate": "16000",
			"aiAgentStreamExtraHeaders": `a="1",b=<2>`})
	refusedXML(t, mpc(func(m *coaching.MultiPartyCall) { m.AIAgent = &coaching.AIAgent{ServiceURL: wss} }), "role")
	for _, bad := range []string{"", "ws://a.example", "https://a.example", "wss://", "wss:///x", "wsss://a.example", "wss://a b"} {
		refusedXML(t, mpc(ai(coaching.AIAgent{ServiceURL: bad})), "aiAgentStreamServiceUrl")
	}
	refusedXML(t, mpc(ai(coaching.AIAgent{ServiceURL: wss, SamplingRate: -1})), "aiAgentStreamSamplingRate")
	refusedXML(t, mpc(ai(coaching.AIAgent{ServiceURL: wss, StatusCallbackURL: "/x"})), "aiAgentStreamStatusCallbackUrl")
	refusedXML(t, mpc(ai(coaching.AIAgent{ServiceURL: wss, StatusCallbackMethod: "GET"})), "aiAgentStreamStatusCallbackMethod")
	for _, attr := range documentedAttributes {
		if !seen[attr] {
			t.Errorf("attribute %s is never written", attr)
		}
		delete(seen, attr)
	}
	delete(seen, "role")
	if len(seen) > 0 {
		t.Errorf("attributes %v are written and not documented", seen)
	}
}

var badURLs = []string{"/relative", "a.example/x", "ftp://a.example", "HTTPS://a.example", "http://", "https:///x", "https://?x", "https://#x",
	"https://:80/", "https://@a.example/", "https:a.example", "https://a.example/a b", "https://a.example/\n", "https://a.example/\x00", "https://a.example/\x7f",
	"https://a.example/%", "https://a.example/%2", "https://a.example/%zz", "https://a.example/%20%", " https://a.example", "httpss://a.example", "https://a.example/\xff"}

func TestMultiPartyCallRolesAndNames(t *testing.T) {
	for role, want := range map[coaching.Role]string{coaching.RoleCustomer: "Customer", coaching.RoleAgent: "Agent", coaching.RoleSupervisor: "Supervisor"} {
		got := parsed(t, coaching.MultiPartyCall{Name: room, Role: role})
		if got[0].Attrs["role"] != want {
			t.Errorf("role %v written as %q, want %q", role, got[0].Attrs["role"], want)
		}
	}
	for _, role := range []coaching.Role{0, coaching.RoleSupervisor + 1, 255} {
		refusedXML(t, coaching.MultiPartyCall{Name: room, Role: role}, "role")
	}
	for _, name := range []string{"x", "my <mpc> & name", `"quoted" 'too'`, "a/b", "Zoë 🎧", "]]>", "&amp;", "two\nlines\tand\r\nmore", "<!-- -->", "\u0085x", "a\u2028b"} {
		m := coaching.MultiPartyCall{Name: coaching.CallID(name), Role: coaching.RoleAgent}
		if name == "\u0085x" { // a blank by Unicode
			refusedXML(t, m, "name")
		} else if got := parsed(t, m); got[0].Text != name {
			t.Errorf("name %q read back as %q", name, got[0].Text)
		}
	}
	for _, name := range []string{"", " ", "\n", " x", "x ", "x\n", "\tx", "\u00a0x", "a\x00b", "a\x1fb", "a\xffb", "\uFFFE", "\uFFFF", "\xed\xa0\x80"} {
		refusedXML(t, coaching.MultiPartyCall{Name: coaching.CallID(name), Role: coaching.RoleAgent}, "name")
	}
}

// Each bound: below, at, above.
func TestRanges(t *testing.T) {
	s := time.Second
	on, off := new(true), new(false)
	dur := func(d time.Duration) coaching.Element {
		return mpc(func(m *coaching.MultiPartyCall) { m.MaxDuration = d })
	}
	most := func(n int) coaching.Element { return mpc(func(m *coaching.MultiPartyCall) { m.MaxParticipants = n }) }
	least := func(n int) coaching.Element {
		return mpc(func(m *coaching.MultiPartyCall) { m.RecordMinMemberCount = n })
	}
	rate := func(n int) coaching.Element {
		return mpc(func(m *coaching.MultiPartyCall) {
			m.Role, m.AIAgent = 0, &coaching.AIAgent{ServiceURL: "wss://a.example", SamplingRate: n}
		})
	}
	hangup := func(d time.Duration) coaching.Element { return coaching.Hangup{Schedule: d} }
	wait := func(d time.Duration) coaching.Element { return coaching.Wait{Length: d} }
	quiet := func(length, d time.Duration) coaching.Element {
		return coaching.Wait{Length: length, MinSilence: d, Silence: on}
	}
	for _, c := range []struct {
		attr string
		e    coaching.Element
		want string // "" with ok: not written
		ok   bool
	}{
		{"maxDuration", dur(0), "", true}, {"maxDuration", dur(1), "", false}, {"maxDuration", dur(-s), "", false},
		{"maxDuration", dur(299 * s), "", false}, {"maxDuration", dur(300 * s), "300", true}, {"maxDuration", dur(301 * s), "301", true},
		{"maxDuration", dur(300*s + 1), "", false}, {"maxDuration", dur(300*s - 1), "", false},
		{"maxDuration", dur(28799 * s), "28799", true}, {"maxDuration", dur(28800 * s), "28800", true}, {"maxDuration", dur(28801 * s), "", false},
		{"maxParticipants", most(-1), "", false}, {"maxParticipants", most(0), "", true}, {"maxParticipants", most(1), "", false},
		{"maxParticipants", most(2), "2", true}, {"maxParticipants", most(3), "3", true}, {"maxParticipants", most(9), "9", true},
		{"maxParticipants", most(10), "10", true}, {"maxParticipants", most(11), "", false},
		{"recordMinMemberCount", least(-1), "", false}, {"recordMinMemberCount", least(0), "", true}, {"recordMinMemberCount", least(1), "1", true},
		{"recordMinMemberCount", least(2), "2", true}, {"recordMinMemberCount", least(3), "", false},
		{"aiAgentStreamSamplingRate", rate(-1), "", false}, {"aiAgentStreamSamplingRate", rate(0), "", true}, {"aiAgentStreamSamplingRate", rate(1), "1", true},
		{"aiAgentStreamSamplingRate", rate(1 << 20), "1048576", true}, {"aiAgentStreamSamplingRate", rate(1<<20 + 1), "", false},
		{"schedule", hangup(-s), "", false}, {"schedule", hangup(0), "", true}, {"schedule", hangup(s - 1), "", false}, {"schedule", hangup(s), "1", true},
		{"schedule", hangup(s + 1), "", false}, {"schedule", hangup(24 * time.Hour), "86400", true}, {"schedule", hangup(24*time.Hour + s), "", false},
		{"length", wait(-s), "", false}, {"length", wait(0), "", true}, {"length", wait(s - 1), "", false}, {"length", wait(s), "1", true},
		{"length", wait(24 * time.Hour), "86400", true}, {"length", wait(24*time.Hour + s), "", false},
		{"minSilence", quiet(2*s, -1), "", false}, {"minSilence", quiet(2*s, time.Microsecond), "", false}, {"minSilence", quiet(2*s, time.Millisecond), "1", true},
		{"minSilence", quiet(2*s, 2*s-time.Millisecond), "1999", true}, {"minSilence", quiet(2*s, 2*s), "", false},
		{"minSilence", quiet(0, s-time.Millisecond), "999", true}, {"minSilence", quiet(0, s), "", false},
		{"minSilence", coaching.Wait{Length: 5 * s, MinSilence: s}, "", false}, {"minSilence", coaching.Wait{Length: 5 * s, MinSilence: s, Silence: off}, "", false},
		{"silence", coaching.Wait{Silence: on}, "true", true}, {"silence", coaching.Wait{Silence: off}, "false", true}, {"silence", coaching.Wait{}, "", true},
		{"beep", coaching.Wait{Beep: on}, "true", true}, {"beep", coaching.Wait{Beep: off}, "false", true}, {"beep", coaching.Wait{}, "", true},
		{"loop", coaching.Play{URL: "https://a.example/x.mp3", Loop: new(-1)}, "", false}, {"loop", coaching.Play{URL: "https://a.example/x.mp3", Loop: new(0)}, "0", true},
		{"loop", coaching.Play{URL: "https://a.example/x.mp3", Loop: new(1)}, "1", true}, {"loop", coaching.Play{URL: "https://a.example/x.mp3"}, "", true},
		{"loop", coaching.Speak{Text: "x", Loop: new(-1)}, "", false}, {"loop", coaching.Speak{Text: "x", Loop: new(0)}, "0", true},
		{"reason", coaching.Hangup{Reason: "busy"}, "busy", true}, {"reason", coaching.Hangup{Reason: "rejected"}, "rejected", true},
		{"reason", coaching.Hangup{Reason: "Busy"}, "", false}, {"reason", coaching.Hangup{}, "", true},
		{"recordFileFormat", mpc(func(m *coaching.MultiPartyCall) { m.RecordFileFormat = "mp3" }), "mp3", true},
		{"recordFileFormat", mpc(func(m *coaching.MultiPartyCall) { m.RecordFileFormat = "MP3" }), "", false},
		{"statusCallbackEvents", mpc(func(m *coaching.MultiPartyCall) { m.StatusCallbackEvents = []string{} }), "", true},
		{"statusCallbackEvents", mpc(func(m *coaching.MultiPartyCall) { m.StatusCallbackEvents = []string{""} }), "", false},
		{"statusCallbackEvents", mpc(func(m *coaching.MultiPartyCall) { m.StatusCallbackEvents = []string{"mpc-state-change"} }), "", false},
		{"statusCallbackEvents", mpc(func(m *coaching.MultiPartyCall) {
			m.StatusCallbackEvents = []string{"mpc-state-changes", "mpc-state-changes"}
		}), "", false},
		{"method", coaching.Redirect{URL: "https://a.example"}, "POST", true}, {"method", coaching.Redirect{URL: "https://a.example", Method: "GET"}, "GET", true},
		{"method", coaching.Redirect{URL: "https://a.example", Method: "get"}, "", false},
		{"url", coaching.Redirect{}, "", false}, {"url", coaching.Play{}, "", false}, {"url", coaching.Play{URL: "music.mp3"}, "", false},
		{"text", coaching.Speak{}, "", false}, {"text", coaching.Speak{Text: " \n"}, "", false}, {"text", coaching.Speak{Text: "\x01"}, "", false},
		{"voice", coaching.Speak{Text: "x", Voice: "MAN"}, "MAN", true}, {"language", coaching.Speak{Text: "x", Language: "en-GB"}, "en-GB", true},
		{"voice", coaching.Speak{Text: "x", Voice: "\x01"}, "", false},
	} {
		if !c.ok {
			refusedXML(t, c.e, c.attr)
			continue
		}
		got, written := parsed(t, c.e)[0].Attrs[c.attr]
		if got != c.want || written != (c.want != "") {
			t.Errorf("%+v: %s = %q, %v, want %q", c.e, c.attr, got, written, c.want)
		}
	}
}

func TestNewDocumentNamesEveryFault(t *testing.T) {
	_, err := coaching.NewDocument(
		coaching.Speak{Text: "fine"},
		coaching.MultiPartyCall{MaxDuration: time.Second, MaxParticipants: 11, WaitMusicURL: "secret.mp3", EnterSoundMethod: "GET"},
		coaching.Play{},
		nil,
		(*coaching.Wait)(nil),
		&coaching.Hangup{},
	)
	if !errors.Is(err, coaching.ErrInvalid) {
		t.Fatalf("NewDocument = %v, want ErrInvalid", err)
	}
	for _, want := range []string{"element 1 MultiPartyCall: role", "maxDuration: 1s", "maxParticipants: 11", "waitMusicUrl", "enterSoundMethod", "name",
		"element 2 Play: url", "element 3 <nil>", "element 4 *coaching.Wait", "element 5 *coaching.Hangup"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("error %q does not name %q", err, want)
		}
	}
	if strings.Contains(err.Error(), "secret") || strings.Contains(err.Error(), "element 0") {
		t.Errorf("error %q says too much", err)
	}
}

func TestDocumentLimit(t *testing.T) {
	empty, err := coaching.NewDocument(coaching.Speak{Text: "x"})
	if err != nil {
		t.Fatal(err)
	}
	room := 100_000 - len(empty.String()) + 1
	for n, ok := range map[int]bool{room - 1: true, room: true, room + 1: false, 10 * room: false} {
		doc, err := coaching.NewDocument(coaching.Speak{Text: strings.Repeat("x", n)})
		if (err == nil) != ok || doc.IsZero() == ok || err != nil && !errors.Is(err, coaching.ErrInvalid) {
			t.Errorf("NewDocument of %d bytes = %v, want ok %v", len(empty.String())+n-1, err, ok)
		}
	}
	// Escapes count as what is sent.
	if _, err := coaching.NewDocument(coaching.Speak{Text: strings.Repeat("&", room/2)}); !errors.Is(err, coaching.ErrInvalid) {
		t.Errorf("NewDocument(too many escapes) = %v, want ErrInvalid", err)
	}
}

func TestDocument(t *testing.T) {
	a, err := coaching.NewDocument(coaching.Speak{Text: "x"}, coaching.Hangup{})
	b, err2 := coaching.NewDocument(coaching.Speak{Text: "x"}, coaching.Hangup{})
	other, err3 := coaching.NewDocument(coaching.Hangup{})
	empty, err4 := coaching.NewDocument()
	if err := errors.Join(err, err2, err3, err4); err != nil {
		t.Fatal(err)
	}
	if a != b || a == other || a.IsZero() || empty.IsZero() || empty == (coaching.Document{}) {
		t.Errorf("equality: %v %v %v %v", a, b, other, empty)
	}
	var zero coaching.Document
	if !zero.IsZero() || zero.Bytes() != nil || zero.String() != "" {
		t.Errorf("zero Document = %q", zero)
	}
	a.Bytes()[0] = 'X'
	var buf bytes.Buffer
	n, err := a.WriteTo(&buf)
	if err != nil || n != int64(buf.Len()) || buf.String() != a.String() || !bytes.Equal(a.Bytes(), buf.Bytes()) || a != b {
		t.Errorf("WriteTo = %d, %v, %q, want %q", n, err, &buf, a)
	}
	if n, err := zero.WriteTo(&buf); n != 0 || err != nil {
		t.Errorf("zero WriteTo = %d, %v", n, err)
	}
	if nodes, err := readDocument(empty.String()); err != nil || len(nodes) != 0 {
		t.Errorf("empty document reads as %v, %v", nodes, err)
	}
}

func TestDocumentServeHTTP(t *testing.T) {
	doc, err := coaching.NewDocument(coaching.Play{URL: "https://a.example/x.mp3", Loop: new(0)})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		method string
		doc    coaching.Document
		status int
		body   string
	}{
		{"GET", doc, 200, doc.String()}, {"POST", doc, 200, doc.String()}, {"HEAD", doc, 200, ""},
		{"PUT", doc, 405, "Method Not Allowed\n"}, {"GET", coaching.Document{}, 500, "Internal Server Error\n"},
	} {
		w := httptest.NewRecorder()
		http.Handler(c.doc).ServeHTTP(w, httptest.NewRequest(c.method, "/", nil))
		if w.Code != c.status || w.Body.String() != c.body {
			t.Errorf("%s = %d %q, want %d %q", c.method, w.Code, w.Body, c.status, c.body)
		}
		if c.status == 200 && (w.Header().Get("Content-Type") != "application/xml" || w.Header().Get("Content-Length") != fmt.Sprint(len(doc.String()))) {
			t.Errorf("%s headers = %v", c.method, w.Header())
		}
		if c.status == 405 && w.Header().Get("Allow") != "GET, HEAD, POST" {
			t.Errorf("Allow = %q", w.Header().Get("Allow"))
		}
	}
}
