package console

import (
	"container/list"
	"context"
	"crypto/sha256"
	"fmt"
	"net/http"
	"sync"
	"time"

	"github.com/mpc-coaching/coaching"
)

const (
	keyMin, keyMax = 8, 255
	keyLife        = 10 * time.Minute
	keysMax        = 4096
)

// A keyring remembers the answers to requests that bore an Idempotency-Key, in
// this process alone. It is a convenience: a verb is safe to repeat by itself.
type keyring struct {
	mu   sync.Mutex
	runs map[keyID]*keyed
	old  *list.List // of *keyed that have finished, oldest first
}

type keyID struct {
	actor coaching.Actor
	key   string
}

// keyed is one request under a key.
type keyed struct {
	id       keyID
	print    [sha256.Size]byte
	done     chan struct{} // closed when answer stands
	answer   answer
	keep     bool
	finished time.Time
	at       *list.Element
}

func newKeyring() *keyring { return &keyring{runs: map[keyID]*keyed{}, old: list.New()} }

// keyOf returns the request's key, "" for none.
func keyOf(r *http.Request) (string, error) {
	values := r.Header.Values("Idempotency-Key")
	if len(values) == 0 {
		return "", nil
	}
	key := values[0]
	ok := len(values) == 1 && keyMin <= len(key) && len(key) <= keyMax
	for i := range len(key) {
		ok = ok && '!' <= key[i] && key[i] <= '~'
	}
	if !ok {
		return "", problem(invalid, fmt.Sprintf("Idempotency-Key is %d to %d visible ASCII characters", keyMin, keyMax))
	}
	return key, nil
}

// fingerprint tells requests apart.
func fingerprint(r *http.Request, body []byte) [sha256.Size]byte {
	return sha256.Sum256(fmt.Appendf(nil, "%s\n%s\n%s", r.Method, r.URL.Path, body))
}

// once runs a request, or returns the answer that the same one has had under
// that key; while the first still runs it waits for it. What is not worth
// keeping is told to those who waited for it, unless it says no more than that
// the first one's client has gone: then the next runs it.
func (k *keyring) once(ctx context.Context, actor coaching.Actor, key string, print [sha256.Size]byte, run func() (answer, bool)) (ans answer, replayed bool, err error) {
	for {
		first, mine := k.claim(keyID{actor, key}, print)
		if first.print != print {
			return answer{}, false, problem(idempotencyMismatch, "the key came with another request before")
		}
		if mine {
			ans, first.keep = run()
			first.answer = ans
			k.finish(first)
			return ans, false, nil
		}
		select {
		case <-first.done:
		case <-ctx.Done():
			return answer{}, false, ctx.Err()
		}
		if first.keep || first.answer.status == http.StatusServiceUnavailable {
			return first.answer, true, nil
		}
	}
}

// claim returns who has the key, and whether it is the caller now.
func (k *keyring) claim(id keyID, print [sha256.Size]byte) (*keyed, bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.expire(time.Now())
	if had := k.runs[id]; had != nil {
		return had, false
	}
	for len(k.runs) >= keysMax && k.old.Len() > 0 {
		k.drop(k.old.Front().Value.(*keyed))
	}
	mine := &keyed{id: id, print: print, done: make(chan struct{})}
	if len(k.runs) < keysMax { // else all of them still run: this one is not remembered
		k.runs[id] = mine
	}
	return mine, true
}

func (k *keyring) finish(r *keyed) {
	k.mu.Lock()
	defer k.mu.Unlock()
	close(r.done)
	if k.runs[r.id] != r {
		return
	}
	if !r.keep {
		delete(k.runs, r.id)
		return
	}
	r.finished = time.Now()
	r.at = k.old.PushBack(r)
}

func (k *keyring) expire(now time.Time) {
	for e := k.old.Front(); e != nil && now.Sub(e.Value.(*keyed).finished) >= keyLife; e = k.old.Front() {
		k.drop(e.Value.(*keyed))
	}
}

func (k *keyring) drop(r *keyed) {
	k.old.Remove(r.at)
	delete(k.runs, r.id)
}
