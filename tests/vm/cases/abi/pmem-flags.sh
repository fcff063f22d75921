#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
#
# GRAB_PMEM says whether T1 is synchronous: persistent memory is, memory of the kernel is not.

. "$TOP/tests/rawserver/lib.sh"
need_pmem 1

flags() {
	ctl record | sed -n 's/^pmem flags //p' | tail -n 1
}

raw_setup
/run/rawserver --mkfs /dev/pmem0
raw_start
mount -t rawf /dev/pmem0 "$mnt"
assert_eq 0x1 "$(flags)" "flags of /dev/pmem0"
raw_umount
raw_mount
assert_eq 0 "$(flags)" "flags of memory"
raw_works
raw_finish
