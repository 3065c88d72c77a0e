package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/plivo/plivo-go/v7"

	"github.com/mpc-coaching/coaching"
)

// plivoAPI reads of the account what the library has no use for. Requests are
// made by the SDK and sent here: its own way of sending hides failures.
type plivoAPI struct {
	sdk  *plivo.Client
	http *http.Client
}

func newPlivoAPI(authID string, authToken coaching.Secret) (*plivoAPI, error) {
	sdk, err := plivo.NewClient(authID, string(authToken), &plivo.ClientOptions{})
	if err != nil {
		return nil, err
	}
	return &plivoAPI{sdk: sdk, http: &http.Client{Timeout: 15 * time.Second, CheckRedirect: noRedirects}}, nil
}

// call sends one request; path is below the account. in is nil, a struct with
// url tags for GET, or the body. An answer outside 2xx is a *statusError, whose
// body is Plivo's own text. The header is that of the answer, nil without one.
func (a *plivoAPI) call(ctx context.Context, method string, in, out any, path string) (http.Header, error) {
	req, err := a.sdk.NewRequest(method, in, strings.ReplaceAll(path, "%", "%%"))
	if err != nil {
		return nil, err
	}
	if path == "" {
		req.URL.Path = strings.TrimSuffix(req.URL.Path, "/") // the account itself
	}
	resp, err := a.http.Do(req.WithContext(ctx))
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, 1<<20))
	if err != nil {
		return resp.Header, err
	}
	if resp.StatusCode/100 != 2 {
		return resp.Header, &statusError{method + " " + path, resp.StatusCode, string(body[:min(len(body), 200)])}
	}
	if out != nil {
		if err := json.Unmarshal(body, out); err != nil {
			return resp.Header, fmt.Errorf("%s %s: %w", method, path, err)
		}
	}
	return resp.Header, nil
}
