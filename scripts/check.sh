#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
#
# Run parts of the tests and add up their results; the last line is the sum,
# the status is 0 if nothing failed. Called by `make check` and its relatives.
#
# What failed is named once more before the sum.
#
# usage: scripts/check.sh PART...
#   unit      meson's tests, built with ASan and UBSan in build-asan/
#   unit-tsan those with parallel operations, built with TSan in build-tsan/
#   vm        all VM cases on $KERNEL (6.1)
#   vm-short  the VM cases of the short list on 6.12
#   vm-newest a few VM cases on 7, skipped where that kernel cannot be had
#   vm-debug  all VM cases on the debug kernel, debug-6.12 with KERNEL=debug-6.12
#   vm-races  the areas where threads meet, on the kernel that looks for data races
#   planted   cases that must fail; each that does counts as passed
#   crash     power cuts of tierfs in process: each pair of operations, in both modes of the log

set -eu
. "$(dirname "$0")/common.sh"

# Boot, mount, I/O, names and mappings, in a minute.
NEWEST='bed/environment tools/up-down io/nio namespace/names namespace/tmpfile
	mmap/basic mmap/shared mmap/large'

passed=0 failed=0 skipped=0
failures=()
newest_pid='' newest_log=''

add() {
	passed=$((passed + $1))
	failed=$((failed + $2))
	skipped=$((skipped + $3))
}

# sum_of FILE: the numbers of its last line, "N passed, N failed, N skipped".
sum_of() {
	tail -n 1 "$1" | sed -n \
		's/^\([0-9]*\) passed, \([0-9]*\) failed, \([0-9]*\) skipped$/\1 \2 \3/p'
}

# part_failed NAME: something of it could not even run.
part_failed() {
	echo "FAIL $1"
	failures+=("$1")
	add 0 1 0
}

