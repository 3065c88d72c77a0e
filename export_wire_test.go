package coaching

import "net/url"

// For tests in package coaching_test.

type Verifier = verifier

func NewVerifier(tokens ...string) (*Verifier, error) { return newVerifier(tokens...) }

func (v *verifier) Verify(method, base, rawQuery string, form url.Values, nonce string, signatures ...string) error {
	return v.verify(method, base, rawQuery, form, nonce, signatures...)
}

// SignV3 signs as Plivo does, by the same rule as the check. It panics on what
// the check would refuse.
func SignV3(method, rawURL string, form url.Values, nonce, token string) string {
	return signV3(method, rawURL, form, nonce, token)
}
