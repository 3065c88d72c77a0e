package console_test

import (
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/mpc-coaching/coaching/internal/require"
)

// The page's pure parts have tests of their own, for node's test runner.
func TestPageInNode(t *testing.T) {
	require.Have(t, "node", node18())
	out, err := exec.CommandContext(t.Context(), "node", "--test", "--test-reporter=tap", "page/test/").CombinedOutput()
	if err != nil {
		t.Fatalf("node --test page/test/ = %v\n%s", err, out)
	}
	// One line for each test; older ones put those of a file below the file's.
	if n := len(regexp.MustCompile(`(?m)^\s*ok \d+ - `).FindAll(out, -1)); n < 70 {
		t.Errorf("node ran %d tests, want 70 at least:\n%s", n, out)
	}
}

// node18 says why there is no node with a test runner.
func node18() error {
	out, err := exec.Command("node", "--version").Output()
	if err != nil {
		return err
	}
	major, _, _ := strings.Cut(strings.TrimPrefix(string(out), "v"), ".")
	if n, err := strconv.Atoi(major); err != nil || n < 18 {
		return errors.New("node 18 is needed, not " + strings.TrimSpace(string(out)))
	}
	return nil
}

// asset reads every file of the page whose name ends in ext.
func assets(t *testing.T, ext string, least int) map[string]string {
	t.Helper()
	files := map[string]string{}
	err := filepath.WalkDir("page", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || filepath.Ext(path) != ext || strings.HasPrefix(path, filepath.Join("page", "test")) {
			return err
		}
		b, err := os.ReadFile(path)
		files[path] = string(b)
		return err
	})
	if err != nil || len(files) < least {
		t.Fatalf("%d files %s, %v; want %d at least", len(files), ext, err, least)
	}
	return files
}

// Data never becomes markup or code, whatever a caller calls themselves.
func TestPageMakesNoMarkup(t *testing.T) {
	bad := regexp.MustCompile(`innerHTML|outerHTML|insertAdjacentHTML|document\.write|DOMParser|createContextualFragment|setHTML|\beval\(|new Function|srcdoc|javascript:`)
	for name, code := range assets(t, ".js", 15) {
		if found := bad.FindString(code); found != "" {
			t.Errorf("%s uses %s", name, found)
		}
	}
}

// What the policy of the page forbids is not in it, and every URL is relative:
// the page works wherever it is mounted.
func TestPageKeepsToItsPolicy(t *testing.T) {
	inline := regexp.MustCompile(`<script[^>]*>[^<]|<style|\sstyle=|\son[a-z]+=`)
	absolute := regexp.MustCompile(`(?:src|href)="/|https?://|["'(]//|url\(|@import`)
	for _, ext := range []string{".html", ".css", ".js"} {
		for name, text := range assets(t, ext, 1) {
			text = strings.ReplaceAll(text, "http://www.w3.org/2000/svg", "") // a name, which nobody fetches
			if found := absolute.FindString(text); found != "" {
				t.Errorf("%s has a URL that is not relative: %q", name, found)
			}
			if ext == ".html" && inline.MatchString(text) {
				t.Errorf("%s has code or style in it: %q", name, inline.FindString(text))
			}
		}
	}
}

// Every part that is asked for is there, is used, and asks for what the other
// part has.
func TestPageIsWhole(t *testing.T) {
	html := assets(t, ".html", 1)[filepath.Join("page", "index.html")]
	used := map[string]bool{}
	for _, m := range regexp.MustCompile(`(?:src|href)="assets/([^"]+)"`).FindAllStringSubmatch(html, -1) {
		used[m[1]] = true
	}
	scripts := assets(t, ".js", 15)
	imports := regexp.MustCompile(`(?m)^(?:import|export) (?:\{([^}]*)\} )?from '\./([^']+)';$`)
	for name, code := range scripts {
		for _, m := range imports.FindAllStringSubmatch(code, -1) {
			used[m[2]] = true
			other, ok := scripts[filepath.Join("page", "assets", m[2])]
			if !ok {
				t.Errorf("%s imports %s, which is not there", name, m[2])
				continue
			}
			for _, what := range strings.Split(m[1], ",") {
				what, _, _ = strings.Cut(strings.TrimSpace(what), " as ")
				has := regexp.MustCompile(`(?m)^export (?:async )?(?:function|const|class) ` + what + `\b|^export \{[^}]*\b` + what + `\b`)
				if !has.MatchString(other) {
					t.Errorf("%s imports %s from %s, which does not export it", name, what, m[2])
				}
				if n := len(regexp.MustCompile(`\b`+what+`\b`).FindAllString(code, -1)); n < 2 {
					t.Errorf("%s imports %s and does not use it", name, what)
				}
			}
		}
	}
	entries, err := os.ReadDir("page/assets")
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if !used[e.Name()] {
			t.Errorf("nothing asks for page/assets/%s", e.Name())
		}
		delete(used, e.Name())
	}
	for name := range used {
		t.Errorf("page/assets/%s is asked for and not there", name)
	}
}
