#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
#
# S bits and capabilities are dropped, and kept, as on ext4, in both ways of I/O.

. "$TOP/tests/vm/lib.sh"
. "$TOP/tests/vm/cases/xattr/xattr.bash"
need setcap getcap
ext4_up
memofs_up -o size=32M,mapped
same privs.py
zufs down "$mnt"
zufs up -o size=32M memofs none "$mnt"
chmod 755 "$mnt"
rm -rf "${ext4:?}"/*
same privs.py

cd "$mnt"
cp /bin/cat mine
chmod 755 mine
setcap cap_dac_read_search=ep mine
assert_grep 'mine cap_dac_read_search=ep' <(getcap mine)
printf x >>mine
assert_eq '' "$(getcap mine)" "capabilities after a write"
cd /
