package main

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"net"
	"net/http"
	"net/url"
	"strings"

	"github.com/mpc-coaching/coaching"
)

// guard refuses pages of other origins, and, with the emulator, other names of
// this machine: a page of another site that points its own name here (DNS
// rebinding) would be of the same origin and could play everybody.
func (a *app) guard(next http.Handler) http.Handler {
	cop := http.NewCrossOriginProtection()
	return cop.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if a.emu != nil && !a.opts.allowRemote && !a.knownHost(r.Host) {
			http.Error(w, "this host name is not served; see -public-url", http.StatusMisdirectedRequest)
			return
		}
		next.ServeHTTP(w, r)
	}))
}

func (a *app) knownHost(hostport string) bool {
	if u, err := url.Parse(a.opts.publicURL); err == nil && hostport == u.Host {
		return true
	}
	host, _, err := net.SplitHostPort(hostport)
	if err != nil {
		host = hostport
	}
	ip := net.ParseIP(strings.Trim(host, "[]"))
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

type whoKey struct{}

// as serves the pages of one person. Their path says who it is; with the real
// Plivo their password does.
func (a *app) as(role string, h func(http.ResponseWriter, *http.Request, person)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		p, ok := a.staff.find(role, r.PathValue("id"))
		if a.emu == nil {
			who, known := a.login(r)
			if !known {
				askPassword(w)
				return
			}
			if !ok || who.ID != p.ID {
				http.Error(w, "this page is somebody else's", http.StatusForbidden)
				return
			}
		}
		if !ok {
			http.NotFound(w, r)
			return
		}
		h(w, r.WithContext(context.WithValue(r.Context(), whoKey{}, p)), p)
	}
}

// identify tells the console who asks.
func (a *app) identify(r *http.Request) (coaching.Actor, error) {
	p, ok := r.Context().Value(whoKey{}).(person)
	if !ok {
		return coaching.Actor{}, errors.New("nobody")
	}
	return p.actor(), nil
}

// login checks the password of a request. It takes the same time whoever asks.
func (a *app) login(r *http.Request) (person, bool) {
	user, password, _ := r.BasicAuth()
	given := sha256.Sum256([]byte(password))
	var found person
	ok := 0
	for _, p := range a.staff.people {
		want := sha256.Sum256([]byte(string(p.Password)))
		same := subtle.ConstantTimeCompare([]byte(user), []byte(p.ID)) & subtle.ConstantTimeCompare(given[:], want[:])
		if same == 1 && p.Password != "" {
			found, ok = p, 1
		}
	}
	return found, ok == 1
}

func askPassword(w http.ResponseWriter) {
	w.Header().Set("WWW-Authenticate", `Basic realm="call center", charset="UTF-8"`)
	http.Error(w, "your id and password, please", http.StatusUnauthorized)
}
