// Package plivotest is Plivo's Multi-Party Call product in memory: its REST
// API, its XML, its signed callbacks, the phones around it, and the audio. It
// knows who hears whom, so that a test can prove it. It needs no account, no
// network and no port, and runs inside [testing/synctest], where hours of
// calls take milliseconds:
//
//	srv := plivotest.NewServer(nil)
//	defer srv.Close()
//	srv.Mount("https://app.example", app)              // callbacks go to this handler
//	srv.Number("14155550100", "https://app.example/answer")
//	agent := srv.Phone("sip:agent1@phone.plivo.com", nil) // answers after a second
//	client.HTTPClient = srv.Client()                   // whatever host it asks
//
//	customer := srv.Dial("14155550123", "14155550100", nil)
//	srv.Wait(ctx)
//	agent.Last().Say("Good morning")
//	customer.Heard()                                   // the line, if they are connected
//
// The package depends on the standard library alone and on no client of
// Plivo: it is an independent reading of what Plivo publishes.
//
// # What is modelled
//
// Documented by Plivo, unless marked:
//
//   - All 21 endpoints of the MultiPartyCall resource with their statuses,
//     refusals, list filters and paging. The shapes of the answers were seen in
//     fixtures of several SDKs, the refusals in SDKs' own checks.
//   - Of calls: hanging up one (an empty id hangs up all), cancelling a request,
//     reading the hang-up cause. That cancelling reaches ringing legs is inferred.
//   - HTTP Basic authentication and the rate limit of 300 requests in 5 s. That a
//     401 is plain text is inferred.
//   - The dial queue of 2 calls a second; ring time-outs, delays, several
//     destinations, confirm keys, transfers, and their hang-up causes. Which
//     CallStatus a cause gives is inferred, as are the parameters of
//     call_status_callback_url.
//   - Answer documents, checked strictly: names are case-sensitive, ranges hold,
//     100 KB at most. MultiPartyCall, Speak, Play, Wait, Redirect, GetDigits and
//     Hangup run. The numbers of the causes for bad documents are inferred.
//   - The life of an MPC: Initialized, Active, Ended, the four termination
//     causes, stay_alone, maximum duration and participants. That stay_alone
//     spares a lone first participant follows from SDK fixtures.
//   - Coach mode, mute and hold, who hears whom, wait and hold music (fetched,
//     and silence unless XML), entry and exit sounds and the beeps of coach mode.
//   - Status callbacks of all event groups, recording callbacks, on-exit
//     requests, each signed V3 and V2. Parameter sets are documented in part; the
//     rest was seen in a third party's receiver.
//   - Retries by the settings in a URL's fragment. That they hold for MPC
//     callbacks is inferred.
//   - The rule for custom SIP headers; what breaks it never arrives.
//
// # What is not
//
// Subaccounts (filters for them find nothing), Make Call and the other call
// resources, applications, fallback URLs, conferences, answering machine
// detection, real audio and recordings, ai-agent participants, inline hold
// music, asynchronous requests (callback_url), fallback hosts. What is not
// modelled is answered with 501, or fails the XML. Lengths of speech and files
// are invented, amounts of money follow a flat rate.
//
// # What is unsettled
//
// Where no source settles Plivo's behaviour, [Switches] has a field for each
// reading, and its zero value is the careful one. Test under all of them.
//
// # Time and order
//
// Every request waits a drawn time below a millisecond before its effect and
// again before its answer, and so does every callback and every act of a
// phone. What is drawn depends on [Options].Seed and on what happens, never on
// the scheduler or on map order, so that in a synctest bubble the same seed
// and the same driving give the same [Server.Timeline]. Callbacks of one MPC
// leave in order, a millisecond or more apart, and do not wait for each
// other's answers; those of different MPCs are concurrent.
package plivotest
