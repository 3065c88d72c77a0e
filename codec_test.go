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
	"testing"
	"time"
	"unsafe"

	"github.com/google/go-cmp/cmp"
)

const testID = CallID("cc00000000aaaaaaaaaaaaaaaa")

// full returns a call in which no field is zero, whatever fields there are, so
// that one which the codec or clone forgets is found.
func full(tb testing.TB) Call { return filler{TB: tb}.call() }

// A filler fills values by reflection.
type filler struct {
	testing.TB
	n    *int   // fields so far
	bit  int    // booleans and values of sets differ by this bit of n, from 1 on; 0: none is zero
	more string // for fields of that name
}

func (f filler) call() Call {
	var c Call
	f.n = new(int)
	f.fill(reflect.ValueOf(&c).Elem())
	c.ID, c.Version = testID, 0
	c.work.want, c.work.moved = time.Time{}, false
	return c
}

func (f filler) fill(v reflect.Value) {
	if *f.n++; !v.CanSet() {
		v = reflect.NewAt(v.Type(), unsafe.Pointer(v.UnsafeAddr())).Elem()
	}
	odd := uint64(*f.n) << 1 >> f.bit & 1 // 0 where bit is 0
	if v.Type() == reflect.TypeFor[time.Time]() {
		v.Set(reflect.ValueOf(time.Unix(1_700_000_000, int64(*f.n)).UTC()))
		return
	}
	switch v.Kind() {
	case reflect.String:
		v.SetString(fmt.Sprintf("text %d é\"<&\u2028", *f.n))
	case reflect.Bool:
		v.SetBool(odd == 0)
	case reflect.Int, reflect.Int64:
		v.SetInt(-int64(*f.n))
	case reflect.Uint8:
		v.SetUint(1 + odd) // declared in every enum
	case reflect.Uint64:
		v.SetUint(1<<63 + uint64(*f.n))
	case reflect.Struct:
		for i := range v.NumField() {
			if field := v.Type().Field(i); field.Name == "more" {
				*(*string)(v.Field(i).Addr().UnsafePointer()) = f.more
			} else {
				f.fill(v.Field(i))
			}
		}
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 2, 2))
		for i := range v.Len() {
			f.fill(v.Index(i))
		}
	case reflect.Map:
		v.Set(reflect.MakeMap(v.Type()))
		for range 2 {
			key, val := reflect.New(v.Type().Key()).Elem(), reflect.New(v.Type().Elem()).Elem()
			f.fill(key)
			f.fill(val)
			v.SetMapIndex(key, val)
		}
	default:
		f.Fatalf("a field of type %v: teach fill, clone and the codec about it", v.Type())
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
	for bit := range 13 { // so that no two fields, mixed up, pass
		want := filler{TB: t, bit: bit}.call()
		doc := encode(t, want)
		got := decode(t, doc)
		if d := DiffCalls(want, got); d != "" {
			t.Fatalf("a field has no tag, or is missing in codec.go (-want +got):\n%s", d)
		}
		if again := encode(t, got); !bytes.Equal(doc, again) {
			t.Fatalf("encoding again = %s\nwant %s", again, doc)
		}
	}
	versioned := Call{ID: testID, Version: 7}
	if got := decode(t, encode(t, versioned)).Version; got != 0 {
		t.Errorf("Version = %d, want 0: it is the adapter's", got)
	}
}

