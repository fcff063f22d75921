#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# suite: short
#
# Size changes: zeros appear, old data never does, limits hold.

. "$TOP/tests/vm/lib.sh"
. "$TOP/tests/vm/cases/namespace/mnt.bash"
fs_up memofs

fs_python truncate
