package console_test

import (
	"os"
	"testing"

	"github.com/mpc-coaching/coaching/internal/leak"
)

func TestMain(m *testing.M) { os.Exit(leak.Main(m.Run)) }
