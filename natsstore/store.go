package natsstore

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/mpc-coaching/coaching"
	"github.com/mpc-coaching/coaching/internal/follow"
)

// A Store is a [coaching.Store] and a [coaching.Watcher] in a key-value bucket.
// It is safe for concurrent use. It needs no closing: while nobody ranges over
// Changes it has no goroutine but for barriers under way.
//
// # How a call is kept
//
// A live call is the value of the key live.ID, one that has ended of ended.ID,
// with a TTL until its Expires; so the keys of live calls alone are what Live
// costs. The newer of the two is the call, and its sequence in the bucket is
// its Version. Put compares with the newest sequence under both keys. A live
// call is one write: what its ended key may still have from before is older
// and goes by its TTL. A call that has ended is an atomic batch of two, a
// marker in place of live.ID, which goes after a second, and the document
// behind it: all servers take both or none, and no crash falls between.
type Store struct {
	cfg    Config
	nc     *nats.Conn
	js     jetstream.JetStream
	stream string // of the bucket
	space  string // of its subjects
	feed   *follow.Feed

	replicated atomic.Bool // the bucket is on several servers
	barriers   barriers
}

const (
	liveKeys  = "live."
	endedKeys = "ended."
	barrier   = "barrier" // the key that barriers are written to
)

// Headers of JetStream and of key-value buckets.
const (
	expectedSeqHeader     = "Nats-Expected-Last-Subject-Sequence"
	expectedSubjectHeader = "Nats-Expected-Last-Subject-Sequence-Subject"
	ttlHeader             = "Nats-TTL"
	batchHeader           = "Nats-Batch-Id"
	batchSeqHeader        = "Nats-Batch-Sequence"
	batchCommitHeader     = "Nats-Batch-Commit"
	operationHeader       = "KV-Operation"
)

// Get implements [coaching.Store].
func (s *Store) Get(ctx context.Context, id coaching.CallID) (coaching.Call, error) {
	if err := ctx.Err(); err != nil {
		return coaching.Call{}, err
	}
	if !validID(id) {
		return coaching.Call{}, coaching.ErrNotFound
	}
	v, err := s.look(ctx, id)
	switch {
	case err != nil:
		return coaching.Call{}, fmt.Errorf("natsstore: Get: %w", err)
	case v.doc == nil:
		return coaching.Call{}, coaching.ErrNotFound
	}
	c, err := coaching.DecodeCall(v.doc)
	if err != nil {
		return coaching.Call{}, fmt.Errorf("natsstore: Get: %w", err)
	}
	c.Version = v.seq
	return c, nil
}

// validID keeps wildcards out of subjects; what is no id was never stored.
func validID(id coaching.CallID) bool {
	for _, r := range id {
		if (r < '0' || r > '9') && (r < 'A' || r > 'Z') && (r < 'a' || r > 'z') {
			return false
		}
	}
	return len(id) >= 16 && len(id) <= 64
}

// Put implements [coaching.Store].
func (s *Store) Put(ctx context.Context, c coaching.Call) (coaching.Call, error) {
	if err := ctx.Err(); err != nil {
		return coaching.Call{}, err
	}
	doc, err := coaching.EncodeCall(c)
	if err != nil {
		return coaching.Call{}, err
	}
	seq, err := s.write(ctx, c, doc, c.Version)
	if errors.Is(err, coaching.ErrConflict) && c.Version == 0 {
		// Of a call that is forgotten its marker may be left, for a second.
		v, lerr := s.look(ctx, c.ID)
		if lerr == nil && v.doc == nil && v.seq > 0 {
			seq, err = s.write(ctx, c, doc, v.seq)
		}
	}
	switch {
	case errors.Is(err, coaching.ErrConflict):
		return coaching.Call{}, coaching.ErrConflict
	case err != nil:
		return coaching.Call{}, fmt.Errorf("natsstore: Put: %w", err)
	}
	c.Version = seq
	return c, nil
}

