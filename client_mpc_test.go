package coaching_test

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/mpc-coaching/coaching"
)

// clientListing answers as a provider with these MPCs does, moved being called
// before each page but the first.
type clientListing struct {
	uuids      []string
	pageMax    int
	noMeta     bool
	failAt     int // page that fails, from 1; 0: none
	deaf       bool
	moved      func(*clientListing)
	pagesAsked int
}

func (l *clientListing) answer(r *http.Request) (*http.Response, error) {
	l.pagesAsked++
	if l.pagesAsked == l.failAt {
		return clientAnswer(503, "")(r)
	}
	if l.pagesAsked > 1 && l.moved != nil {
		l.moved(l)
	}
	limit, _ := strconv.Atoi(r.URL.Query().Get("limit"))
	offset, _ := strconv.Atoi(r.URL.Query().Get("offset"))
	if l.deaf {
		offset = 0
	}
	limit = min(limit, l.pageMax)
	page := l.uuids[min(offset, len(l.uuids)):min(offset+limit, len(l.uuids))]
	var objects []string
	for _, id := range page {
		objects = append(objects, fmt.Sprintf(`{"mpc_uuid":%q}`, id))
	}
	meta := fmt.Sprintf(`"meta":{"count":%d,"limit":%d,"next":"https://evil.example/"},`, len(page), limit)
	if l.noMeta {
		meta = ""
	}
	return clientAnswer(200, fmt.Sprintf(`{%s"objects":[%s]}`, meta, strings.Join(objects, ",")))(r)
}

func clientManyMPCs(n int) []string {
	ids := make([]string, n)
	for i := range ids {
		ids[i] = fmt.Sprintf("u%d", i)
	}
	return ids
}

func TestMPCsPages(t *testing.T) {
	for _, tt := range []struct {
		name    string
		listing clientListing
		filter  *coaching.MPCFilter
		want    []string
		queries []string
	}{
		{"none", clientListing{pageMax: 20}, nil, nil, []string{"limit=20"}},
		{"one page", clientListing{uuids: clientManyMPCs(3), pageMax: 20}, nil, clientManyMPCs(3), []string{"limit=20"}},
		{"full pages", clientListing{uuids: clientManyMPCs(4), pageMax: 20}, &coaching.MPCFilter{Limit: 2, Status: coaching.MPCStatusActive},
			clientManyMPCs(4), []string{"limit=2&status=active", "limit=2&offset=2&status=active", "limit=2&offset=4&status=active"}},
		{"from an offset", clientListing{uuids: clientManyMPCs(5), pageMax: 20}, &coaching.MPCFilter{Limit: 2, Offset: 2},
			clientManyMPCs(5)[2:], []string{"limit=2&offset=2", "limit=2&offset=4"}},
		{"smaller pages than asked for", clientListing{uuids: clientManyMPCs(25), pageMax: 10}, nil,
			clientManyMPCs(25), []string{"limit=20", "limit=20&offset=10", "limit=20&offset=20"}},
		{"no meta", clientListing{uuids: clientManyMPCs(25), pageMax: 20, noMeta: true}, nil, clientManyMPCs(25), []string{"limit=20", "limit=20&offset=20"}},
		{"offsets ignored", clientListing{uuids: clientManyMPCs(40), pageMax: 20, deaf: true}, nil, clientManyMPCs(20), []string{"limit=20", "limit=20&offset=20"}},
		{"a new one shifts the list", clientListing{uuids: clientManyMPCs(3), pageMax: 20, moved: func(l *clientListing) {
			if l.pagesAsked == 2 {
				l.uuids = append([]string{"new"}, l.uuids...)
			}
		}}, &coaching.MPCFilter{Limit: 2}, clientManyMPCs(3), []string{"limit=2", "limit=2&offset=2", "limit=2&offset=4"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			rec := &clientRecorder{answer: tt.listing.answer}
			c := coaching.NewClient(clientSDK(t), &http.Client{Transport: rec})
			var got, queries []string
			for m, err := range c.MPCs(t.Context(), tt.filter) {
				if err != nil {
					t.Fatal(err)
				}
				got = append(got, m.UUID)
			}
			for _, r := range rec.requests() {
				queries = append(queries, r.Query)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("MPCs (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(tt.queries, queries); diff != "" {
				t.Errorf("queries (-want +got):\n%s", diff)
			}
		})
	}
}

func TestMPCsStops(t *testing.T) {
	listing := &clientListing{uuids: clientManyMPCs(60), pageMax: 20, failAt: 2}
	c := coaching.NewClient(clientSDK(t), &http.Client{Transport: &clientRecorder{answer: listing.answer}})
	var got []error
	for _, err := range c.MPCs(t.Context(), nil) {
		got = append(got, err)
	}
	var answer *coaching.APIError
	if len(got) != 21 || slices.ContainsFunc(got[:20], func(err error) bool { return err != nil }) ||
		!errors.As(got[20], &answer) || answer.Status != 503 || answer.Op != "ListMPCs" {
		t.Errorf("MPCs yielded %d items ending with %v, want 20 and the error", len(got), got[len(got)-1])
	}
	before := listing.pagesAsked
	for range c.MPCs(t.Context(), nil) {
		break
	}
	if n := listing.pagesAsked - before; n != 1 {
		t.Errorf("breaking out at once cost %d requests, want 1", n)
	}
	for _, err := range c.MPCs(t.Context(), &coaching.MPCFilter{Limit: 99}) {
		if !clientInvalid(err, "ListMPCs") {
			t.Errorf("MPCs with a bad filter = %v, want ErrInvalid", err)
		}
	}
}

func TestMPCsCopiesItsFilter(t *testing.T) {
	rec := &clientRecorder{answer: clientAnswer(200, `{"objects":[]}`)}
	c := coaching.NewClient(clientSDK(t), &http.Client{Transport: rec})
	filter := &coaching.MPCFilter{FriendlyName: "before"}
	seq := c.MPCs(t.Context(), filter)
	filter.FriendlyName = "after"
	for range 2 { // and can be ranged over again
		for range seq {
			t.Error("an empty list yields nothing")
		}
	}
	for _, r := range rec.requests() {
		if r.Query != "friendly_name=before&limit=20" {
			t.Errorf("query %q, want the filter as it was", r.Query)
		}
	}
	if *filter != (coaching.MPCFilter{FriendlyName: "after"}) {
		t.Errorf("the caller's filter became %+v", *filter)
	}
}
