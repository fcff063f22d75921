#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# timeout: 480
#
# A server that takes its time: with a get, a put, a read, a truncate. Other files go on, a
# kill ends the wait, and what was held is given back when the server has answered.

. "$TOP/tests/vm/cases/drill/drill.bash"

# held OP CALL...: hangs in that operation; then killed, then the same and released.
held() {
	local op=$1 ino pid

	shift
	ino=$(stat -c %i "$mnt/file")
	ctl only "op=$op ino=$ino do=hang"
	"$scratch/rawapp" -t 60000 "$@" &
	pid=$!
	ctl hung 1
	app -t 10000 read "$mnt/other" 0 100k
	app -t 10000 write "$mnt/other" 0 100k
	kill -KILL "$pid"
	wait "$pid" && fail "$op: it ended by itself"
	ctl release
	wait_until 5 drill_balanced
	ctl only "op=$op ino=$ino do=hang"
	"$scratch/rawapp" -t 60000 "$@" &
	pid=$!
	ctl hung 1
	ctl release
	wait "$pid" || fail "$op: ended with $?"
	ctl clear
}

restarted() {
	[ "$(value restarts)" -gt "$1" ]
}

# killed_in_list CALL...: lists are under way without end when the caller dies.
killed_in_list() {
	local pid before

	ctl only "op=$get count=0 do=retry:t2read:100:s0:64"
	for _ in 1 2 3 4 5 6 7 8; do
		before=$(value restarts)
		"$scratch/rawapp" -t 60000 "$@" &
		pid=$!
		wait_until 10 restarted $((before + 5))
		kill -KILL "$pid"
		wait "$pid" || true
	done
	ctl clear
	wait_until 5 drill_balanced
}

all() {
	held "$get" read "$mnt/file" 0 8k
	held "$put" write "$mnt/file" 0 8k
	held TRUNCATE truncate "$mnt/file" 307200
	killed_in_list read "$mnt/file" 0 8k
	if [ "$way" = nio ]; then
		ctl only "op=GET count=0 do=flags:8"	# puts that go at once
		ctl rule "op=PUT nth=1 do=hang"
		"$scratch/rawapp" -t 60000 write "$mnt/file" 0 8k &
		ctl hung 1
		app read "$mnt/other" 0 100k
		ctl release
		wait $!
		# a locked channel: its task holds it from the get to the put
		ctl only "op=GET count=0 do=flags:0x10"
		ctl rule "op=PUT nth=1 do=hang"
		"$scratch/rawapp" -t 60000 write "$mnt/file" 0 8k &
		ctl hung 1
		app -t 10000 read "$mnt/other" 0 100k
		kill -KILL $!
		wait $! || true
		ctl release
		wait_until 5 drill_balanced
	fi
}

# shellcheck disable=SC2034 # drill.bash uses it
drill_ways=$drill_both
drill_each_way all
