module github.com/mpc-coaching/coaching/redisstore

go 1.26

replace github.com/mpc-coaching/coaching => ..
