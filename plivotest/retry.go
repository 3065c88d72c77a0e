package plivotest

import (
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// delivery settings, given in a URL's fragment such as #rt=3000&rc=3&rp=all.
type settings struct {
	read    time.Duration // rt: for the answer to one attempt
	connect time.Duration // ct: likewise, for the connection
	total   time.Duration // tt: over all attempts
	retries int           // rc
	on      []string      // rp: what to retry on
}

// retryPause lies between two attempts. Not documented.
const retryPause = 500 * time.Millisecond

// cutFragment returns the URL that is requested and signed, and the settings.
// Documented are retries on time-outs only by default, but also that whatever
// is not answered 200 is repeated; so without rp everything else is.
func cutFragment(raw string) (string, settings) {
	set := settings{read: 40 * time.Second, connect: 2 * time.Second, total: 55 * time.Second, retries: 1, on: []string{"all"}}
	base, frag, found := strings.Cut(raw, "#")
	if !found {
		return base, set
	}
	v, err := url.ParseQuery(frag)
	if err != nil {
		return base, set
	}
	millis := func(key string, lo, hi int, d *time.Duration) {
		if n, err := strconv.Atoi(v.Get(key)); err == nil && n >= lo && n <= hi {
			*d = time.Duration(n) * time.Millisecond
		}
	}
	millis("rt", 100, 40000, &set.read)
	millis("ct", 100, 10000, &set.connect)
	millis("tt", 1, 55000, &set.total)
	if n, err := strconv.Atoi(v.Get("rc")); err == nil && n >= 0 && n <= 5 {
		set.retries = n
	}
	if rp := v.Get("rp"); rp != "" {
		set.on = strings.Split(rp, ",")
	}
	return base, set
}

// again says whether an attempt with this outcome is repeated.
func (set settings) again(res result) bool {
	if slices.Contains(set.on, "all") {
		return true
	}
	class := "ct"
	switch {
	case res.timeout:
		class = "rt"
	case res.err != nil:
	case res.status >= 500:
		class = "5xx"
	case res.status >= 400:
		class = "4xx"
	default:
		return false
	}
	return slices.Contains(set.on, class)
}
