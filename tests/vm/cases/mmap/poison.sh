#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# timeout: 240
# vm: own --smp 2 --pmem 128 --pmem 64
#
# Memory of T1 that goes bad. The emulator has no machine checks, so frames are marked as a
# machine check would (memory_failure); on the checkers' kernel the module cannot read what
# is marked.

. "$TOP/tests/vm/lib.sh"
. "$TOP/tests/vm/cases/mmap/mmap.bash"
. "$TOP/tests/rawserver/lib.sh"
need gcc python3
need_pmem 2
scratch
[ -e /sys/devices/system/memory/hard_offline_page ] || skip "this kernel knows no poison"
py=(env PYTHONDONTWRITEBYTECODE=1 python3 "$TOP/tests/vm/cases/mmap/poison.py")
gcc -O1 -Wall -Wextra -Werror -o "$scratch/poison" "$TOP/tests/vm/cases/mmap/poison.c"
reads=plain # what the kernel does with frames that are marked
if [ -d /sys/kernel/debug/failslab ]; then
	reads="read"
fi

# frames of mapped files
mapped() {
	"$scratch/poison" "$mnt/file" "$reads"
}
MMAP_WAYS=nio mmap_each mapped

# what the driver knows, while it is mounted and before
mnt=$(mktemp -d /tmp/mnt.XXXXXX)
on_exit _mmap_gone
zufs up -o nio memofs /dev/pmem0 "$mnt"
head -c 32k /dev/zero >"$mnt/file"
"${py[@]}" known "$mnt/file" /dev/pmem0
zufs down "$mnt"
dmesg_mark poison
zufs up -o nio memofs /dev/pmem0 "$mnt"
dmesg_since poison | grep 'pmem0: T1: 1 pages are known to be bad'
zufs down "$mnt"
if mountpoint -q "$raw_root"; then
	umount "$raw_root"
fi

# the inode itself
if [ "$reads" = read ]; then
	mkdir "$scratch/mnt"
	mnt=$scratch/mnt
	raw_setup
	/run/rawserver --mkfs /dev/pmem1
	raw_start
	mount -t rawf /dev/pmem1 "$mnt"
	app write "$mnt/bad" 0 4k
	"${py[@]}" inode "$mnt/bad" /dev/pmem1
	raw_end
	raw_umount
fi

