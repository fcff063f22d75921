#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# timeout: 400
#
# dd with each of its flags and conversions: the file, what dd says and its status must be
# those of the same command on ext4 -o dax, which as well takes direct I/O at any place.

. "$TOP/tests/vm/lib.sh"
. "$TOP/tests/vm/cases/real/real.bash"
need dd mkfs.ext4 python3
need_pmem 2

flags() {
	PYTHONDONTWRITEBYTECODE=1 python3 "$TOP/tests/vm/cases/real/dd.py"
}

scratch
mkfs.ext4 -q -F -b 4096 /dev/pmem1
export peer=$scratch/peer
mkdir "$peer"
mount -t ext4 -o dax /dev/pmem1 "$peer"
on_exit umount "$peer"
each_way flags
