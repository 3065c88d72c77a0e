package console_test

import (
	"fmt"
	"go/parser"
	"go/token"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mpc-coaching/coaching/console"
	"github.com/mpc-coaching/coaching/internal/require"
)

const manual = "../docs/console.md"

func read(t testing.TB, name string) string {
	t.Helper()
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// table returns the cells of the table after a marker, without the heading.
func table(t testing.TB, marker string) (rows [][]string) {
	t.Helper()
	_, after, ok := strings.Cut(read(t, manual), "<!-- "+marker)
	if !ok {
		t.Fatalf("%s has no marker %q", manual, marker)
	}
	_, after, _ = strings.Cut(after, "\n\n")
	for line := range strings.SplitSeq(after, "\n") {
		if !strings.HasPrefix(line, "|") {
			break
		}
		cells := strings.Split(strings.Trim(line, "| "), "|")
		for i := range cells {
			cells[i] = strings.TrimSpace(cells[i])
		}
		rows = append(rows, cells)
	}
	if len(rows) < 3 {
		t.Fatalf("%s has no table after %q", manual, marker)
	}
	return rows[2:]
}

func TestDocumentedProblems(t *testing.T) {
	var got, want []string
	for _, row := range table(t, "problems") {
		got = append(got, strings.Join(row, " | "))
	}
	for _, p := range console.Problems() {
		want = append(want, fmt.Sprintf("`%s` | %d | %s", p[0], p[1], p[2]))
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("the problems of %s are not those of the code (-code +doc):\n%s", manual, d)
	}
}

func TestDocumentedVerbs(t *testing.T) {
	var got []string
	for _, row := range table(t, "verbs") {
		got = append(got, strings.Join(row, " | "))
	}
	if d := cmp.Diff(console.VerbRows(), got); d != "" {
		t.Errorf("the verbs of %s are not those of the code (-code +doc):\n%s", manual, d)
	}
}

func TestDocumentedPaths(t *testing.T) {
	var got []string
	for _, row := range table(t, "paths") {
		got = append(got, strings.Trim(row[0], "`"))
	}
	want := []string{"GET /", "POST /api/calls/{call}/{verb}"}
	for _, p := range console.Patterns() {
		if strings.HasPrefix(p, "GET ") {
			want = append(want, p)
		}
	}
	slices.Sort(got)
	slices.Sort(want)
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("the paths of %s are not those of the code (-code +doc):\n%s", manual, d)
	}
}

var goBlock = regexp.MustCompile("(?ms)^```go\n(.*?)^```$")

// The manual's program passes go vet, and its policy is the one that the table
// is tested with.
func TestDocumentedCode(t *testing.T) {
	policy := read(t, "policy_test.go")
	programs := 0
	for _, m := range goBlock.FindAllStringSubmatch(read(t, manual), -1) {
		if !strings.HasPrefix(m[1], "package main") {
			if !strings.Contains(policy, m[1]) {
				t.Errorf("policy_test.go does not have the manual's\n%s", m[1])
			}
			continue
		}
		programs++
		_, err := exec.LookPath("go")
		require.Have(t, "go", err)
		name := filepath.Join(t.TempDir(), "main.go")
		if err := os.WriteFile(name, []byte(m[1]), 0o644); err != nil {
			t.Fatal(err)
		}
		if out, err := exec.CommandContext(t.Context(), "go", "vet", name).CombinedOutput(); err != nil {
			t.Errorf("go vet of the manual's program: %v\n%s", err, out)
		}
	}
	if programs != 1 {
		t.Errorf("the manual has %d programs, want 1", programs)
	}
}

// A host gets nothing with the console that it has not with the library.
func TestImports(t *testing.T) {
	files, err := filepath.Glob("*.go")
	if err != nil || len(files) < 10 {
		t.Fatalf("files = %v, %v", files, err)
	}
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		f, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.ImportsOnly)
		if err != nil {
			t.Fatal(err)
		}
		for _, imp := range f.Imports {
			path := strings.Trim(imp.Path.Value, `"`)
			first, _, _ := strings.Cut(path, "/")
			if strings.Contains(first, ".") && path != "github.com/mpc-coaching/coaching" || path == "testing" {
				t.Errorf("%s imports %s", name, path)
			}
		}
	}
}
