#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# timeout: 300
#
# Mappings that are used while others truncate, punch, shift, clone, write and sync: by
# pages, and by 2 MiB at a time.

. "$TOP/tests/vm/lib.sh"
. "$TOP/tests/vm/cases/mmap/mmap.bash"
need python3

race() {
	PYTHONPATH="$TOP/tests/vm/cases/mmap:$PYTHONPATH" race_seconds=1 \
		python3 "$TOP/tests/vm/cases/mmap/$1.py"
}

# Memory of the kernel has no entries of 2 MiB.
races() {
	race races && { [ "$way" = none ] || race large_races; }
}

mmap_each races
