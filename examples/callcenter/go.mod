module github.com/mpc-coaching/coaching/examples/callcenter

go 1.26

require (
	github.com/golang-jwt/jwt/v5 v5.0.0
	github.com/mpc-coaching/coaching v0.0.0-00010101000000-000000000000
	github.com/plivo/plivo-go/v7 v7.60.2
	golang.org/x/sync v0.19.0
)

require (
	github.com/go-playground/locales v0.14.1 // indirect
	github.com/go-playground/universal-translator v0.16.0 // indirect
	github.com/google/go-querystring v1.1.0 // indirect
	github.com/leodido/go-urn v1.2.4 // indirect
	gopkg.in/go-playground/validator.v9 v9.31.0 // indirect
)

replace github.com/mpc-coaching/coaching => ../..
