package console

import (
	"cmp"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/mpc-coaching/coaching"
)

const (
	pageSize    = 50
	pageSizeMax = 200
)

// A callQuery is what of the live calls is asked for.
type callQuery struct {
	agent      coaching.AgentID
	supervisor coaching.SupervisorID
	state      coaching.CallState // 0: any
	limit      int
	after      place
}

// A place is where a page begins: after a call that was created then.
type place struct {
	created int64 // Unix nanoseconds
	id      coaching.CallID
}

func placeOf(c coaching.Call) place { return place{c.Created.UnixNano(), c.ID} }

func (p place) compare(q place) int {
	return cmp.Or(cmp.Compare(p.created, q.created), cmp.Compare(p.id, q.id))
}

func (p place) token() string {
	return base64.RawURLEncoding.EncodeToString([]byte(strconv.FormatInt(p.created, 10) + "." + string(p.id)))
}

func parsePlace(token string) (place, bool) {
	b, err := base64.RawURLEncoding.DecodeString(token)
	if err != nil {
		return place{}, false
	}
	n, id, _ := strings.Cut(string(b), ".")
	created, err := strconv.ParseInt(n, 10, 64)
	return place{created, coaching.CallID(id)}, err == nil && isCallID(id)
}

func parseCallQuery(v url.Values) (q callQuery, err error) {
	q.limit = pageSize
	for name, values := range v {
		s := values[0]
		ok := len(values) == 1
		switch name {
		case "agent":
			q.agent = coaching.AgentID(s)
			ok = ok && isPersonID(s)
		case "supervisor":
			q.supervisor = coaching.SupervisorID(s)
			ok = ok && isPersonID(s)
		case "state":
			ok = ok && q.state.UnmarshalText([]byte(s)) == nil && q.state != coaching.StateEnded
		case "limit":
			var err error
			q.limit, err = strconv.Atoi(s)
			ok = ok && err == nil && 1 <= q.limit && q.limit <= pageSizeMax
		case "after":
			var good bool
			q.after, good = parsePlace(s)
			ok = ok && good
		default:
			ok = true
		}
		if !ok {
			return q, problem(invalid, "the parameter "+name+" is malformed")
		}
	}
	return q, nil
}

// calls serves a page of the live calls that the actor may see, oldest first.
// The host is asked about as many calls as the page needs.
func (c *Console) calls(w http.ResponseWriter, r *http.Request, who viewer) error {
	q, err := parseCallQuery(r.URL.Query())
	if err != nil {
		return err
	}
	var found []coaching.Call
	for call, err := range c.cfg.Flow.Calls(coaching.AsHost(r.Context()), coaching.CallFilter{Agent: q.agent}) {
		if err != nil {
			return err
		}
		if q.admits(call, who.view) {
			found = append(found, call)
		}
	}
	slices.SortFunc(found, func(a, b coaching.Call) int { return placeOf(a).compare(placeOf(b)) })
	out := callsJSON{Calls: []json.RawMessage{}}
	var last place
	for _, call := range found {
		if err := r.Context().Err(); err != nil {
			return err
		}
		if c.cfg.Flow.Authorize(r.Context(), coaching.AccessRequest{Op: "Calls", Call: call}) != nil {
			continue
		}
		if len(out.Calls) == q.limit {
			out.Next = last.token()
			break
		}
		out.Calls = append(out.Calls, c.encode(call, who.view))
		last = placeOf(call)
	}
	writeJSON(w, http.StatusOK, out)
	return nil
}

type callsJSON struct {
	Calls []json.RawMessage `json:"calls"`
	Next  string            `json:"next,omitempty"`
}

// admits is about what the viewer is shown: asking for the calls of a monitor
// must not tell where one is hidden.
func (q callQuery) admits(call coaching.Call, v View) bool {
	if q.state != 0 && call.State != q.state || placeOf(call).compare(q.after) <= 0 {
		return false
	}
	if q.supervisor == "" {
		return true
	}
	h := hiddenIn(call, v)
	for i, s := range call.Supervisions {
		if s.ID == q.supervisor && s.State != coaching.SupervisionEnded && !h.supervision[i] {
			return true
		}
	}
	return false
}

// call serves one call, an ended one too.
func (c *Console) call(w http.ResponseWriter, r *http.Request, who viewer) error {
	id, err := pathCall(r)
	if err != nil {
		return err
	}
	call, err := c.cfg.Flow.Call(r.Context(), id)
	if err != nil {
		return err
	}
	answer{http.StatusOK, "application/json", c.encode(call, who.view)}.write(w)
	return nil
}

// may serves the verbs that Authorize admits now. Whether the state of the call
// allows them is another matter.
func (c *Console) may(w http.ResponseWriter, r *http.Request, _ viewer) error {
	id, err := pathCall(r)
	if err != nil {
		return err
	}
	a := args{mode: coaching.ModeCoach}
	query := r.URL.Query()
	if s := query.Get("supervisor"); s != "" {
		if a.supervisor = coaching.SupervisorID(s); !isPersonID(s) {
			return problem(invalid, "the parameter supervisor is malformed")
		}
	}
	if s := query.Get("mode"); s != "" {
		if a.mode, err = coaching.ParseCoachMode(s); err != nil || a.mode == coaching.ModeOpen {
			return problem(invalid, "the parameter mode is malformed")
		}
	}
	call, err := c.cfg.Flow.Call(r.Context(), id)
	if err != nil {
		return err
	}
	out := mayJSON{May: []string{}}
	for _, v := range verbs {
		if c.cfg.Flow.Authorize(r.Context(), v.asks(call, a)) == nil {
			out.May = append(out.May, v.op)
		}
	}
	slices.Sort(out.May)
	writeJSON(w, http.StatusOK, out)
	return nil
}

type mayJSON struct {
	May []string `json:"may"`
}

// pathCall checks the id before anything is asked about it.
func pathCall(r *http.Request) (coaching.CallID, error) {
	id := r.PathValue("call")
	if !isCallID(id) {
		return "", problem(invalid, "a call's id matches "+callIDPattern)
	}
	return coaching.CallID(id), nil
}

const (
	callIDPattern   = "^[A-Za-z0-9]{16,64}$"
	personIDPattern = "^[A-Za-z0-9._@-]{1,64}$"
	memberIDPattern = "^[0-9]{1,20}$"
)

func isCallID(s string) bool   { return matches(s, 16, 64, "") }
func isPersonID(s string) bool { return matches(s, 1, 64, "._@-") }
func isMemberID(s string) bool {
	return matches(s, 1, 20, "") && !strings.ContainsFunc(s, func(r rune) bool { return r > '9' })
}

// matches reports whether s has between lo and hi letters and digits of ASCII,
// and bytes of also.
func matches(s string, lo, hi int, also string) bool {
	for i := range len(s) {
		b := s[i]
		if !('a' <= b && b <= 'z' || 'A' <= b && b <= 'Z' || '0' <= b && b <= '9' || strings.IndexByte(also, b) >= 0) {
			return false
		}
	}
	return lo <= len(s) && len(s) <= hi
}
