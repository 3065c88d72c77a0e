package console

import (
	"strings"
	"time"
)

// What the tests outside need to see.

// Describe returns the OpenAPI document.
func Describe() []byte { return describe(routes()) }

// Encodings returns how often a call was rendered.
func (c *Console) Encodings() int64 { return c.encodings.Load() }

// Patterns returns "METHOD /path" for everything that is registered.
func Patterns() (out []string) {
	for _, r := range routes() {
		out = append(out, r.method+" "+r.path)
	}
	return out
}

// Problems returns the names of the problems, with their status and title.
func Problems() (out [][3]any) {
	for _, p := range problems {
		out = append(out, [3]any{string(p.kind), p.status, p.title})
	}
	return out
}

var Mask = mask

// VerbRows returns the verbs as docs/console.md lists them.
func VerbRows() (out []string) {
	quoted := func(names []string) string { return "`" + strings.Join(names, "` `") + "`" }
	for _, v := range verbs {
		answer := "204"
		switch v.result {
		case resultSupervision, resultReadBack:
			answer = "200 `supervision`"
		case resultTicket:
			answer = "200 `header` `value` `expires`"
		}
		out = append(out, "`"+v.path+"` | `"+v.op+"` | "+quoted(v.fields)+" | "+answer)
	}
	return out
}

// Keys returns how many idempotency keys are remembered.
func (c *Console) Keys() int {
	c.keys.mu.Lock()
	defer c.keys.mu.Unlock()
	return len(c.keys.runs)
}

// SetPatience says how long a client may not read or write.
func (c *Console) SetPatience(d time.Duration) { c.patience = d }

// Held returns how many calls, changes and broken streams are remembered.
func (c *Console) Held() (calls, changes, sessions int) {
	c.hub.mu.Lock()
	defer c.hub.mu.Unlock()
	c.hub.past.mu.Lock()
	defer c.hub.past.mu.Unlock()
	return len(c.hub.calls), len(c.hub.log), len(c.hub.past.byID)
}

// Streams returns how many streams are open.
func (c *Console) Streams() int {
	c.hub.mu.Lock()
	defer c.hub.mu.Unlock()
	return c.hub.streams
}
