package console

import (
	"context"
	"net/http"
	"time"

	"github.com/mpc-coaching/coaching"
)

// A verb is one of the Flow's, as the API offers it: POST calls/{call}/path.
type verb struct {
	path, op string
	fields   []string // of the body; a required one ends in "!"
	result   result
	mode     func(args) coaching.CoachMode
	do       func(context.Context, *Console, coaching.CallID, args) (coaching.Supervision, any, error)
	summary  string
}

// A result is what a verb answers with.
type result uint8

const (
	resultNone        result = iota // 204
	resultSupervision               // the supervision
	resultReadBack                  // the supervision, where it can be read
	resultTicket
)

var verbs = []verb{
	{
		path: "add-supervisor", op: "AddSupervisor", fields: []string{"supervisor!", "mode", "ring_seconds", "no_wait"},
		result: resultSupervision, mode: args.asked,
		summary: "Ring a supervisor for an agent who asks for help",
		do: func(ctx context.Context, c *Console, id coaching.CallID, a args) (s coaching.Supervision, _ any, err error) {
			s, err = c.cfg.Flow.AddSupervisor(ctx, id, a.whom(), a.join())
			return s, nil, err
		},
	},
	{
		path: "barge", op: "Barge", fields: []string{"supervisor!", "mode", "ring_seconds", "no_wait"},
		result: resultSupervision, mode: args.asked,
		summary: "Ring a supervisor who comes by themselves, unheard by the customer",
		do: func(ctx context.Context, c *Console, id coaching.CallID, a args) (s coaching.Supervision, _ any, err error) {
			s, err = c.cfg.Flow.Barge(ctx, id, a.whom(), a.join())
			return s, nil, err
		},
	},
	{
		path: "take-over", op: "TakeOver", fields: []string{"supervisor!", "agent", "ring_seconds"},
		result: resultSupervision, mode: args.open,
		summary: "Let the customer hear a supervisor",
		do: func(ctx context.Context, c *Console, id coaching.CallID, a args) (s coaching.Supervision, _ any, err error) {
			s, err = c.cfg.Flow.TakeOver(ctx, id, a.whom(), &coaching.TakeOverOptions{Agent: a.part, RingTime: a.ring})
			return s, nil, err
		},
	},
	{
		path: "hand-back", op: "HandBack", fields: []string{"supervisor!", "to", "mode", "ring_seconds"},
		result: resultSupervision, mode: args.coach,
		summary: "Undo a take-over: the agents are audible first, then the supervisor is lowered",
		do: func(ctx context.Context, c *Console, id coaching.CallID, a args) (s coaching.Supervision, _ any, err error) {
			to, err := c.agents(ctx, a.agents)
			if err == nil {
				s, err = c.cfg.Flow.HandBack(ctx, id, a.supervisor, &coaching.HandBackOptions{To: to, RingTime: a.ring, Mode: a.mode})
			}
			return s, nil, err
		},
	},
	{
		path: "set-mode", op: "SetMode", fields: []string{"supervisor!", "mode!"},
		result: resultReadBack, mode: args.asked,
		summary: "Switch a supervisor between monitoring and coaching",
		do: func(ctx context.Context, c *Console, id coaching.CallID, a args) (s coaching.Supervision, _ any, err error) {
			err = c.cfg.Flow.SetMode(ctx, id, a.supervisor, a.mode)
			return c.readBack(ctx, id, a), nil, err
		},
	},
	{
		path: "leave", op: "Leave", fields: []string{"supervisor!"},
		summary: "Take a supervisor out of the call, or give up their ringing phone",
		do: func(ctx context.Context, c *Console, id coaching.CallID, a args) (s coaching.Supervision, _ any, err error) {
			if err = c.cfg.Flow.Leave(ctx, id, a.supervisor); err != nil {
				s = c.readBack(ctx, id, a)
			}
			return s, nil, err
		},
	},
	{
		path: "await", op: "Await", fields: []string{"supervisor!"}, result: resultSupervision,
		summary: "Wait for what is pending for a supervisor",
		do: func(ctx context.Context, c *Console, id coaching.CallID, a args) (s coaching.Supervision, _ any, err error) {
			s, err = c.cfg.Flow.Await(ctx, id, a.supervisor)
			return s, nil, err
		},
	},
	{
		path: "ticket", op: "Ticket", fields: []string{"supervisor!", "mode", "take_over", "agent", "ttl_seconds"},
		result: resultTicket, mode: args.dialled,
		summary: "Let a supervisor dial in by themselves, once",
		do: func(ctx context.Context, c *Console, id coaching.CallID, a args) (s coaching.Supervision, _ any, err error) {
			t, err := c.cfg.Flow.Ticket(ctx, id, a.whom(), &coaching.TicketOptions{Mode: a.mode, TakeOver: a.takeOver, Agent: a.part, TTL: a.ttl})
			name, value := t.Header()
			return s, ticketJSON{name, value, stamp(t.Expires)}, err
		},
	},
	{path: "hold", op: "Hold", fields: []string{"member!"}, do: onMember((*coaching.Flow).Hold), summary: "Let a participant hear hold music"},
	{path: "resume", op: "Resume", fields: []string{"member!"}, do: onMember((*coaching.Flow).Resume), summary: "Undo a hold"},
	{path: "mute", op: "Mute", fields: []string{"member!"}, do: onMember((*coaching.Flow).Mute), summary: "Silence a participant"},
	{path: "unmute", op: "Unmute", fields: []string{"member!"}, do: onMember((*coaching.Flow).Unmute), summary: "Undo a mute"},
	{path: "remove", op: "Remove", fields: []string{"member!"}, do: onMember((*coaching.Flow).Remove), summary: "Take a participant out of the call"},
	{
		path: "transfer", op: "Transfer", fields: []string{"agents!", "ring_seconds"},
		summary: "Ring other agents; the first one leaves when one of them is in",
		do: func(ctx context.Context, c *Console, id coaching.CallID, a args) (s coaching.Supervision, _ any, err error) {
			to, err := c.agents(ctx, a.agents)
			if err == nil {
				err = c.cfg.Flow.Transfer(ctx, id, coaching.Next{Ring: to, For: a.ring})
			}
			return s, nil, err
		},
	},
	{
		path: "end", op: "End", fields: []string{"farewell"},
		summary: "End the call for everybody",
		do: func(ctx context.Context, c *Console, id coaching.CallID, a args) (s coaching.Supervision, _ any, err error) {
			return s, nil, c.cfg.Flow.End(ctx, id, &coaching.EndOptions{Farewell: a.farewell})
		},
	},
}

