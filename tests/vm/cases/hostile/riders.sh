#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
#
# Puts of one mount do not travel with messages of another one: a plugin that hangs in its own
# holds no truncate, no read and no umount of its neighbour.

. "$TOP/tests/rawserver/lib.sh"

need python3
a=''
raw_setup
a=$scratch/a
mkdir "$a"
raw_start --caps 6
raw_mount
raw_mount "$a"
app write "$mnt/hung" 0 64k
app write "$a/free" 0 64k

# calls CALL...: in one program on one CPU, well within the time that a put waits:
# "r" FILE reads, "f" DIR is statvfs.
calls() {
	taskset -c 0 python3 - "$@" <<'PY' &
import os, sys
todo = [(call[0], call[1:]) for call in sys.argv[1:]]
todo = [(os.open(at, os.O_RDONLY), call) for call, at in todo]
for fd, call in todo:
    if call == "r":
        os.pread(fd, 4096, 0)
    else:
        os.fstatvfs(fd)
PY
	caller=$!
}

# works: the neighbour does all its work meanwhile
works() {
	app -t 10000 truncate "$a/free" 4096
	app -t 10000 write "$a/free" 0 64k
	app -t 10000 read "$a/free" 0 64k
}

for _ in 1 2 3; do
	# its put is next to one that hangs
	ctl only op=RIDER file=hung do=hang
	calls "r$mnt/hung" "r$a/free"
	wait_until 20 process_gone "$caller"
	ctl hung 1
	works
	ctl release
	# or waits when a message of the other one goes, and hangs
	ctl only op=STATFS do=hang
	calls "r$a/free" "f$mnt"
	ctl hung 1
	works
	ctl release
	wait_until 20 process_gone "$caller"
done

# put after put goes, also if a neighbour's was first
ctl only op=RIDER file=hung do=hang
calls "r$mnt/hung" "r$a/free" "r$a/free" "r$a/free"
wait_until 20 process_gone "$caller"
ctl hung 1
calls "r$mnt/hung" "r$a/free" "r$mnt/hung" "r$a/free"
wait_until 20 process_gone "$caller"
app -t 10000 unlink "$a/free"
within 20 umount "$a" || fail "a neighbour's put that hangs keeps a mount from going"
ctl release
raw_works
raw_finish
