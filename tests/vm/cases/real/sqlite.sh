#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# timeout: 400
#
# sqlite3, beyond the journals of programs/programs.sh: the file that the same statements make
# elsewhere, to the byte, for each size of page; a write-ahead log, with its index in memory
# (with a mapped one in mmap/programs.sh); writers that lock each other out; a transaction
# that is killed in the middle.

. "$TOP/tests/vm/lib.sh"
. "$TOP/tests/vm/cases/real/real.bash"
need sqlite3 python3

# statements PAGE-SIZE JOURNAL: nothing in them depends on chance or time.
statements() {
	cat <<-SQL
		PRAGMA page_size=$1;
		PRAGMA locking_mode=EXCLUSIVE;
		PRAGMA journal_mode=$2;
		PRAGMA synchronous=FULL;
		PRAGMA cache_size=20;
		CREATE TABLE t (n INTEGER PRIMARY KEY, k TEXT, b BLOB);
		CREATE INDEX i ON t (k);
		BEGIN;
		WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c WHERE n < 500)
			INSERT INTO t SELECT n, printf('%x', n * 7919 % 503),
				zeroblob(n % 700) || printf('%.*c', n % 300, 'x') FROM c;
		COMMIT;
		UPDATE t SET b = k || b WHERE n % 7 = 0;
		BEGIN;
		DELETE FROM t WHERE n > 100;
		ROLLBACK;
		DELETE FROM t WHERE n % 5 = 0;
		SAVEPOINT a;
		UPDATE t SET k = upper(k);
		ROLLBACK TO a;
		RELEASE a;
		CREATE TABLE u AS SELECT k, n FROM t ORDER BY k;
		DROP TABLE u;
		PRAGMA integrity_check;
	SQL
}

pages() {
	local size

	for size in 512 4096 65536; do
		statements "$size" delete | sqlite3 db >out
		statements "$size" delete | sqlite3 "$scratch/db" >"$scratch/out"
		same "$scratch/out" out "pages of $size"
		same "$scratch/db" db "pages of $size"
		assert_grep '^ok$' out
		sqlite3 db 'VACUUM INTO "copy"; PRAGMA integrity_check' >out
		assert_grep '^ok$' out
		sqlite3 db .dump | sqlite3 again
		sqlite3 db .dump >d1
		sqlite3 again .dump >d2
		sqlite3 copy .dump >d3
		same d1 d2 "dump of pages of $size"
		same d1 d3 "VACUUM INTO of pages of $size"
		rm db out copy again "$scratch/db"
	done
}

log() {
	statements 4096 wal | sqlite3 db >out
	assert_grep '^wal$' out
	assert_grep '^ok$' out
	statements 4096 delete | sqlite3 other >out
	sqlite3 -cmd 'PRAGMA locking_mode=EXCLUSIVE' db .dump | sed '1{/^exclusive$/d}' >d1
	sqlite3 other .dump >d2
	same d2 d1 "what came through the log"
}

# Four processes, each with twenty transactions: all of them count.
writers() {
	local i
	local -a pids=()

	sqlite3 db 'CREATE TABLE t (n INTEGER); INSERT INTO t VALUES (0)'
	for i in {1..4}; do
		for _ in {1..20}; do
			echo 'BEGIN IMMEDIATE; UPDATE t SET n = n + 1; COMMIT;'
		done | sqlite3 -cmd '.timeout 100000' db >"out$i" 2>&1 &
		pids+=($!)
	done
	for i in "${pids[@]}"; do
		wait "$i" || fail "$way: a writer: $(cat out?)"
	done
	assert_eq 80 "$(sqlite3 db 'SELECT n FROM t')" "$way: transactions"
}

# A journal that is left hot brings the database back.
killed() {
	statements 1024 delete | sqlite3 db >out
	sqlite3 db .dump >before
	python3 - <<-'PY'
		import os, sqlite3
		db = sqlite3.connect("db", isolation_level=None)
		db.execute("PRAGMA cache_size=5")
		db.execute("PRAGMA synchronous=FULL")
		db.execute("BEGIN IMMEDIATE")
		db.execute("UPDATE t SET b = zeroblob(900), k = 'gone'")
		assert os.path.getsize("db-journal") > 50000, "the journal is not hot"
		os.kill(os.getpid(), 9)
	PY
} 2>/dev/null

killed_and_back() {
	local status=0

	killed || status=$?
	assert_eq 137 "$status" "status of who was killed"
	[ -s db-journal ] || fail "$way: no journal is left"
	sqlite3 db .dump >after
	same before after "after the roll-back"
	[ ! -e db-journal ] || fail "$way: the journal is still there"
}

databases() {
	part pages log writers killed_and_back
}

scratch
each_way databases
