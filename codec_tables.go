package coaching

import (
	"math"
	"time"
)

// What stands in a document, in the order of writing. A key is never given
// another meaning, and none is used again after its field has gone; the files
// in testdata/call hold what earlier versions wrote.

var callDoc = shape[Call]{more: func(c *Call) *string { return &c.more }, list: []field[Call]{
	{"v", func(w *docWriter, key string, _ *Call) { w.key(key); w.int(Schema) }, func(r *docReader, _ *Call) { r.raw() }},
	textAt("id", func(c *Call) *CallID { return &c.ID }),
	enumAt("st", StateEnded, func(c *Call) *CallState { return &c.State }),
	textAt("mpc", func(c *Call) *string { return &c.MPC }),
	textAt("cu", func(c *Call) *string { return &c.CallUUID }),
	textAt("fr", func(c *Call) *string { return &c.From }),
	textAt("to", func(c *Call) *string { return &c.To }),
	mapAt("h", func(c *Call) *map[string]string { return &c.Headers }, (*docWriter).text, (*docReader).string),
	mapAt("q", func(c *Call) *map[string][]string { return &c.Query }, writeTexts[string], readTexts[string]),
	mapAt("d", func(c *Call) *map[string]string { return &c.Data }, (*docWriter).text, (*docReader).string),
	listAt("at", &attemptDoc, func(c *Call) *[]Attempt { return &c.Attempts }),
	listAt("p", &participantDoc, func(c *Call) *[]Participant { return &c.Participants }),
	listAt("s", &supervisionDoc, func(c *Call) *[]Supervision { return &c.Supervisions }),
	timeAt("cr", func(c *Call) *time.Time { return &c.Created }),
	timeAt("ac", func(c *Call) *time.Time { return &c.Activated }),
	timeAt("en", func(c *Call) *time.Time { return &c.Ended }),
	enumAt("er", ExitUnknown, func(c *Call) *ExitReason { return &c.EndReason }),
	timeAt("ex", func(c *Call) *time.Time { return &c.Expires }),
	subAt("w", &workDoc, func(c *Call) *work { return &c.work }),
}}

var attemptDoc = shape[Attempt]{list: []field[Attempt]{
	intAt("id", func(a *Attempt) *int { return &a.ID }),
	timeAt("st", func(a *Attempt) *time.Time { return &a.Started }),
	timeAt("en", func(a *Attempt) *time.Time { return &a.Ended }),
	listAt("r", &ringDoc, func(a *Attempt) *[]Ring { return &a.Rings }),
	textAt("re", func(a *Attempt) *AgentID { return &a.Reached }),
}}

var ringDoc = shape[Ring]{list: []field[Ring]{
	textAt("a", func(r *Ring) *AgentID { return &r.Agent }),
	enumAt("o", LegGivenUp, func(r *Ring) *LegOutcome { return &r.Outcome }),
}}

var participantDoc = shape[Participant]{more: func(p *Participant) *string { return &p.more }, list: []field[Participant]{
	textAt("m", func(p *Participant) *MemberID { return &p.Member }),
	enumAt("r", RoleSupervisor, func(p *Participant) *Role { return &p.Role }),
	textAt("a", func(p *Participant) *AgentID { return &p.Agent }),
	textAt("s", func(p *Participant) *SupervisorID { return &p.Supervisor }),
	textAt("cu", func(p *Participant) *string { return &p.CallUUID }),
	textAt("ad", func(p *Participant) *string { return &p.Address }),
	boolAt("mu", func(p *Participant) *bool { return &p.Muted }),
	boolAt("he", func(p *Participant) *bool { return &p.Held }),
	boolAt("co", func(p *Participant) *bool { return &p.Coaching }),
	boolAt("ok", func(p *Participant) *bool { return &p.Confirmed }),
	timeAt("j", func(p *Participant) *time.Time { return &p.Joined }),
	timeAt("l", func(p *Participant) *time.Time { return &p.Left }),
	subAt("fm", &flagDoc, func(p *Participant) *flag { return &p.mute }),
	subAt("fh", &flagDoc, func(p *Participant) *flag { return &p.hold }),
	subAt("fc", &flagDoc, func(p *Participant) *flag { return &p.coach }),
	boolAt("am", func(p *Participant) *bool { return &p.askMute }),
	boolAt("ah", func(p *Participant) *bool { return &p.askHold }),
	boolAt("k", func(p *Participant) *bool { return &p.kick }),
	timeAt("kn", func(p *Participant) *time.Time { return &p.kickNext }),
	boolAt("ba", func(p *Participant) *bool { return &p.byAddress }),
	boolAt("fo", func(p *Participant) *bool { return &p.adopted }),
	enumAt("ca", causeOther, func(p *Participant) *legCause { return &p.cause }),
}}

