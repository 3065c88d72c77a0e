module github.com/mpc-coaching/coaching/redisstore

go 1.26.0

replace github.com/mpc-coaching/coaching => ..

require (
	github.com/mpc-coaching/coaching v0.0.0-00010101000000-000000000000
	github.com/redis/go-redis/v9 v9.23.0
)

require (
	github.com/cespare/xxhash/v2 v2.3.0 // indirect
	github.com/go-playground/locales v0.14.1 // indirect
	github.com/go-playground/universal-translator v0.16.0 // indirect
	github.com/google/go-querystring v1.1.0 // indirect
	github.com/leodido/go-urn v1.2.4 // indirect
	github.com/plivo/plivo-go/v7 v7.60.2 // indirect
	go.uber.org/atomic v1.12.0 // indirect
	golang.org/x/sync v0.19.0 // indirect
	golang.org/x/sys v0.48.0 // indirect
	gopkg.in/go-playground/validator.v9 v9.31.0 // indirect
)
