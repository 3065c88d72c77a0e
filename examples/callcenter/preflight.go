package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"time"
)

const (
	// noncePath is where the public URL is tried.
	noncePath = "/preflight/"
	// clockSkew is how wrong the clock may be: tokens say from when to when
	// they hold.
	clockSkew = 30 * time.Second
)

// A finding is what one check found.
type finding struct {
	what string // that was checked
	fix  string // what to do; "": it is as it should be
}

func (f finding) String() string {
	if f.fix == "" {
		return "✓ " + f.what
	}
	return "✗ " + f.what + "\n  → " + f.fix
}

// A preflight looks at the account, and from outside at this program, for
// everything without which no call would work.
type preflight struct {
	api       *plivoAPI
	public    *http.Client // reaches this program as Plivo does
	staff     staff
	publicURL string // of this program
	flowURL   string // of the Flow
	nonces    *nonces
	now       func() time.Time

	findings []finding
	apps     map[string]application
}

// An application is what Plivo does with calls of its numbers and endpoints.
type application struct {
	Name   string `json:"app_name"`
	Answer string `json:"answer_url"`
	Method string `json:"answer_method"`
	err    error
}

func (p *preflight) ok(format string, args ...any) {
	p.findings = append(p.findings, finding{what: fmt.Sprintf(format, args...)})
}

func (p *preflight) bad(fix, format string, args ...any) {
	p.findings = append(p.findings, finding{fmt.Sprintf(format, args...), fix})
}

// run makes all checks. Without credentials the account is not looked at.
func (p *preflight) run(ctx context.Context) []finding {
	p.apps = map[string]application{}
	if p.credentials(ctx) {
		for _, number := range p.staff.hotlines() {
			p.hotline(ctx, number)
		}
		p.endpoints(ctx)
	}
	p.reach(ctx)
	return p.findings
}

func (p *preflight) credentials(ctx context.Context) bool {
	var account struct {
		AuthID string `json:"auth_id"`
		Type   string `json:"account_type"`
	}
	before := p.now()
	head, err := p.api.call(ctx, "GET", struct{}{}, &account, "")
	took := p.now().Sub(before)
	var status *statusError
	switch {
	case errors.As(err, &status) && (status.status == http.StatusUnauthorized || status.status == http.StatusForbidden):
		p.bad("copy Auth ID and Auth Token from the overview page of the Plivo console into PLIVO_AUTH_ID and PLIVO_AUTH_TOKEN; after a rotation the old token no longer holds",
			"Plivo refuses the credentials (%d)", status.status)
		return false
	case errors.As(err, &status):
		p.bad("try again; if it stays so, see Plivo's status page", "Plivo answers %d to a look at the account", status.status)
		return false
	case err != nil:
		p.bad("this machine must reach https://api.plivo.com: look at its network, DNS and proxy settings", "Plivo's API cannot be reached: %v", err)
		return false
	case account.AuthID != "" && account.AuthID != p.api.sdk.AuthId:
		p.bad("set PLIVO_AUTH_ID to the account's own id", "the credentials belong to account %s", account.AuthID)
		return false
	}
	p.ok("Plivo takes the credentials")
	if account.Type == "developer" {
		p.bad("in the Plivo console, under Phone Numbers, verify the numbers that are to call and to be called (sandbox numbers), or add credit",
			"this is a trial account, which talks with verified numbers alone")
	}
	p.clock(head, before.Add(took/2))
	return true
}

func (p *preflight) clock(head http.Header, here time.Time) {
	there, err := http.ParseTime(head.Get("Date"))
	if err != nil {
		return // nothing to compare with
	}
	if off := here.Sub(there).Round(time.Second); off.Abs() > clockSkew {
		p.bad("set this machine's clock (NTP): access tokens hold from one moment to another", "the clock is off by %v", off)
		return
	}
	p.ok("the clock agrees with Plivo's")
}

// hotline checks that a number leads to /answer.
func (p *preflight) hotline(ctx context.Context, number string) {
	var n struct {
		Application *string `json:"application"`
		Voice       *bool   `json:"voice_enabled"`
	}
	_, err := p.api.call(ctx, "GET", struct{}{}, &n, "Number/"+number)
	var status *statusError
	switch {
	case errors.As(err, &status) && status.status == http.StatusNotFound:
		p.bad("rent it in the Plivo console under Phone Numbers, or put one of yours into the hotlines of people.json", "hotline %s is no number of this account", number)
		return
	case err != nil:
		p.bad("try again", "hotline %s cannot be looked at: %v", number, err)
		return
	case n.Voice != nil && !*n.Voice:
		p.bad("choose a number with voice in the Plivo console under Phone Numbers", "hotline %s takes no calls", number)
		return
	}
	p.answersAt(ctx, "hotline "+number, n.Application, "/answer",
		"in the Plivo console, under Phone Numbers, Your Numbers, "+number+", choose XML Application, and one with")
}

