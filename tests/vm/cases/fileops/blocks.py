# SPDX-License-Identifier: BSD-2-Clause
"""usage: blocks.py FOLDER [more]: FIBMAP beside FIEMAP; FIEMAP of directories and attributes.

With "more" the server has told that it knows them.
"""

import array
import errno
import fcntl
import os
import struct
import sys

from falloc import KEEP_SIZE, fallocate
from nstest import eq, refused, true, write

FIBMAP, FIEMAP, XATTR, PAGE = 1, 0xc020660b, 2, 4096

os.chdir(sys.argv[1])


def fibmap(fd, block):
    arg = array.array("i", [block])
    fcntl.ioctl(fd, FIBMAP, arg)
    return arg[0]


def fiemap(fd, flags=0):
    arg = bytearray(struct.pack("=QQIIII", 0, 1 << 60, flags, 0, 100, 0) + bytes(56 * 100))
    fcntl.ioctl(fd, FIEMAP, arg)
    return [struct.unpack_from("=QQQ", arg, 32 + 56 * i)
            for i in range(struct.unpack_from("=I", arg, 20)[0])]


write("b")
os.mkdir("bd")
fd, dirfd = os.open("b", os.O_RDWR), os.open("bd", os.O_RDONLY)
os.setxattr("b", "user.x", b"y")
os.pwrite(fd, b"x" * 3 * PAGE, 2 * PAGE)
fallocate(fd, KEEP_SIZE, 10 * PAGE, 2 * PAGE)
wanted = {}
for logical, physical, length in fiemap(fd):
    for i in range(length // PAGE):
        wanted[logical // PAGE + i] = physical // PAGE + i
for block in range(2, 5):
    true(wanted[block] > 0, "a page that was written has a block")
    eq(wanted[block], fibmap(fd, block), f"FIBMAP of {block}")
for block in (0, 1, 5, 1 << 30):
    eq(0, fibmap(fd, block), f"FIBMAP of the hole {block}")
refused(errno.ENOTTY, fibmap, dirfd, 0)
if not sys.argv[2:]:
    # given, and not written: who wrote to it behind our back would write what nobody reads
    eq(0, fibmap(fd, 10), "FIBMAP of an unwritten block")
    refused(errno.EBADR, fiemap, fd, XATTR)
    refused(errno.EOPNOTSUPP, fiemap, dirfd)
else:
    (place,) = fiemap(fd, XATTR)
    eq((0, PAGE), (place[0], place[2]), "where the attributes are")
    (place,) = fiemap(dirfd)
    eq((0, PAGE), (place[0], place[2]), "where the names are")
    eq(place[2], fiemap(dirfd, XATTR)[0][2], "where a directory's attributes are")
os.seteuid(1000)
refused(errno.EPERM, fibmap, fd, 2)
os.seteuid(0)
os.close(fd)
os.close(dirfd)
os.unlink("b")
os.rmdir("bd")
