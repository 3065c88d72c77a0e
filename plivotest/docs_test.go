package plivotest_test

import (
	"os"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"github.com/mpc-coaching/coaching/plivotest"
)

func TestEverySwitchIsDocumented(t *testing.T) {
	emulator, questions := readDoc(t, "emulator.md"), readDoc(t, "plivo-mpc.md")
	_, questions, ok := strings.Cut(questions, "\n## 10. Open questions\n")
	if !ok {
		t.Fatal("docs/plivo-mpc.md has lost its open questions")
	}
	typ := reflect.TypeFor[plivotest.Switches]()
	for i := range typ.NumField() {
		name := "`" + typ.Field(i).Name + "`"
		if !strings.Contains(emulator, name) {
			t.Errorf("docs/emulator.md does not name the switch %s", name)
		}
		if !strings.Contains(questions, name) {
			t.Errorf("no question of docs/plivo-mpc.md is varied by the switch %s", name)
		}
	}
	for _, row := range regexp.MustCompile(`(?m)^\| (Q\d+) \|[^|]*\|[^|]*\|([^|]*)\|`).FindAllStringSubmatch(questions, -1) {
		for _, m := range regexp.MustCompile("`([^`]+)`").FindAllStringSubmatch(row[2], -1) {
			if _, ok := typ.FieldByName(m[1]); !ok {
				t.Errorf("%s is varied by %s, which is no switch", row[1], m[1])
			}
		}
	}
}

// TestDocumentNamesWhatExists checks the methods that docs/emulator.md names.
func TestDocumentNamesWhatExists(t *testing.T) {
	types := map[string]reflect.Type{"Server": reflect.TypeFor[*plivotest.Server](), "Leg": reflect.TypeFor[*plivotest.Leg](), "Phone": reflect.TypeFor[*plivotest.Phone]()}
	named := regexp.MustCompile("`(Server|Leg|Phone)\\.([A-Za-z]+)").FindAllStringSubmatch(readDoc(t, "emulator.md"), -1)
	if len(named) < 20 {
		t.Errorf("docs/emulator.md names %d methods, want 20 at least", len(named))
	}
	for _, m := range named {
		if _, ok := types[m[1]].MethodByName(m[2]); !ok {
			t.Errorf("docs/emulator.md names %s.%s, which does not exist", m[1], m[2])
		}
	}
}

func readDoc(t *testing.T, name string) string {
	t.Helper()
	doc, err := os.ReadFile("../docs/" + name)
	if err != nil {
		t.Fatal(err)
	}
	return string(doc)
}
