#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# suite: short
#
# The bed gives a case what it promises: devices, file systems, CPUs that can
# be taken offline, a log to search, results that come back.

. "$TOP/tests/vm/lib.sh"

assert_eq 0 "$(id -u)" "user id"
need_cpus 2
for device in pmem0 pmem1 vda; do
	[ -b "/dev/$device" ] || fail "no /dev/$device"
done
for folder in /sys/kernel/debug /sys/kernel/tracing /dev/shm /tmp /run \
	/sys/fs/cgroup /dev/pts /results; do
	mountpoint -q "$folder" || fail "$folder is not a mount point"
done
assert_eq 60 "$(cat /proc/sys/kernel/hung_task_timeout_secs)" "hung task time"

scratch
mkfs.ext4 -q -b 4096 /dev/pmem0
mount -t ext4 -o dax=always /dev/pmem0 "$scratch"
on_exit umount "$scratch"
assert_grep "dax=always" /proc/mounts
dd if=/dev/urandom of="$scratch/file" bs=64k count=16 status=none
refute_errno "File exists" mkdir "$scratch/file"

cpu_online 1 0
assert_eq 1 "$(nproc)" "CPUs that are online"
cpu_online 1 1

dmesg_mark "bed"
echo "seen by the case" >/dev/kmsg
dmesg_since "bed" >"$RESULTS/log.txt"
assert_grep "seen by the case" "$RESULTS/log.txt"

modprobe dm-flakey || skip "no dm-flakey"
modprobe fuse
