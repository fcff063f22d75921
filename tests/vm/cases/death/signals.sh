#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
#
# Signals to an application whose operation is with a server that does not answer:
# a fatal one ends it at once, what its operation left behind is given back when
# the server comes; any other one is told to the server, and the wait goes on.

. "$TOP/tests/rawserver/lib.sh"

# hanging OP CALL...: start the call, wait until it hangs in OP; its id is in $app.
hanging() {
	ctl only "op=$1" do=hang
	shift
	/run/rawapp -e any "$@" >>"$scratch/out" &
	app=$!
	ctl hung 1
}

gone() {
	local status=0

	wait_until 5 process_gone "$app"
	wait "$app" || status=$?
	assert_eq "$1" "$status" "status of the application"
}

# recorded REGEX: the server gets such a message.
recorded() {
	wait_until 5 eval "ctl record | grep -Eq -- '$1'"
}

# races_are N: so many cookies came back without an inode.
races_are() {
	[ "$(stat_of races)" = "$1" ]
}

# nothing_shown: no window shows pages of an application; what is answered to the dead is taken
# out a moment later.
nothing_shown() {
	[ "$(ctl probe | awk '$6 > 16' | wc -l)" = 0 ]
}

# told PID: it has heard of a signal and waits on: the server is told, too.
told() {
	[ "$(_state "$1")" = D ]
}

raw_setup copy_max=65536
raw_start
raw_mount
app write "$mnt/file" 0 1m
app mkdir "$mnt/dir"

# killed: at once, and the cookie comes back when the server has answered
drop_caches
for call in "LOOKUP stat $mnt/file" "NEW_INODE create $mnt/new"; do
	read -r op rest <<<"$call"
	races=$(stat_of races)
	ctl forget
	# shellcheck disable=SC2086 # a call is several words
	hanging "$op" $rest
	kill -KILL "$app"
	gone 137
	assert_eq "$races" "$(stat_of races)" "cookies back before the answer of $op"
	ctl release
	recorded '^EVICT_INODE .* evict 1$'
	# it is recorded before it is done
	wait_until 5 races_are $((races + 1))
done
ctl clear
app stat "$mnt/new"

# a new inode without a name is freed
ctl forget
hanging NEW_INODE tmpfile "$mnt"
kill -KILL "$app"
gone 137
ctl release
recorded '^FREE_INODE '

# data: the pages of the dead are not shown any longer than the answer takes
for call in "READ readany $mnt/file 0 1m" "WRITE write $mnt/file 0 1m" \
	"WRITE write $mnt/file 0 8k" "READDIR readdir $mnt 10" \
	"RENAME rename $mnt/file $mnt/file2" "SETATTR chmod $mnt/dir 0700" \
	"FALLOCATE truncate $mnt/file2 5000"; do
	read -r op rest <<<"$call"
	# shellcheck disable=SC2086 # a call is several words
	hanging "$op" $rest
	kill -KILL "$app"
	gone 137
	ctl release
done
raw_works
wait_until 5 nothing_shown

# not fatal: the flag is set in the header, the call ends well with the answer
ctl only op=LOOKUP do=hang
/run/rawapp -i -e ENOENT stat "$mnt/none" >>"$scratch/out" &
app=$!
ctl hung 1
kill -INT "$app"
wait_until 5 told "$app"
ctl release
gone 0
recorded '^released LOOKUP intr 1$'

# a stopped server: nothing moves, an application can be killed, then all goes on
stop_process "$raw_pid"
/run/rawapp -e any stat "$mnt/one" >>"$scratch/out" &
app=$!
/run/rawapp -e ENOENT -t 30000 stat "$mnt/two" >>"$scratch/out" &
other=$!
wait_until 5 grep -q zuf "/proc/$app/stack"
wait_until 5 grep -q zuf "/proc/$other/stack"
kill -KILL "$app"
gone 137
kill -CONT "$raw_pid"
wait "$other" || fail "the other application: $(tail -n 2 "$scratch/out")"

# a stopped server that is killed
stop_process "$raw_pid"
/run/rawapp -e EIO -t 10000 stat "$mnt/three" >>"$scratch/out" &
app=$!
wait_until 5 grep -q zuf "/proc/$app/stack"
kill -KILL "$raw_pid"
gone 0
raw_end
raw_finish
