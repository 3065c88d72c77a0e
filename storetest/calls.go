package storetest

import (
	_ "embed"
	"fmt"
	"strings"
	"time"

	"github.com/mpc-coaching/coaching"
)

// A call in the middle of everything, as EncodeCall wrote it: people, a
// supervisor, steps, operations, legs, a ticket, and fields of a version to come.
//
//go:embed testdata/busy.json
var busyDocument string

// busyID is the id that stands in it.
const busyID = "ccbusy00000000000000000000000001"

// id names the nth call of a case.
func id(n int) coaching.CallID { return coaching.CallID(fmt.Sprintf("cctest%026d", n)) }

func decoded(t tb, doc string) coaching.Call {
	t.Helper()
	c, err := coaching.DecodeCall([]byte(doc))
	if err != nil {
		t.Fatalf("DecodeCall(%s) = %v", doc, err)
	}
	return c
}

// busy is a live call with all there can be.
func busy(t tb, n int) coaching.Call {
	t.Helper()
	return decoded(t, strings.ReplaceAll(busyDocument, busyID, string(id(n))))
}

// live is a small call that goes on.
func live(n int) coaching.Call {
	return coaching.Call{
		ID: id(n), State: coaching.StateActive, From: "14155550123", To: "14155550100",
		Headers: map[string]string{"Account": "42"}, Query: map[string][]string{"menu": {"1", "2"}}, Data: map[string]string{"queue": "sales"},
		Attempts:     []coaching.Attempt{{ID: 1, Rings: []coaching.Ring{{Agent: "ann", Outcome: coaching.LegAnswered}}}},
		Participants: []coaching.Participant{{Member: "7", Role: coaching.RoleCustomer}},
		Supervisions: []coaching.Supervision{{ID: "lee", State: coaching.SupervisionRinging}},
		Created:      time.Now(),
	}
}

// ended is a call that is over, kept for that long.
func ended(n int, retention time.Duration) coaching.Call {
	c := live(n)
	return end(c, retention)
}

// end ends a call of live's.
func end(c coaching.Call, retention time.Duration) coaching.Call {
	c.State, c.EndReason, c.Ended = coaching.StateEnded, coaching.ExitCustomer, time.Now()
	c.Expires = c.Ended.Add(retention)
	return c
}

// lingering is a call that is over and for which something is left to do, so
// that it is live.
func lingering(t tb, n int) coaching.Call {
	t.Helper()
	past := time.Now().Add(-time.Hour).UnixNano()
	return decoded(t, fmt.Sprintf(`{"v":1,"id":%q,"st":4,"cr":%d,"en":%d,"ex":%d,"er":1,"w":{"st":[{"id":1,"k":5,"u":"ca000002-1176-478e-8bf7-0e1c74c419c5"}]}}`, id(n), past, past, past))
}

// marked returns the call with a note in it.
func marked(c coaching.Call, note string) coaching.Call {
	c.Data = map[string]string{"note": note}
	return c
}
