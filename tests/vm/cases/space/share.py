# SPDX-License-Identifier: BSD-2-Clause
"""FICLONE, FICLONERANGE, FIDEDUPERANGE."""

import errno
import fcntl
import struct

FICLONE, FICLONERANGE, FIDEDUPERANGE = 0x40049409, 0x4020940d, 0xc0189436
DIFFERS = 1


def clone(src, dst, *span):
    with open(src, "rb") as s, open(dst, "r+b") as d:
        if span:
            pos_in, length, pos_out = span
            fcntl.ioctl(d, FICLONERANGE, struct.pack("=qQQQ", s.fileno(), pos_in, length,
                                                     pos_out))
        else:
            fcntl.ioctl(d, FICLONE, s.fileno())


def dedupe(src, dst, pos_in, length, pos_out):
    """Bytes, or the name of an errno, or DIFFERS."""
    with open(src, "rb") as s, open(dst, "r+b") as d:
        arg = bytearray(struct.pack("=QQHHIqQQiI", pos_in, length, 1, 0, 0, d.fileno(), pos_out,
                                    0, 0, 0))
        fcntl.ioctl(s, FIDEDUPERANGE, arg)
    done, status = struct.unpack("=Qi", arg[40:52])
    return errno.errorcode[-status] if status < 0 else status or done
