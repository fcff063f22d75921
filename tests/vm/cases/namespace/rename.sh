#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# suite: short
#
# Rename: over what is there, across directories, exchange, no replace.

. "$TOP/tests/vm/lib.sh"
. "$TOP/tests/vm/cases/namespace/mnt.bash"
fs_up memofs

fs_python rename
