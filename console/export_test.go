package console

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
