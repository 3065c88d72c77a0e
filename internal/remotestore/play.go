package remotestore

import (
	"fmt"
	"net/http/httptest"
	"os/exec"
	"regexp"
	"testing"

	"github.com/mpc-coaching/coaching"
)

// PlayModel plays random stories, two instances in each, over the stores that
// open returns: the model-based test of package coaching, as a process of its
// own. Every story gets a store.
func PlayModel(t *testing.T, open func() coaching.Store, moves int) {
	t.Helper()
	server := NewServer(open)
	defer server.Close()
	socket := httptest.NewServer(server)
	defer socket.Close()
	play := exec.CommandContext(t.Context(), "go", "test", "-v", "-count=1", "-timeout=20m", "-run=^TestModel$", "github.com/mpc-coaching/coaching",
		"-args", "-model.store="+socket.URL, fmt.Sprint("-model.steps=", moves))
	out, err := play.CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %v\n%s", play, err, out)
	}
	told := regexp.MustCompile(`\d+ stories, .*`).Find(out)
	if told == nil {
		t.Fatalf("the model does not say what it did:\n%s", out)
	}
	t.Logf("%s", told)
}
