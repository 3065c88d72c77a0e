package coaching_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestAPI compares what is exported, with its comments, to what was last
// agreed on, so that each change shows in review: go test -run TestAPI -update .
func TestAPI(t *testing.T) {
	for file, pkg := range map[string]string{
		"api.txt":           ".",
		"api-console.txt":   "./console",
		"api-plivotest.txt": "./plivotest",
		"api-storetest.txt": "./storetest",
	} {
		got := goTool(t, "doc", "-all", pkg)
		name := filepath.Join("testdata", file)
		if *update {
			if err := os.WriteFile(name, []byte(got), 0o666); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(string(want), got); d != "" {
			t.Errorf("%s is not what go doc -all %s says; if that is meant, run with -update (-file +now):\n%s", name, pkg, d)
		}
	}
}
