#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
#
# posix_fadvise and readahead: which messages the server gets, which flags reads have
# afterwards, and that advice never fails.

. "$TOP/tests/rawserver/lib.sh"
need python3

# advise FILE CALL...: Python with a file fd and the helpers of falloc.py.
advise() {
	local file=$1

	shift
	PYTHONPATH=$TOP/tests/vm/cases/space:$PYTHONPATH \
		python3 - "$file" "$*" <<-'PYTHON'
		import os, sys
		from falloc import readahead
		from os import posix_fadvise as fadvise
		from os import POSIX_FADV_NORMAL as NORMAL, POSIX_FADV_RANDOM as RANDOM
		from os import POSIX_FADV_SEQUENTIAL as SEQUENTIAL, POSIX_FADV_WILLNEED as WILLNEED
		from os import POSIX_FADV_DONTNEED as DONTNEED, POSIX_FADV_NOREUSE as NOREUSE
		fd = os.open(sys.argv[1], os.O_RDONLY)
		exec(sys.argv[2])
	PYTHON
}

# sent REGEX: the only messages since "ctl forget" that are advice, each on a line.
sent() {
	assert_eq "$1" "$(ctl record | grep -E '^(PRE_READ|SYNC) ' |
		sed -E 's/^([A-Z_]*) .* zt [0-9.]*/\1/')" "messages"
	ctl forget
}

raw_setup
raw_start
raw_mount
file=$mnt/file
app write "$file" 0 100k
app truncate "$file" 10000000
ctl forget

# cut to whole pages, to the file, to pieces of 4 MiB
advise "$file" "fadvise(fd, 5000, 100, WILLNEED)"
sent "PRE_READ pages 1 +1 prev 4095"
advise "$file" "fadvise(fd, 0, 4097, WILLNEED)"
sent "PRE_READ pages 0 +2 prev -1"
advise "$file" "fadvise(fd, 9999999, 1 << 40, WILLNEED)"
sent "PRE_READ pages 2441 +1 prev 9998335"
advise "$file" "fadvise(fd, 0, 0, WILLNEED)"
sent "PRE_READ pages 0 +1024 prev -1
PRE_READ pages 1024 +1024 prev 4194303
PRE_READ pages 2048 +394 prev 8388607"
advise "$file" "fadvise(fd, 10000000, 0, WILLNEED); fadvise(fd, 1 << 50, 5, WILLNEED)"
sent ""
advise "$file" "readahead(fd, 8192, 16384)"
sent "PRE_READ pages 2 +4 prev 8191"
advise "$file" "fadvise(fd, 5000, 100, DONTNEED); fadvise(fd, 9000000, 0, DONTNEED)"
sent "SYNC pos 5000 length 100 sync 0x100
SYNC pos 9000000 length 1000000 sync 0x100"
advise "$file" "fadvise(fd, 0, 0, NOREUSE); fadvise(fd, 0, 0, NORMAL); fadvise(fd, 0, 0, RANDOM)"
sent ""
refute_errno "Invalid argument" advise "$file" "fadvise(fd, 0, 0, 77)"
refute_errno "Invalid argument" advise "$file" "fadvise(fd, 0, -1, WILLNEED)"

# what the server says about advice is nobody's error, but it ends it
for answer in err:-5 err:-95 err:-9999; do
	ctl only op=PRE_READ "do=$answer"
	advise "$file" "fadvise(fd, 0, 0, WILLNEED)"
	sent "PRE_READ pages 0 +1024 prev -1"
	ctl only op=SYNC "do=$answer"
	advise "$file" "fadvise(fd, 0, 0, DONTNEED)"
	sent "SYNC pos 0 length 10000000 sync 0x100"
done
ctl clear

# the mode of the file goes along with its reads
reads() {
	advise "$file" "$1; os.pread(fd, 10, 0)"
	assert_eq "$2" "$(ctl record | sed -n 's/^READ .* \(rw 0x[0-9a-f]*\) .*/\1/p;
		s/^READ .* \(rw 0\) .*/\1/p')" "flags after $1"
	ctl forget
}
reads "pass" "rw 0"
reads "fadvise(fd, 0, 0, RANDOM)" "rw 0x10"
reads "fadvise(fd, 0, 0, RANDOM); fadvise(fd, 0, 0, SEQUENTIAL)" "rw 0"
reads "fadvise(fd, 0, 0, RANDOM); fadvise(fd, 0, 0, NORMAL)" "rw 0"

# and how far is to be read ahead
assert_eq "ra 8" "$(advise "$file" "os.pread(fd, 1, 0)"; ctl record | grep -o 'ra [0-9]*$')"
ctl forget
assert_eq "ra 16" "$(advise "$file" "fadvise(fd, 0, 0, SEQUENTIAL); os.pread(fd, 1, 0)"
	ctl record | grep -o 'ra [0-9]*$')"

# others than regular files
mkfifo "$mnt/fifo"
refute_errno "Illegal seek" advise "$file" \
	"fadvise(os.open('$mnt/fifo', os.O_RDWR), 0, 0, WILLNEED)"
raw_works
raw_finish
