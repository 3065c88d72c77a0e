package coaching_test

import (
	"context"
	"errors"
	"log/slog"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/plivo/plivo-go/v7"

	"github.com/mpc-coaching/coaching"
)

func goodConfig(t testing.TB) coaching.Config {
	return coaching.Config{Plivo: deskSDK(t), PublicURL: publicURL, Route: coaching.RingOnce(agentAnn)}
}

// badFields makes one field bad at a time; the name must stand in New's error.
var badFields = []struct {
	name string
	make func(*coaching.Config)
}{
	{"Plivo is required", func(c *coaching.Config) { c.Plivo = nil }},
	{"Plivo", func(c *coaching.Config) { c.Plivo = &plivo.Client{} }},
	{"AuthToken", func(c *coaching.Config) { c.Plivo.AuthToken = "" }},
	{"AuthId", func(c *coaching.Config) { c.Plivo.AuthId = "" }},
	{"AuthId", func(c *coaching.Config) { c.Plivo.AuthId = "../x" }},
	{"plivo.NewClient", func(c *coaching.Config) { c.Plivo.BaseUrl = nil }},
	{"plivo.NewClient", func(c *coaching.Config) { c.Plivo.BaseUrl = &url.URL{} }},
	{"Route is required", func(c *coaching.Config) { c.Route = nil }},
	{"PublicURL is required", func(c *coaching.Config) { c.PublicURL = "" }},
	{"PublicURL", func(c *coaching.Config) { c.PublicURL = "/plivo" }},
	{"PublicURL", func(c *coaching.Config) { c.PublicURL = "voice.example.com/plivo" }},
	{"PublicURL", func(c *coaching.Config) { c.PublicURL = "ftp://voice.example.com/plivo" }},
	{"PublicURL", func(c *coaching.Config) { c.PublicURL = "https:///plivo" }},
	{"PublicURL", func(c *coaching.Config) { c.PublicURL = "https://:8080/plivo" }},
	{"PublicURL", func(c *coaching.Config) { c.PublicURL = "https://voice.example.com/plivo?x=1" }},
	{"PublicURL", func(c *coaching.Config) { c.PublicURL = "https://voice.example.com/plivo?" }},
	{"PublicURL", func(c *coaching.Config) { c.PublicURL = "https://voice.example.com/plivo#" }},
	{"PublicURL", func(c *coaching.Config) { c.PublicURL = "https://voice.example.com/plivo#x" }},
	{"PublicURL", func(c *coaching.Config) { c.PublicURL = "https://me:secret@voice.example.com/plivo" }},
	{"PublicURL", func(c *coaching.Config) { c.PublicURL = "https://voice.example.com/a b" }},
	{"PublicURL", func(c *coaching.Config) { c.PublicURL = "https://voice.example.com/%zz" }},
	{"PublicURL", func(c *coaching.Config) { c.PublicURL = "https://voice.example.com/\n" }},
	{"PublicURL", func(c *coaching.Config) {
		c.PublicURL = "https://voice.example.com/" + strings.Repeat("a", 1100)
	}},
	{"WaitMusic", func(c *coaching.Config) { c.WaitMusic = "wait.mp3" }},
	{"WaitMusic", func(c *coaching.Config) { c.WaitMusic = "https://cdn.example.com/wait music.mp3" }},
	{"HoldMusic", func(c *coaching.Config) { c.HoldMusic = "file:///hold.mp3" }},
	{"Prefix", func(c *coaching.Config) { c.Prefix = "my-shop" }},
	{"Prefix", func(c *coaching.Config) { c.Prefix = strings.Repeat("a", 33) }},
	{"CallerID", func(c *coaching.Config) { c.CallerID = "anonymous" }},
	{"Tokens[1]", func(c *coaching.Config) { c.Tokens = []coaching.Secret{"next", ""} }},
	{"Recording.Format", func(c *coaching.Config) { c.Recording = &coaching.Recording{Format: "ogg"} }},
	{"Leave.AfterGoodbye", func(c *coaching.Config) { c.Leave.AfterGoodbye = 9 }},
	{"RingTime", func(c *coaching.Config) { c.RingTime = time.Second }},
	{"RingTime", func(c *coaching.Config) { c.RingTime = -1 }},
	{"RequestTimeout", func(c *coaching.Config) { c.RequestTimeout = time.Hour }},
	{"RouteTimeout", func(c *coaching.Config) { c.RouteTimeout = time.Millisecond }},
	{"SettleTime", func(c *coaching.Config) { c.SettleTime = -time.Second }},
	{"ReadLag", func(c *coaching.Config) { c.ReadLag = time.Hour }},
	{"CauseGrace", func(c *coaching.Config) { c.CauseGrace = -1 }},
	{"QueueAllowance", func(c *coaching.Config) { c.QueueAllowance = 2 * time.Hour }},
	{"MaxWait", func(c *coaching.Config) { c.MaxWait = 9 * time.Hour }},
	{"SweepInterval", func(c *coaching.Config) { c.SweepInterval = time.Millisecond }},
	{"Retention", func(c *coaching.Config) { c.Retention = -time.Hour }},
}

