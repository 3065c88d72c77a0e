// Package coaching lets supervisors coach agents, and take over from them, in
// the multiparty calls of a contact center on Plivo.
//
//	flow, err := coaching.New(coaching.Config{
//		Plivo:     sdk,                               // of plivo.NewClient
//		PublicURL: "https://voice.example.com/plivo", // where Plivo reaches the handler
//		Route:     coaching.RingOnce(coaching.Agent{ID: "ann", Address: "sip:ann@phone.plivo.com"}),
//	})
//	if err != nil {
//		return err
//	}
//	go flow.Run(ctx)
//	http.Handle("/plivo/", http.StripPrefix("/plivo", flow.Handler()))
//	http.HandleFunc("POST /barge/{call}", func(w http.ResponseWriter, r *http.Request) {
//		lee := coaching.Supervisor{ID: "lee", Address: "sip:lee@phone.plivo.com"}
//		_, err := flow.Barge(r.Context(), coaching.CallID(r.PathValue("call")), lee, nil)
//		w.WriteHeader(coaching.HTTPStatus(err))
//	})
//	return http.ListenAndServe(":8080", nil)
//
// With a number's answer URL set to PublicURL and /answer, a customer who calls
// hears music while Ann's phone rings, and talks with her. A POST to /barge
// rings Lee, who then hears both and is heard by Ann alone.
//
// # What to read first
//
// [Config] and [New], then what is done with a call:
//
//   - [RouteFunc] connects: it says whom to ring for a customer who has nobody;
//   - [Flow.AddSupervisor] brings a supervisor whom the agent asks for;
//   - [Flow.Barge] one who comes by themselves, [Flow.Ticket] one who dials in;
//   - [Flow.TakeOver] lets the customer hear them, [Flow.HandBack] ends that.
//
// [Flow.Call], [Flow.Calls] and [Flow.Watch] show what is known of calls, and
// [Call.Hears] who hears whom. [Client], [ParseEvent], [VerifySignature] and
// [NewDocument] are the parts the Flow is made of, for what it does not do.
// Package plivotest is a Plivo in memory, so that all of it runs in a test,
// without an account.
//
// # Three promises
//
// They hold while callbacks are lost, doubled and late, while requests fail,
// and when a process dies and another goes on:
//
//   - Unheard means unheard. A customer hears a supervisor only from the call of
//     TakeOver (or the use of a ticket made with TakeOver) until a lowering is
//     confirmed. While Plivo's API does not answer, nobody can promise a
//     lowering: then the verb returns [ErrUnknown], the Flow goes on closing, and
//     Supervision.Audible shows the worst case.
//   - An answer is true. A verb that returns nil has taken effect: a read that
//     began after the last request for it showed so. Everything else is an error
//     that says what is known.
//   - No customer is lost. There is always somebody they hear, or music, or the
//     farewell; and no call stays in the books for ever.
//
// # Errors
//
// Branch on them with [errors.Is]:
//
//   - [ErrInvalid]: an argument; nothing was done.
//   - [ErrNotFound], [ErrCallEnded]: no such call, or no more.
//   - [ErrDenied]: Config.Authorize said no.
//   - [ErrConflict]: not in this state of the call; nothing was done, or it was
//     replaced by a verb that lowers.
//   - [ErrNotApplied]: a read shows the old state; nobody answered, say.
//   - [ErrUnknown]: nothing shows either; also when the context ended first,
//     whose error it wraps too.
//   - [ErrNotRunning]: no [Flow.Run] does the work.
//
// [HTTPStatus] turns them into a handler's status. No error holds a token, a
// phone number or an address.
//
// # Concurrency
//
// A [Flow] and a [Client] are safe for concurrent use, and several processes may
// share one [Store]: every change is one compare-and-swap of one [Call], and
// what is to be done stands in the Call before it is done. A Call is a value: to
// change a copy changes nothing else. Handlers work in the request's goroutine
// and verbs in the caller's; everything else is done by Run, which ends what it
// began before it returns. The context of a verb bounds the waiting, not the
// work. Host code that is given in the Config may be called from several
// goroutines at once; it may be slow, fail and panic.
//
// # Compatibility
//
// Before version 1 a minor release may break the API; the changelog says how.
// Afterwards the Go 1 promise is the measure, with three reservations: there
// will be new [Event] types, new values of [RecordKind] and new [Element]s, so
// that a switch over them wants a default; structs gain fields, so write them
// with field names; and the texts of errors and logs may change. What a Store
// keeps is versioned: a later release of the same schema reads it, fields that
// it does not know survive, and an older one refuses a newer schema.
package coaching
