# SPDX-License-Identifier: BSD-2-Clause
"""Calls with RWF_NOWAIT; aio with and without an eventfd."""
# flake8: noqa: F401 (names for the code that imports this)

import ctypes
import errno
import mmap
import os
import struct
import sys

EAGAIN = "EAGAIN"
SYS_IO_SETUP, SYS_IO_GETEVENTS, SYS_IO_SUBMIT = 206, 208, 209
RWF_NOAPPEND = 0x20  # 6.9
LIBC = ctypes.CDLL(None, use_errno=True)


def eq(wanted, found):
    if wanted != found:
        sys.exit(f"failed: wanted {wanted}, found {found}")


def _result(func, *args):
    try:
        return func(*args)
    except OSError as e:
        return errno.errorcode[e.errno]


def read_into(fd, memory, at=0):
    return _result(os.preadv, fd, [memory], at, os.RWF_NOWAIT)


def read(fd, n, at=0):
    """Bytes or the name of an errno; the memory is there."""
    return read_into(fd, bytearray(b"x" * n), at)


def write(fd, n, at=0):
    return _result(os.pwritev, fd, [b"w" * n], at, os.RWF_NOWAIT)


def write_noappend(path):
    """A byte at 0 of a file that is open to append; the name of an errno."""
    fd = os.open(path, os.O_WRONLY | os.O_APPEND)
    size = os.fstat(fd).st_size
    result = _result(os.pwritev, fd, [b"n"], 0, RWF_NOAPPEND)
    eq(size, os.fstat(fd).st_size)
    return result


def _syscall(*args):
    ret = LIBC.syscall(*args)
    if ret < 0:
        raise OSError(ctypes.get_errno(), "aio")
    return ret


def aio_read(fd, n, eventfd):
    """One read by the kernel's aio."""
    context = ctypes.c_ulong(0)
    _syscall(SYS_IO_SETUP, 1, ctypes.byref(context))
    buf = ctypes.create_string_buffer(b"x" * n, n)
    event = os.eventfd(0) if eventfd else 0
    iocb = ctypes.create_string_buffer(
        struct.pack("<QIIHhIQQqQII", 0, 0, 0, 0, 0, fd, ctypes.addressof(buf), n, 0, 0,
                    1 if eventfd else 0, event), 64)
    array = (ctypes.c_void_p * 1)(ctypes.addressof(iocb))
    eq(1, _syscall(SYS_IO_SUBMIT, context, 1, array))
    result = ctypes.create_string_buffer(32)
    eq(1, _syscall(SYS_IO_GETEVENTS, context, 1, 1, result, None))
    eq(n, struct.unpack("<QQqq", result.raw)[2])
    if eventfd:
        eq(1, os.eventfd_read(event))
