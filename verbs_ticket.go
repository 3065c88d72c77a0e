package coaching

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"time"
)

// TicketOptions are the extras of [Flow.Ticket]; nil is the zero value.
type TicketOptions struct {
	// Mode is ModeMonitor or ModeCoach; zero: ModeCoach.
	Mode CoachMode
	// TakeOver takes over as soon as the supervisor is in; Agent is as in
	// [TakeOverOptions].
	TakeOver bool
	Agent    AgentPart
	// TTL is how long the ticket may be used, from 1 s to 10 min; 0: 60 s.
	TTL time.Duration
}

// A Ticket lets one supervisor into one call once, by dialling in: their phone
// calls the number or application whose answer URL is /supervisor, with the
// header X-PH-Ticket.
type Ticket struct {
	Value   Secret // of the header; 128 random bits stand in it, and only their hash is stored
	Expires time.Time
}

// Header returns the SIP header that carries the ticket: the name, to which
// Plivo's SDKs add "X-PH-", and the value in the clear.
func (t Ticket) Header() (name, value string) { return "Ticket", string(t.Value) }

// Ticket lets a supervisor dial in by themselves. Authorize is asked now and
// when the ticket is used. [ErrConflict]: the supervisor is in the call or rung
// already, or the call is full or not there yet. It needs no Run.
func (f *Flow) Ticket(ctx context.Context, id CallID, sup Supervisor, o *TicketOptions) (Ticket, error) {
	if o == nil {
		o = &TicketOptions{}
	}
	mode, ttl := o.Mode, o.TTL
	if mode == 0 {
		mode = ModeCoach
	}
	if ttl == 0 {
		ttl = time.Minute
	}
	switch {
	case mode != ModeMonitor && mode != ModeCoach:
		return Ticket{}, wrap("Ticket", invalid("a supervisor joins in ModeMonitor or ModeCoach"))
	case ttl < time.Second || ttl > 10*time.Minute:
		return Ticket{}, wrap("Ticket", invalid("TTL must be from 1 s to 10 min"))
	case o.Agent > AgentRemove:
		return Ticket{}, wrap("Ticket", invalid("Agent is undeclared"))
	}
	if err := sup.check(false); err != nil {
		return Ticket{}, wrap("Ticket", err)
	}
	asked := mode
	if o.TakeOver {
		asked = ModeOpen
	}
	if _, err := f.checked(ctx, "Ticket", id, sup.ID, asked); err != nil {
		return Ticket{}, wrap("Ticket", err)
	}
	var bits [16]byte
	if err := f.secret(bits[:]); err != nil {
		return Ticket{}, wrap("Ticket", err)
	}
	value := string(id) + hex.EncodeToString(bits[:])
	_, hash, ok := splitTicket(value)
	if !ok {
		return Ticket{}, wrap("Ticket", fmt.Errorf("a ticket of our own is malformed"))
	}
	t := ticket{Hash: hash, Sup: sup, Mode: mode, TakeOver: o.TakeOver, Agent: o.Agent, Actor: actorOf(ctx), Expires: time.Now().Add(ttl)}
	if _, err := f.commit(ctx, id, issue{t}); err != nil {
		return Ticket{}, wrap("Ticket", err)
	}
	return Ticket{Value: Secret(value), Expires: t.Expires}, nil
}

// splitTicket takes a ticket's value apart: the call, and the hash under which
// the call knows it.
func splitTicket(value string) (CallID, string, bool) {
	const bits = 32
	if len(value) <= bits || len(value) > 96 {
		return "", "", false
	}
	id, secret := CallID(value[:len(value)-bits]), value[len(value)-bits:]
	if !validCallID(id) || !all(secret, bits, bits, isHex) {
		return "", "", false
	}
	sum := sha256.Sum256([]byte(secret))
	return id, hex.EncodeToString(sum[:]), true
}
