#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# timeout: 300
# suite: short
#
# Pages of 2 MiB, and MAP_SYNC.

. "$TOP/tests/vm/lib.sh"
. "$TOP/tests/vm/cases/mmap/mmap.bash"
need python3

# no_2m: the faults that a page of 2 MiB would have done for, if this kernel had such an entry
no_2m() {
	awk '$1 == "event" && $2 == "fault_no_2m" { sum += $NF } END { print sum + 0 }' \
		/sys/fs/zuf/stats
}

large() {
	local before count

	before=$(no_2m)
	PYTHONPATH=$TOP/tests/vm/cases/mmap:$PYTHONPATH \
		python3 "$TOP/tests/vm/cases/mmap/large.py"
	count=$(($(no_2m) - before))
	case $way,$(uname -r) in
	none,* | *,[1-6].*)	assert_eq 0 "$count" "fault_no_2m" ;;
	*)			[ "$count" -gt 5 ] || fail "$way: fault_no_2m counted $count" ;;
	esac
}

mmap_each large
