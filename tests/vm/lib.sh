# SPDX-License-Identifier: BSD-2-Clause
# shellcheck shell=bash
#
# Sourced by the VM cases: `. "$TOP/tests/vm/lib.sh"`. Results of a case: exit 0
# = passed, `skip` = 77, anything else = failed; an unexpected failure of any
# command fails the case and says where (set -e, trap ERR). What a case sets up
# it registers with on_exit, which runs in reverse order however the case ends.
# There is no fixed waiting: wait_until polls a condition against a deadline.

set -Eeuo pipefail
shopt -s inherit_errexit

# What programs in Python have in common: py/.
export PYTHONPATH=$TOP/tests/vm/py PYTHONDONTWRITEBYTECODE=1

_on_exit=()

_exit() {
	local status=$? i

	trap - ERR
	set +e
	for ((i = ${#_on_exit[@]} - 1; i >= 0; i--)); do
		eval "${_on_exit[i]}"
	done
	exit "$status"
}
way=${way:-} # of doing I/O, that a case is at
trap _exit EXIT
trap 'echo "failed: ${way:+$way: }line $LINENO: $BASH_COMMAND (status $?)" >&2' ERR

# on_exit COMMAND...: run it at the end; the words are quoted as they are.
on_exit() {
	_on_exit+=("$(printf '%q ' "$@")")
}

# fail MESSAGE...: end the case as failed.
fail() {
	trap - ERR
	echo "failed: ${BASH_SOURCE[1]##*/}:${BASH_LINENO[0]}: $*" >&2
	exit 1
}

# skip REASON...: end the case as skipped.
skip() {
	trap - ERR
	echo "skipped: $*"
	exit 77
}

# need PROGRAM...: skip without these programs.
need() {
	local program

	for program in "$@"; do
		command -v "$program" >/dev/null || skip "there is no $program"
	done
}

# need_cpus N, need_pmem N, need_disk N: what the VM must have.
need_cpus() {
	[ "$(nproc)" -ge "$1" ] || skip "needs $1 CPUs"
}

need_pmem() {
	[ "${VM_PMEMS:-0}" -ge "$1" ] || skip "needs $1 pmem devices"
}

need_disk() {
	[ "${VM_DISKS:-0}" -ge "$1" ] || skip "needs $1 disks"
}

# need_fault_injection: skip unless this kernel can fail allocations; prepare
# failslab and fail_page_alloc to fail any of them, silently, when a process says
# so in its /proc/self/fail-nth or a probability is set (reset at the end).
need_fault_injection() {
	local knob

	[ -e /sys/kernel/debug/failslab ] || skip "this kernel has no failslab"
	for knob in failslab fail_page_alloc; do
		knob=/sys/kernel/debug/$knob
		echo N >"$knob/ignore-gfp-wait"
		echo 0 >"$knob/verbose"
		on_exit _injection_off "$knob"
	done
}

_injection_off() {
	echo 0 >"$1/probability"
	echo Y >"$1/ignore-gfp-wait"
}

# assert_eq WANTED FOUND [WHAT]
assert_eq() {
	[ "$1" = "$2" ] || fail "${3:-value}: wanted '$1', found '$2'"
}

# assert_ne UNWANTED FOUND [WHAT]
assert_ne() {
	[ "$1" != "$2" ] || fail "${3:-value}: must not be '$1'"
}

# assert_grep REGEX FILE
assert_grep() {
	grep -Eq -- "$1" "$2" || fail "no '$1' in $2: $(head -c 400 "$2")"
}

# assert_status N COMMAND...: it ends with exactly that status.
assert_status() {
	local wanted=$1 status=0

	shift
	"$@" || status=$?
	[ "$status" = "$wanted" ] ||
		fail "'$*' ended with $status, wanted $wanted"
}

# refute COMMAND...: it fails (but is not killed by a signal).
refute() {
	local status=0

	"$@" || status=$?
	[ "$status" != 0 ] || fail "'$*' succeeded"
	[ "$status" -lt 126 ] || fail "'$*' ended with $status"
}

# refute_errno TEXT COMMAND...: it fails with this message on stderr.
refute_errno() {
	local text=$1 out status=0

	shift
	out=$(LC_ALL=C "$@" 2>&1 >/dev/null) || status=$?
	[ "$status" != 0 ] || fail "'$*' succeeded, wanted: $text"
	[[ $out == *"$text"* ]] || fail "'$*' said '$out', wanted: $text"
}

# wait_until SECONDS COMMAND...: until it succeeds; the deadline fails the case.
# A slow machine or kernel gets SLOW times as long. No deadline is shorter than MIN_WAIT: a
# CPU of the machine may stand still for seconds.
MIN_WAIT=15
wait_until() {
	local limit=$((($1 > MIN_WAIT ? $1 : MIN_WAIT) * ${SLOW:-1})) deadline

	shift
	deadline=$((SECONDS + limit))
	until "$@" >/dev/null 2>&1; do
		[ "$SECONDS" -le "$deadline" ] || fail "after $limit s: not yet: $*"
		_pause 0.05
	done
}

# What nobody writes to; opened here because it sets $!, which a case may still need later.
exec {_never}<> <(:)

# _pause SECONDS: between two polls, without starting a process.
_pause() {
	local _

	read -r -t "$1" -u "$_never" _ || true
}

# within SECONDS COMMAND...: end it after that (status 124), on slow machines as wait_until.
within() {
	timeout $(($1 * ${SLOW:-1})) "${@:2}"
}

# process_gone PID, for wait_until.
process_gone() {
	[ ! -e "/proc/$1" ] || [ "$(_state "$1")" = Z ]
}

_state() {
	sed 's/.*) \(.\).*/\1/' "/proc/$1/stat"
}

# stop_process PID: SIGSTOP; when this returns none of its threads runs any more.
stop_process() {
	kill -STOP "$1"
	wait_until 10 process_stopped "$1"
}

# process_stopped PID, for wait_until.
# shellcheck disable=SC2143 # of each file
process_stopped() {
	[ -d "/proc/$1" ] && [ -z "$(grep -L '^State:.*T (stopped)' "/proc/$1"/task/*/status)" ]
}

# dmesg_mark NAME, dmesg_since NAME: the kernel log after a mark.
dmesg_mark() {
	echo "mark: $1" >/dev/kmsg
}

dmesg_since() {
	dmesg | sed "0,/mark: $1\$/d"
}

# cpu_online N 0|1: hot-plug a CPU; it is back at the end.
cpu_online() {
	local file=/sys/devices/system/cpu/cpu$1/online

	[ -w "$file" ] || skip "cpu$1 cannot be taken offline"
	echo "$2" >"$file"
	assert_eq "$2" "$(cat "$file")" "cpu$1 online"
	[ "$2" = 1 ] || on_exit _cpu_back "$file"
}

_cpu_back() {
	echo 1 >"$1"
}

# scratch: a folder of this case on tmpfs, removed at the end; sets $scratch.
scratch() {
	scratch=$(mktemp -d /tmp/case.XXXXXX)
	on_exit rm -rf "$scratch"
}

# drop_caches: inodes that nobody uses are looked up again. A name that was used
# lately only loses its mark the first time.
drop_caches() {
	local _

	for _ in 1 2 3; do
		echo 2 >/proc/sys/vm/drop_caches
	done
}
