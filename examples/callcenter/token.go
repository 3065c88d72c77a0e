package main

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	jwtparse "github.com/golang-jwt/jwt/v5"
	"github.com/plivo/plivo-go/v7/jwt"

	"github.com/mpc-coaching/coaching"
)

// tokenLife is how long a phone may use a token. Plivo takes 3 minutes to 24
// hours; the Browser SDK asks for the next one a minute before the end.
const tokenLife = time.Hour

// Who makes the tokens. Plivo's documentation says that only its API can, and
// its server SDKs have helpers that sign them with the auth token. Besides, the
// Browser SDK lets nobody dial whose token has no "per" claim, and the helpers
// write none. So the API is the default.
const (
	tokensByPlivo = "plivo"
	tokensBySelf  = "self"
)

// A tokenRequest says whose phone a token is for, and what it may do. Every
// phone may be rung.
type tokenRequest struct {
	endpoint string // its username
	dials    bool   // may call out
	from     time.Time
}

// A minter makes access tokens for the Browser SDK.
type minter interface {
	mint(ctx context.Context, r tokenRequest) (string, error)
}

func newMinter(o *options, api *plivoAPI) minter {
	if o.tokens == tokensBySelf {
		return selfMinter{o.authID, o.authToken}
	}
	return apiMinter{api}
}

// apiMinter lets Plivo make the tokens.
type apiMinter struct{ api *plivoAPI }

type voiceAllowed struct {
	Incoming bool `json:"incoming_allow"`
	Outgoing bool `json:"outgoing_allow"`
}

func (m apiMinter) mint(ctx context.Context, r tokenRequest) (string, error) {
	// A struct of our own: the SDK's leaves out what is false.
	var in struct {
		Iss string `json:"iss"`
		Sub string `json:"sub"`
		Nbf int64  `json:"nbf"`
		Exp int64  `json:"exp"`
		Per struct {
			Voice voiceAllowed `json:"voice"`
		} `json:"per"`
	}
	in.Iss, in.Sub = m.api.sdk.AuthId, r.endpoint
	in.Nbf, in.Exp = r.from.Unix(), r.from.Add(tokenLife).Unix()
	in.Per.Voice = voiceAllowed{Incoming: true, Outgoing: r.dials}
	var out struct{ Token string }
	if _, err := m.api.call(ctx, "POST", in, &out, "JWT/Token"); err != nil {
		return "", err
	}
	// Not ours to verify; but a token for somebody else, or a dead one, is
	// noticed here and not by a phone that stays silent.
	var claims struct {
		Sub string `json:"sub"`
		Exp int64  `json:"exp"`
		Per struct {
			Voice voiceAllowed `json:"voice"`
		} `json:"per"`
	}
	if err := readClaims(out.Token, &claims); err != nil {
		return "", err
	}
	if claims.Sub != in.Sub || claims.Exp <= r.from.Unix() || claims.Per.Voice != in.Per.Voice {
		return "", errors.New("the token is not the one that was asked for")
	}
	return out.Token, nil
}

func readClaims(token string, into any) error {
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return errors.New("not a token")
	}
	data, err := base64.RawURLEncoding.DecodeString(strings.TrimRight(parts[1], "="))
	if err != nil {
		return errors.New("not a token")
	}
	return json.Unmarshal(data, into)
}

// selfMinter signs tokens with the auth token, by the SDK's helper.
type selfMinter struct {
	authID    string
	authToken coaching.Secret
}

func (m selfMinter) mint(_ context.Context, r tokenRequest) (string, error) {
	return m.sign(r, tokenLife, "")
}

// sign checks what the helper made, which has no error for a token that it could
// not sign. id "" lets the helper choose one.
func (m selfMinter) sign(r tokenRequest, life time.Duration, id string) (string, error) {
	var t jwt.AccessToken
	if m.authID == "" || m.authToken == "" || r.endpoint == "" {
		return "", errors.New("credentials and endpoint are needed") // the helper would look into the environment
	}
	if life <= 0 {
		return "", errors.New("the lifetime must be said: the helper's tokens are dead without it")
	}
	if err := t.New(m.authID, string(m.authToken), r.endpoint, r.from, life, time.Time{}, id); err != nil {
		return "", err
	}
	want := jwt.VoiceGrants{IncomingAllow: true, OutgoingAllow: r.dials}
	t.AddVoiceGrants(want)
	token := t.ToJwt()
	var claims jwt.JwtClaims
	_, err := jwtparse.ParseWithClaims(token, &claims, func(*jwtparse.Token) (any, error) { return []byte(string(m.authToken)), nil },
		jwtparse.WithValidMethods([]string{"HS256"}), jwtparse.WithTimeFunc(func() time.Time { return r.from }))
	if err != nil {
		return "", fmt.Errorf("the helper's token does not read back: %w", err)
	}
	if claims.Issuer != m.authID || claims.Subject != r.endpoint || claims.Grants.Voice != want ||
		claims.ExpiresAt == nil || !claims.ExpiresAt.Equal(r.from.Add(life).Truncate(time.Second)) {
		return "", errors.New("the helper's token is not the one that was asked for")
	}
	return token, nil
}

// token answers a phone that wants to log in.
func (a *app) token(w http.ResponseWriter, r *http.Request, p person) {
	common(w.Header(), ownPolicy)
	if p.Endpoint == "" {
		http.Error(w, "you have a telephone and no endpoint", http.StatusNotFound)
		return
	}
	now := time.Now()
	token, err := a.minter.mint(r.Context(), tokenRequest{endpoint: p.Endpoint, dials: p.Role == supervisorRole, from: now})
	if err != nil {
		a.logger.Error("no token", "person", p.ID, "err", err)
		http.Error(w, "Plivo gave no token; the log says why", http.StatusBadGateway)
		return
	}
	writeJSON(w, http.StatusOK, map[string]any{"token": token, "expires": now.Add(tokenLife).UTC()})
}
