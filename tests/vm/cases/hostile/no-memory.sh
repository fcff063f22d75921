#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# timeout: 600
#
# No memory: the Nth allocation of each kind of operation fails, for every N that it has.
# The operation succeeds or ends with ENOMEM, the file system stays whole; both ways of I/O.

. "$TOP/tests/vm/lib.sh"
. "$TOP/tests/vm/cases/io/io.bash"
need_fault_injection
export PYTHONDONTWRITEBYTECODE=1
IO_WAYS="mapped nio" each_way python3 "$TOP/tests/vm/cases/hostile/no-memory.py"
