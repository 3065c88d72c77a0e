package redisstore

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/mpc-coaching/coaching/internal/follow"
)

// A changeLog is the stream of changes as a log.
type changeLog Store

func (l *changeLog) store() *Store { return (*Store)(l) }

// epoch is that of every log: entries name the one before them, and positions
// are never used twice, so a lost log shows without.
const epoch = "r"

// Tip implements [follow.Log].
func (l *changeLog) Tip(ctx context.Context) (follow.Place, error) {
	if err := ctx.Err(); err != nil {
		return follow.Place{}, err
	}
	bound, cancel := context.WithTimeout(ctx, l.cfg.Timeout)
	defer cancel()
	last, err := l.c.HGet(bound, l.keys.meta, "last").Uint64()
	if err != nil && !errors.Is(err, redis.Nil) {
		return follow.Place{}, failed(ctx, "Changes", err)
	}
	return follow.Place{Epoch: epoch, Pos: last}, nil
}

// Final implements [follow.Log].
func (l *changeLog) Final(err error) bool {
	return errors.Is(err, redis.ErrClosed) || redis.HasErrorPrefix(err, "NOPERM") ||
		redis.HasErrorPrefix(err, "NOAUTH") || redis.HasErrorPrefix(err, "WRONGPASS")
}

const page = 128

// Page implements [follow.Log].
func (l *changeLog) Page(ctx context.Context, after follow.Place) ([]follow.Entry, uint64, error) {
	if after.Epoch != epoch {
		return nil, 0, follow.ErrGap
	}
	tip, err := l.Tip(ctx)
	if err != nil {
		return nil, 0, err
	}
	if tip.Pos == after.Pos {
		return nil, after.Pos, nil
	}
	bound, cancel := context.WithTimeout(ctx, l.cfg.Timeout)
	defer cancel()
	messages, err := l.c.XRangeN(bound, l.keys.feed, strconv.FormatUint(after.Pos, 10)+"-1", "+", page).Result()
	if err != nil {
		return nil, 0, failed(ctx, "Changes", err)
	}
	if len(messages) == 0 { // though there is a last one
		return nil, 0, follow.ErrGap
	}
	return l.entries(ctx, after.Pos, messages)
}

// entries returns the calls that were changed, as they are now, and the
// position of the last message. Of a call that has changed again since there is
// another message, now or later.
func (l *changeLog) entries(ctx context.Context, after uint64, messages []redis.XMessage) ([]follow.Entry, uint64, error) {
	newest := map[string]uint64{} // by id
	for _, m := range messages {
		id, _ := m.Values["id"].(string)
		before, _ := m.Values["after"].(string)
		pos, _, _ := strings.Cut(m.ID, "-")
		n, err := strconv.ParseUint(pos, 10, 64)
		if err != nil || id == "" {
			return nil, 0, fmt.Errorf("redisstore: Changes: message %q is none of ours", m.ID)
		}
		if before != strconv.FormatUint(after, 10) {
			return nil, 0, follow.ErrGap
		}
		newest[id], after = n, n
	}
	ids := make([]string, 0, len(newest))
	for _, m := range messages { // in order of the newest
		if id := m.Values["id"].(string); m.ID == strconv.FormatUint(newest[id], 10)+"-0" {
			ids = append(ids, id)
		}
	}
	calls, err := l.store().fetch(ctx, ids)
	if err != nil {
		return nil, 0, failed(ctx, "Changes", err)
	}
	entries := calls[:0]
	for _, e := range calls {
		if e.Version == newest[string(e.ID)] {
			entries = append(entries, e)
		}
	}
	return entries, after, nil
}

// block is how long Redis holds a request for changes.
const block = 500 * time.Millisecond

// Tail implements [follow.Log].
func (l *changeLog) Tail(ctx context.Context, after follow.Place, emit func(follow.Entry)) error {
	if after.Epoch != epoch {
		return follow.ErrGap
	}
	missing := false
	for pos := after.Pos; ctx.Err() == nil; {
		streams, err := l.c.XRead(ctx, &redis.XReadArgs{
			Streams: []string{l.keys.feed, strconv.FormatUint(pos, 10) + "-0"}, Count: page, Block: block,
		}).Result()
		switch {
		case errors.Is(err, redis.Nil):
			tip, err := l.Tip(ctx)
			if err != nil {
				return err
			}
			// What the last one comes after must show with the next request.
			if tip.Pos < pos || tip.Pos > pos && missing {
				return follow.ErrGap
			}
			missing = tip.Pos > pos
			continue
		case err != nil:
			return failed(ctx, "Changes", err)
		case len(streams) != 1:
			return errors.New("redisstore: Changes: Redis answers for other streams")
		}
		missing = false
		entries, upTo, err := l.entries(ctx, pos, streams[0].Messages)
		if err != nil {
			return err
		}
		for _, e := range entries {
			emit(e)
		}
		pos = upTo
	}
	return ctx.Err()
}
