package coaching

import "net/url"

// ParseForm is how callbacks' forms and queries are read.
func ParseForm(raw string) (url.Values, error) { return parseForm(raw) }

// GuardLength is how many callbacks the repeat guard of a call remembers.
func GuardLength(c Call) int { return len(c.work.Seen) }

// EffectiveConfig is a Flow's Config with its defaults filled in.
func EffectiveConfig(f *Flow) Config { return f.cfg }

// Remembered is of how many calls a Flow knows what it committed last, or that
// they are to be looked at.
func Remembered(f *Flow) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(f.own) + len(f.fresh) + len(f.order)
}
