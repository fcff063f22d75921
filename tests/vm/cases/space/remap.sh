#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
#
# FICLONE, FICLONERANGE, FIDEDUPERANGE: what the server is asked for, what is refused
# before it is asked, that dedupe compares every byte; each way of reading.

. "$TOP/tests/rawserver/lib.sh"
need python3

remap() {
	local cases=$TOP/tests/vm/cases

	PYTHONPATH=$cases/space:$PYTHONPATH \
		python3 "$cases/space/remap.py" "$mnt" /run/rawserver "$raw_socket"
}

# 0: the mapped way, 6: NIO
for caps in 0 6; do
	raw_setup
	raw_start --caps "$caps"
	raw_mount
	remap
	raw_works
	raw_finish
done
