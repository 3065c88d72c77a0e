package coaching

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/plivo/plivo-go/v7"
)

// Config configures a [Flow]. The zero value of every field but Plivo,
// PublicURL and Route is the documented default.
type Config struct {
	// Plivo holds the account's credentials; its AuthToken also verifies
	// callbacks. Required.
	Plivo *plivo.Client
	// PublicURL is where Plivo reaches [Flow.Handler], without query or
	// fragment, such as "https://voice.example.com/plivo". Signatures are
	// checked over it, so it must be what Plivo is told. Required.
	PublicURL string
	// Route says whom to ring for a customer who has nobody. Required.
	Route RouteFunc
	// Directory finds a supervisor by id, for hosts (and the console) that
	// take ids and never addresses. Its error wraps [ErrNotFound] where there
	// is nobody of that id; it is asked after Authorize. Nil: verbs need an
	// Address.
	Directory func(context.Context, SupervisorID) (Supervisor, error)
	// Authorize is asked before every verb, read and stream, and again when a
	// ticket is used. Nil: the host is trusted.
	Authorize AuthorizeFunc
	// Store keeps the calls. Nil: a [MemoryStore], which one process uses alone.
	Store Store
	// HTTPClient reaches Plivo's API. Nil: a client with time-outs and enough
	// idle connections. It is copied; redirects are never followed.
	HTTPClient *http.Client
	// Logger gets warnings and errors, without phone numbers. Nil: discard.
	Logger *slog.Logger
	// Prefix begins every CallID of this deployment, [A-Za-z0-9]{1,32}; it
	// tells our multiparty calls from others of the account, so it must be
	// unique per deployment. Empty: "cc" and 8 hex digits of the SHA-256 of
	// PublicURL.
	Prefix string
	// CallerID is shown to agents where the customer's own number is not
	// E.164, and to supervisors. Empty: what the customer dialled, or where
	// that is not known yet or is neither E.164 nor a sip: URI, the customer's
	// own address. Set it where people call extensions, short codes or words:
	// for a customer who withholds their number nobody can be rung otherwise.
	CallerID string
	// Tokens are further tokens that may sign callbacks: the next one during a
	// rotation, or subaccounts'.
	Tokens []Secret
	// WaitMusic and HoldMusic are URLs of audio files, which the Flow wraps
	// into the XML that Plivo wants, at /music. Empty: Plivo's own music.
	WaitMusic, HoldMusic string
	// Exit makes what a customer hears after the multiparty call. Nil: a
	// spoken farewell for [ExitNobody] and [ExitUnknown], else nothing, and the
	// same where Exit fails or takes longer than 2 s: the customer hears silence
	// meanwhile, and Plivo does not wait for ever.
	Exit func(context.Context, Call, ExitReason) (Document, error)
	// Recording records calls. Nil: none.
	Recording *Recording
	// Leave says what an agent's leaving means.
	Leave LeavePolicy
	// Observer is told what happens, for audit and metrics. Nil: nobody is.
	Observer Observer

	RingTime       time.Duration // how long phones ring; default 30 s, from 5 s to 120 s
	RequestTimeout time.Duration // of one request to Plivo; default 5 s
	RouteTimeout   time.Duration // of one Route, Directory or Authorize (at /supervisor at most 8 s), and of Exit (at most 2 s); default 5 s
	SettleTime     time.Duration // how late a request may take effect; default 60 s
	ReadLag        time.Duration // how old a read may be; default 2 s
	CauseGrace     time.Duration // how long the cause of an agent's leaving is sought; default 2 s
	QueueAllowance time.Duration // how long Plivo may queue a dial; default 60 s
	MaxWait        time.Duration // how long a customer waits for somebody; default 10 min
	SweepInterval  time.Duration // at most, between looks for calls that the store lost; default 30 s
	Retention      time.Duration // how long an ended call stays readable; default 1 h
}

// A RouteFunc says whom to ring. It is asked whenever a customer has nobody:
// at the start, after each attempt, after an agent was lost; c.Attempts is the
// history. Its answer is stored before it is carried out. An error, a panic or
// a time-out counts as Wait 5 s. It may be asked twice for one question, and
// must reserve nothing that it cannot release. It may be called concurrently
// for different calls.
type RouteFunc func(ctx context.Context, c Call) (Next, error)

// Next is a [RouteFunc]'s answer. The zero Next means that nobody is to be
// found: the customer hears the farewell.
type Next struct {
	Ring []Agent           // rung at once, at most 20; the first to answer wins
	For  time.Duration     // ring time; 0: Config.RingTime
	Wait time.Duration     // or: keep the music, and ask again then
	Data map[string]string // merged into Call.Data; left out, and a log says so, where that came to more than 4 KiB
}

