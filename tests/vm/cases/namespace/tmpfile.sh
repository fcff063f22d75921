#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# suite: short
#
# Files without a name: O_TMPFILE, giving one a name, freeing the others.

. "$TOP/tests/vm/lib.sh"
. "$TOP/tests/vm/cases/namespace/mnt.bash"
fs_up memofs

fs_python tmpfile
