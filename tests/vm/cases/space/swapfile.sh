#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# timeout: 240
# suite: short
#
# What a file must be, and what it cannot be, while it is swap space: shared blocks, pages that
# somebody holds, stores through mappings, ioctls, dedupe, hibernation; and what it is after.

. "$TOP/tests/vm/lib.sh"
. "$TOP/tests/vm/cases/space/space.bash"
need python3 mkswap swapoff

on_exit swapoff -a

# hibernate: refused before the kernel looks for the file's block device, which it has not.
hibernate() {
	local swap=$1

	grep -qw disk /sys/power/state || return 0
	swapon "$swap"
	dmesg_mark hibernate
	refute_errno "Device or resource busy" bash -c 'echo disk >/sys/power/state'
	dmesg_since hibernate | grep -q 'no hibernation while a file is swap space' ||
		fail "it is not in the log"
	swapoff "$swap"
}

all() {
	space_python swapfile
	fallocate -l 8m swap
	chmod 600 swap
	mkswap -q swap
	hibernate swap
	rm swap
}

IO_WAYS="nio mapped" each_way all
