#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# vm: own --append security=selinux --disk 256 --disk 256
#
# EVM signs the labels of a file together with its number, owner and mode: new inodes come with a
# signature that holds when they are read again, and changes of mode and owner renew it. As on ext4.

. "$TOP/tests/vm/lib.sh"
. "$TOP/tests/vm/cases/xattr/xattr.bash"
need checkpolicy keyctl getfattr setfattr setfacl
grep -qw selinuxfs /proc/filesystems || skip "this kernel has no SELinux"
mountpoint -q /sys/kernel/security || mount -t securityfs none /sys/kernel/security
on_exit umount /sys/kernel/security
[ -e /sys/kernel/security/evm ] || skip "this kernel has no EVM"
scratch

# From here on a change of what has labels and no good signature is EPERM.
evm_on() {
	local master

	master=$(keyctl add user kmk "$(printf 'k%.0s' {1..32})" @u)
	keyctl add encrypted evm-key "new user:kmk 64" @u >/dev/null
	keyctl link @u @s
	echo 1 >/sys/kernel/security/evm || fail "EVM took no key ($master)"
}

# signed FILE: has it a signature of its own number, owner and mode?
signed() {
	getfattr -h --only-values -n security.evm "$1" >"$scratch/evm" 2>/dev/null &&
		[ -s "$scratch/evm" ]
}

# What happens in the current directory, line by line.
story() {
	local file

	chmod 600 unsigned 2>&1 | sed 's/.*: //'
	mkdir dir
	setfacl -d -m u:1:rw,g::r,o::- dir
	: >dir/f
	mkdir dir/d
	mkfifo dir/p
	mknod dir/c c 1 3
	ln -s target dir/l
	for file in dir dir/f dir/d dir/p dir/c dir/l; do
		signed "$file" && echo "$file: signed"
	done
	for file in dir/f dir/d dir/p dir/c; do
		chmod 640 "$file" && chown 7:8 "$file" && echo "$file: changed"
	done
	drop_caches
	for file in dir/f dir/d dir/p dir/c; do
		chmod 604 "$file" && chown 9:9 "$file" && echo "$file: changed when read again"
		signed "$file" && echo "$file: signed"
	done
	mv dir/f g
	ln g h
	drop_caches
	setfattr -n user.x -v y g
	chmod 400 h && echo "another name: changed"
	stat -c '%n %a %u:%g %h' g dir/d dir/p dir/c
	setfattr -n security.evm -v 0x020102 g 2>&1 | sed 's/.*: //'
	getfacl -cp dir/d
}

checkpolicy -U allow -o "$scratch/policy" "$TOP/tests/vm/cases/xattr/labels.policy" >/dev/null
mount -t selinuxfs none /sys/fs/selinux
on_exit umount /sys/fs/selinux
cat "$scratch/policy" >/sys/fs/selinux/load
ext4_up
memofs_up -o size=32M
for fs in "$ext4" "$mnt"; do
	: >"$fs/unsigned"
	setfattr -n security.selinux -v user_u:base_r:made_t "$fs/unsigned"
done
evm_on
for fs in "$ext4" "$mnt"; do
	(
		set +e
		trap - ERR
		cd "$fs" && story
	) >"$scratch/said.${fs##*/}" 2>&1
	cat "$scratch/said.${fs##*/}"
done
assert_grep '^Operation not permitted' "$scratch/said.ext4"
assert_grep '^dir/l: signed' "$scratch/said.ext4"
assert_grep '^dir/c: changed when read again' "$scratch/said.ext4"
diff -u "$scratch/said.ext4" "$scratch/said.memofs" >&2 || fail "memofs is not ext4"
