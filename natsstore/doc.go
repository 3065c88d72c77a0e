// Package natsstore keeps the calls of package coaching in NATS JetStream.
package natsstore
