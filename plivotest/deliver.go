package plivotest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// delivery is one request to the application with its retries.
type delivery struct {
	kind, event string
	url, method string
	set         settings
	form        url.Values
	nonce       string
	attempt     int
	begun       time.Time
	done        func(result) // with the lock held, after the last attempt; may be nil
}

// result is how an attempt ended.
type result struct {
	status  int
	body    []byte
	header  http.Header
	err     error
	timeout bool
}

func (r result) ok() bool { return r.err == nil && r.status == http.StatusOK }

func (r result) String() string {
	if r.err != nil {
		return r.err.Error()
	}
	return fmt.Sprint(r.status)
}

// queue keeps deliveries of one origin in the order they were caused: each
// leaves a moment after the one before, but does not wait for its answer.
type queue struct{ last time.Time }

// queueGap is the least time between two deliveries of one queue. It keeps
// them in order over a real network too.
const queueGap = time.Millisecond

// deliver sends a request to the application. q may be nil.
func (s *Server) deliver(q *queue, kind, event, method, rawURL string, form url.Values, done func(result)) {
	d := &delivery{kind: kind, event: event, method: method, form: form, done: done}
	d.url, d.set = cutFragment(rawURL)
	if d.method == "" {
		d.method = http.MethodPost
	}
	key := "callback " + kind + " " + d.method + " " + d.url + " " + form.Encode()
	tie := s.draw(key)
	at := time.Now().Add(1 + time.Duration(tie%uint64(maxJitter)))
	if q != nil {
		if least := q.last.Add(queueGap); at.Before(least) {
			at = least.Add(time.Duration(tie % uint64(maxJitter)))
		}
		q.last = at
	}
	s.scheduleAt(at, tie, false, func() { s.attempt(d) })
}

// attempt asks for a fault and lets one attempt leave. Without the lock.
func (s *Server) attempt(d *delivery) {
	var fault func(Callback) *CallbackFault
	s.do(func() {
		d.attempt++
		if d.nonce == "" || s.opts.Switches.RetryNewNonce {
			d.nonce = s.newNonce()
		}
		fault = s.fault
	})
	var f *CallbackFault
	if fault != nil {
		f = fault(Callback{Kind: d.kind, URL: d.url, Method: d.method, Form: cloneValues(d.form),
			Event: d.event, Attempt: d.attempt, Time: time.Now()})
	}
	s.do(func() {
		if f == nil {
			s.send(d, true)
			return
		}
		if f.Drop {
			s.stats.Dropped++
			if d.attempt == 1 {
				d.begun = time.Now()
			}
			s.log("callback", "%s %s %s%s lost", d.kind, d.method, d.url, describe(d))
			s.finish(d, result{err: errors.New("dropped")})
			return
		}
		if f.Double {
			s.stats.Doubled++
			s.after(f.Delay+f.DoubleDelay, "double "+d.url+d.nonce, func() { s.send(d, false) })
		}
		if f.Delay <= 0 {
			s.send(d, true)
			return
		}
		s.after(f.Delay, "delay "+d.url+d.nonce, func() { s.send(d, true) })
	})
}

// send starts an attempt. Only the outcome of a first one counts.
func (s *Server) send(d *delivery, first bool) {
	s.stats.Sent++
	if first && d.attempt == 1 {
		d.begun = time.Now() // a fault's delay is not Plivo's time
	}
	left := d.set.total - time.Since(d.begun)
	if first && left <= 0 {
		s.finish(d, result{err: errors.New("out of time"), timeout: true})
		return
	}
	limit := min(d.set.read, max(left, d.set.connect))
	nonce, line := d.nonce, ""
	if d.attempt > 1 {
		line = fmt.Sprintf(" attempt %d", d.attempt)
	}
	if !first {
		line += " double"
	}
	end := s.open("callback", "%s %s %s%s%s", d.kind, d.method, d.url, describe(d), line)
	s.spawn(func() {
		res := s.post(d, nonce, limit)
		s.do(func() {
			// Handlers may end at one instant: the draw puts them in order.
			s.after(0, "answered "+d.kind+d.url+d.form.Encode(), func() {
				end(" -> %v", res)
				s.answered(d, first, res)
			})
		})
	})
}

func (s *Server) answered(d *delivery, first bool, res result) {
	if res.ok() {
		s.stats.OK++
	} else {
		s.stats.Failed++
	}
	if first {
		s.finish(d, res)
	}
}

// describe returns what tells callbacks to one URL apart.
func describe(d *delivery) string {
	var b strings.Builder
	for _, k := range []string{"EventName", "CallStatus", "MemberID", "ParticipantRole", "CallUUID"} {
		if v := d.form.Get(k); v != "" {
			if k == "CallUUID" {
				v = short(v)
			}
			b.WriteString(" " + v)
		}
	}
	return b.String()
}

// finish ends an attempt: done, or once more.
func (s *Server) finish(d *delivery, res result) {
	if !res.ok() && d.attempt <= d.set.retries && d.set.again(res) &&
		time.Since(d.begun)+retryPause < d.set.total {
		s.stats.Retries++
		s.schedule(retryPause, "retry "+d.url+d.event, false, func() { s.attempt(d) })
		return
	}
	if !res.ok() {
		s.stats.GivenUp++
		s.warn("%s %s given up after %d attempts: %v", d.kind, d.url, d.attempt, res)
	}
	if d.done != nil {
		d.done(res)
	}
}

// post makes one attempt: to a mounted handler in memory, else over the
// network. Without the lock.
func (s *Server) post(d *delivery, nonce string, limit time.Duration) result {
	ctx, cancel := context.WithTimeout(s.ctx, limit)
	defer cancel()
	target, body := d.url, d.form.Encode()
	if d.method == http.MethodGet && body != "" {
		base, query, _ := strings.Cut(target, "?")
		if query != "" {
			query += "&"
		}
		target, body = base+"?"+query+body, ""
	}
	req, err := http.NewRequestWithContext(ctx, d.method, target, strings.NewReader(body))
	if err != nil {
		return result{err: err}
	}
	if d.method != http.MethodGet {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	req.Header.Set("User-Agent", "plivo-callback (plivotest)")
	if d.kind != "music" || !s.opts.Switches.MusicUnsigned {
		v3 := SignV3(s.opts.AuthToken, d.method, target, d.form, nonce)
		req.Header.Set("X-Plivo-Signature-V3", v3)
		req.Header.Set("X-Plivo-Signature-Ma-V3", v3)
		req.Header.Set("X-Plivo-Signature-V3-Nonce", nonce)
		v2 := SignV2(s.opts.AuthToken, target, nonce)
		req.Header.Set("X-Plivo-Signature-V2", v2)
		req.Header.Set("X-Plivo-Signature-Ma-V2", v2)
		req.Header.Set("X-Plivo-Signature-V2-Nonce", nonce)
	}

	var resp *http.Response
	if h := s.mounted(req.URL); h != nil {
		resp, err = inMemory{s: s, h: h}.RoundTrip(req)
	} else {
		resp, err = s.hooks.Do(req)
	}
	if err != nil {
		return failed(err)
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(io.LimitReader(resp.Body, maxDocument+1))
	if err != nil {
		return failed(err)
	}
	return result{status: resp.StatusCode, body: data, header: resp.Header}
}

// failed keeps what is the same in every run: errors of the network name
// ports and times.
func failed(err error) result {
	if errors.Is(err, context.DeadlineExceeded) {
		return result{err: errors.New("read time-out"), timeout: true}
	}
	return result{err: errors.New("connection failed"), timeout: false}
}
