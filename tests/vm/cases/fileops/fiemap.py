# SPDX-License-Identifier: BSD-2-Clause
"""usage: fiemap.py FOLDER: extents agree with SEEK_DATA, whatever array they are asked for."""

import errno
import fcntl
import mmap
import os
import struct
import sys

from nstest import eq, refused, true, write

FIEMAP = 0xc020660b
SYNC, XATTR, CACHE, LAST = 1, 2, 4, 1
PAGE = 4096


def fiemap(fd, start=0, length=~0 & (1 << 64) - 1, count=4000, flags=0, arg=None):
    """Extents (start, length, flags); with count 0 their number. arg: where the array lies."""
    if arg is None:
        arg = bytearray(32 + 56 * count)
    struct.pack_into("=QQIIII", arg, 0, start, length, flags, 0, count, 0)
    fcntl.ioctl(fd, FIEMAP, arg)
    mapped = struct.unpack_from("=I", arg, 20)[0]
    if not count:
        return mapped
    true(mapped <= count, "more than the array holds")
    found = []
    for i in range(mapped):
        logical, _, size = struct.unpack_from("=QQQ", arg, 32 + 56 * i)
        found.append((logical, size, struct.unpack_from("=I", arg, 32 + 56 * i + 40)[0]))
    return found


def pages(extents):
    return sorted({p for start, size, _ in extents for p in range(start // PAGE,
                                                                 (start + size) // PAGE)})


os.chdir(sys.argv[1])
write("sparse")
fd = os.open("sparse", os.O_RDWR)
eq([], fiemap(fd), "an empty file")
wanted = [p for p in range(0, 3000) if p % 3 == 0] + list(range(5000, 5010))
for p in wanted:
    os.pwrite(fd, b"x" * PAGE, p * PAGE)
whole = fiemap(fd)
eq(wanted, pages(whole), "pages with data")
true(whole[-1][2] & LAST, "the last extent says so")
true(not any(f & LAST for _, _, f in whole[:-1]), "another one says so")
eq(len(whole), fiemap(fd, count=0), "their number")
for count in (1, 2, 255, 256, 257, 512, 513):
    some = fiemap(fd, count=count)
    eq([e[:2] for e in whole[:count]], [e[:2] for e in some], f"the first {count}")
# by pieces
seen, start = [], 0
while True:
    some = fiemap(fd, start=start, count=100)
    seen += some
    if not some or some[-1][2] & LAST:
        break
    start = some[-1][0] + some[-1][1]
eq([e[:2] for e in whole], [e[:2] for e in seen], "all, by pieces")
for start, length in ((PAGE, PAGE), (1, 1), (3 * PAGE, 1), (100 * PAGE, 50 * PAGE)):
    found = fiemap(fd, start, length)
    inside = [p for p in wanted if start < (p + 1) * PAGE and p * PAGE < start + length]
    true(set(inside) <= set(pages(found)), f"what lies in {start} + {length}")
eq([], fiemap(fd, 6000 * PAGE, PAGE), "behind the end")
eq(whole, fiemap(fd, flags=SYNC), "with FIEMAP_FLAG_SYNC")
refused(errno.EBADR, fiemap, fd, 0, PAGE, 10, XATTR)
refused(errno.EBADR, fiemap, fd, 0, PAGE, 10, 0x80)
refused(errno.EINVAL, fiemap, fd, 0, 0)
refused(errno.EFBIG, fiemap, fd, 1 << 63, PAGE)
# the array lies in a mapping of the file itself: in its data, in a hole that it fills
BYTES = (len(whole) * 56 + 32 + PAGE - 1) // PAGE * PAGE
os.pwrite(fd, b"y" * BYTES, 5010 * PAGE)
dense = list(range(5010, 5010 + BYTES // PAGE))
hole = list(range(6000, 6000 + BYTES // PAGE))
os.ftruncate(fd, 7000 * PAGE)
eq(wanted + dense, pages(fiemap(fd)), "pages with data")
for first, more, flags in ((5010, dense, 0), (5010, dense, SYNC), (6000, dense + hole, 0),
                           (6000, dense + hole, SYNC)):
    with mmap.mmap(fd, BYTES, offset=first * PAGE) as m:
        found = pages(fiemap(fd, count=len(whole), flags=flags, arg=m))
    true(set(wanted) <= set(found), f"an array in page {first}: data that is not found")
    true(set(found) <= set(wanted + more), f"an array in page {first}: holes that are found")
    eq(wanted + more, pages(fiemap(fd)), f"after an array in page {first}")
for p in wanted:
    eq(b"x" * PAGE, os.pread(fd, PAGE, p * PAGE), f"page {p}")
os.close(fd)
os.unlink("sparse")
os.mkdir("dir")
dfd = os.open("dir", os.O_RDONLY)
refused(errno.EOPNOTSUPP, fiemap, dfd)
os.close(dfd)
os.rmdir("dir")
