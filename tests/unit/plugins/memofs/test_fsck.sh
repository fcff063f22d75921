#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
#
# fsck.memofs on files: what it finds, what it repairs, what it leaves alone.
#
# usage: test_fsck.sh MKFS FSCK

set -u
mkfs=$(realpath "$1")
fsck=$(realpath "$2")
. "$(dirname "$0")/expect.bash"

# poke FILE OFFSET BYTES: as printf understands them
poke() { printf '%b' "$3" | dd of="$1" bs=1 seek="$2" conv=notrunc status=none; }

# again: the set and another one as they were made
again() { cp made/* .; }

mkdir made
cd made || exit 1
truncate -s 8M a
truncate -s 4M b
truncate -s 6M c
truncate -s 8M x
"$mkfs" -U 6b0d1ac0-5dc6-4a3e-8f0a-0123456789ab a b --t2 c >/dev/null || exit 1
"$mkfs" x >/dev/null || exit 1
cd ..
again

expect 16 "at least one device" "$fsck"
expect 16 "fsck.memofs --help" "$fsck" --repair a
expect 0 "usage:" "$fsck" --help
expect 8 "No such file" "$fsck" missing
expect 8 "same device" "$fsck" a ./a

expect 0 "^set 6b0d1ac0-.*: 2 T1, 1 T2: clean$" "$fsck" a b c
expect 0 "clean" "$fsck" -a c b a
expect 0 "^member 2 .* T2  6 MiB  c$" "$fsck" --dump a b c
expect 0 '"set_uuid": "6b0d1ac0-5dc6-4a3e-8f0a-0123456789ab"' "$fsck" --json a b c
expect 4 "^member 1 (.*) is missing" "$fsck" a c
expect 4 '"errors": 1' "$fsck" --json a c
expect 4 "x: belongs to another set" "$fsck" a b c x
expect 4 "b: has 2 MiB, its table says 4" bash -c "truncate -s 2M b; '$fsck' a b c"
again
cp a twin
expect 4 "twin: is member 0, and so is a" "$fsck" a twin b c
"$mkfs" -f -U 6b0d1ac0-5dc6-4a3e-8f0a-0123456789ab b >/dev/null
expect 4 "b: its table says something else" "$fsck" a b c

# a bad checksum: -n leaves it, without it is written anew
again
poke b 500 '\001'
cp b bad
expect 4 "b: no valid table: bad checksum" "$fsck" -n a b c
same b bad
expect 1 "b: the table of member 1 was written anew" "$fsck" a b c
same b made/b
expect 0 "clean" "$fsck" a b c
# data of somebody's, or nothing: which member it would be is clear, but only --adopt writes
again
head -c 8M /dev/urandom >a
cp a data
for options in "" "-a" "-p" "-y" "-f -y"; do
	# shellcheck disable=SC2086 # a list of options
	expect 4 "a may be member 0, .*--adopt" "$fsck" $options a b c
	same a data
done
expect 16 "give one of them" "$fsck" -n --adopt a b c
expect 4 "2 problems are left" "$fsck" -n a b c
same a data
expect 1 "a: the table of member 0 was written anew" "$fsck" --adopt a b c
expect 0 "clean" "$fsck" a b c
again
dd if=/dev/zero of=a bs=4k count=1 conv=notrunc status=none
expect 4 "a may be member 0" "$fsck" a b c
expect 1 "a: the table of member 0 was written anew" "$fsck" --adopt a b c
same a made/a
dd if=/dev/zero of=a bs=4k count=1 conv=notrunc status=none
dd if=/dev/zero of=b bs=4k count=1 conv=notrunc status=none
expect 4 "4 problems are left" "$fsck" --adopt a b c
same c made/c
# two are broken, but say who they are
again
poke a 2 '\377'
poke b 700 'x'
expect 1 "repaired" "$fsck" a b c
same a made/a
same b made/b
# somebody else's by now, or too small, or nothing to go by
dd if=/dev/zero of=b bs=4k count=1 conv=notrunc status=none
poke b 4096 BTT_ARENA_INFO
expect 4 "b carries pmem namespace information (BTT): it is left alone" "$fsck" --adopt a b c
again
dd if=/dev/zero of=a bs=4k count=1 conv=notrunc status=none
truncate -s 4M a
expect 4 "a is too small for member 0" "$fsck" --adopt a b c
dd if=/dev/zero of=b bs=4k count=1 conv=notrunc status=none
expect 4 "set unknown" "$fsck" a b

finish fsck.memofs
