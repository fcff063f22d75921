#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
#
# More operations than channels: those that find none wait, can be killed, and get
# their turn; CPUs that come and go, idle and under load.

. "$TOP/tests/rawserver/lib.sh"

need_cpus 2
raw_setup
raw_start
raw_mount
app write "$mnt/file" 0 100k

# two of three channels of each CPU take operations that are not nested
nr_hanging=$((2 * $(nproc)))
ctl only op=LOOKUP count=0 do=hang
pids=()
for ((i = 0; i < nr_hanging * 2; i++)); do
	taskset -c "$((i % $(nproc)))" /run/rawapp -e any -t 60000 stat "$mnt/none$i" \
		>>"$scratch/out" &
	pids+=($!)
done
ctl hung "$nr_hanging"

# what waits for a channel can be killed
/run/rawapp -e any -t 60000 stat "$mnt/victim" >>"$scratch/out" &
victim=$!
wait_until 5 grep -q zuf_chan_claim "/proc/$victim/stack"
assert_eq "$nr_hanging" "$(stat_of hangs)" "operations with the server"
kill -KILL "$victim"
wait_until 2 process_gone "$victim"
wait "$victim" || true

# and all the others get their turn when the server moves on
ctl clear
ctl release
for pid in "${pids[@]}"; do
	wait "$pid" || fail "an operation that waited: $(tail -n 3 "$scratch/out")"
done
raw_works

# the server dies while some wait for a channel
ctl only op=LOOKUP count=0 do=hang
pids=()
for ((i = 0; i < nr_hanging * 2; i++)); do
	/run/rawapp -e EIO -t 60000 stat "$mnt/again$i" >>"$scratch/out" &
	pids+=($!)
done
ctl hung 2
kill -KILL "$raw_pid"
for pid in "${pids[@]}"; do
	wait "$pid" || fail "an operation of a dead server: $(tail -n 3 "$scratch/out")"
done
raw_end
raw_umount
raw_start
raw_mount
app write "$mnt/file" 0 100k

# a CPU goes while an operation of it is with the server, and comes back
ctl only op=READ do=hang
taskset -c 1 /run/rawapp -e OK -t 60000 read "$mnt/file" 0 100k >>"$scratch/out" &
app=$!
ctl hung 1
cpu_online 1 0
ctl release
wait "$app" || fail "the read over an off-lined CPU: $(tail -n 2 "$scratch/out")"
raw_works
cpu_online 1 1
raw_works

# the same under load
pids=()
for i in 1 2 3; do
	/run/rawapp -t 60000 burst "$mnt" 400 >>"$scratch/out" 2>&1 &
	pids+=($!)
done
for round in 1 2 3 4 5; do
	cpu_online 1 0
	app -e any stat "$mnt/file$round"
	cpu_online 1 1
done
for pid in "${pids[@]}"; do
	wait "$pid" || fail "load over CPUs that come and go: $(tail -n 3 "$scratch/out")"
done
raw_works
raw_finish
