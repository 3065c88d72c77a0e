package natsstore

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/mpc-coaching/coaching"
)

// A message is one under a key of a call.
type message struct {
	seq uint64
	doc []byte // nil: a marker
}

// look reads the newest message under the two keys of a call; without a
// document there is no call.
//
// Any server of the bucket answers a direct get, and may be behind; a leader
// that was cut off answers, too, for some ten seconds. So where there are
// several servers a barrier is written first, and what is read is believed only
// from a server that has it: that one has whatever was written before.
func (s *Store) look(ctx context.Context, id coaching.CallID) (message, error) {
	at, err := s.barrier(ctx)
	if err != nil {
		return message{}, err
	}
	msgs, err := s.read(ctx, at, s.space+liveKeys+string(id), s.space+endedKeys+string(id))
	if err != nil {
		return message{}, err
	}
	var newest message
	for _, m := range msgs {
		if m.seq > newest.seq {
			newest = m
		}
	}
	return newest, nil
}

// Live implements [coaching.Store].
func (s *Store) Live(ctx context.Context) iter.Seq2[coaching.Call, error] {
	return func(yield func(coaching.Call, error) bool) {
		if err := s.live(ctx, func(c coaching.Call) bool { return yield(c, nil) }); err != nil {
			if ctx.Err() == nil {
				err = fmt.Errorf("natsstore: Live: %w", err)
			}
			yield(coaching.Call{}, err)
		}
	}
}

// liveChunk is how many calls are read at once: at most 1 MiB each, and a
// server sends 64 MiB at most.
const liveChunk = 32

func (s *Store) live(ctx context.Context, tell func(coaching.Call) bool) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	at, err := s.barrier(ctx)
	if err != nil {
		return err
	}
	subjects, err := s.liveSubjects(ctx, at)
	if err != nil {
		return err
	}
	for chunk := range slices.Chunk(subjects, liveChunk) {
		msgs, err := s.read(ctx, at, chunk...)
		if err != nil {
			return err
		}
		for _, m := range msgs {
			if err := ctx.Err(); err != nil {
				return err
			}
			if m.doc == nil {
				continue
			}
			c, err := coaching.DecodeCall(m.doc)
			if err != nil || !c.Live() {
				continue
			}
			if c.Version = m.seq; !tell(c) {
				return nil
			}
		}
	}
	return ctx.Err()
}

// liveSubjects lists the subjects of live calls at the barrier or later.
func (s *Store) liveSubjects(ctx context.Context, at uint64) ([]string, error) {
	bound, cancel := context.WithTimeout(ctx, s.cfg.Timeout)
	defer cancel()
	for wait := time.Millisecond; ; wait *= 2 {
		info, err := s.info(ctx, s.space+liveKeys+"*")
		if errors.Is(err, errNoStream) {
			if err = s.ensure(ctx); err == nil {
				return nil, nil
			}
		}
		if err != nil {
			return nil, err
		}
		if info.State.LastSeq >= at {
			subjects := make([]string, 0, len(info.State.Subjects))
			for subject := range info.State.Subjects {
				subjects = append(subjects, subject)
			}
			slices.Sort(subjects)
			return subjects, nil
		}
		if !pause(bound, wait) {
			return nil, s.stale(ctx)
		}
	}
}

func (s *Store) stale(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	return fmt.Errorf("no server has all that is written within %v", s.cfg.Timeout)
}

// read returns the messages of subjects as they were together at the barrier
// or later.
func (s *Store) read(ctx context.Context, at uint64, subjects ...string) ([]message, error) {
	ask := subjects
	if at > 0 {
		ask = append(slices.Clone(subjects), s.space+barrier)
	}
	body, err := json.Marshal(struct {
		Subjects []string `json:"multi_last"`
	}{ask})
	if err != nil {
		return nil, err
	}
	bound, cancel := context.WithTimeout(ctx, s.cfg.Timeout)
	defer cancel()
	subject, restored := "$JS.API.DIRECT.GET."+s.stream, false
	for wait := 200 * time.Microsecond; ; wait *= 2 {
		msgs, seen, err := s.readOnce(bound, body, len(ask))
		switch {
		case err == nil && seen >= at:
			return msgs, nil
		case err == nil, errors.Is(err, errTorn):
		case errors.Is(err, nats.ErrTimeout):
			if err := s.explain(ctx, subject, err); errors.Is(err, errDenied) {
				return nil, err
			}
		case errors.Is(err, nats.ErrNoResponders):
			if !restored {
				if err := s.ensure(ctx); err != nil { // it may be gone
					return nil, err
				}
				restored = true
			}
			wait = max(wait, 5*time.Millisecond)
		default:
			return nil, s.explain(ctx, subject, err)
		}
		if !pause(bound, wait) {
			if err != nil {
				return nil, s.explain(ctx, subject, err)
			}
			return nil, s.stale(ctx)
		}
	}
}

