package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"os"
	"path/filepath"
	"strconv"
	"sync"

	"github.com/mpc-coaching/coaching"
)

// files is a Store of one file per call, for one process at a time: the
// version in the first line, the document after it. A file is replaced as a
// whole, so that a kill leaves the old one or the new one.
type files struct {
	dir string
	mu  sync.Mutex
}

func openFiles(dir string) (*files, error) {
	return &files{dir: dir}, os.MkdirAll(dir, 0o700)
}

func (s *files) path(id coaching.CallID) string {
	return filepath.Join(s.dir, filepath.Base(string(id))+".call")
}

func (s *files) Get(ctx context.Context, id coaching.CallID) (coaching.Call, error) {
	if err := ctx.Err(); err != nil {
		return coaching.Call{}, err
	}
	return read(s.path(id))
}

func read(path string) (coaching.Call, error) {
	b, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return coaching.Call{}, coaching.ErrNotFound
	}
	if err != nil {
		return coaching.Call{}, err
	}
	first, doc, _ := bytes.Cut(b, []byte("\n"))
	version, err := strconv.ParseUint(string(first), 10, 64)
	if err != nil {
		return coaching.Call{}, fmt.Errorf("%s: %w", path, err)
	}
	c, err := coaching.DecodeCall(doc)
	c.Version = version
	return c, err
}

func (s *files) Put(ctx context.Context, c coaching.Call) (coaching.Call, error) {
	if err := ctx.Err(); err != nil {
		return coaching.Call{}, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	old, err := read(s.path(c.ID))
	if err != nil && !errors.Is(err, coaching.ErrNotFound) {
		return coaching.Call{}, err
	}
	if old.Version != c.Version {
		return coaching.Call{}, coaching.ErrConflict
	}
	doc, err := coaching.EncodeCall(c)
	if err != nil {
		return coaching.Call{}, err
	}
	c.Version++
	next := s.path(c.ID) + ".next"
	if err := os.WriteFile(next, append([]byte(strconv.FormatUint(c.Version, 10)+"\n"), doc...), 0o600); err != nil {
		return coaching.Call{}, err
	}
	return c, os.Rename(next, s.path(c.ID))
}

func (s *files) Live(ctx context.Context) iter.Seq2[coaching.Call, error] {
	return func(yield func(coaching.Call, error) bool) {
		paths, err := filepath.Glob(filepath.Join(s.dir, "*.call"))
		if err != nil {
			yield(coaching.Call{}, err)
			return
		}
		for _, p := range paths {
			if err := ctx.Err(); err != nil {
				yield(coaching.Call{}, err)
				return
			}
			c, err := read(p)
			if err == nil && !c.Live() {
				continue
			}
			if !yield(c, err) {
				return
			}
		}
	}
}
