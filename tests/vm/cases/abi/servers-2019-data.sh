#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# timeout: 300
#
# What the areas mmap, io and space demand, on a server of 2019, data in both ways of I/O: a page
# fault that is answered by one word, with last_pos as it came, is answered.

. "$TOP/tests/vm/cases/abi/servers-2019.bash"
. "$TOP/tests/vm/cases/space/space.bash"
need gcc
reference

# first of all, without much around it: a load and a store
maps() {
	mount_2019
	python3 - "$mnt/file" <<-'PYTHON'
	import mmap, os, sys
	fd = os.open(sys.argv[1], os.O_RDWR | os.O_CREAT)
	os.pwrite(fd, b"a" * 4096, 0)
	os.ftruncate(fd, 8192)
	m = mmap.mmap(fd, 8192)
	assert m[:4] == b"aaaa" and m[4096] == 0
	m[4096] = 1
	m[0] = 2
	assert os.pread(fd, 1, 4096) == b"\1" and os.pread(fd, 2, 0) == b"\2a"
	m.flush()
	PYTHON
	umount "$mnt"
}

for caps in $((NIO | ACL)) "$ACL"; do
	up_2019 "$caps"
	maps
	on_2019 mmap/basic
	on_2019 io/vectors
	# space is no matter of the way
	if [ "$caps" != "$ACL" ]; then
		on_2019 space/fallocate
		on_2019 space/remap "$mnt" /run/rawserver "$raw_socket"
	fi
	raw_finish
done
