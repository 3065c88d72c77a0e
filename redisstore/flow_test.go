package redisstore_test

import (
	"testing"

	"github.com/mpc-coaching/coaching/internal/enginetest"
)

func TestTwoInstances(t *testing.T) {
	t.Parallel()
	e := startEngine(t)
	enginetest.TwoInstances(t, e.Open(t, e.Addr(), 0), e.Open(t, e.Addr(), 0))
}

func TestTwoInstancesAfterLoss(t *testing.T) {
	t.Parallel()
	enginetest.TwoInstancesAfterLoss(t, startEngine(t))
}