var flagDoc = shape[flag]{more: func(f *flag) *string { return &f.more }, list: []field[flag]{
	boolAt("v", func(f *flag) *bool { return &f.Value }),
	boolAt("k", func(f *flag) *bool { return &f.Known }),
	timeAt("s", func(f *flag) *time.Time { return &f.Since }),
	timeAt("r", func(f *flag) *time.Time { return &f.Seen }),
	textAt("q", func(f *flag) *string { return &f.View }),
	boolAt("a", func(f *flag) *bool { return &f.Asked }),
	boolAt("w", func(f *flag) *bool { return &f.Want }),
	boolAt("o", func(f *flag) *bool { return &f.Other }),
	boolAt("d", func(f *flag) *bool { return &f.Doubt }),
	boolAt("g", func(f *flag) *bool { return &f.Took }),
	intAt("f", func(f *flag) *int { return &f.Fly }),
	timeAt("t", func(f *flag) *time.Time { return &f.At }),
	uintAt("n", func(f *flag) *uint64 { return &f.Tick }),
	textAt("b", func(f *flag) *string { return &f.By }),
	timeAt("ow", func(f *flag) *time.Time { return &f.Owe }),
	intAt("y", func(f *flag) *int { return &f.Tries }),
	timeAt("x", func(f *flag) *time.Time { return &f.Next }),
}}

var supervisionDoc = shape[Supervision]{more: func(s *Supervision) *string { return &s.more }, list: []field[Supervision]{
	textAt("id", func(s *Supervision) *SupervisorID { return &s.ID }),
	textAt("c", func(s *Supervision) *CallID { return &s.Call }),
	subAt("by", &actorDoc, func(s *Supervision) *Actor { return &s.Actor }),
	enumAt("st", SupervisionEnded, func(s *Supervision) *SupervisionState { return &s.State }),
	textAt("m", func(s *Supervision) *MemberID { return &s.Member }),
	enumAt("mo", ModeOpen, func(s *Supervision) *CoachMode { return &s.Mode }),
	enumAt("wa", ModeOpen, func(s *Supervision) *CoachMode { return &s.Want }),
	boolAt("au", func(s *Supervision) *bool { return &s.Audible }),
	boolAt("to", func(s *Supervision) *bool { return &s.TookOver }),
	enumAt("ag", AgentRemove, func(s *Supervision) *AgentPart { return &s.Agent }),
	textAt("re", func(s *Supervision) *string { return &s.Reason }),
	timeAt("as", func(s *Supervision) *time.Time { return &s.Asked }),
	timeAt("j", func(s *Supervision) *time.Time { return &s.Joined }),
	timeAt("en", func(s *Supervision) *time.Time { return &s.Ended }),
	intAt("l", func(s *Supervision) *int { return &s.leg }),
	enumAt("pr", ModeOpen, func(s *Supervision) *CoachMode { return &s.prior }),
	boolAt("fi", func(s *Supervision) *bool { return &s.firm }),
	listAt("rm", &agentDoc, func(s *Supervision) *[]Agent { return &s.removed }),
}}

