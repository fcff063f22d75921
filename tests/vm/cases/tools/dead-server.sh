#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# timeout: 300
#
# After kill -9 of the server: status tells, the mount can be taken down and up again.

. "$TOP/tests/vm/lib.sh"
. "$TOP/tests/vm/cases/tools/tools.bash"
need_pmem 1
blank /dev/pmem0
dir=/tmp/dir
folder "$dir"
zufs up memofs /dev/pmem0 "$dir"
tell 0 zufs status
said "^server  zusd, pid $(pidof zusd)\$"

server=$(pidof zusd)
kill -9 "$server"
# its first thread may be gone while others still have the root
wait_until 20 grep -qx initializing /sys/fs/zuf/state
tell 1 zufs status
said '^server  none$'
said "^mount   /dev/pmem0 on $dir"
refute_errno 'Input/output error' stat "$dir/file"
kernel_said "zuf: the server \(pid $server\) has ended, its 1 mounts are dead"

# a new server takes the root; what the old one served stays dead until it is unmounted
other=/tmp/other
folder "$other"
zufs up -o size=16M memofs none "$other"
assert_ne "$server" "$(pidof zusd)" "server"
touch "$other/file"
refute_errno 'Input/output error' stat "$dir/file"
zufs down "$other"
assert_all_up
zufs down "$dir"
assert_all_gone

zufs up memofs /dev/pmem0 "$dir"
touch "$dir/file"
zufs down "$dir"
assert_all_gone
