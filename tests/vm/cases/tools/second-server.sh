#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# timeout: 300
#
# A second zusd on a root that has one fails and says so; the first works on.

. "$TOP/tests/vm/lib.sh"
. "$TOP/tests/vm/cases/tools/tools.bash"
need_pmem 1
blank /dev/pmem0
dir=/tmp/dir
folder "$dir"
zufs up memofs /dev/pmem0 "$dir"
tell 1 within 20 zusd --plugins=memofs --config=/dev/null /sys/fs/zuf
said 'another server has this root'
assert_eq 1 "$(pidof zusd | wc -w)" "servers"
echo text >"$dir/file"
assert_eq text "$(cat "$dir/file")"
