package plivotest

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// findMPC returns the MPC of a path segment as it stood at an instant, and its
// state then. name_ finds a live one only.
func (s *Server) findMPC(id string, at time.Time) (*mpc, mpcState) {
	if name, ok := strings.CutPrefix(id, "name_"); ok {
		name = strings.TrimSpace(name)
		for _, x := range slices.Backward(s.mpcs) {
			if st := x.stateAt(at); x.name == name && st.status != "" && st.status != ended {
				return x, st
			}
		}
		return nil, mpcState{}
	}
	if uuid, ok := strings.CutPrefix(id, "uuid_"); ok {
		for _, x := range s.mpcs {
			if st := x.stateAt(at); x.uuid == uuid && st.status != "" {
				return x, st
			}
		}
	}
	return nil, mpcState{}
}

// stateAt returns what a read as of an instant shows; zero if the MPC did not
// exist.
func (x *mpc) stateAt(at time.Time) mpcState {
	var st mpcState
	for _, h := range x.history {
		if h.at.After(at) {
			break
		}
		st = h
	}
	return st
}

// readTime draws the instant that a read shows.
func (s *Server) readTime(c *apiCall) time.Time {
	return time.Now().Add(-s.upTo(s.opts.Switches.StaleReads, "stale "+c.key))
}

func (s *Server) getMPC(c *apiCall) reply {
	x, st := s.findMPC(c.MPC, s.readTime(c))
	if x == nil {
		return s.fail(http.StatusNotFound, "not found")
	}
	return s.good(http.StatusOK, s.mpcObject(x, st))
}

// mpcObject is the MPC as REST shows it.
func (s *Server) mpcObject(x *mpc, st mpcState) map[string]any {
	uri := s.mpcURI(x, st)
	o := map[string]any{
		"billed_amount": nil, "billed_duration": nil, "creation_time": dateTime(x.created), "duration": nil,
		"end_time": nil, "friendly_name": x.name, "mpc_uuid": x.uuid, "participants": uri + "Participant/",
		"recording": st.recording, "resource_uri": uri, "start_time": nil, "status": st.status,
		"stay_alone": x.set.stayAlone, "sub_account": nil, "termination_cause": nil, "termination_cause_code": nil,
	}
	if !x.started.IsZero() && !x.started.After(st.seen(x)) {
		o["start_time"] = dateTime(x.started)
	}
	if st.status == ended {
		o["billed_amount"], o["billed_duration"] = amount(x.billed()), x.billed()
		o["duration"], o["end_time"] = int(x.duration().Seconds()), dateTime(x.ending)
		o["recording"] = nil
		o["termination_cause"], o["termination_cause_code"] = x.why.name, x.why.code
	}
	return o
}

// seen returns an instant at which st stood.
func (st mpcState) seen(x *mpc) time.Time {
	if st.status == initialized {
		return x.created
	}
	return st.at
}

func (s *Server) mpcURI(x *mpc, st mpcState) string {
	id := "name_" + x.name
	if st.status == ended {
		id = "uuid_" + x.uuid
	}
	return s.base() + "MultiPartyCall/" + id + "/"
}

func (s *Server) base() string { return "/v1/Account/" + s.opts.AuthID + "/" }

func (s *Server) activateMPC(c *apiCall) reply {
	status, _ := c.Body["status"].(string)
	if list, ok := c.Body["status"].([]any); ok && len(list) == 1 { // one SDK sends a list
		status, _ = list[0].(string)
	}
	if !strings.EqualFold(status, "active") {
		return s.fail(http.StatusBadRequest, "status must be active")
	}
	x, _ := s.findMPC(c.MPC, time.Now())
	if x == nil || x.status != initialized {
		return s.fail(http.StatusNotFound, "not found")
	}
	s.activate(x)
	return noContent
}

func (s *Server) deleteMPC(c *apiCall) reply {
	x, _ := s.findMPC(c.MPC, time.Now())
	if x == nil || !x.live() {
		return s.fail(http.StatusNotFound, "not found")
	}
	s.endMPC(x, hangupAPI, causeMPCEndedAPI)
	return noContent
}

// listMPCs filters and pages, newest first.
func (s *Server) listMPCs(c *apiCall) reply {
	f, err := readFilter(c.Query, time.Now())
	if err != nil {
		return s.fail(http.StatusBadRequest, "%v", err)
	}
	at := s.readTime(c)
	found := []any{}
	for _, x := range slices.Backward(s.mpcs) {
		st := x.stateAt(at)
		if st.status != "" && f.match(x, st) {
			found = append(found, s.mpcObject(x, st))
		}
	}
	return s.page(c, found, f.limit, f.offset)
}

