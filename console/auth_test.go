package console_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/mpc-coaching/coaching"
	"github.com/mpc-coaching/coaching/console"
)

// The columns of the table in docs/console.md.
var askers = []string{"", "customer:c1", "agent:ann", "agent:bob", "supervisor:lee", "supervisor:mia"}

// TestAuthorisation does every operation as everybody, each in an office of its
// own, and compares what comes back with the table of docs/console.md.
func TestAuthorisation(t *testing.T) {
	covered := map[string]bool{}
	for _, row := range table(t, "authorisation") {
		op := strings.Trim(row[0], "`")
		method, path, _ := strings.Cut(op, " ")
		plain, _, _ := strings.Cut(path, "?")
		covered[method+" "+plain] = true
		for i, as := range askers {
			t.Run(op+" as "+as, func(t *testing.T) {
				bubble(t, func(t *testing.T) { authorised(t, method, path, as, row[i+1]) })
			})
		}
	}
	for _, p := range console.Patterns() {
		if !covered[p] {
			t.Errorf("the table has no row for %s", p)
		}
	}
}

const marker = "tango-whisky"

func authorised(t *testing.T, method, path, as, cell string) {
	o := open(t, flowConfig(func(c *coaching.Config) {
		route := c.Route
		c.Route = func(ctx context.Context, call coaching.Call) (coaching.Next, error) {
			next, err := route(ctx, call)
			next.Data = map[string]string{"secret": marker}
			return next, err
		}
	}))
	customer, agent, id := o.connected()
	verb := path[strings.LastIndex(path, "/")+1:]
	body, err := o.prepare(verb, id, customer.MemberID(), agent.MemberID(), as)
	if err != nil {
		t.Fatalf("preparing %s: %v", verb, err)
	}
	path = strings.ReplaceAll(path, "{call}", string(id))
	a := ask{as: as, method: method, path: path, body: body}
	var p reply
	if strings.HasPrefix(path, "/api/stream") {
		b := newBrowser(t)
		l := b.listen(o.console, a)
		p = reply{status: l.status, body: []byte(b.sent.String())}
		l.hangUp()
	} else {
		p = o.do(a)
	}
	status, empty, _ := strings.Cut(cell, " ")
	if fmt.Sprint(p.status) != status {
		t.Fatalf("%s %s as %q = %d %s, want %s", method, path, as, p.status, p.body, status)
	}
	shown := strings.Contains(string(p.body), string(id)) || strings.Contains(string(p.body), marker) || strings.Contains(string(p.body), caller)
	if (empty != "" || p.status >= 400) && shown {
		t.Errorf("%s %s as %q tells of the call: %s", method, path, as, p.body)
	}
	if empty == "" && method == "GET" && p.status == 200 && verb != "may" && !strings.Contains(string(p.body), marker) {
		t.Errorf("%s %s as %q does not tell of the call: %s", method, path, as, p.body)
	}
}

// prepare brings a call into the state that a verb wants, and returns a body.
func (o *office) prepare(verb string, id coaching.CallID, customer, agent, as string) (body string, err error) {
	ctx := coaching.AsHost(o.t.Context())
	sup := "lee"
	if as == "supervisor:mia" {
		sup = "mia"
	}
	withSup := fmt.Sprintf(`{"supervisor":%q}`, sup)
	switch verb {
	case "add-supervisor", "barge", "take-over", "ticket":
		return withSup, nil
	case "hand-back":
		_, err = o.flow.TakeOver(ctx, id, coaching.Supervisor{ID: "lee"}, nil)
		return withSup, err
	case "set-mode", "leave", "await":
		_, err = o.flow.Barge(ctx, id, coaching.Supervisor{ID: "lee"}, nil)
		if verb == "set-mode" {
			withSup = fmt.Sprintf(`{"supervisor":%q,"mode":"monitor"}`, sup)
		}
		return withSup, err
	case "hold", "remove":
		return fmt.Sprintf(`{"member":%q}`, agent), nil
	case "mute":
		return fmt.Sprintf(`{"member":%q}`, customer), nil
	case "resume":
		return fmt.Sprintf(`{"member":%q}`, customer), o.flow.Hold(ctx, id, coaching.MemberID(customer))
	case "unmute":
		return fmt.Sprintf(`{"member":%q}`, customer), o.flow.Mute(ctx, id, coaching.MemberID(customer))
	case "transfer":
		return `{"agents":["bob"]}`, nil
	case "end":
		return `{}`, nil
	}
	return "", nil
}
