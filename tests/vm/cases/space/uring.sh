#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# timeout: 300
#
# io_uring, which asks for everything with IOCB_NOWAIT first: data verified by fio,
# small and large, extending and in place, fixed buffers, and a polled ring.

. "$TOP/tests/vm/lib.sh"
. "$TOP/tests/vm/cases/io/io.bash"
need fio

verify() {
	fio --name=v --directory="$mnt" --size=4m --ioengine=io_uring --iodepth=16 \
		--rw=randrw --verify=crc32c --verify_fatal=1 --minimal "$@" >/dev/null ||
		fail "fio io_uring $*"
	rm -f v.*
}

each_verify() {
	verify --bsrange=4k-4k --numjobs=2
	verify --bsrange=1k-300k
	verify --bs=1m --direct=1
	verify --bs=4k --fixedbufs --registerfiles --nonvectored=1
	# a file system whose I/O is over when it returns has nothing to poll for
	if fio --name=p --directory="$mnt" --size=64k --ioengine=io_uring --hipri --direct=1 \
		--rw=read --minimal >/dev/null 2>"$mnt/err"; then
		fail "a polled ring worked"
	fi
	assert_grep "not supported" "$mnt/err"
}

IO_WAYS="mapped nio" each_way each_verify