// errTorn says that a message was replaced while it was read.
var errTorn = errors.New("a message was replaced while it was read")

// readOnce sends one request for several messages. The server that answers
// reads them all at one moment; seen is the last barrier it has. There are at
// most so many messages.
func (s *Store) readOnce(ctx context.Context, body []byte, most int) (msgs []message, seen uint64, err error) {
	if !s.nc.IsConnected() {
		return nil, 0, errOffline
	}
	inbox, replies := s.nc.NewInbox(), make(chan *nats.Msg, most+1)
	sub, err := s.nc.ChanSubscribe(inbox, replies)
	if err != nil {
		return nil, 0, err
	}
	defer func() { _ = sub.Unsubscribe() }() // fails where the connection is closed
	if err := s.nc.PublishRequest("$JS.API.DIRECT.GET."+s.stream, inbox, body); err != nil {
		return nil, 0, err
	}
	patience := time.NewTimer(s.cfg.Timeout / 4)
	defer patience.Stop()
	for {
		var m *nats.Msg
		select {
		case m = <-replies:
		case <-ctx.Done():
			return nil, 0, ctx.Err()
		case <-patience.C:
			return nil, 0, nats.ErrTimeout
		}
		if status := m.Header.Get("Status"); status != "" {
			switch description := m.Header.Get("Description"); {
			case status == "204": // the end
				if m.Header.Get("Nats-Num-Pending") != "0" {
					return nil, 0, errors.New("the answer is cut off")
				}
				return msgs, seen, nil
			case status == "404" && description == "No Results":
				return nil, 0, nil
			case status == "404":
				return nil, 0, errTorn
			case status == "503":
				return nil, 0, nats.ErrNoResponders
			default:
				return nil, 0, fmt.Errorf("a direct get is refused: %s %s", status, description)
			}
		}
		seq, err := strconv.ParseUint(m.Header.Get("Nats-Sequence"), 10, 64)
		if err != nil {
			return nil, 0, errors.New("a message has no sequence")
		}
		subject := m.Header.Get("Nats-Subject")
		switch {
		case subject == s.space+barrier:
			seen = seq
		case m.Header.Get(operationHeader) != "":
			msgs = append(msgs, message{seq: seq})
		case strings.HasPrefix(subject, s.space):
			msgs = append(msgs, message{seq, m.Data})
		}
	}
}

// barriers are shared by those who read at once: one is under way at most, and
// who comes meanwhile waits for the next, which begins later than their reads.
type barriers struct {
	mu   sync.Mutex
	busy bool
	next *flight
}

type flight struct {
	done chan struct{}
	seq  uint64
	err  error
}

// barrier returns the sequence of an empty message that most servers of the
// bucket took after barrier was called; 0 where there is but one server.
func (s *Store) barrier(ctx context.Context) (uint64, error) {
	if !s.replicated.Load() {
		return 0, nil
	}
	b := &s.barriers
	b.mu.Lock()
	if b.next == nil {
		b.next = &flight{done: make(chan struct{})}
	}
	f := b.next
	if !b.busy {
		b.busy = true
		go s.flights()
	}
	b.mu.Unlock()
	select {
	case <-f.done:
		return f.seq, f.err
	case <-ctx.Done():
		return 0, ctx.Err()
	}
}

// flights writes barriers as long as somebody waits for one.
func (s *Store) flights() {
	b := &s.barriers
	for {
		b.mu.Lock()
		f := b.next
		b.next = nil
		b.busy = f != nil
		b.mu.Unlock()
		if f == nil {
			return
		}
		f.seq, f.err = s.publishBarrier()
		close(f.done)
	}
}

// publishBarrier writes one, or several where there is no answer.
func (s *Store) publishBarrier() (uint64, error) {
	m, err := s.ask(context.Background(), s.space+barrier, nil)
	if err != nil {
		return 0, s.restore(context.Background(), err)
	}
	return sequence(m)
}
