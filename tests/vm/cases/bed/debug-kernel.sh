#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
#
# The debug kernel really has its checkers on, and an allocation can be made to
# fail; without this a quiet run on it would prove nothing.

. "$TOP/tests/vm/lib.sh"

[ "$VM_KERNEL" = debug ] || skip "not the debug kernel"
zcat /proc/config.gz >"$RESULTS/config"
for option in KASAN_INLINE KASAN_VMALLOC PROVE_LOCKING PROVE_RCU UBSAN \
	DEBUG_ATOMIC_SLEEP DEBUG_KMEMLEAK FAILSLAB DEBUG_LIST \
	FAULT_INJECTION_STACKTRACE_FILTER DETECT_HUNG_TASK; do
	assert_grep "^CONFIG_$option=y" "$RESULTS/config"
done
assert_grep 'debug_locks: *1' /proc/lockdep_stats

need_fault_injection
python3 - <<'PYTHON'
import errno, os

with open("/proc/self/fail-nth", "r+b", buffering=0) as nth:
    nth.write(b"1")
    try:
        os.mkdir("/tmp/never")
    except OSError as e:
        assert e.errno == errno.ENOMEM, e
    else:
        raise SystemExit("mkdir succeeded though its first allocation failed")
    finally:
        nth.write(b"0")
PYTHON
