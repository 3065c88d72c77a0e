package coaching

import (
	"context"
	"iter"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// An MPCStatus is the state of a multiparty call, in lower case. One that this
// version does not know is kept as the provider spells it, lower-cased.
type MPCStatus string

const (
	MPCStatusInitialized MPCStatus = "initialized" // those inside hear wait music
	MPCStatusActive      MPCStatus = "active"      // those inside hear each other
	MPCStatusEnded       MPCStatus = "ended"
)

// An MPC is a multiparty call as [Client.MPC] and [Client.ListMPCs] return it.
// What the provider says null to, omits or garbles is the zero value or nil.
type MPC struct {
	APIID            string // of the request; empty in a list
	UUID             string // never empty
	FriendlyName     string
	Status           MPCStatus
	Recording        string // "recording", "not-recording", "paused"; empty once ended
	StayAlone        *bool
	SubAccount       string         // its path; empty for the main account
	Created          time.Time      // UTC
	Started          time.Time      // UTC; zero if it never became active
	Ended            time.Time      // UTC; zero while live
	Duration         *time.Duration // nil while live
	BilledDuration   *time.Duration // nil while live
	BilledAmount     string         // a decimal number as received; empty while live
	TerminationCause string         // empty while live
	TerminationCode  int            // 1000, 1010, 2000, 3000; 0 while live or unknown
	MaxDuration      *time.Duration // documented, rarely sent
	MaxParticipants  int            // documented, rarely sent
}

// MPCTimes bounds a time from either side. A zero bound is none; a bound is
// sent in UTC, to the microsecond.
type MPCTimes struct {
	After     time.Time // later than
	NotBefore time.Time // at or later than
	Before    time.Time // earlier than
	NotAfter  time.Time // at or earlier than
}

// An MPCFilter selects multiparty calls. Without Ended bounds Plivo looks back
// seven days; with one of them over 30 days at most.
type MPCFilter struct {
	FriendlyName    string
	Status          MPCStatus // empty: any
	SubAccount      string    // a subaccount's id
	TerminationCode int       // 0: any
	Created, Ended  MPCTimes
	Limit           int // of a page, 1 to 20; 0: 20
	Offset          int // of the first
}

// An MPCPage is one page of a list.
type MPCPage struct {
	APIID  string
	MPCs   []MPC
	Total  int // in all pages; -1 if the provider does not say
	Limit  int // in force, which may not be the one asked for
	Offset int
}

// MPC reads a multiparty call. By name it finds live ones only.
func (c *Client) MPC(ctx context.Context, mpc MPCRef) (MPC, error) {
	call := newMPCCall("MPC", http.MethodGet, mpc)
	obj, err := c.fetch(ctx, call)
	if err != nil {
		return MPC{}, err
	}
	m := newMPC(obj)
	if m.UUID == "" {
		return MPC{}, obj.missing(call.op, "mpc_uuid")
	}
	return m, nil
}

// ListMPCs reads one page of multiparty calls. A nil filter selects all.
func (c *Client) ListMPCs(ctx context.Context, filter *MPCFilter) (MPCPage, error) {
	call := newClientCall("ListMPCs", http.MethodGet, "MultiPartyCall")
	if filter == nil {
		filter = &MPCFilter{}
	}
	call.filter(filter)
	obj, err := c.fetch(ctx, call)
	if err != nil {
		return MPCPage{}, err
	}
	objs, ok := obj.objects("objects")
	if !ok {
		return MPCPage{}, obj.missing(call.op, "list of objects")
	}
	meta := obj.object("meta")
	page := MPCPage{
		APIID:  obj.text("api_id"),
		MPCs:   make([]MPC, len(objs)),
		Total:  meta.integer(-1, "count", "total_count"),
		Limit:  meta.integer(filter.pageSize(), "limit"),
		Offset: meta.integer(filter.Offset, "offset"),
	}
	for i, o := range objs {
		if page.MPCs[i] = newMPC(o); page.MPCs[i].UUID == "" {
			return MPCPage{}, obj.missing(call.op, "mpc_uuid in an object")
		}
	}
	return page, nil
}

// MPCs reads all multiparty calls that filter selects, page by page, each of
// which is a request like [Client.ListMPCs]. It yields each call once, and
// after an error no more. The list moves while it is read: a call that starts
// or stops to match meanwhile may hide another, so this finds what is there
// for good, but does not prove what is not.
//
// Limit is the size of the pages, not of the result; Offset is where to begin.
func (c *Client) MPCs(ctx context.Context, filter *MPCFilter) iter.Seq2[MPC, error] {
	var start MPCFilter
	if filter != nil {
		start = *filter
	}
	return func(yield func(MPC, error) bool) {
		f := start
		f.Limit = f.pageSize()
		seen := map[string]bool{}
		for {
			page, err := c.ListMPCs(ctx, &f)
			if err != nil {
				yield(MPC{}, err)
				return
			}
			fresh := false
			for _, m := range page.MPCs {
				if seen[m.UUID] {
					continue
				}
				fresh, seen[m.UUID] = true, true
				if !yield(m, nil) {
					return
				}
			}
			// A page that is not full is the last, one without news shows that
			// the provider ignores offsets. The answer's count and next are
			// not needed, and next not trusted.
			if !fresh || page.Limit > 0 && len(page.MPCs) < min(page.Limit, f.Limit) {
				return
			}
			f.Offset += len(page.MPCs)
		}
	}
}

// ActivateMPC starts an initialized multiparty call, as the first participant
// with StartMPCOnEnter does. Plivo answers 404 if it is active already.
func (c *Client) ActivateMPC(ctx context.Context, mpc MPCRef) error {
	call := newMPCCall("ActivateMPC", http.MethodPost, mpc)
	call.set("status", string(MPCStatusActive))
	return c.exec(ctx, call)
}

// EndMPC ends a multiparty call for all its participants. Each leg goes on at
// its exit action, or at the next XML element, or is hung up.
func (c *Client) EndMPC(ctx context.Context, mpc MPCRef) error {
	return c.exec(ctx, newMPCCall("EndMPC", http.MethodDelete, mpc))
}

func newMPC(o clientObject) MPC {
	return MPC{
		APIID:            o.text("api_id"),
		UUID:             o.text("mpc_uuid"),
		FriendlyName:     o.text("friendly_name"),
		Status:           MPCStatus(strings.ToLower(o.text("status"))),
		Recording:        strings.ToLower(o.text("recording")),
		StayAlone:        o.flag("stay_alone"),
		SubAccount:       o.text("sub_account"),
		Created:          o.moment("creation_time"),
		Started:          o.moment("start_time"),
		Ended:            o.moment("end_time"),
		Duration:         o.seconds("duration"),
		BilledDuration:   o.seconds("billed_duration"),
		BilledAmount:     o.text("billed_amount"),
		TerminationCause: o.text("termination_cause"),
		TerminationCode:  o.integer(0, "termination_cause_code"),
		MaxDuration:      o.seconds("max_duration"),
		MaxParticipants:  o.integer(0, "max_participants"),
	}
}

const clientMaxPage = 20

func (f *MPCFilter) pageSize() int {
	if f.Limit == 0 {
		return clientMaxPage
	}
	return f.Limit
}

func (c *clientCall) filter(f *MPCFilter) {
	c.check(clientCleanText(f.FriendlyName, 255), "FriendlyName has more than 255 characters, or control characters")
	c.arg("friendly_name", f.FriendlyName)
	switch f.Status {
	case "", MPCStatusInitialized, MPCStatusActive, MPCStatusEnded:
	default:
		c.check(false, "Status is not one of initialized, active, ended")
	}
	c.arg("status", string(f.Status))
	c.check(all(f.SubAccount, 0, 64, isAlnum), "SubAccount is malformed")
	c.arg("sub_account", f.SubAccount)
	c.check(f.TerminationCode >= 0, "TerminationCode is negative")
	c.argInt("termination_cause_code", f.TerminationCode)
	c.times("creation_time", f.Created)
	c.times("end_time", f.Ended)
	c.check(0 <= f.Limit && f.Limit <= clientMaxPage, "Limit is not within 1 to %d", clientMaxPage)
	c.argInt("limit", f.Limit)
	c.check(f.Offset >= 0, "Offset is negative")
	c.argInt("offset", f.Offset)
}

func (c *clientCall) argInt(key string, v int) {
	if v != 0 {
		c.arg(key, strconv.Itoa(v))
	}
}

func (c *clientCall) times(key string, t MPCTimes) {
	for _, bound := range [...]struct {
		suffix string
		at     time.Time
	}{{"__gt", t.After}, {"__gte", t.NotBefore}, {"__lt", t.Before}, {"__lte", t.NotAfter}} {
		if bound.at.IsZero() {
			continue
		}
		layout := "2006-01-02 15:04:05"
		if bound.at.Nanosecond() >= int(time.Microsecond) {
			layout += ".000000"
		}
		c.arg(key+bound.suffix, bound.at.UTC().Format(layout))
	}
}
