# SPDX-License-Identifier: BSD-2-Clause
"""Memory of every kind, by address, and the raw system calls on it."""

import ctypes
import errno
import mmap
import os

LIBC = ctypes.CDLL(None, use_errno=True)
LIBC.mmap.restype = ctypes.c_void_p
LIBC.mmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int, ctypes.c_int,
                      ctypes.c_int, ctypes.c_long]
LIBC.munmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t]
for _name in ("mprotect", "madvise"):
    getattr(LIBC, _name).argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int]
for _name in ("pread", "pwrite"):
    getattr(LIBC, _name).argtypes = [ctypes.c_int, ctypes.c_void_p, ctypes.c_size_t,
                                     ctypes.c_long]
    getattr(LIBC, _name).restype = ctypes.c_ssize_t

PAGE = 4096
NONE, R, RW = 0, 1, 3
MAP_SHARED, MAP_PRIVATE, MAP_FIXED, MAP_ANON, MAP_HUGETLB = 1, 2, 0x10, 0x20, 0x40000
FAILED = ctypes.c_void_p(-1).value
EFAULT = -errno.EFAULT


def _error():
    code = ctypes.get_errno()
    return OSError(code, os.strerror(code))


def pread(fd, addr, n, pos):
    """Bytes or -errno."""
    ret = LIBC.pread(fd, addr, n, pos)
    return ret if ret >= 0 else -ctypes.get_errno()


def pwrite(fd, addr, n, pos):
    ret = LIBC.pwrite(fd, addr, n, pos)
    return ret if ret >= 0 else -ctypes.get_errno()


class Memory:
    """A mapping; anonymous unless flags and fd say otherwise."""

    def __init__(self, size, flags=MAP_PRIVATE | MAP_ANON, fd=-1, huge=False, prot=RW):
        self.size = size
        self.addr = LIBC.mmap(None, size, prot, flags, fd, 0)
        if self.addr == FAILED:
            raise _error()
        if huge:
            LIBC.madvise(self.addr, size, mmap.MADV_HUGEPAGE)

    def put(self, at, data):
        ctypes.memmove(self.addr + at, data, len(data))

    def get(self, at, n):
        return ctypes.string_at(self.addr + at, n)

    def fill(self, byte):
        ctypes.memset(self.addr, byte, self.size)

    def protect(self, at, n, prot):
        if LIBC.mprotect(self.addr + at, n, prot):
            raise _error()

    def renew(self, at, n):
        """Other, empty memory at the same place."""
        if LIBC.mmap(self.addr + at, n, RW, MAP_PRIVATE | MAP_ANON | MAP_FIXED, -1,
                     0) == FAILED:
            raise _error()

    def unmap(self, at, n):
        if LIBC.munmap(self.addr + at, n):
            raise _error()

    def close(self):
        self.unmap(0, self.size)
