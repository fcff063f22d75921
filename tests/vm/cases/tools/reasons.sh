#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# timeout: 300
#
# Why a mount fails: zufs up prints it, for mount(8) it is in the kernel's log. And what never
# becomes memory or is written to.

. "$TOP/tests/vm/lib.sh"
. "$TOP/tests/vm/cases/tools/tools.bash"
need_pmem 1
need python3
blank /dev/pmem0
dir=/tmp/dir
folder "$dir"
other=/tmp/other
folder "$other"
zufs up memofs /dev/pmem0 "$dir"

# the device's name without its folder is no other word for memory
tell 32 mount -t memofs pmem0 "$other"
said 'not a block device'
kernel_said 'zuf: memofs: pmem0: expected "none" or the absolute path of a device'
refute mountpoint -q "$other"

tell 1 zufs up -o bogus memofs none "$other"
said 'zufs up: none: the server answered with -EINVAL'
kernel_said 'zuf: memofs: none: the server answered with -EINVAL'
tell 1 zufs up -o size=many memofs none "$other"
said 'bad value of size: "many"'
tell 1 zufs up -o ro memofs /dev/pmem0 "$other"
said 'zufs up: /dev/pmem0: already mounted rw'
tell 0 zufs up -o nofail,x-systemd.requires=zusd.service,noexec,size=8M memofs none "$other"
grep -q " $other memofs rw,noexec" /proc/mounts || fail "noexec is not there"
umount "$other"

# memory of a write protected device would be stored to all the same
umount "$dir"
blockdev --setro /dev/pmem0
on_exit blockdev --setrw /dev/pmem0
tell 1 zufs up -o ro memofs /dev/pmem0 "$dir"
said 'zufs up: pmem0: T1: is write protected'
tell 1 zufs up memofs /dev/pmem0 "$dir"
blockdev --setrw /dev/pmem0
before=$(dd if=/dev/pmem0 bs=4k count=1 status=none | cksum)
zufs up -o ro memofs /dev/pmem0 "$dir"
umount "$dir"
assert_eq "$before" "$(dd if=/dev/pmem0 bs=4k count=1 status=none | cksum)" "the device table"

# a signature that no program reads at the start of a device
python3 "$TOP/tests/unit/plugins/memofs/signatures.py" md10 /dev/pmem0
dd if=/dev/zero of=/dev/pmem0 bs=1M count=2 conv=fsync status=none
tell 1 zufs up memofs /dev/pmem0 "$dir"
said '/dev/pmem0 is not blank, it carries linux_raid_member'
zufs up --force memofs /dev/pmem0 "$dir"
zufs down "$dir"
assert_all_gone
