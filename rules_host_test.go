package coaching_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/mpc-coaching/coaching"
	"github.com/mpc-coaching/coaching/plivotest"
)

// R19: host code may panic, stall or fail.

// trouble is what host code does to us, by name.
var trouble = map[string]func(context.Context) error{
	"panics": func(context.Context) error { panic("host code") },
	"fails":  func(context.Context) error { return errors.New("host code") },
	"stalls": func(context.Context) error { time.Sleep(20 * time.Second); return nil }, // ignores its context
}

// A Route in trouble counts as Wait 5 s: the customer keeps the music and is
// asked about again. Other customers do not notice.
func TestR19Route(t *testing.T) {
	for name, bad := range trouble {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				var mu sync.Mutex
				asked := map[coaching.CallID][]time.Time{}
				panics, sick := 0, coaching.CallID("")
				s := open(t, nil, func(cfg *coaching.Config) {
					cfg.RouteTimeout = 2 * time.Second
					cfg.Observer = observerFunc(func(r coaching.Record) {
						mu.Lock()
						defer mu.Unlock()
						if r.Kind == coaching.RecordPanic {
							panics += r.Count
						}
					})
					cfg.Route = func(ctx context.Context, c coaching.Call) (coaching.Next, error) {
						mu.Lock()
						asked[c.ID] = append(asked[c.ID], time.Now())
						if sick == "" {
							sick = c.ID
						}
						n, first := len(asked[c.ID]), sick == c.ID
						mu.Unlock()
						if first && n <= 2 {
							if err := bad(ctx); err != nil {
								return coaching.Next{}, err
							}
						}
						a := agentAnn
						if !first {
							a = agentBob
						}
						return coaching.Next{Ring: []coaching.Agent{a}}, nil
					}
				})
				one := s.call()
				v := s.watchOver(one)
				after(time.Second)
				two := s.srv.Dial("14155550124", hotline, nil)
				after(5 * time.Second)
				if !s.talks(two, s.leg(bob)) {
					t.Error("the second customer waits for the first one's Route")
				}
				s.eventually("the first is served", func() bool { return s.talks(one, s.leg(ann)) })
				after(30 * time.Second)
				mu.Lock()
				defer mu.Unlock()
				times := asked[s.id(one)]
				if len(times) != 3 {
					t.Fatalf("Route was asked %d times, want 3", len(times))
				}
				for k := range times[1:] {
					if d := times[k+1].Sub(times[k]); d < 5*time.Second || d > 8*time.Second {
						t.Errorf("asked again after %v, want about 5s", d)
					}
				}
				if want := 2; name == "panics" && panics != want {
					t.Errorf("%d panics counted, want %d", panics, want)
				}
				v.atMost(5 * time.Second)
			})
		})
	}
}

// An answer of Route that cannot be carried out is an error too.
func TestR19RouteNonsense(t *testing.T) {
	for name, next := range map[string]coaching.Next{
		"address": {Ring: []coaching.Agent{{ID: "ann", Address: "nowhere"}}},
		"id":      {Ring: []coaching.Agent{{ID: "", Address: ann}}},
		"many":    {Ring: make([]coaching.Agent, 21)},
		"time":    {Ring: []coaching.Agent{agentAnn}, For: time.Hour},
		"data":    {Ring: []coaching.Agent{agentAnn}, Data: map[string]string{"x": string(make([]byte, 5<<10))}},
		"wait":    {Wait: -time.Second},
	} {
		bubble(t, func(t *testing.T) {
			s := open(t, nil, func(cfg *coaching.Config) {
				cfg.Route = func(context.Context, coaching.Call) (coaching.Next, error) { return next, nil }
			})
			c := s.call()
			after(20 * time.Second)
			if got := c.Listening(); got != "wait music" {
				t.Errorf("%s: the customer listens to %q, want wait music", name, got)
			}
			s.dials(name, 0)
		})
	}
}

