#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
#
# Idmapped mounts as those of ext4: owners of what is made and changed, ids that do not map,
# s bits, ACLs, capabilities.

. "$TOP/tests/vm/lib.sh"
. "$TOP/tests/vm/cases/xattr/xattr.bash"
[ -e /proc/self/ns/user ] || skip "this kernel has no user namespaces"
ext4_up
memofs_up -o size=32M
mkdir "$scratch/there"
for fs in "$ext4" "$mnt"; do
	python3 "$TOP/tests/vm/cases/xattr/idmap.py" "$fs" "$scratch/there" \
		>"$scratch/said.${fs##*/}" 2>&1 || fail "$(tail -n 5 "$scratch/said.${fs##*/}")"
done
assert_grep '^mount: None' "$scratch/said.ext4"
diff -u "$scratch/said.ext4" "$scratch/said.memofs" >&2 || fail "memofs is not ext4"
