#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# timeout: 400
#
# Archives beyond the round trip of programs/programs.sh: what a whole system is made of (owners,
# devices, pipes, times of folders and links, long names, holes), archives that are changed
# in place, compressed, verified, split; cpio as well. Compared with a tree on tmpfs.

. "$TOP/tests/vm/lib.sh"
. "$TOP/tests/vm/cases/real/real.bash"
need tar cpio gzip xz

make_tree() {
	local long

	long=$(printf 'n%.0s' {1..250})
	mkdir -p "$1/sub/$long/$long" "$1/empty"
	head -c 70001 /dev/urandom >"$1/sub/$long/$long/file"
	head -c 700000 /dev/urandom >"$1/large"
	: >"$1/nothing"
	ln "$1/large" "$1/sub/linked"
	ln -s "$long" "$1/sub/short"
	ln -s "$(printf '../%.0s' {1..300})" "$1/sub/far"
	mkfifo "$1/pipe"
	mknod "$1/null" c 1 3
	mknod "$1/disk" b 7 200
	truncate -s 4000000 "$1/holes"
	printf 'in the middle' | dd of="$1/holes" bs=1 seek=1999990 conv=notrunc status=none
	chown 1234:4321 "$1/large" "$1/pipe" "$1/empty"
	chown -h 77:88 "$1/sub/short"
	chmod 6755 "$1/nothing"
	chmod 2700 "$1/sub"
	chmod 000 "$1/sub/$long/$long/file"
	find "$1" -depth -exec touch -h -d '1999-12-31 23:59:59.987654321' {} +
	touch -d '1970-01-01 00:00:00.000000001' "$1/nothing"
	touch -d '2026-01-01 00:00:00.999999999' "$1/large"
}

# Names, types, owners, modes, links, times to the nanosecond; then every byte.
describe() {
	(cd "$1" && find . -printf '%p|%y|%U:%G|%m|%n|%l|%T@\n' | sort
		find . -type d -o -printf '%p %s\n' | sort
		find . -type b -o -type c | sort | xargs stat -c '%n %t:%T'
		find . -type f -print0 | sort -z | xargs -0 sha256sum)
}

same_tree() {
	describe "$1" >"$scratch/is"
	cmp "$scratch/wanted" "$scratch/is" ||
		fail "$way: $1: $(diff "$scratch/wanted" "$scratch/is" | head -n 4)"
}

is_sparse() {
	[ "$(stat -c %b "$1")" -lt 200 ] || fail "$way: $1 has $(stat -c %b "$1") sectors"
}

# GNU's own format knows whole seconds only.
formats() {
	local format

	for format in gnu posix; do
		tar -C "$scratch/tree" --format="$format" -Scf a.tar .
		mkdir x
		tar -C x -xpf a.tar
		[ "$format" = gnu ] || same_tree x
		is_sparse x/holes
		tar -C x -df a.tar || fail "$way: tar finds a difference, format $format"
		tar -C x --format="$format" -Scf - . | tar -C x -dpf - ||
			fail "$way: a tree is not what was read from it"
		rm -r x a.tar
	done
}

# The archive is written and read backwards and in place.
changes() {
	local blocks

	tar -C "$scratch/tree" --format=gnu -cf a.tar ./large ./nothing
	tar -C "$scratch/tree" --format=gnu -rf a.tar ./sub ./pipe
	tar -C "$scratch/tree" --format=gnu --delete -f a.tar ./large
	tar -C "$scratch/tree" --format=gnu -rf a.tar ./large
	tar -C "$scratch/tree" --format=gnu -cWf w.tar . >/dev/null ||
		fail "$way: tar -W does not find what it wrote"
	tar -tf a.tar | sort -u >list
	(cd "$scratch/tree" && find ./large ./nothing ./sub ./pipe | sort) >wanted
	sed -i 's:/$::' list
	same wanted list "names in the archive"
	for blocks in 1 7 512; do
		tar -C "$scratch/tree" -b "$blocks" -cf b.tar .
		tar -C "$scratch/tree" -b "$blocks" -df b.tar || fail "$way: blocks of $blocks"
	done
}

packed() {
	tar -C "$scratch/tree" --format=posix -Szcf a.tgz .
	tar -C "$scratch/tree" --format=posix -Sc . | xz -0 >a.txz
	gzip -t a.tgz
	xz -t a.txz
	split -b 100k a.tgz part.
	cat part.* >again
	same a.tgz again "split and joined"
	mkdir x
	tar -C x -xpzf again
	same_tree x
	rm -r x
	mkdir x
	xz -dc a.txz | tar -C x -xpf -
	same_tree x
}

cpio_tree() {
	mkdir x
	(cd "$scratch/tree" && find . -depth -print0 | cpio --quiet -0 -o -H newc) >a.cpio
	(cd x && cpio --quiet -idm --sparse <../a.cpio)
	(cd x && find . -type f -print0 | sort -z | xargs -0 sha256sum) >is
	(cd "$scratch/tree" && find . -type f -print0 | sort -z | xargs -0 sha256sum) >wanted
	same wanted is "files out of cpio"
	(cd x && find . -printf '%p %y %U:%G %m %n %l\n' | sort) >is
	(cd "$scratch/tree" && find . -printf '%p %y %U:%G %m %n %l\n' | sort) >wanted
	same wanted is "nodes out of cpio"
}

archives() {
	part formats changes packed cpio_tree
}

scratch
make_tree "$scratch/tree"
describe "$scratch/tree" >"$scratch/wanted"
each_way archives
