#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# timeout: 420
#
# Two hundred times: the server is killed under the load of several processes and
# started again. Each process ends at its first EIO and may never have waited more
# than two seconds (times SLOW) for anything; unmounting and the next server work each time.
# A machine that stands still for seconds is met in one round or two, not in more.

. "$TOP/tests/rawserver/lib.sh"

rounds=200
[ "$VM_KERNEL" != debug ] || rounds=40
nr_apps=3
nr_late=0

# quick_pause ROUND: another length each time, 0 to 60 ms.
quick_pause() {
	_pause "0.0$(($1 * 7 % 61 + 100))"
}

raw_setup
for ((round = 1; round <= rounds; round++)); do
	raw_start
	/run/rawapp mount rawn none "$mnt" size=32m >/dev/null
	pids=()
	for ((i = 0; i < nr_apps; i++)); do
		/run/rawapp -t 60000 -e OK,ETIME load "$mnt" "$((round * 100 + i))" \
			>>"$scratch/round" 2>&1 &
		pids+=($!)
	done
	quick_pause "$round"
	kill -KILL "$raw_pid"
	for pid in "${pids[@]}"; do
		wait "$pid" || fail "round $round: $(tail -n 5 "$scratch/round")"
	done
	wait "$raw_pid" || true
	raw_pid=''
	/run/rawapp umount "$mnt" >/dev/null ||
		fail "round $round: the file system does not go away"
	! grep ETIME "$scratch/round" || nr_late=$((nr_late + 1))
	cat "$scratch/round" >>"$scratch/calls"
	rm "$scratch/round"
done
[ "$nr_late" -le 2 ] || fail "somebody waited for too long in $nr_late rounds"
echo "the server was killed $rounds times under $nr_apps processes:" \
	"$(awk '{ n += $2; if ($4 > max) max = $4 }
		END { print n " calls, the longest took " max " ms" }' "$scratch/calls")"
raw_start
raw_mount
raw_works
raw_finish
