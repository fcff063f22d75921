#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# timeout: 300
#
# A device that carries something else is not overwritten without --force.

. "$TOP/tests/vm/lib.sh"
. "$TOP/tests/vm/cases/tools/tools.bash"
need_pmem 1
need mkfs.ext4
blank /dev/pmem0
dir=/tmp/dir
folder "$dir"

mkfs.ext4 -q -F -b 4096 /dev/pmem0
before=$(dd if=/dev/pmem0 bs=1M count=2 status=none | cksum)
tell 1 zufs up memofs /dev/pmem0 "$dir"
said '/dev/pmem0 is not blank'
assert_eq "$before" "$(dd if=/dev/pmem0 bs=1M count=2 status=none | cksum)" "the first 2 MiB"
assert_all_gone
tell 1 zufs probe /dev/pmem0
said 'no device table'

zufs up --force memofs /dev/pmem0 "$dir"
zufs probe /dev/pmem0 >/tmp/told
said '^type  *memofs'

# not even by force while it is mounted
other=/tmp/other
folder "$other"
tell 1 zufs up --force memofs /dev/pmem0 "$other"
said '/dev/pmem0 is in use'
touch "$dir/still-there"
assert_all_up
