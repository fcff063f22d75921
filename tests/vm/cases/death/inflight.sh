#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# timeout: 300
#
# The server is killed while an operation of each kind is with it: the application
# has its error within two seconds (times SLOW), the mount can be unmounted, and a new server
# works on the same root.

. "$TOP/tests/rawserver/lib.sh"

caps=0x40000000	# values of 64 KiB
limit_ms=$((2000 * ${SLOW:-1}))

# killed SIGNAL RESULTS OP CALL...: the call hangs in OP, then the server dies. A
# machine that is busy with other things may take long once, but not twice.
killed() {
	kill_once "$@"
	[ "$took" -gt "$limit_ms" ] || return 0
	kill_once "$@"
	[ "$took" -le "$limit_ms" ] || fail "$3: ended $took ms after the server, again"
}

kill_once() {
	local signal=$1 results=$2 op=$3 pid start

	shift 3
	ctl only "op=$op" count=0 do=hang
	/run/rawapp -e "$results" "$@" &
	pid=$!
	ctl hung 1
	start=$(date +%s%N)
	kill "-$signal" "$raw_pid"
	wait "$pid" || fail "$op: the application's result"
	took=$((($(date +%s%N) - start) / 1000000))
	echo "$op: $took ms after SIG$signal"
	wait "$raw_pid" || true
	raw_pid=''
	app -e EIO statfs "$mnt"
	raw_umount || fail "$op: a file system does not go away"
	raw_start --caps "$caps"
	prepare
}

prepare() {
	raw_mount
	app write "$mnt/file" 0 1m
	app mkdir "$mnt/dir"
	app write "$mnt/attr" 0 4k
	app setxattr "$mnt/attr" user.a 10
	app setxattr "$mnt/attr" user.big 65536
}

raw_setup copy_max=65536
raw_start --caps "$caps"
prepare
killed KILL EIO STATFS statfs "$mnt"
killed KILL EIO LOOKUP stat "$mnt/none"
killed KILL EIO NEW_INODE create "$mnt/new"
killed KILL EIO NEW_INODE longlink 4000 "$mnt/new"
killed KILL EIO NEW_INODE tmpfile "$mnt"
killed KILL EIO ADD_DENTRY link "$mnt/file" "$mnt/new"
killed KILL EIO REMOVE_DENTRY unlink "$mnt/file"
killed KILL EIO REMOVE_DENTRY rmdir "$mnt/dir"
killed KILL EIO RENAME rename "$mnt/file" "$mnt/dir/new"
killed KILL EIO READDIR readdir "$mnt/dir" 10
killed KILL EIO READ readany "$mnt/file" 0 8k
killed KILL EIO READ readany "$mnt/file" 0 1m
killed KILL EIO WRITE write "$mnt/file" 0 8k
killed KILL EIO WRITE write "$mnt/file" 0 1m
killed KILL EIO SETATTR chmod "$mnt/file" 0600
killed KILL EIO FALLOCATE truncate "$mnt/file" 100
killed KILL OK FREE_INODE unlink "$mnt/file"
killed KILL EIO XATTR_GET getxattr "$mnt/attr" user.a 10
killed KILL EIO XATTR_GET getxattr "$mnt/attr" user.big 65536
killed KILL EIO XATTR_SET setxattr "$mnt/attr" user.b 10
killed KILL EIO XATTR_SET setxattr "$mnt/attr" user.b 65536
killed KILL EIO XATTR_SET removexattr "$mnt/attr" user.a
killed KILL EIO XATTR_LIST listxattr "$mnt/attr"
killed TERM EIO LOOKUP stat "$mnt/none"
killed ABRT EIO WRITE write "$mnt/file" 0 1m
raw_works
raw_finish
