package plivotest

import (
	"fmt"
	"strconv"
)

// Ids are counters in disguise: the first block of a UUID names its kind and
// number, which makes timelines readable, the rest depends on the seed.
const (
	idAPI       = "ab"
	idCall      = "ca"
	idMPC       = "ac"
	idRequest   = "de"
	idRecording = "fc"
)

// newUUID returns the next id of a kind, shaped like a UUID.
func (s *Server) newUUID(kind string) string {
	s.ids[kind]++
	n := s.ids[kind]
	a := mix(s.opts.Seed ^ n<<8 ^ uint64(kind[0])<<56 ^ uint64(kind[1])<<48)
	b := mix(a + 1)
	return fmt.Sprintf("%s%06x-%04x-4%03x-8%03x-%012x", kind, n, a>>48, a>>36&0xfff, a>>24&0xfff, b>>16)
}

// newMemberID returns the next member id. Real ones are small decimals from a
// counter that is not per MPC.
func (s *Server) newMemberID() string {
	s.ids["member"]++
	return strconv.FormatUint(1000+s.opts.Seed%1000+s.ids["member"], 10)
}

// newNonce returns the next signature nonce: twenty digits.
func (s *Server) newNonce() string {
	s.ids["nonce"]++
	n := s.ids["nonce"]
	return fmt.Sprintf("%012d%08d", mix(s.opts.Seed+n)%1e12, n)
}

// short returns the first block of a UUID, for timelines.
func short(id string) string {
	if len(id) > 8 {
		return id[:8]
	}
	return id
}
