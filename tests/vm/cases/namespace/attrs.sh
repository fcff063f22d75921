#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# suite: short
#
# Attributes: who may change what, how they are inherited, kept, shown.

. "$TOP/tests/vm/lib.sh"
. "$TOP/tests/vm/cases/namespace/mnt.bash"
fs_up memofs

fs_python attrs

# Numbers of stat, as other programs see them.
truncate -s 12345 sized
assert_eq "12345 regular file 4096" "$(stat -c '%s %F %o' sized)" "stat"
head -c 8192 /dev/urandom >blocks
assert_eq 8192 "$(($(stat -c '%b * %B' blocks)))" "bytes in blocks"
assert_eq directory "$(stat -c %F .)" "type of the root"
