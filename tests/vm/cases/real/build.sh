#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# timeout: 900
#
# A program of many files (LONG=1: a hundred) is built on the mount, with an archive and a shared
# library, and runs from there: mapped and executed pages, its own debug data read by the
# linker. The objects are those of a build elsewhere; who runs cannot be written to.

. "$TOP/tests/vm/lib.sh"
. "$TOP/tests/vm/cases/real/real.bash"
need gcc make ar
files=$(long 16 100)

make_source() {
	local i

	mkdir "$1"
	for ((i = 0; i < files; i++)); do
		cat >"$1/f$i.c" <<-C
			static const char table[70000] = { [$i] = $i, [69999] = 1 };
			static int calls;
			int f$i(int n);
			int f$i(int n)
			{ return n + table[$i] * 3 + table[n % 70000 | 1] + calls++; }
		C
	done
	{
		echo '#include <stdio.h>'
		for ((i = 0; i < files; i++)); do
			echo "int f$i(int n);"
		done
		echo 'int main(void) { int n = 0;'
		for ((i = 0; i < files; i++)); do
			echo "n = f$i(n) & 0xffff;"
		done
		echo 'return printf("%d", n) < 0; }'
	} >"$1/main.c"
	cat >"$1/Makefile" <<-'MAKE'
		objects := $(patsubst %.c,%.o,$(wildcard f*.c))
		CFLAGS := -pipe -g -O0 -fPIC -Wall -Werror
		CFLAGS += -fdebug-prefix-map=$(CURDIR)=.
		all: static shared
		static: main.o libf.a; gcc -o $@ main.o libf.a
		shared: main.o libf.so; gcc -o $@ main.o -L. -lf -Wl,-rpath,'$$ORIGIN'
		libf.a: $(objects); ar rcD $@ $^
		libf.so: $(objects); gcc -shared -o $@ $^
	MAKE
}

build() {
	make -s -j2 -C "$1" >"$scratch/out" 2>&1 || fail "$way: $(tail -n 5 "$scratch/out")"
}

programs_run() {
	local program

	for program in static shared; do
		for _ in 1 2 3; do
			assert_eq "$wanted" "$("./s/$program")" "$way: what $program says"
		done
	done
}

# A program that runs is busy; removed and renamed it goes on.
busy() {
	local pid

	cp /bin/sleep sleeper
	./sleeper 1000 &
	pid=$!
	on_exit end_of "$pid"
	wait_until 10 running "$pid"
	refute_errno "Text file busy" dd if=/dev/zero of=sleeper bs=1 count=1 conv=notrunc
	mv sleeper other
	rm other
	kill -0 "$pid"
	kill "$pid"
	wait "$pid" || true
}

end_of() {
	kill "$1" 2>/dev/null || true
}

running() {
	[ "$(readlink "/proc/$1/exe")" = "$mnt/sleeper" ]
}

builds() {
	need_mmap
	cp -r "$scratch/source" s
	build s
	for object in "$scratch"/peer/*.o "$scratch"/peer/libf.*; do
		same "$object" "s/${object##*/}" "an object"
	done
	programs_run
	# nothing of what was mapped before is left in what comes now
	echo 'int f0(int n); int f0(int n) { return n + 1000; }' >s/f0.c
	build s
	[ "$(./s/shared)" != "$wanted" ] || fail "$way: what was built anew did not run"
	assert_eq "$(./s/static)" "$(./s/shared)" "$way: built anew"
	busy
	rm -r s
	echo "$way: $SECONDS s"
}

scratch
make_source "$scratch/source"
cp -r "$scratch/source" "$scratch/peer"
way=tmpfs build "$scratch/peer"
wanted=$("$scratch/peer/static")
each_way builds
