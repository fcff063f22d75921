#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
#
# The part of the demo that runs in the VM, as root; /mnt/share/tree.tar comes from
# scripts/demo.sh. Each part really fails when something is wrong; the first failure ends
# the demo.
#
# usage: demo-guest.sh tierfs|memofs|ext4|tmpfs

set -eu

fs=$1
here=$(dirname "$0")
dir=/mnt/demo
ref=/tmp/ref

fail() {
	echo "demo: FAILED: $*" >&2
	exit 1
}

title() {
	echo
	echo "== $*"
}

# timed COMMAND...: run it; $seconds is how long it took
timed() {
	local start=${EPOCHREALTIME/./} status=0
	"$@" || status=$?
	local us=$((${EPOCHREALTIME/./} - start))
	seconds=$((us / 1000000)).$(printf '%02d' $((us / 10000 % 100)))
	return "$status"
}

mount_fs() {
	mkdir -p "$dir"
	case $fs in
	tierfs)
		mkfs.tierfs -L demo /dev/pmem0 && zufs up tierfs /dev/pmem0 "$dir" || return
		zufs status ;;
	memofs)
		zufs up memofs /dev/pmem0 "$dir" || return
		zufs status ;;
	ext4)
		modprobe ext4
		mkfs.ext4 -q -F -b 4096 /dev/pmem0 && mount -o dax=always /dev/pmem0 "$dir" ;;
	tmpfs)
		mount -t tmpfs demo "$dir" ;;
	*)
		fail "no file system '$fs'" ;;
	esac
}

unmount_fs() {
	if [ "$fs" = memofs ] || [ "$fs" = tierfs ]; then
		zufs down "$dir" || return
		! zufs status || return
		[ ! -e /sys/module/zuf ]
	else
		umount "$dir"
	fi
}

# Things that no source tree has.
make_odds() {
	local odds=$1/odds
	mkdir -p "$odds/empty"
	echo one >"$odds/file"
	ln "$odds/file" "$odds/second-name"
	ln "$odds/file" "$odds/empty-not"
	ln -s file "$odds/short"
	ln -s "$(printf 'x%.0s' {1..300})" "$odds/dangling"
	: >"$odds/$(printf 'n%.0s' {1..255})"
	mkfifo -m 0600 "$odds/fifo"
	mknod -m 0640 "$odds/null" c 1 3
	truncate -s 8M "$odds/sparse"
	echo end >>"$odds/sparse"
	chown 12345:54321 "$odds/second-name"
	chmod 4751 "$odds/second-name"
	chmod 1777 "$odds/empty"
	touch -d '1999-12-31 23:59:59.123456789 UTC' "$odds/empty" "$odds/file"
}

copy_tree() {
	mkdir "$dir/tree"
	tar -C "$ref" --format=posix -cf - . | tar -C "$dir/tree" --numeric-owner -xpf -
}

compare() {
	/usr/bin/python3 -I "$here/compare-trees.py" "$@"
}

# One byte changed and the time of change put back: the comparison has to see it.
check_the_comparison() {
	local file=$dir/tree/odds/sparse
	printf X | dd of="$file" bs=1 seek=4000000 conv=notrunc status=none
	touch -r "$ref/odds/sparse" "$file"
	if compare "$ref/odds" "$dir/tree/odds" >/tmp/planted; then
		fail "the comparison did not see a changed byte"
	fi
	grep -q 'sparse: differs at byte 4000000' /tmp/planted ||
		fail "the comparison saw something else: $(cat /tmp/planted)"
	echo "a byte was changed on purpose: $(head -n 1 /tmp/planted)"
}

part_tree() {
	title "a source tree"
	mkdir -p "$ref"
	tar -C "$ref" -xpf /mnt/share/tree.tar
	make_odds "$ref"
	local names
	names=$(find "$ref" | wc -l)
	[ "$names" -ge 5000 ] || fail "only $names names in the source tree"
	timed copy_tree || fail "unpacking the tree"
	echo "$names names ($(du -sm "$ref" | cut -f 1) MiB) unpacked in $seconds s"
	timed compare "$ref" "$dir/tree" || fail "the tree differs from the original"
	echo "compared completely in $seconds s"
	check_the_comparison
	timed rm -r "$dir/tree" || fail "removing the tree"
	[ -z "$(find "$dir" -mindepth 1 ! -name lost+found)" ] ||
		fail "something is left after rm -r"
	echo "removed in $seconds s"
}

sql_script() {
	cat <<-'SQL'
	PRAGMA journal_mode = DELETE;
	PRAGMA synchronous = FULL;
	CREATE TABLE t (id INTEGER PRIMARY KEY, name TEXT, data BLOB);
	CREATE INDEX t_name ON t (name);
	BEGIN;
	WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 5000)
		INSERT INTO t SELECT i, 'name ' || (i * 7919 % 5000), hex(i * 104729) FROM n;
	COMMIT;
	BEGIN;
	UPDATE t SET data = data || data WHERE id % 3 = 0;
	COMMIT;
	BEGIN;
	DELETE FROM t WHERE id % 2 = 0;
	ROLLBACK;
	BEGIN;
	DELETE FROM t WHERE id % 5 = 0;
	COMMIT;
	SQL
	for i in {1..40}; do
		echo "INSERT INTO t (name, data) VALUES ('single $i', hex($i));"
	done
	echo "VACUUM;"
}

