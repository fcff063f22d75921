#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# timeout: 300
#
# A table with a changed byte is refused by tools and kernel, each says why.

. "$TOP/tests/vm/lib.sh"
. "$TOP/tests/vm/cases/tools/tools.bash"
need_pmem 1
blank /dev/pmem0
dir=/tmp/dir
folder "$dir"
zufs up memofs /dev/pmem0 "$dir"
zufs down "$dir"

# change OFFSET BYTE: of the table
change() {
	printf '%b' "\\x$2" | dd of=/dev/pmem0 bs=1 seek="$1" conv=notrunc,fsync status=none
}

change 48 55
tell 1 zufs probe /dev/pmem0
said '/dev/pmem0: carries a broken table of memofs \(bad checksum\)'
tell 1 zufs up memofs /dev/pmem0 "$dir"
said 'bad checksum'
assert_all_gone

# the kernel finds it too
other=/tmp/other
folder "$other"
zufs up -o size=16M memofs none "$other"
refute mount -t memofs /dev/pmem0 "$dir"
kernel_said 'device table: checksum: expected'
change 48 00
mount -t memofs /dev/pmem0 "$dir"
umount "$dir"
zufs down "$other"

# another magic: nobody's
change 4 00
tell 1 zufs probe /dev/pmem0
said 'no device table'
