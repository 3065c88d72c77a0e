// Package redisstore keeps the calls of package coaching in Redis, so that
// several instances share them and none is lost with a process.
//
//	client := redis.NewClient(&redis.Options{Addr: "redis.example.com:6379", ContextTimeoutEnabled: true})
//	defer client.Close()
//	store, err := redisstore.New(ctx, redisstore.Config{Client: client})
//	if err != nil {
//		return err
//	}
//	flow, err := coaching.New(coaching.Config{Plivo: sdk, PublicURL: publicURL, Route: route, Store: store})
//	if err != nil {
//		return err
//	}
//
// [Open] does the first half from one URL. Redis must be 7.0 or later, alone,
// with replicas and Sentinel, or a Redis Cluster, of which one shard keeps all
// calls of a deployment.
//
// # What is promised
//
// A change is one script: document, list of live calls and feed are changed
// together or not at all. Get asks the master and shows every Put that returned
// before it began, as long as there is one master. When a replica takes over,
// what it did not have is lost, although Put returned: such is Redis.
// Config.Replicas makes that rare, Changes says Resync when it happens, and no
// version is used twice. A call that has ended is forgotten when it expires.
// docs/stores.md has what that means, and settings for production.
package redisstore