// The clone must not share memory either; a field that it forgets would.
func TestCloneSharesNothing(t *testing.T) {
	c := full(t)
	before := encode(t, c)
	copied := c.clone()
	if d := DiffCalls(c, copied); d != "" {
		t.Errorf("clone (-want +got):\n%s", d)
	}
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

// Documents hold these numbers and names, so they must stay; those who add one
// tell the codec which is the last.
func TestValuesStay(t *testing.T) {
	names := fmt.Sprint(stateNames, exitNames, supervisionNames, agentPartNames, outcomeNames, roleNames, modeNames)
	if want := "[ answered waiting active ended] [ customer agent nobody host left unknown] [ ringing joined ended] [keep mute hold remove] " +
		"[ pending answered no answer busy refused given up] [ customer agent supervisor] [ monitor coach open]"; names != want {
		t.Errorf("names = %s, and in stored documents %s", names, want)
	}
	pin := func(name string, values ...any) {
		for i, v := range values {
			if v == nil {
				continue
			}
			if doc, err := json.Marshal(v); err != nil || string(doc) != fmt.Sprint(i) {
				t.Errorf("%s: %v is %s, %v, and %d in every stored document", name, v, doc, err, i)
			}
			if err := json.Unmarshal([]byte(fmt.Sprint(i)), reflect.New(reflect.TypeOf(v)).Interface()); err != nil {
				t.Errorf("%s: %v cannot be read: %v", name, v, err)
			}
		}
		last := reflect.TypeOf(values[len(values)-1])
		if err := json.Unmarshal([]byte(fmt.Sprint(len(values))), reflect.New(last).Interface()); !errors.Is(err, ErrInvalid) {
			t.Errorf("%s: %d = %v, want ErrInvalid", name, len(values), err)
		}
	}
	pin("stepKind", nil, stepRoute, stepDial, stepUpdate, stepKick, stepHangup, stepCancel, stepActivate, stepEnd, stepGhost, stepRead, stepFind, stepCause, stepDrain)
	pin("flagName", nil, flagMute, flagHold, flagCoach)
	pin("legState", legPlanned, legOut, legIn, legOver)
	pin("legCause", causeNone, causeGoodbye, causeOther)
	pin("opKind", nil, opJoin, opMode, opTakeOver, opHandBack, opLeave, opMute, opHold, opRemove, opTransfer, opEnd)
	pin("opState", opPending, opOK, opFailed)
	pin("failure", nil, failNotApplied, failUnknown, failEnded, failConflict)
	if len(stepNames) != int(stepDrain)+1 || len(flagNames) != int(flagCoach)+1 || len(opNames) != int(opEnd)+1 {
		t.Error("a value was added: tell the codec and this test")
	}
}

func TestUnknownFieldsSurvive(t *testing.T) {
	c := filler{TB: t, more: `{"zx é":12345678901234567890,"zy":null,"zz":{"a":[1,2.50,"}\"",null]}}`}.call()
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
	next, err := m.apply(decode(t, []byte(`{"v":1,"new":[1],"id":"`+string(testID)+`","state":"active",
		"participants":[{"member":"7","role":"agent","new":{"x":2},"mute":{"k":true,"new":3}}],
		"supervisions":[{"id":"lee","state":"joined","new":4}],"work":{"new":5,"route":{"new":6}}}`)), tick{}, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	doc = encode(t, next)
	for _, want := range []string{`"new":[1]`, `"new":{"x":2}`, `"new":3`, `"new":4`, `"new":5`, `"new":6`} {
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
		"higher schema last": {`{"id":{"other":"meaning"},"participants":3,"v":2}`, ErrSchema},
		"far schema":         {`{"v":9223372036854775807}`, ErrSchema},
		"text for a number":  {`{"v":1,` + id + `,"work":{"next":"1"}}`, ErrInvalid},
		"number for a text":  {`{"v":1,` + id + `,"from":1}`, ErrInvalid},
		"object for a list":  {`{"v":1,` + id + `,"participants":{}}`, ErrInvalid},
		"list for an object": {`{"v":1,` + id + `,"work":[]}`, ErrInvalid},
		"list for a text":    {`{"v":1,` + id + `,"from":["a"]}`, ErrInvalid},
		"a time as number":   {`{"v":1,` + id + `,"created":1700000000}`, ErrInvalid},
		"a fraction":         {`{"v":1,` + id + `,"work":{"next":1.5}}`, ErrInvalid},
		"too large":          {`{"v":1,` + id + `,"work":{"tick":18446744073709551616}}`, ErrInvalid},
		"negative count":     {`{"v":1,` + id + `,"work":{"tick":-1}}`, ErrInvalid},
		"negative kind":      {`{"v":1,` + id + `,"work":{"steps":[{"kind":-1}]}}`, ErrInvalid},
		"state as number":    {`{"v":1,` + id + `,"state":3}`, ErrInvalid},
		"unknown state":      {`{"v":1,` + id + `,"state":"parked"}`, ErrSchema},
		"unknown step":       {`{"v":1,` + id + `,"work":{"steps":[{"id":1,"kind":99}]}}`, ErrSchema},
		"boolean of text":    {`{"v":1,` + id + `,"participants":[{"kick":"yes"}]}`, ErrInvalid},
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
	doc := "\n{ \"participants\" : [ { \"member\" : \"7\", \"kick\":true, \"muted\":false } ,{}] ,\"supervisions\":null,\t\"from\":\"\\u00e9\\n\\ud83d\\ude00\", \"id\":\"" + string(testID) + "\",\"data\":{} ,\"v\" : 1}\r\n"
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
		"mode":         {ID: testID, Supervisions: []Supervision{{prior: ModeOpen + 1}}},
		"early":        {ID: testID, Created: time.Date(-1, 1, 1, 0, 0, 0, 0, time.UTC)},
		"late":         {ID: testID, Created: time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC)},
	} {
		if doc, err := EncodeCall(c); !errors.Is(err, ErrInvalid) || doc != nil {
			t.Errorf("%s: EncodeCall = %s, %v, want ErrInvalid", name, doc, err)
		}
	}
}

func TestOddValuesSurvive(t *testing.T) {
	zone := time.FixedZone("x", 3600)
	c := Call{ID: testID, Created: time.Date(0, 1, 1, 0, 0, 0, 1, time.UTC), Ended: time.Date(9999, 12, 31, 23, 59, 59, 999_999_999, zone), Activated: time.Unix(0, 0), Expires: time.Now(),
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
	c.more, c.work.more = `{"zz":"`+secret+`"}`, `{"zz":"`+secret+`"}`
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
	f.Add([]byte(`{"v":1,"id":"` + string(testID) + `","x":[{"}":"\\\""}],"state":"active","query":{"a":["b"]},"ID":"a","work":{"tick":1,"steps":[{"id":1,"kind":10,"legs":[1]}]}}`))
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
