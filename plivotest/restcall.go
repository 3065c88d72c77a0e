package plivotest

import (
	"net/http"
	"time"
)

func (s *Server) hangupCall(c *apiCall) reply {
	l := s.calls[c.Target]
	if l == nil || l.state == Ended {
		return s.fail(http.StatusNotFound, "call not found")
	}
	s.endLeg(l, s.apiHangup(l))
	return noContent
}

func (s *Server) apiHangup(l *Leg) HangupCause {
	if l.state != InProgress {
		return causeCanceled
	}
	return HangupCause{causeNormal.Code, causeNormal.Name, "API Request"}
}

// hangupAllCalls is what a hang-up with an empty id is: documented, and a trap.
func (s *Server) hangupAllCalls(*apiCall) reply {
	for _, l := range s.legs {
		s.endLeg(l, causeUnknown) // the cause, too, is documented
	}
	return noContent
}

// cancelRequest ends what is still queued or ringing of an add-participant
// request. That it reaches ringing legs is inferred.
func (s *Server) cancelRequest(c *apiCall) reply {
	for _, d := range s.dials {
		if d.uuid == c.Target {
			s.dropDial(d, causeCanceled)
			return noContent
		}
	}
	return s.fail(http.StatusNotFound, "request not found")
}

// getCall shows a call: with status=live or queued the short object of one
// that is, else the record, whose hang-up fields are null until the end.
func (s *Server) getCall(c *apiCall) reply {
	l := s.calls[c.Target]
	if l == nil {
		return s.fail(http.StatusNotFound, "not found")
	}
	switch status := c.Query.Get("status"); status {
	case "live", "queued":
		if (l.state == Queued) != (status == "queued") || l.state == Ended {
			return s.fail(http.StatusNotFound, "not found")
		}
		return s.good(http.StatusOK, s.liveObject(l))
	case "":
		if s.opts.Switches.LiveCallsByStatus && l.state != Ended {
			return s.fail(http.StatusNotFound, "not found")
		}
	default:
		return s.fail(http.StatusBadRequest, "status must be live or queued")
	}
	return s.good(http.StatusOK, s.callObject(l))
}

func (s *Server) liveObject(l *Leg) map[string]any {
	o := map[string]any{"direction": l.direction, "from": l.from, "to": l.to, "call_status": "ringing",
		"caller_name": l.from, "call_uuid": l.uuid, "session_start": l.began.UTC().Format("2006-01-02 15:04:05.000000"),
		"parent_call_uuid": nil}
	switch l.state {
	case InProgress:
		o["call_status"] = "in-progress"
	case Queued:
		o["call_status"] = "queued"
	}
	if l.dial != nil {
		o["request_uuid"], o["caller_name"] = l.dial.uuid, l.dial.callerName
	}
	return o
}

func (s *Server) callObject(l *Leg) map[string]any {
	o := map[string]any{
		"answer_time": nil, "bill_duration": 0, "billed_duration": 0, "call_direction": l.direction, "call_duration": 0,
		"call_state": nil, "call_uuid": l.uuid, "conference_uuid": nil, "end_time": nil, "from_number": l.from,
		"hangup_cause_code": nil, "hangup_cause_name": nil, "hangup_source": nil,
		"initiation_time": dateTime(l.began), "parent_call_uuid": nil, "resource_uri": s.base() + "Call/" + l.uuid + "/",
		"to_number": l.to, "total_amount": "0.00000", "total_rate": "0.00500",
	}
	if !l.answered.IsZero() {
		o["answer_time"] = dateTime(l.answered)
	}
	if l.state != Ended {
		return o
	}
	if !l.answered.IsZero() {
		secs := int(l.ending.Sub(l.answered).Seconds())
		o["call_duration"], o["bill_duration"], o["billed_duration"] = secs, secs, (secs+59)/60*60
	}
	o["end_time"] = dateTime(l.ending)
	if time.Since(l.ending) >= s.opts.Switches.HangupCauseDelay {
		o["call_state"] = "ANSWER"
		if l.answered.IsZero() {
			o["call_state"] = "NO_ANSWER"
		}
		o["hangup_cause_code"], o["hangup_cause_name"], o["hangup_source"] = l.cause.Code, l.cause.Name, l.cause.Source
	}
	return o
}

// listCalls lists the ids of live or queued calls; the log of ended ones is
// not modelled.
func (s *Server) listCalls(c *apiCall) reply {
	status := c.Query.Get("status")
	if status != "live" && status != "queued" {
		return s.fail(http.StatusNotImplemented, "the list of ended calls is not modelled by this emulator")
	}
	ids := []string{}
	for _, l := range s.legs {
		if l.state != Ended && (l.state == Queued) == (status == "queued") {
			ids = append(ids, l.uuid)
		}
	}
	return s.good(http.StatusOK, map[string]any{"calls": ids})
}
