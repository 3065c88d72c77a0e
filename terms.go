package coaching

import (
	"net/url"
	"strconv"
	"strings"
	"time"
)

// What every participant is told, in one place: in the customer's XML, in a
// supervisor's XML and in each dial. Settings of the whole multiparty call are
// the same in all of them, since nobody knows whose value wins (R3); flags and
// sounds are always said, never left to a default (R2, R16).

func yes() *bool { b := true; return &b }
func no() *bool  { b := false; return &b }

// callbackURL is the address of one of our paths, with the call's id in its query.
func (f *Flow) callbackURL(path string, id CallID, more ...string) string {
	u := f.cfg.PublicURL + path + "?call=" + string(id)
	for i := 0; i+1 < len(more); i += 2 {
		u += "&" + more[i] + "=" + url.QueryEscape(more[i+1])
	}
	return u
}

// retry asks Plivo to try again on the URLs where it documents that.
const retry = "#ct=2000&rt=5000&rc=3&rp=all"

func (f *Flow) musicURL(kind, source string) string {
	if source == "" {
		return ""
	}
	return f.cfg.PublicURL + "/music?kind=" + kind
}

// xmlTerms are the MPC's settings for an answer document.
func (f *Flow) xmlTerms(id CallID) MultiPartyCall {
	hold := f.musicURL("hold", f.cfg.HoldMusic)
	x := MultiPartyCall{
		Name:              id,
		MaxDuration:       maxDuration * time.Second,
		MaxParticipants:   maxMembers,
		StayAlone:         yes(),
		StatusCallbackURL: f.callbackURL("/events", id),
		WaitMusicURL:      f.musicURL("wait", f.cfg.WaitMusic), AgentHoldMusicURL: hold, CustomerHoldMusicURL: hold,
		Record:     no(),
		EnterSound: "none", ExitSound: "none", Hold: no(),
		RelayDTMFInputs: no(),
	}
	if r := f.cfg.Recording; r != nil {
		coach := r.CoachVoice
		x.Record, x.RecordFileFormat, x.RecordCoachVoice = yes(), r.Format, &coach
		x.RecordingCallbackURL = f.callbackURL("/recording", id)
	}
	return x
}

// customerXML is the answer to a customer's call. It needs the request and the
// Config alone, so that it is given when the store is down (R4).
func (f *Flow) customerXML(id CallID) (Document, error) {
	x := f.xmlTerms(id)
	x.Role, x.Mute = RoleCustomer, no()
	x.StartMPCOnEnter, x.EndMPCOnExit = no(), yes() // waiting music plays only before the MPC is Active
	x.OnExitActionURL = f.callbackURL("/exit", id) + retry
	return NewDocument(x, Speak{Text: "Thank you for calling. Goodbye."}, Hangup{})
}

// supervisorXML lets a supervisor who dialled in join: both locks as closed as
// their mode allows (R9).
func (f *Flow) supervisorXML(id CallID, m CoachMode) (Document, error) {
	x := f.xmlTerms(id)
	x.Role, x.CoachMode = RoleSupervisor, yes()
	if x.Mute = yes(); m == ModeCoach {
		x.Mute = no()
	}
	x.StartMPCOnEnter, x.EndMPCOnExit = no(), no()
	return NewDocument(x, Hangup{})
}

// dialTerms are the MPC's settings for a dial.
func (f *Flow) dialTerms(id CallID, step int) ParticipantParams {
	hold := Webhook{URL: f.musicURL("hold", f.cfg.HoldMusic)}
	p := ParticipantParams{
		MaxDuration:       maxDuration * time.Second,
		MaxParticipants:   maxMembers,
		StayAlone:         yes(),
		StatusCallback:    Webhook{URL: f.callbackURL("/events", id), Method: "POST"},
		WaitMusic:         Webhook{URL: f.musicURL("wait", f.cfg.WaitMusic)},
		AgentHoldMusic:    hold,
		CustomerHoldMusic: hold,
		Record:            no(),

		CallStatusCallback: Webhook{URL: f.callbackURL("/leg", id, "step", strconv.Itoa(step)), Method: "POST"},
		SIPHeaders:         map[string]string{"Callid": string(id)},
		DialMusic:          "None",
		EnterSound:         "none",
		ExitSound:          "none",
		Hold:               no(),
		EndMPCOnExit:       no(),
		RelayDTMFInputs:    no(),
	}
	if r := f.cfg.Recording; r != nil {
		p.Record, p.RecordFileFormat = yes(), r.Format
		p.RecordingCallback = Webhook{URL: f.callbackURL("/recording", id), Method: "POST"}
	}
	return p
}

// dial is the request that rings the legs of one step.
func (f *Flow) dial(c *Call, s step) ParticipantParams {
	p := f.dialTerms(c.ID, s.ID)
	for _, id := range s.Legs {
		l := c.leg(id)
		if l == nil {
			continue
		}
		p.To = append(p.To, l.To)
		p.RingTimeout = append(p.RingTimeout, time.Duration(l.Ring)*time.Second)
		if l.isAgent() {
			p.Role, p.Mute, p.StartMPCOnEnter = RoleAgent, no(), yes()
			p.From, p.ConfirmKey = f.callerFor(c, l.Agent), l.Agent.ConfirmKey
			continue
		}
		p.Role, p.CoachMode, p.StartMPCOnEnter = RoleSupervisor, yes(), no()
		if p.Mute = yes(); l.Mode == ModeCoach {
			p.Mute = no()
		}
		p.From, p.ConfirmKey, p.CallerName = f.ownNumber(c), l.Sup.ConfirmKey, l.Sup.Name
	}
	if p.CallerName == "" {
		p.CallerName = truncate(p.From, 50)
	}
	return p
}

// callerFor is what an agent's phone shows.
func (f *Flow) callerFor(c *Call, a Agent) string {
	switch {
	case a.CallerID != "":
		return a.CallerID
	case isE164(c.From):
		return c.From
	}
	return f.ownNumber(c)
}

// ownNumber is Config.CallerID, else what the customer dialled, else the
// customer's own: the first that one can call from. A call that was just adopted
// may not know what was dialled, and to a browser's or a PBX's it may be a word or
// an extension. Empty: there is none.
func (f *Flow) ownNumber(c *Call) string { return callFrom(f.cfg.CallerID, c.To, c.From) }

// callFrom returns the first address that one can call from, or nothing.
func callFrom(addresses ...string) string {
	for _, s := range addresses {
		if strings.HasPrefix(s, "sip:") {
			s, _, _ = strings.Cut(s, ";") // ";transport=udp" says how the call came, not who is called
		}
		if validAddress(s) {
			return s
		}
	}
	return ""
}

var errNoCallerID = invalid("no number to call from: neither what the customer dialled nor their own can be used; set Config.CallerID")

// refusal is what a supervisor hears whose dial-in is refused, whatever the
// reason (R17).
func refusal() (Document, error) {
	return NewDocument(Speak{Text: "This call cannot be joined. Goodbye."}, Hangup{})
}

// farewell is what a customer hears after the multiparty call by default.
func farewell(why ExitReason) (Document, error) {
	switch why {
	case ExitNobody:
		return NewDocument(Speak{Text: "We are sorry, nobody is available at the moment. Please call again later. Goodbye."}, Hangup{})
	case ExitUnknown:
		return NewDocument(Speak{Text: "We are sorry, the call was interrupted. Please call again. Goodbye."}, Hangup{})
	}
	return NewDocument(Hangup{})
}
