// Command mutants plants deliberate defects into the library, one at a time,
// and runs the tests that should catch each. It changes no file of the tree:
// the compiler is given the changed file as an overlay.
//
//	go run ./internal/mutants            all of them
//	go run ./internal/mutants -run beep  those whose name contains it
//
// It ends with 1 if a defect is not caught, if a defect can no longer be
// planted because the code has changed, or if a planted one does not compile.
package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// A mutant is one defect: in file, old becomes new. tests is the -run pattern
// of the tests that should fail.
type mutant struct {
	name, file, old, new, tests string
}

func main() {
	only := flag.String("run", "", "plant those whose name contains this")
	flag.Parse()
	dir, err := os.MkdirTemp("", "mutants")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	defer os.RemoveAll(dir)
	planted, bad := 0, 0
	for _, m := range mutants {
		if !strings.Contains(m.name, *only) {
			continue
		}
		planted++
		start := time.Now()
		verdict, caught := plant(dir, m)
		if !caught {
			bad++
		}
		fmt.Printf("%-52s %-10s %5.1f s\n", m.name, verdict, time.Since(start).Seconds())
	}
	fmt.Printf("%d planted, %d caught\n", planted, planted-bad)
	if bad > 0 || planted == 0 {
		os.RemoveAll(dir)
		os.Exit(1)
	}
}

// plant plants one defect and says what became of it.
func plant(dir string, m mutant) (verdict string, caught bool) {
	path, err := filepath.Abs(m.file)
	if err != nil {
		return err.Error(), false
	}
	src, err := os.ReadFile(path)
	if err != nil {
		return err.Error(), false
	}
	if n := strings.Count(string(src), m.old); n != 1 {
		return fmt.Sprintf("STALE: %d places", n), false
	}
	changed := filepath.Join(dir, filepath.Base(m.file))
	overlay := filepath.Join(dir, "overlay.json")
	doc, err := json.Marshal(map[string]map[string]string{"Replace": {path: changed}})
	if err == nil {
		err = os.WriteFile(changed, []byte(strings.Replace(string(src), m.old, m.new, 1)), 0o600)
	}
	if err == nil {
		err = os.WriteFile(overlay, doc, 0o600)
	}
	if err != nil {
		return err.Error(), false
	}
	out, err := exec.Command("go", "test", "-overlay", overlay, "-failfast", "-timeout", "2m", "-run", m.tests, ".", "-args", "-model.steps", "3000").CombinedOutput()
	switch text := string(out); {
	case err == nil:
		return "SURVIVED", false
	case strings.Contains(text, "[build failed]"), strings.Contains(text, "[setup failed]"):
		return "NO BUILD", false
	case !strings.Contains(text, "--- FAIL") && !strings.Contains(text, "panic:"):
		return "NO TEST: " + strings.TrimSpace(text), false
	}
	return "caught", true
}
