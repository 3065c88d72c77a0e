package coaching_test

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/plivo/plivo-go/v7"

	"github.com/mpc-coaching/coaching"
	"github.com/mpc-coaching/coaching/plivotest"
)

// A rig is a multiparty call on the emulator and a Client: no Flow mends what
// an operation does to it.
type rig struct {
	t                           *testing.T
	srv                         *plivotest.Server
	client                      *coaching.Client
	mpc                         coaching.MPCRef
	customer, agent, supervisor *plivotest.Leg

	added coaching.AddedParticipant

	mu     sync.Mutex
	events []string // of recordings, as the application got them
}

const rigName = "rig000000000000000001"

// newRig brings a customer into a multiparty call; unless it is to stay
// waiting, an agent and a coaching supervisor join.
func newRig(t *testing.T, waiting bool) *rig {
	t.Helper()
	s := &rig{t: t, srv: plivotest.NewServer(&plivotest.Options{CPS: -1})}
	t.Cleanup(s.srv.Close)
	sdk, err := plivo.NewClient(s.srv.AuthID(), s.srv.AuthToken(), &plivo.ClientOptions{})
	if err != nil {
		t.Fatal(err)
	}
	s.client = coaching.NewClient(sdk, s.srv.Client())
	s.srv.Mount(publicURL, http.HandlerFunc(s.serve))
	s.srv.Number(hotline, publicURL+"/answer")
	for _, a := range []string{caller, ann, bob, lee} {
		s.srv.Phone(a, nil)
	}
	s.customer = s.srv.Dial(caller, hotline, nil)
	s.wait("the customer is in", func() bool { return s.customer.MPCUUID() != "" })
	s.mpc = coaching.ByUUID(s.customer.MPCUUID())
	if waiting {
		return s
	}
	s.agent = s.add(coaching.ParticipantParams{Role: coaching.RoleAgent, From: hotline, To: []string{ann}, StartMPCOnEnter: new(true)})
	s.supervisor = s.add(coaching.ParticipantParams{Role: coaching.RoleSupervisor, From: hotline, To: []string{lee}, CoachMode: new(true), Mute: new(false)})
	return s
}

func (s *rig) serve(w http.ResponseWriter, r *http.Request) {
	switch r.URL.Path {
	case "/plivo/answer":
		doc, err := coaching.NewDocument(coaching.MultiPartyCall{Name: rigName, Role: coaching.RoleCustomer, StartMPCOnEnter: new(false), EndMPCOnExit: new(true), StayAlone: new(true)})
		if err != nil {
			s.t.Error(err)
		}
		doc.ServeHTTP(w, r)
	case "/plivo/recording":
		s.mu.Lock()
		defer s.mu.Unlock()
		s.events = append(s.events, r.FormValue("EventName"))
	}
}

func (s *rig) wait(what string, ok func() bool) {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(s.t.Context(), time.Minute)
	defer cancel()
	if err := s.srv.Until(ctx, ok); err != nil {
		s.t.Fatalf("waited in vain: %s", what)
	}
}

func (s *rig) add(p coaching.ParticipantParams) *plivotest.Leg {
	s.t.Helper()
	if _, err := s.client.AddParticipant(s.t.Context(), s.mpc, p); err != nil {
		s.t.Fatal(err)
	}
	var l *plivotest.Leg
	s.wait("somebody joins", func() bool { l = s.srv.Phone(p.To[0], nil).Last(); return l != nil && l.MemberID() != "" })
	return l
}

func (s *rig) id(l *plivotest.Leg) coaching.MemberID { return coaching.MemberID(l.MemberID()) }

// state is the multiparty call as the emulator has it.
func (s *rig) state() plivotest.MPC { return s.srv.MPCs()[0] }

func (s *rig) member(l *plivotest.Leg) plivotest.Participant {
	for _, p := range s.state().Participants {
		if p.CallUUID == l.UUID() {
			return p
		}
	}
	return plivotest.Participant{}
}

// heard returns how long each sound of a kind lasted; an hour where it goes on.
func (s *rig) heard(l *plivotest.Leg, kind string) (lengths []time.Duration) {
	for _, sound := range l.Sounds() {
		switch {
		case sound.Kind != kind:
		case sound.End.IsZero():
			lengths = append(lengths, time.Hour)
		default:
			lengths = append(lengths, sound.End.Sub(sound.At))
		}
	}
	return lengths
}

