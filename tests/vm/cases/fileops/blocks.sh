#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
#
# FIBMAP, and FIEMAP of what is no data: of memofs, which keeps names and attributes in memory, and
# of a server that knows where they are. With memory instead of devices no block is anywhere.

. "$TOP/tests/rawserver/lib.sh"
need python3
need_pmem 1

blocks() {
	local cases=$TOP/tests/vm/cases

	PYTHONPATH=$cases/space:$PYTHONPATH \
		python3 "$cases/fileops/blocks.py" "$@"
}

raw_setup
raw_start --caps $((1 << 20))
/run/rawserver --mkfs /dev/pmem0
mount -t rawf /dev/pmem0 "$mnt"
blocks "$mnt" more
umount "$mnt"
raw_mount
dd if=/dev/zero of="$mnt/f" bs=4k count=1 status=none
assert_eq 0 "$(python3 - "$mnt/f" <<-'PYTHON'
	import array, fcntl, os, sys
	arg = array.array("i", [0])
	fcntl.ioctl(os.open(sys.argv[1], os.O_RDONLY), 1, arg)
	print(arg[0])
	PYTHON
)" "FIBMAP without a device"
raw_finish

memofs=$scratch/memofs
mkdir "$memofs"
zufs up -f memofs /dev/pmem0 "$memofs"
on_exit zufs down "$memofs"
blocks "$memofs"
