# SPDX-License-Identifier: BSD-2-Clause
"""usage: between.py FOLDER FOLDER: copies in and between two file systems of ours.

The lengths are true, the bytes are right, and a clone is only made where it can be.
"""

import errno
import fcntl
import os
import sys

from nstest import eq, refused, true, write

FICLONE = 0x40049409
DATA = bytes(os.urandom(300000))


def copied(src, dst, count, src_pos, dst_pos, data):
    """All of it, however often it has to be asked."""
    done = 0
    while done < count:
        n = os.copy_file_range(src, dst, count - done, src_pos + done, dst_pos + done)
        true(0 <= n <= count - done, f"a length of {n}")
        if not n:
            break
        done += n
    eq(max(0, min(count, len(data) - src_pos)), done, "bytes that were copied")
    true(os.pread(dst, done, dst_pos) == data[src_pos:src_pos + done], "the bytes")


first, second = sys.argv[1:3]
write(f"{first}/a", DATA)
a = os.open(f"{first}/a", os.O_RDWR)
for folder in (first, second):
    b = os.open(f"{folder}/b", os.O_CREAT | os.O_RDWR)
    for count, src_pos, dst_pos in ((300000, 0, 0), (8192, 4096, 0), (100, 299950, 10),
                                    (10000, 1, 3), (10, 300000, 0), (4096, 0, 1 << 20),
                                    (1 << 20, 4096, 8192), (300000, 0, 0)):
        copied(a, b, count, src_pos, dst_pos, DATA)
    os.lseek(b, 0, os.SEEK_SET)
    eq(300000, os.sendfile(b, a, 0, 300000), "sendfile")
    if folder == second:
        refused(errno.EXDEV, fcntl.ioctl, b, FICLONE, a)
    os.close(b)
    os.unlink(f"{folder}/b")
os.close(a)
os.unlink(f"{first}/a")