# build_sanitized FOLDER SANITIZERS: of all tests; `meson test` builds those it is given.
build_sanitized() {
	"$TOP/scripts/deps.sh" build || return
	if [ ! -e "$1/build.ninja" ]; then
		meson setup "$1" "$TOP" -Db_sanitize="$2" \
			-Dbuildtype=debug -Db_lundef=false || return
	fi
	[ $# -gt 2 ] || meson compile -C "$1"
}

# results RESULT...: how many tests of meson's log ended so.
results() {
	grep -c -E "\"result\": \"($1)\"" "$log" || true
}

# failed_tests: their names in meson's log.
failed_tests() {
	local bad='FAIL|ERROR|TIMEOUT|INTERRUPT|UNEXPECTEDPASS'

	sed -n -E 's/^\{"name": "([^"]*)".*"result": "('"$bad"')".*/\1/p' "$log"
}

# unit_tests FOLDER SANITIZERS [TEST...]
unit_tests() {
	local dir=$TOP/$1 sanitizers=$2 status=0 log
	local -a built=(--no-rebuild)
	shift 2
	[ $# = 0 ] || built=()

	log=$dir/meson-logs/testlog.json
	build_sanitized "$dir" "$sanitizers" "$@" || { part_failed "unit: does not build"; return; }
	rm -f "$log"
	# Sanitizers must fail a test, not just print.
	UBSAN_OPTIONS=halt_on_error=1:print_stacktrace=1 \
		meson test -C "$dir" "${built[@]}" --print-errorlogs \
		--num-processes "$(nproc)" --timeout-multiplier 4 "$@" || status=$?
	[ -e "$log" ] || {
		[ "$status" = 0 ] || part_failed "unit: meson test: status $status"
		return
	}
	add "$(results 'OK|EXPECTEDFAIL')" \
		"$(results 'FAIL|ERROR|TIMEOUT|INTERRUPT|UNEXPECTEDPASS')" \
		"$(results SKIP)"
	mapfile -t -O ${#failures[@]} failures < <(failed_tests | sed "s|^|${dir##*/}: |")
}

# suite KERNEL ARG...: a VM suite, its cases shared by a VM for each of up to SHARDS (2) CPUs;
# its sum is in $sum, which is empty when one of these did not end, what failed in $failed_cases.
suite() {
	local kernel=$1 out shards i
	local -a part pids=()

	shift
	shards=${SHARDS:-$(($(nproc) > 1 ? 2 : 1))}
	out=$(mktemp -d)
	mkdir "$out/queue"
	for ((i = 1; i <= shards; i++)); do
		SLOW=$((${SLOW:-1} * shards)) "$TOP/tests/vm/suite" --kernel "$kernel" \
			--queue "$out/queue" "$@" 2>&1 | tee "$out/$i" &
		pids+=($!)
	done
	wait "${pids[@]}"
	sum='0 0 0'
	for ((i = 1; i <= shards; i++)); do
		read -r -a part <<<"$(sum_of "$out/$i")"
		[ ${#part[@]} = 3 ] || { sum=''; break; }
		# shellcheck disable=SC2086 # three numbers
		sum=$(plus $sum "${part[@]}")
	done
	mapfile -t failed_cases < <(sed -n 's/^FAIL //p' "$out"/[0-9]*)
	rm -rf "$out"
}

# plus A B C D E F: A+D B+E C+F
plus() {
	echo "$(($1 + $4)) $(($2 + $5)) $(($3 + $6))"
}

part_suite() {
	local sum

	"$TOP/scripts/deps.sh" vm
	make -s -C "$TOP" user "module-$1" || {
		part_failed "$1: does not build"
		return
	}
	suite "$@"
	# shellcheck disable=SC2086 # three numbers
	if [ -n "$sum" ]; then add $sum; else part_failed "$1: VM suite"; fi
	failures+=("${failed_cases[@]}")
}

# The newest kernel is fetched while other parts run.
fetch_newest() {
	"$TOP/scripts/deps.sh" build vm newest || true
	newest_log=$(mktemp)
	nice -n 19 "$TOP/scripts/kernel.sh" get 7 >"$newest_log" 2>&1 &
	newest_pid=$!
}

part_newest() {
	local status=0 case
	local -a cases=()

	wait "$newest_pid" || status=$?
	[ "$status" = 0 ] || tail -n 3 "$newest_log"
	rm -f "$newest_log"
	if [ "$status" = 77 ]; then
		echo "skip 7: this kernel cannot be had here"
		add 0 0 1
		return
	fi
	[ "$status" = 0 ] || { part_failed "7: cannot be fetched"; return; }
	for case in $NEWEST; do
		cases+=("$TOP/tests/vm/cases/$case.sh")
	done
	part_suite 7 "${cases[@]}"
}

# crash_run ARG...: tests/crash/crash, shared by a process for each CPU; each counts as one test.
crash_run() {
	local dir n i status
	local -a pids=()

	dir=$(mktemp -d)
	n=$(nproc)
	for ((i = 0; i < n; i++)); do
		"$TOP/build/tests/crash/crash" "$@" --part "$i/$n" >"$dir/$i" 2>&1 &
		pids+=($!)
	done
	for ((i = 0; i < n; i++)); do
		status=0
		wait "${pids[i]}" || status=$?
		tail -n 40 "$dir/$i"
		if [ "$status" = 0 ]; then add 1 0 0; else part_failed "crash $* ($i/$n)"; fi
	done
	rm -rf "$dir"
}

part_crash() {
	make -s -C "$TOP" user || { part_failed "crash: does not build"; return; }
	crash_run --seq 1
	crash_run --seq 1 --horizon
	crash_run --seq 2 --max 64 --random 16
	crash_run --seq 2 --max 64 --random 16 --horizon
}

part_planted() {
	local sum wanted

	"$TOP/scripts/deps.sh" vm
	wanted=$(find "$TOP/tests/vm/planted" -name '*.sh' | wc -l)
	echo "planted cases, each must FAIL:"
	suite 6.1 "$TOP/tests/vm/planted"
	if [ "$sum" = "0 $wanted 0" ]; then
		add "$wanted" 0 0
	else
		part_failed "planted: wanted 0 $wanted 0, got ${sum:-nothing}"
	fi
}

# fetch_ahead PART...: packages at once, the kernels while the first part runs.
fetch_ahead() {
	local part

	[[ " $* " == *" vm"* || " $* " == *" planted "* ]] || return 0
	"$TOP/scripts/deps.sh" build vm
	for part in "$@"; do
		case $part in
		vm | planted)	"$TOP/scripts/kernel.sh" get "${KERNEL:-6.1}" ;;
		vm-short)	"$TOP/scripts/kernel.sh" get 6.12 ;;
		esac
	done >/dev/null 2>&1 &
}

[ $# -gt 0 ] ||
	die "usage: check.sh unit|unit-tsan|vm|vm-short|vm-newest|vm-debug|vm-races|planted|crash"
fetch_ahead "$@"
[[ " $* " != *" vm-newest "* ]] || fetch_newest
for part in "$@"; do
	case $part in
	unit)		unit_tests build-asan address,undefined ;;
	unit-tsan)	unit_tests build-tsan thread parallel thread iomap memofs-parallel \
				memofs-parallel-mapped tierfs-map ;;
	vm)		part_suite "${KERNEL:-6.1}" ;;
	vm-short)	part_suite 6.12 --short ;;
	vm-newest)	part_newest ;;
	vm-debug)	"$TOP/scripts/kernel.sh" get "${KERNEL:-debug}"
			part_suite "${KERNEL:-debug}" ;;
	vm-races)	"$TOP/scripts/kernel.sh" get kcsan
			part_suite kcsan "$TOP"/tests/vm/cases/{io,death,hostile,mmap} ;;
	planted)	part_planted ;;
	crash)		part_crash ;;
	*)		die "no part '$part'" ;;
	esac
done
[ ${#failures[@]} = 0 ] || printf 'FAILED: %s\n' "${failures[@]}"
echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" = 0 ]
