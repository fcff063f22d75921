#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
#
# mkfs.tierfs on files: what it writes, what it refuses, and how it ends. What stands in the tables
# is test_format.c's.
#
# usage: test_mkfs.sh MKFS MKFS_MEMOFS

set -u
mkfs=$(realpath "$1")
other=$(realpath "$2")
. "$(dirname "$0")/../memofs/expect.bash"

truncate -s 9M a
truncate -s 5M b
truncate -s 3M small
cp a blank

expect 2 "at least one T1" "$mkfs"
expect 2 "T1 devices only" "$mkfs" a --t2 b
expect 2 "not a UUID" "$mkfs" -U 1234 a
expect 2 "mkfs.tierfs --help" "$mkfs" --labels x a
expect 2 "at most 63 bytes" "$mkfs" -L "$(printf %64s x)" a
expect 2 "neither continue nor remount-ro" "$mkfs" --errors=panic a
expect 0 "usage:" "$mkfs" --help
expect 0 "^mkfs.tierfs [0-9]" "$mkfs" --version
expect 1 "No such file" "$mkfs" missing
expect 1 "neither a block device" "$mkfs" /dev/null
expect 1 "too small: 3145728 bytes, it takes 4194304" "$mkfs" small
expect 1 "same device" "$mkfs" a ./a
# one bad member: nothing is written on the good ones
expect 1 "too small" "$mkfs" a small
same a blank
expect 0 "dry run" "$mkfs" -n a
same a blank

uuid=6b0d1ac0-5dc6-4a3e-8f0a-0123456789ab
expect 0 "^set $uuid$" "$mkfs" -U $uuid a
cp a made
expect 1 "carries a ZUFS device table" "$mkfs" a
same a made
expect 0 "^T1 .* a 8 MiB$" "$mkfs" -f a
differ a made

# bytes OFFSET COUNT TEXT FILE: what stands there, in hex
bytes() {
	expect 0 "^ *$3 *$" od -An -v -t x1 -j "$1" -N "$2" "$4"
}

# magic, version 1.0 and one T1 device of 2048 blocks; both super-blocks; nothing behind 8 MiB
bytes 4 4 "73 66 74 7a" a
bytes 2 2 "00 04" a
expect 0 '^ *2048$' od -An -t u8 -j 32 -N 8 a
bytes 4096 4 "73 66 74 7a" a
bytes $((8 * 1024 * 1024 - 4096)) 4 "73 66 74 7a" a
expect 0 "" cmp -i 8M a blank

# two devices: each has a table with its own index, one set
expect 0 "^T1 .* b 4 MiB$" "$mkfs" -f a b
bytes 64 4 "00 00 02 00" a
bytes 64 4 "01 00 02 00" b
expect 0 "" cmp -n 16 -i 8 a b

# the label stands behind the table, where udev's rule finds it, and in the super-block
expect 0 "^set" "$mkfs" -f -L 'my disk' a
expect 0 "^my disk$" dd if=a bs=1 skip=2048 count=7 status=none
expect 0 "^my disk$" dd if=a bs=1 skip=$((4096 + 168)) count=7 status=none
expect 0 "^set" "$mkfs" -f -L "$(printf %63s x)" a
expect 0 "^set" "$mkfs" -f a
bytes 2048 4 "00 00 00 00" a
bytes $((4096 + 168)) 4 "00 00 00 00" a
# errors= is in the super-block
bytes $((4096 + 152)) 4 "00 00 00 00" a
expect 0 "^set" "$mkfs" -f --errors=remount-ro a
bytes $((4096 + 152)) 4 "01 00 00 00" a

# what others have left is refused, and nothing of it is there afterwards
head -c 9M /dev/zero | tr '\0' '\245' >dirty
expect 0 "^set" "$mkfs" dirty
bytes $((4 * 1024 * 1024)) 4 "00 00 00 00" dirty
bytes $((8 * 1024 * 1024)) 4 "a5 a5 a5 a5" dirty
truncate -s 8M c
expect 0 "^set" "$other" c
expect 1 "carries a ZUFS device table" "$mkfs" c
expect 0 "^set" "$mkfs" -f c
expect 1 "carries a ZUFS device table" "$other" c
cp blank c
printf '_BHRfS_M' | dd of=c bs=1 seek=65600 conv=notrunc status=none
expect 1 "carries btrfs" "$mkfs" c
expect 0 "^set" "$mkfs" -f c

# a large one is made at once and stays sparse
truncate -s 1T large
expect 0 "^T1 .* large 1048576 MiB$" timeout 60 "$mkfs" large
expect 0 "" test "$(du -k large | cut -f1)" -lt 2048

finish mkfs.tierfs
