package coaching

import (
	"bytes"
	"encoding/json"
	"errors"
	flags "flag"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"testing"
	"time"
	"unsafe"

	"github.com/google/go-cmp/cmp"
)

const testID = CallID("cc00000000aaaaaaaaaaaaaaaa")

// full returns a call in which no field is zero, whatever fields there are, so
// that a field which the tables forget is found.
func full(tb testing.TB) Call {
	var c Call
	n := 0
	fill(tb, reflect.ValueOf(&c).Elem(), &n)
	c.ID = testID
	c.work.want, c.work.moved = time.Time{}, false
	return c
}

func fill(tb testing.TB, v reflect.Value, n *int) {
	if *n++; !v.CanSet() {
		v = reflect.NewAt(v.Type(), unsafe.Pointer(v.UnsafeAddr())).Elem()
	}
	if v.Type() == reflect.TypeFor[time.Time]() {
		v.Set(reflect.ValueOf(time.Unix(1_700_000_000, int64(*n)).UTC()))
		return
	}
	switch v.Kind() {
	case reflect.String:
		v.SetString(fmt.Sprintf("text %d é\"<&\u2028", *n))
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Int, reflect.Int64:
		v.SetInt(-int64(*n))
	case reflect.Uint8:
		v.SetUint(1) // declared in every enum
	case reflect.Uint64:
		v.SetUint(1<<63 + uint64(*n))
	case reflect.Struct:
		for i := range v.NumField() {
			if v.Type().Field(i).Name == "more" {
				continue
			}
			fill(tb, v.Field(i), n)
		}
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 2, 2))
		for i := range v.Len() {
			fill(tb, v.Index(i), n)
		}
	case reflect.Map:
		v.Set(reflect.MakeMap(v.Type()))
		for range 2 {
			key, val := reflect.New(v.Type().Key()).Elem(), reflect.New(v.Type().Elem()).Elem()
			fill(tb, key, n)
			fill(tb, val, n)
			v.SetMapIndex(key, val)
		}
	default:
		tb.Fatalf("a field of type %v: teach fill, clone and the codec about it", v.Type())
	}
}

func encode(tb testing.TB, c Call) []byte {
	tb.Helper()
	doc, err := EncodeCall(c)
	if err != nil {
		tb.Fatalf("EncodeCall = %v", err)
	}
	return doc
}

func decode(tb testing.TB, doc []byte) Call {
	tb.Helper()
	c, err := DecodeCall(doc)
	if err != nil {
		tb.Fatalf("DecodeCall(%.2000s) = %v", doc, err)
	}
	return c
}

func TestEveryFieldSurvives(t *testing.T) {
	want := full(t)
	doc := encode(t, want)
	got := decode(t, doc)
	if d := DiffCalls(want, got); d != "" {
		t.Errorf("a field is missing in codec_tables.go (-want +got):\n%s", d)
	}
	if got.Version != 0 {
		t.Errorf("Version = %d, want 0: it is the adapter's", got.Version)
	}
	if again := encode(t, got); !bytes.Equal(doc, again) {
		t.Errorf("encoding again = %s\nwant %s", again, doc)
	}
	if !json.Valid(doc) {
		t.Errorf("not JSON: %s", doc)
	}
}

// The clone must not share memory either; a field that it forgets would.
func TestCloneSharesNothing(t *testing.T) {
	c := full(t)
	before := encode(t, c)
	copied := c.clone()
	scribble(reflect.ValueOf(&copied).Elem())
	if after := encode(t, c); !bytes.Equal(before, after) {
		t.Errorf("changing a clone changed the call:\n%s\n%s", before, after)
	}
}

// scribble overwrites everything that v points to.
func scribble(v reflect.Value) {
	if !v.CanSet() {
		v = reflect.NewAt(v.Type(), unsafe.Pointer(v.UnsafeAddr())).Elem()
	}
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			scribble(v.Field(i))
		}
	case reflect.Slice:
		for i := range v.Len() {
			scribble(v.Index(i))
			v.Index(i).SetZero()
		}
	case reflect.Map:
		for _, k := range v.MapKeys() {
			e := reflect.New(v.Type().Elem()).Elem()
			e.Set(v.MapIndex(k))
			scribble(e)
		}
		v.Clear()
	}
}

func TestEmptyCall(t *testing.T) {
	c := Call{ID: testID}
	doc := encode(t, c)
	if want := `{"v":1,"id":"` + string(testID) + `"}`; string(doc) != want {
		t.Errorf("EncodeCall(empty) = %s, want %s", doc, want)
	}
	if d := DiffCalls(c, decode(t, doc)); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
}

