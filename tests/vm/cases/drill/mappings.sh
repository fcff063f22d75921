#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# timeout: 240
#
# Files that are mapped while their blocks change: the server moves pages, by UNMAP and by
# wr_unmap, under loads and stores of another CPU; answers for 2 MiB, good and bad; stores to
# shared blocks (reflink) whose program is killed while the server is slow.

. "$TOP/tests/vm/cases/drill/drill.bash"
need python3

mappings() {
	# both files come from drill_each_way and are as it wants them afterwards
	mnt=$mnt way=$way get=$get put=$put \
		PYTHONPATH="$TOP/tests/vm/cases/mmap:$PYTHONPATH" \
		python3 "$TOP/tests/vm/cases/drill/mappings.py"
}

drill_each_way mappings
