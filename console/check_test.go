package console_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"mime"
	"net/http"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/mpc-coaching/coaching/console"
)

// document is the description, as its readers see it.
var document = sync.OnceValue(func() map[string]any {
	v, err := decode(console.Describe())
	if err != nil {
		panic(err)
	}
	return v.(map[string]any)
})

func decode(b []byte) (any, error) {
	dec := json.NewDecoder(bytes.NewReader(b))
	dec.UseNumber()
	var v any
	if err := dec.Decode(&v); err != nil {
		return nil, err
	}
	if _, err := dec.Token(); err != io.EOF {
		return nil, fmt.Errorf("more than one value")
	}
	return v, nil
}

// at walks down the document.
func at(v any, path ...string) any {
	for _, p := range path {
		m, _ := v.(map[string]any)
		v = m[p]
	}
	return v
}

// pathOf returns the description's path for a request, without the mount.
func pathOf(p string) string {
	i := strings.LastIndex(p, "/api/")
	if i < 0 {
		return ""
	}
	p = p[i+len("/api"):]
	for template := range at(document(), "paths").(map[string]any) {
		pattern := "^" + strings.ReplaceAll(regexp.QuoteMeta(template), `\{call\}`, `[^/]+`) + "$"
		if regexp.MustCompile(pattern).MatchString(p) {
			return template
		}
	}
	return ""
}

const csp = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'self'"

// everyAnswer checks what holds for every answer: the headers, and that the
// description has it.
func everyAnswer(t testing.TB, r *http.Request, p reply) {
	t.Helper()
	for k, want := range map[string]string{
		"Content-Security-Policy": csp, "X-Content-Type-Options": "nosniff", "Cache-Control": "no-store",
		"Cross-Origin-Resource-Policy": "same-origin", "Referrer-Policy": "no-referrer",
	} {
		if got := p.header.Values(k); len(got) != 1 || got[0] != want {
			t.Errorf("%s %s: %s = %q, want %q", r.Method, r.URL, k, got, want)
		}
	}
	if p.status == http.StatusTemporaryRedirect {
		return
	}
	kind, _, _ := mime.ParseMediaType(p.header.Get("Content-Type"))
	if p.status >= 400 && kind != "application/problem+json" {
		t.Errorf("%s %s: %d as %q, want a problem", r.Method, r.URL, p.status, kind)
		return
	}
	if kind == "application/problem+json" {
		var v struct{ Status int }
		if json.Unmarshal(p.body, &v) != nil || v.Status != p.status {
			t.Errorf("%s %s: status %d with the problem %s", r.Method, r.URL, p.status, p.body)
		}
	}
	op := at(document(), "paths", pathOf(r.URL.Path), strings.ToLower(r.Method))
	if op == nil || p.status == http.StatusForbidden && p.problem() == "cross-origin" {
		if p.status >= 400 { // no route of the API
			conforms(t, fmt.Sprintf("%s %s", r.Method, r.URL), map[string]any{"$ref": "#/components/schemas/Problem"}, p.body)
		}
		return
	}
	where := fmt.Sprintf("%s %s: %d", r.Method, r.URL, p.status)
	response, ok := at(op, "responses", fmt.Sprint(p.status)).(map[string]any)
	if !ok {
		t.Errorf("%s %s is not in the description", where, p.body)
		return
	}
	content, _ := response["content"].(map[string]any)
	if content == nil {
		if len(p.body) > 0 {
			t.Errorf("%s has a body, want none: %s", where, p.body)
		}
		return
	}
	schema := at(content, kind, "schema")
	if schema == nil {
		t.Errorf("%s is %q, want %v", where, kind, slices.Collect(maps.Keys(content)))
		return
	}
	if kind == "text/event-stream" {
		return // its events are checked as they are read
	}
	conforms(t, where, schema, p.body)
	if kind == "application/problem+json" && !strings.Contains(response["description"].(string), p.problem()) {
		t.Errorf("%s is the problem %s, want one of %s", where, p.problem(), response["description"])
	}
}

// conforms checks JSON against a schema of the description.
func conforms(t testing.TB, what string, schema any, body []byte) {
	t.Helper()
	v, err := decode(body)
	if err != nil {
		t.Errorf("%s: %v in %s", what, err, body)
		return
	}
	for _, wrong := range check(schema, v, "$") {
		t.Errorf("%s: %s in %s", what, wrong, body)
	}
}

