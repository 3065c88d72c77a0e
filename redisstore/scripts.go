package redisstore

import "github.com/redis/go-redis/v9"

// keys are the names of all there is in Redis. The braces make a Redis Cluster
// keep them in one slot, so that one script may change them all.
type keys struct {
	call string // of one call, and its id: a hash of its version v, its document d and its writers w
	live string // a set of the ids of live calls
	feed string // a stream of changes
	meta string // a hash with the last version of all
}

func keysOf(prefix string) keys {
	p := "{" + prefix + "}:"
	return keys{call: p + "call:", live: p + "live", feed: p + "feed", meta: p + "meta"}
}

// put is the whole of a Put, which Redis does at once or not at all: the first
// command that writes is refused where memory has run out, and so nothing is
// written.
//
//	KEYS  call, live, feed, meta
//	ARGV  id, version expected, document, "1" if it is live, milliseconds to
//	      keep it or "0", writer, length of the feed
//
// A version is the microseconds of the server's clock, and higher than any
// before: so it also rises over a call that was forgotten, over data that was
// lost and over a failover that lost the last changes. It is the position of
// the change in the feed, too. Each entry there names the one before it, so
// that a reader sees when something is missing, whatever the reason. Versions
// stay below 2^53, which Lua and JavaScript can count to, until the year 2255.
//
// A client that is cut off from Redis sends its script again. What was written
// already is known by its writer; the answer is its version, or "overtaken"
// where another has written since.
var put = redis.NewScript(`
local old = redis.call('HMGET', KEYS[1], 'v', 'w')
local version, writers = old[1] or '0', old[2] or ''
if version ~= ARGV[2] then
	local at = string.find(writers, ARGV[6], 1, true)
	if at == 1 then return version end
	if at then return 'overtaken' end
	return 'conflict'
end
local last = redis.call('HGET', KEYS[4], 'last') or '0'
local now = redis.call('TIME')
local moment = math.max(tonumber(now[1]) * 1000000 + tonumber(now[2]), tonumber(last) + 1, tonumber(version) + 1)
local new = string.format('%.0f', moment)
redis.call('XADD', KEYS[3], 'MAXLEN', '~', ARGV[7], new .. '-0', 'id', ARGV[1], 'after', last)
redis.call('HSET', KEYS[4], 'last', new)
redis.call('HSET', KEYS[1], 'v', new, 'd', ARGV[3], 'w', ARGV[6] .. string.sub(writers, 1, 15 * #ARGV[6]))
if ARGV[4] == '1' then
	redis.call('SADD', KEYS[2], ARGV[1])
else
	redis.call('SREM', KEYS[2], ARGV[1])
end
if ARGV[4] == '1' or ARGV[5] == '0' then
	redis.call('PERSIST', KEYS[1])
else
	redis.call('PEXPIRE', KEYS[1], ARGV[5])
end
return new
`)

// try does once all that put does, to a key of its own, so that what a user may
// not do shows before a call is half written.
var try = redis.NewScript(`
redis.call('TIME')
redis.call('HMGET', KEYS[1], 'v', 'w')
redis.call('HGET', KEYS[2], 'last')
redis.call('HSET', KEYS[1], 'v', '0')
redis.call('PERSIST', KEYS[1])
redis.call('PEXPIRE', KEYS[1], 1)
redis.call('SREM', KEYS[3], 'none')
redis.call('SADD', KEYS[4], 'none')
redis.call('PEXPIRE', KEYS[4], 1)
redis.call('XADD', KEYS[5], 'MAXLEN', '~', '1', '*', 'id', 'none')
redis.call('PEXPIRE', KEYS[5], 1)
return 'good'
`)
