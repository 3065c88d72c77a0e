package coaching

import (
	"encoding/json"
	"fmt"
	"math"
	"strings"
)

// Schema is the version of the documents that [EncodeCall] writes. It rises
// where an older reader would go wrong, and not for a new field that an older
// reader may carry along without knowing it.
const Schema = 1

// EncodeCall returns the document that a [Store] adapter keeps for a call: JSON
// with everything in the Call, what the library remembers for its own use and
// Expires included, and Version left out: that is the adapter's own record of
// how often the document was written. The keys are short and the numbers
// exact to 64 bits, so other programs may read a document, within limits, and
// never write one; it holds phone numbers and the agents' confirm keys. For
// showing a call to people there is [json.Marshal].
//
// The same Call gives the same bytes. Text that is not UTF-8 is stored with
// U+FFFD for what is wrong with it; times lose their zone and their monotonic
// clock and must lie between the years 1678 and 2262. [ErrInvalid]: the ID is
// malformed, or a value is undeclared or out of range.
func EncodeCall(c Call) ([]byte, error) {
	if !validCallID(c.ID) {
		return nil, fmt.Errorf("coaching: EncodeCall: %w", invalid("ID must match [A-Za-z0-9]{16,64}"))
	}
	w := docWriter{buf: make([]byte, 0, 6<<10)}
	callDoc.write(&w, &c)
	if w.err != nil {
		return nil, fmt.Errorf("coaching: EncodeCall: %w", w.err)
	}
	return w.buf, nil
}

// DecodeCall is the inverse of [EncodeCall]; the adapter sets Version
// afterwards. Fields that this version does not know, in the document or in
// the records within it, are kept and written again by EncodeCall, so that
// instances of neighbouring versions can share a store.
//
// [ErrSchema]: a newer version of this package wrote the document, in a later
// Schema or with a value of a closed set that this version does not know. The
// call is for an instance that knows it: Get returns the error, Live and
// Changes leave the call out. [ErrInvalid]: anything else that is not a call.
// It never panics, and keeps no reference to doc.
func DecodeCall(doc []byte) (Call, error) {
	c, err := decodeCall(doc)
	if err != nil {
		return Call{}, fmt.Errorf("coaching: DecodeCall: %w", err)
	}
	return c, nil
}

func decodeCall(doc []byte) (Call, error) {
	if !json.Valid(doc) { // so that the reader below need not look at syntax
		return Call{}, invalid("not JSON")
	}
	text := string(doc)
	schema, err := schemaOf(text)
	switch {
	case err != nil:
		return Call{}, err
	case schema > Schema:
		return Call{}, fmt.Errorf("schema %d, and this version knows %d: %w", schema, Schema, ErrSchema)
	case schema < 1:
		return Call{}, invalid("schema %d", schema)
	}
	var c Call
	r := docReader{text: text}
	callDoc.read(&r, &c)
	if r.err == nil && !validCallID(c.ID) {
		r.err = invalid("the id is missing or malformed")
	}
	if r.err != nil {
		return Call{}, r.err
	}
	c.ID = CallID(strings.Clone(string(c.ID))) // ids are kept for long; do not keep the document with them
	return c, nil
}

// schemaOf finds the schema before anything else is read, since the rest may
// mean something else in another one.
func schemaOf(text string) (int64, error) {
	if strings.HasPrefix(text, `{"v":1,`) { // as we write it
		return 1, nil
	}
	var schema int64
	found := false
	r := docReader{text: text}
	r.object(func(key string) {
		if key == "v" && !found {
			schema, found = r.int(0, math.MaxInt64), true
		} else {
			r.raw()
		}
	})
	if r.err == nil && !found {
		r.err = invalid("no schema")
	}
	return schema, r.err
}

// A shape says how a T stands in a document: one table for writing and
// reading. Fields that are zero are left out.
type shape[T any] struct {
	list []field[T]
	more func(*T) *string // where fields that we do not know are kept; nil: nowhere
}

type field[T any] struct {
	key   string
	write func(w *docWriter, key string, v *T)
	read  func(r *docReader, v *T)
}

func (d *shape[T]) write(w *docWriter, v *T) {
	w.buf = append(w.buf, '{')
	for i := range d.list {
		d.list[i].write(w, d.list[i].key, v)
	}
	if d.more != nil {
		w.more(*d.more(v))
	}
	w.buf = append(w.buf, '}')
}

func (d *shape[T]) read(r *docReader, v *T) {
	next := 0 // we write in the table's order, so the next field is mostly the next one
	r.object(func(key string) {
		for range d.list {
			f := &d.list[next]
			if next++; next == len(d.list) {
				next = 0
			}
			if f.key == key {
				f.read(r, v)
				return
			}
		}
		value := r.raw()
		if d.more != nil {
			more := d.more(v)
			*more += "," + quoted(key) + ":" + value
		}
	})
}
