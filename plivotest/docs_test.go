package plivotest_test

import (
	"os"
	"reflect"
	"strings"
	"testing"

	"github.com/mpc-coaching/coaching/plivotest"
)

func TestEverySwitchIsDocumented(t *testing.T) {
	doc, err := os.ReadFile("../docs/emulator.md")
	if err != nil {
		t.Fatal(err)
	}
	typ := reflect.TypeFor[plivotest.Switches]()
	for i := range typ.NumField() {
		if name := typ.Field(i).Name; !strings.Contains(string(doc), "`"+name+"`") {
			t.Errorf("docs/emulator.md does not name the switch %s", name)
		}
	}
}
