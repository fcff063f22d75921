#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# timeout: 300
#
# Pages of mappings that pipes and DMA hold, against truncate, fallocate, clone, unlink
# and umount, of a server that does not keep them back (frames.sh has the others);
# io_uring's fixed buffers.

. "$TOP/tests/vm/lib.sh"
. "$TOP/tests/vm/cases/io/io.bash"
. "$TOP/tests/vm/cases/space/space.bash"
. "$TOP/tests/vm/cases/mmap/mmap.bash"
need python3
reference
scratch
export pids=$scratch/pids
on_exit kill_all

# kill_all: who holds a pipe until the file system is gone.
kill_all() {
	xargs kill <"$pids" 2>/dev/null || true
}

MMAP_WAITS=1 MMAP_WAYS="nio none" mmap_each env \
	PYTHONPATH="$TOP/tests/vm/cases/mmap:$PYTHONPATH" python3 "$TOP/tests/vm/cases/mmap/pins.py"
