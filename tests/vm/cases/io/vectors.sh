#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# timeout: 400
#
# The rules of read and write in each way: vectors, flags, appends by several,
# the end of a file, holes, limits, a full file system, set-id bits, times, kills
# and forks in the middle, sendfile and splice.

. "$TOP/tests/vm/lib.sh"
. "$TOP/tests/vm/cases/io/io.bash"
need python3

each_way io_python vectors
