package plivotest

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
)

type mount struct {
	base *url.URL
	h    http.Handler
}

// Mount delivers callbacks, answer requests and music requests whose URL lies
// under baseURL (same scheme and host, and its path or one below) to h, in
// memory and with the path unstripped. The longest path wins. Everything else
// goes over the network. It panics if baseURL is no absolute http or https URL.
func (s *Server) Mount(baseURL string, h http.Handler) {
	u, err := url.Parse(baseURL)
	if err != nil || !isWebURL(baseURL) {
		panic(fmt.Sprintf("plivotest: Mount(%q): not an absolute http URL", baseURL))
	}
	if h == nil {
		panic("plivotest: Mount with a nil handler")
	}
	u.Path = strings.TrimSuffix(u.Path, "/")
	s.mu.Lock()
	defer s.mu.Unlock()
	s.mounts = append(s.mounts, mount{base: u, h: h})
}

// mounted returns the handler for u, or nil.
func (s *Server) mounted(u *url.URL) http.Handler {
	s.mu.Lock()
	defer s.mu.Unlock()
	var best http.Handler
	length := -1
	for _, m := range s.mounts {
		if m.base.Scheme != u.Scheme || !strings.EqualFold(m.base.Host, u.Host) {
			continue
		}
		p := m.base.Path
		if p != "" && u.Path != p && !strings.HasPrefix(u.Path, p+"/") {
			continue
		}
		if len(p) >= length { // a later mount replaces an equal one
			best, length = m.h, len(p)
		}
	}
	return best
}

func isWebURL(raw string) bool {
	u, err := url.Parse(raw)
	return err == nil && (u.Scheme == "http" || u.Scheme == "https") && u.Host != ""
}
