package main

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/go-chi/chi/v5"
	chimw "github.com/go-chi/chi/v5/middleware"
	"github.com/labstack/echo/v5"
	echomw "github.com/labstack/echo/v5/middleware"

	"github.com/mpc-coaching/coaching"
	"github.com/mpc-coaching/coaching/plivotest"
)

// The traps of README.md, each fallen into: where a router has mended one, its
// warning can go.
func TestTraps(t *testing.T) {
	const events, slash, double = "/voice/plivo/events", "/voice/plivo/events/", "/voice/plivo//events"
	readForm := func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			_ = r.FormValue("csrf")
			next.ServeHTTP(w, r)
		})
	}
	for _, tt := range []struct {
		name string
		path string
		app  func(plivo http.Handler) http.Handler
		want int
	}{
		{"no trap", events, func(plivo http.Handler) http.Handler { return plivo }, 200},
		{"nethttp: the mux cleans paths", double, func(plivo http.Handler) http.Handler {
			mux := http.NewServeMux()
			mux.Handle("/voice/plivo/", plivo)
			return mux
		}, 307},
		{"nethttp: FormValue in front", events, readForm, 403},
		{"chi: RedirectSlashes", slash, func(plivo http.Handler) http.Handler {
			r := chi.NewRouter()
			r.Use(chimw.RedirectSlashes)
			r.Mount("/voice/plivo", plivo)
			return r
		}, 301},
		{"chi: CleanPath is none", double, func(plivo http.Handler) http.Handler {
			r := chi.NewRouter()
			r.Use(chimw.CleanPath, chimw.StripSlashes)
			r.Mount("/voice/plivo", plivo)
			return r
		}, 404},
		{"gin: the last slash", slash, func(plivo http.Handler) http.Handler {
			e := gin.New()
			e.Any("/voice/plivo/events", gin.WrapH(plivo))
			return e
		}, 307},
		{"gin: RedirectFixedPath", double, func(plivo http.Handler) http.Handler {
			e := gin.New()
			e.RedirectFixedPath = true
			e.Any("/voice/plivo/events", gin.WrapH(plivo))
			return e
		}, 307},
		{"gin: PostForm in front", events, func(plivo http.Handler) http.Handler {
			e := gin.New()
			e.Use(func(c *gin.Context) { c.PostForm("csrf") })
			e.Any("/voice/plivo/*path", gin.WrapH(plivo))
			return e
		}, 403},
		{"gin: ShouldBindBodyWithPlain in front", events, func(plivo http.Handler) http.Handler {
			e := gin.New()
			e.Use(func(c *gin.Context) { c.ShouldBindBodyWithPlain(new(string)) })
			e.Any("/voice/plivo/*path", gin.WrapH(plivo))
			return e
		}, 403},
		{"echo: MethodOverride that looks in the form", events, func(plivo http.Handler) http.Handler {
			e := echo.New()
			e.Use(echomw.MethodOverrideWithConfig(echomw.MethodOverrideConfig{Getter: echomw.MethodFromForm("_method")}))
			e.Any("/voice/plivo/*", echo.WrapHandler(plivo))
			return e
		}, 403},
		{"echo: AddTrailingSlash", events, func(plivo http.Handler) http.Handler {
			e := echo.New()
			e.Pre(echomw.AddTrailingSlash())
			e.Any("/voice/plivo/*", echo.WrapHandler(plivo))
			return e
		}, 404},
		{"echo: a redirect to the path with a slash", events, func(plivo http.Handler) http.Handler {
			e := echo.New()
			e.Pre(echomw.AddTrailingSlashWithConfig(echomw.AddTrailingSlashConfig{RedirectCode: http.StatusMovedPermanently}))
			e.Any("/voice/plivo/*", echo.WrapHandler(plivo))
			return e
		}, 301},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				emu := plivotest.NewServer(nil)
				defer emu.Close()
				const base = "https://voice.example.com"
				flow, _, err := newCenter(emu, base+"/voice/plivo")
				if err != nil {
					t.Fatal(err)
				}
				signed := url.Values{"EventName": {"SomethingNew"}}
				resp := serveInMemory(tt.app(flow.Handler()))(callback(base+tt.path, signed, emu.AuthToken(), "n"))
				if resp.StatusCode != tt.want {
					t.Errorf("POST %s = %d, want %d", tt.path, resp.StatusCode, tt.want)
				}
			})
		})
	}
}

