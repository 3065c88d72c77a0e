package plivotest

import (
	"net/url"
	"slices"
	"strings"
)

// normal returns the form in which addresses are compared and reported:
// numbers without "+", SIP addresses trimmed.
func normal(address string) string {
	return strings.TrimPrefix(strings.TrimSpace(address), "+")
}

func isSIP(address string) bool { return strings.HasPrefix(address, "sip:") }

// reservedHeaders are prefixes the platform drops, as far as they obey the
// rule for names.
var reservedHeaders = []string{"Plivo", "Sipauth", "Twilio", "Clientregion"}

// headerAllowed is the rule for custom SIP headers: a name of one capital and
// then lower case or digits, at most 24; a value of letters, digits and "%",
// at most 120. Pairs that break it never arrive.
func headerAllowed(name, value string) bool {
	if len(name) < 1 || len(name) > 24 || len(value) < 1 || len(value) > 120 {
		return false
	}
	for i := range len(name) {
		c := name[i]
		switch {
		case i == 0 && (c < 'A' || c > 'Z'):
			return false
		case i > 0 && (c < 'a' || c > 'z') && (c < '0' || c > '9'):
			return false
		}
	}
	for i := range len(value) {
		c := value[i]
		if (c < 'A' || c > 'Z') && (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '%' {
			return false
		}
	}
	return !slices.ContainsFunc(reservedHeaders, func(p string) bool { return strings.HasPrefix(name, p) })
}

// keepHeaders returns the pairs that arrive, keyed X-PH-Name; the prefix in
// the given names is optional.
func (s *Server) keepHeaders(given map[string]string) map[string]string {
	out := map[string]string{}
	names := make([]string, 0, len(given))
	for k := range given {
		names = append(names, k)
	}
	slices.Sort(names)
	for _, k := range names {
		name := strings.TrimPrefix(k, "X-PH-")
		if !headerAllowed(name, given[k]) {
			s.warn("SIP header %q dropped: name or value breaks the rule", name)
			continue
		}
		out["X-PH-"+name] = given[k]
	}
	return out
}

// parseHeaders reads key=value,key=value.
func parseHeaders(list string) map[string]string {
	out := map[string]string{}
	for _, pair := range strings.Split(list, ",") {
		if k, v, ok := strings.Cut(strings.TrimSpace(pair), "="); ok {
			out[k] = v
		}
	}
	return out
}

func setAll(form url.Values, headers map[string]string) {
	for k, v := range headers {
		form.Set(k, v)
	}
}
