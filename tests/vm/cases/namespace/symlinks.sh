#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# suite: short
#
# Symbolic links: every length, kept and read again, loops, what follows them.

. "$TOP/tests/vm/lib.sh"
. "$TOP/tests/vm/cases/namespace/mnt.bash"
fs_up memofs

fs_python symlinks
