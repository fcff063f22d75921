#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# timeout: 300
#
# No memory: the Nth allocation of each kind of operation fails, for every N that it has.
# The operation succeeds or ends with ENOMEM, the file system stays whole.

. "$TOP/tests/vm/lib.sh"
. "$TOP/tests/vm/cases/namespace/mnt.bash"
need_fault_injection
fs_up memofs
PYTHONDONTWRITEBYTECODE=1 python3 "$TOP/tests/vm/cases/hostile/no-memory.py"
