package coaching

import (
	"container/heap"
	"context"
	"iter"
	"slices"
	"sync"
	"time"
)

// A Store keeps calls. Implementations are safe for concurrent use, honour the
// context, pass storetest.Run, and share no memory with their callers: what
// Put was given and what Get, Live and Changes gave out may be changed by
// whoever has it. Adapters keep what [EncodeCall] makes of a Call.
//
// A document that [DecodeCall] refuses with [ErrSchema] belongs to a newer
// instance: Get returns the error, Live and Changes leave the call out.
type Store interface {
	// Get returns a call. It is linearizable: it shows every Put that
	// returned before it began. Its error wraps ErrNotFound where there is none.
	Get(ctx context.Context, id CallID) (Call, error)
	// Put stores c if the stored Version is c.Version (0: no such call may
	// exist) and returns it with its new, higher Version; what it returns may
	// share memory with c. Its error wraps ErrConflict where the versions
	// differ; after any other error the write may have happened. A call that
	// is not Live and whose Expires is not zero may be forgotten then, and
	// not before; once it is, it may be created again.
	Put(ctx context.Context, c Call) (Call, error)
	// Live yields the calls for which Call.Live is true, each once and in any
	// order; its cost grows with them alone. A call that is live from before
	// Live is called until after it has ended is yielded; changes made
	// meanwhile may or may not show. An error, such as ctx's, is yielded last.
	Live(ctx context.Context) iter.Seq2[Call, error]
}

// MemoryStore is a [Store] and a [Watcher] in memory, for one process. It
// forgets everything when the process ends: live calls are then found again
// by the sweep. A live call costs some 8 KiB; ended calls are forgotten when
// they expire, as later ones are put.
type MemoryStore struct {
	mu    sync.Mutex
	calls map[CallID]*Call // what they point to is never written again
	live  map[CallID]struct{}
	ended expiries
	floor uint64 // highest version of a call that was forgotten: should it come again, its versions rise
	feed  feed
}

// NewMemoryStore returns an empty MemoryStore.
func NewMemoryStore() *MemoryStore {
	s := &MemoryStore{calls: map[CallID]*Call{}, live: map[CallID]struct{}{}}
	s.feed.init()
	return s
}

// Get implements [Store].
func (s *MemoryStore) Get(ctx context.Context, id CallID) (Call, error) {
	c, err := s.lend(ctx, id)
	if err != nil {
		return Call{}, err
	}
	return c.clone(), nil
}

// lend is Get without the copy, for commit, which does not write to it. What is
// stored is never written again, so this needs no lock.
func (s *MemoryStore) lend(ctx context.Context, id CallID) (Call, error) {
	if err := ctx.Err(); err != nil {
		return Call{}, err
	}
	c := s.look(id)
	if c == nil || expired(c, time.Now()) {
		return Call{}, ErrNotFound
	}
	return *c, nil
}

func (s *MemoryStore) look(id CallID) *Call {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.calls[id]
}

func expired(c *Call, now time.Time) bool {
	return !c.Expires.IsZero() && !now.Before(c.Expires) && !c.Live()
}

// Put implements [Store].
func (s *MemoryStore) Put(ctx context.Context, c Call) (Call, error) {
	own, err := s.keep(ctx, c.clone())
	if err != nil {
		return Call{}, err
	}
	c.Version = own.Version
	return c, nil
}

// keep is Put without the copy, for commit: c and what is returned belong to
// the store, and nobody writes to them any more.
func (s *MemoryStore) keep(ctx context.Context, own Call) (Call, error) {
	if err := ctx.Err(); err != nil {
		return Call{}, err
	}
	live, now := own.Live(), time.Now()
	s.mu.Lock()
	defer s.mu.Unlock()
	old := s.calls[own.ID]
	if old != nil && expired(old, now) {
		s.floor = max(s.floor, old.Version)
		old = nil
	}
	var version uint64
	if old != nil {
		version = old.Version
	}
	if version != own.Version {
		return Call{}, ErrConflict
	}
	own.Version = version + 1
	if version == 0 {
		own.Version += s.floor
	}
	s.calls[own.ID] = &own
	if live {
		s.live[own.ID] = struct{}{}
	} else {
		delete(s.live, own.ID)
		if !own.Expires.IsZero() && (old == nil || old.Live() || !old.Expires.Equal(own.Expires)) {
			heap.Push(&s.ended, expiry{own.Expires, own.ID})
		}
	}
	s.forget(now)
	s.feed.publish(own.ID, own.Version)
	return own, nil
}

// forget drops calls that have expired. Each Put adds one expiry at most and
// takes away up to four, so memory stays bounded without a goroutine, and no
// Put has to pay for many.
func (s *MemoryStore) forget(now time.Time) {
	for range 4 {
		if len(s.ended) == 0 || now.Before(s.ended[0].at) {
			return
		}
		id := heap.Pop(&s.ended).(expiry).id
		if c := s.calls[id]; c != nil && expired(c, now) { // else it lives again, or expires later: another entry says when
			s.floor = max(s.floor, c.Version)
			delete(s.calls, id)
		}
	}
}

// Live implements [Store]; it yields in order of CallID.
func (s *MemoryStore) Live(ctx context.Context) iter.Seq2[Call, error] {
	return func(yield func(Call, error) bool) {
		s.mu.Lock()
		ids := make([]CallID, 0, len(s.live))
		for id := range s.live {
			ids = append(ids, id)
		}
		s.mu.Unlock()
		slices.Sort(ids)
		for _, id := range ids {
			if ctx.Err() != nil {
				break
			}
			if c := s.look(id); c != nil && c.Live() && !yield(c.clone(), nil) {
				return
			}
		}
		if err := ctx.Err(); err != nil {
			yield(Call{}, err)
		}
	}
}

// Changes implements [Watcher].
func (s *MemoryStore) Changes(ctx context.Context, after Cursor) iter.Seq2[Change, error] {
	return s.feed.changes(ctx, after, func(id CallID, version uint64) (Call, bool) {
		c := s.look(id)
		if c == nil || c.Version != version { // a later change is in the feed
			return Call{}, false
		}
		return c.clone(), true
	})
}

// An expiry is when an ended call may be forgotten.
type expiry struct {
	at time.Time
	id CallID
}

type expiries []expiry

func (e expiries) Len() int           { return len(e) }
func (e expiries) Less(i, j int) bool { return e[i].at.Before(e[j].at) }
func (e expiries) Swap(i, j int)      { e[i], e[j] = e[j], e[i] }
func (e *expiries) Push(x any)        { *e = append(*e, x.(expiry)) }
func (e *expiries) Pop() any {
	old := *e
	x := old[len(old)-1]
	old[len(old)-1] = expiry{}
	*e = old[:len(old)-1]
	return x
}
