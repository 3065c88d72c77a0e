package coaching

import "net/url"

// ParseForm is how callbacks' forms and queries are read.
func ParseForm(raw string) (url.Values, error) { return parseForm(raw) }
