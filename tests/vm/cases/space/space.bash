# SPDX-License-Identifier: BSD-2-Clause
# shellcheck shell=bash
#
# Sourced by the cases of this folder that run on memofs, after lib.sh: each way of
# I/O (io.bash), and an ext4 beside it that says what is right.

. "$TOP/tests/vm/cases/io/io.bash"

# space_python NAME: run NAME.py of this folder; it reads $mnt, $way and $ref.
space_python() {
	local cases=$TOP/tests/vm/cases

	PYTHONPATH=$cases/space:$cases/io:$PYTHONPATH \
		python3 "$cases/space/$1.py"
}

# reference: an ext4 on the first disk; sets $ref.
reference() {
	need mkfs.ext4
	need_disk 1
	mkfs.ext4 -q -F -b 4096 /dev/vda
	ref=$(mktemp -d /tmp/ref.XXXXXX)
	on_exit rmdir "$ref"
	mount -t ext4 /dev/vda "$ref"
	on_exit umount "$ref"
	export ref
}
