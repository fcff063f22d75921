#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
#
# fallocate and truncate under a timer that fires all the time: they succeed, as on a disk.

. "$TOP/tests/vm/lib.sh"
. "$TOP/tests/vm/cases/space/space.bash"
need python3
need_pmem 1

IO_WAYS=nio each_way space_python timer
