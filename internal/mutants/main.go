// Command mutants plants deliberate defects into the library, one at a time,
// and runs the tests that should catch each. It changes no file of the tree:
// the compiler is given the changed file as an overlay.
//
//	go run ./internal/mutants            all of them
//	go run ./internal/mutants -run swap  those whose name contains it
//
// Before that it runs the same tests without any defect: a test that fails by
// itself catches nothing. It ends with 1 if a defect is not caught, if it can
// no longer be planted because the code has changed, if a planted one does not
// compile, or if no test is named for it.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"time"
)

// A mutant is one defect: in file, old becomes new. breaks is the rule or the
// promise that it breaks, tests the -run pattern of the tests that should fail.
type mutant struct {
	name, breaks, file, old, new, tests string
}

// patience is how long the tests of one defect may take: one that makes the
// library spin is caught by it.
const patience = 90 * time.Second

func main() {
	only := flag.String("run", "", "plant those whose name contains this")
	workers := flag.Int("p", 2, "how many to plant at once")
	flag.Parse()
	if err := run(*only, max(*workers, 1)); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(only string, workers int) error {
	start := time.Now()
	dir, err := os.MkdirTemp("", "mutants")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	var chosen []mutant
	var patterns []string
	for _, m := range mutants {
		if strings.Contains(m.name, only) {
			chosen, patterns = append(chosen, m), append(patterns, m.tests)
		}
	}
	if len(chosen) == 0 {
		return fmt.Errorf("no defect's name contains %q", only)
	}
	sound := filepath.Join(dir, "sound.test")
	if out, err := exec.Command("go", "test", "-c", "-vet=off", "-o", sound, ".").CombinedOutput(); err != nil {
		return fmt.Errorf("the tests do not build: %w\n%s", err, out)
	}
	if out, err := tests(sound, strings.Join(patterns, "|")); err != nil {
		return fmt.Errorf("the tests fail without a defect: %w\n%s", err, out)
	}
	fmt.Printf("%-56s %-22s %6.1f s\n", "no defect", "passes", time.Since(start).Seconds())

	verdicts := make([]chan verdict, len(chosen))
	free := make(chan int, workers)
	for i := range workers {
		free <- i
	}
	for i := range chosen {
		verdicts[i] = make(chan verdict, 1)
	}
	go func() {
		for i, m := range chosen {
			w := <-free
			go func() {
				verdicts[i] <- plant(filepath.Join(dir, fmt.Sprint(w)), sound, m)
				free <- w
			}()
		}
	}()
	bad := 0
	for i, m := range chosen {
		v := <-verdicts[i]
		text := "caught by " + v.by
		if v.by == "" {
			bad++
			text = v.text
		}
		fmt.Printf("%-56s %-22s %6.1f s  %s\n", m.name, m.breaks, v.took.Seconds(), text)
	}
	fmt.Printf("%d planted, %d caught, %.0f s\n", len(chosen), len(chosen)-bad, time.Since(start).Seconds())
	if bad > 0 {
		return fmt.Errorf("%d not caught", bad)
	}
	return nil
}

// A verdict says by which test a defect was caught, or why by none.
type verdict struct {
	by, text string
	took     time.Duration
}

// plant plants one defect and says what became of it.
func plant(dir, sound string, m mutant) (v verdict) {
	start := time.Now()
	defer func() { v.took = time.Since(start) }()
	listed, err := exec.Command(sound, "-test.list", m.tests).Output()
	if err != nil || !strings.HasPrefix(string(listed), "Test") {
		return verdict{text: "NO TEST matches " + m.tests}
	}
	mutated, err := build(dir, m)
	if err != nil {
		return verdict{text: err.Error()}
	}
	out, err := tests(mutated, m.tests)
	if err == nil {
		return verdict{text: "SURVIVED"}
	}
	if failed := failure.FindStringSubmatch(out); failed != nil {
		return verdict{by: failed[1]}
	}
	if strings.Contains(out, "panic:") || errors.Is(err, context.DeadlineExceeded) {
		return verdict{by: "a panic or its time-out"}
	}
	return verdict{text: fmt.Sprintf("NO VERDICT: %v\n%s", err, out)}
}

var failure = regexp.MustCompile(`(?m)^--- FAIL: (\w+)`)

// build makes a test binary with the defect in it.
func build(dir string, m mutant) (string, error) {
	path, err := filepath.Abs(m.file)
	if err != nil {
		return "", err
	}
	src, err := os.ReadFile(path)
	if err != nil {
		return "", err
	}
	if n := strings.Count(string(src), m.old); n != 1 {
		return "", fmt.Errorf("STALE: the code to change is found %d times in %s", n, m.file)
	}
	changed, overlay, binary := filepath.Join(dir, filepath.Base(m.file)), filepath.Join(dir, "overlay.json"), filepath.Join(dir, "mutated.test")
	doc, err := json.Marshal(map[string]map[string]string{"Replace": {path: changed}})
	if err == nil {
		err = os.MkdirAll(dir, 0o700)
	}
	if err == nil {
		err = os.WriteFile(changed, []byte(strings.Replace(string(src), m.old, m.new, 1)), 0o600)
	}
	if err == nil {
		err = os.WriteFile(overlay, doc, 0o600)
	}
	if err != nil {
		return "", err
	}
	if out, err := exec.Command("go", "test", "-c", "-vet=off", "-overlay", overlay, "-o", binary, ".").CombinedOutput(); err != nil {
		return "", fmt.Errorf("NO BUILD:\n%s", out)
	}
	return binary, nil
}

// tests runs the tests of a binary that match a pattern.
func tests(binary, pattern string) (string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	out, err := exec.CommandContext(ctx, binary, "-test.run", pattern, "-test.failfast").CombinedOutput()
	return string(out), errors.Join(err, ctx.Err())
}
