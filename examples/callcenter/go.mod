module github.com/mpc-coaching/coaching/examples/callcenter

go 1.26

replace github.com/mpc-coaching/coaching => ../..
