package coaching_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"iter"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/mpc-coaching/coaching"
	"github.com/mpc-coaching/coaching/plivotest"
)

// A paperStore keeps nothing but documents, as an adapter does, and checks
// each that it writes.
type paperStore struct {
	t   *testing.T
	mem *coaching.MemoryStore // for versions and the feed; holds decoded calls

	mu      sync.Mutex
	written int
	bytes   int
	most    int
	richest []byte
}

func newPaperStore(t *testing.T) *paperStore {
	return &paperStore{t: t, mem: coaching.NewMemoryStore()}
}

func (s *paperStore) Put(ctx context.Context, c coaching.Call) (coaching.Call, error) {
	doc, err := coaching.EncodeCall(c)
	if err != nil {
		s.t.Errorf("EncodeCall = %v", err)
		return coaching.Call{}, err
	}
	back, err := coaching.DecodeCall(doc)
	if err != nil {
		s.t.Errorf("DecodeCall(%s) = %v", doc, err)
		return coaching.Call{}, err
	}
	s.mu.Lock()
	nth := s.written
	s.mu.Unlock()
	if nth%8 == 0 { // comparing takes ten times as long as all the rest
		if d := coaching.DiffCalls(c, back); d != "" {
			s.t.Errorf("after a round trip (-want +got):\n%s", d)
		}
	}
	if coaching.Spins(c, time.Now()) {
		s.t.Errorf("Run would spin on %s", doc)
	}
	if back.Live() != c.Live() || !back.Due().Equal(c.Due()) {
		s.t.Errorf("Live, Due = %v, %v after a round trip, want %v, %v", back.Live(), back.Due(), c.Live(), c.Due())
	}
	if again, err := coaching.EncodeCall(back); err != nil || !bytes.Equal(again, doc) {
		s.t.Errorf("encoding again = %s, %v, want %s", again, err, doc)
	}
	s.mu.Lock()
	s.written, s.bytes = s.written+1, s.bytes+len(doc)
	if len(doc) > s.most {
		s.most = len(doc)
	}
	_, coached := c.Supervisor("lee")
	if len(doc) > len(s.richest) && coached && bytes.Contains(doc, []byte(`"ti":[`)) {
		s.richest = doc // in the middle of everything
	}
	s.mu.Unlock()
	back.Version = c.Version
	return s.mem.Put(ctx, back)
}

func (s *paperStore) Get(ctx context.Context, id coaching.CallID) (coaching.Call, error) {
	return s.mem.Get(ctx, id)
}

func (s *paperStore) Live(ctx context.Context) iter.Seq2[coaching.Call, error] {
	return s.mem.Live(ctx)
}

func (s *paperStore) Changes(ctx context.Context, after coaching.Cursor) iter.Seq2[coaching.Change, error] {
	return s.mem.Changes(ctx, after)
}

type nobody struct{}

func (nobody) Observe(context.Context, coaching.Record) {}

