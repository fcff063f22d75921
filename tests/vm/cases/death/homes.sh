#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
#
# A server that is limited to some CPUs: the programs of all others share its channels evenly, and
# who waits in vain for those of one CPU takes one of another.
#
# vm: own --smp 4

. "$TOP/tests/rawserver/lib.sh"
need_cpus 4

raw_setup
cpu_online 2 0
cpu_online 3 0
raw_start
raw_mount
cpu_online 2 1
cpu_online 3 1

# two channels of each CPU take operations that are not nested
hang_on() {
	taskset -c "$1" /run/rawapp -e ENOENT -t 100000 stat "$mnt/none$2" >>"$scratch/out" &
	pids+=($!)
}
pids=()
ctl only op=LOOKUP count=0 do=hang
for i in 1 2 3 4; do
	hang_on $((2 + i % 2)) "$i"
	ctl hung "$i"
done
ctl clear
ctl release
for pid in "${pids[@]}"; do
	wait "$pid" || fail "a lookup: $(tail -n 2 "$scratch/out")"
done

# all of one CPU with channels hang: another program there goes on elsewhere
pids=()
ctl only op=LOOKUP count=2 do=hang
hang_on 0 5
hang_on 0 6
ctl hung 2
taskset -c 0 /run/rawapp -e ENOENT -t 10000 stat "$mnt/another"
ctl release
for pid in "${pids[@]}"; do
	wait "$pid" || fail "a lookup: $(tail -n 2 "$scratch/out")"
done
raw_works
raw_finish
