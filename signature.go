package coaching

import (
	"bytes"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"sync"
)

// VerifySignature reports whether a request comes from Plivo: nil if one of
// signatures was made with one of tokens, else an error wrapping
// [ErrSignature]. Hosts that receive Plivo's other webhooks may use it too.
//
// The arguments are
//   - method: GET or POST, in any case; others are refused;
//   - rawURL: the public URL as Plivo was told it, with the query of this
//     request. Behind a proxy build it from your configuration, not from the
//     request. A fragment is ignored, since it is not sent;
//   - form: the parameters of a POST body ([net/http.Request.PostForm], not
//     Form); nil for GET, whose parameters stand in the URL. Parameters with
//     GET are refused, for nothing signs them;
//   - nonce: the header X-Plivo-Signature-V3-Nonce;
//   - signatures: the header X-Plivo-Signature-V3 or X-Plivo-Signature-Ma-V3,
//     or both joined by a comma; several values and spaces are fine;
//   - tokens: the auth tokens to accept, more than one while rotating.
//
// Only version 3 counts. Versions 1 and 2 do not cover all the parameters, so
// they are never accepted.
//
// Every value of a repeated parameter is signed over. What version 3 does not
// cover, a caller must: no separator stands between a parameter's name and its
// value, so bytes moved from one to the other are not seen (check that fields
// are present and well-formed, as [ParseEvent] does), and a nonce may be
// replayed.
//
// It fails closed: without a token, with an empty one among the others, or
// without a nonce or a signature nothing is accepted. It never panics, and
// takes the same time wherever a signature differs. Safe for concurrent use.
func VerifySignature(method, rawURL string, form url.Values, nonce, signatures string, tokens ...string) error {
	var room [2]sigKey // enough for most, and on the stack
	keys, err := sigKeys(room[:0], tokens)
	base, query, ok := sigSplitURL(rawURL)
	switch v := (verifier{keys}); {
	case err != nil:
	case !ok:
		err = sigRefuse("malformed URL")
	default:
		err = v.verify(method, base, query, form, nonce, signatures)
	}
	if err != nil {
		return fmt.Errorf("coaching: VerifySignature: %w", err)
	}
	return nil
}

// A verifier checks signatures of version 3 made with one of several tokens.
// Immutable, so safe for concurrent use.
type verifier struct{ keys []sigKey }

// newVerifier wants at least one token and no empty one; else the error wraps
// ErrSignature.
func newVerifier(tokens ...string) (*verifier, error) {
	keys, err := sigKeys(nil, tokens)
	if err != nil {
		return nil, err
	}
	return &verifier{keys}, nil
}

func sigKeys(keys []sigKey, tokens []string) ([]sigKey, error) {
	if len(tokens) == 0 {
		return nil, sigRefuse("no token")
	}
	for _, t := range tokens {
		if t == "" {
			// Skipping it would hide a configuration that was never filled in.
			return nil, sigRefuse("empty token")
		}
		keys = append(keys, newSigKey(t))
	}
	return keys, nil
}

// verify does the work of [VerifySignature] for a URL that is split already:
// base is scheme://host[:port]/path, escaped as in the URL. Each of signatures
// is one header's value and may be empty, as long as one holds a signature.
func (v *verifier) verify(method, base, rawQuery string, form url.Values, nonce string, signatures ...string) error {
	if len(v.keys) == 0 {
		return sigRefuse("no token")
	}
	if !sigValidNonce(nonce) {
		return sigRefuse("missing or malformed nonce")
	}
	s := sigPool.Get().(*sigScratch)
	defer s.release()
	tail, err := s.message(method, base, rawQuery, form, nonce)
	if err != nil {
		return err
	}
	var room [4][sha256.Size]byte
	macs := room[:0]
	for i := range v.keys {
		macs = append(macs, v.keys[i].sum(s.buf))
	}
	// Which form of an escaped path is signed is not documented, and the
	// official SDKs disagree: some sign it as it stands in the URL (the rule
	// here), others decode it first. Both name the same resource, so the second
	// reading lets nothing in that was not signed. Their other differences
	// (repeated fields cut to one value, the port left out, trailing dots
	// stripped) leave part of the request unsigned and are not accepted.
	if decoded, ok := sigDecodedBase(base); ok {
		alt := slices.Concat(s.buf[:sha256.BlockSize], []byte(decoded), s.buf[tail:])
		for i := range v.keys {
			macs = append(macs, v.keys[i].sum(alt))
		}
	}
	match, found := 0, false
	for _, header := range signatures {
		for candidate := range strings.SplitSeq(header, ",") {
			candidate = strings.Trim(candidate, " \t")
			found = found || candidate != ""
			got, ok := sigDecode(candidate)
			for i := range macs {
				match |= ok & subtle.ConstantTimeCompare(got[:sha256.Size], macs[i][:])
			}
		}
	}
	if !found {
		return sigRefuse("no signature")
	}
	if match != 1 {
		return ErrSignature
	}
	return nil
}

