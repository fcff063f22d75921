#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# timeout: 300
#
# Nothing is taken away from under a mount, or a mount from under an open file.

. "$TOP/tests/vm/lib.sh"
. "$TOP/tests/vm/cases/tools/tools.bash"
need_pmem 1
blank /dev/pmem0
dir=/tmp/dir
folder "$dir"
zufs up memofs /dev/pmem0 "$dir"

tell 1 rmmod zuf
said 'in use'
refute_errno busy umount /sys/fs/zuf

exec 5>"$dir/open"
tell 1 zufs down "$dir"
said "unmounting $dir: Device or resource busy"
assert_all_up
echo text >&5
exec 5>&-
assert_eq text "$(cat "$dir/open")"

# the root is in use by somebody else: the server goes, the rest stays and is named
exec 6</sys/fs/zuf
tell 1 zufs down "$dir"
said 'unmounting the root /sys/fs/zuf: Device or resource busy'
exec 6<&-
umount /sys/fs/zuf
wait_until 5 rmmod zuf
assert_all_gone
tell 1 zufs down "$dir"
said "$dir: nothing is mounted there"
tell 1 zufs down /proc
said '/proc: is of type proc, which is none of ours'
