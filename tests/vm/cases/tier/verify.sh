#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# timeout: 400
#
# Files of four times the size of T1: fio verifies them, several jobs with mixed sizes, and a
# checker keeps a model of each of its files. Blocks go down and come up all the time.

. "$TOP/tests/vm/cases/tier/tier.bash"
need fio
need python3

for way in nio mapped; do
	tier_up "$way" 8 /dev/vda
	fio --name=v --directory="$mnt" --size=4m --numjobs=8 --ioengine=psync --bsrange=1k-128k \
		--rw=randrw --verify=crc32c --verify_fatal=1 --fallocate=none --minimal \
		>/dev/null || fail "$way: fio"
	tier_moved 2000 1000
	rm "$mnt"/v.*
	tier_python mixed "$mnt" 3 32 60 || fail "$way: checker"
	tier_moved 2000 1000
	# all of it down, all of it up again
	ctl down
	cksum "$mnt"/mixed.* >"$scratch/before"
	ctl down
	cksum "$mnt"/mixed.* | cmp - "$scratch/before"
	plug_down
done