// endpoints checks that everybody's endpoint is there, and that supervisors who
// dial in come to /supervisor.
func (p *preflight) endpoints(ctx context.Context) {
	type endpoint struct {
		Username    string  `json:"username"`
		Application *string `json:"application"`
	}
	have := map[string]endpoint{}
	const page = 20
	for offset := 0; ; offset += page {
		var list struct{ Objects []endpoint }
		in := struct {
			Limit  int `url:"limit"`
			Offset int `url:"offset"`
		}{page, offset}
		if _, err := p.api.call(ctx, "GET", in, &list, "Endpoint"); err != nil {
			p.bad("try again", "the endpoints cannot be listed: %v", err)
			return
		}
		for _, e := range list.Objects {
			have[e.Username] = e
		}
		if len(list.Objects) < page {
			break
		}
	}
	for _, person := range p.staff.people {
		if person.Endpoint == "" {
			continue
		}
		e, ok := have[person.Endpoint]
		if !ok {
			fix := "create it in the Plivo console under Voice, Endpoints, and put its username into people.json: Plivo appends digits to the name that you choose"
			for name := range have {
				if strings.HasPrefix(name, person.Endpoint) {
					fix = "its username is " + name + ", with the digits that Plivo appended: put that into people.json"
				}
			}
			p.bad(fix, "%s: there is no endpoint %s", person.Name, person.Endpoint)
			continue
		}
		if person.Role == agentRole {
			p.ok("%s: endpoint %s", person.Name, person.Endpoint)
			continue
		}
		p.answersAt(ctx, person.Name+"’s endpoint "+person.Endpoint, e.Application, "/supervisor",
			"in the Plivo console, under Voice, Endpoints, "+person.Endpoint+", choose an application with")
	}
}

// answersAt checks the application that something is bound to.
func (p *preflight) answersAt(ctx context.Context, what string, uri *string, path, fix string) {
	want := p.flowURL + path
	fix += " answer URL " + want + ", method POST"
	if uri == nil || *uri == "" {
		p.bad(fix, "%s has no application", what)
		return
	}
	app := p.application(ctx, *uri)
	switch {
	case app.err != nil:
		p.bad("try again", "the application of %s cannot be looked at: %v", what, app.err)
	case app.Answer != want:
		p.bad(fix+"; or change that of the application, under Voice, Applications, "+app.Name, "%s leads to %q", what, app.Answer)
	case !strings.EqualFold(app.Method, "POST"):
		p.bad("in the Plivo console, under Voice, Applications, "+app.Name+", set the answer method to POST", "%s asks its answer URL by %q", what, app.Method)
	default:
		p.ok("%s leads to %s", what, want)
	}
}

// application reads one by its resource URI; of that only the id is used.
func (p *preflight) application(ctx context.Context, uri string) application {
	parts := strings.Split(strings.Trim(uri, "/"), "/")
	id := parts[len(parts)-1]
	if app, ok := p.apps[id]; ok {
		return app
	}
	var app application
	if id == "" || strings.Trim(id, "0123456789") != "" {
		app.err = fmt.Errorf("%q is no id of an application", id)
	} else {
		_, app.err = p.api.call(ctx, "GET", struct{}{}, &app, "Application/"+id)
	}
	p.apps[id] = app
	return app
}

// reach fetches a page of this very process through the public URL.
func (p *preflight) reach(ctx context.Context) {
	fix := "let " + p.publicURL + " lead to this program: start the tunnel or the proxy, or give its present address as -public-url"
	if !strings.HasPrefix(p.publicURL, "https://") {
		p.bad("give an https URL", "%s is not https", p.publicURL)
		return
	}
	nonce := p.nonces.make()
	defer p.nonces.drop(nonce)
	status, body, err := p.fetch(ctx, http.MethodGet, p.publicURL+noncePath+nonce)
	switch {
	case err != nil:
		p.bad(fix, "the public URL cannot be reached: %v", err)
		return
	case status/100 == 3:
		p.bad("Plivo's requests must arrive without a redirect; give the address that it leads to", "the public URL redirects (%d)", status)
		return
	case status != http.StatusOK || body != nonce:
		p.bad(fix, "the public URL leads to something else (%d)", status)
		return
	}
	p.ok("the public URL leads here")
	status, _, err = p.fetch(ctx, http.MethodPost, p.flowURL+"/answer")
	if err != nil || status != http.StatusForbidden {
		p.bad("let the proxy hand on POST requests with their bodies and headers unchanged", "a POST without Plivo's signature to %s/answer gives %d %v, want 403", p.flowURL, status, err)
		return
	}
	p.ok("requests that Plivo did not sign are refused")
}

func (p *preflight) fetch(ctx context.Context, method, url string) (status int, body string, err error) {
	req, err := http.NewRequestWithContext(ctx, method, url, nil)
	if err != nil {
		return 0, "", err
	}
	if method == http.MethodPost {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	resp, err := p.public.Do(req)
	if err != nil {
		return 0, "", err
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(io.LimitReader(resp.Body, 1<<10))
	return resp.StatusCode, string(data), err
}

// nonces are the paths by which this process knows itself.
type nonces struct {
	mu    sync.Mutex
	known map[string]bool
}

func (n *nonces) make() string {
	v := rand.Text()
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.known == nil {
		n.known = map[string]bool{}
	}
	n.known[v] = true
	return v
}

func (n *nonces) drop(v string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	delete(n.known, v)
}

func (n *nonces) serve(w http.ResponseWriter, r *http.Request) {
	v := r.PathValue("nonce")
	n.mu.Lock()
	known := n.known[v]
	n.mu.Unlock()
	if !known {
		http.NotFound(w, r)
		return
	}
	common(w.Header(), ownPolicy)
	io.WriteString(w, v)
}
