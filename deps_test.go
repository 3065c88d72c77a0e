package coaching_test

import (
	"go/parser"
	"go/token"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const ourModule = "github.com/mpc-coaching/coaching"

// goTool runs the go command here and returns what it prints.
func goTool(t *testing.T, args ...string) string {
	t.Helper()
	if _, err := exec.LookPath("go"); err != nil {
		t.Skip("there is no go command")
	}
	out, err := exec.Command("go", args...).Output()
	if err != nil {
		t.Fatalf("go %s: %v", strings.Join(args, " "), err)
	}
	return string(out)
}

type dep struct {
	path, module, version string // of a standard package the module is ""
}

func depsOf(t *testing.T, pkgs ...string) []dep {
	t.Helper()
	var out []dep
	list := goTool(t, append([]string{"list", "-deps", "-f", "{{.ImportPath}} {{with .Module}}{{.Path}} {{.Version}}{{end}}"}, pkgs...)...)
	for line := range strings.Lines(list) {
		f := append(strings.Fields(line), "", "")
		out = append(out, dep{f[0], f[1], f[2]})
	}
	if len(out) < 10 {
		t.Fatalf("go list -deps says %q", list)
	}
	return out
}

// What a program that imports the library gets, and no more.
func TestDependencies(t *testing.T) {
	allowed := map[string]string{ // "": whichever version go.mod has
		ourModule:                                       "",
		"github.com/plivo/plivo-go/v7":                  "v7.60.2", // others may not resolve
		"golang.org/x/sync":                             "",
		"github.com/go-playground/locales":              "", // from here on: what plivo-go imports
		"github.com/go-playground/universal-translator": "",
		"github.com/google/go-querystring":              "",
		"github.com/leodido/go-urn":                     "",
		"gopkg.in/go-playground/validator.v9":           "",
	}
	for _, d := range depsOf(t, ".") {
		if d.module == "" {
			if d.path == "testing" || strings.HasPrefix(d.path, "testing/") || d.path == "net/http/httptest" {
				t.Errorf("the library reaches %s, which is for tests", d.path)
			}
			continue
		}
		if version, ok := allowed[d.module]; !ok || version != "" && d.version != version {
			t.Errorf("the library reaches %s of %s %s: not on the list, or not in that version", d.path, d.module, d.version)
		}
		if d.module == ourModule && d.path != ourModule && !strings.HasPrefix(d.path, ourModule+"/internal/") {
			t.Errorf("the library imports %s; it is to be the other way round", d.path)
		}
	}
}

// The emulator is an independent reading of Plivo: it knows nothing of ours
// and nothing of Plivo's SDK.
func TestEmulatorDependsOnNothing(t *testing.T) {
	for _, d := range depsOf(t, "./plivotest", "./cmd/plivotest") {
		if d.module != "" && d.path != ourModule+"/plivotest" && d.path != ourModule+"/cmd/plivotest" {
			t.Errorf("the emulator reaches %s", d.path)
		}
		if d.path == "testing" || d.path == "net/http/httptest" {
			t.Errorf("the emulator reaches %s, and runs outside tests too", d.path)
		}
	}
}

func TestStoretestAddsNoModule(t *testing.T) {
	known := depsOf(t, ".")
	for _, d := range depsOf(t, "./storetest") {
		if d.module != "" && d.path != ourModule+"/storetest" && !slices.Contains(known, d) {
			t.Errorf("storetest reaches %s, which the library does not", d.path)
		}
	}
}

// plivo-go stays behind a fence: one file builds requests with it, one takes
// the host's client.
func TestWhoImportsTheSDK(t *testing.T) {
	files, err := filepath.Glob("*.go")
	if err != nil || len(files) == 0 {
		t.Fatalf("no files: %v", err)
	}
	var importers []string
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		f, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.ImportsOnly)
		if err != nil {
			t.Fatal(err)
		}
		for _, imp := range f.Imports {
			switch path, _ := strconv.Unquote(imp.Path.Value); {
			case path == "github.com/plivo/plivo-go/v7":
				importers = append(importers, name)
			case strings.HasPrefix(path, "github.com/plivo/"):
				t.Errorf("%s imports %s", name, path)
			}
		}
	}
	if want := []string{"client.go", "config.go"}; !slices.Equal(importers, want) {
		t.Errorf("%v import plivo-go, want %v", importers, want)
	}
}
