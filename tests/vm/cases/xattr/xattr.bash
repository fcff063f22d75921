# SPDX-License-Identifier: BSD-2-Clause
# shellcheck shell=bash
#
# Sourced by the cases of this folder after lib.sh. What ext4 does is right: the same
# script runs on it and on memofs, and must say the same.

# ext4_up: one that takes values as large as the VFS allows; sets $ext4.
ext4_up() {
	need mkfs.ext4 python3
	need_disk 2
	[ -n "${scratch:-}" ] || scratch
	ext4=$scratch/ext4
	mkdir "$ext4"
	mkfs.ext4 -q -F -b 4096 -I 256 -O ea_inode,^has_journal /dev/vdb
	mount -o user_xattr,acl /dev/vdb "$ext4"
	on_exit umount "$ext4"
	on_exit cd /
	rmdir "$ext4/lost+found"
	chmod 755 "$ext4"
}

# memofs_up [OPTION...]: sets $mnt. With CASE_FS=tierfs in the environment it is one of these.
memofs_up() {
	[ -n "${scratch:-}" ] || scratch
	mnt=$scratch/memofs
	mkdir "$mnt"
	if [ "${CASE_FS:-memofs}" = tierfs ]; then
		need_pmem 1
		zufs up --force tierfs /dev/pmem0 "$mnt"
	else
		zufs up "$@" memofs none "$mnt"
	fi
	on_exit zufs down "$mnt"
	on_exit cd /
	chmod 755 "$scratch" "$mnt"
}

# same NAME.py|NAME.bash [ARG...]: run it in the root of either, compare what it says.
same() {
	local script=$TOP/tests/vm/cases/xattr/$1 fs run=bash

	shift
	[ "${script##*.}" = bash ] || run=python3
	for fs in ext4 mnt; do
		(
			cd "${!fs}"
			umask 022
			PYTHONDONTWRITEBYTECODE=1 "$run" "$script" "$@"
		) >"$scratch/said.$fs" 2>&1 || fail "$script on ${!fs}: $(tail -n 5 \
			"$scratch/said.$fs")"
	done
	[ -s "$scratch/said.ext4" ] || fail "$script says nothing"
	cp "$scratch/said.mnt" "$RESULTS/said.${script##*/}"
	diff -u "$scratch/said.ext4" "$scratch/said.mnt" >&2 || fail "not as ext4"
}
