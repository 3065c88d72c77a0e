package natsstore

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/mpc-coaching/coaching"
	"github.com/mpc-coaching/coaching/internal/follow"
)

// A changeLog is the bucket as the log of its own changes: it has the newest
// version of every call, in the order in which they were stored.
type changeLog Store

func (l *changeLog) store() *Store { return (*Store)(l) }

// Tip implements [follow.Log].
func (l *changeLog) Tip(ctx context.Context) (follow.Place, error) {
	s := l.store()
	info, err := s.info(ctx, "")
	if errors.Is(err, errNoStream) {
		if err = s.ensure(ctx); err == nil {
			info, err = s.info(ctx, "")
		}
	}
	if err != nil {
		return follow.Place{}, fmt.Errorf("natsstore: Changes: %w", err)
	}
	s.replicated.Store(info.Config.Replicas > 1)
	return follow.Place{Epoch: strconv.FormatInt(info.Created.UnixNano(), 36), Pos: info.State.LastSeq}, nil
}

// Final implements [follow.Log].
func (l *changeLog) Final(err error) bool {
	return errors.Is(err, errDenied) || errors.Is(err, coaching.ErrInvalid) || l.nc.IsClosed()
}

const page = 64

// Page implements [follow.Log].
func (l *changeLog) Page(ctx context.Context, after follow.Place) ([]follow.Entry, uint64, error) {
	tip, err := l.since(ctx, after)
	if err != nil {
		return nil, 0, err
	}
	var entries []follow.Entry
	for upTo := after.Pos; len(entries) < page; {
		m, err := l.store().stored(ctx, fmt.Sprintf(`{"seq":%d,"next_by_subj":%q}`, upTo+1, l.space+"*.*"))
		switch {
		case err != nil:
			return nil, 0, err
		case m == nil:
			return entries, max(tip.Pos, upTo), nil
		}
		if upTo = m.Seq; m.doc() != nil {
			entries = append(entries, follow.Entry{Pos: m.Seq, ID: m.id(), Version: m.Seq, Doc: m.doc()})
		}
	}
	return entries, entries[len(entries)-1].Pos, nil
}

// since returns the newest place if that after which to go on is one of this
// bucket, as it is now.
func (l *changeLog) since(ctx context.Context, after follow.Place) (follow.Place, error) {
	tip, err := l.Tip(ctx)
	if err == nil && (tip.Epoch != after.Epoch || tip.Pos < after.Pos) {
		err = follow.ErrGap
	}
	return tip, err
}

// A stored message as the leader shows it.
type stored struct {
	Subject string `json:"subject"`
	Seq     uint64 `json:"seq"`
	Headers []byte `json:"hdrs"`
	Data    []byte `json:"data"`
}

func (m *stored) id() coaching.CallID {
	return coaching.CallID(m.Subject[strings.LastIndexByte(m.Subject, '.')+1:])
}

// doc returns the document, or nil for a marker.
func (m *stored) doc() []byte {
	if strings.Contains(string(m.Headers), operationHeader+":") {
		return nil
	}
	return m.Data
}

// stored asks the leader for a message; nil: there is none.
func (s *Store) stored(ctx context.Context, ask string) (*stored, error) {
	reply, err := s.ask(ctx, "$JS.API.STREAM.MSG.GET."+s.stream, []byte(ask))
	if err != nil {
		return nil, err
	}
	var answer struct {
		Message *stored   `json:"message"`
		Error   *apiError `json:"error"`
	}
	if err := json.Unmarshal(reply.Data, &answer); err != nil {
		return nil, err
	}
	switch {
	case answer.Error == nil:
		return answer.Message, nil
	case answer.Error.ErrCode == 10037:
		return nil, nil
	}
	return nil, answer.Error
}

// quiet is after how long without a change we look whether there was one.
const quiet = 2 * time.Second

var errInterrupted = errors.New("the reading of changes was interrupted")

// Tail implements [follow.Log]. A server thinks a change told when it has sent
// it: whatever may have been lost on the way ends the Tail, and the next one
// begins after what has arrived.
func (l *changeLog) Tail(ctx context.Context, after follow.Place, emit func(follow.Entry)) error {
	connected := l.nc.Stats().Reconnects
	tip, err := l.since(ctx, after)
	if err != nil {
		return err
	}
	bound, cancel := context.WithTimeout(ctx, l.cfg.Timeout)
	defer cancel()
	consumer, err := l.js.CreateConsumer(bound, l.stream, jetstream.ConsumerConfig{
		FilterSubject:     l.space + "*.*",
		DeliverPolicy:     jetstream.DeliverByStartSequencePolicy,
		OptStartSeq:       after.Pos + 1,
		AckPolicy:         jetstream.AckNonePolicy,
		InactiveThreshold: 30 * time.Second, // it goes by itself
		MemoryStorage:     true,
		Replicas:          1,
	})
	if err != nil {
		return fmt.Errorf("natsstore: Changes: %w", l.store().explain(ctx, "$JS.API.CONSUMER.CREATE."+l.stream, err))
	}
	messages, err := consumer.Messages(jetstream.PullMaxMessages(page), jetstream.PullHeartbeat(time.Second), jetstream.WithMessagesErrOnMissingHeartbeat(true))
	if err != nil {
		return err
	}
	defer messages.Stop()
	var count uint64 // messages of the consumer
	for seen := after.Pos; ; {
		m, err := next(ctx, messages)
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case l.nc.Stats().Reconnects != connected:
			return errInterrupted
		case errors.Is(err, context.DeadlineExceeded), errors.Is(err, nats.ErrTimeout):
			if err := l.missed(ctx, messages, follow.Place{Epoch: tip.Epoch, Pos: seen}); err != nil {
				return err
			}
			continue
		case err != nil:
			return l.store().explain(ctx, "$JS.API.CONSUMER.MSG.NEXT."+l.stream, err)
		}
		meta, err := m.Metadata()
		if err != nil {
			return err
		}
		if count++; meta.Sequence.Consumer != count {
			return errInterrupted
		}
		if seen = meta.Sequence.Stream; m.Headers().Get(operationHeader) != "" {
			continue
		}
		id := coaching.CallID(m.Subject()[strings.LastIndexByte(m.Subject(), '.')+1:])
		emit(follow.Entry{Pos: seen, ID: id, Version: seen, Doc: m.Data()})
	}
}

func next(ctx context.Context, messages jetstream.MessagesContext) (jetstream.Msg, error) {
	bound, cancel := context.WithTimeout(ctx, quiet)
	defer cancel()
	return messages.Next(jetstream.NextContext(bound))
}

// missed looks whether there is a change after the last one seen, which should
// have come by now.
func (l *changeLog) missed(ctx context.Context, messages jetstream.MessagesContext, seen follow.Place) error {
	if _, err := l.since(ctx, seen); err != nil {
		return err
	}
	newest, err := l.store().stored(ctx, fmt.Sprintf(`{"last_by_subj":%q}`, l.space+"*.*"))
	if err == nil && newest != nil && newest.Seq > seen.Pos {
		err = errInterrupted // or it is on its way; then it will be told after that
	}
	return err
}
