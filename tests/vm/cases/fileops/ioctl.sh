#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
#
# ioctls that the file system knows: arguments in and out, longer ones, a frozen file
# system, those that are never content; while the server hangs or another freezes.

. "$TOP/tests/vm/cases/drill/drill.bash"
need python3

drill_ioctls() {
	PYTHONDONTWRITEBYTECODE=1 PYTHONPATH=$TOP/tests/vm/cases/namespace \
		python3 "$TOP/tests/vm/cases/fileops/ioctl.py" "$mnt"
	# a killed caller does not keep the file system
	ctl only op=IOCTL do=hang
	"$scratch/rawapp" -e any ioctl "$mnt/file" 1 &
	local pid=$!
	ctl hung 1
	kill -KILL "$pid"
	wait "$pid" || true
	ctl release
	# one that is frozen already: refused or done, and thawed by who froze it
	fsfreeze -f "$mnt"
	PYTHONPATH=$TOP/tests/vm/cases/namespace PYTHONDONTWRITEBYTECODE=1 \
		python3 "$TOP/tests/vm/cases/fileops/ioctl.py" "$mnt" frozen
	fsfreeze -u "$mnt"
}

drill_each_way drill_ioctls
