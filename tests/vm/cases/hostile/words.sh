#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# timeout: 180
#
# Another thread of the server stores single words into the command buffer, one after another,
# while the kernel builds messages there, attaches puts and reads answers: operations fail or
# bring the server's lies, and nothing else happens to the kernel.

. "$TOP/tests/rawserver/lib.sh"
need_cpus 2

over() {
	[ "$(stat_of storms)" = 1 ]
}

# storm CAPS MS[,FIRST,LAST]: calls on CPU 1 while another CPU stores to its channel.
storm() {
	raw_start --caps "$1"
	raw_mount
	app write "$mnt/file" 0 64k
	ctl only op=LOOKUP "do=storm:$2"
	taskset -c 1 /run/rawapp -e any stat "$mnt/start"
	taskset -c 1 /run/rawapp -e any -t 60000 pound "$mnt" "${2%%,*}"
	wait_until 20 over
	# the server may have believed its own lies: what it holds goes with it
	raw_end
	raw_umount || fail "a file system does not go away"
}

raw_setup
mapped=$((1 << 28 | 1 << 30)) nio=$((6 | 1 << 28 | 1 << 30))
storm "$nio" 7000
storm "$mapped" 4000
# the length of the message, where others are put behind it
storm "$nio" 4000,4,4
raw_start --caps 6
raw_mount
raw_works
raw_finish
