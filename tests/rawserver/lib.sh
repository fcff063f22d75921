# SPDX-License-Identifier: BSD-2-Clause
# shellcheck shell=bash
# shellcheck disable=SC2119,SC2120 # arguments of functions may be left out
#
# Sourced by VM cases that test the kernel module with rawserver and rawapp:
# `. "$TOP/tests/rawserver/lib.sh"`. It brings tests/vm/lib.sh with it.
#
#	raw_setup [PARAMETER=VALUE...]
#			load the module, mount a root; programs go to memory
#	raw_start [OPTION...]	start a server, wait until it takes mounts
#	raw_mount [DIR]		mount a file system in memory at $mnt
#	ctl WORD...	rawserver's remote control;  rule RULE...: one more rule
#	app ...		rawapp
#	try RESULTS RULE CALL...	this rule alone, then this call of rawapp
#	raw_finish	unmount, end the server, unload: fails when one of these fails
# What is left when a case fails is undone at its end.

. "$TOP/tests/vm/lib.sh"

raw_root=/sys/fs/zuf
raw_socket=/run/rawserver.sock
raw_pid=''

raw_setup() {
	local build=$TOP/build/tests/rawserver program

	for program in rawserver rawapp abicheck; do
		[ -x "$build/$program" ] || skip "$program is not built"
		cp "$build/$program" /run/
	done
	if [ -z "${scratch:-}" ]; then
		scratch
		mnt=$scratch/mnt
		mkdir "$mnt"
	fi
	modprobe zuf "$@" || skip "there is no module for this kernel"
	on_exit raw_cleanup
	mount -t zuf zuf "$raw_root"
}

raw_mounts() {
	awk -v d="$scratch/" 'index($2, d) == 1 { print $2 }' /proc/mounts | sort -r
}

# raw_umount: all that the case has mounted.
raw_umount() {
	local dir

	for dir in $(raw_mounts); do
		within 20 umount "$dir" || return
	done
}

raw_cleanup() {
	[ -d /sys/module/zuf ] || return
	if [ -n "$raw_pid" ]; then
		kill -CONT "$raw_pid"
		within 5 "/run/rawserver" --socket "$raw_socket" --ctl release
	fi
	within 20 umount "$mnt"
	raw_end
	raw_umount
	umount "$raw_root"
	(wait_until 5 rmmod zuf)
}

# raw_finish: the server was used as the ABI says, and all of it goes away again.
raw_finish() {
	if [ -n "$raw_pid" ]; then
		raw_kernel_was_right
	fi
	raw_umount || fail "a file system does not go away"
	raw_end
	wait_until 5 umount "$raw_root"
	wait_until 5 rmmod zuf
}

# raw_end: the server goes, whatever it is doing.
raw_end() {
	[ -n "$raw_pid" ] || return 0
	kill -KILL "$raw_pid" 2>/dev/null || true
	wait "$raw_pid" 2>/dev/null || true
	raw_pid=''
	return 0
}

raw_is_ready() {
	local state

	read -r state <"$raw_root/state"
	[ "$state" = mount_ready ] && [ -S "$raw_socket" ] &&
		/run/rawserver --socket "$raw_socket" --ctl stats
}

raw_start() {
	rm -f "$raw_socket"
	/run/rawserver --root "$raw_root" --socket "$raw_socket" "$@" &
	raw_pid=$!
	wait_until 10 raw_is_ready
}

raw_mount() {
	within 20 mount -t rawn -o size=32m none "${1:-$mnt}"
}

ctl() {
	/run/rawserver --socket "$raw_socket" --ctl "$@"
}

rule() {
	ctl rule "$@"
}

app() {
	/run/rawapp "$@"
}

try() {
	local results=$1 rule=$2

	shift 2
	# shellcheck disable=SC2086 # a rule is several words
	ctl only $rule
	app -e "$results" "$@" || fail "'$*' with $rule"
}

# raw_works [DIR]: without rules the file system does its work.
raw_works() {
	local dir=${1:-$mnt}

	ctl clear
	ctl heal
	app write "$dir/works" 0 20k
	app read "$dir/works" 0 20k
	app readdir "$dir" 3000
	app unlink "$dir/works"
}

# stat_of NAME: a counter of the server.
stat_of() {
	ctl stats | sed -n "s/^$1 //p"
}

# raw_kernel_was_right: the server saw nothing that the kernel may not do.
raw_kernel_was_right() {
	assert_eq 0 "$(stat_of bad_cookies)" "cookies that the kernel does not own"
	assert_eq 0 "$(stat_of bad_messages)" "messages that make no sense"
}

# hang_and_kill RULE CALL...: it is killed while the server hangs by that rule, and goes on to.
hang_and_kill() {
	local pid status=0

	ctl only "$1" do=hang
	/run/rawapp -e any "${@:2}" >>"$scratch/out" &
	pid=$!
	ctl hung 1
	kill -KILL "$pid"
	wait_until 5 process_gone "$pid"
	wait "$pid" || status=$?
	assert_eq 137 "$status" "$1: status of the killed '${*:2}'"
}

# insane OP CALL...: each of the answers that make no sense is an EIO.
insane() {
	local op=$1 answer

	shift
	for answer in err:-9999 err:7 err:-531 err:-2147483648 outlen:65535; do
		try EIO "op=$op count=0 do=$answer" "$@"
	done
	# the last answer came from a server that had done what it was asked for
	ctl clear
}
