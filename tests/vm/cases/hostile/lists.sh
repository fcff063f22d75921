#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# timeout: 240
#
# Answers of -EZUFS_RETRY that make no sense: without a list, with counts that lie, with
# elements that are none or run past the end, for operations that have no lists, and without
# end; lists, counts and answers that change while the kernel looks at them.

. "$TOP/tests/rawserver/lib.sh"

# words with commas between them
unmap=0x900000000000000,1,0
# shellcheck disable=SC2054 # commas belong to the words
bad=(0x900000000000000 0x900000000000000,1 0x500000000000000,0x1000,1 0x300000000000000,0x1000
	0x100000000000040 0x200000000000040 0xb00000000000001 "$unmap,0xb00000000000001"
	"$unmap,0x900000000000000" 0x700000000000000,0x1000,0x1000 0xc00000000000000,0,1)

# asked N ERR: so many restarts, each with this result of the list.
asked() {
	assert_eq "$1" "$(ctl record | grep -c "^restart .* err $2\$")" "restarts with $2"
}

# retry RESULTS RULE CALL...: with an answer of $op.
retry() {
	local results=$1 rule=$2

	shift 2
	ctl forget
	try "$results" "op=$op $rule" "$@"
}

lists() {
	local call action list

	for call in "$get read $mnt/file 0 8k" "$put write $mnt/file 0 8k" \
		"FALLOCATE truncate $mnt/file 102400"; do
		op=${call%% *}
		read -r -a call <<<"${call#* }"
		retry OK "do=retry:$unmap" "${call[@]}"
		asked 1 0
		retry OK "count=50 do=retry:$unmap,$unmap" "${call[@]}"
		asked 50 0
		for list in "${bad[@]}"; do
			retry OK "do=retry:$list" "${call[@]}"
			asked 1 -5
		done
		# a list that is not there cannot be refused: the operation is
		for action in iomn:0 iomn:4 iomn:65536 iomn:0xffffffff iommax:0; do
			retry EIO "do=retry:$unmap do=$action" "${call[@]}"
		done
		retry EIO "do=retry:$unmap do=iomn:0xffffffff do=iommax:0xffffffff" "${call[@]}"
		retry EIO "do=err:-531" "${call[@]}"
		retry EIO "do=err:531" "${call[@]}"
		# what else is in the answer does not count
		for action in outlen:0 outmax:65535 outstart:65535 inlen:0 \
			lastpos:=0 wrunmap:0 retflags:0x3fffffff; do
			retry OK "do=retry:$unmap do=$action" "${call[@]}"
			asked 1 0
		done
	done
}

# Other operations have no lists.
no_lists() {
	try EIO "op=LOOKUP do=err:-531" stat "$mnt/none"
	try EIO "op=NEW_INODE do=err:-531" create "$mnt/new"
	try EIO "op=SETATTR do=err:-531" chmod "$mnt/file" 0600
	try EIO "op=STATFS do=err:-531" statfs "$mnt"
	try EIO "op=RENAME do=err:-531" rename "$mnt/file" "$mnt/other"
	try EIO "op=REMOVE_DENTRY do=err:-531" unlink "$mnt/file"
	try EIO "op=LLSEEK do=err:-531" seek "$mnt/file" 0 d
}

often() {
	[ "$(ctl record | grep -c ^restart)" -gt 100 ]
}

# endless CALL...: until a kill; the server is asked nothing more.
endless() {
	local pid

	ctl forget
	ctl only "op=$op file=file count=0 do=retry:$unmap"
	/run/rawapp -t 60000 "$@" &
	pid=$!
	wait_until 10 often
	app -e ENOENT stat "$mnt/none"
	kill -KILL "$pid"
	wait "$pid" && fail "it ended by itself"
	ctl clear
}

# changing CALL...: everything of the answer, while it is read.
changing() {
	local _

	for _ in 1 2 3; do
		ctl forget
		ctl only "op=$op count=20 do=retry:$unmap,$unmap do=scribble:100"
		app -e any "$@"
		wait_until 10 eval 'ctl record | grep -q "^scribbled"'
	done
}

for caps in 6 0; do
	get=GET_MULTY put=GET_MULTY
	[ "$caps" = 6 ] || get=READ put=WRITE
	raw_setup
	raw_start --caps "$caps"
	raw_mount
	app write "$mnt/file" 0 102400
	lists
	no_lists
	app read "$mnt/file" 0 102400
	op=$get
	endless read "$mnt/file" 0 8k
	op=$put
	endless write "$mnt/file" 0 8k
	# a second thread answers for the one that works
	for call in "$get read $mnt/file 0 8k" "STATFS statfs $mnt"; do
		# shellcheck disable=SC2086 # a call is several words
		try OK "op=${call%% *} do=twice:3" ${call#* }
		ctl record | grep -q '^second answer: EBUSY' || fail "the second answer was taken"
	done
	raw_works
	op=$get
	changing readany "$mnt/file" 0 8k
	op=$put
	changing write "$mnt/file" 0 8k
	# it knows what it did: what it got then is not the kernel's fault
	raw_umount
	raw_end
	# its end while a list is asked for again and again
	raw_start --caps "$caps"
	raw_mount
	app write "$mnt/file" 0 102400
	op=$get
	ctl forget
	ctl only "op=$op count=0 do=retry:$unmap"
	/run/rawapp -e EIO read "$mnt/file" 0 8k &
	pid=$!
	wait_until 10 often
	raw_end
	wait "$pid" || fail "the end of the server"
	raw_start --caps "$caps"
	raw_umount
	raw_mount
	raw_works
	raw_finish
done
