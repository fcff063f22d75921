# SPDX-License-Identifier: BSD-2-Clause
# shellcheck shell=bash
#
# Sourced by the cases of this folder after lib.sh. mmap_each COMMAND...: with a fresh
# memofs of each kind; $way says which, $mnt where: the kernel copies (nio), the server
# does (mapped), T1 is memory of the kernel (none).

mmap_each() {
	need_pmem 1
	mnt=$(mktemp -d /tmp/mnt.XXXXXX)
	on_exit _mmap_gone
	export mnt way
	modprobe zuf
	for way in ${MMAP_WAYS:-nio mapped none}; do
		case $way in
		nio|mapped)	zufs up -o "$way" memofs /dev/pmem0 "$mnt" ;;
		none)		zufs up -o size=128M memofs none "$mnt" ;;
		esac
		"$@" || fail "the way '$way': '$*' ended with $?"
		zufs down "$mnt"
	done
}

_mmap_gone() {
	cd /
	if mountpoint -q "$mnt"; then
		zufs down "$mnt"
	fi
	rmdir "$mnt"
}
