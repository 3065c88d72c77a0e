package main

import (
	"embed"
	"html/template"
	"io/fs"
	"net/http"
	"strings"
)

//go:embed pages
var pageFiles embed.FS

var pageTemplates = template.Must(template.ParseFS(pageFiles, "pages/*.html"))

const (
	// ownPolicy lets a page use what this program serves, and nothing else.
	ownPolicy = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; " +
		"frame-src 'self'; frame-ancestors 'self'; base-uri 'none'; form-action 'none'"
	// sdkPolicy also lets it use Plivo's Browser SDK: its script and sounds, its
	// signalling, and its statistics, which it asks before it logs in.
	sdkPolicy = "default-src 'none'; script-src 'self' https://cdn.plivo.com; style-src 'self'; img-src 'self' data:; " +
		"connect-src 'self' wss://client.plivo.com wss://client-fb.plivo.com wss://insights.plivo.com https://stats.plivo.com https://nimbus.plivo.com https://cdn.plivo.com; " +
		"media-src 'self' https://cdn.plivo.com blob: mediastream:; " +
		"frame-src 'self'; frame-ancestors 'self'; base-uri 'none'; form-action 'none'"
)

// pageData is what a page is made of.
type pageData struct {
	Title     string
	Kind      string // "customer", agentRole or supervisorRole
	Person    person
	Desk      string // path of the console; "" for customers
	Real      bool
	Telephone string // of a person without an endpoint, who has no phone on the page
	Hotline   string // whom to dial
	Lines     []line
	Agents    []person
	Leads     []person
	Caller    string     // the customer's number at first
	Steps     []stepView // of the tour; none where its cast does not work here
}

// A line is a hotline and its team.
type line struct{ Number, Team string }

// firstCaller is the number of the customer of the pages, unless they say
// otherwise.
const firstCaller = "14155550123"

// pages serves what people look at.
func (a *app) pages(mux *http.ServeMux) {
	assets, err := fs.Sub(pageFiles, "pages")
	if err != nil {
		panic(err) // the name is the one above
	}
	mux.Handle("GET /assets/", noStore(http.StripPrefix("/assets/", onlyAssets(http.FileServerFS(assets)))))
	mux.HandleFunc("GET /{$}", a.index)
	mux.HandleFunc("GET /cast", a.cast)
	for _, role := range []string{agentRole, supervisorRole} {
		mux.HandleFunc("GET /"+role+"/{id}", a.as(role, a.personPage))
		mux.HandleFunc("/"+role+"/{id}/console/", a.as(role, a.desk))
		if a.emu == nil {
			mux.HandleFunc("POST /"+role+"/{id}/token", a.as(role, a.token))
		}
	}
	if a.emu != nil {
		mux.HandleFunc("GET /customer", a.customerPage)
	} else {
		mux.HandleFunc("GET "+noncePath+"{nonce}", a.nonce.serve)
	}
}

func onlyAssets(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !strings.HasSuffix(r.URL.Path, ".js") && !strings.HasSuffix(r.URL.Path, ".css") {
			http.NotFound(w, r)
			return
		}
		h.ServeHTTP(w, r)
	})
}

func noStore(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		common(w.Header(), ownPolicy)
		h.ServeHTTP(w, r)
	})
}

func common(h http.Header, policy string) {
	h.Set("Content-Security-Policy", policy)
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "same-origin")
}

func (a *app) render(w http.ResponseWriter, name, policy string, d pageData) {
	var b strings.Builder
	if err := pageTemplates.ExecuteTemplate(&b, name, d); err != nil {
		a.logger.Error("page", "name", name, "err", err)
		http.Error(w, "this page is broken", http.StatusInternalServerError)
		return
	}
	common(w.Header(), policy)
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Write([]byte(b.String()))
}

// index shows everybody side by side; with the real Plivo it leads to one's own
// page.
func (a *app) index(w http.ResponseWriter, r *http.Request) {
	if a.emu == nil {
		who, ok := a.login(r)
		if !ok {
			askPassword(w)
			return
		}
		http.Redirect(w, r, "/"+who.Role+"/"+who.ID, http.StatusSeeOther)
		return
	}
	d := pageData{Title: "Call center"}
	if a.tour.possible() == nil {
		d.Steps = a.tour.views()
	}
	for _, p := range a.staff.people {
		if p.Role == agentRole {
			d.Agents = append(d.Agents, p)
		} else {
			d.Leads = append(d.Leads, p)
		}
	}
	a.render(w, "index.html", ownPolicy, d)
}

func (a *app) customerPage(w http.ResponseWriter, r *http.Request) {
	d := pageData{Title: "Customer", Kind: "customer", Caller: firstCaller}
	if from := r.URL.Query().Get("from"); phoneNumber.MatchString(from) {
		d.Caller = strings.TrimPrefix(from, "+")
	}
	for _, n := range a.staff.hotlines() {
		d.Lines = append(d.Lines, line{n, a.staff.teams[n]})
	}
	a.render(w, "phone.html", ownPolicy, d)
}

func (a *app) personPage(w http.ResponseWriter, _ *http.Request, p person) {
	d := pageData{Title: p.Name, Kind: p.Role, Person: p, Desk: "/" + p.Role + "/" + p.ID + "/console/", Real: a.emu == nil}
	for _, n := range a.staff.hotlines() {
		if a.staff.teams[n] == p.Team {
			d.Hotline = n
		}
	}
	policy := ownPolicy
	switch {
	case d.Real && p.Endpoint == "":
		d.Telephone = p.Number
	case d.Real:
		policy = sdkPolicy
	}
	a.render(w, "phone.html", policy, d)
}

// desk is a person's console. It is one for everybody: the path tells it who
// asks.
func (a *app) desk(w http.ResponseWriter, r *http.Request, p person) {
	http.StripPrefix("/"+p.Role+"/"+p.ID+"/console", a.console).ServeHTTP(w, r)
}

// cast tells the pages the names behind addresses. It is for the emulator: with
// the real Plivo addresses are nobody's business.
func (a *app) cast(w http.ResponseWriter, _ *http.Request) {
	type one struct {
		Address string `json:"address"`
		Name    string `json:"name"`
		Role    string `json:"role"`
	}
	out := []one{}
	if a.emu != nil {
		for _, p := range a.staff.people {
			out = append(out, one{p.Address, p.Name, p.Role})
		}
	}
	common(w.Header(), ownPolicy)
	writeJSON(w, http.StatusOK, out)
}
