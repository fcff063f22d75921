#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
#
# fsck.tierfs and dump.tierfs on files: options, exit codes, sets of two devices, what is written.
# What the checker finds is test_check.c's.
#
# usage: test_fsck.sh MKFS FSCK DUMP IMAGES

set -u
mkfs=$(realpath "$1")
fsck=$(realpath "$2")
dump=$(realpath "$3")
images=$(realpath "$4")
# shellcheck source=tests/unit/plugins/memofs/expect.bash
. "$(dirname "$0")/../memofs/expect.bash"

# poke FILE OFFSET BYTES: as printf understands them
poke() { printf '%b' "$3" | dd of="$1" bs=1 seek="$2" conv=notrunc status=none; }

truncate -s 8M a
truncate -s 6M b
truncate -s 4M x
"$mkfs" -L "a label" a b >/dev/null || exit 1
"$mkfs" x >/dev/null || exit 1

expect 16 "at least one device" "$fsck"
expect 16 "fsck.tierfs --help" "$fsck" --repair a
expect 16 "give one of them" "$fsck" -n -p a b
expect 0 "usage:" "$fsck" --help
expect 0 "^fsck.tierfs " "$fsck" --version
expect 8 "No such file" "$fsck" missing
expect 8 "given twice" "$fsck" a ./a

expect 0 "^set .*: 1 inodes, 1 directories, .* clean$" "$fsck" a b
expect 0 "clean$" "$fsck" b a
expect 0 '"leaks": 0' "$fsck" --json b a
expect 4 "member 1 (.*) of the set is missing" "$fsck" a
expect 4 "there are 1 devices of 2" "$fsck" a
expect 4 "x: its device table is of another set" "$fsck" a b x
expect 0 "clean: not checked" "$fsck" -p a b
expect 0 "^set .* clean$" "$fsck" -p -f a b
expect 0 "clean" "$fsck" -a -C0 a b

# a broken device table is an error, and the rest is looked at nevertheless
cp b b.good
poke b 500 '\001'
expect 4 "b: no valid device table" "$fsck" a b
expect 4 "1 inodes" "$fsck" b a
cp b.good b
poke b 4200 '\377'
expect 4 "error: super 1: the first copy: bad checksum" "$fsck" a b
expect 4 '"errors": 1' "$fsck" --json a b
cp b.good b
truncate -s 4M b
expect 4 "smaller than its device table says" "$fsck" a b

# one that was cut: nothing is written without -p
"$images" || exit 1
cp cut before
expect 0 "good, but not clean" "$fsck" cut
expect 0 "note: .* records are to be replayed" "$fsck" -v cut
same cut before
expect 0 "records of the logs were replayed" "$fsck" -p cut
differ cut before
expect 0 "clean$" "$fsck" cut
expect 0 "clean: not checked" "$fsck" -p cut

# dump.tierfs
expect 2 "which object" "$dump"
expect 2 "no such object" "$dump" nothing a
expect 2 "at least one device" "$dump" inode 1
expect 0 "usage:" "$dump" --help
expect 1 "is no number" "$dump" inode x before
expect 1 "is not in use" "$dump" inode 100000 before
expect 1 "there is no /d/missing" "$dump" path /d/missing before
expect 1 "is no place" "$dump" page 99:0 before
expect 1 "there are .* groups" "$dump" group 999 before
expect 1 "there are 4 logs" "$dump" log 9 before
expect 0 "^label *test" "$dump" super before
expect 0 "clean no .*counts yes" "$dump" state before
expect 0 "log 3 " "$dump" log before
expect 0 " lsn [0-9]" bash -c "for n in 0 1 2 3; do '$dump' log \$n before; done"
expect 0 "kind inodes" "$dump" group 0 before
expect 0 "object_bytes *384" "$dump" chunk 0x30000 before
expect 0 "crc" "$dump" page 0:0x21000 before
expect 0 "mode *0100644" "$dump" path "/d/sub/f again" before
expect 0 "target *short" "$dump" path /s before
expect 0 "name d$" "$dump" dir 1 before
expect 0 "blocks 1 .* unwritten no" "$dump" map 1 before
expect 0 '"name": "fifo"' "$dump" --json dir 1 before
expect 0 "inode *1$" "$dump" --norecovery path / before
same cut cut
finish fsck.tierfs
