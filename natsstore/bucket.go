package natsstore

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/mpc-coaching/coaching"
)

// config is that of a bucket we make.
//
// Sequences of the bucket are the versions of its calls and the positions of
// its feed. They begin with the microseconds of today: a bucket that had to be
// made again, because its servers lost it, goes on above what it ever had, so
// that versions rise over that too and no cursor of before means anything. They
// stay below 2^53 until the year 2255, so that JavaScript can tell them apart.
func (s *Store) config() jetstream.StreamConfig {
	return jetstream.StreamConfig{
		Name:               s.stream,
		Description:        "calls of package coaching",
		Subjects:           []string{s.space + ">"},
		FirstSeq:           uint64(time.Now().UnixMicro()),
		Replicas:           s.cfg.Replicas,
		Storage:            s.cfg.Storage,
		MaxBytes:           s.cfg.MaxBytes,
		MaxMsgsPerSubject:  1,
		Discard:            jetstream.DiscardNew,
		DenyDelete:         true,
		AllowRollup:        true, // with those before and after it, what a key-value bucket is
		AllowDirect:        true,
		AllowMsgTTL:        true,
		AllowAtomicPublish: true,
	}
}

// check says what is wrong with a bucket that somebody else has made.
func (s *Store) check(c jetstream.StreamConfig) error {
	var bad []string
	want := func(ok bool, what string) {
		if !ok {
			bad = append(bad, what)
		}
	}
	want(len(c.Subjects) == 1 && c.Subjects[0] == s.space+">", "its subjects are not "+s.space+">")
	want(c.MaxMsgsPerSubject == 1, "its history is not 1")
	want(c.MaxAge == 0, "it has a TTL, which would drop live calls")
	want(c.MaxMsgs <= 0 && c.MaxBytes <= 0 || c.Discard == jetstream.DiscardNew, "it has limits and drops what is old")
	want(c.Retention == jetstream.LimitsPolicy, "its retention is not by limits")
	want(c.AllowMsgTTL, "it does not allow TTLs of messages")
	want(c.AllowAtomicPublish, "it does not allow atomic publishing, for which all servers must be 2.12 or later")
	want(c.AllowDirect, "it does not allow direct gets")
	want(c.Mirror == nil && len(c.Sources) == 0, "it copies another")
	if len(bad) > 0 {
		return fmt.Errorf("bucket %s cannot be used: %s: %w", s.cfg.Bucket, strings.Join(bad, "; "), coaching.ErrInvalid)
	}
	return nil
}

// ensure sees that the bucket is there and as it should be, and learns on how
// many servers it is.
func (s *Store) ensure(ctx context.Context) error {
	info, err := s.info(ctx, "")
	if errors.Is(err, errNoStream) {
		if err := s.create(ctx); err != nil {
			return err
		}
		info, err = s.info(ctx, "")
	}
	if err != nil {
		return err
	}
	if err := s.check(info.Config); err != nil {
		return err
	}
	s.replicated.Store(info.Config.Replicas > 1)
	return nil
}

func (s *Store) create(ctx context.Context) error {
	req, err := json.Marshal(s.config())
	if err != nil {
		return err
	}
	m, err := s.request(ctx, "$JS.API.STREAM.CREATE."+s.stream, req)
	if err != nil {
		return err
	}
	var reply struct {
		Error *apiError `json:"error"`
	}
	if err := json.Unmarshal(m.Data, &reply); err != nil {
		return err
	}
	switch {
	case reply.Error == nil:
		return nil
	case reply.Error.ErrCode == 10058: // another instance has just made it
		return nil
	}
	return fmt.Errorf("bucket %s cannot be made: %w", s.cfg.Bucket, reply.Error)
}

// streamInfo is what is used of an answer about the bucket.
type streamInfo struct {
	Config  jetstream.StreamConfig `json:"config"`
	Created time.Time              `json:"created"`
	State   struct {
		LastSeq  uint64            `json:"last_seq"`
		Subjects map[string]uint64 `json:"subjects"`
	} `json:"state"`
	Total int       `json:"total"`
	Error *apiError `json:"error"`
}

// info asks the leader about the bucket, and for the subjects that match a
// filter, if it is not empty.
func (s *Store) info(ctx context.Context, filter string) (*streamInfo, error) {
	var all *streamInfo
	for {
		ask := struct {
			Filter string `json:"subjects_filter,omitempty"`
			Offset int    `json:"offset,omitempty"`
		}{Filter: filter}
		if all != nil {
			ask.Offset = len(all.State.Subjects)
		}
		body, err := json.Marshal(ask)
		if err != nil {
			return nil, err
		}
		m, err := s.ask(ctx, "$JS.API.STREAM.INFO."+s.stream, body)
		if err != nil {
			return nil, err
		}
		var page streamInfo
		if err := json.Unmarshal(m.Data, &page); err != nil {
			return nil, err
		}
		switch {
		case page.Error == nil:
		case page.Error.ErrCode == 10059:
			return nil, errNoStream
		default:
			return nil, page.Error
		}
		if all == nil {
			all = &page
		} else {
			for subject, n := range page.State.Subjects {
				all.State.Subjects[subject] = n
			}
		}
		if len(page.State.Subjects) == 0 || len(all.State.Subjects) >= page.Total {
			return all, nil
		}
	}
}
