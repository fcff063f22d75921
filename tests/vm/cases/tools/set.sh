#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# timeout: 300
#
# A set of several devices: found by links, which zufs makes; members are checked.

. "$TOP/tests/vm/lib.sh"
. "$TOP/tests/vm/cases/tools/tools.bash"
need_pmem 3
need_disk 1
blank /dev/pmem0 /dev/pmem1 /dev/pmem2 /dev/vda
dir=/tmp/dir
folder "$dir"
links=/dev/disk/by-uuid

# uuid_of DEVICE: its own one
uuid_of() {
	zufs probe --udev "$1" | sed -n 's/^ZUFS_DEV_UUID=//p'
}

# the disk is T2 by itself, whatever the order
zufs up memofs /dev/pmem1 /dev/vda /dev/pmem2 "$dir"
zufs probe /dev/vda | tee /tmp/told
said '^member 2 .* T2 .*this device'
blocks=$(stat -f -c %b "$dir")
[ "$blocks" -gt $((100 * 256)) ] || fail "only $blocks blocks of two devices of 64 MiB"
zufs down "$dir"

# any member leads to the set; missing links are made by looking at all devices
rm -f "$links"/*
zufs up memofs /dev/pmem2 "$dir"
assert_eq "$blocks" "$(stat -f -c %b "$dir")" "blocks"
zufs down "$dir"
rm -f "$links"/*
zufs scan >/tmp/told
said '^3 devices'
assert_eq 3 "$(find "$links" -type l | wc -l)" "links"

# a link to the wrong member: the kernel refuses, zufs repairs it
zufs up -o size=16M memofs none "$dir"
other=/tmp/other
folder "$other"
one=$(uuid_of /dev/pmem1) two=$(uuid_of /dev/pmem2)
ln -sfn /dev/vda "$links/$two"
refute mount -t memofs /dev/pmem1 "$other"
kernel_said 'zuf: memofs: vda: device table: '
zufs up memofs /dev/pmem1 /dev/pmem2 "$other"
zufs down "$other"

# a member that is gone
dd if=/dev/zero of=/dev/pmem2 bs=4096 count=1 conv=fsync status=none
rm -f "$links/$two"
tell 1 zufs up memofs /dev/pmem1 "$other"
said "device 1 of the set of /dev/pmem1 is missing: none has the uuid $two"
refute mount -t memofs /dev/pmem1 "$other"
kernel_said "expected at $links/$two"
tell 1 zufs up memofs /dev/pmem1 /dev/pmem2 "$other"
said '/dev/pmem2 carries no device table, but others are members'

# a member of another set
zufs up memofs /dev/pmem2 "$other"
zufs down "$other"
tell 1 zufs up memofs /dev/pmem1 /dev/pmem2 "$other"
said "/dev/pmem1 belongs to the set .*, /dev/pmem2 to the set"
assert_ne "$one" "$two" "uuid"
zufs down "$dir"
