#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# vm: own --append security=selinux
#
# Labels of a security module (SELinux, with a policy of a few lines) are on every new inode before
# anybody sees it and are kept by the server; one that cannot be stored undoes the create.

. "$TOP/tests/rawserver/lib.sh"
need checkpolicy setfattr getfattr python3
grep -qw selinuxfs /proc/filesystems || skip "this kernel has no SELinux"

scratch
checkpolicy -U allow -o "$scratch/policy" "$TOP/tests/vm/cases/xattr/labels.policy" >/dev/null
mount -t selinuxfs none /sys/fs/selinux
on_exit umount /sys/fs/selinux
cat "$scratch/policy" >/sys/fs/selinux/load

# label FILE: its type.
label() {
	getfattr -h --only-values -n security.selinux "$1" | tr -d '\0' | sed 's/.*://'
}

set_label() {
	setfattr -h -n security.selinux -v "user_u:base_r:$1" "$2"
}

mnt=$scratch/mnt
mkdir "$mnt"
# a message for each label
raw_setup
raw_start
raw_mount
app mkdir "$mnt/dir"
set_label dir_t "$mnt/dir"
for call in create mkdir mknod "symlink x"; do
	# shellcheck disable=SC2086 # several words
	try ENOSPC "op=XATTR_SET count=2 do=err:-28" $call "$mnt/dir/new"
	drop_caches
	app -e ENOENT stat "$mnt/dir/new"
done
try ENOSPC "op=XATTR_SET count=2 do=err:-28" tmpfile "$mnt/dir"
only_two_inodes() {
	drop_caches
	[ "$(stat_of nodes)" = 2 ]
}
wait_until 5 only_two_inodes
try OK "op=XATTR_SET do=err:-95" create "$mnt/dir/new"
app unlink "$mnt/dir/new"
ctl clear
app create "$mnt/dir/new"
drop_caches
assert_eq made_t "$(label "$mnt/dir/new")" "a label that the server has"
assert_eq 644 "$(stat -c %a "$mnt/dir/new")" "the mode"
raw_umount
raw_end

# they come with the inode
raw_start --caps $((1 << 27))
raw_mount
app mkdir "$mnt/dir"
set_label dir_t "$mnt/dir"
long=$(printf 'x%.0s' {1..200})
for call in create mkdir mknod "symlink x" "symlink $long"; do
	ctl forget
	# shellcheck disable=SC2086 # several words
	app $call "$mnt/dir/new"
	refute eval "ctl record | grep -q ^XATTR_SET"
	drop_caches
	assert_eq made_t "$(label "$mnt/dir/new")" "a label that came with $call"
	[[ $call != symlink* ]] || assert_eq "${call#* }" "$(readlink "$mnt/dir/new")" "target"
	rm -r "$mnt/dir/new"
done
ctl forget
app tmpfile "$mnt/dir"
ctl record | grep -q "^with selinux of " || fail "a tmpfile without a label"
refute eval "ctl record | grep -q ^XATTR_SET"
raw_finish

zufs up -o size=16M memofs none "$mnt"
on_exit zufs down "$mnt"
cd "$mnt"
mkdir dir
assert_eq base_t "$(label dir)" "a label at first"
set_label dir_t dir
mkdir dir/d
: >dir/f
ln -s x dir/l
mkfifo dir/p
mknod dir/c c 1 3
python3 - <<'PYTHON'
import os, socket
socket.socket(socket.AF_UNIX).bind("dir/s")
fd = os.open("dir", os.O_TMPFILE | os.O_RDWR)
os.link(f"/proc/self/fd/{fd}", "dir/t", src_dir_fd=fd)
PYTHON
for again in "" ", read again"; do
	for file in d f l p c s t; do
		assert_eq made_t "$(label "dir/$file")" "label of $file$again"
	done
	assert_eq dir_t "$(label dir)" "label of the folder$again"
	drop_caches
done
assert_eq security.selinux "$(getfattr -h -m - dir/f | sed -n 2p)" "the list"
mv dir/f f
cp f copied
assert_eq made_t "$(label f)" "label of what was renamed"
assert_eq base_t "$(label copied)" "label of a copy elsewhere"
cd /
