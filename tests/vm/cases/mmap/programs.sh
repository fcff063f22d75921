#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# timeout: 400
#
# Programs that map files: fio's mmap engine with verification, sqlite3 with a shared
# write-ahead log and a mapped database, git with everything on the mount.

. "$TOP/tests/vm/lib.sh"
. "$TOP/tests/vm/cases/mmap/mmap.bash"
need fio sqlite3 git python3

export GIT_CONFIG_NOSYSTEM=1 GIT_CONFIG_GLOBAL=/dev/null
export GIT_AUTHOR_NAME=a GIT_AUTHOR_EMAIL=a@b GIT_COMMITTER_NAME=a GIT_COMMITTER_EMAIL=a@b

with_fio() {
	fio --name=m --directory="$mnt" --size=3m --numjobs=2 --ioengine=mmap --bsrange=4k-32k \
		--rw=randrw --verify=crc32c --do_verify=1 --verify_fatal=1 --fsync=64 \
		--minimal >/dev/null || fail "fio"
	rm "$mnt"/m.*
}

# Two processes at a time, whose index of the log is a shared mapping.
with_sqlite() {
	local db=$mnt/test.db i

	sqlite3 "$db" "PRAGMA journal_mode=wal; PRAGMA mmap_size=100000000;
		CREATE TABLE t (n INTEGER PRIMARY KEY, w INT, b BLOB);" >/dev/null
	for i in 1 2; do
		python3 - "$db" "$i" <<-'PYTHON' &
			import sqlite3, sys
			db = sqlite3.connect(sys.argv[1], timeout=60, isolation_level=None)
			db.execute("PRAGMA mmap_size=100000000")
			for n in range(100):
			    db.execute("BEGIN IMMEDIATE")
			    db.executemany("INSERT INTO t (w, b) VALUES (?, zeroblob(700))",
			                   [(sys.argv[2],)] * 5)
			    db.execute("COMMIT")
			    db.execute("SELECT count(*), sum(length(b)) FROM t").fetchone()
		PYTHON
	done
	wait
	assert_eq "1000|700000|ok" "$(sqlite3 "$db" "SELECT count(*), sum(length(b)),
		(SELECT * FROM pragma_integrity_check) FROM t")" "$way: rows"
	rm "$db"*
}

with_git() {
	local origin=$scratch/origin

	if [ ! -d "$origin" ]; then
		git init -q -b main "$origin"
		cp -r "$TOP/kernel" "$TOP/plugins" "$origin"
		git -C "$origin" add -A
		git -C "$origin" commit -qm first
	fi
	git clone -q --no-hardlinks "$origin" "$mnt/clone"
	cd "$mnt/clone"
	echo change >>kernel/io/mmap.c
	git commit -qam second
	git gc -q
	git fsck --full --strict >/dev/null 2>&1 || fail "git fsck"
	git diff HEAD~ | grep -q '^+change' || fail "git diff"
	assert_eq "" "$(git status --porcelain)"
	cd /
	rm -rf "$mnt/clone"
}

all() {
	with_fio
	with_sqlite
	with_git
}

scratch
MMAP_WAYS="nio mapped" mmap_each all
