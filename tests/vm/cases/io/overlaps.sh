#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# timeout: 300
#
# Reads and writes of overlapping ranges take turns, in each way; those beside each other do
# not wait, nor does who asks not to; who is killed while it waits is in nobody's way. What
# a killed program has left to the server keeps others out as the program did.

. "$TOP/tests/vm/lib.sh"
. "$TOP/tests/vm/cases/io/io.bash"
. "$TOP/tests/rawserver/lib.sh"
need gcc python3
scratch
mnt=$scratch/mnt
mkdir "$mnt"
gcc -O1 -Wall -Wextra -Werror -o "$scratch/overlaps" "$TOP/tests/vm/cases/io/overlaps.c"

overlaps() {
	"$scratch/overlaps" "$mnt"
	echo "$way: $SECONDS s"
}

# nowait read|write POS: 4 KiB without waiting; the errno's name if it is refused
nowait() {
	python3 - "$mnt/file" "$@" <<-'PYTHON'
		import errno, os, sys
		fd = os.open(sys.argv[1], os.O_RDWR)
		buf, pos = bytearray(4096), int(sys.argv[3])
		call = os.preadv if sys.argv[2] == "read" else os.pwritev
		try:
		    call(fd, [buf], pos, os.RWF_NOWAIT)
		    print("OK")
		except OSError as e:
		    print(errno.errorcode[e.errno])
	PYTHON
}

waits_for_range() {
	grep -q zuf_range_lock "/proc/$1/stack"
}

calls() {
	ctl record | grep -c "^$1 in" || true
}

# turns GET PUT: which operations begin a read or a write
turns() {
	local begin=$1 wanted=$2 holder waiter second reader

	app write "$mnt/file" 0 64k
	ctl forget
	ctl only "op=$begin" count=1 do=hang
	/run/rawapp write "$mnt/file" 4k 8k &
	holder=$!
	ctl hung 1

	# beside it: nobody waits
	app -t $((5000 * ${SLOW:-1})) write "$mnt/file" 0 4k
	app -t $((5000 * ${SLOW:-1})) readany "$mnt/file" 12k 8k
	assert_eq OK "$(nowait read 12288)" "a read beside a write"
	assert_eq EAGAIN "$(nowait read 4096)" "a read of what is being written"
	assert_eq EAGAIN "$(nowait write 8192)" "a write of what is being written"

	# a waiter, one that waits for that waiter alone, a read that waits for the first
	/run/rawapp write "$mnt/file" 8k 16k &
	waiter=$!
	wait_until 5 waits_for_range $waiter
	/run/rawapp readany "$mnt/file" 20k 4k &
	second=$!
	wait_until 5 waits_for_range $second
	/run/rawapp readany "$mnt/file" 4k 4k &
	reader=$!
	wait_until 5 waits_for_range $reader
	assert_eq EAGAIN "$(nowait read 20480)" "a read of what waits to be written"
	kill -KILL $waiter
	wait_until 5 process_gone $waiter
	wait $second
	# it may have been woken to look
	wait_until 5 waits_for_range $reader

	# the holder is killed: what it left to the server excludes as it did
	kill -KILL $holder
	wait_until 5 process_gone $holder
	ctl forget
	/run/rawapp write "$mnt/file" 4k 4k &
	waiter=$!
	wait_until 5 grep -q zuf_puts_wait_left "/proc/$reader/stack"
	assert_eq 0 "$(calls "$wanted")" "messages about what a killed write is at work on"
	ctl release
	wait $reader $waiter
	ctl clear
}

IO_WAYS="mapped64k nio" each_way overlaps

if grep -q '^zuf ' /proc/modules; then
	rmmod zuf
fi
mnt=$scratch/mnt
raw_setup
for caps in 0 6; do
	raw_start --caps $caps
	raw_mount
	if [ $caps = 6 ]; then
		turns GET_MULTY GET_MULTY
	else
		turns WRITE '\(READ\|WRITE\)'
	fi
	raw_kernel_was_right
	raw_umount
	raw_end
done
raw_start
raw_mount
raw_works
raw_finish