// check is JSON Schema as far as the description uses it. A keyword that it does
// not know is wrong, so that none goes unchecked.
func check(schema, v any, where string) (wrong []string) {
	s, ok := schema.(map[string]any)
	if !ok {
		return []string{where + ": no schema"}
	}
	bad := func(format string, args ...any) { wrong = append(wrong, where+": "+fmt.Sprintf(format, args...)) }
	number := func(k string) float64 { f, _ := s[k].(json.Number).Float64(); return f }
	text, isText := v.(string)
	list, isList := v.([]any)
	object, isObject := v.(map[string]any)
	num, isNumber := v.(json.Number)
	for k, arg := range s {
		switch k {
		case "$ref":
			name := strings.TrimPrefix(arg.(string), "#/components/schemas/")
			wrong = append(wrong, check(at(document(), "components", "schemas", name), v, where)...)
		case "type":
			_, isBool := v.(bool)
			is := map[string]bool{"string": isText, "array": isList, "object": isObject, "boolean": isBool, "integer": isNumber && !strings.ContainsAny(num.String(), ".eE")}
			if is, known := is[arg.(string)]; !known || !is {
				bad("%v is no %v", v, arg)
			}
		case "enum":
			if !slices.ContainsFunc(arg.([]any), func(e any) bool { return reflect.DeepEqual(e, v) }) {
				bad("%v is none of %v", v, arg)
			}
		case "pattern":
			if isText && !regexp.MustCompile(arg.(string)).MatchString(text) {
				bad("%q does not match %v", text, arg)
			}
		case "format":
			if arg != "date-time" {
				bad("format %v is not known", arg)
			} else if at, err := time.Parse("2006-01-02T15:04:05.000Z", text); err != nil || at.IsZero() {
				bad("%q is no time in UTC with milliseconds", text)
			}
		case "minimum", "maximum":
			if f, err := num.Float64(); isNumber && (err != nil || k == "minimum" && f < number(k) || k == "maximum" && f > number(k)) {
				bad("%v is beyond the %s of %v", num, k, arg)
			}
		case "minLength", "maxLength":
			if n := float64(len([]rune(text))); isText && (k == "minLength" && n < number(k) || k == "maxLength" && n > number(k)) {
				bad("%q is beyond the %s of %v", text, k, arg)
			}
		case "minItems", "maxItems":
			if n := float64(len(list)); isList && (k == "minItems" && n < number(k) || k == "maxItems" && n > number(k)) {
				bad("%d items are beyond the %s of %v", len(list), k, arg)
			}
		case "items":
			for i, e := range list {
				wrong = append(wrong, check(arg, e, fmt.Sprintf("%s[%d]", where, i))...)
			}
		case "required":
			for _, name := range arg.([]any) {
				if _, ok := object[name.(string)]; !ok {
					bad("%v is missing", name)
				}
			}
		case "properties":
			for name, e := range object {
				if sub, ok := arg.(map[string]any)[name]; ok {
					wrong = append(wrong, check(sub, e, where+"."+name)...)
				}
			}
		case "additionalProperties":
			known, _ := s["properties"].(map[string]any)
			for name, e := range object {
				if _, ok := known[name]; ok {
					continue
				}
				if arg == false {
					bad("%q is not in the description", name)
				} else {
					wrong = append(wrong, check(arg, e, where+"."+name)...)
				}
			}
		default:
			bad("the keyword %q is not known", k)
		}
	}
	return wrong
}

// A check that cannot fail would be worth nothing.
func TestCheckFindsWhatIsWrong(t *testing.T) {
	person := map[string]any{"$ref": "#/components/schemas/Gone"}
	for name, c := range map[string]struct {
		schema any
		body   string
	}{
		"another member":   {person, `{"id":"cc00000000000000","more":1}`},
		"a missing member": {person, `{}`},
		"a pattern":        {person, `{"id":"../../etc"}`},
		"another type":     {person, `[]`},
		"a number":         {map[string]any{"type": "integer"}, `1.5`},
		"a minimum":        {map[string]any{"minimum": json.Number("3")}, `2`},
		"a maximum":        {map[string]any{"maximum": json.Number("3")}, `4`},
		"a length":         {map[string]any{"maxLength": json.Number("3")}, `"four"`},
		"too few items":    {map[string]any{"minItems": json.Number("1")}, `[]`},
		"an item":          {map[string]any{"items": map[string]any{"type": "string"}}, `["a",1]`},
		"an enum":          {map[string]any{"enum": []any{"a"}}, `"b"`},
		"a time":           {map[string]any{"format": "date-time"}, `"2026-01-01T00:00:00+01:00"`},
		"no time":          {map[string]any{"format": "date-time"}, `"0001-01-01T00:00:00.000Z"`},
		"a value":          {map[string]any{"additionalProperties": map[string]any{"type": "string"}}, `{"a":1}`},
		"a keyword":        {map[string]any{"oneOf": []any{}}, `1`},
		"no schema":        {nil, `1`},
	} {
		v, err := decode([]byte(c.body))
		if err != nil {
			t.Fatal(err)
		}
		if wrong := check(c.schema, v, "$"); len(wrong) == 0 {
			t.Errorf("%s: check(%v, %s) finds nothing wrong", name, c.schema, c.body)
		}
	}
	if wrong := check(person, map[string]any{"id": "cc00000000000000"}, "$"); len(wrong) != 0 {
		t.Errorf("check finds wrong what is right: %v", wrong)
	}
}
