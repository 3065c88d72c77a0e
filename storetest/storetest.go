// Package storetest is what every [coaching.Store] must pass.
//
//	func TestStore(t *testing.T) {
//		storetest.Run(t, func(tb testing.TB) coaching.Store {
//			return openEmptyStore(tb) // closes itself with tb.Cleanup
//		}, nil)
//	}
//
// Each case gets an empty store of its own. A store that is a
// [coaching.Watcher] is tried as one too. Run it with -race. [Benchmark]
// measures what a call costs a store.
package storetest

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/mpc-coaching/coaching"
)

// Options say what a store promises beyond the interface; nil is the zero value.
type Options struct {
	// ForgetsWithin is how long after Expires a call may still be found. 0:
	// the store forgets when it likes, and that is not tried.
	ForgetsWithin time.Duration
	// FeedLength is how many changes the feed remembers at most. A feed that
	// forgets no call's last change may have any, and tells it in place of a
	// Resync. 0: cursors that are too old and readers that are too slow are not
	// tried.
	FeedLength int
	// Patience is how long anything may take. 0: 10 s.
	Patience time.Duration
}

// Run runs every case as a subtest on a store that open returns.
func Run(t *testing.T, open func(testing.TB) coaching.Store, o *Options) {
	s := newSuite(o)
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			store := open(t)
			if reason := s.skips(c, store); reason != "" {
				t.Skip(reason)
			}
			c.run(s, t, store)
		})
	}
}

// tb is what a case needs of a test: little, so that the suite's own tests can
// watch it fail.
type tb interface {
	Helper()
	Context() context.Context
	Errorf(format string, args ...any)
	Fatalf(format string, args ...any) // does not return
}

type suite struct {
	Options
}

func newSuite(o *Options) *suite {
	s := &suite{}
	if o != nil {
		s.Options = *o
	}
	if s.Patience == 0 {
		s.Patience = 10 * time.Second
	}
	return s
}

type testCase struct {
	name  string
	run   func(*suite, tb, coaching.Store)
	needs func(*suite, coaching.Store) string // why it cannot be run; "": it can
}

var cases = []testCase{
	{"MissingKey", (*suite).missingKey, nil},
	{"RoundTrip", (*suite).roundTrip, nil},
	{"LargeCall", (*suite).largeCall, nil},
	{"StaleVersion", (*suite).staleVersion, nil},
	{"CreateConflict", (*suite).createConflict, nil},
	{"VersionsRise", (*suite).versionsRise, nil},
	{"CopiesNotShared", (*suite).copiesNotShared, nil},
	{"LiveListsLiveCalls", (*suite).liveListsLiveCalls, nil},
	{"LiveListsMany", (*suite).liveListsMany, nil},
	{"EndedLeaveLive", (*suite).endedLeaveLive, nil},
	{"LiveLetsWrite", (*suite).liveLetsWrite, nil},
	{"LiveWhileWriting", (*suite).liveWhileWriting, nil},
	{"EndedStayReadable", (*suite).endedStayReadable, nil},
	{"Expiry", (*suite).expiry, func(s *suite, _ coaching.Store) string {
		return unless(s.ForgetsWithin > 0, "Options.ForgetsWithin is 0")
	}},
	{"CancelledContext", (*suite).cancelledContext, nil},
	{"ConcurrentCreates", (*suite).concurrentCreates, nil},
	{"ConcurrentUpdates", (*suite).concurrentUpdates, nil},
	{"NoLostUpdate", (*suite).noLostUpdate, nil},
	{"GetAfterPut", (*suite).getAfterPut, nil},
	{"WatchStartsAtTheCall", (*suite).watchStarts, watches},
	{"WatchTellsTheLast", (*suite).watchTellsTheLast, watches},
	{"WatchTellsEnds", (*suite).watchTellsEnds, watches},
	{"WatchCopiesNotShared", (*suite).watchCopies, watches},
	{"WatchTwice", (*suite).watchTwice, watches},
	{"WatchResumes", (*suite).watchResumes, watches},
	{"WatchUnknownCursor", (*suite).watchUnknownCursor, watches},
	{"WatchOldCursor", (*suite).watchOldCursor, remembers},
	{"WatchSlowReader", (*suite).watchSlowReader, remembers},
	{"WatchEndsWithContext", (*suite).watchEnds, watches},
}

func (s *suite) skips(c testCase, store coaching.Store) string {
	if c.needs == nil {
		return ""
	}
	return c.needs(s, store)
}

func watches(_ *suite, store coaching.Store) string {
	_, ok := store.(coaching.Watcher)
	return unless(ok, "the store is no Watcher")
}

func remembers(s *suite, store coaching.Store) string {
	if reason := watches(s, store); reason != "" {
		return reason
	}
	return unless(s.FeedLength > 0, "Options.FeedLength is 0")
}

func unless(ok bool, reason string) string {
	if ok {
		return ""
	}
	return reason
}

// put stores a call that must be taken, and returns it as stored.
func put(t tb, store coaching.Store, c coaching.Call) coaching.Call {
	t.Helper()
	got, err := store.Put(t.Context(), c)
	if err != nil {
		t.Fatalf("Put(%s, version %d) = %v, want nil", c.ID, c.Version, err)
	}
	if got.Version <= c.Version {
		t.Fatalf("Put(%s, version %d) = version %d, want a higher one", c.ID, c.Version, got.Version)
	}
	return got
}

// get returns a call that must be there.
func get(t tb, store coaching.Store, id coaching.CallID) coaching.Call {
	t.Helper()
	c, err := store.Get(t.Context(), id)
	if err != nil {
		t.Fatalf("Get(%s) = %v, want nil", id, err)
	}
	return c
}

// refused checks that a Put fails for that reason.
func refused(t tb, store coaching.Store, c coaching.Call, want error) {
	t.Helper()
	if _, err := store.Put(t.Context(), c); !errors.Is(err, want) {
		t.Errorf("Put(%s, version %d) = %v, want %v", c.ID, c.Version, err, want)
	}
}

// same checks that two calls are the same, what a host cannot see included.
func same(t tb, what string, got, want coaching.Call) {
	t.Helper()
	if g, w := document(t, got), document(t, want); g != w {
		t.Errorf("%s: got %s\nwant %s", what, g, w)
	}
	if got.Version != want.Version {
		t.Errorf("%s: version %d, want %d", what, got.Version, want.Version)
	}
}

func document(t tb, c coaching.Call) string {
	t.Helper()
	doc, err := coaching.EncodeCall(c)
	if err != nil {
		t.Fatalf("EncodeCall(%s) = %v", c.ID, err)
	}
	return string(doc)
}

// within runs f, which must return in time.
func (s *suite) within(t tb, what string, f func()) {
	t.Helper()
	done := make(chan struct{})
	go func() {
		defer close(done)
		f()
	}()
	timer := time.NewTimer(s.Patience)
	defer timer.Stop()
	select {
	case <-done:
	case <-timer.C:
		t.Fatalf("%s takes more than %v", what, s.Patience)
	}
}