var actorDoc = shape[Actor]{list: []field[Actor]{
	textAt("id", func(a *Actor) *string { return &a.ID }),
	textAt("r", func(a *Actor) *string { return &a.Role }),
}}

var agentDoc = shape[Agent]{list: []field[Agent]{
	textAt("id", func(a *Agent) *AgentID { return &a.ID }),
	textAt("ad", func(a *Agent) *string { return &a.Address }),
	textAt("ci", func(a *Agent) *string { return &a.CallerID }),
	textAt("ck", func(a *Agent) *string { return &a.ConfirmKey }),
}}

var supervisorDoc = shape[Supervisor]{list: []field[Supervisor]{
	textAt("id", func(s *Supervisor) *SupervisorID { return &s.ID }),
	textAt("ad", func(s *Supervisor) *string { return &s.Address }),
	textAt("na", func(s *Supervisor) *string { return &s.Name }),
	textAt("ck", func(s *Supervisor) *string { return &s.ConfirmKey }),
}}

var workDoc = shape[work]{more: func(w *work) *string { return &w.more }, list: []field[work]{
	uintAt("t", func(w *work) *uint64 { return &w.Tick }),
	intAt("n", func(w *work) *int { return &w.Next }),
	boolAt("gh", func(w *work) *bool { return &w.Ghost }),
	listAt("st", &stepDoc, func(w *work) *[]step { return &w.Steps }),
	listAt("op", &operationDoc, func(w *work) *[]operation { return &w.Ops }),
	listAt("l", &legDoc, func(w *work) *[]leg { return &w.Legs }),
	subAt("r", &routingDoc, func(w *work) *routing { return &w.Route }),
	listAt("ti", &ticketDoc, func(w *work) *[]ticket { return &w.Tickets }),
	listAt("se", &repeatDoc, func(w *work) *[]repeat { return &w.Seen }),
	listAt("o", &recordDoc, func(w *work) *[]Record { return &w.Out }),
	uintAt("on", func(w *work) *uint64 { return &w.OutNext }),
	timeAt("du", func(w *work) *time.Time { return &w.Due }),
	timeAt("rd", func(w *work) *time.Time { return &w.Read }),
	timeAt("rb", func(w *work) *time.Time { return &w.ReadBy }),
	boolAt("rm", func(w *work) *bool { return &w.ReadMPC }),
	uintAt("rn", func(w *work) *uint64 { return &w.ReadNeed }),
	uintAt("rt", func(w *work) *uint64 { return &w.ReadTick }),
	timeAt("rr", func(w *work) *time.Time { return &w.ReadTried }),
	timeAt("a", func(w *work) *time.Time { return &w.Asked }),
	enumAt("ak", stepDrain, func(w *work) *stepKind { return &w.AskedKind }),
	timeAt("bo", func(w *work) *time.Time { return &w.Bound }),
	intAt("mi", func(w *work) *int { return &w.Misses }),
	boolAt("e", func(w *work) *bool { return &w.Ending }),
	boolAt("fw", func(w *work) *bool { return &w.Farewell }),
	mapAt("re", func(w *work) *map[string]int { return &w.Retries },
		func(w *docWriter, n int) { w.int(int64(n)) }, func(r *docReader) int { return int(r.int(math.MinInt, math.MaxInt)) }),
	timeAt("le", func(w *work) *time.Time { return &w.Lease }),
	timeAt("sw", func(w *work) *time.Time { return &w.Swept }),
}}

