package console_test

import (
	"testing"
	"time"
)

func TestSlice(t *testing.T) {
	bubble(t, func(t *testing.T) {
		o := open(t)
		_, _, id := o.connected()
		t.Logf("%s", o.want(ask{as: "supervisor:lee", path: "/api/me"}, 200, "").body)
		t.Logf("%s", o.want(ask{as: "supervisor:lee", path: "/api/calls"}, 200, "").body)
		t.Logf("%s", o.want(ask{as: "supervisor:lee", path: "/api/calls/" + string(id) + "/may?supervisor=lee"}, 200, "").body)
		t.Logf("%s", o.want(ask{as: "supervisor:lee", path: "/api/calls/" + string(id) + "/barge", body: `{"supervisor":"lee"}`}, 200, "").body)
		time.Sleep(5 * time.Second)
		t.Logf("%s", o.want(ask{as: "supervisor:lee", path: "/api/calls/" + string(id) + "/take-over", body: `{"supervisor":"lee","agent":"mute"}`}, 200, "").body)
		t.Logf("%s", o.want(ask{as: "supervisor:lee", path: "/api/calls/" + string(id)}, 200, "").body)
		t.Logf("%s", o.want(ask{as: "supervisor:lee", path: "/api/calls/" + string(id) + "/end", body: `{}`}, 204, "").body)
	})
}

func TestSliceStream(t *testing.T) {
	bubble(t, func(t *testing.T) {
		o := open(t)
		_, _, id := o.connected()
		b := newBrowser(t)
		l := b.listen(o.console, ask{as: "supervisor:lee"})
		time.Sleep(time.Second)
		o.want(ask{as: "supervisor:lee", path: "/api/calls/" + string(id) + "/barge", body: `{"supervisor":"lee"}`}, 200, "")
		time.Sleep(time.Second)
		b.same(o.console, ask{as: "supervisor:lee"}, "after barge")
		l.hangUp()
		o.want(ask{as: "supervisor:lee", path: "/api/calls/" + string(id) + "/take-over", body: `{"supervisor":"lee"}`}, 200, "")
		l = b.listen(o.console, ask{as: "supervisor:lee"})
		b.same(o.console, ask{as: "supervisor:lee"}, "after resume")
		o.want(ask{as: "supervisor:lee", path: "/api/calls/" + string(id) + "/end", body: `{}`}, 204, "")
		time.Sleep(time.Second)
		t.Log(b.events())
		l.hangUp()
	})
}
