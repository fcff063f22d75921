#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# timeout: 300
#
# scripts/compare-trees.py, on which the demo relies, finds each kind of difference.

. "$TOP/tests/vm/lib.sh"
. "$TOP/tests/vm/cases/tools/tools.bash"
need python3
scratch=''
scratch
cd "$scratch" || fail "cannot enter $scratch"
on_exit cd /

mkdir -p a/folder
echo text >a/file
ln a/file a/folder/link
ln -s file a/symlink
mknod a/node c 1 3
truncate -s 2M a/big

compare() {
	/usr/bin/python3 -I "$TOP/scripts/compare-trees.py" a b
}

# differs TEXT COMMAND...: in a copy that the command has changed
differs() {
	local text=$1
	shift
	rm -rf b
	cp -a a b
	"$@"
	tell 1 compare
	said "$text"
}

change_byte() {
	printf X | dd of=b/big bs=1 seek=1500000 conv=notrunc status=none
	touch -r a/big b/big
}

other_node() {
	rm b/node
	mknod b/node c 1 5
	touch -r a/node b/node
}

break_link() {
	cp -p --remove-destination a/file b/folder/link.new
	mv b/folder/link.new b/folder/link
	touch -r a/folder b/folder
}

rm -rf b
cp -a a b
tell 0 compare
said '0 differences'
differs 'big: differs at byte 1500000' change_byte
differs 'big: size is 5' truncate -s 5 b/big
differs 'file: mode is 0o600' chmod 600 b/file
differs 'folder: uid is 7' chown 7 b/folder
differs 'symlink: gid is 8' chown -h :8 b/symlink
differs 'folder: mtime_ns is 1000000000,' touch -d @1 b/folder
differs 'file: mtime_ns' touch -d '2001-01-01 00:00:00.000000001' b/file
differs 'symlink: target is big' ln -sfn big b/symlink
differs 'node: device is 261' other_node
differs 'folder/link: is not a link of the same file' break_link
differs 'file: is missing' rm b/file
differs 'more: should not be there' mkdir b/more