var stepDoc = shape[step]{more: func(s *step) *string { return &s.more }, list: []field[step]{
	intAt("id", func(s *step) *int { return &s.ID }),
	enumAt("k", stepDrain, func(s *step) *stepKind { return &s.Kind }),
	textAt("m", func(s *step) *MemberID { return &s.Member }),
	enumAt("f", flagCoach, func(s *step) *flagName { return &s.Flag }),
	boolAt("v", func(s *step) *bool { return &s.Value }),
	textAt("u", func(s *step) *string { return &s.UUID }),
	intsAt("l", func(s *step) *[]int { return &s.Legs }),
	boolAt("mp", func(s *step) *bool { return &s.MPC }),
	boolAt("w", func(s *step) *bool { return &s.Watch }),
	timeAt("fr", func(s *step) *time.Time { return &s.From }),
	intAt("y", func(s *step) *int { return &s.Tries }),
	boolAt("s", func(s *step) *bool { return &s.Sent }),
	timeAt("at", func(s *step) *time.Time { return &s.At }),
	uintAt("t", func(s *step) *uint64 { return &s.Tick }),
	textAt("b", func(s *step) *string { return &s.By }),
	textAt("o", func(s *step) *string { return &s.Owner }),
	timeAt("un", func(s *step) *time.Time { return &s.Until }),
}}

var operationDoc = shape[operation]{more: func(o *operation) *string { return &o.more }, list: []field[operation]{
	intAt("id", func(o *operation) *int { return &o.ID }),
	enumAt("k", opEnd, func(o *operation) *opKind { return &o.Kind }),
	textAt("s", func(o *operation) *SupervisorID { return &o.Sup }),
	textAt("m", func(o *operation) *MemberID { return &o.Member }),
	textsAt("ms", func(o *operation) *[]MemberID { return &o.Members }),
	enumAt("mo", ModeOpen, func(o *operation) *CoachMode { return &o.Mode }),
	enumAt("p", AgentRemove, func(o *operation) *AgentPart { return &o.Part }),
	boolAt("v", func(o *operation) *bool { return &o.Value }),
	listAt("to", &agentDoc, func(o *operation) *[]Agent { return &o.To }),
	intAt("fo", func(o *operation) *time.Duration { return &o.For }),
	intAt("a", func(o *operation) *int { return &o.Attempt }),
	subAt("by", &actorDoc, func(o *operation) *Actor { return &o.Actor }),
	timeAt("si", func(o *operation) *time.Time { return &o.Since }),
	uintAt("t", func(o *operation) *uint64 { return &o.Tick }),
	timeAt("de", func(o *operation) *time.Time { return &o.Deadline }),
	timeAt("en", func(o *operation) *time.Time { return &o.Ended }),
	enumAt("st", opFailed, func(o *operation) *opState { return &o.State }),
	enumAt("f", failConflict, func(o *operation) *failure { return &o.Fail }),
	textAt("w", func(o *operation) *string { return &o.Why }),
	boolAt("ra", func(o *operation) *bool { return &o.Raised }),
	boolAt("wh", func(o *operation) *bool { return &o.WasHeld }),
	boolAt("p2", func(o *operation) *bool { return &o.Part2 }),
}}

var legDoc = shape[leg]{more: func(l *leg) *string { return &l.more }, list: []field[leg]{
	intAt("id", func(l *leg) *int { return &l.ID }),
	intAt("s", func(l *leg) *int { return &l.Step }),
	intAt("at", func(l *leg) *int { return &l.Attempt }),
	subAt("ag", &agentDoc, func(l *leg) *Agent { return &l.Agent }),
	subAt("su", &supervisorDoc, func(l *leg) *Supervisor { return &l.Sup }),
	enumAt("mo", ModeOpen, func(l *leg) *CoachMode { return &l.Mode }),
	textAt("to", func(l *leg) *string { return &l.To }),
	textAt("cu", func(l *leg) *string { return &l.CallUUID }),
	textAt("rq", func(l *leg) *string { return &l.Request }),
	intAt("r", func(l *leg) *int { return &l.Ring }),
	enumAt("st", legOver, func(l *leg) *legState { return &l.State }),
	boolAt("rg", func(l *leg) *bool { return &l.Rang }),
	timeAt("de", func(l *leg) *time.Time { return &l.Deadline }),
	enumAt("o", LegGivenUp, func(l *leg) *LegOutcome { return &l.Outcome }),
	textAt("re", func(l *leg) *string { return &l.Reason }),
	boolAt("u", func(l *leg) *bool { return &l.Unknown }),
	textAt("m", func(l *leg) *MemberID { return &l.Member }),
	boolAt("ac", func(l *leg) *bool { return &l.Accepted }),
	boolAt("c", func(l *leg) *bool { return &l.Chase }),
	boolAt("h", func(l *leg) *bool { return &l.HungUp }),
	timeAt("hn", func(l *leg) *time.Time { return &l.HangNext }),
	intAt("ht", func(l *leg) *int { return &l.HangTry }),
}}

