module github.com/mpc-coaching/coaching/examples/routers

go 1.26

replace github.com/mpc-coaching/coaching => ../..