// page cuts a list and adds its meta object.
func (s *Server) page(c *apiCall, all []any, limit, offset int) reply {
	link := func(offset int) any {
		q := cloneValues(c.Query)
		if q == nil {
			q = url.Values{}
		}
		q.Set("limit", strconv.Itoa(limit))
		q.Set("offset", strconv.Itoa(offset))
		return strings.TrimSuffix(c.Path, "/") + "/?" + q.Encode()
	}
	meta := map[string]any{"count": len(all), "limit": limit, "offset": offset, "next": nil, "previous": nil}
	if offset+limit < len(all) {
		meta["next"] = link(offset + limit)
	}
	if offset > 0 {
		meta["previous"] = link(max(0, offset-limit))
	}
	from := min(offset, len(all))
	to := min(from+limit, len(all))
	return s.good(http.StatusOK, map[string]any{"meta": meta, "objects": all[from:to]})
}

// filter is a list request.
type filter struct {
	name, status  string
	subaccount    string
	code          int
	bounds        []bound
	limit, offset int
}

type bound struct {
	end bool // of end_time; else creation_time
	op  string
	at  time.Time
}

var filterKeys = []string{"sub_account", "friendly_name", "status", "termination_cause_code", "limit", "offset"}

// readFilter checks the query. Without a bound on end_time a list covers the
// last seven days; with one bound only, thirty days from it.
func readFilter(q url.Values, now time.Time) (*filter, error) {
	f := &filter{limit: 20}
	var gt, lt time.Time
	keys := make([]string, 0, len(q))
	for k := range q {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	for _, k := range keys {
		v := q.Get(k)
		if field, op, ok := strings.Cut(k, "__"); ok && (field == "end_time" || field == "creation_time") {
			if !slices.Contains([]string{"gt", "gte", "lt", "lte"}, op) {
				return nil, fmt.Errorf("%s is no filter", clip(k))
			}
			t, err := parseTime(v)
			if err != nil {
				return nil, fmt.Errorf("%s must be YYYY-MM-DD HH:MM[:ss[.uuuuuu]], not %q", k, clip(v))
			}
			f.bounds = append(f.bounds, bound{field == "end_time", op, t})
			if field == "end_time" && op[0] == 'g' {
				gt = t
			} else if field == "end_time" {
				lt = t
			}
			continue
		}
		if !slices.Contains(filterKeys, k) {
			return nil, fmt.Errorf("%s is no filter", clip(k))
		}
		if err := f.set(k, v); err != nil {
			return nil, err
		}
	}
	const day = 24 * time.Hour
	switch {
	case gt.IsZero() && lt.IsZero():
		f.bounds = append(f.bounds, bound{true, "gte", now.Add(-7 * day)})
	case lt.IsZero():
		f.bounds = append(f.bounds, bound{true, "lte", gt.Add(30 * day)})
	case gt.IsZero():
		f.bounds = append(f.bounds, bound{true, "gte", lt.Add(-30 * day)})
	}
	return f, nil
}

func (f *filter) set(k, v string) (err error) {
	whole := func(lo, hi int) (int, error) {
		n, err := strconv.Atoi(v)
		if err != nil || n < lo || n > hi {
			return 0, fmt.Errorf("%s must be a number from %d to %d, not %q", k, lo, hi, clip(v))
		}
		return n, nil
	}
	switch k {
	case "limit":
		f.limit, err = whole(1, 20)
	case "offset":
		f.offset, err = whole(0, 1<<30)
	case "friendly_name":
		f.name = v
	case "sub_account":
		f.subaccount = v
	case "status":
		f.status = strings.ToLower(v)
		if !slices.Contains([]string{"initialized", "active", "ended"}, f.status) {
			err = fmt.Errorf("status must be initialized, active or ended, not %q", clip(v))
		}
	case "termination_cause_code":
		if f.code, err = whole(0, 3000); err == nil && !slices.Contains([]int{1000, 1010, 2000, 3000}, f.code) {
			err = fmt.Errorf("termination_cause_code must be 1000, 1010, 2000 or 3000")
		}
	}
	return err
}

// match says whether an MPC is listed. Bounds on end_time do not touch live
// ones: they have none.
func (f *filter) match(x *mpc, st mpcState) bool {
	switch {
	case f.subaccount != "", // subaccounts are not modelled: nothing is theirs
		f.name != "" && x.name != f.name,
		f.status != "" && !strings.EqualFold(f.status, st.status),
		f.code != 0 && (st.status != ended || x.why.code != f.code):
		return false
	}
	for _, b := range f.bounds {
		t := x.created
		if b.end {
			if st.status != ended {
				continue
			}
			t = x.ending
		}
		var ok bool
		switch b.op {
		case "gt":
			ok = t.After(b.at)
		case "gte":
			ok = !t.Before(b.at)
		case "lt":
			ok = t.Before(b.at)
		case "lte":
			ok = !t.After(b.at)
		}
		if !ok {
			return false
		}
	}
	return true
}

func parseTime(v string) (t time.Time, err error) {
	for _, layout := range []string{"2006-01-02 15:04", "2006-01-02 15:04:05", "2006-01-02 15:04:05.999999"} {
		if t, err = time.Parse(layout, v); err == nil {
			return t, nil
		}
	}
	return t, err
}
