package main

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/mpc-coaching/coaching/plivotest"
)

const pageWidth = 100

// A page prints, in colour where it is a terminal that wants some.
type page struct {
	out    io.Writer
	quiet  bool
	colour bool
}

func newPage(out io.Writer, quiet bool) page {
	p := page{out: out, quiet: quiet}
	if f, ok := out.(*os.File); ok && os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb" {
		info, err := f.Stat()
		p.colour = err == nil && info.Mode()&os.ModeCharDevice != 0
	}
	return p
}

const (
	bold  = "1"
	dim   = "2"
	red   = "31"
	green = "32"
)

func (p page) in(colour, s string) string {
	if !p.colour {
		return s
	}
	return "\x1b[" + colour + "m" + s + "\x1b[0m"
}

func (p page) printf(format string, args ...any) {
	if !p.quiet {
		fmt.Fprintf(p.out, format, args...)
	}
}

func (p page) heading(n int, title, story string) {
	line := fmt.Sprintf("── %d  %s ", n, title)
	p.printf("\n%s\n\n", p.in(bold, line+strings.Repeat("─", pageWidth-utf8.RuneCountInString(line))))
	for _, s := range wrap(story, pageWidth-4) {
		p.printf("   %s\n", s)
	}
	p.printf("\n")
}

func (p page) step(what string, took time.Duration) {
	gap := max(2, pageWidth-12-utf8.RuneCountInString(what))
	p.printf("   %s %s%s\n", p.in(bold, "▸ "+what), strings.Repeat(" ", gap), p.in(dim, fmt.Sprintf("%4d ms", took.Milliseconds())))
}

// table shows rows that hear columns.
func (p page) table(names []string, hears [][]bool) {
	p.printf("\n   %-18s", "who hears ↓ whom →")
	for _, n := range names {
		p.printf("%10s", n)
	}
	p.printf("\n")
	for i, row := range hears {
		p.printf("   %18s", names[i])
		for j, yes := range row {
			cell := "·"
			switch {
			case i == j:
				cell = " "
			case yes:
				cell = p.in(green, "✓")
			}
			p.printf("%s%s", strings.Repeat(" ", 9), cell)
		}
		p.printf("\n")
	}
	p.printf("\n")
}

func (p page) line(who, text string, heard []string) {
	ears := "nobody hears it"
	if len(heard) > 0 {
		ears = "heard by " + strings.Join(heard, " and ")
	}
	p.printf("   %8s  %-40s %s\n", who, "“"+text+"”", p.in(dim, "→ "+ears))
}

// wrong shows an expectation that does not hold. What holds the tables show.
func (p page) wrong(what string) {
	fmt.Fprintf(p.out, "\n   %s\n", p.in(red, "✗ "+what))
}

func (p page) done(acts, checks, looks int) {
	fmt.Fprintf(p.out, "\n%s %d acts, %d expectations, %d instants watched: all is as it should be.\n", p.in(green, "✓"), acts, checks, looks)
}

var (
	wirePath  = regexp.MustCompile(`MultiPartyCall/uuid_[0-9a-f-]+/`)
	wireQuery = regexp.MustCompile(`\?call=\w+(&step=\d+)?`)
	wireLeg   = regexp.MustCompile(`\bca0[0-9a-f]{5} ?`)
	wireMPC   = regexp.MustCompile(`\bac0[0-9a-f]{5} "\w+" `)
)

// timeline shows what the emulator noted, with names for numbers and without
// what does not change.
func (p page) timeline(entries []plivotest.Entry, call string, names map[string]string) {
	if len(entries) == 0 {
		return
	}
	p.printf("\n   %s\n", p.in(dim, "on the wire"))
	for _, e := range entries {
		text := wirePath.ReplaceAllString(e.Text, "…/")
		text = strings.ReplaceAll(text, publicURL, "")
		text = wireMPC.ReplaceAllString(wireQuery.ReplaceAllString(text, ""), "")
		text = wireLeg.ReplaceAllString(shorten(text), "")
		for _, address := range slices.Sorted(maps.Keys(names)) {
			text = strings.ReplaceAll(text, address, names[address])
		}
		if call != "" {
			text = strings.ReplaceAll(text, call, "call")
		}
		line := fmt.Sprintf("%7.3f s  %-8s  %s", e.At.Seconds(), e.Kind, strings.TrimSpace(text))
		if r := []rune(line); len(r) > pageWidth-3 {
			line = string(r[:pageWidth-4]) + "…"
		}
		p.printf("   %s\n", p.in(dim, line))
	}
}

// shorten keeps of a dial's many arguments those that the story is about.
func shorten(text string) string {
	before, body, ok := strings.Cut(text, " {")
	end := strings.LastIndex(body, "}")
	if !ok || end < 0 {
		return text
	}
	var args map[string]any
	if json.Unmarshal([]byte("{"+body[:end+1]), &args) != nil || len(args) < 5 {
		return text
	}
	kept := fmt.Sprintf("%s %v %v", before, args["role"], args["to"])
	for _, k := range []string{"coach_mode", "mute"} {
		if v, ok := args[k]; ok {
			kept += fmt.Sprintf(" %s=%v", k, v)
		}
	}
	return kept + body[end+1:]
}

// wrap breaks a text into lines.
func wrap(text string, width int) []string {
	var lines []string
	line := ""
	for word := range strings.FieldsSeq(text) {
		if line != "" && utf8.RuneCountInString(line)+1+utf8.RuneCountInString(word) > width {
			lines = append(lines, line)
			line = ""
		}
		line = strings.TrimSpace(line + " " + word)
	}
	return append(lines, line)
}
