# SPDX-License-Identifier: BSD-2-Clause
# shellcheck shell=bash
#
# Sourced by the cases of this folder after lib.sh. mmap_each COMMAND...: with a fresh
# memofs of each kind; $way says which, $mnt where: the kernel copies (nio), the server
# does (mapped), T1 is memory of the kernel (none). With $MMAP_WAITS the server does not keep
# back what somebody holds, so the kernel waits.

mmap_each() {
	need_pmem 1
	mnt=$(mktemp -d /tmp/mnt.XXXXXX)
	on_exit _mmap_gone
	export mnt way
	local options=${MMAP_WAITS:+,noquarantine}

	modprobe zuf
	for way in ${MMAP_WAYS:-nio mapped none}; do
		case $way in
		nio|mapped)	zufs up -o "$way$options" memofs /dev/pmem0 "$mnt" ;;
		tierfs)		zufs up --force tierfs /dev/pmem0 "$mnt" ;;
		none)		zufs up -o "size=128M$options" memofs none "$mnt" ;;
		esac
		"$@"
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
