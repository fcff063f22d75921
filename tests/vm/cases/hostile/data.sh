#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
#
# Answers to READ, WRITE and READDIR that make no sense: positions beyond what was
# asked for, mappings to drop that are not there, listings that never end.

. "$TOP/tests/rawserver/lib.sh"

raw_setup copy_max=65536
raw_start
raw_mount
app write "$mnt/file" 0 1m
app mkdir "$mnt/dir"
app create "$mnt/dir/one"

for size in 100 8k 1m; do
	for pos in +100 +0x7fffffffffffffff =0x8000000000000000 =-1; do
		try EIO "op=READ do=lastpos:$pos" readany "$mnt/file" 0 "$size"
		try EIO "op=WRITE do=lastpos:$pos" write "$mnt/file" 0 "$size"
	done
	# fewer than asked for is a short result, and the rest is asked for again
	try OK "op=READ do=lastpos:-1" readany "$mnt/file" 0 "$size"
	try OK "op=WRITE do=lastpos:-1" write "$mnt/file" 0 "$size"
	# before the start
	try EIO "op=READ do=lastpos:=4095" readany "$mnt/file" 4096 "$size"
	try EIO "op=WRITE do=lastpos:=0" write "$mnt/file" 4096 "$size"
	# nothing at all, for ever: the call must end
	try any "op=READ count=0 do=lastpos:=4096" readany "$mnt/file" 4096 "$size"
	try any "op=WRITE count=0 do=lastpos:=4096" write "$mnt/file" 4096 "$size"
	try OK "op=WRITE do=wrunmap:0" write "$mnt/file" 0 "$size"
	try OK "op=WRITE do=wrunmap:-1" write "$mnt/file" 0 "$size"
done
ctl clear
app write "$mnt/file" 0 1m
app read "$mnt/file" 0 1m

for kind in stuck back more huge slash nul ino0; do
	try EIO "op=READDIR count=0 do=readdir:$kind" readdir "$mnt/dir" 1000
done
for kind in long full; do
	try OK,EIO "op=READDIR count=0 do=readdir:$kind" readdir "$mnt/dir" 1000
done
# the kernel looks at its own copy of len and offset
try OK,EIO "op=READDIR do=fill:255" readdir "$mnt/dir" 1000
ctl clear
assert_eq "3 entries" "$(app readdir "$mnt/dir" 10 | cut -d' ' -f1,2)" "entries of dir"
raw_works
raw_finish