// A *gin.Context is a context.Context, and a wrong one for a verb.
func TestTrapGinContext(t *testing.T) {
	asked := make(chan coaching.Actor, 1)
	emu := plivotest.NewServer(nil)
	defer emu.Close()
	_, h, err := newCenter(emu, "https://voice.example.com/voice/plivo")
	if err != nil {
		t.Fatal(err)
	}
	flow := flowThatTells(t, emu, asked)
	for name, tt := range map[string]struct {
		ctx  func(*gin.Context) context.Context
		want string
	}{
		"c":                   {func(c *gin.Context) context.Context { return c }, ""},
		"c.Request.Context()": {func(c *gin.Context) context.Context { return c.Request.Context() }, "lee"},
	} {
		e := gin.New()
		e.POST("/", ginLogin(h), func(c *gin.Context) {
			if tt.ctx(c).Done() == nil != (tt.want == "") {
				t.Errorf("with %s the verb can be cancelled: %t", name, tt.want == "")
			}
			_ = flow.Authorize(tt.ctx(c), coaching.AccessRequest{Op: "Barge"})
		})
		srv := httptest.NewServer(e)
		r := request("POST", srv.URL, "")
		r.SetBasicAuth("lee", password)
		readAll(t, serveOverTCP(t, srv)(r))
		srv.Close()
		if a := <-asked; a.ID != tt.want {
			t.Errorf("with %s the Flow is asked by %q, want %q", name, a.ID, tt.want)
		}
	}
}

// flowThatTells is a Flow whose Authorize says who asks.
func flowThatTells(t *testing.T, emu *plivotest.Server, asked chan<- coaching.Actor) *coaching.Flow {
	t.Helper()
	cfg, err := centerConfig(emu, "https://voice.example.com/voice/plivo")
	if err != nil {
		t.Fatal(err)
	}
	cfg.Authorize = func(_ context.Context, r coaching.AccessRequest) error {
		asked <- r.Actor
		return nil
	}
	flow, err := coaching.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return flow
}

// What chi and echo take from an escaped path is escaped.
func TestTrapEscapedParameters(t *testing.T) {
	got := make(chan string, 1)
	r := chi.NewRouter()
	r.Post("/{id}", func(_ http.ResponseWriter, r *http.Request) { got <- chi.URLParam(r, "id") })
	e := echo.New()
	e.POST("/:id", func(c *echo.Context) error { got <- c.Param("id"); return nil })
	for name, app := range map[string]http.Handler{"chi": r, "echo": e} {
		serveInMemory(app)(request("POST", "http://voice.example.com/lee%40example.com", ""))
		if id := <-got; id != "lee%40example.com" {
			t.Errorf("%s gives %q, want %q", name, id, "lee%40example.com")
		}
	}
}

// Mounted at /console by chi, the page is served there too, and asks for its
// assets beside itself.
func TestTrapChiMount(t *testing.T) {
	r := chi.NewRouter()
	r.Mount("/console", http.StripPrefix("/console", newStandIn(t)))
	if resp := serveInMemory(r)(request("GET", "http://voice.example.com/console", "")); resp.StatusCode != http.StatusAccepted {
		t.Errorf("GET /console = %d, want the page, 202", resp.StatusCode)
	}
}

// http.TimeoutHandler holds back a stream.
func TestTrapTimeoutHandler(t *testing.T) {
	flushed := make(chan error, 1)
	slow := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		flushed <- http.NewResponseController(w).Flush()
	})
	srv := httptest.NewServer(http.TimeoutHandler(slow, time.Minute, "too slow"))
	defer srv.Close()
	readAll(t, serveOverTCP(t, srv)(request("GET", srv.URL, "")))
	if err := <-flushed; err == nil {
		t.Error("a stream behind http.TimeoutHandler can flush")
	}
}

// A WriteTimeout breaks off the answer of what takes longer; a ReadTimeout does
// not.
func TestTrapWriteTimeout(t *testing.T) {
	for name, tt := range map[string]struct {
		limit  func(*http.Server)
		answer bool
	}{
		"ReadTimeout":  {func(s *http.Server) { s.ReadTimeout = 50 * time.Millisecond }, true},
		"WriteTimeout": {func(s *http.Server) { s.WriteTimeout = 50 * time.Millisecond }, false},
	} {
		srv := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			select { // a phone that rings
			case <-time.After(250 * time.Millisecond):
				io.WriteString(w, "done")
			case <-r.Context().Done():
				t.Errorf("%s cancels the verb", name)
			}
		}))
		tt.limit(srv.Config)
		srv.Start()
		resp, err := srv.Client().Do(request("POST", srv.URL, ""))
		if err == nil {
			readAll(t, resp)
		}
		if (err == nil) != tt.answer {
			t.Errorf("with a %s the answer came: %v, want %t", name, err, tt.answer)
		}
		srv.Close()
	}
}
