#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# timeout: 300
# suite: short
#
# fallocate, truncate and lseek: the same operations on memofs and on ext4, with the
# same bytes, sizes and errors; holes, times, privileges, limits.

. "$TOP/tests/vm/lib.sh"
. "$TOP/tests/vm/cases/space/space.bash"
need python3
reference

IO_WAYS="mapped nio" each_way space_python fallocate