// Route's data add up to 4 KiB in a call; what is more is left out, and the rest
// of the answer counts.
func TestR19RouteDataAddUp(t *testing.T) {
	bubble(t, func(t *testing.T) {
		asked := 0
		s := open(t, nil, func(cfg *coaching.Config) {
			cfg.Route = func(context.Context, coaching.Call) (coaching.Next, error) {
				asked++
				next := coaching.Next{Wait: time.Second, Data: map[string]string{"latest": fmt.Sprint(asked), fmt.Sprint("asked-", asked): strings.Repeat("x", 1500)}}
				if asked == 5 {
					next = coaching.Next{Ring: []coaching.Agent{agentAnn}, Data: map[string]string{"latest": "5"}}
				}
				return next, nil
			}
		})
		c := s.call()
		s.eventually("customer and agent talk", func() bool { return s.talks(c, s.leg(ann)) })
		data := s.book(s.id(c)).Data
		if got := slices.Sorted(maps.Keys(data)); !slices.Equal(got, []string{"asked-1", "asked-2", "latest"}) || data["latest"] != "5" {
			t.Errorf("Data has %v and the latest is %q, want what fits into 4 KiB and 5", got, data["latest"])
		}
	})
}

// Route waits by its own wish: it is asked again then, and not before.
func TestR19RouteWaits(t *testing.T) {
	bubble(t, func(t *testing.T) {
		var asked []time.Time
		s := open(t, nil, func(cfg *coaching.Config) {
			cfg.Route = func(context.Context, coaching.Call) (coaching.Next, error) {
				if asked = append(asked, time.Now()); len(asked) < 4 {
					return coaching.Next{Wait: 20 * time.Second}, nil
				}
				return coaching.Next{Ring: []coaching.Agent{agentAnn}}, nil
			}
		})
		c := s.call()
		s.eventually("served", func() bool { return s.talks(c, s.leg(ann)) })
		for k := range asked[1:] {
			if d := asked[k+1].Sub(asked[k]); d < 20*time.Second || d > 21*time.Second {
				t.Errorf("asked again after %v, want 20s", d)
			}
		}
	})
}

// Who may not ask for a supervisor does not learn whom Directory knows.
func TestDirectoryIsAskedAfterAuthorize(t *testing.T) {
	bubble(t, func(t *testing.T) {
		asked := 0
		s := open(t, nil, func(cfg *coaching.Config) {
			cfg.Directory = func(context.Context, coaching.SupervisorID) (coaching.Supervisor, error) {
				asked++
				return coaching.Supervisor{}, coaching.ErrNotFound
			}
			cfg.Authorize = func(_ context.Context, r coaching.AccessRequest) error {
				if r.Actor.ID == "eve" {
					return errors.New("no")
				}
				return nil
			}
		})
		_, _, id := s.connected()
		somebody := coaching.Supervisor{ID: "somebody"}
		verbs := map[string]func(context.Context) error{
			"AddSupervisor": func(ctx context.Context) error { _, err := s.flow.AddSupervisor(ctx, id, somebody, nil); return err },
			"Barge":         func(ctx context.Context) error { _, err := s.flow.Barge(ctx, id, somebody, nil); return err },
			"TakeOver":      func(ctx context.Context) error { _, err := s.flow.TakeOver(ctx, id, somebody, nil); return err },
		}
		for name, verb := range verbs {
			asked = 0
			if err := verb(coaching.WithActor(t.Context(), coaching.Actor{ID: "eve"})); !errors.Is(err, coaching.ErrDenied) || asked != 0 {
				t.Errorf("%s(eve) = %v after asking Directory %d times, want ErrDenied and no question", name, err, asked)
			}
			if err := verb(t.Context()); !errors.Is(err, coaching.ErrNotFound) || asked != 1 {
				t.Errorf("%s = %v after asking Directory %d times, want ErrNotFound after one", name, err, asked)
			}
		}
	})
}

// Authorize and Directory in trouble refuse; nothing is dialled.
func TestR19AuthorizeAndDirectory(t *testing.T) {
	for name, bad := range trouble {
		for _, hook := range []string{"Authorize", "Directory"} {
			t.Run(hook+" "+name, func(t *testing.T) {
				bubble(t, func(t *testing.T) {
					var on atomic.Bool
					s := open(t, nil, func(cfg *coaching.Config) {
						cfg.RouteTimeout = 2 * time.Second
						call := func(ctx context.Context) error {
							if on.Load() {
								return bad(ctx)
							}
							return nil
						}
						if hook == "Authorize" {
							cfg.Authorize = func(ctx context.Context, _ coaching.AccessRequest) error { return call(ctx) }
						} else {
							cfg.Directory = func(ctx context.Context, id coaching.SupervisorID) (coaching.Supervisor, error) {
								return supLee, call(ctx)
							}
						}
					})
					_, _, id := s.connected()
					on.Store(true)
					begun := time.Now()
					_, err := s.flow.Barge(t.Context(), id, coaching.Supervisor{ID: "lee"}, nil)
					if hook == "Authorize" {
						_, err = s.flow.Barge(t.Context(), id, supLee, nil)
						if !errors.Is(err, coaching.ErrDenied) {
							t.Errorf("Barge = %v, want ErrDenied", err)
						}
					} else if err == nil {
						t.Error("Barge = nil without a directory")
					}
					if d := time.Since(begun); d > 5*time.Second {
						t.Errorf("the verb took %v", d)
					}
					s.dials("the agent alone", 1)
					on.Store(false)
					if _, err := s.flow.Barge(t.Context(), id, supLee, nil); err != nil {
						t.Errorf("afterwards Barge = %v", err)
					}
					after(30 * time.Second)
				})
			})
		}
	}
}

