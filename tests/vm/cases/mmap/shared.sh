#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# timeout: 300
# suite: short
#
# Locks between processes that lie in mapped files, and mappings that grow; and what they leave.

. "$TOP/tests/vm/lib.sh"
. "$TOP/tests/vm/cases/mmap/mmap.bash"
need gcc mkfs.ext4 python3
scratch
gcc -O1 -Wall -Wextra -Werror -pthread -o "$scratch/shared" "$TOP/tests/vm/cases/mmap/shared.c"

# Areas of kernels up to 6.14 are mixed ones (kernel/compat/pfn.h), which mremap(2) of some of them
# cannot let grow where they are.
grows() {
	local version major minor

	version=$(uname -r)
	major=${version%%.*}
	minor=${version#*.}
	minor=${minor%%[!0-9]*}
	! ((major == 6 && minor >= 7 && minor <= 14))
}

in_mount() {
	local grow=grow

	grows || grow=
	(cd "$mnt" && "$scratch/shared" "$way" $grow)
}

mmap_each in_mount

# dirty DIR: stores to every page of a mapped file.
dirty() {
	python3 - "$1/file" <<-'PYTHON'
		import mmap, os, sys
		fd = os.open(sys.argv[1], os.O_RDWR | os.O_CREAT)
		os.posix_fallocate(fd, 0, 200 << 20)
		m = mmap.mmap(fd, 200 << 20)
		for at in range(0, 200 << 20, mmap.PAGESIZE):
		    m[at] = 1
	PYTHON
}

# The device is given back clean: fs/dax warns of pages that are in somebody's mapping.
zufs up memofs /dev/pmem0 "$mnt"
dirty "$mnt"
zufs down "$mnt"
mkfs.ext4 -q -F -b 4096 /dev/pmem0
modprobe -q ext4 || true
mount -o dax=always /dev/pmem0 "$mnt"
dirty "$mnt"
umount "$mnt"
