package coaching

import (
	"context"
	"net/http"
	"time"
)

// A CallDetail is the record of one call (one leg), as [Client.CallDetail]
// returns it. What the provider says null to, omits or garbles is the zero
// value or nil. Everything about the end appears some time after the end.
type CallDetail struct {
	APIID           string
	CallUUID        string // never empty
	ParentCallUUID  string
	From, To        string
	Direction       string         // "inbound" or "outbound"
	State           string         // of a live call, if the provider says
	Initiated       time.Time      // UTC
	Answered        time.Time      // UTC; zero if never
	Ended           time.Time      // UTC; zero while live
	Duration        *time.Duration // nil while live
	BilledDuration  *time.Duration // nil while live
	TotalAmount     string         // a decimal number as received
	HangupCauseCode int            // 0 while it is not known
	HangupCauseName string
	HangupSource    string // such as "Caller", "Callee", "Plivo", "API Request"
}

// HangUp ends a live call, and cancels a queued one.
func (c *Client) HangUp(ctx context.Context, callUUID string) error {
	return c.exec(ctx, newClientCall("HangUp", http.MethodDelete, "Call").uuid("the call's uuid", callUUID))
}

// CancelRequest cancels the calls that a request has queued and not yet dialled.
func (c *Client) CancelRequest(ctx context.Context, requestUUID string) error {
	return c.exec(ctx, newClientCall("CancelRequest", http.MethodDelete, "Request").uuid("the request's uuid", requestUUID))
}

// CallDetail reads the record of a call.
func (c *Client) CallDetail(ctx context.Context, callUUID string) (CallDetail, error) {
	return c.callDetail(ctx, callUUID, "")
}

// callDetail asks with a status where it is not empty: of a call that lives the
// provider may tell only where asked for one, and then no more than who and whom.
func (c *Client) callDetail(ctx context.Context, callUUID, status string) (CallDetail, error) {
	call := newClientCall("CallDetail", http.MethodGet, "Call").uuid("the call's uuid", callUUID)
	call.arg("status", status)
	obj, err := c.fetch(ctx, call)
	if err != nil {
		return CallDetail{}, err
	}
	d := CallDetail{
		APIID:           obj.text("api_id"),
		CallUUID:        obj.text("call_uuid"),
		ParentCallUUID:  obj.text("parent_call_uuid"),
		From:            obj.text("from_number", "from"),
		To:              obj.text("to_number", "to"),
		Direction:       obj.text("call_direction", "direction"),
		State:           obj.text("call_state", "call_status"),
		Initiated:       obj.moment("initiation_time"),
		Answered:        obj.moment("answer_time"),
		Ended:           obj.moment("end_time"),
		Duration:        obj.seconds("call_duration"),
		BilledDuration:  obj.seconds("billed_duration", "bill_duration"),
		TotalAmount:     obj.text("total_amount"),
		HangupCauseCode: obj.integer(0, "hangup_cause_code"),
		HangupCauseName: obj.text("hangup_cause_name"),
		HangupSource:    obj.text("hangup_source"),
	}
	if d.CallUUID == "" {
		return CallDetail{}, obj.missing(call.op, "call_uuid")
	}
	return d, nil
}
