package main

import (
	"net/http"
	"time"

	"github.com/plivo/plivo-go/v7"

	"github.com/mpc-coaching/coaching"
)

const (
	publicURL = "https://voice.example.com/plivo"
	hotline   = "14155550100"
)

var (
	ann = coaching.Agent{ID: "ann", Address: "sip:ann@phone.plivo.com"}
	lee = coaching.Supervisor{ID: "lee", Address: "sip:lee@phone.plivo.com"}
	mia = coaching.Supervisor{ID: "mia", Address: "sip:mia@phone.plivo.com"}
)

// newFlow is a host's own code. Two things in it are for the emulator alone.
func newFlow(authID, authToken string, emulator *http.Client) (*coaching.Flow, error) {
	sdk, err := plivo.NewClient(authID, authToken, &plivo.ClientOptions{})
	if err != nil {
		return nil, err
	}
	return coaching.New(coaching.Config{
		Plivo:     sdk,
		PublicURL: publicURL,
		Route:     coaching.RingOnce(ann),

		HTTPClient: emulator,              // in place of api.plivo.com
		ReadLag:    50 * time.Millisecond, // its reads are never stale; leave the default with Plivo
	})
}
