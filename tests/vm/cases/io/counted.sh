#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# vm: own --pmem 256 --append page_table_check=on
#
# A kernel that counts what page tables show: large transfers are copied, and nothing is
# mapped past the counts.

. "$TOP/tests/vm/lib.sh"
. "$TOP/tests/vm/cases/io/io.bash"
need python3
[[ $VM_KERNEL == debug* ]] || skip "only the debug kernels can count"

transfer() {
	python3 - <<-'PYTHON'
		import mmap, os

		fd = os.open("big", os.O_RDWR | os.O_CREAT)
		data = os.urandom(1 << 20) * 4
		m = mmap.mmap(-1, 8 << 20)
		m[:4 << 20] = data
		# anonymous memory, and a mapping of the file itself
		for _ in range(20):
		    assert os.pwritev(fd, [memoryview(m)[:4 << 20]], 0) == 4 << 20
		    assert os.preadv(fd, [memoryview(m)[4 << 20:]], 0) == 4 << 20
		    assert m[4 << 20:] == data
		own = mmap.mmap(fd, 4 << 20)
		assert own[:] == data
		assert os.pwritev(fd, [memoryview(own)[:2 << 20]], 4 << 20) == 2 << 20
		assert os.pread(fd, 2 << 20, 4 << 20) == data[:2 << 20]
		own[:4096] = b"s" * 4096
		os.fsync(fd)
		assert os.pread(fd, 4096, 0) == b"s" * 4096
	PYTHON
	rm big
}

each_way transfer
