module github.com/mpc-coaching/coaching/natsstore

go 1.26

replace github.com/mpc-coaching/coaching => ..
