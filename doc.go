// Package coaching gives contact centers on Plivo supervisor coaching on
// multiparty calls.
package coaching
