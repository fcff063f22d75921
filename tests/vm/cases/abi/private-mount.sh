#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
#
# A private mount: devices and memory for a tool, without the VFS; and its end by
# the ioctl, by closing the file and by the end of the process.

. "$TOP/tests/rawserver/lib.sh"

need_pmem 1
raw_setup
/run/rawserver --mkfs /dev/pmem0
/run/abicheck "$raw_root" private /dev/pmem0
# the second private mount of that program ended with it: the device is free
raw_start
mount -t rawf /dev/pmem0 "$mnt"
app write "$mnt/file" 0 100k
refute /run/abicheck "$raw_root" private /dev/pmem0
app read "$mnt/file" 0 100k
raw_finish
