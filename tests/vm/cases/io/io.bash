# SPDX-License-Identifier: BSD-2-Clause
# shellcheck shell=bash
#
# Sourced by the transfer cases after lib.sh: the three ways that data goes between
# an application and memofs, each with a fresh file system (and tierfs, if asked for). A parameter of the module
# can only be chosen when it is loaded, so it is loaded anew each time.

# each_way COMMAND...: run it in the root of a file system of each way; $way says
# which one it is, $mnt where.
each_way() {
	need_pmem 1
	mnt=$(mktemp -d /tmp/mnt.XXXXXX)
	on_exit _io_gone
	export mnt way
	for way in ${IO_WAYS:-mapped64k mapped nio}; do
		_io_up
		cd "$mnt" || fail "cannot enter $mnt"
		"$@"
		cd /
		zufs down "$mnt"
	done
}

_io_up() {
	if grep -q '^zuf ' /proc/modules; then
		rmmod zuf
	fi
	case $way in
	mapped64k)
		modprobe zuf copy_max=65536
		zufs up -o mapped memofs /dev/pmem0 "$mnt"
		assert_eq 65536 "$(cat /sys/module/zuf/parameters/copy_max)" copy_max
		;;
	mapped)
		modprobe zuf
		zufs up -o mapped memofs /dev/pmem0 "$mnt"
		;;
	tierfs)
		modprobe zuf
		zufs up --force tierfs /dev/pmem0 "$mnt"
		;;
	nio)
		modprobe zuf
		zufs up memofs /dev/pmem0 "$mnt"
		assert_grep "$mnt memofs .*\\bnio\\b" /proc/mounts
		;;
	esac
}

_io_gone() {
	cd /
	if mountpoint -q "$mnt"; then
		zufs down "$mnt"
	fi
	rmdir "$mnt"
}

# io_python NAME: run NAME.py of this folder; it reads $mnt and $way.
io_python() {
	local cases=$TOP/tests/vm/cases

	PYTHONPATH=$cases/io:$PYTHONPATH \
		python3 "$cases/io/$1.py"
}
