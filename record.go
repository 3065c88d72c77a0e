package coaching

import (
	"context"
	"slices"
	"time"
)

// A Record is one line of the audit: what happened to a call, and who asked.
type Record struct {
	Seq        uint64       `json:"seq"`            // rises by one within a call; 0 for records about the Flow itself
	Call       CallID       `json:"call,omitempty"` // empty in Call.History
	Kind       RecordKind   `json:"kind"`
	At         time.Time    `json:"at"`
	Actor      Actor        `json:"actor,omitzero"`
	Supervisor SupervisorID `json:"supervisor,omitempty"`
	Agent      AgentID      `json:"agent,omitempty"`
	Member     MemberID     `json:"member,omitempty"`
	Mode       CoachMode    `json:"mode,omitzero"`
	Detail     string       `json:"detail,omitempty"`
	Count      int          `json:"count,omitempty"` // of counters
}

// RecordKind names what a [Record] is about. Later versions may add kinds.
type RecordKind string

const (
	RecordAnswered RecordKind = "answered" // a customer's call
	RecordRinging  RecordKind = "ringing"  // an attempt began
	RecordReached  RecordKind = "reached"  // an agent is confirmed audible
	RecordLost     RecordKind = "lost"     // nobody is with the customer any more
	RecordJoined   RecordKind = "joined"   // an agent or a supervisor
	RecordLeft     RecordKind = "left"     // anybody; a supervisor who never came too
	RecordAsked    RecordKind = "asked"    // a supervisor was asked for
	RecordTicket   RecordKind = "ticket"   // a ticket was given out
	RecordRaised   RecordKind = "raised"   // a supervisor is confirmed audible to the customer
	RecordLowered  RecordKind = "lowered"  // a hand back began to lower
	RecordDone     RecordKind = "done"     // a verb took effect; Detail names it, such as "take over" or "resume"
	RecordFailed   RecordKind = "failed"   // a verb did not; Detail says why
	RecordAdopted  RecordKind = "adopted"  // a sweep found a live call that the store did not have
	RecordEnding   RecordKind = "ending"   // the end was decided; Detail is the ExitReason
	RecordEnded    RecordKind = "ended"

	RecordRefused   RecordKind = "refused"   // counter: a callback with a bad signature or form
	RecordUnknown   RecordKind = "unknown"   // counter: an event this version does not know
	RecordPanic     RecordKind = "panic"     // counter: host code panicked; Detail names the hook
	RecordInterval  RecordKind = "interval"  // the watch interval was stretched; Detail is the new one
	RecordRecording RecordKind = "recording" // a recording callback; Detail is its event
)

// An Observer is told what happens. Records of one call come in order, each at
// least once, from [Flow.Run] or (counters) from a handler; calls may come
// from several goroutines. It may be slow: no call waits for it. A panic is
// recovered and counted.
type Observer interface {
	Observe(context.Context, Record)
}

// historyLength is how many records a Call keeps for those who look at it.
const historyLength = 32

// record notes what happened: in the Call's history for who looks at the call,
// and for the Observer if there is one.
func (m *machine) record(c *Call, r Record) {
	c.work.OutNext++
	r.Seq = c.work.OutNext
	if over := len(c.History) + 1 - historyLength; over > 0 {
		c.History = slices.Delete(c.History, 0, over)
	}
	c.History = append(c.History, r)
	if m.records {
		r.Call = c.ID
		c.work.Out = append(c.work.Out, r)
	}
}

// drained forgets records that the Observer has seen.
func (c *Call) drained(upTo uint64) {
	c.work.Out = slices.DeleteFunc(c.work.Out, func(r Record) bool { return r.Seq <= upTo })
	if len(c.work.Out) == 0 {
		c.work.Out = nil
	}
}

// drains plans the draining of records that wait.
func (m *machine) drains(c *Call) {
	if len(c.work.Out) > 0 && !c.hasStep(stepDrain, nil) {
		c.addStep(step{Kind: stepDrain})
	}
}