// A rigOperation is one method of Client on a rig. done reports whether it
// took effect, exactly once; nil: it only reads, and do checks what.
type rigOperation struct {
	name    string
	waiting bool
	before  func(*rig)
	do      func(context.Context, *rig) error
	done    func(*rig) bool
}

var errRig = errors.New("a read does not show what is there")

func shows(ok bool) error {
	if ok {
		return nil
	}
	return errRig
}

func rigOperations() []rigOperation {
	hook := coaching.Webhook{URL: publicURL + "/recording"}
	record := func(s *rig) {
		if _, err := s.client.StartRecording(s.t.Context(), s.mpc, &coaching.RecordingParams{Callback: hook}); err != nil {
			s.t.Fatal(err)
		}
	}
	recordAgent := func(s *rig) {
		if _, err := s.client.StartParticipantRecording(s.t.Context(), s.mpc, s.id(s.agent), &coaching.RecordingParams{Callback: hook}); err != nil {
			s.t.Fatal(err)
		}
	}
	recording := func(state string) func(*rig) bool {
		return func(s *rig) bool { return s.state().Recording == state }
	}
	// told reports whether the application was told it once, and last.
	told := func(event string) func(*rig) bool {
		return func(s *rig) bool {
			s.mu.Lock()
			defer s.mu.Unlock()
			n := 0
			for _, e := range s.events {
				if e == event {
					n++
				}
			}
			return n == 1 && s.events[len(s.events)-1] == event
		}
	}
	dialled := func(address string, state plivotest.State) func(*rig) bool {
		return func(s *rig) bool {
			calls := s.srv.Phone(address, nil).Calls()
			return len(calls) == 1 && calls[0].State() == state
		}
	}
	ring := coaching.ParticipantParams{Role: coaching.RoleAgent, From: hotline, To: []string{bob}}
	must := func(s *rig, err error) {
		s.t.Helper()
		if err != nil {
			s.t.Fatal(err)
		}
	}
	return []rigOperation{
		{name: "ListMPCs", do: func(ctx context.Context, s *rig) error {
			page, err := s.client.ListMPCs(ctx, &coaching.MPCFilter{Status: coaching.MPCStatusActive})
			return errors.Join(err, shows(err != nil || len(page.MPCs) == 1 && page.MPCs[0].FriendlyName == rigName))
		}},
		{name: "MPC", do: func(ctx context.Context, s *rig) error {
			m, err := s.client.MPC(ctx, s.mpc)
			return errors.Join(err, shows(err != nil || m.UUID == s.customer.MPCUUID() && m.Status == coaching.MPCStatusActive))
		}},
		{name: "ActivateMPC", waiting: true, do: func(ctx context.Context, s *rig) error { return s.client.ActivateMPC(ctx, s.mpc) },
			done: func(s *rig) bool { return s.state().Status == "Active" }},
		{name: "EndMPC", do: func(ctx context.Context, s *rig) error { return s.client.EndMPC(ctx, s.mpc) },
			done: func(s *rig) bool { return s.state().Status == "Ended" }},
		{name: "AddParticipant", do: func(ctx context.Context, s *rig) error {
			added, err := s.client.AddParticipant(ctx, s.mpc, ring)
			return errors.Join(err, shows(err != nil || len(added.Calls) == 1 && added.RequestUUID != ""))
		}, done: dialled(bob, plivotest.InProgress)},
		{name: "Participants", do: func(ctx context.Context, s *rig) error {
			list, err := s.client.Participants(ctx, s.mpc, nil)
			return errors.Join(err, shows(err != nil || len(list) == 3))
		}},
		{name: "Participant", do: func(ctx context.Context, s *rig) error {
			p, err := s.client.Participant(ctx, s.mpc, s.id(s.supervisor))
			return errors.Join(err, shows(err != nil || p.CallUUID == s.supervisor.UUID() && p.Role == coaching.RoleSupervisor && *p.CoachMode))
		}},
		{name: "UpdateParticipants", do: func(ctx context.Context, s *rig) error {
			return s.client.UpdateParticipants(ctx, s.mpc, coaching.MemberIDs(s.id(s.supervisor)), coaching.ParticipantUpdate{Mute: new(true), CoachMode: new(false)})
		}, done: func(s *rig) bool { p := s.member(s.supervisor); return p.Mute && !p.CoachMode }},
		{name: "KickParticipants", do: func(ctx context.Context, s *rig) error {
			return s.client.KickParticipants(ctx, s.mpc, coaching.MemberIDs(s.id(s.supervisor)))
		}, done: func(s *rig) bool { return !s.member(s.supervisor).In() }},

		{name: "StartRecording", do: func(ctx context.Context, s *rig) error {
			r, err := s.client.StartRecording(ctx, s.mpc, nil)
			return errors.Join(err, shows(err != nil || r.ID != "" && r.URL != ""))
		}, done: recording("recording")},
		{name: "StopRecording", before: record, do: func(ctx context.Context, s *rig) error { return s.client.StopRecording(ctx, s.mpc) },
			done: recording("not-recording")},
		{name: "PauseRecording", before: record, do: func(ctx context.Context, s *rig) error { return s.client.PauseRecording(ctx, s.mpc) },
			done: recording("paused")},
		{name: "ResumeRecording", before: func(s *rig) { record(s); must(s, s.client.PauseRecording(s.t.Context(), s.mpc)) },
			do: func(ctx context.Context, s *rig) error { return s.client.ResumeRecording(ctx, s.mpc) }, done: recording("recording")},
		{name: "StartParticipantRecording", do: func(ctx context.Context, s *rig) error {
			r, err := s.client.StartParticipantRecording(ctx, s.mpc, s.id(s.agent), &coaching.RecordingParams{Callback: hook})
			return errors.Join(err, shows(err != nil || r.ID != ""))
		}, done: told("ParticipantRecordingInitiated")},
		{name: "StopParticipantRecording", before: recordAgent, do: func(ctx context.Context, s *rig) error {
			return s.client.StopParticipantRecording(ctx, s.mpc, s.id(s.agent), "")
		}, done: told("ParticipantRecordingCompleted")},
		{name: "PauseParticipantRecording", before: recordAgent, do: func(ctx context.Context, s *rig) error {
			return s.client.PauseParticipantRecording(ctx, s.mpc, s.id(s.agent), "")
		}, done: told("ParticipantRecordingPaused")},
		{name: "ResumeParticipantRecording", before: func(s *rig) {
			recordAgent(s)
			must(s, s.client.PauseParticipantRecording(s.t.Context(), s.mpc, s.id(s.agent), ""))
		}, do: func(ctx context.Context, s *rig) error {
			return s.client.ResumeParticipantRecording(ctx, s.mpc, s.id(s.agent), "")
		}, done: told("ParticipantRecordingResumed")},

		{name: "PlayAudio", do: func(ctx context.Context, s *rig) error {
			p, err := s.client.PlayAudio(ctx, s.mpc, coaching.MemberIDs(s.id(s.customer)), "https://cdn.example.com/a.mp3")
			return errors.Join(err, shows(err != nil || slices.Equal(p.Members, []coaching.MemberID{s.id(s.customer)})))
		}, done: func(s *rig) bool { return len(s.heard(s.customer, "play")) == 1 }},
		{name: "StopAudio", before: func(s *rig) {
			_, err := s.client.PlayAudio(s.t.Context(), s.mpc, coaching.MemberIDs(s.id(s.customer)), "https://cdn.example.com/a.mp3")
			must(s, err)
		}, do: func(ctx context.Context, s *rig) error {
			return s.client.StopAudio(ctx, s.mpc, coaching.MemberIDs(s.id(s.customer)))
		}, done: func(s *rig) bool { l := s.heard(s.customer, "play"); return len(l) == 1 && l[0] < 2*time.Second }},
		{name: "Speak", do: func(ctx context.Context, s *rig) error {
			_, err := s.client.Speak(ctx, s.mpc, s.id(s.customer), coaching.SpeakParams{Text: strings.Repeat("long ", 500)})
			return err
		}, done: func(s *rig) bool { return len(s.heard(s.customer, "speak")) == 1 }},
		{name: "StopSpeaking", before: func(s *rig) {
			_, err := s.client.Speak(s.t.Context(), s.mpc, s.id(s.customer), coaching.SpeakParams{Text: strings.Repeat("long ", 500)})
			must(s, err)
		}, do: func(ctx context.Context, s *rig) error {
			return s.client.StopSpeaking(ctx, s.mpc, s.id(s.customer))
		}, done: func(s *rig) bool { l := s.heard(s.customer, "speak"); return len(l) == 1 && l[0] < 2*time.Second }},

		{name: "HangUp", do: func(ctx context.Context, s *rig) error { return s.client.HangUp(ctx, s.agent.UUID()) },
			done: func(s *rig) bool { return s.agent.State() == plivotest.Ended }},
		{name: "CancelRequest", before: func(s *rig) {
			s.srv.Phone(bob, &plivotest.PhonePlan{Action: plivotest.Manual})
			var err error
			s.added, err = s.client.AddParticipant(s.t.Context(), s.mpc, ring)
			must(s, err)
		}, do: func(ctx context.Context, s *rig) error { return s.client.CancelRequest(ctx, s.added.RequestUUID) },
			done: dialled(bob, plivotest.Ended)},
		{name: "CallDetail", do: func(ctx context.Context, s *rig) error {
			d, err := s.client.CallDetail(ctx, s.agent.UUID())
			return errors.Join(err, shows(err != nil || d.CallUUID == s.agent.UUID() && d.Direction == "outbound"))
		}},
	}
}