part_sqlite() {
	title "a data base (SQLite, rollback journal)"
	sql_script >/tmp/script.sql
	sqlite3 /tmp/ref.db </tmp/script.sql >/dev/null || fail "SQLite on tmpfs"
	timed sqlite3 "$dir/demo.db" </tmp/script.sql >/dev/null || fail "SQLite"
	[ "$(sqlite3 "$dir/demo.db" 'PRAGMA integrity_check')" = ok ] ||
		fail "integrity_check of the data base"
	sqlite3 /tmp/ref.db .dump >/tmp/ref.dump
	sqlite3 "$dir/demo.db" .dump | cmp - /tmp/ref.dump ||
		fail "the data base differs from the same one on tmpfs"
	[ ! -e "$dir/demo.db-journal" ] || fail "the journal is left"
	echo "$(wc -l </tmp/ref.dump) rows, 44 transactions in $seconds s: intact, as on tmpfs"
	rm "$dir/demo.db"
}

# fio_job NAME OPTION...: terse output (version 3) in /tmp/NAME
fio_job() {
	local name=$1
	shift
	fio --name="$name" --directory="$dir" --ioengine=psync --thread --fallocate=none \
		--group_reporting --output-format=terse --terse-version=3 --eta=never "$@" \
		--output="/tmp/$name" || {
			cat "/tmp/$name"
			fail "fio $name"
		}
}

part_fio_verify() {
	title "random writes of several jobs, each block read back and verified"
	timed fio_job verify --rw=randrw --bsrange=4k-1m --size=48m --numjobs=4 \
		--verify=crc32c --verify_fatal=1 --do_verify=1 --verify_backlog=64
	[ "$(cut -d ';' -f 5 /tmp/verify)" = 0 ] || fail "fio verify: $(cat /tmp/verify)"
	echo "4 jobs, blocks of 4 KiB to 1 MiB, 192 MiB: no bad block, $seconds s"
	rm "$dir"/verify.*
}

# speed NAME RW BS: KiB/s and operations per second of reads or writes
speed() {
	local column=7
	[[ $2 = *read ]] || column=48
	fio_job "$1" --rw="$2" --bs="$3" --size=64m --filename=speed --runtime=2 \
		--time_based --norandommap --randrepeat=1
	cut -d ';' -f "$column,$((column + 1))" "/tmp/$1" | {
		IFS=';' read -r kib ops
		printf '%-22s %9d op/s %7d MB/s\n' "$2 $3" "$ops" $((kib * 1024 / 1000000))
	}
}

part_speed() {
	title "speed, one job ($VM_SMP emulated CPUs: only good for comparing)"
	local bs rw
	for bs in 4k 1m; do
		for rw in randwrite randread; do
			speed "speed-$rw-$bs" "$rw" "$bs"
		done
	done
	rm "$dir/speed"
}

# until COMMAND...: it succeeds, or a minute has passed.
until_true() {
	local deadline=$((SECONDS + 60))
	until "$@"; do
		[ "$SECONDS" -lt "$deadline" ] || fail "after a minute: not yet: $*"
		read -r -t 0.1 <> <(:) || true
	done
}

# Rows are counted outside of the file system when their insert has returned.
insert_rows() {
	local n=0
	while sqlite3 "$dir/killed.db" "insert into t values ($n);" 2>/dev/null; do
		n=$((n + 1))
		echo "$n" >/tmp/rows
	done
}

rows_at_least() {
	[ "$(cat /tmp/rows)" -ge "$1" ]
}

check_fs() {
	fsck.tierfs -n /dev/pmem0 || fail "fsck.tierfs found something"
}

part_killed() {
	local pid rows found
	title "kill -9 of the server while a tree is unpacked and a data base is written"
	sqlite3 "$dir/killed.db" 'pragma synchronous=full; create table t (n integer);' ||
		fail "SQLite"
	echo 0 >/tmp/rows
	insert_rows &
	rows=$!
	fio_job verify --rw=write --bs=64k --size=16m --numjobs=2 --verify=crc32c --do_verify=0 \
		--end_fsync=1
	copy_tree || fail "unpacking the tree"
	until_true rows_at_least 5
	pid=$(pgrep -x zusd)
	kill -KILL "$pid"
	wait "$rows" || true
	until_true test ! -e "/proc/$pid"
	umount "$dir" || fail "unmounting what the server has left"
	check_fs
	timed zufs up tierfs /dev/pmem0 "$dir" || fail "mounting again"
	echo "mounted again after $seconds s"
	found=$(sqlite3 "$dir/killed.db" 'select count(*) from t') || fail "the data base"
	[ "$(sqlite3 "$dir/killed.db" 'pragma integrity_check')" = ok ] || fail "integrity_check"
	rows_at_least 1 && [ "$found" -ge "$(cat /tmp/rows)" ] ||
		fail "$(cat /tmp/rows) rows were acknowledged, $found are there"
	echo "$found rows, $(cat /tmp/rows) of them acknowledged"
	fio_job verify --rw=write --bs=64k --size=16m --numjobs=2 --verify=crc32c --verify_only=1
	compare "$ref" "$dir/tree" || fail "the tree differs from the original"
	umount "$dir" && check_fs
	zufs up tierfs /dev/pmem0 "$dir" || fail "mounting a third time"
	compare "$ref" "$dir/tree" || fail "the tree differs after another mount"
	echo "the tree is what it was, before and after one more unmount"
	rm -r "$dir/tree" "$dir/killed.db" "$dir"/verify.*
}

title "mount"
timed mount_fs || fail "mounting $fs"
echo "$fs is mounted after $seconds s"
part_tree
part_sqlite
part_fio_verify
part_speed
[ "$fs" != tierfs ] || part_killed
title "unmount"
unmount_fs || fail "unmounting"
echo
echo "demo: all is well (the kernel's log is checked at the end of the VM)"
