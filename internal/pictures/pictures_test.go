package pictures

import (
	"bytes"
	"encoding/xml"
	"errors"
	"flag"
	"io"
	"os"
	"path/filepath"
	"testing"
)

var update = flag.Bool("update", false, "rewrite docs/pictures")

func TestUpToDate(t *testing.T) {
	dir := filepath.Join("..", "..", "docs", "pictures")
	want := map[string]bool{}
	for _, s := range Scenes() {
		name := s.File + ".svg"
		want[name] = true
		svg := s.SVG()
		for d := xml.NewDecoder(bytes.NewReader(svg)); ; {
			if _, err := d.Token(); errors.Is(err, io.EOF) {
				break
			} else if err != nil {
				t.Fatalf("%s is not XML: %v", name, err)
			}
		}
		file := filepath.Join(dir, name)
		if *update {
			if err := os.WriteFile(file, svg, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		if got, err := os.ReadFile(file); err != nil || !bytes.Equal(got, svg) {
			t.Errorf("docs/pictures/%s is not what its scene draws (%v); go test ./internal/pictures -update", name, err)
		}
	}
	files, err := filepath.Glob(filepath.Join(dir, "*.svg"))
	if err != nil || len(files) == 0 {
		t.Fatalf("docs/pictures holds no picture: %v", err)
	}
	for _, f := range files {
		if !want[filepath.Base(f)] {
			t.Errorf("no scene draws docs/pictures/%s", filepath.Base(f))
		}
	}
}
