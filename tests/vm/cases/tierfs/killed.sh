#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# timeout: 400
#
# kill -9 of the server in the middle of work: what had been acknowledged is there after a mount,
# and the checker finds nothing. The writers note each call that has returned on another file
# system.

. "$TOP/tests/vm/lib.sh"
. "$TOP/tests/vm/cases/tierfs/tierfs.bash"
need sqlite3
tierfs_make
export mnt

for round in 1 2 3; do
	mkdir "$mnt/round$round"
	python3 "$TOP/tests/vm/cases/tierfs/writer.py" write "$mnt/round$round" \
		"$scratch/acked$round" &
	writer=$!
	sqlite3 "$mnt/round$round.db" 'pragma synchronous=full; create table t (n integer);'
	(
		n=0
		while sqlite3 "$mnt/round$round.db" "insert into t values ($n);" 2>/dev/null; do
			n=$((n + 1))
			echo "$n" >"$scratch/rows$round"
		done
	) &
	rows=$!
	has_worked() {
		[ "$(wc -l <"$scratch/acked$round")" -gt $((100 * round)) ] &&
			[ "$(cat "$scratch/rows$round")" -gt 2 ]
	}
	wait_until 100 has_worked
	pid=$(pgrep -x zusd)
	kill -KILL "$pid"
	wait "$writer" || fail "the writer ended with $?"
	wait "$rows" || true
	wait_until 20 process_gone "$pid"
	umount "$mnt"
	tierfs_check
	tierfs_up
	python3 "$TOP/tests/vm/cases/tierfs/writer.py" check "$mnt/round$round" \
		"$scratch/acked$round"
	assert_eq ok "$(sqlite3 "$mnt/round$round.db" 'pragma integrity_check;')" "the database"
	found=$(sqlite3 "$mnt/round$round.db" 'select count(*) from t;')
	[ "$found" -ge "$(cat "$scratch/rows$round")" ] ||
		fail "$found rows, acknowledged were $(cat "$scratch/rows$round")"
done
tierfs_remount
for round in 1 2 3; do
	python3 "$TOP/tests/vm/cases/tierfs/writer.py" check "$mnt/round$round" \
		"$scratch/acked$round"
done
tierfs_down
