# SPDX-License-Identifier: BSD-2-Clause
"""usage: ioctl.py FOLDER [frozen]: the ioctls of drillfs on a file and on a directory."""

import errno
import fcntl
import os
import struct
import sys
import threading

from nstest import as_user, eq, refused, true, write

READ, WRITE = 2, 1
FSFROZEN, CAP_ADMIN = 1, 2


def number(nr, size, direction=READ | WRITE):
    return direction << 30 | size << 16 | ord("D") << 8 | nr


def call(fd, nr, data, direction=READ | WRITE):
    arg = bytearray(data)
    fcntl.ioctl(fd, number(nr, len(data), direction), arg)
    return bytes(arg)


def inverted(data):
    return bytes(b ^ 0xff for b in data)


def longer(fd, size):
    """The number says two bytes; the argument is as long as these say."""
    data = bytearray(os.urandom(size))
    struct.pack_into("<H", data, 0, size)
    arg = bytearray(data)
    fcntl.ioctl(fd, number(2, 2), arg)
    return bytes(arg) == inverted(data)


os.chdir(sys.argv[1])
if sys.argv[2:]:
    fd = os.open("file", os.O_RDONLY)
    try:
        eq(FSFROZEN | CAP_ADMIN, call(fd, 3, b"x")[0], "in a file system that is frozen")
    except OSError as e:
        eq(errno.EBUSY, e.errno, "in a file system that is frozen")
    sys.exit()

os.mkdir("dir")
for name in ("file", "dir"):
    fd = os.open(name, os.O_RDONLY)
    for size in (1, 2, 8, 64, 1000, 4096, 16383):
        data = os.urandom(size)
        eq(inverted(data), call(fd, 1, data), f"{size} bytes")
    # what is only read comes as zeros, whatever was there
    eq(b"\xff" * 16, call(fd, 1, b"a" * 16, READ), "an argument that is only read")
    fcntl.ioctl(fd, number(1, 0, 0), 0)
    for size in (2, 3, 100, 5000, 40000, 60000):
        true(longer(fd, size), f"a longer argument, {size}")
    refused(errno.E2BIG, longer, fd, 65535)
    eq(FSFROZEN | CAP_ADMIN, call(fd, 3, b"x")[0], "what the kernel says")
    write("written", b"after it was thawed")
    refused(errno.EBUSY, call, fd, 4, b"x")
    refused(errno.EIO, call, fd, 5, b"x")
    refused(errno.ENOTTY, call, fd, 6, b"x")
    refused(errno.ENOTTY, fcntl.ioctl, fd, 0x80047a7a, bytearray(4))
    # memory that is not there
    for nr in (1, 3):
        refused(errno.EFAULT, fcntl.ioctl, fd, number(nr, 1000), 8)
    os.close(fd)


def user():
    fd = os.open("file", os.O_RDONLY)
    eq(FSFROZEN, call(fd, 3, b"x")[0], "of a user without rights")
    os.close(fd)


as_user(1000, 1000, user)

# freezes while others write
stop = threading.Event()


def writer(i):
    while not stop.is_set():
        write(f"w{i}", b"x" * 10000)


threads = [threading.Thread(target=writer, args=(i,)) for i in range(2)]
for t in threads:
    t.start()
fd = os.open("file", os.O_RDONLY)
for _ in range(20):
    eq(FSFROZEN | CAP_ADMIN, call(fd, 3, b"x")[0], "while others write")
os.close(fd)
stop.set()
for t in threads:
    t.join()
for name in ("w0", "w1", "written"):
    os.unlink(name)
os.rmdir("dir")
