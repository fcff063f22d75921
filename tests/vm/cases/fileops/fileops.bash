# SPDX-License-Identifier: BSD-2-Clause
# shellcheck shell=bash
#
# Sourced by the cases of this folder that run on memofs, after lib.sh.

# fileops_up DEVICE [OPTION-OF-ZUFS-UP...]: a fresh memofs; sets $mnt.
fileops_up() {
	local device=$1

	shift
	need python3
	mnt=$(mktemp -d /tmp/mnt.XXXXXX)
	on_exit rmdir "$mnt"
	zufs up "$@" memofs "$device" "$mnt"
	on_exit zufs down "$mnt"
}

# fileops_python NAME ARGUMENT...: run NAME.py of this folder.
fileops_python() {
	local cases=$TOP/tests/vm/cases name=$1

	shift
	PYTHONPATH=$cases/fileops:$PYTHONPATH \
		python3 "$cases/fileops/$name.py" "$@"
}
