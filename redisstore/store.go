package redisstore

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/mpc-coaching/coaching"
	"github.com/mpc-coaching/coaching/internal/follow"
)

// A Store is a [coaching.Store] and a [coaching.Watcher] in Redis. It is safe
// for concurrent use. It needs no closing: only while somebody ranges over
// Changes, and half a second longer, it has a goroutine and a connection that
// waits for changes.
type Store struct {
	cfg  Config
	c    redis.UniversalClient
	keys keys
	feed *follow.Feed
}

// Get implements [coaching.Store].
func (s *Store) Get(ctx context.Context, id coaching.CallID) (coaching.Call, error) {
	if err := ctx.Err(); err != nil {
		return coaching.Call{}, err
	}
	bound, cancel := context.WithTimeout(ctx, s.cfg.Timeout)
	defer cancel()
	e, err := entry(id, s.c.HMGet(bound, s.keys.call+string(id), "v", "d"))
	switch {
	case err != nil:
		return coaching.Call{}, failed(ctx, "Get", err)
	case e.Doc == nil:
		return coaching.Call{}, coaching.ErrNotFound
	}
	c, err := coaching.DecodeCall(e.Doc)
	if err != nil {
		return coaching.Call{}, fmt.Errorf("redisstore: Get: %w", err)
	}
	c.Version = e.Version
	return c, nil
}

// entry reads a call's hash; without a document there is none.
func entry(id coaching.CallID, cmd *redis.SliceCmd) (follow.Entry, error) {
	fields, err := cmd.Result()
	if err != nil {
		return follow.Entry{}, err
	}
	if len(fields) != 2 {
		return follow.Entry{}, errors.New("a call has not two fields")
	}
	version, ok := fields[0].(string)
	doc, has := fields[1].(string)
	if !ok || !has {
		return follow.Entry{}, nil
	}
	n, err := strconv.ParseUint(version, 10, 64)
	return follow.Entry{Pos: n, ID: id, Version: n, Doc: []byte(doc)}, err
}

// failed wraps an error of Redis; the context's, if it has ended, comes first.
func failed(ctx context.Context, op string, err error) error {
	if cerr := ctx.Err(); cerr != nil {
		return cerr
	}
	if errors.Is(err, context.DeadlineExceeded) { // ours, not the caller's
		err = errors.New("no answer from Redis in time")
	}
	return fmt.Errorf("redisstore: %s: %w", op, err)
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
	live, keep := "0", int64(0)
	switch {
	case c.Live():
		live = "1"
	case !c.Expires.IsZero():
		// Counted by the server from now: its clock need not be ours. One for
		// our part of a millisecond, one for the server's.
		keep = max(1, time.Until(c.Expires).Milliseconds()+2)
	}
	keys := []string{s.keys.call + string(c.ID), s.keys.live, s.keys.feed, s.keys.meta}
	answer, err := s.write(ctx, keys, string(c.ID), strconv.FormatUint(c.Version, 10), doc, live, keep, rand.Text()[:16], s.cfg.FeedLength)
	switch {
	case err != nil:
		return coaching.Call{}, failed(ctx, "Put", err)
	case answer == "conflict":
		return coaching.Call{}, coaching.ErrConflict
	case answer == "overtaken":
		return coaching.Call{}, errors.New("redisstore: Put: it has happened, and another since, while there was no answer")
	}
	if c.Version, err = strconv.ParseUint(answer, 10, 64); err != nil {
		return coaching.Call{}, fmt.Errorf("redisstore: Put: %w", err)
	}
	return c, nil
}

// write runs the script put, and waits for replicas if it is to.
func (s *Store) write(ctx context.Context, keys []string, args ...any) (string, error) {
	bound, cancel := context.WithTimeout(ctx, s.cfg.Timeout)
	defer cancel()
	if s.cfg.Replicas == 0 {
		return put.Run(bound, s.c, keys, args...).Text()
	}
	node, err := s.node(bound)
	if err != nil {
		return "", err
	}
	// Both in one pipeline, which goes over one connection: WAIT is about the
	// writes of its own. By EVAL, since EVALSHA could fail and be waited for.
	var ran, had *redis.Cmd
	_, _ = node.Pipelined(bound, func(p redis.Pipeliner) error { // whose error is one of those below
		ran = put.Eval(bound, p, keys, args...)
		had = p.Do(bound, "WAIT", s.cfg.Replicas, (s.cfg.Timeout * 3 / 4).Milliseconds())
		return nil
	})
	answer, err := ran.Text()
	if err != nil || answer == "conflict" {
		return answer, err
	}
	if n, err := had.Int64(); err != nil || n < int64(s.cfg.Replicas) {
		return "", fmt.Errorf("it has happened, but only %d of %d replicas have it: %w", n, s.cfg.Replicas, errors.Join(err, errReplicas))
	}
	return answer, nil
}

