package coaching

import (
	"math/rand/v2"
	"sync"
)

// Seed makes a Flow's randomness repeatable: owners of claims, jitter and
// tickets.
func Seed(f *Flow, seed uint64) {
	var mu sync.Mutex
	r := rand.New(rand.NewPCG(seed, 11))
	f.source = func() uint64 {
		mu.Lock()
		defer mu.Unlock()
		return r.Uint64()
	}
	f.secret = func(b []byte) error {
		for i := range b {
			b[i] = byte(f.source())
		}
		return nil
	}
}
