#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# timeout: 300
#
# On memofs what ext4 cannot be compared with: file handles, also those of an earlier
# mount, extents, whiteouts, attributes, generation, a full file system, two file systems.

. "$TOP/tests/vm/lib.sh"
. "$TOP/tests/vm/cases/fileops/fileops.bash"
need_pmem 2
need quotaon fstrim
scratch
fileops_up /dev/pmem0

for part in handles whiteout fiemap attrs; do
	mkdir "$mnt/$part"
	fileops_python "$part" "$mnt/$part"
	rmdir "$mnt/$part" || fail "$part left something: $(ls -A "$mnt/$part")"
done

# quota tools, fstrim: no, and no harm
quotaon "$mnt" >"$scratch/quota" 2>&1 || true
assert_grep "no quota" "$scratch/quota"
refute_errno "not supported" fstrim "$mnt"

# a second file system: what can be copied between them is
mkdir "$scratch/second" "$scratch/small"
zufs up memofs /dev/pmem1 "$scratch/second"
on_exit zufs down "$scratch/second"
fileops_python between "$mnt" "$scratch/second"

# after a new mount all is new
echo x >"$mnt/file"
mkdir "$mnt/dir"
fileops_python fh save "$scratch/handles" "$mnt/file" "$mnt/dir" "$mnt"
assert_eq "OK OK OK" "$(fileops_python fh open "$scratch/handles" "$mnt" | xargs)" "handles"
umount "$mnt"
mount -t memofs /dev/pmem0 "$mnt"
echo y >"$mnt/file"
assert_eq "ESTALE ESTALE ESTALE" \
	"$(fileops_python fh open "$scratch/handles" "$mnt" | xargs)" "handles of an earlier mount"

mount -t memofs -o size=4M,nr_inodes=200 none "$scratch/small"
on_exit umount "$scratch/small"
fileops_python full "$scratch/small"
