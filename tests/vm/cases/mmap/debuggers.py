# SPDX-License-Identifier: BSD-2-Clause
#
# What another process writes into a private mapping of a file in $mnt: 4 bytes change, the
# rest of the page stays, nothing of the writer's own gets there, nor anything into the file.
# Pages of the file and holes, present and not, by 4 KiB and by 2 MiB. Run by debuggers.sh.

import ctypes
import mmap
import os
import signal
import struct
import sys

PAGE, HUGE = 4096, 2 << 20
mnt = os.environ["mnt"]
libc = ctypes.CDLL(None, use_errno=True)
libc.mmap.restype = ctypes.c_void_p
libc.mmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int, ctypes.c_int,
                      ctypes.c_int, ctypes.c_long]
libc.ptrace.restype = ctypes.c_long
libc.ptrace.argtypes = [ctypes.c_long, ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p]
PTRACE_POKEDATA, PTRACE_ATTACH, PTRACE_DETACH = 4, 16, 17
MAP_FIXED, MAP_ANON = 0x10, 0x20

SIZE = 4 * HUGE			# the first half data, the second a hole
BASES = {"r-x": (0x500000000000, 5), "rw-": (0x500010000000, 3)}
PLACES = [("present", 0, b"F"), ("absent", 16 * PAGE, b"F"), ("large", HUGE, b"F"),
          ("hole present", 2 * HUGE, b"\0"), ("hole absent", 2 * HUGE + 16 * PAGE, b"\0")]


def peek(addr, size):
    return ctypes.string_at(addr, size)


def map_at(addr, prot, flags, fd):
    found = libc.mmap(addr, SIZE, prot, flags | MAP_FIXED, fd, 0)
    assert found == addr, os.strerror(ctypes.get_errno())


def writev(pid, addr, data):
    buf = ctypes.create_string_buffer(data)
    local = struct.pack("QQ", ctypes.addressof(buf), len(data))
    remote = struct.pack("QQ", addr, len(data))
    return libc.process_vm_writev(pid, local, 1, remote, 1, 0) == len(data)


def proc_mem(pid, addr, data):
    with open(f"/proc/{pid}/mem", "r+b", buffering=0) as mem:
        return os.pwrite(mem.fileno(), data, addr) == len(data)


def poke(pid, addr, data):
    word = int.from_bytes(data * 2, "little")
    assert libc.ptrace(PTRACE_ATTACH, pid, 0, 0) == 0
    os.waitpid(pid, 0)
    ok = libc.ptrace(PTRACE_POKEDATA, pid, addr - 4, word) == 0
    assert libc.ptrace(PTRACE_DETACH, pid, 0, 0) == 0
    return ok


WAYS = [writev, proc_mem, poke]


def target(fd, ready, go):
    """Make some pages present, let the others write, look at every byte."""
    for addr, prot in BASES.values():
        map_at(addr, prot, mmap.MAP_PRIVATE, fd)
        for what, at, _ in PLACES:
            if "absent" not in what:
                peek(addr + at, 3 * PAGE)
    os.write(ready, b"x")
    os.read(go, 1)
    bad = 0
    for name, (addr, prot) in BASES.items():
        for what, at, byte in PLACES:
            for i, way in enumerate(WAYS):
                if way is writev and prot == 5:
                    continue
                found = peek(addr + at + i * PAGE, PAGE)
                wanted = bytearray(byte * PAGE)
                wanted[100:104] = b"VMWR"
                if way is poke:
                    wanted[96:100] = b"VMWR"
                if found != wanted:
                    bad += 1
                    print(f"{name} {what} {way.__name__}: {found[96:108]}, other bytes "
                          f"{set(found[104:]) - set(byte)}", flush=True)
    os._exit(bad > 0)


def main():
    fd = os.open(os.path.join(mnt, "target"), os.O_RDWR | os.O_CREAT | os.O_TRUNC)
    os.write(fd, b"F" * (2 * HUGE))
    os.ftruncate(fd, SIZE)
    ready, go = os.pipe(), os.pipe()
    pid = os.fork()
    if not pid:
        target(fd, ready[1], go[0])
    os.read(ready[0], 1)
    # something of ours at the same addresses
    for addr, _ in BASES.values():
        map_at(addr, 3, mmap.MAP_PRIVATE | MAP_ANON, -1)
        for _, at, _ in PLACES:
            ctypes.memset(addr + at, ord("S"), 3 * PAGE)
    for addr, prot in BASES.values():
        for what, at, _ in PLACES:
            for i, way in enumerate(WAYS):
                if way is writev and prot == 5:
                    continue
                assert way(pid, addr + at + i * PAGE + 100, b"VMWR"), (what, way)
    os.write(go[1], b"x")
    _, status = os.waitpid(pid, 0)
    assert os.pread(fd, SIZE, 0) == b"F" * (2 * HUGE) + bytes(2 * HUGE), "the file has changed"
    os.unlink(os.path.join(mnt, "target"))
    sys.exit(status != 0)


main()
