#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
#
# A server that rewrites the question in its answer: the answer is compared with what was
# asked for, not with what the server says was asked for.

. "$TOP/tests/rawserver/lib.sh"

# the fields of an I/O message that are the kernel's
filepos=32 iom_max=108

raw_setup copy_max=65536
raw_start
raw_mount
app write "$mnt/file" 0 1m

# the array of extents would end far behind what was allocated
try EIO "op=FIEMAP count=0 do=extents:over" fiemap "$mnt/file" 10
try EIO "op=FIEMAP count=0 do=extents:over" fiemap "$mnt/file" 1000

# a position that fits another start
for size in 100 8k 1m; do
	for call in "READ readany $mnt/file 0 $size" "WRITE write $mnt/file 0 $size"; do
		read -r op rest <<<"$call"
		# shellcheck disable=SC2086 # a call is several words
		try EIO "op=$op do=poke:$filepos,0x40000000 do=lastpos:+0x40000000" $rest
	done
done
ctl clear
app read "$mnt/file" 0 1m
raw_umount

# the same of contracts, and room for more words than there is
raw_end
raw_start --caps 6
raw_mount
app write "$mnt/file" 0 64k
for size in 100 8k 64k; do
	for call in "readany $mnt/file 0 $size" "write $mnt/file 0 $size"; do
		# shellcheck disable=SC2086 # a call is several words
		try EIO "op=GET_MULTY do=poke:$filepos,0x40000000 do=lastpos:+0x40000000" $call
		# shellcheck disable=SC2086
		try EIO "op=GET_MULTY do=poke:$iom_max,0xffffffff,4 do=iomn:0x10000" $call
	done
done

# what the kernel says of the contract at its end is what it was, but for the answer's words
ctl clear
app read "$mnt/file" 0 64k
ctl only op=GET_MULTY "do=poke:$filepos,0x40000000" "do=poke:$iom_max,77,4"
ctl forget
taskset -c 1 /run/rawapp -e any readany "$mnt/file" 0 8k
put() { ctl record | grep -q '^PUT_MULTY'; }
wait_until 5 put
ctl record | grep '^PUT_MULTY' >"$scratch/puts"
cat "$scratch/puts"
if grep -q "$((0x40000000))\|0x40000000" "$scratch/puts"; then
	fail "a put with a position of the server's making"
fi
raw_works
raw_finish
