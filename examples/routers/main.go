// Routers shows how to mount coaching's handlers in net/http, chi, gin and echo.
// Copy the file of your router: nethttp.go, chi.go, gin.go or echo.go. The rest
// is a contact center on the emulator, to see it run:
//
//	go run ./examples/routers -router chi -addr 127.0.0.1:8080
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/gin-gonic/gin"
)

// A router is one way to mount. console may be nil.
type router struct {
	name  string
	mount func(plivo, console http.Handler, h host) http.Handler
}

var routers = []router{
	{"nethttp", netHTTP},
	{"chi", chiRouter},
	{"gin", ginRouter},
	{"echo", echoRouter},
}

// A usageError is the caller's.
type usageError struct{ error }

func main() {
	gin.SetMode(gin.ReleaseMode) // else it prints its routes
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	switch {
	case err == nil, errors.Is(err, flag.ErrHelp):
	case errors.As(err, &usageError{}):
		fmt.Fprintln(os.Stderr, "routers:", err)
		os.Exit(2)
	default:
		fmt.Fprintln(os.Stderr, "routers:", err)
		os.Exit(1)
	}
}

// run reads the flags and serves until ctx ends.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	var names []string
	for _, r := range routers {
		names = append(names, r.name)
	}
	fs := flag.NewFlagSet("routers", flag.ContinueOnError)
	fs.SetOutput(io.Discard) // of errors main tells
	name := fs.String("router", "nethttp", "`name` of the router: "+strings.Join(names, ", "))
	addr := fs.String("addr", "127.0.0.1:8080", "`address` to listen on; port 0 takes a free one")
	if err := fs.Parse(args); errors.Is(err, flag.ErrHelp) {
		fs.SetOutput(stderr)
		fs.Usage()
		return err
	} else if err != nil {
		return usageError{err}
	}
	if fs.NArg() > 0 {
		return usageError{fmt.Errorf("unexpected argument %q", fs.Arg(0))}
	}
	for _, r := range routers {
		if r.name == *name {
			return serve(ctx, r, *addr, stdout)
		}
	}
	return usageError{fmt.Errorf("-router %q: want one of %s", *name, strings.Join(names, ", "))}
}
