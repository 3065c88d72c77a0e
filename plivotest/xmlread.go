package plivotest

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"
)

// maxDocument is the size of the largest document Plivo takes.
const maxDocument = 100 << 10

// element is one instruction of a document.
type element struct {
	name     string
	attrs    []xml.Attr
	text     string
	children []element
}

func (e element) attr(name string) (string, bool) {
	for _, a := range e.attrs {
		if a.Name.Local == name {
			return a.Value, true
		}
	}
	return "", false
}

// parseDocument reads <Response>…</Response>. Names are case-sensitive.
func parseDocument(data []byte) ([]element, error) {
	if len(data) > maxDocument {
		return nil, fmt.Errorf("document larger than %d bytes", maxDocument)
	}
	if !utf8.Valid(data) {
		return nil, errors.New("document is not UTF-8")
	}
	dec := xml.NewDecoder(bytes.NewReader(data))
	var root *element
	for {
		tok, err := dec.Token()
		if err == io.EOF {
			break
		}
		if err != nil {
			return nil, err
		}
		switch t := tok.(type) {
		case xml.StartElement:
			if root != nil {
				return nil, errors.New("more than one root element")
			}
			e, err := parseElement(dec, t, 0)
			if err != nil {
				return nil, err
			}
			root = &e
		case xml.CharData:
			if len(bytes.TrimSpace(t)) > 0 {
				return nil, errors.New("text outside the root element")
			}
		}
	}
	switch {
	case root == nil:
		return nil, errors.New("no root element")
	case root.name != "Response":
		return nil, fmt.Errorf("root element is %s, not Response", clip(root.name))
	case root.text != "":
		return nil, errors.New("text directly in Response")
	}
	return root.children, nil
}

func parseElement(dec *xml.Decoder, start xml.StartElement, depth int) (element, error) {
	e := element{name: start.Name.Local, attrs: start.Copy().Attr}
	if depth > 8 {
		return e, errors.New("nested too deeply")
	}
	seen := map[string]bool{}
	for _, a := range e.attrs {
		if seen[a.Name.Local] {
			return e, fmt.Errorf("attribute %s twice in %s", clip(a.Name.Local), clip(e.name))
		}
		seen[a.Name.Local] = true
	}
	var text strings.Builder
	for {
		tok, err := dec.Token()
		if err != nil {
			return e, err
		}
		switch t := tok.(type) {
		case xml.StartElement:
			child, err := parseElement(dec, t, depth+1)
			if err != nil {
				return e, err
			}
			e.children = append(e.children, child)
		case xml.CharData:
			text.Write(t)
		case xml.EndElement:
			e.text = strings.TrimSpace(text.String())
			return e, nil
		}
	}
}
