#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# timeout: 900
#
# PostgreSQL with its cluster and its workers' shared memory on the mount, as an unprivileged
# user: initdb, pgbench, kill -9 of every postgres in the middle of a load, recovery. What was
# committed is there, sums agree, page checksums are right. LONG=1: both ways, more of all.

. "$TOP/tests/vm/lib.sh"
. "$TOP/tests/vm/cases/real/real.bash"
need python3 setpriv
pgbin=$(echo /usr/lib/postgresql/*/bin)
[ -x "$pgbin/initdb" ] || skip "there is no PostgreSQL"
transactions=$(long 40 1500)

as_user() {
	setpriv --reuid=65534 --regid=65534 --clear-groups env HOME=/tmp "$@"
}

sql() {
	as_user "$pgbin/psql" -h "$scratch" -qAtX -d "${2:-postgres}" -c "$1"
}

server_start() {
	as_user "$pgbin/pg_ctl" -s -w -t $((60 * ${SLOW:-1})) -D db -l "$scratch/log/pg" start ||
		fail "$way: $(tail -n 5 "$scratch/log/pg")"
	server=$(head -n 1 db/postmaster.pid)
}

server_stop() {
	as_user "$pgbin/pg_ctl" -s -w -t $((60 * ${SLOW:-1})) -m fast -D db stop
}

# gone_at_end: whatever happened, no process holds the mount.
gone_at_end() {
	pkill -KILL -u 65534 -x postgres || true
}

cluster() {
	mkdir db
	chown 65534:65534 db
	as_user "$pgbin/initdb" -D db -k -N -A trust --no-instructions --no-locale \
		-E UTF8 >"$scratch/out" 2>&1 || fail "$way: initdb: $(tail -n 5 "$scratch/out")"
	cat >>db/postgresql.conf <<-CONF
		listen_addresses = ''
		unix_socket_directories = '$scratch'
		shared_buffers = 2MB
		max_connections = 10
		autovacuum = off
		wal_level = minimal
		max_wal_senders = 0
		dynamic_shared_memory_type = mmap
		wal_init_zero = on
		max_parallel_workers = 2
		parallel_setup_cost = 0
		parallel_tuple_cost = 0
		min_parallel_table_scan_size = 0
	CONF
}

bench() {
	as_user "$pgbin/pgbench" -h "$scratch" -n "$@" postgres >"$scratch/out" 2>&1
}

sums_agree() {
	assert_eq t "$(sql 'SELECT (SELECT sum(abalance) FROM pgbench_accounts) =
		(SELECT sum(tbalance) FROM pgbench_tellers) AND
		(SELECT sum(bbalance) FROM pgbench_branches) =
		(SELECT coalesce(sum(delta), 0) FROM pgbench_history)')" "$way: sums $1"
}

rows() {
	sql 'SELECT count(*) FROM pgbench_history'
}

some_rows() {
	[ "$(rows)" -gt "$1" ]
}

# Workers of a query talk by mapped files of the cluster (dynamic_shared_memory_type).
parallel() {
	sql 'EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF) SELECT count(*) FROM pgbench_accounts' \
		>"$scratch/out"
	assert_grep 'Workers Launched: [12]' "$scratch/out"
	assert_eq 100000 "$(sql 'SELECT count(*) FROM pgbench_accounts')" "$way: rows of the scan"
}

# What a client was told is committed is there after the crash.
crash() {
	local client before

	before=$(rows)
	bench -c 4 -T 600 &
	client=$!
	wait_until 60 some_rows $((before + transactions / 2))
	before=$(rows)
	kill -KILL "$server"
	gone_at_end
	wait "$client" || true
	wait_until 30 no_postgres
	server_start
	assert_grep "automatic recovery|was not properly shut down" "$scratch/log/pg"
	[ "$(rows)" -ge "$before" ] || fail "$way: $(rows) rows, there were $before"
	sums_agree "after the crash"
}

no_postgres() {
	! pgrep -u 65534 -x postgres
}

database() {
	chmod 755 .
	cluster
	on_exit gone_at_end
	server_start
	bench -i -I dtgp -s 1 || fail "$way: pgbench -i: $(tail -n 3 "$scratch/out")"
	bench -c 4 -t "$((transactions / 4))" || fail "$way: pgbench: $(tail -n 3 "$scratch/out")"
	assert_eq "$((transactions / 4 * 4))" "$(rows)" "$way: transactions"
	sums_agree "after the load"
	parallel
	sql 'CREATE INDEX i ON pgbench_accounts (abalance)'
	sql CHECKPOINT
	sql 'VACUUM FULL pgbench_history'
	crash
	server_stop
	as_user "$pgbin/pg_checksums" -c -D db >"$scratch/out" ||
		fail "$way: $(tail -n 3 "$scratch/out")"
	rm -r db
	echo "$way: $SECONDS s"
}

scratch
chmod 755 "$scratch"
mkdir -m 777 "$scratch/log"
chown 65534:65534 "$scratch"
IO_WAYS=$(long nio "nio mapped") each_way database