// Exit in trouble: the customer hears what they would hear without it, before
// Plivo has lost patience with /exit, however long other host code is given.
func TestR19Exit(t *testing.T) {
	for name, bad := range trouble {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				s := open(t, nil, func(cfg *coaching.Config) {
					cfg.Store, cfg.RouteTimeout = balkyStore{coaching.NewMemoryStore(), 5 * time.Millisecond, nil}, time.Minute
					cfg.Route = func(context.Context, coaching.Call) (coaching.Next, error) { return coaching.Next{}, nil }
					cfg.Exit = func(ctx context.Context, _ coaching.Call, why coaching.ExitReason) (coaching.Document, error) {
						return coaching.Document{}, bad(ctx)
					}
				})
				c := s.call()
				v := s.watchOver(c)
				after(40 * time.Second)
				v.atMost(5 * time.Second)
				if !farewell(c) || c.State() != plivotest.Ended {
					t.Errorf("farewell: %v, state %s; want the default farewell and the end", farewell(c), c.State())
				}
			})
		})
	}
}

// Exit is asked with the reason, and its document is what the customer hears.
func TestR19ExitDocument(t *testing.T) {
	bubble(t, func(t *testing.T) {
		var why coaching.ExitReason
		s := open(t, nil, func(cfg *coaching.Config) {
			cfg.Exit = func(_ context.Context, _ coaching.Call, r coaching.ExitReason) (coaching.Document, error) {
				why = r
				return coaching.NewDocument(coaching.Speak{Text: "How did we do?"}, coaching.Hangup{})
			}
		})
		c, _, id := s.connected()
		if err := s.flow.End(t.Context(), id, nil); err != nil {
			t.Fatal(err)
		}
		after(10 * time.Second)
		if why != coaching.ExitHost {
			t.Errorf("Exit was asked with %v, want host", why)
		}
		if all := c.Sounds(); len(all) != 2 || all[1].Name != "How did we do?" {
			t.Errorf("the customer heard %+v, want the survey last", all)
		}
	})
}

// An Observer in trouble delays no call, and gets every record at least once
// when it is well again, in order.
func TestR19Observer(t *testing.T) {
	for name, bad := range trouble {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				var mu sync.Mutex
				ill := true
				var seqs []uint64
				s := open(t, nil, func(cfg *coaching.Config) {
					cfg.Observer = observerFunc(func(r coaching.Record) {
						mu.Lock()
						now := ill
						mu.Unlock()
						if now {
							_ = bad(context.Background())
							return
						}
						mu.Lock()
						defer mu.Unlock()
						if r.Seq > 0 {
							seqs = append(seqs, r.Seq)
						}
					})
				})
				begun := time.Now()
				c, a, id := s.connected()
				if d := time.Since(begun); d > 6*time.Second {
					t.Errorf("connected after %v", d)
				}
				if _, err := s.flow.Barge(t.Context(), id, supLee, nil); err != nil {
					t.Errorf("Barge = %v", err)
				}
				if !s.talks(c, a) {
					t.Error("customer and agent do not talk")
				}
				mu.Lock()
				ill = false
				mu.Unlock()
				after(time.Minute)
				if err := s.flow.End(t.Context(), id, nil); err != nil {
					t.Errorf("End = %v", err)
				}
				after(time.Minute)
				mu.Lock()
				defer mu.Unlock()
				if len(seqs) == 0 {
					t.Fatal("no record arrived after the trouble")
				}
				for k := range seqs[1:] {
					if seqs[k+1] > seqs[k]+1 {
						t.Errorf("records %d and %d: one between is missing", seqs[k], seqs[k+1])
					}
				}
			})
		})
	}
}
