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

mkdir -p a/folder a/other a/late
for name in file byte short mode time gone; do
	echo text >"a/$name"
done
ln a/file a/folder/link
ln -s file a/symlink
ln -s file a/owner
mknod a/node c 1 3
truncate -s 2M a/byte

compare() {
	/usr/bin/python3 -I "$TOP/scripts/compare-trees.py" a b
}

# A byte, and the time of change put back.
change_byte() {
	printf X | dd of=b/byte bs=1 seek=1500000 conv=notrunc status=none
	touch -r a/byte b/byte
}

break_link() {
	cp -p a/file b/link.new
	mv b/link.new b/folder/link
	touch -r a/folder b/folder
}

cp -a a b
tell 0 compare
said '0 differences'

change_byte
break_link
truncate -s 2 b/short
chmod 600 b/mode
touch -d '2001-01-01 00:00:00.000000001 UTC' b/time
touch -d @1 b/late
chown 7 b/other
chown -h :8 b/owner
ln -sfn byte b/symlink
rm b/gone b/node
mknod b/node c 1 5
mkdir b/more
tell 1 compare
said 'byte: differs at byte 1500000'
said 'folder/link: is not a link of the same file'
said 'folder/link: links is 1, expected 2'
said 'short: size is 2, expected 5'
said 'mode: mode is 0o600'
said 'time: mtime_ns is 978307200000000001'
said 'late: mtime_ns is 1000000000,'
said 'other: uid is 7'
said 'owner: gid is 8'
said 'symlink: target is byte'
said 'node: device is 261'
said 'gone: is missing'
said 'more: should not be there'
refute grep -E '^(file|folder|byte): (mode|uid|gid|size|mtime)' /tmp/told
