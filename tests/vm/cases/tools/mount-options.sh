#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# timeout: 300
#
# Options go to the VFS, the kernel module or the file system; mount(8) works alike.

. "$TOP/tests/vm/lib.sh"
. "$TOP/tests/vm/cases/tools/tools.bash"
need_pmem 1
need python3
blank /dev/pmem0
dir=/tmp/dir
folder "$dir"
zufs up -o ro,noatime,nosuid,mode=0711 memofs /dev/pmem0 "$dir"
grep " $dir memofs " /proc/mounts | tee /tmp/told
said ' ro,nosuid,noatime'
assert_eq 711 "$(stat -c %a "$dir")" "mode of the root"
refute_errno 'Read-only file system' touch "$dir/file"
mount -o remount,rw "$dir"
touch "$dir/file"
zufs down --keep "$dir"

# a remount leaves alone what it does not name, by either interface
zufs up -o ro,pedantic=2,ephemeral,dax,nr_inodes=5000 memofs /dev/pmem0 "$dir"
python3 "$TOP/tests/vm/cases/tools/remount.py" "$dir"
zufs down --keep "$dir"

# by mount(8), as of any other file system
mount -t memofs -o noexec /dev/pmem0 "$dir"
grep -q " $dir memofs rw,noexec" /proc/mounts || fail "noexec is not there"
tell 0 zufs status --json
said "\"dir\": \"$dir\""
umount "$dir"

# the last one is gone already: up and down once more takes the rest away
zufs up memofs /dev/pmem0 "$dir"
zufs down "$dir"
assert_all_gone
