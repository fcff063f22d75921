# SPDX-License-Identifier: BSD-2-Clause
"""System calls on files that Python's os module lacks."""

import ctypes
import os

LIBC = ctypes.CDLL(None, use_errno=True)
LIBC.fallocate.argtypes = [ctypes.c_int, ctypes.c_int, ctypes.c_long, ctypes.c_long]
LIBC.readahead.argtypes = [ctypes.c_int, ctypes.c_long, ctypes.c_size_t]

KEEP_SIZE, PUNCH, NO_HIDE_STALE, COLLAPSE, ZERO, INSERT, UNSHARE = (1 << i for i in (
    0, 1, 2, 3, 4, 5, 6))


def _check(ret):
    if ret < 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))
    return ret


def fallocate(fd, mode, offset, length):
    return _check(LIBC.fallocate(fd, mode, offset, length))


def swapon(path):
    return _check(LIBC.swapon(os.fsencode(path), 0))


def readahead(fd, offset, count):
    return _check(LIBC.readahead(fd, offset, count))
