package coaching

import (
	"reflect"
	"strings"
	"time"
	"unsafe"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// DiffCalls compares everything that a store must keep: all fields, exported
// or not, but Version and what stands in a Call only while it is planned.
func DiffCalls(want, got Call) string {
	return cmp.Diff(want, got,
		cmp.Exporter(func(reflect.Type) bool { return true }),
		cmpopts.EquateEmpty(),
		cmpopts.IgnoreFields(Call{}, "Version"),
		cmpopts.IgnoreFields(work{}, "want", "moved"))
}

// Spins reports whether a call is due although nothing can be done for it.
func Spins(c Call, now time.Time) bool {
	return !c.Due().IsZero() && !c.Due().After(now) && len(runnable(&c, now)) == 0
}

// OwnStrings returns a call in which every string has memory of its own.
func OwnStrings(c Call) Call {
	c = c.clone()
	own(reflect.ValueOf(&c).Elem())
	return c
}

func own(v reflect.Value) {
	if !v.CanSet() {
		v = reflect.NewAt(v.Type(), unsafe.Pointer(v.UnsafeAddr())).Elem()
	}
	switch v.Kind() {
	case reflect.String:
		v.SetString(strings.Clone(v.String()))
	case reflect.Struct:
		for i := range v.NumField() {
			own(v.Field(i))
		}
	case reflect.Slice:
		for i := range v.Len() {
			own(v.Index(i))
		}
	}
}

const FeedLength = feedLength

// Kept is how many calls and expiries a store holds.
func Kept(s *MemoryStore) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.calls) + len(s.ended)
}

func CloneCall(c Call) Call { return c.clone() }