var errReplicas = errors.New("too few replicas")

// node is the server that has our keys.
func (s *Store) node(ctx context.Context) (*redis.Client, error) {
	switch c := s.c.(type) {
	case *redis.ClusterClient:
		return c.MasterForKey(ctx, s.keys.meta)
	case *redis.Client:
		return c, nil
	}
	return nil, fmt.Errorf("a %T: %w", s.c, coaching.ErrInvalid)
}

// Live implements [coaching.Store].
func (s *Store) Live(ctx context.Context) iter.Seq2[coaching.Call, error] {
	return func(yield func(coaching.Call, error) bool) {
		if err := s.listLive(ctx, func(c coaching.Call) bool { return yield(c, nil) }); err != nil {
			yield(coaching.Call{}, failed(ctx, "Live", err))
		}
	}
}

// chunk is how many calls are asked for at once.
const chunk = 64

func (s *Store) listLive(ctx context.Context, tell func(coaching.Call) bool) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	bound, cancel := context.WithTimeout(ctx, s.cfg.Timeout)
	ids, err := s.c.SMembers(bound, s.keys.live).Result()
	cancel()
	if err != nil {
		return err
	}
	slices.Sort(ids)
	for part := range slices.Chunk(ids, chunk) {
		calls, err := s.fetch(ctx, part)
		if err != nil {
			return err
		}
		for _, e := range calls {
			if err := ctx.Err(); err != nil {
				return err
			}
			c, err := coaching.DecodeCall(e.Doc)
			if err != nil || !c.Live() {
				continue // it is a newer instance's, or over by now
			}
			if c.Version = e.Version; !tell(c) {
				return nil
			}
		}
	}
	return ctx.Err()
}

// fetch returns those of the calls that there are.
func (s *Store) fetch(ctx context.Context, ids []string) ([]follow.Entry, error) {
	bound, cancel := context.WithTimeout(ctx, s.cfg.Timeout)
	defer cancel()
	cmds := make([]*redis.SliceCmd, len(ids))
	_, err := s.c.Pipelined(bound, func(p redis.Pipeliner) error {
		for i, id := range ids {
			cmds[i] = p.HMGet(bound, s.keys.call+id, "v", "d")
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	calls := make([]follow.Entry, 0, len(ids))
	for i, cmd := range cmds {
		e, err := entry(coaching.CallID(ids[i]), cmd)
		if err != nil {
			return nil, err
		}
		if e.Doc != nil {
			calls = append(calls, e)
		}
	}
	return calls, nil
}

// Changes implements [coaching.Watcher].
func (s *Store) Changes(ctx context.Context, after coaching.Cursor) iter.Seq2[coaching.Change, error] {
	return s.feed.Changes(ctx, after)
}

// try sees that Redis does all that it will be asked.
func (s *Store) try(ctx context.Context) error {
	bound, cancel := context.WithTimeout(ctx, s.cfg.Timeout)
	defer cancel()
	spare := s.keys.call + "try" // no call's id
	keys := []string{spare, s.keys.meta, s.keys.live, spare + "set", spare + "feed"}
	if err := try.Run(bound, s.c, keys).Err(); err != nil {
		return failed(ctx, "a trial write", err)
	}
	for _, cmd := range []redis.Cmder{
		s.c.HMGet(bound, spare, "v", "d"), s.c.HGet(bound, s.keys.meta, "last"), s.c.SMembers(bound, spare+"set"),
		s.c.XRange(bound, s.keys.feed, "+", "+"),
		s.c.XRead(bound, &redis.XReadArgs{Streams: []string{s.keys.feed, "$"}, Block: time.Millisecond}),
	} {
		if err := cmd.Err(); err != nil && !errors.Is(err, redis.Nil) {
			return failed(ctx, "a trial "+cmd.Name(), err)
		}
	}
	return s.checkMemory(bound)
}

// checkMemory refuses a server that evicts. Where a user may not ask, it is the
// operator's word.
func (s *Store) checkMemory(ctx context.Context) error {
	node, err := s.node(ctx)
	if err != nil {
		return err
	}
	info, err := node.Info(ctx, "memory").Result()
	if err != nil {
		if redis.HasErrorPrefix(err, "NOPERM") {
			return nil
		}
		return err
	}
	said := map[string]string{}
	for line := range strings.Lines(info) {
		if key, value, ok := strings.Cut(strings.TrimSpace(line), ":"); ok {
			said[key] = value
		}
	}
	if policy := said["maxmemory_policy"]; said["maxmemory"] != "0" && policy != "" && policy != "noeviction" {
		return fmt.Errorf("the server's maxmemory-policy is %s, which would drop calls; it must be noeviction: %w", policy, coaching.ErrInvalid)
	}
	return nil
}
