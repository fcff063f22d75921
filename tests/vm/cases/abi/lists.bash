# SPDX-License-Identifier: BSD-2-Clause
# shellcheck shell=bash
#
# Sourced by the cases about lists of commands (tests/rawserver/list.c) instead of
# tests/rawserver/lib.sh.
#
#	set_up T2-DEVICE...	a server with /dev/pmem1 as T1 and these, mounted
#	run RESULT WORD...	a list and what it ends with: an extended regex
#	fill PLACE, same PLACE	a pattern, "t1:PAGE:N:SEED" or "mem:..."
# T1 of 64 MiB has 16384 pages; the file system uses the first ones, we those from
# 8192 on. The first block of each device has its table.

. "$TOP/tests/rawserver/lib.sh"

set_up() {
	raw_setup
	/run/rawserver --mkfs /dev/pmem1 "$@"
	raw_start
	mount -t rawf /dev/pmem1 "$mnt"
}

run() {
	local wanted=$1 result

	shift
	result=$(ctl list "$@")
	[[ $result =~ ^($wanted)$ ]] || fail "list $*: wanted $wanted, found $result"
}

fill() {
	ctl fill "$1"
}

same() {
	assert_eq same "$(ctl check "$1")" "$1"
}

# told N: that many lists have ended, all in all.
told() {
	wait_until 60 is_told "$1"
}

is_told() {
	[ "$(stat_of lists)" = "$1" ]
}

# dm NAME TABLE: a device of the device mapper, gone at the end of the case.
dm() {
	modprobe dm-mod
	dmsetup create "$1" <<<"$2"
	dmsetup mknodes "$1"
	on_exit dmsetup remove --retry "$1"
}
