#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# suite: short
#
# POSIX ACLs as on ext4: set, shown, obeyed, inherited, and together with the mode; with acl(1)'s
# programs. A mount without them has none.

. "$TOP/tests/vm/lib.sh"
. "$TOP/tests/vm/cases/xattr/xattr.bash"
need setfacl getfacl
ext4_up
memofs_up -o size=32M
same acl.py
same acl.bash
