#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# timeout: 240
#
# What fallocate gave and nobody wrote, and what was zeroed, is told to be unwritten and is no
# data, in both ways of I/O, beside ext4; a file of it can be swap space.

. "$TOP/tests/vm/lib.sh"
. "$TOP/tests/vm/cases/space/space.bash"
need python3 mkswap
reference
# small ranges too: ext4 would rather write zeros
echo 0 >/sys/fs/ext4/vda/extent_max_zeroout_kb

swappable() {
	PYTHONPATH=$TOP/tests/vm/cases/space:$PYTHONPATH python3 -c "
import falloc
falloc.swapon('$1')"
	swapoff "$1"
}

compare() {
	space_python unwritten
	fallocate -l 8m swap
	chmod 600 swap
	mkswap swap >/dev/null
	swappable swap
	fallocate -p -o 4m -l 4k swap
	refute swappable swap
	rm swap
}

IO_WAYS="mapped nio" each_way compare
