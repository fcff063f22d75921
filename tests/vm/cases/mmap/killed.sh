#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# timeout: 240
#
# Who waits for pages that a pipe holds is killed: truncate, fallocate, clone, a write after
# a clone, swapon; also when the page is free by then, but a fault that hangs has the lock
# that is needed again. Nothing has happened, no lock is left held. Of a server that does
# not keep blocks back (frames.sh has the others).

. "$TOP/tests/rawserver/lib.sh"
need python3 mkswap

raw_setup
raw_start --caps 6
raw_mount
env PYTHONPATH="$TOP/tests/vm/cases/space:$PYTHONPATH" \
	python3 "$TOP/tests/vm/cases/mmap/killed.py" "$mnt" \
	/run/rawserver --socket "$raw_socket" --ctl
raw_finish