func keysOf[T any](s *shape[T]) []string {
	var out []string
	for _, f := range s.list {
		out = append(out, f.key)
	}
	return out
}

func TestKeysAreUnique(t *testing.T) {
	for name, keys := range map[string][]string{
		"call": keysOf(&callDoc), "attempt": keysOf(&attemptDoc), "ring": keysOf(&ringDoc), "participant": keysOf(&participantDoc),
		"flag": keysOf(&flagDoc), "supervision": keysOf(&supervisionDoc), "actor": keysOf(&actorDoc), "agent": keysOf(&agentDoc),
		"supervisor": keysOf(&supervisorDoc), "work": keysOf(&workDoc), "step": keysOf(&stepDoc), "operation": keysOf(&operationDoc),
		"leg": keysOf(&legDoc), "routing": keysOf(&routingDoc), "ticket": keysOf(&ticketDoc), "repeat": keysOf(&repeatDoc), "record": keysOf(&recordDoc),
	} {
		slices.Sort(keys)
		if n := len(keys); len(slices.Compact(keys)) != n {
			t.Errorf("%s: a key stands for two fields: %v", name, keys)
		}
	}
}

// Documents hold the numbers of these values, so they must stay.
func TestNumbersStay(t *testing.T) {
	pin := func(name string, values ...any) {
		for i, v := range values {
			if v != nil && reflect.ValueOf(v).Uint() != uint64(i) {
				t.Errorf("%s: %v is %d, and %d in every stored document", name, v, reflect.ValueOf(v).Uint(), i)
			}
		}
	}
	pin("CallState", nil, StateAnswered, StateWaiting, StateActive, StateEnded)
	pin("ExitReason", nil, ExitCustomer, ExitAgent, ExitNobody, ExitHost, ExitLeft, ExitUnknown)
	pin("SupervisionState", nil, SupervisionRinging, SupervisionJoined, SupervisionEnded)
	pin("AgentPart", AgentKeep, AgentMute, AgentHold, AgentRemove)
	pin("LegOutcome", nil, LegPending, LegAnswered, LegNoAnswer, LegBusy, LegRefused, LegGivenUp)
	pin("Role", nil, RoleCustomer, RoleAgent, RoleSupervisor)
	pin("CoachMode", nil, ModeMonitor, ModeCoach, ModeOpen)
	pin("stepKind", nil, stepRoute, stepDial, stepUpdate, stepKick, stepHangup, stepCancel, stepActivate, stepEnd, stepGhost, stepRead, stepFind, stepCause, stepDrain)
	pin("flagName", nil, flagMute, flagHold, flagCoach)
	pin("legState", legPlanned, legOut, legIn, legOver)
	pin("legCause", causeNone, causeGoodbye, causeOther)
	pin("opKind", nil, opJoin, opMode, opTakeOver, opHandBack, opLeave, opMute, opHold, opRemove, opTransfer, opEnd)
	pin("opState", opPending, opOK, opFailed)
	pin("failure", nil, failNotApplied, failUnknown, failEnded, failConflict)
}

// A value that was added to a set must be known to the codec: the tables name
// the last one of each.
func TestLastValuesSurvive(t *testing.T) {
	c := Call{ID: testID, State: StateEnded, EndReason: ExitReason(len(exitNames) - 1),
		Attempts:     []Attempt{{Rings: []Ring{{Outcome: LegOutcome(len(outcomeNames) - 1)}}}},
		Participants: []Participant{{Role: Role(len(roleNames) - 1), cause: causeOther}},
		Supervisions: []Supervision{{State: SupervisionState(len(supervisionNames) - 1), Mode: CoachMode(len(modeNames) - 1), Agent: AgentPart(len(agentPartNames) - 1)}},
	}
	c.work.Steps = []step{{Kind: stepKind(len(stepNames) - 1), Flag: flagName(len(flagNames) - 1)}}
	c.work.Ops = []operation{{Kind: opKind(len(opNames) - 1), State: opFailed, Fail: failConflict}}
	if d := DiffCalls(c, decode(t, encode(t, c))); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
}