func TestNewNamesTheBadField(t *testing.T) {
	for _, c := range badFields {
		cfg := goodConfig(t)
		c.make(&cfg)
		flow, err := coaching.New(cfg)
		if flow != nil || !errors.Is(err, coaching.ErrInvalid) || !strings.Contains(err.Error(), c.name) {
			t.Errorf("New(%s bad) = %v, %v, want nil and an ErrInvalid that names it", c.name, flow, err)
		}
		if err != nil && (strings.Contains(err.Error(), deskToken) || strings.Contains(err.Error(), "secret")) {
			t.Errorf("New(%s bad) = %v, which tells a secret", c.name, err)
		}
	}
}

// All at once: nobody fixes a configuration one restart at a time.
func TestNewNamesEveryBadField(t *testing.T) {
	cfg := goodConfig(t)
	names := map[string]bool{}
	for _, c := range badFields {
		first, _, _ := strings.Cut(c.name, " ")
		if slices.Contains([]string{"Plivo", "AuthToken", "AuthId", "plivo.NewClient", "Route", "PublicURL"}, first) && !strings.Contains(c.name, "required") {
			continue // says the same as another
		}
		c.make(&cfg)
		names[c.name] = true
	}
	_, err := coaching.New(cfg)
	for name := range names {
		if err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("New = %v, which does not name %s", err, name)
		}
	}
	_, err = coaching.New(coaching.Config{})
	if want := "coaching: New: Plivo is required; Route is required; PublicURL is required: invalid argument"; err == nil || err.Error() != want {
		t.Errorf("New(zero) = %v, want %s", err, want)
	}
	_, again := coaching.New(cfg)
	_, once := coaching.New(cfg)
	if again.Error() != once.Error() {
		t.Errorf("the same Config has two errors: %v, %v", again, once)
	}
}

func TestNewDefaults(t *testing.T) {
	flow, err := coaching.New(goodConfig(t))
	if err != nil {
		t.Fatal(err)
	}
	got := coaching.EffectiveConfig(flow)
	if got.Prefix != "cce2848c58" || got.Store == nil || got.Logger == nil {
		t.Errorf("Prefix = %q, Store = %v, Logger = %v, want the hash of PublicURL, a store and a logger", got.Prefix, got.Store, got.Logger)
	}
	for name, d := range map[string][2]time.Duration{
		"RingTime": {got.RingTime, 30 * time.Second}, "RequestTimeout": {got.RequestTimeout, 5 * time.Second},
		"RouteTimeout": {got.RouteTimeout, 5 * time.Second}, "SettleTime": {got.SettleTime, time.Minute}, "ReadLag": {got.ReadLag, 2 * time.Second},
		"CauseGrace": {got.CauseGrace, 2 * time.Second}, "QueueAllowance": {got.QueueAllowance, time.Minute}, "MaxWait": {got.MaxWait, 10 * time.Minute},
		"SweepInterval": {got.SweepInterval, 30 * time.Second}, "Retention": {got.Retention, time.Hour},
	} {
		if d[0] != d[1] {
			t.Errorf("%s = %v, want %v by default", name, d[0], d[1])
		}
	}
	// A slash at the end is no other address.
	cfg := goodConfig(t)
	cfg.PublicURL += "/"
	if flow, err = coaching.New(cfg); err != nil || coaching.EffectiveConfig(flow).Prefix != got.Prefix {
		t.Errorf("with a slash at the end of PublicURL: %v, %v", flow, err)
	}
	cfg.PublicURL = "http://localhost:8080"
	if _, err := coaching.New(cfg); err != nil {
		t.Errorf("New(%s) = %v", cfg.PublicURL, err)
	}
}

// New copies: what the host does to its Config later is its own business.
func TestNewCopies(t *testing.T) {
	cfg := goodConfig(t)
	cfg.Tokens = []coaching.Secret{"next"}
	cfg.Recording = &coaching.Recording{}
	flow, err := coaching.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	cfg.Tokens[0], cfg.Recording.Format, cfg.RingTime = "", "ogg", -1
	if got := coaching.EffectiveConfig(flow); got.Recording.Format != "mp3" || got.RingTime != 30*time.Second || got.Tokens[0] != "next" {
		t.Errorf("the Flow's Config changed with the host's: %q, %v, %d bytes", got.Recording.Format, got.RingTime, len(got.Tokens[0]))
	}
}

func TestConfigLogValue(t *testing.T) {
	cfg := goodConfig(t)
	var out strings.Builder
	slog.New(slog.NewTextHandler(&out, nil)).LogAttrs(context.Background(), slog.LevelInfo, "start", slog.Any("cfg", cfg))
	if got := out.String(); !strings.Contains(got, publicURL) || strings.Contains(got, deskToken) {
		t.Errorf("a Config is logged as %s, want its PublicURL and no token", got)
	}
}
