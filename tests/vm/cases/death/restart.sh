#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
#
# A signal that no handler takes (SIGSTOP and SIGCONT, a debugger, a frozen cgroup) ends no wait
# of a server, and no system call whose message was told of it: both start anew. Only a handler
# without SA_RESTART is told, by EINTR.

. "$TOP/tests/rawserver/lib.sh"
need python3

here=${BASH_SOURCE[0]%/*}
raw_setup
python3 "$here/restart.py" server "$raw_root" || fail "a wait of a server"

raw_start
raw_mount
app write "$mnt/file" 0 4k


# told PID: it has seen the signal, and waits on.
told() {
	[ "$(awk '{ print $3 }' "/proc/$1/stat")" = D ]
}

# reads WANTED SIGNAL...: a read hangs, signals come, the server answers -EINTR; its result.
reads() {
	local wanted=$1 app sig

	shift
	rm -f "$scratch/pid"
	ctl only op=READ do=hang do=err:-4
	python3 "$here/restart.py" app "$mnt/file" "$scratch/pid" >"$scratch/result" &
	app=$!
	ctl hung 1
	for sig; do
		kill -"$sig" "$app"
		wait_until 10 told "$app"
	done
	ctl release
	wait "$app" || fail "the application ended with $?"
	assert_eq "$wanted" "$(cat "$scratch/result")" "read with $*"
	ctl record >"$scratch/record"
	assert_grep '^released READ intr 1$' "$scratch/record"
	ctl forget
}

reads 100 STOP CONT
reads -4 USR1
ctl clear
raw_finish
