package coaching_test

import (
	"fmt"
	"go/ast"
	"go/format"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// The documents are checked like code: what they name exists, what they show
// compiles, and every rule has its tests.

var (
	ruleHeading = regexp.MustCompile(`(?m)^### (R\d+) `)
	tableRow    = regexp.MustCompile(`(?m)^\| ([CS]\d+) \|`)
	inTestName  = regexp.MustCompile(`(?:^Test|[a-z0-9_]|^TestCompany)([RSC]\d+)(?:[^0-9]|$)`)
	generated   = regexp.MustCompile(`(?s)(<!-- tests: begin -->\n).*(<!-- tests: end -->)`)
	testWord    = regexp.MustCompile("`((?:Test|Fuzz|Example)[A-Za-z0-9_]*)`")
)

// TestRulesHaveTests checks that every rule, row and schedule of docs/rules.md
// has a test that bears its number, that every number in a test's name stands
// there, and that the documents name no test that does not exist.
func TestRulesHaveTests(t *testing.T) {
	doc := readDoc(t, "docs/rules.md")
	if !generated.MatchString(doc) {
		t.Fatal("docs/rules.md has lost its generated part")
	}
	written := generated.ReplaceAllString(doc, "")
	var numbers []string
	for _, re := range []*regexp.Regexp{ruleHeading, tableRow} {
		for _, m := range re.FindAllStringSubmatch(written, -1) {
			if slices.Contains(numbers, m[1]) {
				t.Errorf("docs/rules.md has %s twice", m[1])
			}
			numbers = append(numbers, m[1])
		}
	}
	for kind, last := range map[string]int{"R": 19, "C": 7, "S": 32} {
		for i := range last {
			if n := kind + strconv.Itoa(i+1); !slices.Contains(numbers, n) {
				t.Errorf("docs/rules.md lacks %s", n)
			}
		}
	}

	tests := testNames(t)
	bears := map[string][]string{}
	for _, name := range slices.Sorted(maps.Keys(tests)) {
		for _, m := range inTestName.FindAllStringSubmatch(name, -1) {
			bears[m[1]] = append(bears[m[1]], name)
			if !slices.Contains(numbers, m[1]) {
				t.Errorf("%s is named after %s, which docs/rules.md does not have", name, m[1])
			}
		}
	}
	for _, n := range numbers {
		if len(bears[n]) == 0 {
			t.Errorf("no test bears the number %s", n)
		}
	}

	var b strings.Builder
	b.WriteString("| number | tests |\n| --- | --- |\n")
	for _, n := range numbers {
		names := []string{"none yet"}
		for i, name := range bears[n] {
			names = append(names[:i], "`"+name+"`")
		}
		fmt.Fprintf(&b, "| %s | %s |\n", n, strings.Join(names, ", "))
	}
	if *update {
		doc = generated.ReplaceAllString(doc, "${1}"+b.String()+"${2}")
		if err := os.WriteFile("docs/rules.md", []byte(doc), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for _, file := range documents(t) {
		for _, m := range testWord.FindAllStringSubmatch(readDoc(t, file), -1) {
			if !tests[m[1]] {
				t.Errorf("%s names %s, which does not exist (after a renaming: go test -run TestRulesHaveTests -update .)", file, m[1])
			}
		}
	}
}

var painRow = regexp.MustCompile(`(?m)^\| (\d+) \|.*\| (.*) \|$`)

// TestPainsAreAnswered checks that every pain of docs/pains.md has a test that
// exists, or a reason to have none.
func TestPainsAreAnswered(t *testing.T) {
	tests := testNames(t)
	rows := painRow.FindAllStringSubmatch(readDoc(t, "docs/pains.md"), -1)
	if len(rows) != 24 {
		t.Errorf("docs/pains.md has %d pains, want 24", len(rows))
	}
	for i, row := range rows {
		if row[1] != strconv.Itoa(i+1) {
			t.Errorf("pain %s stands where %d should", row[1], i+1)
		}
		named := testWord.FindAllStringSubmatch(row[2], -1)
		for _, m := range named {
			if !tests[m[1]] {
				t.Errorf("pain %s names %s, which does not exist", row[1], m[1])
			}
		}
		if len(named) == 0 && !strings.HasPrefix(row[2], "out of scope: ") {
			t.Errorf("pain %s has no test and no reason: %s", row[1], row[2])
		}
	}
}

// testNames returns the names of all tests, fuzz targets and examples.
func testNames(t *testing.T) map[string]bool {
	t.Helper()
	names := map[string]bool{}
	err := filepath.WalkDir(".", func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && path != "." && (strings.HasPrefix(d.Name(), ".") || strings.HasPrefix(d.Name(), "_") || d.Name() == "testdata" || d.Name() == "node_modules") {
			return fs.SkipDir
		}
		if d.IsDir() || !strings.HasSuffix(path, "_test.go") {
			return nil
		}
		f, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		for _, decl := range f.Decls {
			if fn, ok := decl.(*ast.FuncDecl); ok && fn.Recv == nil && fn.Name.Name != "TestMain" {
				for _, kind := range []string{"Test", "Fuzz", "Example"} {
					if strings.HasPrefix(fn.Name.Name, kind) {
						names[fn.Name.Name] = true
					}
				}
			}
		}
		return nil
	})
	if err != nil || len(names) == 0 {
		t.Fatalf("no tests found: %v", err)
	}
	return names
}

func documents(t *testing.T) []string {
	t.Helper()
	docs, err := filepath.Glob("docs/*.md")
	more, _ := filepath.Glob("*.md")
	if docs = append(docs, more...); err != nil || len(docs) < 5 {
		t.Fatalf("documents = %v, %v", docs, err)
	}
	return docs
}

func readDoc(t *testing.T, file string) string {
	t.Helper()
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

var (
	mdLink    = regexp.MustCompile(`\]\(([^)\s]+)\)`)
	mdHeading = regexp.MustCompile(`(?m)^#{1,6} (.+)$`)
	notInSlug = regexp.MustCompile(`[^\p{L}\p{N} _-]`)
	fence     = regexp.MustCompile("(?ms)^```.*?^```$")
)

// TestDocumentsLink checks that every relative link of a document leads
// somewhere, to the heading it names.
func TestDocumentsLink(t *testing.T) {
	anchors := func(file string) map[string]bool {
		out := map[string]bool{}
		for _, m := range mdHeading.FindAllStringSubmatch(fence.ReplaceAllString(readDoc(t, file), ""), -1) {
			slug := strings.ReplaceAll(notInSlug.ReplaceAllString(strings.ToLower(m[1]), ""), " ", "-")
			out[slug] = true
		}
		return out
	}
	for _, file := range documents(t) {
		for _, m := range mdLink.FindAllStringSubmatch(fence.ReplaceAllString(readDoc(t, file), ""), -1) {
			if strings.Contains(m[1], "://") {
				continue
			}
			path, anchor, _ := strings.Cut(m[1], "#")
			target := file
			if path != "" {
				target = filepath.Join(filepath.Dir(file), path)
			}
			if _, err := os.Stat(target); err != nil {
				t.Errorf("%s links to %s: %v", file, m[1], err)
			} else if anchor != "" && !anchors(target)[anchor] {
				t.Errorf("%s links to %s, but %s has no such heading", file, m[1], target)
			}
		}
	}
}

var goBlock = regexp.MustCompile("(?ms)^```go\n(.*?)^```$")

// TestReadmeCompiles vets the Go code of the README: programs as they are,
// snippets in a function that has what they use.
func TestReadmeCompiles(t *testing.T) {
	// Within the module, for its dependencies; the underscore hides it from
	// patterns such as ./...
	base, err := os.MkdirTemp("internal", "_readme")
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(base)
	args := []string{"vet"}
	programs, snippets := 0, 0
	for i, m := range goBlock.FindAllStringSubmatch(readDoc(t, "README.md"), -1) {
		code := m[1]
		if strings.HasPrefix(code, "package main") {
			programs++
			_, body, _ := strings.Cut(code, "\n)\n") // the end of the imports
			if n := strings.Count(strings.TrimSpace(body), "\n") + 1; n > 30 {
				t.Errorf("the README's program has %d lines after its imports, want 30 at most", n)
			}
		} else {
			snippets++
			if n := strings.Count(strings.TrimSpace(code), "\n") + 1; n > 5 {
				t.Errorf("the README's snippet has %d lines, want 5 at most:\n%s", n, code)
			}
			code = snippetHead + code + snippetTail
		}
		if nice, err := format.Source([]byte(m[1])); err != nil || string(nice) != m[1] {
			t.Errorf("the README's block %d is not as gofmt writes it (%v), want\n%s", i+1, err, nice)
		}
		dir := filepath.Join(base, strconv.Itoa(i))
		if err := os.Mkdir(dir, 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, "main.go"), []byte(code), 0o644); err != nil {
			t.Fatal(err)
		}
		args = append(args, "./"+dir)
	}
	if programs != 1 || snippets != 6 {
		t.Fatalf("the README has %d programs and %d snippets, want 1 and 6", programs, snippets)
	}
	if out, err := exec.CommandContext(t.Context(), "go", args...).CombinedOutput(); err != nil {
		t.Errorf("go vet of the README's code: %v\n%s", err, out)
	}
}

const snippetHead = `package readme

import (
	"context"
	"errors"
	"log"
	"net/http"
	"time"

	"github.com/mpc-coaching/coaching"
	"github.com/mpc-coaching/coaching/console"
)

var (
	_ = errors.Is
	_ = log.Print
	_ = time.Second
	_ = http.NewServeMux
	_ = console.New
)

var (
	mux     = http.NewServeMux()
	whoAsks func(*http.Request) (coaching.Actor, error)
)

var freeAgents func(ctx context.Context, number string, attempts int) ([]coaching.Agent, error)

func _(ctx context.Context, flow *coaching.Flow, cfg *coaching.Config, call coaching.CallID, lee, mia coaching.Supervisor) error {
	var sup coaching.Supervision
	var err error
	_, _ = sup, err
`

const snippetTail = "\n\treturn err\n}\n"