var routingDoc = shape[routing]{more: func(r *routing) *string { return &r.more }, list: []field[routing]{
	intAt("at", func(r *routing) *int { return &r.Attempt }),
	intAt("fo", func(r *routing) *int { return &r.For }),
	listAt("ri", &agentDoc, func(r *routing) *[]Agent { return &r.Ring }),
	timeAt("si", func(r *routing) *time.Time { return &r.Since }),
	timeAt("wa", func(r *routing) *time.Time { return &r.Wait }),
	intAt("lo", func(r *routing) *int { return &r.Losses }),
	textAt("l", func(r *routing) *MemberID { return &r.Lost }),
	timeAt("gr", func(r *routing) *time.Time { return &r.Grace }),
	boolAt("x", func(r *routing) *bool { return &r.Stopped }),
	boolAt("h", func(r *routing) *bool { return &r.Hold }),
	timeAt("s", func(r *routing) *time.Time { return &r.Silent }),
}}

var ticketDoc = shape[ticket]{more: func(t *ticket) *string { return &t.more }, list: []field[ticket]{
	textAt("h", func(t *ticket) *string { return &t.Hash }),
	subAt("su", &supervisorDoc, func(t *ticket) *Supervisor { return &t.Sup }),
	enumAt("mo", ModeOpen, func(t *ticket) *CoachMode { return &t.Mode }),
	boolAt("to", func(t *ticket) *bool { return &t.TakeOver }),
	enumAt("ag", AgentRemove, func(t *ticket) *AgentPart { return &t.Agent }),
	subAt("by", &actorDoc, func(t *ticket) *Actor { return &t.Actor }),
	timeAt("ex", func(t *ticket) *time.Time { return &t.Expires }),
	textAt("cu", func(t *ticket) *string { return &t.CallUUID }),
}}

var repeatDoc = shape[repeat]{list: []field[repeat]{
	uintAt("n", func(r *repeat) *uint64 { return &r.Nonce }),
	uintAt("b", func(r *repeat) *uint64 { return &r.Body }),
	textAt("r", func(r *repeat) *string { return &r.Reply }),
}}

var recordDoc = shape[Record]{list: []field[Record]{
	uintAt("n", func(r *Record) *uint64 { return &r.Seq }),
	textAt("c", func(r *Record) *CallID { return &r.Call }),
	textAt("k", func(r *Record) *RecordKind { return &r.Kind }),
	timeAt("at", func(r *Record) *time.Time { return &r.At }),
	subAt("by", &actorDoc, func(r *Record) *Actor { return &r.Actor }),
	textAt("s", func(r *Record) *SupervisorID { return &r.Supervisor }),
	textAt("a", func(r *Record) *AgentID { return &r.Agent }),
	textAt("m", func(r *Record) *MemberID { return &r.Member }),
	enumAt("mo", ModeOpen, func(r *Record) *CoachMode { return &r.Mode }),
	textAt("d", func(r *Record) *string { return &r.Detail }),
	intAt("co", func(r *Record) *int { return &r.Count }),
}}
