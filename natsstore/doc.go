// Package natsstore keeps the calls of package coaching in NATS JetStream, so
// that several instances share them and none is lost with a process.
//
//	nc, err := nats.Connect("nats://a.example.com,nats://b.example.com", nats.MaxReconnects(-1), nats.ReconnectBufSize(-1))
//	if err != nil {
//		return err
//	}
//	defer nc.Close()
//	store, err := natsstore.New(ctx, natsstore.Config{Conn: nc, Replicas: 3})
//	if err != nil {
//		return err
//	}
//	flow, err := coaching.New(coaching.Config{Plivo: sdk, PublicURL: publicURL, Route: route, Store: store})
//
// [Open] does the first half from one URL. All servers must be 2.12 or later
// and run JetStream. The bucket, which [New] makes, is a key-value bucket that
// tools can read and nobody else should write to.
//
// # What is promised
//
// Get shows every Put that returned before it began, whichever servers answer,
// also while one that led the bucket has been cut off and does not know. That
// takes a write to a majority where the bucket is on several servers; reads
// that begin meanwhile share the next one. Put is one compare-and-swap; after
// an error other than [coaching.ErrConflict] it may still have happened, or
// happen. A call that has ended is forgotten by the servers' clocks, up to two
// seconds after its Expires and never before. If the servers lose the bucket it
// is made again, and Changes says Resync; docs/stores.md has what that means,
// and settings for production.
package natsstore
