# SPDX-License-Identifier: BSD-2-Clause
# shellcheck shell=bash
#
# Sourced by the cases of this folder after lib.sh.

# tierfs_make: a fresh tierfs on the first pmem device; sets $mnt, and $scratch if there is none.
tierfs_make() {
	need python3
	need_pmem 1
	[ -n "${scratch:-}" ] || scratch
	mnt=$scratch/tierfs
	mkdir "$mnt"
	mkfs.tierfs -f /dev/pmem0 >/dev/null
	tierfs_up
	on_exit tierfs_gone
}

# tierfs_up [OPTION-OF-ZUFS-UP...]: mounts what is there.
tierfs_up() {
	zufs up "$@" tierfs /dev/pmem0 "$mnt"
	grep -q " $mnt tierfs " /proc/mounts || fail "$mnt is no tierfs"
}

tierfs_down() {
	zufs down "$mnt"
	tierfs_check
}

# tierfs_check: the checker finds nothing.
tierfs_check() {
	fsck.tierfs -n /dev/pmem0 >"$scratch/fsck" 2>&1 ||
		fail "fsck.tierfs: status $?: $(head -n 20 "$scratch/fsck")"
}

tierfs_remount() {
	tierfs_down
	tierfs_up "$@"
}

tierfs_gone() {
	cd /
	if mountpoint -q "$mnt"; then
		zufs down "$mnt"
	fi
}

# tierfs_kill: the server is killed, its mount goes, a new one recovers.
tierfs_kill() {
	local pid

	pid=$(pgrep -x zusd)
	kill -KILL "$pid"
	wait_until 20 process_gone "$pid"
	umount "$mnt"
	tierfs_check
	tierfs_up
}
