package plivotest

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// dialParameters are those only the request has.
var dialParameters = []parameter{
	{rest: "from", kind: text},
	{rest: "to", kind: text},
	{rest: "call_uuid", kind: text},
	{rest: "caller_name", kind: text, hi: 50},
	{rest: "call_status_callback_url", kind: webURL},
	{rest: "call_status_callback_method", kind: verb},
	{rest: "sip_headers", kind: text},
	{rest: "confirm_key", kind: text},
	{rest: "confirm_key_sound_url", kind: webURL},
	{rest: "confirm_key_sound_method", kind: verb},
	{rest: "dial_music", kind: text},
	{rest: "ring_timeout", kind: text},
	{rest: "delay_dial", kind: text},
	{rest: "create_mpc_with_single_participant"},
	{rest: "send_digits", kind: text},
	{rest: "send_on_preanswer"},
	{rest: "agent_hold_music", kind: text, sdkOnly: true},
	{rest: "customer_hold_music", kind: text, sdkOnly: true},
}

// maxDestinations is the most phones one request may ring; SDKs check it.
const maxDestinations = 20

// addRequest is a checked add-participant request.
type addRequest struct {
	joining  *joining
	from     string
	to       []string
	callUUID string
	ring     []int
	delay    []int
	extra    map[string]string
}

func (s *Server) addParticipant(c *apiCall) reply {
	req, err := s.readAdd(c.Body)
	if err != nil {
		return s.fail(http.StatusBadRequest, "%v", err)
	}
	name, byName := strings.CutPrefix(c.MPC, "name_")
	x, _ := s.findMPC(c.MPC, time.Now())
	switch {
	case byName:
		name = strings.TrimSpace(name)
		if err := s.checkName(name); err != nil {
			return s.fail(http.StatusBadRequest, "%v", err)
		}
		x = s.liveMPC(name)
	case x == nil || !x.live():
		return s.fail(http.StatusNotFound, "not found")
	default:
		name = x.name
	}
	if x != nil && s.full(x) && !s.opts.Switches.FullRESTDials {
		return s.fail(http.StatusBadRequest, "the multiparty call already has %d participants", x.set.maxParticipants)
	}
	if req.callUUID != "" {
		return s.transfer(req, name, x)
	}
	return s.dialOut(req, name, x)
}

// readAdd checks an add-participant body. It names the first thing wrong.
func (s *Server) readAdd(body map[string]any) (*addRequest, error) {
	j := newJoining()
	req := &addRequest{joining: &j, extra: map[string]string{}}
	for _, name := range sortedKeys(body) {
		raw, present, err := rawValue(body[name])
		if err != nil {
			return nil, fmt.Errorf("%s %w", name, err)
		}
		if !present {
			continue
		}
		if p, ok := byRestName(parameters, name); ok {
			v, err := p.check(raw)
			if err != nil {
				return nil, fmt.Errorf("%s %w", name, err)
			}
			p.set(&j, v)
			if p.mpcLevel && p.xml != "" {
				j.given[p.xml] = v.s
			}
			continue
		}
		p, ok := byRestName(dialParameters, name)
		if !ok {
			s.warn("add participant: parameter %s ignored", clip(name))
			continue
		}
		v, err := p.check(raw)
		if err != nil {
			return nil, fmt.Errorf("%s %w", name, err)
		}
		req.extra[name] = v.s
	}
	if j.mpc.status.method == "" && s.opts.Switches.StatusCallbackGET {
		j.mpc.status.method = "GET"
	}
	req.from, req.callUUID = req.extra["from"], req.extra["call_uuid"]
	if to := req.extra["to"]; to != "" {
		req.to = strings.Split(to, "<")
	}
	return req, req.cross()
}

// cross checks what parameters say about each other.
func (r *addRequest) cross() error {
	switch {
	case r.joining.role == "":
		return errors.New("role is required")
	case r.callUUID != "" && (r.from != "" || len(r.to) > 0):
		return errors.New("call_uuid excludes from and to")
	case r.callUUID == "" && (r.from == "" || len(r.to) == 0):
		return errors.New("either call_uuid or both from and to are required")
	case len(r.to) > 1 && r.joining.role != agent:
		return errors.New("several destinations are for role Agent only")
	case len(r.to) > maxDestinations:
		return fmt.Errorf("at most %d destinations", maxDestinations)
	case slices.ContainsFunc(r.to, func(t string) bool { return !dialable(t) }):
		return errors.New("to has a destination that is neither a number nor a sip: URI")
	}
	if k := r.extra["confirm_key"]; k != "" && (len(k) != 1 || !strings.Contains("0123456789#*", k)) {
		return errors.New("confirm_key must be one of 0 to 9, # and *")
	}
	if m := r.extra["dial_music"]; m != "" && !strings.EqualFold(m, "real") && !strings.EqualFold(m, "none") && !isWebURL(m) {
		return errors.New("dial_music must be Real, None or a URL")
	}
	var err error
	if r.ring, err = r.seconds("ring_timeout", 45, 1); err != nil {
		return err
	}
	r.delay, err = r.seconds("delay_dial", 0, 0)
	return err
}

