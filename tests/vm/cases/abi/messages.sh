#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# suite: short
#
# The header of every message that the kernel sends is the one of the ABI's table:
# in_len, out_len, out_start, out_max. rawserver records what it gets.

. "$TOP/tests/rawserver/lib.sh"

# wanted OP REGEX: the operation came, and each time with such a header.
wanted() {
	local op=$1 regex=$2 all bad

	all=$(grep -c "^$op in " "$scratch/record" || true)
	[ "$all" -gt 0 ] || fail "no $op came"
	bad=$(grep "^$op in " "$scratch/record" | grep -Ev "^$op in $regex " || true)
	[ -z "$bad" ] || fail "$op: wanted '$regex', found: $bad"
}

run_all() {
	app create "$mnt/file"
	app mkdir "$mnt/dir"
	app mknod "$mnt/null"
	app tmpfile "$mnt"
	app longlink 40 "$mnt/link"
	app longlink 4095 "$mnt/longlink"
	app -e ENAMETOOLONG longlink 4096 "$mnt/toolong"
	app readlink "$mnt/longlink"
	app link "$mnt/file" "$mnt/other"
	app rename "$mnt/other" "$mnt/dir/other"
	app unlink "$mnt/dir/other"
	app readdir "$mnt" 100
	app statfs "$mnt"
	app write "$mnt/file" 0 8k
	app read "$mnt/file" 0 8k
	app truncate "$mnt/file" 5000
	app chmod "$mnt/file" 0600
	grep -q " $mnt .*rawtext" /proc/mounts || fail "no options in /proc/mounts"
	app rmdir "$mnt/dir"
	app unlink "$mnt/file"
	app -e EOPNOTSUPP,OK remount "$mnt" rw
	cat "$raw_root/ddbg" >"$scratch/ddbg"
	echo "module raw +p" >"$raw_root/ddbg"
}

# Operations that need a part of the module which not every version of it has.
run_rest() {
	local call results=$1

	shift
	for call in "$@"; do
		# shellcheck disable=SC2086 # a call is several words
		app -e "$results" $call
	done
}

raw_setup
raw_start
within 20 mount -t rawn -o size=32m,ephemeral,first=1,second none "$mnt"
run_all
app create "$mnt/rest"
app setxattr "$mnt/rest" user.a 10
app setxattr "$mnt/rest" user.b 0
app getxattr "$mnt/rest" user.a 100
app getxattr "$mnt/rest" user.a 0
app listxattr "$mnt/rest"
for _ in 1 2 3; do
	app write "$mnt/rest" 0 8k
done
run_rest OK,EOPNOTSUPP "fallocate $mnt/rest 0 0 16k" "fiemap $mnt/rest 64"
run_rest OK,EOPNOTSUPP,ENOTTY "ioctl $mnt/rest 1" "ioctl $mnt/rest 2"
run_rest OK,EINVAL,ENXIO "seek $mnt/rest 0 data" "seek $mnt/rest 0 hole"
run_rest OK "fadvise $mnt/rest 3"
raw_umount
ctl record >"$scratch/record"
cp "$scratch/record" "$RESULTS/"

# 104 + the options with their NUL
wanted M_MOUNT "119 out 104 start 0 max 104"
assert_grep '^options first=1,second$' "$scratch/record"
wanted M_UMOUNT "104 out 104 start 0 max 104"
wanted DDBG_RD "41 out [0-9]+ start 0 max [0-9]+"
wanted DDBG_WR "616 out 104 start 0 max 104"
assert_grep '^ddbg module raw \+p' "$scratch/record"
assert_eq 2 "$(wc -l <"$scratch/ddbg")" "lines of ddbg"
wanted STATFS "32 out 152 start 0 max 152"
wanted SHOW_OPTIONS "32 out 0 start 32 max 512"
wanted NEW_INODE "440 out 440 start 0 max 440"
wanted FREE_INODE "40 out 40 start 0 max 40"
wanted EVICT_INODE "40 out 40 start 0 max 40"
wanted LOOKUP "288 out 16 start 288 max 16"
wanted ADD_DENTRY "304 out 304 start 0 max 304"
wanted REMOVE_DENTRY "304 out 304 start 0 max 304"
wanted RENAME "584 out 584 start 0 max 584"
wanted READDIR "48 out 48 start 0 max 48"
wanted READ "224 out 224 start 0 max 224"
wanted WRITE "224 out 224 start 0 max 224"
wanted SETATTR "40 out 40 start 0 max 40"
wanted FALLOCATE "224 out 224 start 0 max 224"
# names of this type without their prefix: "a" and "capability", which only the first of the
# writes asks for; "file" has none, and nobody asks
wanted XATTR_GET "(50|59) out 4 start 44 max 4"
assert_eq 1 "$(grep -c '^XATTR_GET in 59 ' "$scratch/record")" "questions for a capability"
wanted XATTR_SET "(60|50) out 0 start 0 max 0"
wanted XATTR_LIST "48 out 4 start 44 max 4"

# what is there is right, too
for line in "FIEMAP 64 out 64 start 0 max 64" \
	"LLSEEK 56 out 56 start 0 max 56" "PRE_READ 224 out 224 start 0 max 224"; do
	op=${line%% *}
	! grep -q "^$op in " "$scratch/record" || wanted "$op" "${line#* }.*"
done
# every answer of the header table that the kernel sent has err 0
refute grep -E '^[A-Z_]+ in .* err [^0]' "$scratch/record"
raw_finish
