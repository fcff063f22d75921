#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# timeout: 240
#
# Lists that change while the kernel looks at them: what is executed is what was checked.
# The list's words go to and fro between a right value and a wrong one, of each kind.

. "$TOP/tests/vm/cases/drill/drill.bash"

# flipped INDEX EVIL LIST: many lists; each one is executed whole or refused.
flipped() {
	local rounds=40

	ctl only "op=$get count=$rounds do=retry:$3 do=flip:$1:$2"
	app -t 60000 read "$mnt/file" 0 8k
	assert_eq "$rounds" "$(ctl results | grep -cE '^(OK|EIO|EFAULT)$')" "lists of $3"
}

all() {
	local before

	before=$(value flips)
	ctl fill s0 8 0x11
	ctl fill s8 16 0x22
	ctl exec t2write:100:s0:8
	# another operation, block, page, length; far out and near
	flipped 0 0xff00000000000064 t2read:100:s0:8
	flipped 0 0x900000000000064 t2read:100:s0:8
	flipped 0 0x6ffffffffffffff t2read:100:s0:8
	flipped 1 0xfffffffffffff000 t2read:100:s0:8
	flipped 1 7 t2read:100:s0:8
	flipped 2 0xffffffffffff t2read:100:s0:8
	flipped 2 0 t2read:100:s0:8
	flipped 0 0xb0000ffffffffff t2read:100:s0,repeat:7
	flipped 2 0xb0000ffffffffff t2read:100:s0,repeat:7
	flipped 1 0x1000 memread:100:m:32768
	flipped 2 0xfffffffff000 memread:100:m:32768
	flipped 0 0x3ffffffffffffff unmap:0:1
	ctl check s0 8 0x11
	ctl check s8 16 0x22
	[ "$(value flips)" -gt $((before + 100)) ] || fail "the flipper did not run"
}

drill_each_way all
