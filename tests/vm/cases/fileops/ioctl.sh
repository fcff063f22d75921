#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
#
# ioctls that the file system knows: arguments in and out, longer ones, a frozen file
# system, on a read-only mount; memory that is not offered; those that are never content;
# while the server hangs or another freezes, and when the one that freezes is killed.

. "$TOP/tests/vm/cases/drill/drill.bash"
need python3

ioctls() {
	python3 "$TOP/tests/vm/cases/fileops/ioctl.py" "$mnt" "$@"
}

waits_frozen() {
	grep -q 'percpu_rwsem_wait\|sb_start_write\|mnt_want_write' "/proc/$1/stack"
}

# What the server does to a file system that is frozen for it is not disturbed by the end of
# who asked for it.
killed_while_frozen() {
	local pid writer

	ctl only op=IOCTL nth=2 do=hang
	python3 "$TOP/tests/vm/cases/fileops/ioctl.py" "$mnt" freezes &
	pid=$!
	ctl hung 1
	kill -KILL "$pid"
	wait_until 10 process_gone "$pid"
	wait "$pid" || true
	"$scratch/rawapp" -e any -t 60000 create "$mnt/thawed" &
	writer=$!
	wait_until 10 waits_frozen "$writer"
	ctl release
	ctl clear
	wait "$writer" || fail "it stays frozen"
	app unlink "$mnt/thawed"
}

drill_ioctls() {
	local pid status

	ioctls
	# a killed caller does not keep the file system
	ctl only op=IOCTL do=hang
	"$scratch/rawapp" -e any ioctl "$mnt/file" 1 &
	pid=$!
	ctl hung 1
	kill -KILL "$pid"
	wait "$pid" || true
	ctl release
	killed_while_frozen
	# one that is frozen already: refused or done, and thawed by who froze it
	fsfreeze -f "$mnt"
	status=0
	ioctls frozen || status=$?
	fsfreeze -u "$mnt"
	[ "$status" = 0 ]
	mount -o remount,ro "$mnt"
	ioctls ro
	mount -o remount,rw "$mnt"
}

drill_each_way drill_ioctls
