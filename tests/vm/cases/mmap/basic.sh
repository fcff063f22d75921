#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# timeout: 300
# suite: short
#
# Shared and private mappings, holes, ends of files, fallocate, fork, programs.

. "$TOP/tests/vm/lib.sh"
. "$TOP/tests/vm/cases/mmap/mmap.bash"
need gcc python3

mmap_each python3 "$TOP/tests/vm/cases/mmap/basic.py"
