#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# timeout: 300
#
# Devices that are too small, or do not start at a multiple of 2 MiB.

. "$TOP/tests/vm/lib.sh"
. "$TOP/tests/vm/cases/tools/tools.bash"
need_pmem 2
need dmsetup
modprobe dm-mod
# whole, for its pieces begin in the middle
dd if=/dev/zero of=/dev/pmem1 bs=1M count=64 conv=fsync status=none
blank /dev/pmem1
dir=/tmp/dir
folder "$dir"

# piece NAME FIRST-KIB KIB: a part of /dev/pmem1
piece() {
	echo "0 $(($3 * 2)) linear /dev/pmem1 $(($2 * 2))" | dmsetup create "$1"
	on_exit dmsetup remove "$1"
	dmsetup mknodes "$1"
}

piece small 0 1024
tell 1 zufs up memofs /dev/mapper/small "$dir"
said 'mkfs.memofs: /dev/mapper/small is too small'
assert_all_gone

piece shifted 1024 8192
tell 1 zufs up memofs /dev/mapper/shifted "$dir"
kernel_said 'T1: expected memory that starts at a multiple of 2 MiB'
assert_all_gone
dmsetup remove shifted

# what is more than a multiple of 2 MiB is not used
piece uneven 16384 7168
zufs up memofs /dev/mapper/uneven "$dir"
zufs probe --json /dev/mapper/uneven | tr -d ' \n' >/tmp/told
said '"members":\[\{"uuid":"[0-9a-f-]*","role":"T1","bytes":6291456\}\]'
zufs down "$dir"
