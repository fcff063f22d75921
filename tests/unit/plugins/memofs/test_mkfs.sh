#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
#
# mkfs.memofs on files: what it writes, what it refuses, and how it ends.
#
# usage: test_mkfs.sh MKFS

set -u
mkfs=$(realpath "$1")
signatures=$(realpath "$(dirname "$0")/signatures.py")
. "$(dirname "$0")/expect.bash"

truncate -s 9M a
truncate -s 5M b
truncate -s 3M small
cp a blank

expect 2 "at least one T1" "$mkfs"
expect 2 "at least one T1" "$mkfs" --t2 b
expect 2 "not a UUID" "$mkfs" -U 1234 a
expect 2 "mkfs.memofs --help" "$mkfs" --labels x a
expect 2 "at most 255 bytes" "$mkfs" -L "$(printf %256s x)" a
expect 0 "usage:" "$mkfs" --help
expect 1 "No such file" "$mkfs" missing
expect 1 "neither a block device" "$mkfs" /dev/null
expect 1 "too small: 3145728 bytes, it takes 4194304" "$mkfs" small
expect 1 "too small: 5242880 bytes, it takes 8388608" "$mkfs" --shadow b
expect 1 "same device" "$mkfs" a ./a
# one bad member: nothing is written on the good ones
expect 1 "too small" "$mkfs" a small
same a blank

expect 0 "dry run" "$mkfs" -n a
same a blank
uuid=6b0d1ac0-5dc6-4a3e-8f0a-0123456789ab
expect 0 "^set $uuid$" "$mkfs" -U $uuid a --t2 b
differ a blank
cp a made
expect 1 "carries a ZUFS device table" "$mkfs" a
same a made
expect 0 "^T1 .* a 8 MiB$" "$mkfs" -f a
differ a made
expect 0 "^T1 .* a 4 MiB$" "$mkfs" --force --shadow a
# sizes of a table: the magic, then one T1 device with 1024 blocks
expect 0 '^ *M   E   M   O$' od -An -c -j 4 -N 4 a
expect 0 '^ *1024$' od -An -t u8 -j 32 -N 8 a

# a signature, wherever it stands, is refused, and gone after -f
refused_and_wiped() {
	expect 1 "carries $1;" "$mkfs" c
	expect 0 "^set" "$mkfs" -f c
	dd if=/dev/zero of=c bs=4k count=1 conv=notrunc status=none
	expect 0 "^set" "$mkfs" c
}

for kind in md10=linux_raid_member md090=linux_raid_member zfs=zfs_member gfs2=gfs2 \
	lvm=LVM2_member ocfs2=ocfs2; do
	rm -f c
	truncate -s 128M c
	"$signatures" "${kind%=*}" c
	refused_and_wiped "${kind#*=}"
done
if command -v mkfs.minix >/dev/null; then
	cp blank c
	mkfs.minix c >/dev/null
	refused_and_wiped minix
fi
cp blank c
printf '\125\252' | dd of=c bs=1 seek=510 conv=notrunc status=none
printf '\203' | dd of=c bs=1 seek=450 conv=notrunc status=none
printf '\1\0\0\0\1' | dd of=c bs=1 seek=454 conv=notrunc status=none
refused_and_wiped 'a partition table (dos)'
cp blank c
printf 'BTT_ARENA_INFO' | dd of=c bs=4096 seek=1 conv=notrunc status=none
refused_and_wiped 'pmem namespace information (BTT)'
cp blank c
printf '_BHRfS_M' | dd of=c bs=1 seek=65600 conv=notrunc status=none
expect 0 "^set" "$mkfs" -f c
expect 0 "^set" "$mkfs" -f -L 'my disk' c
expect 0 "^my disk$" dd if=c bs=1 skip=2048 count=7 status=none
expect 0 "^set" "$mkfs" -f c
expect 0 '^ *[\]0$' od -An -c -j 2048 -N 1 c
# the old signature is gone
expect 0 '^ *[\]0$' od -An -c -j 65600 -N 1 c

finish mkfs.memofs
