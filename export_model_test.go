package coaching

import (
	"math/rand/v2"
	"sync"
)

// Seed makes a Flow's randomness repeatable: owners of claims, jitter and
// tickets, which have a stream of their own, as they end up on the wire.
func Seed(f *Flow, seed uint64) {
	f.source = stream(seed, 11)
	secrets := stream(seed, 13)
	f.secret = func(b []byte) error {
		for i := range b {
			b[i] = byte(secrets())
		}
		return nil
	}
}

func stream(seed, n uint64) func() uint64 {
	var mu sync.Mutex
	r := rand.New(rand.NewPCG(seed, n))
	return func() uint64 {
		mu.Lock()
		defer mu.Unlock()
		return r.Uint64()
	}
}