func onMember(f func(*coaching.Flow, context.Context, coaching.CallID, coaching.MemberID) error) func(context.Context, *Console, coaching.CallID, args) (coaching.Supervision, any, error) {
	return func(ctx context.Context, c *Console, id coaching.CallID, a args) (coaching.Supervision, any, error) {
		return coaching.Supervision{}, nil, f(c.cfg.Flow, ctx, id, a.member)
	}
}

type supervisionAnswer struct {
	Supervision *supervisionJSON `json:"supervision,omitempty"`
}

type ticketJSON struct {
	Header  string `json:"header"`
	Value   string `json:"value"`
	Expires stamp  `json:"expires"`
}

// The modes that the Flow asks Authorize about.

func (a args) asked() coaching.CoachMode {
	if a.mode == 0 {
		return coaching.ModeCoach
	}
	return a.mode
}

func (a args) open() coaching.CoachMode { return coaching.ModeOpen }

func (a args) coach() coaching.CoachMode { return coaching.ModeCoach }

func (a args) dialled() coaching.CoachMode {
	if a.takeOver {
		return coaching.ModeOpen
	}
	return a.asked()
}

// asks is the question that the Flow puts to Authorize for this verb.
func (v *verb) asks(call coaching.Call, a args) coaching.AccessRequest {
	r := coaching.AccessRequest{Op: v.op, Call: call}
	if v.takes("supervisor") {
		r.Supervisor = a.supervisor
	}
	if v.mode != nil {
		r.Mode = v.mode(a)
	}
	return r
}

