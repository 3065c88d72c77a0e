package console_test

import (
	"bytes"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mpc-coaching/coaching/console"
)

// The description that is served is the one agreed on; a change shows in
// review: go test ./console -run TestOpenAPI -update.
func TestOpenAPI(t *testing.T) {
	bubble(t, func(t *testing.T) {
		o := newBooks(t)
		p := send(t, o.console, ask{path: "/api/openapi.json"}) // nobody asks
		if p.status != 200 || p.header.Get("Content-Type") != "application/json" || !bytes.Equal(p.body, console.Describe()) {
			t.Errorf("GET /api/openapi.json = %d %v", p.status, p.header)
		}
		if *update {
			if err := os.WriteFile("testdata/openapi.json", p.body, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		if d := cmp.Diff(read(t, "testdata/openapi.json"), string(p.body)); d != "" {
			t.Errorf("the description is not what it was; if that is meant, run with -update (-file +now):\n%s", d)
		}
	})
}

// Every route is in the description, and everything in it is a route.
func TestOpenAPIHasEveryRoute(t *testing.T) {
	var described []string
	for path, item := range at(document(), "paths").(map[string]any) {
		for method := range item.(map[string]any) {
			described = append(described, strings.ToUpper(method)+" /api"+path)
		}
	}
	want := console.Patterns()
	slices.Sort(described)
	slices.Sort(want)
	if d := cmp.Diff(want, described); d != "" {
		t.Errorf("the description and the routes differ (-routes +described):\n%s", d)
	}
	// And nothing else answers below api/.
	bubble(t, func(t *testing.T) {
		o := newBooks(t)
		for _, method := range []string{"GET", "POST", "PUT", "PATCH", "DELETE"} {
			for path := range at(document(), "paths").(map[string]any) {
				if slices.Contains(described, method+" /api"+path) {
					continue
				}
				p := send(t, o.console, ask{as: "supervisor:lee", method: method, path: "/api" + strings.ReplaceAll(path, "{call}", string(callID(1)))})
				if p.status != 405 {
					t.Errorf("%s /api%s = %d, want 405", method, path, p.status)
				}
			}
		}
	})
}

// The document is OpenAPI 3.1, as far as this one uses it: the members that
// must be there are, those that are there may be, and references lead somewhere.
func TestOpenAPIIsWellFormed(t *testing.T) {
	doc := document()
	if doc["openapi"] != "3.1.0" {
		t.Errorf("openapi = %v, want 3.1.0", doc["openapi"])
	}
	only := func(where string, v any, need, may string) map[string]any {
		m, ok := v.(map[string]any)
		if !ok {
			t.Errorf("%s is no object", where)
		}
		for _, k := range strings.Fields(need) {
			if m[k] == nil {
				t.Errorf("%s has no %s", where, k)
			}
		}
		for k := range m {
			if !slices.Contains(strings.Fields(need+" "+may), k) && !strings.HasPrefix(k, "x-") {
				t.Errorf("%s has %s, which does not belong there", where, k)
			}
		}
		return m
	}
	only("the document", doc, "openapi info paths", "servers components")
	only("info", doc["info"], "title version", "description license")
	only("license", at(doc, "info", "license"), "name", "identifier")
	ids := map[string]bool{}
	for path, item := range at(doc, "paths").(map[string]any) {
		if !strings.HasPrefix(path, "/") {
			t.Errorf("path %q does not begin with a slash", path)
		}
		for method, v := range item.(map[string]any) {
			where := method + " " + path
			op := only(where, v, "operationId responses summary", "parameters requestBody")
			if id := op["operationId"].(string); ids[id] {
				t.Errorf("operationId %s is there twice", id)
			} else {
				ids[id] = true
			}
			if (op["requestBody"] != nil) != (method == "post") {
				t.Errorf("%s has a body: %v", where, op["requestBody"] != nil)
			}
			var inPath []string
			parameters, _ := op["parameters"].([]any)
			for _, v := range parameters {
				p := only(where+" parameter", v, "name in schema", "required description")
				if p["in"] == "path" {
					inPath = append(inPath, p["name"].(string))
					if p["required"] != true {
						t.Errorf("%s: the path's parameter %v is not required", where, p["name"])
					}
				}
			}
			var want []string
			for _, m := range regexp.MustCompile(`\{(\w+)\}`).FindAllStringSubmatch(path, -1) {
				want = append(want, m[1])
			}
			if !slices.Equal(inPath, want) {
				t.Errorf("%s has the path parameters %v, want %v", where, inPath, want)
			}
			for status, v := range op["responses"].(map[string]any) {
				if !regexp.MustCompile(`^[1-5]\d\d$`).MatchString(status) {
					t.Errorf("%s answers %q", where, status)
				}
				only(where+" "+status, v, "description", "content headers")
			}
		}
	}
	schemas := at(doc, "components", "schemas").(map[string]any)
	used := map[string]bool{}
	var walk func(where string, v any)
	walk = func(where string, v any) {
		switch v := v.(type) {
		case []any:
			for i, e := range v {
				walk(fmt.Sprint(where, "/", i), e)
			}
		case map[string]any:
			if ref, ok := v["$ref"].(string); ok {
				name := strings.TrimPrefix(ref, "#/components/schemas/")
				if used[name] = true; schemas[name] == nil {
					t.Errorf("%s refers to %s, which is not there", where, ref)
				}
			}
			if v["type"] == "object" && where != "/paths//openapi.json/get/responses/200/content/application/json/schema" && v["additionalProperties"] == nil {
				t.Errorf("%s admits any member", where)
			}
			required, _ := v["required"].([]any)
			for _, name := range required {
				if at(v, "properties", name.(string)) == nil {
					t.Errorf("%s requires %v and does not describe it", where, name)
				}
			}
			for k, e := range v {
				walk(where+"/"+k, e)
			}
		}
	}
	walk("", doc)
	for name := range schemas {
		if !used[name] {
			t.Errorf("nothing refers to the schema %s", name)
		}
	}
}

// What the handlers take is what the description says they take: bodies made
// from the schemas get past the checks, and bodies that break them do not.
func TestOpenAPIDescribesBodies(t *testing.T) {
	good := map[string]string{"supervisor": `"lee"`, "member": `"12"`, "agents": `["bob"]`, "to": `["bob"]`, "mode": `"coach"`, "agent": `"mute"`,
		"ring_seconds": `5`, "ttl_seconds": `600`, "no_wait": `true`, "take_over": `false`, "farewell": `true`}
	bad := map[string][]string{"supervisor": {`""`, `1`, `"a b"`}, "member": {`"x"`, `12`, `"123456789012345678901"`}, "agents": {`[]`, `["a b"]`, `"bob"`}, "to": {`[]`},
		"mode": {`"open"`, `null`}, "agent": {`"leave"`}, "ring_seconds": {`4`, `121`, `"5"`, `5.5`}, "ttl_seconds": {`0`, `601`}, "no_wait": {`0`}, "take_over": {`null`}, "farewell": {`"x"`}}
	bubble(t, func(t *testing.T) {
		o := newBooks(t)
		for path, item := range at(document(), "paths").(map[string]any) {
			schema := at(item, "post", "requestBody", "content", "application/json", "schema")
			if schema == nil {
				continue
			}
			properties := at(schema, "properties").(map[string]any)
			try := func(members map[string]string) {
				t.Helper()
				var parts []string
				for k, v := range members {
					parts = append(parts, fmt.Sprintf("%q:%s", k, v))
				}
				body := "{" + strings.Join(parts, ",") + "}"
				v, err := decode([]byte(body))
				if err != nil {
					t.Fatal(err)
				}
				right := len(check(schema, v, "$")) == 0
				p := send(t, o.console, ask{as: "supervisor:lee", path: "/api" + strings.ReplaceAll(path, "{call}", string(callID(1))), body: body})
				if taken := p.problem() != "invalid"; taken != right { // there is no such call: else 404
					t.Errorf("%s with %s = %d %s, but the description admits it: %v", path, body, p.status, p.body, right)
				}
			}
			full := map[string]string{}
			for name := range properties {
				if good[name] == "" {
					t.Fatalf("the test has no value for %s", name)
				}
				full[name] = good[name]
			}
			try(full)
			for name := range properties {
				without := mapsWithout(full, name)
				try(without)
				for _, v := range bad[name] {
					without[name] = v
					try(without)
				}
			}
			more := mapsWithout(full, "")
			more["more"] = "1"
			try(more)
		}
	})
}

func mapsWithout(m map[string]string, name string) map[string]string {
	out := map[string]string{}
	for k, v := range m {
		if k != name {
			out[k] = v
		}
	}
	return out
}