// An Agent is somebody to ring for a customer.
type Agent struct {
	ID         AgentID `json:"id"`
	Address    string  `json:"address"`               // E.164 number or sip: URI
	CallerID   string  `json:"caller_id,omitempty"`   // shown to them; "": the customer's number where it is E.164, else as Config.CallerID says
	ConfirmKey string  `json:"confirm_key,omitempty"` // one of 0-9, # and *: only who presses it joins, so voicemail does not
}

// A Supervisor is somebody who coaches.
type Supervisor struct {
	ID         SupervisorID `json:"id"`
	Address    string       `json:"address,omitempty"`     // E.164 number or sip: URI; "": asked of Config.Directory
	Name       string       `json:"name,omitempty"`        // shown as caller name on nobody's phone but theirs, at most 50 characters
	ConfirmKey string       `json:"confirm_key,omitempty"` // as of an Agent
}

// RingOnce returns a RouteFunc that rings all agents at once, and then gives
// up: for examples and small shops.
func RingOnce(agents ...Agent) RouteFunc {
	return func(_ context.Context, c Call) (Next, error) {
		if len(c.Attempts) > c.work.Route.Losses {
			return Next{}, nil
		}
		return Next{Ring: agents}, nil
	}
}

// LeavePolicy says what an agent's leaving means.
type LeavePolicy struct {
	// AfterGoodbye is for the last agent hanging up normally: LeaveEnd (the
	// default) ends the call, since they said goodbye; LeaveRoute finds the
	// customer another.
	AfterGoodbye LeaveAction
}

// LeaveAction is one way to go on; see [LeavePolicy].
type LeaveAction uint8

const (
	LeaveEnd   LeaveAction = iota // the call ends
	LeaveRoute                    // the customer hears music and is routed again
)

// Recording says how calls are recorded. MPC recordings start with the call.
type Recording struct {
	Format     string // "mp3" (the default) or "wav"
	CoachVoice bool   // whether the recording has what a coaching supervisor says
}

// A Secret is text that no formatting verb, logger or encoder shows; except as
// the key of a map, or in an unexported field of a struct that is printed
// whole, where they cannot ask it.
type Secret string

const redacted = "[redacted]"

func (Secret) String() string               { return redacted }
func (Secret) GoString() string             { return redacted }
func (Secret) Format(s fmt.State, _ rune)   { fmt.Fprint(s, redacted) }
func (Secret) LogValue() slog.Value         { return slog.StringValue(redacted) }
func (Secret) MarshalText() ([]byte, error) { return []byte(redacted), nil }

// Format keeps the account's token out of every formatting verb.
func (c Config) Format(s fmt.State, _ rune) { fmt.Fprint(s, c.summary()) }

// LogValue is a summary without any secret.
func (c Config) LogValue() slog.Value { return slog.StringValue(c.summary()) }

func (c Config) summary() string {
	return fmt.Sprintf("coaching.Config{PublicURL:%q Prefix:%q Tokens:%d}", c.PublicURL, c.Prefix, len(c.Tokens))
}

