#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
#
# Who waits for a channel when its server dies gets none of the next one, however late it goes
# on: its message has cookies of the dead.

. "$TOP/tests/rawserver/lib.sh"
need_cpus 2
[ "$(nproc)" = 2 ] || skip "wants two CPUs"

raw_setup
raw_start
raw_mount
for name in f1 f3; do
	app write "$mnt/$name" 0 4k
done

# the channels that anybody may have hang, another reader waits for one
ctl rule op=READ file=f1 do=hang count=0
for cpu in 0 0 1 1; do
	taskset -c "$cpu" /run/rawapp -e any readany "$mnt/f1" 0 100 &
	hang+=($!)
done
wait_until 5 eval 'ctl stats | grep -qx "hangs 4"'
taskset -c 1 chrt -i 0 /run/rawapp -e EIO readany "$mnt/f3" 0 100 &
waiter=$!
wait_until 5 grep -q '^waiting 1' "$raw_root/stats"

raw_end
wait "${hang[@]}" || true
raw_start
mkdir "$scratch/next"
raw_mount "$scratch/next"
app write "$scratch/next/file" 0 4k
ctl forget
wait "$waiter" || fail "the reader of the dead server's file"
assert_eq 0 "$(stat_of bad_cookies)" "messages of the old server's mount to the next one"
assert_eq "" "$(ctl record | grep '^READ ')" "reads that the next server saw"
raw_works "$scratch/next"
raw_finish
