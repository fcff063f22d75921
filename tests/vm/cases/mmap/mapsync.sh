#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
#
# MAP_SYNC: the put of a store's fault is what makes its block durable. Nobody stores to a page
# whose put was refused, or whose server has died meanwhile.

. "$TOP/tests/rawserver/lib.sh"
need_pmem 1
need python3

raw_setup
/run/rawserver --mkfs /dev/pmem0
raw_start
mount -t rawf /dev/pmem0 "$mnt"
app write "$mnt/file" 0 64k
cat >"$scratch/store.py" <<'TEXT'
import ctypes, mmap, os, sys
fd = os.open(sys.argv[1], os.O_RDWR)
libc = ctypes.CDLL(None, use_errno=True)
libc.mmap.restype = ctypes.c_void_p
libc.mmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t] + [ctypes.c_int] * 3 + [ctypes.c_long]
at = libc.mmap(None, 65536, 3, 0x80003, fd, 0)	# MAP_SHARED_VALIDATE | MAP_SYNC
assert at not in (None, ctypes.c_void_p(-1).value), os.strerror(ctypes.get_errno())
ctypes.memset(at + 4096 * int(sys.argv[2]), 1, 1)
TEXT

# store PAGE: the status of a program that stores there; 135: SIGBUS.
store() {
	local status=0

	within 20 python3 "$scratch/store.py" "$mnt/file" "$1" || status=$?
	echo "$status"
}

assert_eq 0 "$(store 1)" "a store"
ctl only op=PUT_MULTY do=err:-5
assert_eq 135 "$(store 2)" "a store whose put is refused"
ctl clear
assert_eq 0 "$(store 2)" "the same later"

ctl only op=PUT_MULTY do=hang
python3 "$scratch/store.py" "$mnt/file" 3 &
pid=$!
ctl hung 1
raw_end
status=0
wait "$pid" || status=$?
assert_eq 135 "$status" "a store whose server dies before the put"
raw_umount
