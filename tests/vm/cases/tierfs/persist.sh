#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# timeout: 300
#
# What was stored is there after an unmount and a mount: every name, byte, mode, time, link,
# attribute, ACL and hole; file handles too.

. "$TOP/tests/vm/lib.sh"
. "$TOP/tests/vm/cases/tierfs/tierfs.bash"
need tar setfattr setfacl
tierfs_make

export mnt
python3 "$TOP/tests/vm/cases/tierfs/persist.py" make
setfacl -m u:123:rw "$mnt/tree/acl"
setfattr -n user.small -v value "$mnt/tree/attr"
python3 "$TOP/tests/vm/cases/tierfs/persist.py" list >"$scratch/before"
tierfs_remount
python3 "$TOP/tests/vm/cases/tierfs/persist.py" list >"$scratch/after"
diff "$scratch/before" "$scratch/after" || fail "not all of it is there after a mount"
assert_eq 'user.small="value"' "$(getfattr --only-values -n user.small "$mnt/tree/attr" |
	sed 's/.*/user.small="&"/')" attribute
getfacl -n "$mnt/tree/acl" 2>/dev/null >"$scratch/acl"
assert_grep '^user:123:rw-' "$scratch/acl"

# a read-only mount shows the same and changes nothing
tierfs_down
cksum /dev/pmem0 >"$scratch/sum"
tierfs_up -o ro
python3 "$TOP/tests/vm/cases/tierfs/persist.py" list >"$scratch/after"
diff "$scratch/before" "$scratch/after" || fail "a read-only mount shows something else"
refute_errno "Read-only file system" touch "$mnt/new"
tierfs_down

# all of it goes, and all space comes back
tierfs_up
rm -r "$mnt"/tree
tierfs_down
