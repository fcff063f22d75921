#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
#
# CPUs that come and go under a server: one that was away at the first mount gets its channels
# when it comes, one that went and came back has its threads pinned again.
#
# vm: own --smp 3 --pmem 64
# timeout: 240

. "$TOP/tests/vm/lib.sh"
. "$TOP/tests/vm/cases/daemon/daemon.bash"
need_pmem 1
need_cpus 3
daemon_root

cpu_online 2 0
daemon_start --mlock=1
daemon_mount /tmp/daemon-case
zts_are 0 1 || fail "threads: $(zts)"

cpu_online 2 1
wait_until 20 zts_are 0 1 2
taskset -c 2 dd if=/dev/zero of=/tmp/daemon-case/file bs=64k count=16 status=none

for round in 1 2 3; do
	cpu_online 1 0
	taskset -c 2 cat /tmp/daemon-case/file >/dev/null
	cpu_online 1 1
	wait_until 20 zts_are 0 1 2
	taskset -c 1 cat /tmp/daemon-case/file >/dev/null
	echo "round $round"
done
umount /tmp/daemon-case
kill -TERM "$server"
assert_status 0 wait "$server"
