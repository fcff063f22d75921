#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
#
# Writes that a server wants as WRITE although it names blocks (ZUFS_FSC_BY_WRITE): what extends
# the file, what is short, and what GET_MULTY refuses; the data is right whatever way it went, a
# refusal has no put, and one without the bit, or for ever, is no way to hold a program up.

. "$TOP/tests/rawserver/lib.sh"

nio=$((2 | 4))
by_write=$((1 << 19))

# sent: READ, WRITE, GET_MULTY and PUT_MULTY since the last ctl forget, in their order
sent() {
	ctl record | sed -n 's/^\(READ\|WRITE\|GET_MULTY\|PUT_MULTY\) .*/\1/p' | tr '\n' ' '
}

balanced() {
	[ "$(stat_of contracts)" = 0 ]
}

# writes WANTED POSITION BYTES: of $mnt/file, with these messages but for puts that ride along
writes() {
	wait_until 5 balanced
	ctl forget
	app write "$mnt/file" "$2" "$3"
	assert_eq "$1" "$(sent | sed 's/PUT_MULTY //g')" "messages of $3 at $2"
}

raw_setup
raw_start --caps $((nio | by_write)) --nio-min 4096
raw_mount

# what extends the file, in pieces of 1 MiB
app create "$mnt/file"
writes "WRITE " 0 64k
writes "WRITE WRITE " 64k 2048k
writes "WRITE " 2111k 2k
# in place
writes "GET_MULTY " 0 64k
writes "GET_MULTY " 100 4096
writes "GET_MULTY " 4k 2107k
# too short, too short at the end of a piece of 4 MiB, across the end of the file
writes "WRITE " 0 4095
app truncate "$mnt/file" 6m
app write "$mnt/file" 0 6m
writes "GET_MULTY GET_MULTY " 1 5m
writes "GET_MULTY WRITE " 1 4m
app truncate "$mnt/file" 100k
writes "WRITE " 64k 64k
app read "$mnt/file" 64k 64k

# holes: refused at once, and behind pages that are there
app create "$mnt/holes"
app truncate "$mnt/holes" 64k
ctl forget
app write "$mnt/holes" 16k 8k
assert_eq "GET_MULTY WRITE " "$(sent)" "messages of a write into a hole"
ctl forget
app write "$mnt/holes" 16k 32k
assert_eq "GET_MULTY GET_MULTY WRITE " "$(sent | sed 's/PUT_MULTY //g')" "messages of both"
app read "$mnt/holes" 16k 32k
wait_until 5 balanced
# a large hole is refused once for 4 MiB, not once for each piece of WRITE
app truncate "$mnt/holes" 8m
ctl forget
app write "$mnt/holes" 1m 4m
assert_eq "GET_MULTY WRITE WRITE WRITE WRITE " "$(sent)" "messages of 4 MiB"
app read "$mnt/holes" 1m 4m

# page faults ask as ever, and fill holes
need python3
python3 - "$mnt/mapped" <<-'PYTHON'
	import mmap, os, sys
	fd = os.open(sys.argv[1], os.O_RDWR | os.O_CREAT)
	os.ftruncate(fd, 8192)
	with mmap.mmap(fd, 8192) as m:
	    m[8000:8005] = b"fault"
	    assert os.pwrite(fd, b"write" * 1000, 0) == 5000
	    assert m[:8192] == b"write" * 1000 + bytes(3000) + b"fault" + bytes(187)
PYTHON

# short vectors, memory that is not present, appends, O_DIRECT: the data tells
python3 - "$mnt/vectors" <<-'PYTHON'
	import os, sys
	fd = os.open(sys.argv[1], os.O_RDWR | os.O_CREAT)
	want = bytearray()
	for i in range(40):
	    piece = bytes([65 + i % 26]) * (i * 517)
	    assert os.pwritev(fd, [piece[:100], piece[100:]], len(want)) == len(piece)
	    want += piece
	for i in range(0, len(want) - 9000, 5003):
	    piece = bytes([97 + i % 26]) * (9000 if i % 2 else 300)
	    assert os.pwrite(fd, piece, i) == len(piece)
	    want[i:i + len(piece)] = piece
	assert os.pread(fd, len(want) + 1, 0) == bytes(want)
PYTHON
raw_kernel_was_right
wait_until 5 balanced

# ---- a server that says it for ever, with words, with a channel that it wants to keep ----

for flags in 0x20 0x30 0x3a 0xffffffff; do
	try OK "op=GET_MULTY count=0 do=retflags:$flags" write "$mnt/file" 0 64k
	try OK "op=GET_MULTY count=0 do=retflags:$flags do=iomn:0xffffffff" write "$mnt/file" 0 64k
	ctl clear
	app read "$mnt/file" 0 64k
	# of a read it means nothing
	try OK "op=GET_MULTY do=retflags:$flags" read "$mnt/file" 0 64k
done
# and WRITE refuses too, or does nothing, or is not known
for answer in err:-28 err:-95 err:-9999 lastpos:=0; do
	ctl clear
	rule op=GET_MULTY count=0 do=retflags:0x20
	rule op=WRITE count=0 "do=$answer"
	app -e any write "$mnt/file" 0 64k
done
ctl clear
# a writer that is killed before its refusal comes leaves no put behind
raw_umount
raw_end
raw_start --caps $((nio | by_write))
raw_mount
app create "$mnt/holes"
app truncate "$mnt/holes" 64k
hang_and_kill "op=GET_MULTY" write "$mnt/holes" 0 64k
ctl release
ctl clear
app write "$mnt/holes" 0 64k
app read "$mnt/holes" 0 64k
wait_until 5 balanced
hang_and_kill "op=WRITE" write "$mnt/holes" 64k 64k
ctl release
raw_works
wait_until 5 balanced

# it dies between the refusal and WRITE
ctl only op=WRITE do=exit
app -e EIO write "$mnt/holes" 128k 64k
raw_end
raw_umount

# ---- without the bit the flag is not known: an answer without blocks ends the write ----

raw_start --caps $nio
raw_mount
app write "$mnt/file" 0 64k
ctl forget
try OK "op=GET_MULTY do=retflags:0x20" write "$mnt/file" 0 64k
app read "$mnt/file" 0 64k
refute grep -q WRITE <(sent)
try EIO "op=GET_MULTY count=0 do=retflags:0x20 do=iomn:0" write "$mnt/file" 0 64k
# as is the bit without NIO_WRITES
raw_umount
raw_end
raw_start --caps $((by_write | 2))
raw_mount
ctl forget
app write "$mnt/file" 0 64k
app write "$mnt/file" 0 64k
assert_eq "WRITE WRITE " "$(sent)" "messages of the mapped way"
raw_works
raw_finish