// more lists, for each record that keeps unknown fields, how to find it.
func TestUnknownFieldsSurvive(t *testing.T) {
	c := full(t)
	unknown := `,"zz":{"a":[1,2.50,"}\"",null]},"zy":null,"zx é":12345678901234567890`
	c.more, c.work.more, c.work.Route.more = unknown, unknown, unknown
	for i := range c.Participants {
		p := &c.Participants[i]
		p.more, p.mute.more, p.hold.more, p.coach.more = unknown, unknown, unknown, unknown
	}
	for i := range c.Supervisions {
		c.Supervisions[i].more = unknown
	}
	for i := range c.work.Steps {
		c.work.Steps[i].more = unknown
	}
	for i := range c.work.Ops {
		c.work.Ops[i].more = unknown
	}
	for i := range c.work.Legs {
		c.work.Legs[i].more = unknown
	}
	for i := range c.work.Tickets {
		c.work.Tickets[i].more = unknown
	}
	doc := encode(t, c)
	got := decode(t, doc)
	if d := DiffCalls(c, got); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
	if again := encode(t, got); !bytes.Equal(doc, again) {
		t.Errorf("encoding again = %s\nwant %s", again, doc)
	}
	// And through a change: that is what they are kept for.
	m := machine{retention: time.Hour}
	next, err := m.apply(decode(t, []byte(`{"v":1,"new":[1],"id":"`+string(testID)+`","st":3,"p":[{"m":"7","r":2,"new":{"x":2},"fm":{"k":1,"new":3}}],"s":[{"id":"lee","st":2,"new":4}],"w":{"new":5}}`)), tick{}, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	doc = encode(t, next)
	for _, want := range []string{`"new":[1]`, `"new":{"x":2}`, `"new":3`, `"new":4`, `"new":5`} {
		if !bytes.Contains(doc, []byte(want)) {
			t.Errorf("%s is lost in %s", want, doc)
		}
	}
}

func TestDecodeCallRefuses(t *testing.T) {
	id := `"id":"` + string(testID) + `"`
	for name, test := range map[string]struct {
		doc  string
		want error
	}{
		"nothing":            {``, ErrInvalid},
		"no JSON":            {`{"v":1,`, ErrInvalid},
		"two values":         {`{"v":1,` + id + `}{}`, ErrInvalid},
		"no object":          {`[1]`, ErrInvalid},
		"null":               {`null`, ErrInvalid},
		"no schema":          {`{` + id + `}`, ErrInvalid},
		"schema 0":           {`{"v":0,` + id + `}`, ErrInvalid},
		"schema of text":     {`{"v":"1",` + id + `}`, ErrInvalid},
		"schema 1.5":         {`{"v":1.5,` + id + `}`, ErrInvalid},
		"a public view":      {`{"id":"` + string(testID) + `","version":3,"state":"active"}`, ErrInvalid},
		"no id":              {`{"v":1}`, ErrInvalid},
		"malformed id":       {`{"v":1,"id":"a b"}`, ErrInvalid},
		"higher schema":      {`{"v":2,` + id + `}`, ErrSchema},
		"higher schema last": {`{"id":{"other":"meaning"},"p":3,"v":2}`, ErrSchema},
		"far schema":         {`{"v":9223372036854775807}`, ErrSchema},
		"text for a number":  {`{"v":1,` + id + `,"w":{"n":"1"}}`, ErrInvalid},
		"number for a text":  {`{"v":1,` + id + `,"fr":1}`, ErrInvalid},
		"object for a list":  {`{"v":1,` + id + `,"p":{}}`, ErrInvalid},
		"list for an object": {`{"v":1,` + id + `,"w":[]}`, ErrInvalid},
		"list for a text":    {`{"v":1,` + id + `,"fr":["a"]}`, ErrInvalid},
		"null for a list":    {`{"v":1,` + id + `,"p":null}`, ErrInvalid},
		"a time as text":     {`{"v":1,` + id + `,"cr":"2024-01-01T00:00:00Z"}`, ErrInvalid},
		"a fraction":         {`{"v":1,` + id + `,"w":{"n":1.5}}`, ErrInvalid},
		"too large":          {`{"v":1,` + id + `,"w":{"t":18446744073709551616}}`, ErrInvalid},
		"negative count":     {`{"v":1,` + id + `,"w":{"t":-1}}`, ErrInvalid},
		"negative state":     {`{"v":1,` + id + `,"st":-1}`, ErrInvalid},
		"unknown state":      {`{"v":1,` + id + `,"st":5}`, ErrSchema},
		"unknown step":       {`{"v":1,` + id + `,"w":{"st":[{"id":1,"k":99}]}}`, ErrSchema},
		"boolean of text":    {`{"v":1,` + id + `,"p":[{"k":"yes"}]}`, ErrInvalid},
	} {
		c, err := DecodeCall([]byte(test.doc))
		if !errors.Is(err, test.want) {
			t.Errorf("%s: DecodeCall(%s) = %v, want %v", name, test.doc, err, test.want)
		}
		if d := DiffCalls(Call{}, c); d != "" {
			t.Errorf("%s: an error came with a call:\n%s", name, d)
		}
	}
}

func TestDecodeCallIsLenientInForm(t *testing.T) {
	doc := "\n{ \"p\" : [ { \"m\" : \"7\", \"k\":true, \"mu\":false } ,{}] ,\t\"fr\":\"\\u00e9\\n\\ud83d\\ude00\", \"id\":\"" + string(testID) + "\",\"d\":{} ,\"v\" : 1}\r\n"
	want := Call{ID: testID, From: "é\n😀", Participants: []Participant{{Member: "7", kick: true}, {}}}
	if d := DiffCalls(want, decode(t, []byte(doc))); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
}

func TestEncodeCallRefuses(t *testing.T) {
	for name, c := range map[string]Call{
		"no id":        {},
		"malformed id": {ID: "a b"},
		"state":        {ID: testID, State: StateEnded + 1},
		"step":         {ID: testID, work: work{Steps: []step{{Kind: stepDrain + 1}}}},
		"early":        {ID: testID, Created: time.Date(1600, 1, 1, 0, 0, 0, 0, time.UTC)},
		"late":         {ID: testID, Created: time.Date(2300, 1, 1, 0, 0, 0, 0, time.UTC)},
	} {
		if doc, err := EncodeCall(c); !errors.Is(err, ErrInvalid) || doc != nil {
			t.Errorf("%s: EncodeCall = %s, %v, want ErrInvalid", name, doc, err)
		}
	}
}

func TestOddValuesSurvive(t *testing.T) {
	zone := time.FixedZone("x", 3600)
	c := Call{ID: testID, Created: firstTime, Ended: lastTime.In(zone), Activated: time.Unix(0, 0), Expires: time.Now(),
		From: "\x00\x7f\t\"\\/<>&é\u2028\U0001f600", Query: map[string][]string{"": nil, "a\"": {"", "b", ""}}, Data: map[string]string{"": ""}}
	if d := DiffCalls(c, decode(t, encode(t, c))); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
	bad := Call{ID: testID, From: "a\xffb"}
	if got := decode(t, encode(t, bad)).From; got != "a\ufffdb" {
		t.Errorf("text that is not UTF-8 = %q, want the replacement character", got)
	}
}

// The view for people has neither secrets nor what the library remembers.
func TestPublicViewHasNoSecrets(t *testing.T) {
	c := full(t)
	secret := "s3cr3t"
	agent := Agent{ID: "ann", Address: "sip:" + secret, CallerID: secret, ConfirmKey: secret}
	sup := Supervisor{ID: "lee", Address: "sip:" + secret, ConfirmKey: secret}
	c.Supervisions[0].removed = []Agent{agent}
	c.work.Tickets[0] = ticket{Hash: secret, Sup: sup}
	c.work.Legs[0] = leg{Agent: agent, Sup: sup, Request: secret, To: secret}
	c.work.Route.Ring = []Agent{agent}
	c.work.Ops[0].To = []Agent{agent}
	c.work.Seen[0].Reply = secret
	c.work.Steps[0].Owner = secret
	c.more, c.work.more = `,"zz":"`+secret+`"`, `,"zz":"`+secret+`"`
	view, err := json.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	if bytes.Contains(view, []byte(secret)) {
		t.Errorf("json.Marshal shows what it must not: %s", view)
	}
	var top map[string]any
	if err := json.Unmarshal(view, &top); err != nil {
		t.Fatal(err)
	}
	if _, ok := top["expires"]; ok || top["work"] != nil || top["Expires"] != nil {
		t.Errorf("json.Marshal shows what is not public: %s", view)
	}
}

// What any version ever wrote must be read by every later one of the same
// schema, and nothing of it be lost: the files are never rewritten.
func TestOldDocuments(t *testing.T) {
	if flags.Lookup("update").Value.String() == "true" {
		name := filepath.Join("testdata", "call", "v1-full.json")
		if _, err := os.Stat(name); os.IsNotExist(err) {
			if err := os.WriteFile(name, append(encode(t, full(t)), '\n'), 0o666); err != nil {
				t.Fatal(err)
			}
		}
	}
	files, _ := filepath.Glob(filepath.Join("testdata", "call", "*.json"))
	if len(files) < 2 {
		t.Fatalf("testdata/call has %v, want v1.json and v1-full.json at least", files)
	}
	number := func(doc []byte) (v any) {
		d := json.NewDecoder(bytes.NewReader(doc))
		d.UseNumber()
		if err := d.Decode(&v); err != nil {
			t.Fatal(err)
		}
		return v
	}
	for _, name := range files {
		doc, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		c, err := DecodeCall(doc)
		if err != nil {
			t.Errorf("%s: DecodeCall = %v", name, err)
			continue
		}
		if d := cmp.Diff(number(doc), number(encode(t, c))); d != "" {
			t.Errorf("%s: not what was read (-read +written):\n%s", name, d)
		}
	}
}

// The first document ever, of a customer and agents who have just left two
// supervisors behind, means today what it meant then.
func TestFirstDocument(t *testing.T) {
	doc, err := os.ReadFile(filepath.Join("testdata", "call", "v1.json"))
	if err != nil {
		t.Fatal(err)
	}
	c := decode(t, doc)
	mia, ok := c.Supervision("mia")
	if !ok || mia.Mode != ModeOpen || !mia.Audible || mia.Actor != (Actor{ID: "boss", Role: "lead"}) || !mia.TookOver {
		t.Errorf("mia = %+v, want audible by a take-over that boss asked for", mia)
	}
	lee, ok := c.Supervisor("lee")
	if !ok || !lee.Muted || !lee.Coaching || lee.Confirmed || lee.mute.Owe.IsZero() || !lee.mute.Doubt {
		t.Errorf("lee = %+v, want muted, coaching, with an opening request unanswered", lee)
	}
	p, ok := c.Participant("1008")
	if _, in := c.Customer(); in || !ok || p.Role != RoleCustomer || !p.Left.Equal(time.Unix(0, 946684849262114418)) {
		t.Errorf("customer = %+v, want gone", p)
	}
	if c.State != StateActive || c.From != "14155550123" || c.Headers["Account"] != "42" || c.Data["queue"] != `a"b` || len(c.Participants) != 5 ||
		len(c.Attempts) != 1 || c.Attempts[0].Rings[0] != (Ring{"ann", LegGivenUp}) || c.Attempts[0].Reached != "bob" ||
		len(c.work.Tickets) != 1 || c.work.Tickets[0].Agent != AgentHold || len(c.work.Legs) != 4 || c.work.Legs[0].Agent.ConfirmKey != "5" {
		t.Errorf("the call = %+v", c)
	}
	if !c.Live() || !c.Due().Equal(time.Unix(0, 946684849381105869)) {
		t.Errorf("Live, Due = %v, %v", c.Live(), c.Due())
	}
}

func FuzzDecodeCall(f *testing.F) {
	files, _ := filepath.Glob(filepath.Join("testdata", "call", "*.json"))
	if len(files) == 0 {
		f.Fatal("no documents in testdata/call")
	}
	for _, name := range files {
		doc, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(doc)
	}
	f.Add([]byte(`{"v":1,"id":"` + string(testID) + `","x":[{"}":"\\\""}],"st":3,"q":{"a":["b"]},"w":{"t":1,"st":[{"id":1,"k":10,"l":[1]}]}}`))
	m := machine{retention: time.Hour, by: "x"}
	f.Fuzz(func(t *testing.T, doc []byte) {
		c, err := DecodeCall(doc)
		if err != nil {
			if !errors.Is(err, ErrInvalid) && !errors.Is(err, ErrSchema) {
				t.Fatalf("DecodeCall = %v, want ErrInvalid or ErrSchema", err)
			}
			return
		}
		first, err := EncodeCall(c)
		if err != nil {
			t.Fatalf("what was decoded cannot be encoded: %v", err)
		}
		again, err := DecodeCall(first)
		if err != nil {
			t.Fatalf("what was encoded cannot be decoded: %v\n%s", err, first)
		}
		if second := encode(t, again); !bytes.Equal(first, second) {
			t.Fatalf("encodings differ:\n%s\n%s", first, second)
		}
		// Nothing that can be stored may bring the state machine down.
		_, _ = m.apply(c, tick{}, time.Unix(1_700_000_000, 0))
	})
}

func benchDoc(b *testing.B) []byte {
	doc, err := os.ReadFile(filepath.Join("testdata", "call", "v1.json"))
	if err != nil {
		b.Fatal(err)
	}
	return bytes.TrimSpace(doc)
}

func BenchmarkEncodeCall(b *testing.B) {
	doc := benchDoc(b)
	c := decode(b, doc)
	b.ReportAllocs()
	b.SetBytes(int64(len(doc)))
	for b.Loop() {
		if _, err := EncodeCall(c); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(len(doc)), "B/doc")
}

func BenchmarkDecodeCall(b *testing.B) {
	doc := benchDoc(b)
	b.ReportAllocs()
	b.SetBytes(int64(len(doc)))
	for b.Loop() {
		if _, err := DecodeCall(doc); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkCloneCall(b *testing.B) {
	c := decode(b, benchDoc(b))
	b.ReportAllocs()
	for b.Loop() {
		_ = c.clone()
	}
}
