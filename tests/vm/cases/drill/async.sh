#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# timeout: 120
#
# Lists that a server starts outside of any operation, through libzus: waited for and not,
# beside operations, and as many as there may be; the file system is unmounted under them.

. "$TOP/tests/vm/cases/drill/drill.bash"

all() {
	local i

	ctl fill s0 8 0x77
	assert_eq OK "$(ctl exec t2write:100:s0:8)" exec
	assert_eq OK "$(ctl exec flush t2write:200:s0:8)" "exec with a flush"
	assert_eq OK "$(ctl exec t2read:200:s8:8)" exec
	ctl check s8 8 0x77
	assert_eq EIO "$(ctl exec t2read:t2:s8)" "a bad list"

	"$scratch/rawapp" burst "$mnt" 40 &
	for ((i = 0; i < 60; i++)); do
		ctl async "t2write:$((1000 + 8 * i)):s0:8,t2read:100:s8:8"
	done
	ctl settled
	wait $!
	assert_eq 60 "$(ctl results | grep -c '^OK$')" "lists that ended well"
	ctl clear
	ctl async t2read:t2:s8
	ctl async fua t2write:100:s0
	ctl settled
	assert_eq "EIO OK" "$(ctl results | sort | xargs)" "results"

	for ((i = 0; i < 20; i++)); do
		ctl async "t2write:$((1000 + 8 * i)):s0:64"
	done
	plug_umount
	plug_mkfs
	plug_mount
	app write "$mnt/file" 0 300k
	app write "$mnt/other" 0 100k
}

drill_each_way all
