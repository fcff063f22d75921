# SPDX-License-Identifier: BSD-2-Clause
# shellcheck shell=bash
#
# Sourced by the cases of the tools after lib.sh: folders to mount on, blank devices, and
# the states that zufs leaves.

# blank DEVICE...: nothing on them that anybody recognises; again so at the end.
blank() {
	local dev
	for dev in "$@"; do
		dd if=/dev/zero of="$dev" bs=1M count=2 conv=fsync status=none
		on_exit dd if=/dev/zero of="$dev" bs=1M count=2 conv=fsync status=none
	done
}

# folder PATH: a folder to mount on; it goes at the end, with what is mounted there.
folder() {
	mkdir "$1"
	on_exit rmdir "$1"
	on_exit down_if_mounted "$1"
}

down_if_mounted() {
	! mountpoint -q "$1" || zufs down "$1"
}

# said REGEX: the last `tell` has said this.
said() {
	assert_grep "$1" /tmp/told
}

# tell STATUS COMMAND...: it ends with this status; what it says is kept for `said`.
tell() {
	local wanted=$1 status=0
	shift
	"$@" >/tmp/told 2>&1 || status=$?
	cat /tmp/told
	assert_eq "$wanted" "$status" "status of '$*'"
}

# kernel_said REGEX: since this case began (its wrapper clears the log).
kernel_said() {
	dmesg >/tmp/log
	assert_grep "$1" /tmp/log
}

# Nothing of ours is left: no module, no root, no server.
assert_all_gone() {
	[ ! -e /sys/module/zuf ] || fail "the module is loaded"
	refute grep -q ' /sys/fs/zuf zuf ' /proc/mounts
	refute pidof zusd
}

assert_all_up() {
	[ -e /sys/module/zuf ] || fail "the module is not loaded"
	grep -q ' /sys/fs/zuf zuf ' /proc/mounts || fail "no root is mounted"
	pidof zusd >/dev/null || fail "no server is running"
}
