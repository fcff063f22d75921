#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
#
# A server that takes its own threads, files and memory away in the middle of an
# operation, or rewrites the command buffer while the kernel reads the answer.

. "$TOP/tests/rawserver/lib.sh"

# again: a new server, and a file system with a file and a directory.
again() {
	raw_umount || fail "a file system does not go away"
	raw_end
	raw_start
	raw_mount
	ctl clear
	app write "$mnt/file" 0 1m
	app mkdir "$mnt/dir"
}

# each ACTION RESULTS: in the middle of several operations, one after another; a
# channel that is lost is lost until the server is started again.
each() {
	local action=$1 results=$2

	again
	try "$results" "op=LOOKUP do=$action" stat "$mnt/none"
	try "$results" "op=WRITE do=$action" write "$mnt/file" 0 8k
	try "$results" "op=READ do=$action" readany "$mnt/file" 0 1m
	# dots come first, and with them the error is a short listing
	try any "op=READDIR do=$action" readdir "$mnt" 100
}

# drained: when all channels are gone, operations fail at once and for good.
drained() {
	local i

	ctl only op=any count=0 do=closefd
	for ((i = 0; i < 3 * $(nproc) + 1; i++)); do
		app -e EIO,EFAULT stat "$mnt/none$i"
	done
	app -e EIO -t 3000 stat "$mnt/none"
}

raw_setup copy_max=65536
each closefd EIO
drained
each uncmd EIO
each unwindow any
# the window is gone now for the channels that served: other answers, no hang
app -e any readany "$mnt/file" 0 1m
app -e any write "$mnt/file" 0 1m
app -e any readany "$mnt/file" 0 100

for death in exit kill; do
	for call in "NEW_INODE create $mnt/new" "WRITE write $mnt/file 0 1m" \
		"RENAME rename $mnt/file $mnt/other" "READDIR readdir $mnt 10"; do
		read -r op rest <<<"$call"
		again
		# shellcheck disable=SC2086 # a call is several words
		try EIO "op=$op do=$death" $rest
		app -e EIO -t 3000 statfs "$mnt"
	done
done

# the whole command buffer is rewritten while the answer is given
again
for call in "STATFS statfs $mnt" "LOOKUP stat $mnt/none" "NEW_INODE create $mnt/s" \
	"READDIR readdir $mnt 10" "READ readany $mnt/file 0 1m" "WRITE write $mnt/file 0 8k" \
	"RENAME rename $mnt/file $mnt/other" "SETATTR chmod $mnt/dir 0700"; do
	read -r op rest <<<"$call"
	ctl forget
	# shellcheck disable=SC2086 # a call is several words
	for round in 1 2 3; do
		ctl only "op=$op" do=scribble:100
		app -e any $rest
		app -e any stat "$mnt/other$round"
	done
	wait_until 10 eval 'ctl record | grep -q "^scribbled"'
done
# it knows what it did: the kernel is not to blame for cookies that were rewritten
again
raw_works
raw_finish
