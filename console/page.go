package console

import (
	"embed"
	"net/http"
	"path"
	"strings"
)

// Named one by one, so that what lies beside them (tests, node_modules) stays
// out of hosts' binaries.
//
//go:embed page/index.html page/assets
var pageFiles embed.FS

// assetTypes are the types of the page's parts. The system's table may lack
// them, and nosniff makes a browser believe what we say.
var assetTypes = map[string]string{
	".html":  "text/html; charset=utf-8",
	".js":    "text/javascript; charset=utf-8",
	".css":   "text/css; charset=utf-8",
	".svg":   "image/svg+xml",
	".png":   "image/png",
	".ico":   "image/x-icon",
	".woff2": "font/woff2",
	".json":  "application/json",
	".txt":   "text/plain; charset=utf-8",
}

// page serves what is no part of the API: the page and its assets. They hold
// nothing of any call, so nobody is asked who they are.
func (c *Console) page(w http.ResponseWriter, r *http.Request) {
	name := "page" + r.URL.Path
	if r.URL.Path == "/" {
		name = "page/index.html"
	} else if !strings.HasPrefix(r.URL.Path, "/assets/") {
		c.refuse(w, r, problem(notFound, "no such path"))
		return
	}
	body, err := pageFiles.ReadFile(name)
	kind := assetTypes[path.Ext(name)]
	if err != nil || kind == "" {
		c.refuse(w, r, problem(notFound, "no such path"))
		return
	}
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		w.Header().Set("Allow", "GET, HEAD")
		c.refuse(w, r, problem(methodNotAllowed, "this path takes GET, HEAD"))
		return
	}
	answer{http.StatusOK, kind, body}.write(w)
}
