package console

import (
	"encoding/json"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// A schema is JSON Schema, as far as the description needs it.
type schema map[string]any

// An operationDoc is what the description says of a route.
type operationDoc struct {
	summary  string
	query    []parameter
	body     schema
	answer   schema // nil: none
	kind     string // of the answer; "": application/json
	problems []problemKind
	keyed    bool // takes an Idempotency-Key
}

type parameter struct {
	name, about string
	schema      schema
}

// routes is the API: what is served, and its description.
func routes() []route {
	out := []route{
		{method: http.MethodGet, path: "/api/me", id: "me", serve: (*Console).me, doc: operationDoc{
			summary: "Who asks, what is hidden from them, and whom they may choose from", answer: ref("Me"),
		}},
		{method: http.MethodGet, path: "/api/calls", id: "calls", serve: (*Console).calls, doc: operationDoc{
			summary: "A page of the calls that are not over and that the actor may see, oldest first", answer: ref("Calls"),
			query: []parameter{
				{"agent", "with this agent in it", personSchema},
				{"supervisor", "with this supervisor in it or being rung", personSchema},
				{"state", "in this state", enum("answered", "waiting", "active")},
				{"limit", "how many at most; 50 if absent", schema{"type": "integer", "minimum": 1, "maximum": pageSizeMax}},
				{"after", "what the page before gave as next", schema{"type": "string", "maxLength": 128}},
			},
			problems: []problemKind{invalid},
		}},
		{method: http.MethodGet, path: "/api/calls/{call}", id: "call", serve: (*Console).call, doc: operationDoc{
			summary: "One call, for a while also after its end", answer: ref("Call"), problems: []problemKind{invalid, denied, notFound, notRunning},
		}},
		{method: http.MethodGet, path: "/api/calls/{call}/may", id: "may", serve: (*Console).may, doc: operationDoc{
			summary: "The verbs that the actor may use on a call, whether or not its state allows them now", answer: ref("May"),
			query: []parameter{
				{"supervisor", "whom the verbs are to be about", personSchema},
				{"mode", "the mode to be asked for; coach if absent", enum("monitor", "coach")},
			},
			problems: []problemKind{invalid, denied, notFound, notRunning},
		}},
		{method: http.MethodGet, path: "/api/stream", id: "stream", serve: (*Console).stream, doc: operationDoc{
			summary: "What happens to the calls, as server-sent events", kind: "text/event-stream", answer: schema{"type": "string"},
			query: []parameter{
				{"call", "this call alone", callIDSchema},
				{"last_event_id", "as the header Last-Event-ID, for clients that cannot set it", schema{"type": "string", "maxLength": 64}},
			},
			problems: []problemKind{invalid, denied, notFound, notRunning},
		}},
		{method: http.MethodGet, path: "/api/openapi.json", id: "openapi", open: true, serve: (*Console).openapi, doc: operationDoc{
			summary: "This description", answer: schema{"type": "object"},
		}},
	}
	for i := range verbs {
		v := &verbs[i]
		doc := operationDoc{summary: v.summary, body: v.schema(), keyed: true, problems: []problemKind{
			invalid, denied, crossOrigin, notFound, conflict, notApplied, callEnded, tooLarge, unsupportedMediaType,
			idempotencyMismatch, provider, notRunning, unknown,
		}}
		switch v.result {
		case resultSupervision:
			doc.answer = members("supervision!", ref("Supervision"))
		case resultReadBack:
			doc.answer = members("supervision", ref("Supervision"))
		case resultTicket:
			doc.answer = members("header!", schema{"type": "string"}, "value!", schema{"type": "string"}, "expires!", timeSchema)
		}
		id := strings.ToLower(v.op[:1]) + v.op[1:]
		out = append(out, route{method: http.MethodPost, path: "/api/calls/{call}/" + v.path, id: id, serve: v.post, doc: doc})
	}
	return out
}

// schema describes a verb's body.
func (v *verb) schema() schema {
	var pairs []any
	for _, f := range v.fields {
		pairs = append(pairs, f, fields[strings.TrimSuffix(f, "!")].schema)
	}
	return members(pairs...)
}

var (
	callIDSchema = schema{"type": "string", "pattern": callIDPattern}
	personSchema = schema{"type": "string", "pattern": personIDPattern}
	memberSchema = schema{"type": "string", "pattern": memberIDPattern}
	agentsSchema = schema{"type": "array", "items": personSchema, "minItems": 1, "maxItems": agentsMax}
	timeSchema   = schema{"type": "string", "format": "date-time"}
	textSchema   = schema{"type": "string"}
	flagSchema   = schema{"type": "boolean"}
	countSchema  = schema{"type": "integer", "minimum": 0}
)

func enum(values ...string) schema { return schema{"type": "string", "enum": values} }

func listOf(items schema) schema { return schema{"type": "array", "items": items} }

func ref(name string) schema { return schema{"$ref": "#/components/schemas/" + name} }

func secondsSchema(lo, hi time.Duration) schema {
	return schema{"type": "integer", "minimum": int(lo.Seconds()), "maximum": int(hi.Seconds())}
}

// members is the schema of an object with these members and no others: names and
// schemas by turns, "!" after a name that is always there.
func members(pairs ...any) schema {
	properties, required := schema{}, []string{}
	for i := 0; i < len(pairs); i += 2 {
		name, always := strings.CutSuffix(pairs[i].(string), "!")
		properties[name] = pairs[i+1]
		if always {
			required = append(required, name)
		}
	}
	s := schema{"type": "object", "additionalProperties": false, "properties": properties}
	if len(required) > 0 {
		s["required"] = required
	}
	return s
}

// components are the named schemas.
func components() schema {
	modes := enum("monitor", "coach", "open")
	actor := members("id!", textSchema, "role!", textSchema)
	person := members("id!", textSchema, "name!", textSchema, "note!", textSchema)
	kinds := make([]string, len(problems))
	for i, p := range problems {
		kinds[i] = problemPrefix + string(p.kind)
	}
	return schema{
		"Me": members("actor!", actor, "title!", textSchema,
			"view!", members("mask_numbers!", flagSchema, "hide_monitors!", flagSchema),
			"people!", members("agents!", listOf(person), "supervisors!", listOf(person))),
		"Calls": members("calls!", listOf(ref("Call")), "next", textSchema),
		"May":   members("may!", listOf(textSchema)),
		"Call": members(
			"id!", callIDSchema, "version!", countSchema, "state!", enum("answered", "waiting", "active", "ended"),
			"from!", textSchema, "to!", textSchema, "data", schema{"type": "object", "additionalProperties": textSchema},
			"created!", timeSchema, "activated", timeSchema, "ended", timeSchema,
			"end_reason", enum("customer", "agent", "nobody", "host", "left", "unknown"),
			"participants!", listOf(ref("Participant")), "supervisions!", listOf(ref("Supervision")),
			"attempts!", listOf(members("id!", countSchema, "started!", timeSchema, "ended", timeSchema, "reached", personSchema,
				"rings!", listOf(members("agent!", personSchema, "outcome", enum("pending", "answered", "no answer", "busy", "refused", "given up"))))),
			"hears!", listOf(members("listener!", memberSchema, "speaker!", memberSchema)),
			"customer_hears!", enum(hearsNothingYet, hearsMusic, hearsPeople, hearsSilence, hearsUnknown, hearsFarewell, hearsNothing),
			"history!", listOf(members("seq!", countSchema, "kind!", textSchema, "at!", timeSchema, "actor", actor,
				"supervisor", textSchema, "agent", textSchema, "member", memberSchema, "mode", modes, "detail", textSchema))),
		"Participant": members("member!", memberSchema, "role!", enum("customer", "agent", "supervisor"), "agent", textSchema, "supervisor", textSchema,
			"muted!", flagSchema, "held!", flagSchema, "coaching!", flagSchema, "confirmed!", flagSchema,
			"joined!", timeSchema, "left", timeSchema, "address", textSchema),
		"Supervision": members("id!", textSchema, "state!", enum("ringing", "joined", "ended"), "member", memberSchema, "mode", modes, "want", modes,
			"audible!", flagSchema, "took_over!", flagSchema, "agent!", enum("keep", "mute", "hold", "remove"), "reason", textSchema,
			"asked!", timeSchema, "joined", timeSchema, "ended", timeSchema, "asked_by!", actor),
		"Snapshot": members("calls!", listOf(ref("Call"))),
		"Gone":     members("id!", callIDSchema),
		"Problem": members("type!", enum(kinds...), "title!", textSchema, "status!", schema{"type": "integer", "minimum": 400, "maximum": 599},
			"detail", textSchema, "op", textSchema, "supervision", ref("Supervision")),
	}
}

var pathParameter = regexp.MustCompile(`\{([a-z]+)\}`)

// describe returns the OpenAPI document of some routes.
func describe(routes []route) []byte {
	paths := schema{}
	for _, r := range routes {
		path := strings.TrimPrefix(r.path, "/api")
		at, _ := paths[path].(schema)
		if at == nil {
			at = schema{}
			paths[path] = at
		}
		at[strings.ToLower(r.method)] = r.describe()
	}
	body, err := json.MarshalIndent(schema{
		"openapi": "3.1.0",
		"info": schema{
			"title": "Console of mpc-coaching", "version": "1",
			"license":     schema{"name": "MIT", "identifier": "MIT"},
			"description": "Calls of a contact center, and what agents and supervisors do with them. Who asks is the host's to say, by whatever its pages carry, such as a cookie.",
		},
		"servers":    []schema{{"url": "../api"}},
		"paths":      paths,
		"components": schema{"schemas": components()},
	}, "", "  ")
	if err != nil {
		panic(err) // maps, strings and numbers
	}
	return append(body, '\n')
}

func (r route) describe() schema {
	op := schema{"operationId": r.id, "summary": r.doc.summary}
	parameters := []schema{}
	for _, m := range pathParameter.FindAllStringSubmatch(r.path, -1) {
		parameters = append(parameters, schema{"name": m[1], "in": "path", "required": true, "schema": callIDSchema})
	}
	for _, p := range r.doc.query {
		parameters = append(parameters, schema{"name": p.name, "in": "query", "description": p.about, "schema": p.schema})
	}
	if r.doc.keyed {
		parameters = append(parameters, schema{
			"name": "Idempotency-Key", "in": "header", "description": "the same request under the same key is carried out once, within 10 minutes",
			"schema": schema{"type": "string", "minLength": keyMin, "maxLength": keyMax, "pattern": "^[!-~]+$"},
		})
	}
	if len(parameters) > 0 {
		op["parameters"] = parameters
	}
	if r.doc.body != nil {
		op["requestBody"] = schema{"required": true, "content": schema{"application/json": schema{"schema": r.doc.body}}}
	}
	responses := schema{}
	if r.doc.answer == nil {
		responses["204"] = schema{"description": "done"}
	} else {
		kind := r.doc.kind
		if kind == "" {
			kind = "application/json"
		}
		ok := schema{"description": "what was asked for", "content": schema{kind: schema{"schema": r.doc.answer}}}
		if r.doc.keyed {
			ok["headers"] = schema{"Idempotency-Replayed": schema{"schema": enum("true")}}
		}
		if kind == "text/event-stream" {
			ok["x-events"] = schema{"snapshot": ref("Snapshot"), "call": ref("Call"), "gone": ref("Gone")}
		}
		responses["200"] = ok
	}
	byStatus := map[int][]string{}
	for _, k := range append(slices.Clone(r.doc.problems), r.always()...) {
		status, _ := k.look()
		byStatus[status] = append(byStatus[status], string(k))
	}
	for _, status := range slices.Sorted(maps.Keys(byStatus)) {
		responses[strconv.Itoa(status)] = schema{
			"description": strings.Join(byStatus[status], ", "),
			"content":     schema{"application/problem+json": schema{"schema": ref("Problem")}},
		}
	}
	op["responses"] = responses
	return op
}

// always are the problems that any route may have.
func (r route) always() []problemKind {
	if r.open {
		return nil
	}
	return []problemKind{unauthenticated, internal}
}

// openapi serves the description.
func (c *Console) openapi(w http.ResponseWriter, _ *http.Request, _ viewer) error {
	answer{http.StatusOK, "application/json", c.description}.write(w)
	return nil
}
