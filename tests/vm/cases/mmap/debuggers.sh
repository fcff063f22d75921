#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# timeout: 240
# suite: short
#
# Debuggers and uprobes: what is written into a private mapping from outside, a breakpoint of
# gdb and a uprobe in a program that lies on the mount, also in text of 2 MiB and in text
# that was replaced; then the counts of pages are what they were.

. "$TOP/tests/vm/lib.sh"
. "$TOP/tests/vm/cases/mmap/mmap.bash"
need python3 gcc nm readelf

tracing=/sys/kernel/tracing
[ -e $tracing/uprobe_events ] || tracing=/sys/kernel/debug/tracing
[ -e $tracing/uprobe_events ] || skip "this kernel has no uprobes"
scratch

# program FILE: its work() is called as often as its first argument says, returns 3 each time; the
# second lets it wait on its input before. With 4 MiB of text.
program() {
	cat >"$1.c" <<-'EOC'
		#include <stdlib.h>
		#include <unistd.h>
		__attribute__((noinline)) int work(int n)
		{
			__asm__ volatile("" : "+r"(n));
			return n + WORK;
		}
		__attribute__((section(".text.pad"), used)) static const char pad[4 << 20] = { 1 };
		int main(int argc, char **argv)
		{
			int i, sum = 0;
			char c;
			if (argc > 2)
				sum += read(0, &c, 1) < 0;
			for (i = 0; i < atoi(argv[1]); i++)
				sum += work(0);
			return sum;
		}
	EOC
	gcc -O1 -no-pie "-DWORK=$2" -Wl,-z,max-page-size=2097152,-z,separate-code -o "$1" "$1.c"
}

# probe_at FILE: the place of work() in it.
probe_at() {
	local at
	local -a segment

	at=$((16#$(nm "$1" | awk '$3 == "work" { print $1 }')))
	mapfile -t segment < <(readelf -lW "$1" |
		awk '$1 == "LOAD" && / E / { print $2; print $3; exit }')
	printf '0x%x' $((at - segment[1] + segment[0]))
}

probe_off() {
	[ ! -e "$tracing/events/uprobes" ] || echo 0 >"$tracing/events/uprobes/enable"
	echo >"$tracing/uprobe_events"
}

# probed HITS COMMAND...: with an event at work() of $mnt/prog.
probed() {
	local hits=$1 found

	shift
	echo "p:hits $mnt/prog:$(probe_at "$mnt/prog")" >"$tracing/uprobe_events"
	echo >"$tracing/trace"
	echo 1 >"$tracing/events/uprobes/hits/enable"
	"$@"
	# the lines of an event that is gone cannot be read
	found=$(grep -c 'hits:' "$tracing/trace") || true
	probe_off
	assert_eq "$hits" "$found" "$way: hits"
}

exits() {
	assert_status "$1" "$mnt/prog" "${@:2}"
}

with_uprobes() {
	cp "$scratch/one" "$mnt/prog"
	probed 2 exits 6 2
	exits 3 1
	# while its text is mapped
	exec {go}> >("$mnt/prog" 2 wait || echo "$?" >"$scratch/status")
	wait_until 10 text_is_mapped
	probed 2 let_go
	cmp "$mnt/prog" "$scratch/one"
	# an old page must not be taken for the text
	cp "$scratch/two" "$mnt/prog"
	probed 1 exits 5 1
	cmp "$mnt/prog" "$scratch/two"
}

text_is_mapped() {
	grep -q "r-xp.*$mnt/prog" /proc/[0-9]*/maps
}

let_go() {
	echo >&"$go"
	exec {go}>&-
	wait_until 10 test -s "$scratch/status"
	assert_eq 6 "$(cat "$scratch/status")" "$way: status"
	rm "$scratch/status"
}

with_gdb() {
	command -v gdb >/dev/null || return 0
	cp "$scratch/one" "$mnt/prog"
	within 100 gdb -batch -nx -iex 'set auto-load off' -ex 'break work' -ex 'run 2' \
		-ex 'info registers rip' -ex continue -ex continue \
		"$mnt/prog" >"$scratch/gdb" 2>&1 || fail "$way: gdb: $(cat "$scratch/gdb")"
	assert_eq 2 "$(grep -c 'Breakpoint 1, .*work' "$scratch/gdb")" "$way: $(cat "$scratch/gdb")"
	assert_grep 'exited with code 06' "$scratch/gdb"
	cmp "$mnt/prog" "$scratch/one"
}

all() {
	PYTHONDONTWRITEBYTECODE=1 python3 "$TOP/tests/vm/cases/mmap/debuggers.py"
	with_uprobes
	with_gdb
}

program "$scratch/one" 3
program "$scratch/two" 5
on_exit probe_off
mmap_each all
