#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# timeout: 300
#
# Added after the last case of a VM: nothing may have leaked kernel memory since
# tests/vm/suite-guest cleared the detector's list. Skips on kernels without it.

. "$TOP/tests/vm/lib.sh"

leaks=/sys/kernel/debug/kmemleak
[ -w "$leaks" ] || skip "this kernel has no kmemleak"

# An object counts as leaked when it was unreferenced in two scans and is at
# least 5 s old.
old_enough() {
	[ "$SECONDS" -ge "$enough" ]
}

echo scan >"$leaks"
enough=$((SECONDS + 6))
wait_until 10 old_enough
echo scan >"$leaks"
cat "$leaks" >"$RESULTS/leaks.txt"
[ ! -s "$RESULTS/leaks.txt" ] || {
	head -n 60 "$RESULTS/leaks.txt"
	fail "leaked kernel memory"
}
