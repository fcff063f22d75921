#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# timeout: 600
#
# Frames that a pipe or DMA holds longer than their inode is cached, or whose block belongs
# to a second file: nobody sees what the block is used for next, nobody's data is hurt. A server
# that keeps such blocks back makes nobody wait but for the source of a clone.

. "$TOP/tests/vm/lib.sh"
. "$TOP/tests/vm/cases/space/space.bash"
. "$TOP/tests/vm/cases/mmap/mmap.bash"
need python3
need dmsetup
modprobe -a dm_mod loop 2>/dev/null || skip "there is no device-mapper"
reference

# a device whose I/O ends when the test lets it: it is full of 0xdd
head -c 1M /dev/zero | tr '\0' '\335' >"$ref/disk"
loop=$(losetup -f --show "$ref/disk")
on_exit losetup -d "$loop"
dmsetup create held --table "0 2048 linear $loop 0"
on_exit dmsetup remove held

frames() {
	mmap_each env PYTHONPATH="$TOP/tests/vm/cases/mmap:$PYTHONPATH" \
		python3 "$TOP/tests/vm/cases/mmap/frames.py"
}

frames
export MMAP_WAITS=1
MMAP_WAYS=nio frames
