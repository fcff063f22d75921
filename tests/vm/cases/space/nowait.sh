#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# timeout: 240
#
# RWF_NOWAIT: what needs no wait is done, what would wait for a lock, for a channel,
# for memory or within the server is EAGAIN; and the flags that a server sees.

. "$TOP/tests/rawserver/lib.sh"
need python3 taskset

# call FILE CODE: Python with the helpers of nowait.py and a file descriptor fd.
call() {
	PYTHONPATH=$TOP/tests/vm/cases/space:$PYTHONPATH \
		python3 -c "from nowait import *; fd = os.open('$1', os.O_RDWR); $2"
}

# busy CPU CALL...: the call hangs in the server.
busy() {
	local cpu=$1

	shift
	taskset -c "$cpu" /run/rawapp -e any -t 60000 "$@" &
	pids+=("$!")
}

released() {
	ctl release
	wait "${pids[@]}"
	pids=()
	ctl clear
}

raw_setup
raw_start
raw_mount
pids=()
file=$mnt/file
app write "$file" 0 2m
app write "$mnt/busy" 0 8k
call "$file" "eq(8192, read(fd, 8192)); eq(2 << 20, read(fd, 2 << 20))"
call "$file" "eq(8192, write(fd, 8192)); eq(5000, write(fd, 5000, at=2 << 20))"

# no channel: those of CPU 0 hang, but for the reserved one
ctl only op=READ file=busy count=0 do=hang
normal=2
for ((i = 0; i < normal; i++)); do
	busy 0 read "$mnt/busy" 0 4k
done
ctl hung "$normal"
taskset -c 0 bash -c "$(declare -f call); TOP=$TOP; call '$file' 'eq(EAGAIN, read(fd, 100))
eq(EAGAIN, write(fd, 100))'"
taskset -c 1 bash -c "$(declare -f call); TOP=$TOP; call '$file' 'eq(100, read(fd, 100))'"
released

# the inode lock: held exclusively, held by a reader, who also has the pages that he reads
ctl only op=WRITE file=file do=hang
busy 1 append "$file" 100
ctl hung 1
call "$file" "eq(EAGAIN, read(fd, 100)); eq(EAGAIN, write(fd, 100))"
released
ctl only op=READ file=file do=hang
busy 1 readany "$file" 0 4k
ctl hung 1
call "$file" "eq(100, read(fd, 100)); eq(EAGAIN, write(fd, 100))
eq(100, write(fd, 100, at=8192)); eq(EAGAIN, write(fd, 100, at=3 << 20))"
released

# memory of the application that is not there
call "$file" "eq(EAGAIN, read_into(fd, mmap.mmap(-1, 8192)))"

# the server would sleep: at once, or with some of it done
ctl only op=READ do=err:-11
call "$file" "eq(EAGAIN, read(fd, 100))"
ctl only op=READ nth=2 do=err:-11
call "$file" "eq(1 << 20, read(fd, 3 << 19))"
ctl only op=WRITE do=err:-11
call "$file" "eq(EAGAIN, write(fd, 100))"
ctl clear

# flags CODE WANTED: of the only read or write.
flags() {
	ctl forget
	call "$file" "$1"
	assert_eq "$2" "$(ctl record |
		sed -nE 's/^(READ|WRITE) .* rw ([0-9a-fx]+) .*/\2/p')" "$1"
}
flags "read(fd, 10)" 0x8000
flags "os.pread(fd, 10, 0)" 0
flags "os.pwritev(fd, [b'x'], 0, os.RWF_DSYNC)" 0x1001
flags "os.pwritev(fd, [b'x'], 0, os.RWF_SYNC | os.RWF_DSYNC)" 0x3001
flags "os.pwritev(fd, [b'x'], 0, os.RWF_APPEND)" 0x201
flags "os.preadv(fd, [bytearray(1)], 0, os.RWF_HIPRI)" 0x800
flags "os.pwrite(os.open('$file', os.O_WRONLY | os.O_DSYNC), b'x', 0)" 0x1001
flags "os.pwrite(os.open('$file', os.O_WRONLY | os.O_SYNC), b'x', 0)" 0x3001
flags "os.pwrite(os.open('$file', os.O_WRONLY | os.O_APPEND), b'x', 0)" 0x201
if call "$file" "sys.exit(write_noappend('$file') == 'ENOTSUP')"; then
	flags "eq(1, write_noappend('$file'))" 0x1
fi
flags "os.pread(os.open('$file', os.O_RDONLY | os.O_DIRECT), 100, 0)" 0x400
flags "aio_read(fd, 10, eventfd=True)" 0x100
flags "aio_read(fd, 10, eventfd=False)" 0
raw_works
raw_finish
