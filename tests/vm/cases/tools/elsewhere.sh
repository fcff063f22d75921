#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# timeout: 300
#
# zufs down leaves the server to a file system that only another mount name space sees.

. "$TOP/tests/vm/lib.sh"
. "$TOP/tests/vm/cases/tools/tools.bash"
need unshare
dir=/tmp/dir
other=/tmp/other
folder "$dir"
mkdir "$other"
on_exit rmdir "$other"
zufs up -o size=16M memofs none "$dir"

one_is_mounted() {
	[ "$(grep -c '^mount ' /sys/fs/zuf/stats)" = 1 ]
}

# its process keeps the other name space, and the mount in it, until its input ends
exec {hold}<> <(:)
unshare -m sh -c "umount $dir && mount -t memofs -o size=16M none $other &&
	cd $other && echo text >file && exec cat" <&"$hold" >/dev/null &
elsewhere=$!
wait_until 20 test -s "/proc/$elsewhere/cwd/file"
refute mountpoint -q "$other"

tell 0 zufs down "$dir"
said 'mounted elsewhere \(another mount name space\): 1; the server goes on'
refute mountpoint -q "$dir"
assert_all_up
assert_eq text "$(cat "/proc/$elsewhere/cwd/file")" "file in the other name space"

# with its last process the other mount goes too
kill -KILL "$elsewhere"
wait "$elsewhere" || true
exec {hold}<&-
zufs up -o size=16M memofs none "$dir"
wait_until 20 one_is_mounted
tell 0 zufs down "$dir"
assert_all_gone
