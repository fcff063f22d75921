#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# timeout: 240
#
# A T2 device that takes 300 ms for a read: files that are in T1 do not feel it, on the same
# CPU and on another one. While it is slow tasks that wait for it are killed.

. "$TOP/tests/vm/cases/tier/tier.bash"
need python3
need_cpus 2

for way in nio mapped nio,kept; do
	tier_device linear
	tier_up "$way" 16 "$cold"
	app write "$mnt/cold" 0 8m
	app write "$mnt/cold2" 0 1m
	ctl down
	ctl pause
	app write "$mnt/hot" 0 64k
	tier_device delay 300
	tier_python hot "$mnt/cold" "$mnt/hot" 0 1 || fail "$way: hot reads"

	# killed while their list is with the device: the server hears of it, and nothing is lost
	tier_device delay 15000
	positions=(0 100k 300k 500k 700k)
	# each of these keeps a thread, and a CPU lends one
	[[ $way != *kept ]] || positions=(0)
	for pos in "${positions[@]}"; do
		waits=$(value up_lists)
		"$scratch/rawapp" -t 60000 read "$mnt/cold2" "$pos" 4096 &
		pid=$!
		wait_until 10 eval "[ \$(value up_lists) -gt $waits ]"
		kill -KILL "$pid"
		wait "$pid" && fail "$way: it was not killed"
	done
	app read "$mnt/hot" 0 64k
	tier_device linear
	app read "$mnt/cold2" 0 1m
	ctl resume
	ctl down
	app read "$mnt/cold" 0 8m
	assert_eq "0 0" "$(value held) $(value up_errors)" "held, errors"
	plug_down
done
