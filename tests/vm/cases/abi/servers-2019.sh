#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# timeout: 300
#
# What the areas namespace, fileops and xattr demand, on a server of 2019: names whose NUL is
# counted in listings are names.

. "$TOP/tests/vm/cases/abi/servers-2019.bash"
. "$TOP/tests/vm/cases/xattr/xattr.bash"
up_2019 $((NIO | ACL))
ext4_up

# first of all, without much around it
mount_2019
touch "$mnt/a" "$mnt/1234567"
assert_eq '1234567 a' "$(cd "$mnt" && echo *)" "names whose NUL is counted"
umount "$mnt"

for script in attrs links names nodes readdir rename symlinks tmpfile truncate; do
	on_2019 "namespace/$script"
done
on_2019 fileops/attrs "$mnt"
on_2019 fileops/fiemap "$mnt"

# beside ext4: the same lines
conform() {
	mkdir "$1/conform"
	python3 "$TOP/tests/vm/cases/fileops/conform.py" "$1/conform" | cat >"$2"
}
conform "$ext4" "$scratch/ext4.lines"
mount_2019
conform "$mnt" "$scratch/2019.lines"
[ "$(wc -l <"$scratch/ext4.lines")" -gt 3000 ] || fail "few lines of conform.py"
diff -U 2 "$scratch/ext4.lines" "$scratch/2019.lines" >"$scratch/differ" ||
	fail "not as ext4: $(head -n 60 "$scratch/differ")"
umount "$mnt"
mount_2019
same values.py
umount "$mnt"
raw_finish
