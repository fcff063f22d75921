#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
#
# SIGKILL ends an operation within one round trip, whatever the server answers, at whatever
# priority it does, and whatever lock of the inode the program waits for; what it left to the
# server ends too, although that goes on to ask for lists.

. "$TOP/tests/rawserver/lib.sh"
need_cpus 2

again=retry:0x0900000000000000,0,0

event() {
	awk -v e="$1" '$1 == "event" && $2 == e { n += $3 } END { print n + 0 }' "$raw_root/stats"
}

more_than() {
	[ "$(event "$1")" -gt "$2" ]
}

# blocked PID: it comes to a lock, if not yet. It sleeps, and no message of it is under way;
# the functions of locks do not stand in the stack.
blocked() {
	local end=$((SECONDS + 10 * ${SLOW:-1}))

	until [ "$(awk '{ print $3 }' "/proc/$1/stat")" = D ] &&
		! grep -q 'zuf_chan\|dispatch' "/proc/$1/stack"; do
		[ "$SECONDS" -le "$end" ] || return 1
		_pause 0.05
	done
}

# killed PID: at once.
killed() {
	local status=0

	kill -KILL "$1"
	wait_until 5 process_gone "$1"
	wait "$1" || status=$?
	assert_eq 137 "$status" "status of a killed program"
}

raw_setup
raw_start
# its threads come first: a program on their CPU finds each answer ready and never sleeps
chrt -a -f -p 60 "$raw_pid"
raw_mount
app write "$mnt/file" 0 4k
app write "$mnt/other" 0 4k

for call in "READ readany $mnt/file 0 100" "WRITE write $mnt/file 0 100" \
	"FALLOCATE truncate $mnt/file 50"; do
	read -r op rest <<<"$call"
	ctl only "op=$op" file=file count=0 "do=$again"
	before=$(event retry)
	orphans=$(event orphan)
	# shellcheck disable=SC2086 # a call is several words
	taskset -c 1 /run/rawapp -e any -t 100000 $rest >>"$scratch/out" &
	app=$!
	wait_until 10 more_than retry $((before + 20))
	killed "$app"
	assert_eq $((orphans + 1)) "$(event orphan)" "what $op left to the server"
	# which is refused its lists, and ends: others get the lock
	app -t 10000 chmod "$mnt/file" 0600
done
ctl clear

# who waits for a lock that is held while the server hangs
ctl only op=WRITE file=file do=hang
/run/rawapp -e any -t 100000 write "$mnt/file" 0 8k >>"$scratch/out" &
holder=$!
ctl hung 1
for call in "write $mnt/file 0 8k" "append $mnt/file 100" "readany $mnt/file 0 100" \
	"fallocate $mnt/file 0 0 8k" "seek $mnt/file 0 3" "fadvise $mnt/file 3"; do
	# shellcheck disable=SC2086 # a call is several words
	/run/rawapp -e any -t 100000 $call >>"$scratch/out" &
	app=$!
	blocked "$app" || fail "$call: not at a lock: $(cat "/proc/$app/stack" "$scratch/out")"
	killed "$app"
done
ctl release
wait "$holder" || fail "who had the lock: $?"
raw_works
raw_finish
