# SPDX-License-Identifier: BSD-2-Clause
# shellcheck shell=bash
#
# Sourced by the namespace cases after lib.sh. With CASE_FS=ext4 (tmpfs, xfs, tierfs) in
# the environment a case runs on that file system instead: what it demands of us
# it must find there as well.

# fs_up TYPE [OPTION-OF-ZUFS-UP...]: mount one and go there; sets $mnt.
fs_up() {
	local type=${CASE_FS:-$1}

	shift
	need python3
	mnt=$(mktemp -d /tmp/mnt.XXXXXX)
	on_exit rmdir "$mnt"
	case $type in
	tmpfs)
		mount -t tmpfs none "$mnt"
		on_exit umount "$mnt"
		;;
	ext4 | xfs)
		need_pmem 1
		mkfs_quietly "$type"
		mount -t "$type" /dev/pmem0 "$mnt"
		on_exit umount "$mnt"
		;;
	tierfs)
		need_pmem 1
		zufs up --force tierfs /dev/pmem0 "$mnt"
		on_exit zufs down "$mnt"
		;;
	*)
		need_pmem 1
		zufs up "$@" "$type" /dev/pmem0 "$mnt"
		on_exit zufs down "$mnt"
		;;
	esac
	chmod 755 "$mnt"
	rm -rf "$mnt/lost+found"
	export mnt
	cd "$mnt" || fail "cannot enter $mnt"
	on_exit cd /
}

mkfs_quietly() {
	case $1 in
	ext4)	mkfs.ext4 -q -F -b 4096 /dev/pmem0 ;;
	xfs)	mkfs.xfs -q -f /dev/pmem0 ;;
	esac
}

# fs_python NAME: run NAME.py of this folder; it reads $mnt from the environment.
fs_python() {
	local dir=$TOP/tests/vm/cases/namespace

	PYTHONPATH=$dir:$PYTHONPATH python3 "$dir/$1.py"
}