// perform sets up a rig and does the operation under a fault, and returns how
// many requests reached the emulator.
func (op rigOperation) perform(t *testing.T, bound time.Duration, f *plivotest.Failure) (s *rig, requests int, took time.Duration, err error) {
	s = newRig(t, op.waiting)
	if op.before != nil {
		op.before(s)
	}
	time.Sleep(20 * time.Millisecond) // callbacks of what was before have come
	if op.done != nil && op.done(s) {
		t.Errorf("%s: the effect is there before", op.name)
	}
	before := len(s.srv.Requests())
	s.srv.FailFunc(func(plivotest.Request) *plivotest.Failure { return f })
	ctx, cancel := context.WithTimeout(t.Context(), bound)
	defer cancel()
	start := time.Now()
	err = op.do(ctx, s)
	took = time.Since(start)
	time.Sleep(5 * time.Second) // whoever rings answers, whoever repeats does so
	return s, len(s.srv.Requests()) - before, took, err
}

// Each operation does to the call what its name says, by one request.
func TestClientOnEmulator(t *testing.T) {
	ops := rigOperations()
	if len(ops) != 24 {
		t.Errorf("%d operations, want 21 of MPCs and 3 of calls", len(ops))
	}
	for _, op := range ops {
		t.Run(op.name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				s, n, _, err := op.perform(t, time.Minute, nil)
				if err != nil || n != 1 {
					t.Errorf("%s = %v in %d requests, want one", op.name, err, n)
				}
				if op.done != nil && !op.done(s) {
					t.Errorf("%s had no effect", op.name)
				}
			})
		})
	}
}

