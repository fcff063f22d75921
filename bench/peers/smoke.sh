#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# smoke.sh: does memfs_ll behave like a file system? Runs each operation that the benchmark relies
# on, in both modes, against a mount in a temporary directory.
#	smoke.sh MEMFS_LL		exit 0 pass, 77 skip (no FUSE here), else fail
set -eu

server=$(realpath -e "$1")
dir=$(mktemp -d)
cleanup() {
	cd /
	umount "$dir" 2>/dev/null || :
	rmdir "$dir"
}
trap cleanup EXIT

fail() {
	echo "smoke: $mode: $*" >&2
	exit 1
}

try_names() {
	mkdir a a/b
	echo hello > a/f
	ln a/f a/g
	[ "$(stat -c %h a/f)" = 2 ] || fail "a second link is not counted"
	ln -s f a/s
	[ "$(cat a/s)" = hello ] || fail "a symbolic link does not lead to its target"
	mv a/f a/b/f
	[ ! -e a/f ] || fail "a renamed file is still under its old name"
	[ "$(cat a/b/f)" = hello ] || fail "a renamed file lost its data"
	if rmdir a/b 2>/dev/null; then fail "a full directory was removed"; fi
	if mkdir a/b 2>/dev/null; then fail "a name was made twice"; fi
	echo new > a/n
	mv a/n a/g
	[ "$(cat a/g)" = new ] || fail "rename does not replace"
	[ "$(stat -c %h a/b/f)" = 1 ] || fail "a replaced name still counts as a link"
	rm -r a
	[ -z "$(ls -A)" ] || fail "something is left after removing everything"
}

count_names() {
	find "$1" -mindepth 1 | wc -l
}

try_many_names() {
	mkdir d
	seq 1 700 | sed 's|^|d/f|' | xargs touch
	[ "$(count_names d)" = 700 ] || fail "readdir does not show 700 names"
	rm d/f*5
	[ "$(count_names d)" = 630 ] || fail "readdir does not show 630 names after removals"
	seq 1 500 | sed 's|^|d/g|' | xargs touch
	[ "$(count_names d)" = 1130 ] || fail "readdir does not show 1130 names after creations"
	rm -r d
}

try_data() {
	# across a chunk border, unaligned, with a hole before
	head -c 3000000 /dev/urandom > "$reference"
	dd if="$reference" of=f bs=123457 seek=9 status=none
	dd if=f bs=123457 skip=9 status=none | cmp - "$reference" || fail "data differs"
	head -c 1111113 f | tr -d '\0' | cmp - /dev/null || fail "a hole is not zeros"
	truncate -s 2000001 f
	truncate -s 2100000 f
	tail -c 99999 f | tr -d '\0' | cmp - /dev/null || fail "a regrown file shows old data"
	sync -d f
	rm f
}

reference=$(mktemp)
trap 'cleanup; rm -f "$reference"' EXIT
for mode in cached direct_io; do
	option=
	[ "$mode" = cached ] || option="-o $mode"
	# shellcheck disable=SC2086 # two words
	if ! "$server" $option "$dir"; then
		echo "smoke: cannot mount a FUSE file system here" >&2
		exit 77
	fi
	cd "$dir"
	try_names
	try_many_names
	try_data
	cd /
	umount "$dir"
done
