# SPDX-License-Identifier: BSD-2-Clause
# shellcheck shell=bash
#
# Sourced by the cases with real programs after lib.sh: both ways of I/O, and the
# same thing done to a peer, whose result must be the same.

. "$TOP/tests/vm/cases/io/io.bash"
IO_WAYS=${IO_WAYS:-mapped nio}

# part NAME...: functions that are run in an empty folder each, which they may leave full.
part() {
	local name

	for name in "$@"; do
		mkdir "$mnt/$name"
		cd "$mnt/$name" || fail "cannot enter $mnt/$name"
		"$name"
		cd "$mnt" || fail "cannot enter $mnt"
		rm -r "$name"
		echo "$way: $name: $SECONDS s"
	done
}

# same WANTED FOUND WHAT...: two files hold the same bytes.
same() {
	local wanted=$1 found=$2

	shift 2
	cmp -- "$wanted" "$found" || fail "$way: $*: $found is not $wanted"
}

# long SHORT LONG: the second with LONG=1 in the environment of tests/vm/suite, else the first.
long() {
	if [ -n "${LONG:-}" ]; then
		echo "$2"
	else
		echo "$1"
	fi
}

# need_mmap: skip unless files of the mount can be mapped; for each_way.
need_mmap() {
	truncate -s 4096 map
	python3 -c 'import mmap; f = open("map", "r+"); mmap.mmap(f.fileno(), 4096)' 2>/dev/null ||
		{ rm map; cd /; skip "files cannot be mapped"; }
	rm map
}