// Whatever goes wrong, an operation is one request, its error says what
// happened, and nothing is done twice: three phones never ring.
func TestR1ClientFaultsOnEmulator(t *testing.T) {
	const html = "<html><body><h1>502 Bad Gateway</h1></body></html>"
	const none, once = false, true // effects
	for _, f := range []struct {
		name    string
		failure plivotest.Failure
		want    coaching.APIError // zero: see err
		err     error
		effect  bool
	}{
		{"400", plivotest.Failure{Status: 400, Body: `{"api_id":"a-1","error":"role is invalid"}`}, coaching.APIError{Status: 400, APIID: "a-1", Message: "role is invalid"}, nil, none},
		{"401 in plain text", plivotest.Failure{Status: 401, Body: "Could not verify your access level", Header: http.Header{"Content-Type": {"text/plain"}}},
			coaching.APIError{Status: 401, Message: "Could not verify your access level"}, nil, none},
		{"403", plivotest.Failure{Status: 403, Body: `{"error":"forbidden"}`}, coaching.APIError{Status: 403, Message: "forbidden"}, nil, none},
		{"404 {}", plivotest.Failure{Status: 404, Body: `{}`}, coaching.APIError{Status: 404}, coaching.ErrNotFound, none},
		{"404 empty", plivotest.Failure{Status: 404}, coaching.APIError{Status: 404}, coaching.ErrNotFound, none},
		{"429", plivotest.Failure{Status: 429, Body: `{"error":"slow down"}`, Header: http.Header{"Retry-After": {"7"}}},
			coaching.APIError{Status: 429, Message: "slow down", RetryAfter: 7 * time.Second}, nil, none},
		{"500 although done", plivotest.Failure{Status: 500}, coaching.APIError{Status: 500}, nil, once},
		{"503 again and again", plivotest.Failure{Status: 503, Body: `{"error":"try later"}`, NoEffect: true}, coaching.APIError{Status: 503, Message: "try later"}, nil, none},
		{"503 again and again, although done", plivotest.Failure{Status: 503, Body: `{"error":"try later"}`}, coaching.APIError{Status: 503, Message: "try later"}, nil, once},
		{"502 with a page", plivotest.Failure{Status: 502, Body: html, Header: http.Header{"Content-Type": {"text/html"}}}, coaching.APIError{Status: 502}, nil, once},
		{"200 with a page", plivotest.Failure{Status: 200, Body: html, Header: http.Header{"Content-Type": {"text/html"}}}, coaching.APIError{}, coaching.ErrUnknown, none},
		{"cut before the effect", plivotest.Failure{CutBefore: true}, coaching.APIError{}, errCut, none},
		{"cut after the effect", plivotest.Failure{CutAfter: true}, coaching.APIError{}, errCut, once},
		{"never connected", plivotest.Failure{Refused: true}, coaching.APIError{}, errCut, none},
		{"stalled before the effect", plivotest.Failure{Delay: time.Hour}, coaching.APIError{}, context.DeadlineExceeded, none},
		{"stalled, then done all the same", plivotest.Failure{Delay: 1500 * time.Millisecond}, coaching.APIError{}, context.DeadlineExceeded, once},
		{"stalled after the effect", plivotest.Failure{AfterDelay: time.Hour}, coaching.APIError{}, context.DeadlineExceeded, once},
	} {
		t.Run(f.name, func(t *testing.T) {
			for _, op := range rigOperations() {
				t.Run(op.name, func(t *testing.T) {
					bubble(t, func(t *testing.T) {
						failure := f.failure
						s, n, took, err := op.perform(t, time.Second, &failure)
						op.checkFault(t, f.want, f.err, err, took)
						if n != 1 {
							t.Errorf("%s reached the emulator %d times, want once", op.name, n)
						}
						if op.done != nil && op.done(s) != f.effect {
							t.Errorf("%s took effect: %v, want %v", op.name, !f.effect, f.effect)
						}
					})
				})
			}
		})
	}
}

