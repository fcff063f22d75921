#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# timeout: 480
#
# A server that asks for lists and to be called again: with lists of every kind, once and
# often, in every operation that may; lists that are refused, which the server is told; and
# without end, which a kill ends.

. "$TOP/tests/vm/cases/drill/drill.bash"

# retried OP RULE CALL...: three lists, then the operation does its work.
retried() {
	local op=$1 list=$2

	shift 2
	try OK "op=$op count=3 do=retry:$list" "$@"
	results_are OK OK OK
}

# refused LIST: the server hears of it and goes on; nothing of the list was done.
refused() {
	try OK "op=$get do=retry:$1" read "$mnt/file" 0 8k
	results_are "${2:-EIO}"
}

lists() {
	local list

	ctl fill s0 8 0x5a
	ctl fill m0 8 0xa5
	for list in t2write:100:s0 t2write:200:s0:8 memwrite:300:m:32768 t2read:200:s8:8 \
		t2read:100:s16 t2read:200:s20,repeat:7 memread:300:m32768:32768 unmap:0:0 \
		unmap:1:2:77 wbinv discard:400:8,discard:500:1 \
		t2write:600:s0:8,memwrite:700:m:4096,unmap:0:1,t2write:610:s3; do
		# a disk may know no discard, a CPU no WBINV
		case $list in
		discard*|wbinv)
			try OK "op=$get do=retry:$list" read "$mnt/file" 0 8k
			results_are "(OK|EOPNOTSUPP|EIO)"
			continue ;;
		esac
		retried "$get" "$list" read "$mnt/file" 0 8k
		retried "$put" "$list" write "$mnt/file" 0 8k
	done
	ctl check s8 8 0x5a
	ctl check s16 1 0x5a
	ctl check s20 8 0x5a
	ctl check m32768 8 0xa5
	# FUA, flush, both
	for list in 0x40000000 0x80000000 0xc0000000; do
		retried "$put" "t2write:100:s0:8 do=flags:$list" write "$mnt/file" 0 8k
	done
}

operations() {
	retried "$get" t2write:100:s0 read "$mnt/file" 100 250k
	retried "$put" t2write:100:s0 write "$mnt/file" 100 250k
	app write "$mnt/end" 0 100
	retried "$put" t2write:100:s0 append "$mnt/end" 5000
	retried TRUNCATE t2read:100:s0 truncate "$mnt/end" 100
	retried FALLOCATE t2read:100:s0 fallocate "$mnt/end" 0 0 64k
	app write "$mnt/end" 0 64k
	app read "$mnt/end" 0 64k
	# as often as it likes
	try OK "op=$get count=200 do=retry:t2read:100:s0" read "$mnt/file" 0 4k
	assert_eq 200 "$(ctl results | grep -c OK)" "restarts"
}

bad_lists() {
	local list

	ctl fill s0 8 0x5a
	for list in t2write:t2:s0 t2write:0xffffffffffffff:s0 t2write:t2-3:s0:4 \
		t2write:100:t1 t2write:100:0 t2write:100:0x10008 t2write:100:3 \
		t2write:100:t1-4096:2 t2write:100:s0:0 t2write:100:s0:0xfffffffffffff \
		memwrite:100:m:65537 memwrite:100:m8:4096 memwrite:100:m:0 memwrite:100:m:69632 \
		t2write:100:s0,repeat:0xffffffffff unmap:0:1,repeat:1 \
		t2read:100:s0,repeat:1,repeat:1 discard:t2:1 discard:100:0 \
		word:0x300000000000064 word:0x500000000000064,word:0x1000 \
		word:0x100000000000040 word:0x200000000000040; do
		refused "$list"
		# nor is what is right before it
		refused "t2read:100:s0,$list"
	done
	refused repeat:1	# nothing
	refused memwrite:100:0x7000000000:4096 EFAULT
	refused memread:100:4096:4096 EFAULT
	ctl check s0 8 0x5a
	# an unknown word ends a list
	try OK "op=$get do=retry:t2read:100:s8,word:0xff00000000000000,word:1" \
		read "$mnt/file" 0 8k
	results_are OK
}

started() {
	[ "$(value restarts)" -gt "$1" ]
}

# endless OP CALL...: until it is killed; others are not in its way.
endless() {
	local op=$1 before pid

	shift
	ctl only "op=$op count=0 ino=$(stat -c %i "$mnt/file") do=retry:t2read:100:s0"
	before=$(value restarts)
	"$scratch/rawapp" -t 60000 "$@" &
	pid=$!
	wait_until 10 started $((before + 5))
	app read "$mnt/other" 0 100k
	kill -KILL "$pid"
	wait "$pid" && fail "it ended by itself"
	ctl clear
}

all() {
	lists
	operations
	bad_lists
	endless "$get" read "$mnt/file" 0 8k
	endless "$put" write "$mnt/file" 0 8k
	endless TRUNCATE truncate "$mnt/file" 300k
}

# shellcheck disable=SC2034 # drill.bash uses it
drill_ways=$drill_both
drill_each_way all
