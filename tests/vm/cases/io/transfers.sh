#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# timeout: 400
#
# Transfers of each size and alignment, from and into memory of each kind, in
# each way. Kinds that need a second pmem device or a disk are used if there.

. "$TOP/tests/vm/lib.sh"
. "$TOP/tests/vm/cases/io/io.bash"
need python3 mkfs.ext4

# user_fs FOLDER DEVICE [OPTION...]: a file system whose files are the memory.
user_fs() {
	local dir=$1 dev=$2

	shift 2
	mkfs.ext4 -q -F -b 4096 "$dev"
	mkdir "$dir"
	on_exit rmdir "$dir"
	mount -t ext4 "$@" "$dev" "$dir"
	on_exit umount "$dir"
}

echo 12 >/proc/sys/vm/nr_hugepages
on_exit eval "echo 0 >/proc/sys/vm/nr_hugepages"
on_exit rm -f /dev/shm/user
[ "${VM_PMEMS:-0}" -lt 2 ] || user_fs /tmp/dax /dev/pmem1 -o dax
[ "${VM_DISKS:-0}" -lt 1 ] || user_fs /tmp/ext4 /dev/vda
each_way io_python transfers
