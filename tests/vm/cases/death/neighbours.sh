#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
#
# What users hold of one mount is no business of another one's umount; and a device whose
# UMOUNT has not reached the server, because umount(8) was killed, is not mounted again.

. "$TOP/tests/vm/lib.sh"
need_pmem 1
need python3
scratch=''
scratch
a=$scratch/a
b=$scratch/b
mkdir "$a" "$b"
holder=''
on_exit gone

# gone: also when a step of the case has failed.
gone() {
	local dir

	[ -e /run/zufs/zusd.pid ] || return
	kill -CONT "$(cat /run/zufs/zusd.pid)"
	kill "$holder"
	for dir in "$b" "$a"; do
		if mountpoint -q "$dir"; then
			zufs down "$dir"
		fi
	done
}

# hold DIR: a pipe has a page of an unlinked file, as long as the program lives.
hold() {
	python3 - "$1" "$scratch/held" <<'PY' &
import ctypes, mmap, os, signal, sys
libc = ctypes.CDLL(None, use_errno=True)
class Iovec(ctypes.Structure):
    _fields_ = [("base", ctypes.c_void_p), ("len", ctypes.c_size_t)]
fd = os.open(sys.argv[1] + "/x", os.O_RDWR | os.O_CREAT)
os.pwrite(fd, b"x" * 4096, 0)
m = mmap.mmap(fd, 4096)
m[0]
c = ctypes.c_char.from_buffer(m)
r, w = os.pipe()
iov = Iovec(ctypes.addressof(c), 4096)
assert libc.vmsplice(w, ctypes.byref(iov), ctypes.c_ulong(1), 0) == 4096
del c
m.close()
os.unlink(sys.argv[1] + "/x")
os.close(fd)
open(sys.argv[2], "w").close()
signal.pause()
PY
	holder=$!
	wait_until 20 test -e "$scratch/held"
}

zufs up -o size=64M memofs none "$a"
zufs up memofs /dev/pmem0 "$b"
echo b >"$b/file"
hold "$a"
within 20 umount "$b" || fail "a pipe that holds a page of $a keeps $b from being unmounted"

mount -t memofs /dev/pmem0 "$b"
stop_process "$(cat /run/zufs/zusd.pid)"
# umount(8) would ask the server first
python3 -c 'import ctypes, sys; sys.exit(ctypes.CDLL(None).umount2(sys.argv[1].encode(), 0))' "$b" &
umount=$!
is_asleep() {
	grep -q zuf_put_super "/proc/$umount/stack"
}
wait_until 10 is_asleep
kill -KILL "$umount"
wait_until 10 process_gone "$umount"
wait "$umount" || true
status=0
out=$(LC_ALL=C within 20 mount -t memofs /dev/pmem0 "$b" 2>&1) || status=$?
assert_eq 32 "$status" "mount of a device that is in use: $out"
[[ $out$(dmesg) == *"the server has not yet ended the last mount of its devices"* ]] ||
	fail "no line says why: $out"
kill -CONT "$(cat /run/zufs/zusd.pid)"
wait_until 10 mount -t memofs /dev/pmem0 "$b"
echo again >"$b/file"
assert_eq again "$(cat "$b/file")"
within 20 umount "$b"
kill "$holder"
wait "$holder" || true
zufs down "$a"
