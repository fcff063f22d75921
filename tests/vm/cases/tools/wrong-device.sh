#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# timeout: 300
#
# What cannot be a device of a set is refused by name.

. "$TOP/tests/vm/lib.sh"
. "$TOP/tests/vm/cases/tools/tools.bash"
need_pmem 1
need_disk 1
blank /dev/pmem0 /dev/vda
dir=/tmp/dir
folder "$dir"
scratch=''
scratch

tell 1 zufs up memofs /dev/null "$dir"
said '/dev/null: neither a block device'
tell 1 zufs up memofs /dev/no-such-device "$dir"
said '/dev/no-such-device: No such file'
tell 1 zufs up memofs "$scratch" "$dir"
said "$scratch: "
truncate -s 16M "$scratch/image"
tell 1 zufs up memofs "$scratch/image" "$dir"
said 'image: is no block device'
tell 1 zufs up memofs /dev/pmem0 "$scratch/image"
said 'image: is no folder'
tell 1 zufs up memofs /dev/pmem0 /dev/pmem0 "$dir"
assert_all_gone

# a disk cannot be addressed directly: it may be T2, never the only device
tell 1 zufs up memofs /dev/vda "$dir"
said 'mkfs.memofs'
assert_all_gone
