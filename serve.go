package coaching

import (
	"context"
	"errors"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// One function for each path that Plivo calls: parse, commit one change,
// answer.

func (f *Flow) serveEvent(ctx context.Context, cb *callback) reply {
	ev, err := ParseEvent(cb.form)
	if err != nil {
		return reply{status: http.StatusBadRequest, err: err}
	}
	switch ev.(type) {
	case ExitAction, LegStatus: // known by their fields; EventName is missing
		return reply{status: http.StatusBadRequest, err: errors.New("EventName is missing")}
	}
	n, name := newsOf(ev)
	id, err := f.ofCall(cb, name)
	if err != nil {
		return reply{status: http.StatusBadRequest, err: err}
	}
	if _, unknown := ev.(UnknownEvent); unknown {
		f.count(RecordUnknown, "event")
		return reply{status: http.StatusOK}
	}
	if id == "" || n.kind == newsOther {
		return reply{status: http.StatusOK}
	}
	n.guard = cb.guard
	_, err = f.commitFor(ctx, id, n, provisional{id, n}, commitTime)
	return settled(err)
}

func (f *Flow) serveLeg(ctx context.Context, cb *callback) reply {
	ls, err := ParseLeg(cb.form)
	if err != nil {
		return reply{status: http.StatusBadRequest, err: err}
	}
	id, err := f.ofCall(cb, "")
	if err != nil {
		return reply{status: http.StatusBadRequest, err: err}
	}
	if id == "" {
		return reply{status: http.StatusOK}
	}
	step, err := one(cb.query, "step")
	if err != nil {
		return reply{status: http.StatusBadRequest, err: err}
	}
	n := legNewsOf(ls)
	n.guard = cb.guard
	n.step, _ = strconv.Atoi(step)
	_, err = f.commit(ctx, id, n)
	return settled(err)
}

// serveAnswer lets a customer's call into its multiparty call. It gives the
// XML whether or not the call could be stored.
func (f *Flow) serveAnswer(ctx context.Context, cb *callback) reply {
	a := answered{guard: cb.guard}
	var err [3]error
	a.callUUID, err[0] = one(cb.form, "CallUUID")
	a.from, err[1] = one(cb.form, "From")
	a.to, err[2] = one(cb.form, "To")
	if e := errors.Join(err[:]...); e != nil {
		return reply{status: http.StatusBadRequest, err: e}
	}
	if !validUUID(a.callUUID) {
		return reply{status: http.StatusBadRequest, err: errors.New("CallUUID is missing or malformed")}
	}
	a.id = callIDOf(f.cfg.Prefix, a.callUUID)
	if !f.ours(a.id) { // or nothing that comes after would be taken for this call's
		return reply{status: http.StatusBadRequest, err: errors.New("CallUUID is malformed")}
	}
	a.from, a.to = truncate(utf8Text(a.from), 200), truncate(utf8Text(a.to), 200)
	a.headers, a.query = handedOver(cb)
	c, e := f.commitFor(ctx, a.id, answeredAgain{cb.guard}, a, answerTime)
	switch {
	case errors.Is(e, ErrSignature):
		return settled(e)
	case errors.Is(e, errUnchanged), errors.Is(e, errRepeat):
		e = nil
	case e != nil:
		f.cfg.Logger.ErrorContext(ctx, "answering without the store", "call", a.id, "err", e)
	}
	var doc Document
	if e == nil && c.State == StateEnded {
		doc, e = farewell(ExitUnknown)
	} else {
		doc, e = f.customerXML(a.id)
	}
	if e != nil {
		return reply{status: http.StatusInternalServerError, err: e}
	}
	return reply{status: http.StatusOK, doc: doc}
}

// utf8Text replaces what is not UTF-8, so that every Store gives back what it was
// given: documents hold nothing else.
func utf8Text(s string) string { return strings.ToValidUTF8(s, "\uFFFD") }

// handedOver collects what came with a customer's call: X-PH- headers and the
// query of the answer URL, at most 4 KiB.
func handedOver(cb *callback) (headers map[string]string, query map[string][]string) {
	room := 4 << 10
	for _, k := range slices.Sorted(maps.Keys(cb.form)) {
		v := cb.form[k]
		if name, ok := strings.CutPrefix(k, "X-PH-"); ok && name != "" && len(v) == 1 {
			name, value := utf8Text(name), utf8Text(v[0])
			if room -= len(name) + len(value); room < 0 {
				break
			}
			if headers == nil {
				headers = map[string]string{}
			}
			headers[name] = value
		}
	}
	if len(cb.query) > 0 {
		query = map[string][]string{}
		for _, k := range slices.Sorted(maps.Keys(cb.query)) {
			for _, s := range cb.query[k] {
				k, s := utf8Text(k), utf8Text(s)
				if room -= len(k) + len(s); room < 0 {
					return headers, query
				}
				query[k] = append(query[k], s)
			}
		}
	}
	return headers, query
}

// serveSupervisor lets a supervisor with a ticket into a call. Every refusal
// sounds the same.
func (f *Flow) serveSupervisor(ctx context.Context, cb *callback) reply {
	refuse := func(err error) reply {
		doc, derr := refusal()
		if derr != nil {
			return reply{status: http.StatusInternalServerError, err: derr}
		}
		return reply{status: http.StatusOK, doc: doc, err: err}
	}
	call, err := one(cb.form, "CallUUID")
	if err != nil || !validUUID(call) {
		return reply{status: http.StatusBadRequest, err: errors.New("CallUUID is missing, repeated or malformed")}
	}
	value, err := one(cb.form, "X-PH-Ticket")
	if err != nil {
		return reply{status: http.StatusBadRequest, err: err}
	}
	id, hash, ok := splitTicket(value)
	if !ok || !f.ours(id) {
		return refuse(errors.New("no ticket"))
	}
	get, cancel := context.WithTimeout(ctx, answerTime)
	defer cancel()
	c, err := f.cfg.Store.Get(get, id)
	if err != nil {
		return refuse(err)
	}
	for _, t := range c.work.Tickets {
		if t.Hash == hash && t.CallUUID == "" {
			r := AccessRequest{Op: "Redeem", Call: c, Supervisor: t.Sup.ID, Mode: t.Mode}
			if t.TakeOver {
				r.Mode = ModeOpen
			}
			ask, cancel := context.WithTimeout(WithActor(ctx, t.Actor), redeemTime)
			defer cancel()
			if err := f.authorize(ask, r); err != nil {
				return refuse(err)
			}
		}
	}
	var used ticket
	if _, err := f.commit(ctx, id, redeem{guard: cb.guard, hash: hash, call: call, used: &used}); errors.Is(err, ErrSignature) {
		return settled(err)
	} else if err != nil && !errors.Is(err, errUnchanged) {
		return refuse(err)
	}
	doc, err := f.supervisorXML(id, used.Mode)
	if err != nil {
		return reply{status: http.StatusInternalServerError, err: err}
	}
	return reply{status: http.StatusOK, doc: doc}
}

// serveExit says what a customer hears after the multiparty call.
func (f *Flow) serveExit(ctx context.Context, cb *callback) reply {
	ex, err := ParseExit(cb.form)
	if err != nil {
		return reply{status: http.StatusBadRequest, err: err}
	}
	id, err := f.ofCall(cb, "")
	if err != nil {
		return reply{status: http.StatusBadRequest, err: err}
	}
	get, cancel := context.WithTimeout(ctx, answerTime)
	defer cancel()
	c, err := f.cfg.Store.Get(get, id)
	if err != nil {
		c = Call{ID: id, EndReason: ExitUnknown}
	}
	for _, s := range c.work.Seen {
		if s.Body == cb.guard.Body && s.Reply != "" {
			return reply{status: http.StatusOK, doc: Document{body: s.Reply}}
		}
	}
	doc, derr := f.exitDocument(ctx, c)
	if derr != nil {
		return reply{status: http.StatusInternalServerError, err: derr}
	}
	if err == nil {
		cb.guard.Reply = doc.String()
		if len(cb.guard.Reply) > 4<<10 {
			cb.guard.Reply = ""
		}
		n := news{guard: cb.guard, kind: newsExited, mpc: ex.MPCUUID, member: ex.MemberID}
		bound, cancel := context.WithTimeout(ctx, answerTime)
		defer cancel()
		if _, err := f.commit(bound, id, n); errors.Is(err, ErrSignature) {
			return settled(err)
		}
	}
	return reply{status: http.StatusOK, doc: doc}
}

func (f *Flow) exitDocument(ctx context.Context, c Call) (Document, error) {
	why := c.EndReason
	if why == 0 {
		why = ExitUnknown
	}
	if f.cfg.Exit != nil {
		ctx, cancel := context.WithTimeout(ctx, exitTime) // the caller hears nothing meanwhile
		defer cancel()
		doc, err := guardHost(ctx, f, "Exit", func(ctx context.Context) (Document, error) { return f.cfg.Exit(ctx, c, why) })
		if err == nil && !doc.IsZero() {
			return doc, nil
		}
		if err != nil {
			f.cfg.Logger.ErrorContext(ctx, "Exit failed", "call", c.ID, "err", err)
		}
	}
	return farewell(why)
}

// serveMusic wraps an audio file into the XML that Plivo wants (R12).
func (f *Flow) serveMusic(_ context.Context, cb *callback) reply {
	kind, err := one(cb.query, "kind")
	if err != nil {
		return reply{status: http.StatusBadRequest, err: err}
	}
	source := ""
	switch kind {
	case "wait":
		source = f.cfg.WaitMusic
	case "hold":
		source = f.cfg.HoldMusic
	}
	if source == "" {
		return reply{status: http.StatusNotFound}
	}
	doc, err := NewDocument(Play{URL: source})
	if err != nil {
		return reply{status: http.StatusInternalServerError, err: err}
	}
	return reply{status: http.StatusOK, doc: doc}
}

func (f *Flow) serveRecording(ctx context.Context, cb *callback) reply {
	ev, err := ParseEvent(cb.form)
	if err != nil {
		return reply{status: http.StatusBadRequest, err: err}
	}
	id, err := f.ofCall(cb, "")
	if err != nil {
		return reply{status: http.StatusBadRequest, err: err}
	}
	if id == "" || f.cfg.Observer == nil {
		return reply{status: http.StatusOK}
	}
	_, err = f.commit(ctx, id, recorded{guard: cb.guard, what: ev.Common().EventName})
	return settled(err)
}

// recorded is a recording callback on its way to the Observer.
type recorded struct {
	guard repeat
	what  string
}

func (r recorded) on(m *machine, c *Call, now time.Time) error {
	if err := c.guarded(r.guard); err != nil {
		return err
	}
	m.record(c, Record{Kind: RecordRecording, At: now, Detail: r.what})
	return nil
}
