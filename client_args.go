package coaching

import (
	"cmp"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// A Webhook is an address that Plivo requests, and how.
type Webhook struct {
	URL string // absolute, http or https; empty: not sent
	// Method is GET or POST. It is always sent along with a URL; empty means
	// POST for what reports to us and GET for what fetches XML from us.
	Method string
}

// A clientCall gathers one request. Each argument is checked as it is added,
// what is unset is left out, and one refused argument means nothing is sent.
type clientCall struct {
	op       string
	method   string
	segments []string // of the path below the account
	query    url.Values
	body     map[string]any // nil: none
	problems []string
}

func newClientCall(op, method string, segments ...string) *clientCall {
	return &clientCall{op: op, method: method, segments: segments}
}

// newMPCCall starts a path with one multiparty call.
func newMPCCall(op, method string, mpc MPCRef) *clientCall {
	c := newClientCall(op, method, "MultiPartyCall", mpc.segment)
	c.check(mpc != MPCRef{}, "the multiparty call's uuid or name is missing or malformed")
	return c
}

func (c *clientCall) path(segments ...string) *clientCall {
	c.segments = append(c.segments, segments...)
	return c
}

func (c *clientCall) member(id MemberID) *clientCall {
	c.check(validMemberID(id), "the member id is missing or malformed")
	return c.path(string(id))
}

func (c *clientCall) members(m Members) *clientCall {
	c.check(m != Members{}, "the member ids are missing or malformed, repeated, or more than %d", clientMaxMembers)
	return c.path(m.segment)
}

func (c *clientCall) uuid(what, id string) *clientCall {
	c.check(validUUID(id), "%s is missing or malformed", what)
	return c.path(id)
}

// check records a problem unless ok. Texts name fields, never their values,
// which may be phone numbers.
func (c *clientCall) check(ok bool, format string, args ...any) {
	if !ok {
		c.problems = append(c.problems, fmt.Sprintf(format, args...))
	}
}

func (c *clientCall) err() error {
	if len(c.problems) == 0 {
		return nil
	}
	return invalid("%s", strings.Join(c.problems, "; "))
}

// set adds to the body without any check.
func (c *clientCall) set(key string, value any) {
	if c.body == nil {
		c.body = map[string]any{}
	}
	c.body[key] = value
}

// flag leaves out nil, and nothing else: false is sent.
func (c *clientCall) flag(key string, v *bool) {
	if v != nil {
		c.set(key, *v)
	}
}

// text takes up to limit characters, none of them control characters.
func (c *clientCall) text(key, v string, limit int) {
	if v != "" {
		c.check(clientCleanText(v, limit), "%s has more than %d characters, or control characters", key, limit)
		c.set(key, v)
	}
}

func clientCleanText(s string, limit int) bool {
	return utf8.ValidString(s) && utf8.RuneCountInString(s) <= limit && !strings.ContainsFunc(s, unicode.IsControl)
}

// oneOf takes one of allowed, in this spelling.
func (c *clientCall) oneOf(key, v string, allowed ...string) {
	if v != "" {
		c.check(slices.Contains(allowed, v), "%s is not one of %s", key, strings.Join(allowed, ", "))
		c.set(key, v)
	}
}

// count takes lo to hi, and leaves out 0.
func (c *clientCall) count(key string, v, lo, hi int) {
	if v != 0 {
		c.check(lo <= v && v <= hi, "%s is not within %d to %d", key, lo, hi)
		c.set(key, v)
	}
}

// seconds takes whole seconds from lo to hi, and leaves out 0.
func (c *clientCall) seconds(key string, v, lo, hi time.Duration) {
	if v != 0 {
		c.check(lo <= v && v <= hi && v%time.Second == 0, "%s is not in whole seconds within %v to %v", key, lo, hi)
		c.set(key, int(v/time.Second))
	}
}

// address takes a URL.
func (c *clientCall) address(key, v string) {
	if v != "" {
		c.check(clientValidURL(v), "%s is not an absolute http or https URL", key)
		c.set(key, v)
	}
}

func clientValidURL(s string) bool {
	if len(s) > 2048 || strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r == 0x7f }) {
		return false
	}
	u, err := url.Parse(s)
	return err == nil && (u.Scheme == "http" || u.Scheme == "https") && u.Hostname() != ""
}

// hook adds a Webhook under two keys. def is the method of one without.
func (c *clientCall) hook(urlKey, methodKey string, w Webhook, def string) {
	c.address(urlKey, w.URL)
	c.verb(methodKey, w.Method, def, w.URL != "")
}

// verb adds the method that goes with a URL, if there is one.
func (c *clientCall) verb(key, v, def string, wanted bool) {
	c.check(v == "" || v == http.MethodGet || v == http.MethodPost, "%s is not GET or POST", key)
	if wanted {
		c.set(key, cmp.Or(v, def))
	}
}

// arg adds to the query.
func (c *clientCall) arg(key, v string) {
	if v == "" {
		return
	}
	if c.query == nil {
		c.query = url.Values{}
	}
	c.query.Set(key, v)
}
