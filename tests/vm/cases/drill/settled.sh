#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# timeout: 300
#
# A program is killed while the server has its truncate, collapse, clone, setattr, write:
# when the server has done, the kernel shows what is there, before anybody changes it.

. "$TOP/tests/vm/cases/drill/drill.bash"
need python3

all() {
	env PYTHONPATH="$TOP/tests/vm/cases/mmap:$PYTHONPATH" mnt="$mnt" \
		way="$way" put="$put" ctl="$scratch/plugctl" \
		python3 "$TOP/tests/vm/cases/drill/settled.py"
}

drill_each_way all
