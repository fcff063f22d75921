#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# suite: short
#
# Names: their lengths, odd bytes, what is refused with which errno.

. "$TOP/tests/vm/lib.sh"
. "$TOP/tests/vm/cases/namespace/mnt.bash"
fs_up memofs

fs_python names
