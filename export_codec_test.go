package coaching

import (
	"reflect"
	"time"

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
