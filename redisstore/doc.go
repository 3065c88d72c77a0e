// Package redisstore keeps the calls of package coaching in Redis.
package redisstore
