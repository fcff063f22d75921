#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# timeout: 300
# suite: short
#
# Pages of 2 MiB, and MAP_SYNC.

. "$TOP/tests/vm/lib.sh"
. "$TOP/tests/vm/cases/mmap/mmap.bash"
need python3

mmap_each env PYTHONDONTWRITEBYTECODE=1 PYTHONPATH="$TOP/tests/vm/cases/mmap" \
	python3 "$TOP/tests/vm/cases/mmap/large.py"
