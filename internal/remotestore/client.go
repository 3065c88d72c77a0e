package remotestore

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"iter"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/mpc-coaching/coaching"
)

// A Client is the [coaching.Store] and [coaching.Watcher] that a [Server] at an
// address such as "http://127.0.0.1:1234" has.
type Client struct {
	base string
	http *http.Client
	// Ahead is how much the store's clock is ahead of this process's: what
	// expires here expires there that much later.
	Ahead time.Duration
	// Every is how often the feed is asked; 0: 200 ms.
	Every time.Duration
}

// NewClient returns a client of the server at base.
func NewClient(base string) *Client {
	return &Client{base: strings.TrimRight(base, "/"), http: &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}}
}

func (c *Client) ask(ctx context.Context, method, path string, in, out any) error {
	var body bytes.Buffer
	if in != nil {
		if err := json.NewEncoder(&body).Encode(in); err != nil {
			return err
		}
	}
	r, err := http.NewRequestWithContext(ctx, method, c.base+path, &body)
	if err != nil {
		return err
	}
	resp, err := c.http.Do(r)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		return err
	}
	if resp.StatusCode != http.StatusOK {
		why := strings.TrimSpace(string(text))
		if e := statuses[resp.StatusCode]; e != nil {
			return fmt.Errorf("%s: %w", why, e)
		}
		return fmt.Errorf("remotestore: %d: %s", resp.StatusCode, why)
	}
	if out == nil {
		return nil
	}
	return json.Unmarshal(text, out)
}

func (c *Client) shift(call coaching.Call, by time.Duration) coaching.Call {
	if !call.Expires.IsZero() {
		call.Expires = call.Expires.Add(by)
	}
	return call
}

func (c *Client) unpack(m message) (coaching.Call, error) {
	call, err := m.unpack()
	return c.shift(call, -c.Ahead), err
}

// Reset lets the server begin with an empty store.
func (c *Client) Reset(ctx context.Context) error {
	return c.ask(ctx, http.MethodPost, "/reset", nil, nil)
}

// Get implements [coaching.Store].
func (c *Client) Get(ctx context.Context, id coaching.CallID) (coaching.Call, error) {
	var m message
	if err := c.ask(ctx, http.MethodGet, "/calls/"+string(id), nil, &m); err != nil {
		return coaching.Call{}, err
	}
	return c.unpack(m)
}

// Put implements [coaching.Store].
func (c *Client) Put(ctx context.Context, call coaching.Call) (coaching.Call, error) {
	m, err := pack(c.shift(call, c.Ahead))
	if err != nil {
		return coaching.Call{}, err
	}
	var stored message
	if err := c.ask(ctx, http.MethodPut, "/calls/"+string(call.ID), m, &stored); err != nil {
		return coaching.Call{}, err
	}
	call.Version = stored.Version
	return call, nil
}

// Live implements [coaching.Store].
func (c *Client) Live(ctx context.Context) iter.Seq2[coaching.Call, error] {
	return func(yield func(coaching.Call, error) bool) {
		var all []message
		if err := c.ask(ctx, http.MethodGet, "/live", nil, &all); err != nil {
			yield(coaching.Call{}, err)
			return
		}
		for _, m := range all {
			if call, err := c.unpack(m); !yield(call, err) || err != nil {
				return
			}
		}
	}
}

// Changes implements [coaching.Watcher].
func (c *Client) Changes(ctx context.Context, after coaching.Cursor) iter.Seq2[coaching.Change, error] {
	var n int
	err := c.ask(ctx, http.MethodPost, "/feeds?after="+url.QueryEscape(string(after)), nil, &n)
	every := c.Every
	if every == 0 {
		every = 200 * time.Millisecond
	}
	return func(yield func(coaching.Change, error) bool) {
		if err != nil {
			yield(coaching.Change{}, err)
			return
		}
		path := fmt.Sprint("/feeds/", n)
		defer func() { _ = c.ask(context.WithoutCancel(ctx), http.MethodDelete, path, nil, nil) }()
		tick := time.NewTicker(every)
		defer tick.Stop()
		for {
			select {
			case <-ctx.Done():
				yield(coaching.Change{}, ctx.Err())
				return
			case <-tick.C:
			}
			var news []message
			if err := c.ask(ctx, http.MethodGet, path, nil, &news); err != nil {
				yield(coaching.Change{}, err)
				return
			}
			for _, m := range news {
				ch := coaching.Change{Cursor: m.Cursor, Resync: m.Resync}
				if !m.Resync {
					var err error
					if ch.Call, err = c.unpack(m); err != nil {
						yield(coaching.Change{}, err)
						return
					}
				}
				if !yield(ch, nil) {
					return
				}
			}
		}
	}
}
