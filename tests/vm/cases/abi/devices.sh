#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
#
# The kinds of mounts: a device with a table, one without, none at all; what is
# refused; remount; two mounts at once; the same device twice.

. "$TOP/tests/rawserver/lib.sh"

need_pmem 2
raw_setup
raw_start
/run/rawserver --mkfs /dev/pmem0
second=$scratch/second
mkdir "$second"

mount -t rawf /dev/pmem0 "$mnt"
app write "$mnt/file" 0 1m
app read "$mnt/file" 0 1m
mount -t rawn -o size=16m none "$second"
app write "$second/file" 0 1m
app read "$second/file" 0 1m
app unlink "$mnt/file"
app read "$second/file" 0 1m
umount "$second"
mount -t rawn /dev/pmem1 "$second"
app write "$second/file" 0 10m
app read "$second/file" 0 10m

# the same set again is the same file system
umount "$second"
mount -t rawf /dev/pmem0 "$second"
app write "$mnt/seen" 0 10
app stat "$second/seen"
umount "$second"

# remount: the server hears of both directions
ctl forget
app remount "$mnt" ro
app -e EROFS create "$mnt/no"
app remount "$mnt" rw
app create "$mnt/yes"
assert_eq "2, mount flags 0x8000000000000000 1, mount flags 0" \
	"$(ctl record | sed -n 's/^remount flags //p' | paste -sd' ')" "remount flags"
umount "$mnt"

# read-only from the start: the server knows, and the media stay as they are
before=$(dd if=/dev/pmem0 bs=4k count=1 status=none | cksum)
ctl forget
app mount rawf /dev/pmem0 "$mnt" ro
assert_eq 0x8000000000000000 "$(ctl record | sed -n 's/^mount flags //p')" "flags of a ro mount"
umount "$mnt"
assert_eq "$before" "$(dd if=/dev/pmem0 bs=4k count=1 status=none | cksum)" "the device table"

# refused before the server hears of it
ctl forget
app -e EINVAL mount rawf /dev/pmem1 "$mnt" ""
dd if=/dev/zero of=/dev/pmem0 bs=4k count=1 status=none
app -e EINVAL mount rawf /dev/pmem0 "$mnt" ""
app -e ENODEV mount rawf none "$mnt" ""
# memory has one name, also of types that take both
app -e ENOTBLK mount rawf pmem0 "$mnt" ""
app -e ENOTBLK mount rawn pmem1 "$mnt" ""
app -e ENOTBLK mount rawn nones "$mnt" size=16m
app -e ENOENT,ENODEV mount rawf /dev/no-such-device "$mnt" ""
app -e EINVAL mount rawn none "$mnt" size=0
assert_eq "" "$(ctl record | grep M_MOUNT || true)" "mount messages"
raw_finish
