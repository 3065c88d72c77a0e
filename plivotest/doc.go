// Package plivotest is Plivo's Multi-Party Call product in memory.
package plivotest
