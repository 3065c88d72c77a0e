package duet_test

import (
	"testing"

	"github.com/mpc-coaching/coaching"
	"github.com/mpc-coaching/coaching/internal/duet"
)

func TestOverMemory(t *testing.T) {
	t.Parallel()
	store := coaching.NewMemoryStore()
	d := duet.Start(t, store, store)
	d.Connect()
	d.Finish()
}
