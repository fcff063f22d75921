#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
#
# zusd from start to end: readiness, threads, capabilities, SIGTERM with a mount, a new server.
#
# suite: short

. "$TOP/tests/vm/lib.sh"
. "$TOP/tests/vm/cases/daemon/daemon.bash"
need_pmem 1
need_cpus 2
on_exit rm -f "$log.chrt"
daemon_root

# nice_of_zts: the nice values of the channel threads
nice_of_zts() {
	local t

	for t in /proc/"$server"/task/*; do
		! grep -q '^ZT' "$t/comm" || cut -d' ' -f19 "$t/stat" | sed "s/^/nice /"
	done | sort -u
}

daemon_start --mlock=1
assert_grep '^mount_ready$' "$root/state"
assert_eq memofs "$(tr -d '\0' <"$root/registered_fs")" "registered types"
assert_eq "" "$(zts)" "channels before the first mount"

# caps: "SET MASK" of all threads, each line once. SYS_ADMIN (21), SYS_NICE (23), IPC_LOCK (14)
caps() {
	grep -hE '^Cap(Inh|Prm|Eff|Bnd|Amb):' /proc/"$server"/task/*/status |
		tr -s ':\t' ' ' | sort -u
}

few_caps='CapAmb 0000000000000000
CapBnd 0000000000a04000
CapEff 0000000000a04000
CapInh 0000000000000000
CapPrm 0000000000a04000'
assert_eq "$few_caps" "$(caps)" "capabilities"

daemon_mount /tmp/daemon-case
zts_are $(seq 0 $(($(nproc) - 1))) || fail "threads: $(zts)"
assert_eq "$few_caps" "$(caps)" "capabilities with channels"
assert_eq "nice -5" "$(nice_of_zts)" "channel threads"
echo text >/tmp/daemon-case/file
assert_eq text "$(cat /tmp/daemon-case/file)"

# TERM: status 0, the mount stays and fails, its unmount works
kill -TERM "$server"
assert_status 0 wait "$server"
[ ! -e "$pidfile" ] || fail "the pid file is still there"
refute_errno "Input/output error" cat /tmp/daemon-case/file
mountpoint -q /tmp/daemon-case || fail "the mount is gone"
umount /tmp/daemon-case

# the root takes a new server; INT ends it with 1
daemon_start --policyRR=5 --nice --mlock=2
daemon_mount /tmp/daemon-case
for t in /proc/"$server"/task/*; do
	grep -q '^ZT' "$t/comm" || continue
	chrt -p "${t##*/}" >"$log.chrt"
	assert_grep "policy: SCHED_RR" "$log.chrt"
	assert_grep "priority: 5" "$log.chrt"
done
echo again >/tmp/daemon-case/file
umount /tmp/daemon-case
kill -INT "$server"
assert_status 1 wait "$server"
