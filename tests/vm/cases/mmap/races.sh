#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# timeout: 300
#
# Mappings that are used while others truncate, punch, shift, clone, write and sync.

. "$TOP/tests/vm/lib.sh"
. "$TOP/tests/vm/cases/mmap/mmap.bash"
need python3

mmap_each env PYTHONDONTWRITEBYTECODE=1 PYTHONPATH="$TOP/tests/vm/cases/mmap" race_seconds=1 \
	python3 "$TOP/tests/vm/cases/mmap/races.py"
