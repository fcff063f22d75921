#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
#
# Applications are killed at any moment of a round trip; no channel may be lost by
# it, and no thread of the server may spin. EAGAIN and EFAULT of the server reach
# the application once. A special file has one open file.

. "$TOP/tests/rawserver/lib.sh"

# doomed COMMAND...: killed, with all its children, within half a second.
doomed() {
	timeout -s KILL "0.$((RANDOM % 5))$((1 + RANDOM % 9))" "$@" >/dev/null 2>&1 || true
}

# killed PID: it has not ended before, and goes at once.
killed() {
	local status=0

	kill -KILL "$1"
	wait_until 10 process_gone "$1"
	wait "$1" || status=$?
	assert_eq 137 "$status" "status of a killed program"
}

# umounted: the server was told.
umounted() {
	ctl record | grep -q '^M_UMOUNT '
}

# stats: round trips from many processes.
stats() {
	# shellcheck disable=SC2016
	doomed sh -c 'while :; do stat -f "$1" "$1/none" "$1/file"; done' sh "$mnt"
}

# t1_is_readable: the server can touch T1, its largest mapping of a special file.
t1_is_readable() {
	local first size=0 range _ path from to

	while read -r range _ _ _ _ path; do
		[[ $path == "$raw_root"/* || $path == /#* ]] || continue
		from=$((0x${range%-*})) to=$((0x${range#*-}))
		((to - from <= size)) || first=$from size=$((to - from))
	done <"/proc/$raw_pid/maps"
	((size >= 32 << 20)) || fail "T1 of $size bytes is mapped"
	dd if="/proc/$raw_pid/mem" of=/dev/null bs=4096 skip=$((first / 4096)) count=1
}

# special_fds: numbers of the server's files in the root.
special_fds() {
	local fd

	for fd in /proc/"$raw_pid"/fd/*; do
		[[ $(readlink "$fd") != "$raw_root"/* ]] || echo "${fd##*/}"
	done
}

raw_setup
raw_start
raw_mount
app write "$mnt/file" 0 8m

for round in {1..20}; do
	stats &
	stats &
	doomed dd if="$mnt/file" of=/dev/null bs=512 &
	doomed dd if="$mnt/file" of=/dev/null bs=512 &
	# shellcheck disable=SC2046 # a list
	wait $(jobs -p | grep -vx "$raw_pid") || true
done
for cpu in $(seq 0 $(($(nproc) - 1))); do
	for _ in {1..6}; do
		within 10 taskset -c "$cpu" stat -f "$mnt" >/dev/null ||
			fail "CPU $cpu answers no more after $round rounds"
	done
done

ctl only op=READ count=0 do=err:-11
app -e EAGAIN -t 5000 read "$mnt/file" 0 4k
ctl only op=READ count=0 do=err:-14
app -e EIO -t 5000 read "$mnt/file" 0 4k
ctl clear

[ -n "$(special_fds)" ] || fail "no special file found"
for fd in $(special_fds); do
	refute dd if="/proc/$raw_pid/fd/$fd" of=/dev/null count=0
done
app read "$mnt/file" 0 4k

# umount is killed while the mounter is busy: the server hears of it later
ctl forget
ctl only op=DDBG_RD do=hang
cat "$raw_root/ddbg" >/dev/null &
reader=$!
ctl hung 1
umount "$mnt" &
umount=$!
waits_for_mounter() {
	grep -q zuf_put_super "/proc/$umount/stack"
}
wait_until 10 waits_for_mounter
killed "$umount"
refute umounted
ctl release
ctl clear
wait "$reader" || true
wait_until 10 umounted

# mount is killed while the server mounts: T1 is the server's until it has let go
ctl forget
ctl only op=M_MOUNT do=hang
mount -t rawn -o size=32m none "$mnt" &
mount=$!
ctl hung 1
killed "$mount"
t1_is_readable || fail "the server lost T1 while it mounted"
refute umounted
ctl release
ctl clear
wait_until 10 umounted
raw_mount
app write "$mnt/file" 0 8k
raw_finish
