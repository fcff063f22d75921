# SPDX-License-Identifier: BSD-2-Clause
# shellcheck shell=bash
#
# Sourced by the cases of the daemon after lib.sh: a zuf root, a zusd started by hand, and
# what its threads do. The server's messages are in $log, its number in $server.

root=/sys/fs/zuf
log=/tmp/zusd-case.log
pidfile=/tmp/zusd-case.pid

# daemon_root: the module and a root; both go at the end.
daemon_root() {
	modprobe zuf
	on_exit wait_until 10 rmmod zuf
	mountpoint -q "$root" || mount -t zuf zuf "$root"
	on_exit umount "$root"
}

# daemon_start [OPTION...]: returns when it is ready; killed at the end if it still runs.
daemon_start() {
	local line fd

	exec {fd}<> <(:)
	rm -f "$pidfile"
	zusd --plugins=memofs --ready-fd="$fd" --pidfile="$pidfile" "$@" 2>"$log" &
	server=$!
	on_exit daemon_kill "$server"
	wait_until 30 test -s "$pidfile"
	read -r -t $((30 * ${SLOW:-1})) -u "$fd" line || fail "not ready: $(cat "$log")"
	exec {fd}<&-
	assert_eq ready "$line"
	assert_eq "$server" "$(cat "$pidfile")" "pid file"
}

daemon_kill() {
	! kill -0 "$1" 2>/dev/null || kill -KILL "$1"
	wait "$1" || true
}

# daemon_mount FOLDER: memofs of the first pmem device.
daemon_mount() {
	on_exit dd if=/dev/zero of=/dev/pmem0 bs=1M count=2 conv=fsync status=none
	mkfs.memofs -f /dev/pmem0 >/dev/null
	mkdir -p "$1"
	on_exit rmdir "$1"
	on_exit unmount_if_mounted "$1"
	mount -t memofs /dev/pmem0 "$1"
}

unmount_if_mounted() {
	! mountpoint -q "$1" || umount "$1"
}

# zts: "ZT(cpu.channel) allowed-CPUs" of every channel thread, sorted.
zts() {
	local t

	for t in /proc/"$server"/task/*; do
		! grep -q '^ZT' "$t/comm" ||
			echo "$(cat "$t/comm") $(sed -n 's/^Cpus_allowed_list:\t//p' "$t/status")"
	done | sort
}

# zts_are CPU...: three channels on each of these, pinned to it, and no others.
zts_are() {
	local cpu c

	for cpu in "$@"; do
		for c in 0 1 2; do
			echo "ZT($cpu.$c) $cpu"
		done
	done | sort | diff - <(zts)
}
