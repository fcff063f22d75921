#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# timeout: 300
# suite: short
#
# zufs up brings everything, zufs down of the last mount takes everything away.

. "$TOP/tests/vm/lib.sh"
. "$TOP/tests/vm/cases/tools/tools.bash"
need_pmem 1
blank /dev/pmem0
first=/tmp/first
folder "$first"
second=/tmp/second
folder "$second"
assert_all_gone

exec {held}</etc/passwd
zufs up memofs /dev/pmem0 "$first"
exec {held}<&-
assert_all_up
server=$(pidof zusd)
! readlink "/proc/$server"/fd/* | grep -x /etc/passwd ||
	fail "the server holds a file of its caller's open"
echo text >"$first/file"

# a second mount of the device is the same file system, by the same server
zufs up memofs /dev/pmem0 "$second"
assert_eq text "$(cat "$second/file")"
echo more >>"$second/file"
assert_eq 2 "$(wc -l <"$first/file")" "lines"
assert_eq "$(stat -c %d "$first")" "$(stat -c %d "$second")" "device number"
assert_eq "$server" "$(pidof zusd)" "server"

zufs down "$first"
assert_all_up
assert_eq "$server" "$(pidof zusd)" "server"
assert_eq 2 "$(wc -l <"$second/file")" "lines"

zufs down --keep "$second"
assert_all_up
zufs up memofs /dev/pmem0 "$second"
assert_eq "$server" "$(pidof zusd)" "server"
zufs down "$second"
assert_all_gone