// A sigKey is a token as HMAC-SHA-256 uses it (RFC 2104): the two padded
// blocks, made once. With them a MAC is two calls of sha256.Sum256 and no
// allocation; crypto/hmac allocates four times for each new key.
type sigKey struct{ inner, outer [sha256.BlockSize]byte }

var sigInner, sigOuter = [sha256.BlockSize]byte(bytes.Repeat([]byte{0x36}, sha256.BlockSize)),
	[sha256.BlockSize]byte(bytes.Repeat([]byte{0x5c}, sha256.BlockSize))

func newSigKey(token string) sigKey {
	var block [sha256.BlockSize]byte
	if len(token) > len(block) {
		sum := sha256.Sum256([]byte(token))
		copy(block[:], sum[:])
	} else {
		copy(block[:], token)
	}
	var k sigKey
	subtle.XORBytes(k.inner[:], block[:], sigInner[:])
	subtle.XORBytes(k.outer[:], block[:], sigOuter[:])
	return k
}

// sum returns the MAC of the message in buf, which begins after one block of
// room; that room is overwritten.
func (k *sigKey) sum(buf []byte) [sha256.Size]byte {
	copy(buf, k.inner[:])
	digest := sha256.Sum256(buf)
	var outer [sha256.BlockSize + sha256.Size]byte
	copy(outer[:], k.outer[:])
	copy(outer[sha256.BlockSize:], digest[:])
	return sha256.Sum256(outer[:])
}

type sigPair struct{ key, value string }

// A sigScratch is the memory one check needs, kept for the next one.
type sigScratch struct {
	buf   []byte
	pairs []sigPair
}

var sigPool = sync.Pool{New: func() any { return new(sigScratch) }}

const sigKeep = 64 << 10 // bytes and pairs above which scratch is left to the collector

func (s *sigScratch) release() {
	if cap(s.buf) > sigKeep || cap(s.pairs) > sigKeep/64 {
		return
	}
	clear(s.buf) // phone numbers: nothing should find them here later
	clear(s.pairs[:cap(s.pairs)])
	sigPool.Put(s)
}

// message builds in s.buf, after one block of room, what is signed:
//
//	base [ "?" query ] [ "." or "?" params ] "." nonce
//
// where query is its decoded pairs as k=v joined by "&", params are k and v
// with nothing between, both sorted by bytes, and "?" stands before whichever
// comes first. tail is the index behind base.
func (s *sigScratch) message(method, base, rawQuery string, form url.Values, nonce string) (tail int, err error) {
	switch {
	case strings.EqualFold(method, "GET"):
		if len(form) > 0 {
			return 0, sigRefuse("GET with body parameters, which nothing signs")
		}
	case !strings.EqualFold(method, "POST"):
		return 0, sigRefuse("method neither GET nor POST")
	}
	var room [sha256.BlockSize]byte
	buf := append(append(s.buf[:0], room[:]...), base...)
	tail = len(buf)
	pairs, ok := sigQuery(s.pairs[:0], rawQuery)
	s.buf, s.pairs = buf, pairs
	if !ok {
		return 0, sigRefuse("malformed query")
	}
	sep := byte('?')
	for i, p := range sigSort(pairs) {
		if i > 0 {
			sep = '&'
		}
		buf = append(append(buf, sep), p.key...)
		buf = append(append(buf, '='), p.value...)
	}
	sep = '?'
	if len(pairs) > 0 {
		sep = '.'
	}
	pairs = pairs[:0]
	for k, values := range form {
		for _, v := range values {
			pairs = append(pairs, sigPair{k, v})
		}
	}
	if len(pairs) > 0 {
		buf = append(buf, sep)
	}
	for _, p := range sigSort(pairs) {
		buf = append(append(buf, p.key...), p.value...)
	}
	buf = append(buf, '.')
	s.buf, s.pairs = append(buf, nonce...), pairs
	return tail, nil
}