// seconds reads one number for all destinations, or a list with one for each.
func (r *addRequest) seconds(name string, def, least int) ([]int, error) {
	n := max(1, len(r.to))
	out := slices.Repeat([]int{def}, n)
	raw := r.extra[name]
	if raw == "" {
		return out, nil
	}
	list := strings.Split(raw, "<")
	if len(list) > n {
		return nil, fmt.Errorf("%s has more entries than to", name)
	}
	for i, e := range list {
		v, err := strconv.Atoi(strings.TrimSpace(e))
		if err != nil || v < least {
			return nil, fmt.Errorf("%s must be whole seconds, not %q", name, clip(e))
		}
		out[i] = v
		if len(list) == 1 {
			out = slices.Repeat([]int{v}, n)
		}
	}
	return out, nil
}

var number164 = regexp.MustCompile(`^\+?[0-9]{3,20}$`)

func dialable(address string) bool {
	address = strings.TrimSpace(address)
	return number164.MatchString(address) || isSIP(address) && strings.Contains(address, "@")
}

// checkName refuses what cannot name an MPC.
func (s *Server) checkName(name string) error {
	switch {
	case name == "":
		return errors.New("the name is empty")
	case len([]rune(name)) > maxName:
		return fmt.Errorf("the name is longer than %d", maxName)
	case s.opts.Switches.StrictNames && strings.ContainsFunc(name, func(r rune) bool {
		return !strings.ContainsRune("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.-", r)
	}):
		return errors.New("the name has characters outside [A-Za-z0-9_.-]")
	}
	return nil
}

// dialOut rings the destinations.
func (s *Server) dialOut(req *addRequest, name string, x *mpc) reply {
	e := req.extra
	d := &dial{name: name, mpc: x, joining: req.joining, callerName: e["caller_name"], confirmKey: e["confirm_key"],
		status:  hook{e["call_status_callback_url"], e["call_status_callback_method"]},
		confirm: hook{e["confirm_key_sound_url"], pick(e["confirm_key_sound_method"] != "", e["confirm_key_sound_method"], "GET")},
		music:   pick(e["dial_music"] != "", e["dial_music"], "Real")}
	from := normal(req.from)
	if d.callerName == "" {
		d.callerName = from
	}
	headers := s.keepHeaders(parseHeaders(e["sip_headers"]))
	calls := []any{}
	for i, to := range req.to {
		to = normal(to)
		p := s.phones[to]
		if p == nil {
			p = &Phone{s: s, address: to}
		}
		l := s.newLeg(p, from, to, "outbound")
		l.dial, l.headers = d, headers
		l.ringTimeout = time.Duration(req.ring[i]) * time.Second
		l.delay = time.Duration(req.delay[i]) * time.Second
		d.legs = append(d.legs, l)
		calls = append(calls, map[string]any{"to": to, "from": from, "call_uuid": l.uuid})
	}
	d.uuid = d.legs[0].uuid // one destination: seen in SDK fixtures
	if len(d.legs) > 1 {
		d.uuid = s.newUUID(idRequest)
	}
	s.dials = append(s.dials, d)
	if d.mpc == nil && !s.opts.Switches.CreateAtJoin {
		d.mpc = s.newMPC(name, req.joining, d.legs[0])
	}
	if d.mpc != nil {
		d.mpc.dials++
		s.addEvent(d.mpc, d, "AddParticipantByAPIActionInitiated", "")
	}
	for _, l := range d.legs {
		s.enqueue(l)
	}
	return s.good(http.StatusCreated, map[string]any{
		"calls": calls, "message": "add participant action initiated", "request_uuid": d.uuid})
}

// transfer moves an existing call in. The shape of its answer is inferred.
func (s *Server) transfer(req *addRequest, name string, x *mpc) reply {
	l := s.calls[req.callUUID]
	if l == nil || l.state != InProgress || s.confirming(l) {
		return s.fail(http.StatusNotFound, "call not found")
	}
	if l.member != nil {
		if l.member.mpc == x {
			return s.fail(http.StatusBadRequest, "the call is in this multiparty call already")
		}
		s.leave(l.member, exitTransferred)
		if x != nil && !x.live() {
			x = nil
		}
	}
	l.run.stop()
	s.hush(l)
	if x == nil {
		x = s.newMPC(name, req.joining, l)
	}
	s.settle(x, req.joining)
	s.join(l, x, req.joining, true)
	fields := map[string]any{"message": "add participant action initiated", "request_uuid": l.uuid}
	if !s.opts.Switches.TransferWithoutCalls {
		fields["calls"] = []any{map[string]any{"to": l.to, "from": l.from, "call_uuid": l.uuid}}
	}
	return s.good(http.StatusCreated, fields)
}

func (s *Server) addForm(d *dial) url.Values {
	f := url.Values{}
	l := d.legs[0]
	if d.won != nil {
		l = d.won
	}
	s.legKeys(f, l)
	f.Set("ParticipantRole", s.roleText(d.joining.role))
	if l.member != nil {
		f.Set("MemberID", l.member.id)
	}
	if s.opts.Switches.Sparse {
		f = url.Values{"ParticipantRole": f["ParticipantRole"]}
	}
	return f
}

func byRestName(list []parameter, name string) (parameter, bool) {
	i := slices.IndexFunc(list, func(p parameter) bool { return p.rest != "" && p.rest == name })
	if i < 0 {
		return parameter{}, false
	}
	return list[i], true
}

// rawValue turns a JSON value into the text that parameters check. null and
// "" count as absent.
func rawValue(v any) (string, bool, error) {
	switch v := v.(type) {
	case nil:
		return "", false, nil
	case string:
		return v, v != "", nil
	case bool:
		return strconv.FormatBool(v), true, nil
	case json.Number:
		return v.String(), true, nil
	}
	return "", false, errors.New("must be a string, a number or a boolean")
}

func sortedKeys(m map[string]any) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}