// TestFlowOnDocuments runs random verbs under random faults over a store that
// decodes whatever it gives: each version that is stored must survive, and the
// calls must come to their end.
func TestFlowOnDocuments(t *testing.T) {
	seeds := 16
	if testing.Short() {
		seeds = 4
	}
	var written, size, most int
	var richest []byte
	for seed := range seeds {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				paper := newPaperStore(t)
				agents := []coaching.Agent{{ID: "ann", Address: ann, ConfirmKey: "5"}, agentBob}
				s := open(t, &plivotest.Options{Seed: uint64(seed)}, func(c *coaching.Config) {
					c.Store, c.Observer = paper, nobody{}
					c.Route = func(_ context.Context, c coaching.Call) (coaching.Next, error) {
						if len(c.Attempts) > 4 {
							return coaching.Next{}, nil
						}
						return coaching.Next{Ring: agents, Data: map[string]string{"queue": "a\"b"}}, nil
					}
				})
				s.srv.Phone(ann, &plivotest.PhonePlan{After: 2 * time.Second, PressKey: "5"})
				drive(t, s, rand.New(rand.NewPCG(uint64(seed), 1)))
				written, size = written+paper.written, size+paper.bytes
				most = max(most, paper.most)
				if len(paper.richest) > len(richest) {
					richest = paper.richest
				}
			})
		})
	}
	if written == 0 {
		t.Fatal("nothing was stored")
	}
	t.Logf("%d versions, %d bytes on average, %d at most", written, size/written, most)
	if name := filepath.Join("testdata", "call", "v1.json"); *update {
		if _, err := os.Stat(name); os.IsNotExist(err) { // what is there is never rewritten
			if err := os.WriteFile(name, append(richest, '\n'), 0o666); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// drive lets a customer call in, does random things, and ends the call.
func drive(t *testing.T, s *shop, rnd *rand.Rand) {
	customer := s.srv.Dial(caller, hotline, map[string]string{"Account": "42"})
	after(8 * time.Second)
	faults := rnd.IntN(3) // none, some, some
	var mu sync.Mutex     // of rnd in faults
	chaos := rand.New(rand.NewPCG(rnd.Uint64(), 2))
	one := func(n int) bool {
		mu.Lock()
		defer mu.Unlock()
		return faults > 0 && chaos.IntN(n) == 0
	}
	s.srv.FailFunc(func(plivotest.Request) *plivotest.Failure {
		switch {
		case one(12):
			return &plivotest.Failure{Status: 500}
		case one(16):
			return &plivotest.Failure{CutAfter: true}
		case one(16):
			return &plivotest.Failure{CutBefore: true}
		case one(20):
			return &plivotest.Failure{CutBefore: true, LateEffect: 10 * time.Second}
		}
		return nil
	})
	s.srv.CallbackFunc(func(c plivotest.Callback) *plivotest.CallbackFault {
		if c.Kind != "answer" && one(8) {
			return &plivotest.CallbackFault{Drop: true}
		}
		return nil
	})
	id := s.id(customer)
	sups := []coaching.Supervisor{{ID: "lee", Address: lee, Name: "Lee", ConfirmKey: ""}, supMia}
	for range 12 {
		ctx, cancel := context.WithTimeout(coaching.WithActor(t.Context(), coaching.Actor{ID: "boss", Role: "lead"}), time.Duration(1+rnd.IntN(20))*time.Second)
		sup := sups[rnd.IntN(len(sups))]
		var err error
		switch rnd.IntN(14) {
		case 0, 1:
			_, err = s.flow.AddSupervisor(ctx, id, sup, &coaching.JoinOptions{NoWait: rnd.IntN(2) == 0})
		case 2:
			_, err = s.flow.Barge(ctx, id, sup, &coaching.JoinOptions{Mode: coaching.ModeMonitor})
		case 3, 4:
			_, err = s.flow.TakeOver(ctx, id, sup, &coaching.TakeOverOptions{Agent: coaching.AgentPart(rnd.IntN(4))})
		case 5:
			_, err = s.flow.HandBack(ctx, id, sup.ID, nil)
		case 6:
			err = s.flow.SetMode(ctx, id, sup.ID, coaching.CoachMode(1+rnd.IntN(2)))
		case 7:
			err = s.flow.Leave(ctx, id, sup.ID)
		case 8:
			_, err = s.flow.Ticket(ctx, id, sup, &coaching.TicketOptions{TakeOver: true, Agent: coaching.AgentHold})
		case 9:
			err = s.flow.Transfer(ctx, id, coaching.Next{Ring: []coaching.Agent{agentBob}})
		case 10, 11:
			if a, ok := s.book(id).Agent("ann"); ok {
				if rnd.IntN(2) == 0 {
					err = s.flow.Hold(ctx, id, a.Member)
				} else {
					err = s.flow.Mute(ctx, id, a.Member)
				}
			}
		case 12:
			if l := s.leg(sup.Address); l != nil {
				l.Hangup()
			}
		case 13:
			after(time.Duration(rnd.IntN(60)) * time.Second)
		}
		cancel()
		if errors.Is(err, coaching.ErrInvalid) {
			t.Errorf("a verb = %v", err)
		}
	}
	mu.Lock()
	faults = 0
	mu.Unlock()
	if rnd.IntN(2) == 0 {
		customer.Hangup()
	} else if err := s.flow.End(t.Context(), id, nil); err != nil && !errors.Is(err, coaching.ErrCallEnded) {
		t.Logf("End = %v", err)
	}
	after(5 * time.Minute)
	if c := s.book(id); c.State != coaching.StateEnded || c.Live() {
		t.Errorf("five minutes after its end: state %v, live %v, due %v", c.State, c.Live(), c.Due())
	}
}

// TestPublicViewInTheFlow looks at what a host shows to a browser.
func TestPublicViewInTheFlow(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := open(t, nil)
		_, _, id := s.connected()
		ticket, err := s.flow.Ticket(t.Context(), id, supLee, nil)
		if err != nil {
			t.Fatal(err)
		}
		doc, err := coaching.EncodeCall(s.book(id))
		if err != nil {
			t.Fatal(err)
		}
		if secret := string(ticket.Value)[len(id):]; strings.Contains(string(doc), secret) {
			t.Error("the document has the ticket in the clear")
		}
	})
}