// errCut stands for an error of the transport.
var errCut = errors.New("cut")

func (op rigOperation) checkFault(t *testing.T, want coaching.APIError, kind, err error, took time.Duration) {
	t.Helper()
	var answer *coaching.APIError
	isAnswer := errors.As(err, &answer)
	switch {
	case want.Status != 0:
		want.Op = op.name
		if !isAnswer || *answer != want {
			t.Errorf("%s = %v, want %+v", op.name, err, want)
		}
		if kind != nil && !errors.Is(err, kind) {
			t.Errorf("%s = %v, want %v", op.name, err, kind)
		}
	case kind == coaching.ErrUnknown: // a 2xx that cannot be read matters where it has a result
		if isAnswer || err != nil && !errors.Is(err, coaching.ErrUnknown) {
			t.Errorf("%s = %v, want nil or ErrUnknown", op.name, err)
		}
	case kind == errCut:
		if err == nil || isAnswer || errors.Is(err, coaching.ErrInvalid) || errors.Is(err, coaching.ErrUnknown) {
			t.Errorf("%s = %v, want an error of the transport", op.name, err)
		}
	case !errors.Is(err, kind) || took != time.Second:
		t.Errorf("%s = %v after %v, want %v after 1s", op.name, err, took, kind)
	}
	if err != nil && (strings.Contains(err.Error(), "html") || strings.Contains(err.Error(), "\n")) {
		t.Errorf("%s: error %q, want one line without markup", op.name, err)
	}
}
