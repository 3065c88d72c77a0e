package plivotest

import (
	"fmt"
	"strings"
	"time"
)

// ParsePhone reads ADDRESS=ACTION[:DURATION], as in
// "sip:agent1@phone.plivo.com=answer:300ms". ACTION is answer, noanswer, busy,
// reject, unregistered or manual; DURATION is PhonePlan.After.
func ParsePhone(spec string) (address string, plan PhonePlan, err error) {
	i := strings.LastIndexByte(spec, '=')
	if i < 0 {
		return "", plan, fmt.Errorf("plivotest: phone %q: want ADDRESS=ACTION[:DURATION]", spec)
	}
	address = normal(spec[:i])
	if !dialable(address) {
		return "", plan, fmt.Errorf("plivotest: phone %q: %q is neither a number nor a sip: URI", spec, address)
	}
	action, after, timed := strings.Cut(spec[i+1:], ":")
	found := false
	for a, name := range actionNames {
		if name == action {
			plan.Action, found = Action(a), true
		}
	}
	if !found {
		return "", plan, fmt.Errorf("plivotest: phone %q: action %q is none of %s", spec, action, strings.Join(actionNames[:], ", "))
	}
	if timed {
		plan.After, err = time.ParseDuration(after)
		if err != nil || plan.After < 0 {
			return "", plan, fmt.Errorf("plivotest: phone %q: %q is no duration such as 300ms", spec, after)
		}
	}
	return address, plan, nil
}
