package coaching

import (
	"context"
	"iter"
	"slices"
	"strings"
	"sync"
	"time"
)

// A Store keeps calls. Implementations are safe for concurrent use, share no
// memory with their arguments or results, honour the context, and pass
// storetest.Run. Adapters keep what [EncodeCall] makes of a Call.
type Store interface {
	// Get returns a call. It is linearizable: it shows every Put that
	// returned before it began. Its error wraps ErrNotFound where there is none.
	Get(ctx context.Context, id CallID) (Call, error)
	// Put stores c if the stored Version is c.Version (0: no such call may
	// exist) and returns it with its new, higher Version. Its error wraps
	// ErrConflict where the versions differ; after any other error the write
	// may have happened. A call whose Expires is not zero may be forgotten then.
	Put(ctx context.Context, c Call) (Call, error)
	// Live yields the calls for which Call.Live is true, in any order; its cost
	// grows with them alone. Changes made meanwhile may or may not show.
	Live(ctx context.Context) iter.Seq2[Call, error]
}

// MemoryStore is a [Store] and a [Watcher] in memory, for one process. It
// forgets everything when the process ends: live calls are then found again
// by the sweep.
type MemoryStore struct {
	mu    sync.Mutex
	calls map[CallID]*Call
	live  map[CallID]struct{}
	ended []CallID // in order of ending, for forgetting
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
	s.mu.Lock()
	c := s.calls[id]
	s.mu.Unlock()
	if c == nil || s.expired(c) {
		return Call{}, ErrNotFound
	}
	return *c, nil
}

func (s *MemoryStore) expired(c *Call) bool {
	return !c.Expires.IsZero() && !c.Live() && !time.Now().Before(c.Expires)
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
	s.mu.Lock()
	defer s.mu.Unlock()
	old := s.calls[own.ID]
	if old != nil && s.expired(old) {
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
	s.calls[own.ID] = &own
	if own.Live() {
		s.live[own.ID] = struct{}{}
	} else {
		delete(s.live, own.ID)
		if !own.Expires.IsZero() {
			s.ended = append(s.ended, own.ID)
		}
	}
	s.forget()
	s.feed.publish(own.ID, own.Version)
	return own, nil
}

// forget drops expired calls from the front of the queue: each Put pays for at
// most a few, so that memory stays bounded without a goroutine.
func (s *MemoryStore) forget() {
	for range 4 {
		if len(s.ended) == 0 {
			return
		}
		id := s.ended[0]
		c := s.calls[id]
		if c != nil && !c.Live() && !c.Expires.IsZero() && !s.expired(c) {
			return
		}
		if c != nil && s.expired(c) {
			delete(s.calls, id)
		}
		s.ended = s.ended[1:]
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
		slices.SortFunc(ids, func(a, b CallID) int { return strings.Compare(string(a), string(b)) })
		for _, id := range ids {
			if err := ctx.Err(); err != nil {
				yield(Call{}, err)
				return
			}
			s.mu.Lock()
			c := s.calls[id]
			s.mu.Unlock()
			if c != nil && c.Live() && !yield(c.clone(), nil) {
				return
			}
		}
	}
}

// Changes implements [Watcher].
func (s *MemoryStore) Changes(ctx context.Context, after Cursor) iter.Seq2[Change, error] {
	return s.feed.changes(ctx, after, func(id CallID) (Call, bool) {
		c, err := s.Get(ctx, id)
		return c, err == nil
	})
}
