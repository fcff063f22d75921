#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# timeout: 120
#
# fsck.memofs on devices: it finds the members by their links, asks the kernel by a
# private mount, keeps off what is mounted; and fsck(8) finds it.

. "$TOP/tests/vm/lib.sh"
. "$TOP/tests/vm/cases/tools/tools.bash"
need_pmem 2
need_disk 1
blank /dev/pmem0 /dev/pmem1 /dev/vda
dir=/tmp/dir root=/tmp/zuf
folder "$dir"
links=/dev/disk/by-uuid

mkfs.memofs /dev/pmem0 /dev/pmem1 --t2 /dev/vda >/dev/null
uuid_of() {
	zufs probe --udev "$1" | sed -n 's/^ZUFS_DEV_UUID=//p'
}
two=$(uuid_of /dev/pmem1)

# no zuf root: by itself; any member leads to the others
tell 0 fsck.memofs -v /dev/vda
said 'there is no zuf root'
said ': 2 T1, 1 T2: clean'

# with one, nothing but the kernel: no server, no mount
modprobe zuf
on_exit rmmod zuf
mkdir "$root"
on_exit rmdir "$root"
mount -t zuf zuf "$root"
on_exit umount "$root"
tell 0 fsck.memofs -v -R "$root" --dump /dev/pmem1
refute grep -q 'not asked' /tmp/told
said "^member 1  $two  T1  .* /dev/pmem1$"
said ': clean'

# what only the kernel refuses: T1 that is no memory
mkfs.memofs -f /dev/vda >/dev/null
tell 4 fsck.memofs -R "$root" /dev/vda
said 'the kernel refuses the set'
tell 0 fsck.memofs --offline /dev/vda
mkfs.memofs -f /dev/pmem0 /dev/pmem1 --t2 /dev/vda >/dev/null
two=$(uuid_of /dev/pmem1)

# a table that is broken: the kernel refuses to mount, fsck(8) repairs, all is well
printf '\1' | dd of=/dev/pmem1 bs=1 seek=1000 conv=notrunc,fsync status=none
tell 4 fsck.memofs -n -R "$root" /dev/pmem0
said 'no valid table: bad checksum'
tell 1 fsck.memofs -R "$root" /dev/pmem0
said "by-uuid/$two: the table of member 1 was written anew"
said ': repaired'
tell 0 fsck -t memofs /dev/pmem0 -- -a -R "$root"

# a link that leads to somebody else
ln -sfn /dev/vda "$links/$two"
tell 4 fsck.memofs -R "$root" /dev/pmem0
said "member 1 .$two. is missing"
tell 0 fsck.memofs -R "$root" /dev/pmem0 /dev/pmem1 --offline
tell 4 fsck.memofs -R "$root" /dev/pmem0 /dev/pmem1
said 'the kernel refuses the set'
ln -sfn /dev/pmem1 "$links/$two"
umount "$root"

# mounted: hands off; and nothing of it all was harmful
zufs up memofs /dev/pmem0 "$dir"
tell 8 fsck.memofs /dev/pmem0
said 'is in use'
tell 8 fsck.memofs -n --offline /dev/vda
zufs down "$dir"
modprobe zuf
mount -t zuf zuf "$root"
tell 0 fsck.memofs -R "$root" /dev/pmem0 /dev/pmem1 /dev/vda