// write stores a document if the newest sequence under the call's keys is the
// one expected, and returns its own.
func (s *Store) write(ctx context.Context, c coaching.Call, doc []byte, expected uint64) (uint64, error) {
	m := nats.NewMsg(s.space + liveKeys + string(c.ID))
	m.Data = doc
	m.Header.Set(expectedSeqHeader, strconv.FormatUint(expected, 10))
	m.Header.Set(expectedSubjectHeader, s.space+"*."+string(c.ID))
	var marker *nats.Msg // goes before it
	if !c.Live() {
		marker = nats.NewMsg(m.Subject)
		marker.Header.Set(operationHeader, "DEL")
		marker.Header.Set(ttlHeader, "1s")
		marker.Header.Set(batchSeqHeader, "1")
		m.Subject = s.space + endedKeys + string(c.ID)
		m.Header.Set(batchSeqHeader, "2")
		m.Header.Set(batchCommitHeader, "1")
		if !c.Expires.IsZero() {
			// Counted from when a server takes it, in whole seconds: never too early.
			ttl := max(time.Second, (time.Until(c.Expires) + time.Second - 1).Truncate(time.Second))
			m.Header.Set(ttlHeader, ttl.String())
		}
	}
	bound, cancel := context.WithTimeout(ctx, s.cfg.Timeout)
	defer cancel()
	for wait := time.Millisecond; ; wait = min(2*wait, 100*time.Millisecond) {
		if marker != nil {
			batch := rand.Text()
			marker.Header.Set(batchHeader, batch)
			m.Header.Set(batchHeader, batch)
			if !s.nc.IsConnected() {
				return 0, errOffline
			}
			if err := s.nc.PublishMsg(marker); err != nil {
				return 0, err
			}
		}
		seq, err := s.publish(ctx, m)
		if !refused(err) || !pause(bound, wait) {
			return seq, err
		}
	}
}

// refused reports whether a write was not looked at and may be tried again:
// another to the same call is under way, or was done just now (10164); the
// leader has taken over and knows only the second half (10176); there are too
// many batches (10210).
func refused(err error) bool {
	var api *apiError
	return errors.As(err, &api) && (api.ErrCode == 10164 || api.ErrCode == 10176 || api.ErrCode == 10210)
}

// publish sends a message to the bucket and returns its sequence there. What
// nobody takes may mean that the bucket is gone: then it is made again.
func (s *Store) publish(ctx context.Context, m *nats.Msg) (uint64, error) {
	reply, err := s.requestMsg(ctx, m)
	if err != nil {
		return 0, s.restore(ctx, err)
	}
	return sequence(reply)
}

// sequence returns that which a message got, or why it was refused.
func sequence(reply *nats.Msg) (uint64, error) {
	var ack struct {
		Seq   uint64    `json:"seq"`
		Error *apiError `json:"error"`
	}
	if err := json.Unmarshal(reply.Data, &ack); err != nil {
		return 0, err
	}
	switch {
	case ack.Error == nil && ack.Seq > 0:
		return ack.Seq, nil
	case ack.Error == nil:
		return 0, errors.New("the answer to a write has no sequence")
	case ack.Error.ErrCode == 10071:
		return 0, coaching.ErrConflict
	}
	return 0, ack.Error
}

// restore makes the bucket again where that is why a request has failed, so
// that trying it again will do.
func (s *Store) restore(ctx context.Context, err error) error {
	if errors.Is(err, errNobody) {
		if e := s.ensure(ctx); e != nil {
			return e
		}
	}
	return err
}

// Changes implements [coaching.Watcher]. What is told are the newest versions,
// so that no cursor of this bucket is ever too old: a Resync comes where it was
// made again, or where changes may have been lost with a server.
func (s *Store) Changes(ctx context.Context, after coaching.Cursor) iter.Seq2[coaching.Change, error] {
	return s.feed.Changes(ctx, after)
}
