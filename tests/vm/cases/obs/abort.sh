#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# timeout: 240
#
# zufs abort: operations in flight end with EIO although their server hangs, its file system
# can be unmounted, the next server takes the root while the old one is still there; that
# one cannot come back, and its late answers hurt nobody.

. "$TOP/tests/rawserver/lib.sh"
need jq

# aborted RESULTS OP CALL...: the call hangs in OP until the abort.
aborted() {
	local results=$1 op=$2 pid old

	shift 2
	ctl only "op=$op" count=0 do=hang
	/run/rawapp -e "$results" "$@" &
	pid=$!
	ctl hung 1
	zufs status --json >"$scratch/status" || true
	[[ $op == M_* ]] || jq -e ".at_work[] | select(.operation == \"$op\" and
		.state == \"running\" and .process == $pid)" "$scratch/status" ||
		fail "$op: status: $(cat "$scratch/status")"
	zufs abort
	wait "$pid" || fail "$op: the application's result"
	app -e EIO statfs "$mnt"
	assert_eq initializing "$(cat "$raw_root/state")" "state"
	old=$raw_pid old_socket=$raw_socket
	raw_umount || fail "$op: a file system does not go away"

	# the next one, while the old one hangs
	raw_socket=/run/rawserver2.sock
	raw_start
	raw_mount
	app write "$mnt/file" 0 1m
	# the late answer; then its threads find out that they have been left
	/run/rawserver --socket "$old_socket" --ctl release
	raw_works
	kill -KILL "$old"
	wait "$old" || true
	raw_works
	raw_umount
	raw_end
	raw_socket=/run/rawserver.sock
	raw_start
	raw_mount
	app write "$mnt/file" 0 1m
	app mkdir "$mnt/dir"
}

raw_setup copy_max=65536
refute_errno 'there is no server' zufs abort
refute_errno 'Invalid argument' tee "$raw_root/control" <<<aborts
refute_errno 'Invalid argument' tee "$raw_root/control" <<<"abort it"
refute_errno "Invalid argument" dd if=/dev/zero of="$raw_root/control" bs=64 count=1 conv=notrunc
raw_start
raw_mount
app write "$mnt/file" 0 1m
app mkdir "$mnt/dir"
before=$(sed -n 's/^event abort //p' "$raw_root/stats")
aborted EIO LOOKUP stat "$mnt/none"
aborted EIO READ readany "$mnt/file" 0 1m
aborted EIO WRITE write "$mnt/file" 0 8k
aborted EIO M_REMOUNT remount "$mnt" ro
assert_eq $((before + 4)) "$(sed -n 's/^event abort //p' "$raw_root/stats")" "aborts"

# a killed application's message is with the server, its inode waits for it: no longer
ctl only op=WRITE count=0 do=hang
/run/rawapp write "$mnt/file" 0 8k &
pid=$!
ctl hung 1
kill -KILL "$pid"
wait "$pid" || true
unlink "$mnt/file" &
pid=$!
waits_for_it() {
	grep -q '\[zuf\]' "/proc/$pid/stack"
}
wait_until 10 waits_for_it
zufs abort
wait_until 10 process_gone "$pid"
wait "$pid" || true
within 20 umount "$mnt" || fail "the file system does not go away"
raw_end

# nor does the server keep the memory of a killed application, as long as it lives
pinned() {
	cat /proc/sys/vm/stat_refresh
	awk '/^nr_foll_pin_acquired/ { n += $2 } /^nr_foll_pin_released/ { n -= $2 }
		END { print n }' /proc/vmstat
}
raw_start
raw_mount
app write "$mnt/file" 0 1m
before=$(pinned)
hang_and_kill op=READ readany "$mnt/file" 0 1m
[ "$(pinned)" -gt "$before" ] || fail "the server has got no memory of the application"
zufs abort
assert_eq "$before" "$(pinned)" "pages that an aborted server has"
within 20 umount "$mnt" || fail "the file system does not go away"
raw_end

# a server that is only stopped: who waits is let go, and it ends by itself when it goes on
umount "$raw_root"
rmmod zuf
mkdir "$scratch/dir"
zufs up -o size=32M,nio memofs none "$scratch/dir"
zusd=$(pidof zusd)
dd if=/dev/zero of="$scratch/dir/file" bs=4k count=100 status=none
stop_process "$zusd"
for i in 1 2 3 4; do
	stat "$scratch/dir/none$i" 2>"$scratch/said$i" &
done
# a fifth is the kernel's own: puts whose time has come
is_waiting() {
	grep -q '^waiting [45]$' "$raw_root/stats"
}
wait_until 10 is_waiting
zufs status >"$scratch/status"
assert_grep '^waiting [45], for a channel' "$scratch/status"
zufs abort
wait
for i in 1 2 3 4; do
	assert_grep 'Input/output error' "$scratch/said$i"
done
refute_errno 'there is no server' zufs abort
assert_grep '^mount .* dead ' "$raw_root/stats"
umount "$scratch/dir"
# a successor, before and after the old one goes on
zufs up -o size=32M,nio memofs none "$scratch/dir"
kill -CONT "$zusd"
wait_until 20 process_gone "$zusd"
dd if=/dev/zero of="$scratch/dir/file" bs=4k count=100 status=none
assert_grep '^mount .* live ' "$raw_root/stats"
zufs down "$scratch/dir"
