#!/bin/sh
# Starts the emulator and a small Node application, lets a customer call, and
# exits 0 if customer and agent hear each other, 1 if not. Needs go, node, curl.
# PORT and APP_PORT choose the ports.
set -eu
cd "$(dirname "$0")"
port=${PORT:-19090} app_port=${APP_PORT:-15000}
emulator=http://127.0.0.1:$port
tmp=$(mktemp -d)
pids=""
trap 'for p in $pids; do kill "$p" 2>/dev/null || :; done; rm -rf "$tmp"' EXIT
trap 'exit 1' INT TERM

go build -o "$tmp/plivotest" .
"$tmp/plivotest" -q -addr "127.0.0.1:$port" \
	-number "14155550100=http://127.0.0.1:$app_port/answer" \
	-phone sip:agent1@phone.plivo.com=answer:300ms &
pids="$pids $!"
node testdata/answer.mjs "$app_port" "$emulator" &
pids="$pids $!"

wait_for() { # until the command succeeds, at most 10 s
	i=0
	until "$@" >/dev/null 2>&1; do
		i=$((i + 1))
		[ "$i" -lt 100 ] || return 1
		sleep 0.1
	done
}
wait_for curl -fsS "$emulator/_/calls" || { echo "the emulator does not answer" >&2; exit 1; }
wait_for curl -sS "http://127.0.0.1:$app_port/" || { echo "the application does not answer" >&2; exit 1; }

curl -fsS "$emulator/_/calls" -d '{"from":"14155550123","to":"14155550100"}' >/dev/null

hear() { # $1 hears $2
	curl -fsS "$emulator/_/audio" | grep -A1 "\"listener\": \"$1\"" | grep -q "\"speaker\": \"$2\""
}
ok=1
wait_for hear 14155550123 sip:agent1@phone.plivo.com && echo "the customer hears the agent" || ok=0
wait_for hear sip:agent1@phone.plivo.com 14155550123 && echo "the agent hears the customer" || ok=0
if [ "$ok" = 0 ]; then
	echo "they do not hear each other; what happened:" >&2
	curl -fsS "$emulator/_/timeline" >&2
	exit 1
fi
