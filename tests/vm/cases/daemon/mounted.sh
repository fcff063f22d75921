#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
#
# TERM while a file system with threads of its own is mounted and at work: these are told and end,
# nothing is unloaded under them, lists that are under way come to their end. The
# mount stays and fails, the next server serves the device.
#
# timeout: 240

. "$TOP/tests/vm/cases/tier/tier.bash"
need_cpus 2

rounds=5

# busy: asks the plugin's thread without a pause for as long as there is one.
busy() {
	while ctl stats; do :; done >/dev/null 2>&1
}

# writer FILE: more than T1 can hold, so blocks go down all the time, until it gets an error.
writer() {
	while dd if=/dev/zero of="$1" bs=64k count=192 conv=notrunc status=none; do :; done \
		2>/dev/null
}

terminated() {
	local busy writer

	writer "$mnt/file" &
	writer=$!
	wait_until 20 moving
	busy &
	busy=$!
	kill -TERM "$plug_pid"
	assert_status 0 wait "$plug_pid"
	plug_pid=''
	wait "$busy" "$writer" || true
	refute_errno "Input/output error" cat "$mnt/file"
	plug_umount
}

moving() {
	[ "$(value down)" -gt 500 ]
}

tier_up nio 8 /dev/vda
for ((i = 1; i <= rounds; i++)); do
	terminated
	plug_serve
	plug_mount
done
! grep -E "crashed|corrupt" "$scratch/log" || fail "a server crashed"
assert_eq "$rounds" "$(grep -c 'still mounted: 1' "$scratch/log")" "servers that told it"
plug_down
