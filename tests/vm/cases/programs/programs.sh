#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# timeout: 600
#
# Programs that people run: fio's engines with checksums, archives and copies of a tree, a
# database, dd and a compiler. Here with data from 64 KiB on in mapped pages; the cases in
# real/ do the same and more in the other ways, and so does this with LONG=1.

. "$TOP/tests/vm/lib.sh"
. "$TOP/tests/vm/cases/io/io.bash"
need python3 fio tar rsync sqlite3 gcc sha256sum

# verify ENGINE BLOCKS [OPTION...]: write at random places, read all back.
verify() {
	local engine=$1 blocks=$2

	shift 2
	fio --name=v --ioengine="$engine" --bsrange="$blocks" --rw=randwrite --size=1m \
		--verify=crc32c --do_verify=1 --verify_fatal=1 --thread --minimal \
		--numjobs=4 --iodepth=4 "$@" >fio.out 2>&1 ||
		fail "$way: fio $engine $blocks $*: $(tail -n 3 fio.out)"
}

fio_engines() {
	mkdir fio
	cd fio
	verify psync 512-300k --directory=. --bs_unaligned=1
	verify libaio 4k-64k --directory=. --direct=1 --numjobs=8
	verify io_uring 4k-256k --directory=. --direct=1
	verify libaio 1m-4m --directory=. --size=8m --numjobs=1
	rm -f v.*
	# one file, a part of it for each job
	verify psync 4k-128k --filename=one --offset_increment=1m --numjobs=8
	cd ..
	rm -r fio
}

# make_tree FOLDER: files of many sizes, links, holes, odd names and modes.
make_tree() {
	local i

	mkdir -p "$1/dir/deep/er" "$1/empty"
	for i in 0 1 4095 4096 4097 65536 65537 300000 1048577 5000000; do
		head -c "$i" /dev/urandom >"$1/dir/size $i"
	done
	for i in {1..60}; do
		echo "file $i" >"$1/dir/deep/$i"
	done
	truncate -s 3000000 "$1/sparse"
	printf middle | dd of="$1/sparse" bs=1 seek=1500000 conv=notrunc status=none
	ln -s ../empty "$1/dir/link"
	ln "$1/dir/size 4097" "$1/dir/deep/er/same"
	chmod 640 "$1/dir/size 1"
	chmod 1777 "$1/empty"
	touch -d '2001-02-03 04:05:06' "$1/dir/deep/7"
}

# What a tree is: names, types, modes, links, times of files, contents.
describe() {
	(cd "$1" && find . -type f -printf '%p %m %n %s %T@\n' -o -printf '%p %y %m %l\n' | sort &&
		find . -type f -print0 | sort -z | xargs -0 sha256sum)
}

same_tree() {
	describe "$1" >"$scratch/is"
	cmp "$scratch/wanted" "$scratch/is" || fail "$way: $1 is not what was copied:" \
		"$(diff "$scratch/wanted" "$scratch/is" | head -n 5)"
}

copies() {
	cp -a "$scratch/tree" cp1
	same_tree cp1
	cp -a cp1 cp2
	same_tree cp2
	cp -a --sparse=always --reflink=never cp1 cp3
	same_tree cp3
	tar -C cp1 --format=posix -cf tree.tar .
	mkdir tar
	tar -C tar -xpf tree.tar
	same_tree tar
	rm tree.tar
	rsync -aH cp1/ rsync/
	same_tree rsync
	echo changed >>"rsync/dir/size 300000"
	rsync -aHc --inplace --no-whole-file --delete cp1/ rsync/
	same_tree rsync
	rm -r cp1 cp2 cp3 tar rsync
}

database() {
	local journal

	for journal in delete truncate persist; do
		sqlite3 db >/dev/null <<-SQL
			PRAGMA journal_mode=$journal;
			PRAGMA synchronous=FULL;
			CREATE TABLE t$journal (n INTEGER PRIMARY KEY, b BLOB);
			BEGIN;
			WITH RECURSIVE c(n) AS
				(SELECT 1 UNION ALL SELECT n + 1 FROM c WHERE n < 800)
				INSERT INTO t$journal SELECT n, randomblob(n % 900) FROM c;
			COMMIT;
			BEGIN;
			DELETE FROM t$journal;
			ROLLBACK;
			DELETE FROM t$journal WHERE n % 4 = 0;
		SQL
		assert_eq "600" "$(sqlite3 db "SELECT count(*) FROM t$journal")" "$way: rows"
	done
	assert_eq ok "$(sqlite3 db 'VACUUM; PRAGMA integrity_check')" "$way: sqlite3"
	rm db*
}

dd_flags() {
	local flags from="$scratch/tree/dir/size 5000000" sum

	sum=$(sha256sum <"$from")
	for flags in "bs=4k" "bs=1000 conv=fsync" "bs=1M oflag=direct" "bs=64k oflag=dsync" \
		"bs=4096 oflag=append conv=notrunc" "bs=5M oflag=sync" "bs=100k conv=sparse"; do
		rm -f dd
		# shellcheck disable=SC2086
		dd if="$from" of=dd status=none $flags
		assert_eq "$sum" "$(dd if=dd bs=300k status=none iflag=direct | sha256sum)" \
			"$way: dd $flags"
	done
	rm dd
}

compiler() {
	printf '#include <stdio.h>\nint main(void) { return puts("it runs") < 0; }\n' >prog.c
	gcc -pipe -O1 -c -o prog.o prog.c
	gcc -o "$scratch/prog" prog.o
	assert_eq "it runs" "$("$scratch/prog")" "$way: program"
	rm prog.*
}

all_programs() {
	local part

	for part in fio_engines copies database dd_flags compiler; do
		"$part"
		echo "$way: $part: $SECONDS s"
	done
	assert_eq '' "$(find . -mindepth 1)" "$way: left over"
}

scratch
make_tree "$scratch/tree"
describe "$scratch/tree" >"$scratch/wanted"
[ -n "${LONG:-}" ] || IO_WAYS=mapped64k
each_way all_programs
