#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# timeout: 300
#
# A file system in ordinary memory: 'none' with a size.

. "$TOP/tests/vm/lib.sh"
. "$TOP/tests/vm/cases/tools/tools.bash"
dir=/tmp/dir
folder "$dir"
# as tmpfs does: half of the machine
zufs up memofs none "$dir"
blocks=$(stat -f -c %b "$dir")
half=$(($(sed -n 's/^MemTotal: *\([0-9]*\) kB/\1/p' /proc/meminfo) / 8))
[ "$blocks" -gt $((half * 9 / 10)) ] && [ "$blocks" -le $((half + 512)) ] ||
	fail "$blocks blocks, half of the memory is $half"
zufs down "$dir"
tell 1 zufs up -o size=many memofs none "$dir"
assert_all_gone
zufs up -o size=32M memofs none "$dir"
blocks=$(stat -f -c %b "$dir")
[ "$blocks" -gt $((24 * 256)) ] && [ "$blocks" -le $((32 * 256)) ] ||
	fail "$blocks blocks in 32 MiB"
head -c 8M /dev/urandom >/tmp/random
on_exit rm -f /tmp/random
cp /tmp/random "$dir/copy"
cmp /tmp/random "$dir/copy"
refute dd if=/dev/zero of="$dir/big" bs=1M count=64 status=none
rm "$dir/big"

# each such mount is a file system of its own
other=/tmp/other
folder "$other"
zufs up -o size=16M memofs none "$other"
[ ! -e "$other/copy" ] || fail "two mounts without device are one"
zufs down "$other"
zufs down "$dir"
assert_all_gone
