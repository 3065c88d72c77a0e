module github.com/mpc-coaching/coaching

go 1.26

require (
	github.com/google/go-cmp v0.7.0
	github.com/plivo/plivo-go/v7 v7.60.2
	golang.org/x/sync v0.24.0
)
