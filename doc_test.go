package coaching_test

import (
	"context"
	"go/ast"
	"go/doc/comment"
	"go/format"
	"go/parser"
	"go/token"
	"net/http"
	"os"
	"strings"
	"testing"

	"github.com/plivo/plivo-go/v7"

	"github.com/mpc-coaching/coaching"
)

// packageProgram is the program that the package comment begins with.
func packageProgram(ctx context.Context, sdk *plivo.Client) error {
	flow, err := coaching.New(coaching.Config{
		Plivo:     sdk,                               // of plivo.NewClient
		PublicURL: "https://voice.example.com/plivo", // where Plivo reaches the handler
		Route:     coaching.RingOnce(coaching.Agent{ID: "ann", Address: "sip:ann@phone.plivo.com"}),
	})
	if err != nil {
		return err
	}
	go flow.Run(ctx)
	http.Handle("/plivo/", http.StripPrefix("/plivo", flow.Handler()))
	http.HandleFunc("POST /barge/{call}", func(w http.ResponseWriter, r *http.Request) {
		lee := coaching.Supervisor{ID: "lee", Address: "sip:lee@phone.plivo.com"}
		_, err := flow.Barge(r.Context(), coaching.CallID(r.PathValue("call")), lee, nil)
		w.WriteHeader(coaching.HTTPStatus(err))
	})
	return http.ListenAndServe(":8080", nil)
}

// The program in the package comment is the one above, which compiles.
func TestPackageProgramCompiles(t *testing.T) {
	_ = packageProgram
	fset := token.NewFileSet()
	file, err := parser.ParseFile(fset, "doc.go", nil, parser.ParseComments|parser.PackageClauseOnly)
	if err != nil {
		t.Fatal(err)
	}
	var shown string
	for _, block := range new(comment.Parser).Parse(file.Doc.Text()).Content {
		if code, ok := block.(*comment.Code); ok {
			shown = code.Text
			break
		}
	}
	src, err := os.ReadFile("doc_test.go")
	if err != nil {
		t.Fatal(err)
	}
	file, err = parser.ParseFile(fset, "doc_test.go", src, parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range file.Decls {
		if f, ok := d.(*ast.FuncDecl); ok && f.Name.Name == "packageProgram" {
			body := string(src[fset.Position(f.Body.Lbrace).Offset+2 : fset.Position(f.Body.Rbrace).Offset])
			want := strings.ReplaceAll(strings.TrimPrefix(body, "\t"), "\n\t", "\n")
			if shown != want {
				t.Errorf("the package comment shows\n%s\nwant\n%s", shown, want)
			}
			if _, err := format.Source([]byte(shown)); err != nil {
				t.Error(err)
			}
			return
		}
	}
	t.Fatal("doc_test.go lost its program")
}