// post serves a verb.
func (v *verb) post(c *Console, w http.ResponseWriter, r *http.Request, who viewer) error {
	id, err := pathCall(r)
	if err != nil {
		return err
	}
	body, err := c.readBody(w, r)
	if err != nil {
		return err
	}
	key, err := keyOf(r)
	if err != nil {
		return err
	}
	a, err := v.parse(body)
	if err != nil {
		return err
	}
	lift(w) // ringing takes longer than a server's time-outs
	if key == "" {
		ans, _ := v.run(c, r, id, a)
		ans.write(w)
		return nil
	}
	ans, replayed, err := c.keys.once(r.Context(), who.actor, key, fingerprint(r, body), func() (answer, bool) { return v.run(c, r, id, a) })
	if err != nil {
		return err
	}
	if replayed {
		w.Header().Set("Idempotency-Replayed", "true")
	}
	ans.write(w)
	return nil
}

// run carries a verb out. It reports whether the answer is worth remembering:
// not if it says no more than that the asker has gone, or that nothing was done.
func (v *verb) run(c *Console, r *http.Request, id coaching.CallID, a args) (ans answer, keep bool) {
	defer func() {
		if p := recover(); p != nil {
			c.cfg.Logger.ErrorContext(r.Context(), "a verb panicked", "op", v.op, "panic", p)
			ans, keep = problem(internal, "").answer(), false
		}
	}()
	ctx := r.Context()
	if len(a.agents) > 0 { // whom Agent knows is told to nobody who may not ring them
		call, err := c.cfg.Flow.Call(coaching.AsHost(ctx), id)
		if err == nil {
			err = c.cfg.Flow.Authorize(ctx, v.asks(call, a))
		}
		if err != nil {
			return v.failed(c, r, err, coaching.Supervision{})
		}
	}
	s, body, err := v.do(ctx, c, id, a)
	if err != nil {
		return v.failed(c, r, err, s)
	}
	switch {
	case v.result == resultSupervision || v.result == resultReadBack && s.ID != "":
		j := renderSupervision(s)
		body = supervisionAnswer{&j}
	case v.result == resultReadBack:
		body = supervisionAnswer{}
	}
	return jsonAnswer(verbStatus(body), body), true
}

func verbStatus(body any) int {
	if body == nil {
		return http.StatusNoContent
	}
	return http.StatusOK
}

// failed is the answer to an error. Where it is not certain that nothing
// happened, it shows the supervision, whose Audible is the worst case.
func (v *verb) failed(c *Console, r *http.Request, err error, s coaching.Supervision) (answer, bool) {
	f, ok := err.(*failure)
	if !ok {
		f = c.failed(r, v.op, err)
	}
	f.op = v.op
	if s.ID != "" && (f.kind == notApplied || f.kind == unknown) {
		j := renderSupervision(s)
		f.supervision = &j
	}
	return f.answer(), f.kind != notRunning && f.kind != internal && r.Context().Err() == nil
}

// readBack is the supervision after a verb that does not return it; zero if it
// cannot be read.
func (c *Console) readBack(ctx context.Context, id coaching.CallID, a args) coaching.Supervision {
	ctx, cancel := context.WithTimeout(coaching.AsHost(context.WithoutCancel(ctx)), 5*time.Second)
	defer cancel()
	call, err := c.cfg.Flow.Call(ctx, id)
	if err != nil {
		return coaching.Supervision{}
	}
	s, _ := call.Supervision(a.supervisor)
	return s
}

func (c *Console) agents(ctx context.Context, ids []coaching.AgentID) ([]coaching.Agent, error) {
	var out []coaching.Agent
	for _, id := range ids {
		a, err := c.agent(ctx, id)
		if err != nil {
			return nil, err
		}
		out = append(out, a)
	}
	return out, nil
}

// lift takes a server's time-out for writing off a request whose answer takes as
// long as a phone rings. Where the writer cannot, the server's own holds. The one
// for reading ends with the body.
func lift(w http.ResponseWriter) {
	_ = http.NewResponseController(w).SetWriteDeadline(time.Time{})
}
