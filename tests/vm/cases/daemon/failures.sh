#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
#
# What zusd says and how it ends when it cannot work, and that a crash prints a stack.

. "$TOP/tests/vm/lib.sh"
. "$TOP/tests/vm/cases/daemon/daemon.bash"
scratch

# said STATUS REGEX ARG...: zusd ends with the status and says so.
said() {
	local wanted=$1 regex=$2 status=0

	shift 2
	zusd "$@" >"$scratch/out" 2>&1 || status=$?
	assert_eq "$wanted" "$status" "status of zusd $*"
	assert_grep "$regex" "$scratch/out"
}

export ZUFS_LIBFS_LIST=memofs
said 2 "unrecognized option" --nonsense
said 2 "bad value '9'" --mlock=9
said 1 "no zuf file system is mounted here" /tmp
said 1 "No such file or directory" /tmp/nowhere
daemon_root
said 1 "cannot load plugin 'absent'" --plugins=absent
said 1 "Permission|No such|cannot write|/nowhere/pid" --pidfile=/nowhere/pid

# the service manager hears of it
python3 - "$scratch/notify" >"$scratch/heard" <<'PY' &
import socket, sys
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.bind(sys.argv[1])
print(s.recv(100).decode())
PY
listener=$!
wait_until 20 test -S "$scratch/notify"
NOTIFY_SOCKET=$scratch/notify daemon_start --mlock=1
wait "$listener"
assert_grep '^READY=1' "$scratch/heard"

# a crash: a stack on stderr, ended by SIGABRT; the root is free again
kill -SEGV "$server"
assert_status 134 wait "$server"
assert_grep "crashed by signal 11" "$log"
assert_grep "zusd" "$log"
wait_until 20 grep -vq mount_ready "$root/state"
daemon_start --mlock=1
kill -TERM "$server"
assert_status 0 wait "$server"
