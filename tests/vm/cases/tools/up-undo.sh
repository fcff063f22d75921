#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# timeout: 300
#
# When mounting fails, zufs up takes back what it started, and only that.

. "$TOP/tests/vm/lib.sh"
. "$TOP/tests/vm/cases/tools/tools.bash"
need_pmem 1
blank /dev/pmem0
dir=/tmp/dir
folder "$dir"

tell 1 zufs up -o no_such_option=1 memofs /dev/pmem0 "$dir"
said 'mounting /dev/pmem0 on .*: Invalid argument'
assert_grep 'no_such_option' /run/zufs/zusd.log
assert_all_gone

# the file system that mkfs made stays, with its link; a link of zufs goes again
zufs probe /dev/pmem0
find /dev/disk/by-uuid -lname '*pmem0' -delete
tell 1 zufs up -o no_such_option=1 memofs /dev/pmem0 "$dir"
assert_all_gone
assert_eq 0 "$(find /dev/disk/by-uuid -lname '*pmem0' | wc -l)" "links"

# a server by another name is ended as well, by up and by down
scratch=''
scratch
ln -s "$(command -v zusd)" "$scratch/otherd"
tell 1 zufs up --server "$scratch/otherd" -o no_such_option=1 memofs /dev/pmem0 "$dir"
refute pidof otherd
assert_all_gone
zufs up --server "$scratch/otherd" memofs /dev/pmem0 "$dir"
pidof otherd >/dev/null || fail "there is no otherd"
tell 0 zufs down "$dir"
refute pidof otherd
assert_all_gone

modprobe zuf
on_exit rmmod zuf
tell 1 zufs up -o no_such_option=1 memofs /dev/pmem0 "$dir"
[ -e /sys/module/zuf ] || fail "the module that was there is gone"
refute grep -q ' /sys/fs/zuf zuf ' /proc/mounts

mount -t zuf zuf /sys/fs/zuf
tell 1 zufs up -o no_such_option=1 memofs /dev/pmem0 "$dir"
grep -q ' /sys/fs/zuf zuf ' /proc/mounts || fail "the root that was there is gone"
refute pidof zusd
umount /sys/fs/zuf

tell 1 zufs up memofs /dev/pmem0 "$dir/not-there"
said 'not-there: No such file'
tell 1 zufs up nosuchfs /dev/pmem0 "$dir"
said "no file system type 'nosuchfs'"
said memofs
