package plivotest

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"net/url"
	"slices"
	"strings"
)

// SignV3 returns the value of X-Plivo-Signature-V3 for a request. rawURL
// carries the query and may carry a fragment, which is not signed; form is the
// body of a POST and is ignored for GET. The rule is the one the SDKs agree
// on: the query's pairs decoded and sorted, the body's keys and values joined
// without separators, both parts and the nonce joined by dots. An invalid URL
// gives "".
func SignV3(token, method, rawURL string, form url.Values, nonce string) string {
	msg, ok := messageV3(method, rawURL, form, nonce)
	if !ok {
		return ""
	}
	return sign(token, msg)
}

// SignV2 returns the value of X-Plivo-Signature-V2: it covers neither query
// nor body.
func SignV2(token, rawURL, nonce string) string {
	u, err := url.Parse(rawURL)
	if err != nil {
		return ""
	}
	return sign(token, u.Scheme+"://"+u.Host+u.EscapedPath()+nonce)
}

func sign(token, msg string) string {
	mac := hmac.New(sha256.New, []byte(token))
	mac.Write([]byte(msg))
	return base64.StdEncoding.EncodeToString(mac.Sum(nil))
}

func messageV3(method, rawURL string, form url.Values, nonce string) (string, bool) {
	u, err := url.Parse(rawURL)
	if err != nil {
		return "", false
	}
	query, err := url.ParseQuery(u.RawQuery)
	if err != nil {
		return "", false
	}
	msg := u.Scheme + "://" + u.Host + u.EscapedPath()
	pairs := joinSorted(query, "=", "&")
	params := ""
	if !strings.EqualFold(method, "GET") {
		params = joinSorted(form, "", "")
	}
	switch {
	case pairs != "" && params != "":
		msg += "?" + pairs + "." + params
	case pairs != "" || params != "":
		msg += "?" + pairs + params
	}
	return msg + "." + nonce, true
}

// joinSorted writes all values of every key, keys and then values in byte
// order.
func joinSorted(v url.Values, eq, sep string) string {
	var parts []string
	for k, vals := range v {
		for _, val := range vals {
			parts = append(parts, k+"\x00"+val)
		}
	}
	slices.Sort(parts)
	for i, p := range parts {
		k, val, _ := strings.Cut(p, "\x00")
		parts[i] = k + eq + val
	}
	return strings.Join(parts, sep)
}
