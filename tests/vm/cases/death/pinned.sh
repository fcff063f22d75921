#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
#
# A program that waits for a server may be moved: its CPUs, those of its cgroup and the CPU itself
# are changed at once, however long the server takes. A cgroup's freezer stops it at the return to
# user space, where it holds nothing that others need.

. "$TOP/tests/rawserver/lib.sh"
need_cpus 2

# at_once COMMAND...: it does not wait for the server, which would be for ever.
at_once() {
	local start=${EPOCHREALTIME/./}

	"$@"
	((${EPOCHREALTIME/./} - start < 15000000 * ${SLOW:-1})) ||
		fail "'$*' took $(((${EPOCHREALTIME/./} - start) / 1000)) ms while a server hangs"
}

store() {
	echo "$1" >"$2"
}

raw_setup
raw_start
raw_mount
app write "$mnt/f1" 0 4k
app write "$mnt/f2" 0 4k
cg=/sys/fs/cgroup/pinned
echo +cpuset >/sys/fs/cgroup/cgroup.subtree_control
mkdir "$cg" "$cg.other"
on_exit rmdir "$cg" "$cg.other"

pids=()
for i in 1 2; do
	ctl rule op=READ "file=f$i" do=hang
	# one that may run everywhere: who is bound to a CPU need not be kept there
	/run/rawapp -t 100000 read "$mnt/f$i" 0 100 >>"$scratch/out" &
	pids+=($!)
	ctl hung "$i"
done
cpu=$(awk '{ print $39 }' "/proc/${pids[0]}/stat")
at_once taskset -cp $((1 - cpu)) "${pids[0]}"
at_once store "${pids[1]}" "$cg/cgroup.procs"
at_once store 1 "$cg/cpuset.cpus"
at_once store 0 "$cg/cpuset.cpus"
at_once store 0 "$cg.other/cpuset.cpus"
at_once cpu_online 1 0
at_once cpu_online 1 1
ctl release
for pid in "${pids[@]}"; do
	wait "$pid" || fail "a read that was moved: $(tail -n 2 "$scratch/out")"
done
ctl clear

# the old freezer, which stops tasks inside of the kernel
mkdir "$scratch/freezer"
mount -t cgroup -o freezer none "$scratch/freezer" || skip "there is no freezer of version 1"
on_exit umount "$scratch/freezer"
mkdir "$scratch/freezer/one"
on_exit rmdir "$scratch/freezer/one"
frozen() {
	[ "$(cat "$scratch/freezer/one/freezer.state")" = "$1" ]
}
ctl only op=WRITE file=f1 do=hang
taskset -c 1 /run/rawapp -t 100000 write "$mnt/f1" 0 8k >>"$scratch/out" &
holder=$!
ctl hung 1
store "$holder" "$scratch/freezer/one/cgroup.procs"
store FROZEN "$scratch/freezer/one/freezer.state"
at_once cpu_online 1 0
at_once cpu_online 1 1
frozen FREEZING || fail "a program that waits for a server is frozen with its locks"
ctl release
wait_until 10 frozen FROZEN
app -t 10000 write "$mnt/f1" 0 12k
for cpu in 0 1; do
	for _ in 1 2 3; do
		taskset -c "$cpu" /run/rawapp -t 10000 stat "$mnt/f$((cpu + 1))"
	done
done
store THAWED "$scratch/freezer/one/freezer.state"
wait "$holder" || fail "the frozen writer: $?"
raw_works
raw_finish
