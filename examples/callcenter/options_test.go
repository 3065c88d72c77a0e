package main

import (
	"io"
	"strings"
	"testing"
)

func TestParseOptions(t *testing.T) {
	creds := map[string]string{"PLIVO_AUTH_ID": "MAXXXXXXXXXXXXXXXXXX", "PLIVO_AUTH_TOKEN": "token"}
	for _, tt := range []struct {
		args string
		env  map[string]string
		err  string
		ok   func(*options) bool
	}{
		{args: "", ok: func(o *options) bool { return o.addr == "127.0.0.1:8080" && !o.real() }},
		{args: "-auto", ok: func(o *options) bool { return o.addr == "127.0.0.1:0" }},
		{args: "-auto -addr 127.0.0.1:7", ok: func(o *options) bool { return o.addr == "127.0.0.1:7" }},
		{args: "", env: creds, ok: func(o *options) bool { return !o.real() }}, // without a public URL nobody can call
		{args: "-public-url https://v.example/ -people p.json", env: creds, ok: func(o *options) bool {
			return o.real() && o.publicURL == "https://v.example" && o.flowURL() == "https://v.example/plivo"
		}},
		{args: "-public-url https://v.example/plivo -people p.json", env: creds, ok: func(o *options) bool { return o.flowURL() == "https://v.example/plivo" }},
		{args: "-public-url https://v.example", ok: func(o *options) bool { return !o.real() }},
		{args: "-plivo http://127.0.0.1:9090 -public-url http://127.0.0.1:8080", env: creds, ok: func(o *options) bool { return !o.real() }},
		{args: "-public-url https://v.example", env: creds, err: "-people is needed"},
		{args: "-public-url http://v.example -people p.json", env: creds, err: "must be https"},
		{args: "-public-url https://v.example -people p.json -auto", env: creds, err: "leave out -public-url"},
		{args: "-public-url v.example", err: "want scheme and host"},
		{args: "-public-url https://v.example/a/b", err: "want scheme and host"},
		{args: "-public-url https://u:p@v.example", err: "want scheme and host"},
		{args: "-plivo 127.0.0.1:9090", err: "want scheme and host"},
		{args: "-plivo http://127.0.0.1:9090", err: "-plivo needs -public-url"},
		{args: "-check", env: creds, err: "-check needs"},
		{args: "-tokens mine", err: "want plivo or self"},
		{args: "-addr 0.0.0.0:80", err: "-allow-remote"},
		{args: "-addr 0.0.0.0:80 -allow-remote", ok: func(o *options) bool { return o.allowRemote }},
		{args: "-addr example.com:80", err: "-allow-remote"},
		{args: "-addr nonsense", err: "HOST:PORT"},
		{args: "stray", err: "unexpected argument"},
	} {
		o, err := parseOptions(strings.Fields(tt.args), func(k string) string { return tt.env[k] }, io.Discard)
		switch {
		case tt.err != "" && (err == nil || !strings.Contains(err.Error(), tt.err)):
			t.Errorf("parseOptions(%s) = %v, want an error with %q", tt.args, err, tt.err)
		case tt.err == "" && err != nil:
			t.Errorf("parseOptions(%s) = %v, want nil", tt.args, err)
		case tt.err == "" && !tt.ok(o):
			t.Errorf("parseOptions(%s) = %+v", tt.args, o)
		}
	}
}