// withDefaults returns a checked copy. Its error names every missing or
// malformed field at once and wraps [ErrInvalid].
func (c Config) withDefaults() (Config, error) {
	var bad []string
	check := func(ok bool, format string, args ...any) {
		if !ok {
			bad = append(bad, fmt.Sprintf(format, args...))
		}
	}
	check(c.Plivo != nil, "Plivo is required")
	if c.Plivo != nil {
		check(all(c.Plivo.AuthId, 1, 64, isAlnum), "Plivo's AuthId is missing or malformed")
		check(c.Plivo.AuthToken != "", "Plivo has no AuthToken")
		check(c.Plivo.BaseUrl != nil && c.Plivo.BaseUrl.Host != "", "Plivo was not made by plivo.NewClient")
	}
	check(c.Route != nil, "Route is required")
	if c.PublicURL == "" {
		check(false, "PublicURL is required")
	} else {
		c.PublicURL = strings.TrimRight(c.PublicURL, "/")
		check(webURL(c.PublicURL) && !strings.ContainsAny(c.PublicURL, "?#@") && len(c.PublicURL) <= 1024,
			"PublicURL must be an absolute http or https URL without query, fragment and user")
	}
	check(c.WaitMusic == "" || webURL(c.WaitMusic), "WaitMusic must be an absolute http or https URL")
	check(c.HoldMusic == "" || webURL(c.HoldMusic), "HoldMusic must be an absolute http or https URL")
	if c.Prefix == "" {
		sum := sha256.Sum256([]byte(c.PublicURL))
		c.Prefix = "cc" + hex.EncodeToString(sum[:4])
	}
	check(all(c.Prefix, 1, 32, isAlnum), "Prefix must match [A-Za-z0-9]{1,32}")
	check(c.CallerID == "" || isE164(c.CallerID), "CallerID must be E.164")
	c.Tokens = slices.Clone(c.Tokens)
	for i, t := range c.Tokens {
		check(t != "", "Tokens[%d] is empty", i)
	}
	if c.Recording != nil {
		r := *c.Recording
		if r.Format == "" {
			r.Format = "mp3"
		}
		check(r.Format == "mp3" || r.Format == "wav", "Recording.Format must be mp3 or wav")
		c.Recording = &r
	}
	check(c.Leave.AfterGoodbye <= LeaveRoute, "Leave.AfterGoodbye is undeclared")
	for _, d := range []struct {
		name        string
		v           *time.Duration
		def, lo, hi time.Duration
	}{
		{"RingTime", &c.RingTime, 30 * time.Second, 5 * time.Second, 120 * time.Second},
		{"RequestTimeout", &c.RequestTimeout, 5 * time.Second, 100 * time.Millisecond, time.Minute},
		{"RouteTimeout", &c.RouteTimeout, 5 * time.Second, 10 * time.Millisecond, time.Minute},
		{"SettleTime", &c.SettleTime, time.Minute, time.Second, time.Hour},
		{"ReadLag", &c.ReadLag, 2 * time.Second, 0, time.Minute},
		{"CauseGrace", &c.CauseGrace, 2 * time.Second, 0, time.Minute},
		{"QueueAllowance", &c.QueueAllowance, time.Minute, 0, time.Hour},
		{"MaxWait", &c.MaxWait, 10 * time.Minute, time.Second, 8 * time.Hour},
		{"SweepInterval", &c.SweepInterval, 30 * time.Second, time.Second, time.Hour},
		{"Retention", &c.Retention, time.Hour, 0, 30 * 24 * time.Hour},
	} {
		if *d.v == 0 {
			*d.v = d.def
		}
		check(*d.v >= d.lo && *d.v <= d.hi, "%s must be from %v to %v", d.name, d.lo, d.hi)
	}
	if len(bad) > 0 {
		return c, fmt.Errorf("coaching: New: %s: %w", strings.Join(bad, "; "), ErrInvalid)
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	if c.Store == nil {
		c.Store = NewMemoryStore()
	}
	return c, nil
}

// webURL reports whether s is a URL that Plivo can be told, in its XML too.
func webURL(s string) bool {
	u, err := url.Parse(s)
	return err == nil && u.Hostname() != "" && xmlURL(s, "http")
}

func (s Supervisor) check(address bool) error {
	var errs []error
	if !validPersonID(string(s.ID)) {
		errs = append(errs, invalid("Supervisor.ID must match [A-Za-z0-9._@-]{1,64}"))
	}
	if address && !validAddress(s.Address) {
		errs = append(errs, invalid("Supervisor.Address must be E.164 or a sip: URI"))
	}
	if len([]rune(s.Name)) > 50 {
		errs = append(errs, invalid("Supervisor.Name has more than 50 characters"))
	}
	if !validKey(s.ConfirmKey) {
		errs = append(errs, invalid("Supervisor.ConfirmKey must be one of 0-9, # and *"))
	}
	return errors.Join(errs...)
}

func (a Agent) check() error {
	var errs []error
	if !validPersonID(string(a.ID)) {
		errs = append(errs, invalid("Agent.ID must match [A-Za-z0-9._@-]{1,64}"))
	}
	if !validAddress(a.Address) {
		errs = append(errs, invalid("Agent.Address must be E.164 or a sip: URI"))
	}
	if a.CallerID != "" && !validAddress(a.CallerID) {
		errs = append(errs, invalid("Agent.CallerID must be E.164 or a sip: URI"))
	}
	if !validKey(a.ConfirmKey) {
		errs = append(errs, invalid("Agent.ConfirmKey must be one of 0-9, # and *"))
	}
	return errors.Join(errs...)
}

func validKey(s string) bool {
	return s == "" || len(s) == 1 && strings.Contains("0123456789#*", s)
}

const dataLimit = 4 << 10

// dataSize returns the bytes of keys and values of old with add merged into it.
func dataSize(old, add map[string]string) (size int) {
	for k, v := range add {
		size += len(k) + len(v)
	}
	for k, v := range old {
		if _, ok := add[k]; !ok {
			size += len(k) + len(v)
		}
	}
	return size
}

// check refuses an answer of Route that cannot be carried out.
func (n Next) check() error {
	if len(n.Ring) > maxRing {
		return invalid("Next.Ring has more than %d agents", maxRing)
	}
	if dataSize(nil, n.Data) > dataLimit {
		return invalid("Next.Data has more than 4 KiB")
	}
	if n.For < 0 || n.For > 2*time.Minute || n.Wait < 0 {
		return invalid("Next.For must be from 0 to 2 min, Next.Wait not negative")
	}
	for i, a := range n.Ring {
		if err := a.check(); err != nil {
			return fmt.Errorf("Next.Ring[%d]: %w", i, err)
		}
	}
	return nil
}