// sigSort sorts by key, then value: up to a usual number of pairs by insertion,
// without the calls through a function value that slices.SortFunc makes.
func sigSort(pairs []sigPair) []sigPair {
	if len(pairs) > 24 {
		slices.SortFunc(pairs, func(a, b sigPair) int {
			if c := strings.Compare(a.key, b.key); c != 0 {
				return c
			}
			return strings.Compare(a.value, b.value)
		})
		return pairs
	}
	for i, p := range pairs {
		j := i
		for j > 0 && (p.key < pairs[j-1].key || p.key == pairs[j-1].key && p.value < pairs[j-1].value) {
			j--
		}
		copy(pairs[j+1:i+1], pairs[j:i])
		pairs[j] = p
	}
	return pairs
}

// sigQuery appends the decoded pairs of a raw query. It refuses what
// [url.ParseQuery] refuses, so that a handler sees no other pairs than were
// verified, and blanks, which would equal "+".
func sigQuery(pairs []sigPair, raw string) ([]sigPair, bool) {
	escaped := false
	for i := range len(raw) {
		switch c := raw[i]; {
		case c <= ' ' || c == 0x7f || c == ';':
			return pairs, false
		case c == '%' || c == '+':
			escaped = true
		}
	}
	for raw != "" {
		var pair string
		if pair, raw, _ = strings.Cut(raw, "&"); pair == "" {
			continue
		}
		key, value, _ := strings.Cut(pair, "=")
		if escaped {
			var err, err2 error
			key, err = url.QueryUnescape(key)
			value, err2 = url.QueryUnescape(value)
			if err != nil || err2 != nil {
				return pairs, false
			}
		}
		pairs = append(pairs, sigPair{key, value})
	}
	return pairs, true
}

// sigSplitURL cuts a URL into what the signature calls its base and the query.
// By hand, since [url.Parse] would alter the scheme and lose the path's form.
func sigSplitURL(raw string) (base, query string, ok bool) {
	raw, _, _ = strings.Cut(raw, "#")
	base, query, _ = strings.Cut(raw, "?")
	scheme, rest, found := strings.Cut(base, "://")
	return base, query, found && scheme != "" && rest != "" && rest[0] != '/' && sigPrintable(base)
}

// sigDecodedBase returns base with its path decoded, if that differs. A path
// that hides a "?" or "#" would read like another URL and has no such form.
func sigDecodedBase(base string) (string, bool) {
	if strings.IndexByte(base, '%') < 0 {
		return "", false
	}
	start := strings.Index(base, "://") + len("://")
	slash := strings.IndexByte(base[start:], '/')
	if slash < 0 {
		return "", false
	}
	path, err := url.PathUnescape(base[start+slash:])
	if err != nil || strings.ContainsAny(path, "?#") {
		return "", false
	}
	return base[:start+slash] + path, true
}

// sigValidNonce keeps dots out: the nonce is what follows the message's last
// dot, so that no byte can move between it and the parameters.
func sigValidNonce(nonce string) bool {
	return all(nonce, 1, 256, func(c byte) bool { return '!' <= c && c <= '~' && c != '.' })
}

// sigPrintable reports whether s has no blanks and no control bytes.
func sigPrintable(s string) bool {
	for i := range len(s) {
		if s[i] <= ' ' || s[i] == 0x7f {
			return false
		}
	}
	return true
}

// sigBase64 is strict: else the unused bits of the last character could be
// changed without changing the signature.
var sigBase64 = base64.StdEncoding.Strict()

// sigDecode returns a signature's bytes, followed by one of room, and 1; or 0
// if it is malformed.
func sigDecode(s string) (mac [sha256.Size + 1]byte, ok int) {
	var src [44]byte
	if len(s) != len(src) {
		return mac, 0
	}
	copy(src[:], s)
	if n, err := sigBase64.Decode(mac[:], src[:]); err != nil || n != sha256.Size {
		return mac, 0
	}
	return mac, 1
}

func sigRefuse(why string) error { return fmt.Errorf("%s: %w", why, ErrSignature) }

// signV3 is the other side of the check, for tests: what Plivo would send in
// X-Plivo-Signature-V3. It panics where verify would refuse the arguments.
func signV3(method, rawURL string, form url.Values, nonce, token string) string {
	base, query, ok := sigSplitURL(rawURL)
	s := new(sigScratch)
	if _, err := s.message(method, base, query, form, nonce); err != nil || !ok || token == "" {
		panic(fmt.Sprintf("coaching: signV3(%s, %s): cannot be signed: %v", method, rawURL, err))
	}
	key := newSigKey(token)
	mac := key.sum(s.buf)
	return sigBase64.EncodeToString(mac[:])
}
