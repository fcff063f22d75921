# SPDX-License-Identifier: BSD-2-Clause
# shellcheck shell=bash
#
# Sourced by the cases that run what other areas demand on a server of 2019: rawserver --2019
# (tests/rawserver/raw.h says how it answers) on a pmem device with a table.
#
# What such a server, or this one, has not got is named in LACKS, which the scripts of the
# areas look at:
#	many-names	thousands of names in a directory: it searches them one by one
#	large-values	attributes that do not fit its command buffer
#	chattr-d btime	flags that a type declares, time of birth
#	test_limits	files that end anywhere below s_maxbytes: it keeps an array of their pages

. "$TOP/tests/rawserver/lib.sh"

export LACKS="many-names large-values chattr-d btime test_limits"
# shellcheck disable=SC2034 # for those who source this
NIO=6 ACL=1		# its fs_caps; without NIO: READ and WRITE through the window

# up_2019 CAPS: a fresh server, without a mount.
up_2019() {
	need_pmem 1
	need python3
	raw_setup
	raw_start --2019 --caps "$1"
	/run/rawserver --mkfs /dev/pmem0
	chmod 755 "$scratch"
	export mnt way=2019
}

mount_2019() {
	mount -t rawf /dev/pmem0 "$mnt"
	chmod 755 "$mnt"
}

# on_2019 AREA/NAME [ARGUMENT...]: NAME.py of that area, in the root of a fresh file system.
on_2019() {
	local cases=$TOP/tests/vm/cases script=$1

	shift
	mount_2019
	(
		cd "$mnt"
		PYTHONPATH=$cases/space:$cases/io:$PYTHONPATH \
			python3 "$cases/$script.py" "$@"
	) || fail "$script on a server of 2019"
	umount "$mnt"
}
