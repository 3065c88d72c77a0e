package plivotest

import (
	"encoding/xml"
	"fmt"
	"slices"
	"strconv"
)

// attributes of the elements that are modelled, beside MultiPartyCall's.
var attributes = map[string][]parameter{
	"Response": {},
	"Speak":    {{xml: "voice", kind: text}, {xml: "language", kind: text}, {xml: "loop", kind: number, lo: 0, hi: 1000000}},
	"Play":     {{xml: "loop", kind: number, lo: 0, hi: 1000000}},
	"Wait":     {{xml: "length", kind: number, lo: 1, hi: 86400}, {xml: "silence"}, {xml: "minSilence", kind: number, lo: 0, hi: 1 << 30}, {xml: "beep"}},
	"Hangup":   {{xml: "reason", kind: text}, {xml: "schedule", kind: number, lo: 0, hi: 1 << 30}},
	"Redirect": {{xml: "method", kind: verb}},
	"GetDigits": {{xml: "action", kind: webURL}, {xml: "method", kind: verb}, {xml: "timeout", kind: number, lo: 1, hi: 3600},
		{xml: "digitTimeout", kind: number, lo: 1, hi: 3600}, {xml: "finishOnKey", kind: text}, {xml: "numDigits", kind: number, lo: 1, hi: 99},
		{xml: "retries", kind: number, lo: 1, hi: 99}, {xml: "redirect"}, {xml: "playBeep"}, {xml: "validDigits", kind: text},
		{xml: "invalidDigitsSound", kind: webURL}, {xml: "log"}},
}

// unmodelled are elements of the language that the emulator does not run.
var unmodelled = []string{"Dial", "Conference", "Record", "DTMF", "Message", "PreAnswer", "GetInput", "Stream", "Number", "User"}

// checkDocument checks every element before the first is run, as strictly as
// the documentation is. warn is told what is ignored.
func checkDocument(doc []element, lenient bool, warn func(string, ...any)) error {
	for i, e := range doc {
		if err := checkElement(e, lenient, warn); err != nil {
			return fmt.Errorf("element %d: %w", i+1, err)
		}
	}
	return nil
}

func checkElement(e element, lenient bool, warn func(string, ...any)) error {
	if e.name == "MultiPartyCall" {
		_, err := readJoining(e, lenient, warn)
		return err
	}
	known, ok := attributes[e.name]
	if slices.Contains(unmodelled, e.name) {
		return fmt.Errorf("%s is not modelled by this emulator", e.name)
	}
	if !ok {
		return fmt.Errorf("no element %s", clip(e.name))
	}
	if err := checkAttributes(e, known, lenient, warn, nil); err != nil {
		return err
	}
	switch e.name {
	case "Speak":
		if e.text == "" && len(e.children) == 0 {
			return fmt.Errorf("no text in Speak")
		}
		return nil // children are SSML
	case "Play", "Redirect":
		if !isWebURL(e.text) {
			return fmt.Errorf("%s needs an http or https URL, not %q", e.name, clip(e.text))
		}
	case "GetDigits":
		for _, c := range e.children {
			if c.name != "Speak" && c.name != "Play" && c.name != "Wait" {
				return fmt.Errorf("%s in GetDigits", clip(c.name))
			}
			if err := checkElement(c, lenient, warn); err != nil {
				return err
			}
		}
		return nil
	}
	if len(e.children) > 0 {
		return fmt.Errorf("%s in %s", clip(e.children[0].name), e.name)
	}
	return nil
}

// checkAttributes checks all attributes of e and hands the good ones to take.
func checkAttributes(e element, known []parameter, lenient bool, warn func(string, ...any), take func(parameter, value)) error {
	for _, a := range e.attrs {
		if a.Name.Space == "xmlns" || a.Name == (xml.Name{Local: "xmlns"}) {
			continue
		}
		name := a.Name.Local
		i := slices.IndexFunc(known, func(p parameter) bool { return p.xml != "" && p.xml == name })
		if i < 0 {
			if !lenient {
				return fmt.Errorf("%s has no attribute %s", e.name, clip(name))
			}
			warn("attribute %s of %s ignored", clip(name), e.name)
			continue
		}
		if known[i].sdkOnly {
			warn("attribute %s of %s is not documented", name, e.name)
		}
		v, err := known[i].check(a.Value)
		if err != nil {
			return fmt.Errorf("attribute %s of %s %w", name, e.name, err)
		}
		if take != nil {
			take(known[i], v)
		}
	}
	return nil
}

// readJoining reads a MultiPartyCall element.
func readJoining(e element, lenient bool, warn func(string, ...any)) (*joining, error) {
	j := newJoining()
	err := checkAttributes(e, parameters, lenient, warn, func(p parameter, v value) {
		p.set(&j, v)
		if p.mpcLevel {
			j.given[p.xml] = v.s
		}
	})
	if err != nil {
		return nil, err
	}
	if j.role == "" {
		return nil, fmt.Errorf("no role in MultiPartyCall")
	}
	if e.text == "" {
		return nil, fmt.Errorf("no name in MultiPartyCall")
	}
	if len([]rune(e.text)) > maxName {
		return nil, fmt.Errorf("the name in MultiPartyCall is longer than %d", maxName)
	}
	for _, c := range e.children {
		if c.name != "AgentHoldMusic" && c.name != "CustomerHoldMusic" { // one SDK writes them
			return nil, fmt.Errorf("%s in MultiPartyCall", clip(c.name))
		}
		warn("element %s in MultiPartyCall ignored", c.name)
	}
	return &j, nil
}

// maxName caps MPC names. Not documented.
const maxName = 255

// whole returns an attribute's number, or def.
func (e element) whole(name string, def int) int {
	if raw, ok := e.attr(name); ok {
		if n, err := strconv.Atoi(raw); err == nil {
			return n
		}
	}
	return def
}
