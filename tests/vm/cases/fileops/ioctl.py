# SPDX-License-Identifier: BSD-2-Clause
"""usage: ioctl.py FOLDER [frozen | freezes | ro]: those of drillfs, on a file and a directory."""

import errno
import fcntl
import os
import select
import struct
import subprocess
import sys
import threading

from nstest import as_user, eq, refused, true, write

READ, WRITE = 2, 1
FSFROZEN, CAP_ADMIN, OPEN_READ, OPEN_WRITE = 1, 2, 4, 8
DATA = bytes(range(8))


def number(nr, size, direction=READ | WRITE):
    return direction << 30 | size << 16 | ord("D") << 8 | nr


def call(fd, nr, data, direction=READ | WRITE):
    arg = bytearray(data)
    fcntl.ioctl(fd, number(nr, len(data), direction), arg)
    return bytes(arg)


def inverted(data):
    return bytes(b ^ 0xff for b in data)


def longer(fd, size, said=2):
    """The number says two bytes; the argument is as long as these say."""
    data = bytearray(os.urandom(size))
    struct.pack_into("<H", data, 0, size)
    arg = bytearray(data)
    fcntl.ioctl(fd, number(2, said), arg)
    return bytes(arg) == inverted(data)


def frozen():
    """Somebody else froze it: what changes something waits, the rest works."""
    fd = os.open("file", os.O_RDONLY)
    try:
        eq(FSFROZEN | CAP_ADMIN | OPEN_READ, call(fd, 3, b"x")[0], "in a frozen file system")
    except OSError as e:
        eq(errno.EBUSY, e.errno, "in a frozen file system")
    eq(inverted(DATA), call(fd, 7, DATA), "listed as changing nothing")
    eq(b"\xff" * 8, call(fd, 1, DATA, READ), "one that is only read")
    for args in ((1, DATA), (7, DATA, READ)):
        pid = os.fork()
        if not pid:
            call(fd, *args)
            os._exit(0)
        poll = select.poll()
        poll.register(os.pidfd_open(pid), select.POLLIN)
        true(not poll.poll(300), f"{args} changes something of a frozen file system")
        subprocess.run(["fsfreeze", "-u", "."], check=True)
        true(poll.poll(30000), f"{args} waits for ever")
        eq(0, os.waitpid(pid, 0)[1], "its status")
        subprocess.run(["fsfreeze", "-f", "."], check=True)


def freezes():
    """The server asks for a frozen file system."""
    call(os.open("file", os.O_RDONLY), 3, b"x")


def read_only():
    fd = os.open("file", os.O_RDONLY)
    eq(inverted(DATA), call(fd, 7, DATA), "listed as changing nothing")
    eq(b"\xff" * 8, call(fd, 1, DATA, READ), "one that is only read")
    refused(errno.EROFS, call, fd, 1, DATA)
    refused(errno.EROFS, call, fd, 1, DATA, WRITE)
    refused(errno.EROFS, call, fd, 7, DATA, READ)
    refused(errno.EROFS, call, fd, 3, b"xx")


def only_what_is_offered(fd):
    """The direction says what memory may be read and written, the list what else."""
    eq(inverted(DATA), call(fd, 7, DATA), "both ways")
    eq(b"\xff" * 8, call(fd, 7, DATA, READ), "out")
    eq(DATA, call(fd, 7, DATA, WRITE), "an answer to a number that has none")
    eq(DATA, call(fd, 1, DATA, WRITE), "the same, not listed")
    eq(DATA, call(fd, 1, DATA, 0), "memory that is not offered at all")
    eq(DATA[:4], call(fd, 7, DATA[:4]), "an answer that is not listed")
    true(longer(fd, 1000), "a longer argument, as listed")
    refused(errno.EPERM, longer, fd, 1000, 3)


os.chdir(sys.argv[1])
if sys.argv[2:]:
    {"frozen": frozen, "freezes": freezes, "ro": read_only}[sys.argv[2]]()
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
    only_what_is_offered(fd)
    true(longer(fd, 1000, 4), "not listed, of root")
    refused(errno.E2BIG, longer, fd, 65535)
    for data in b"x", b"xx":
        # the second is not listed, so it has write access until the kernel freezes
        eq(FSFROZEN | CAP_ADMIN | OPEN_READ, call(fd, 3, data)[0], "what the kernel says")
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
    for flags, said in ((os.O_RDONLY, OPEN_READ), (os.O_RDWR, OPEN_READ | OPEN_WRITE),
                        (os.O_WRONLY, OPEN_WRITE)):
        fd = os.open("file", flags)
        eq(FSFROZEN | said, call(fd, 3, b"x")[0], "of a user without rights")
        only_what_is_offered(fd)
        refused(errno.EPERM, longer, fd, 1000, 4)
        os.close(fd)


os.chmod("file", 0o666)
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
    eq(FSFROZEN | CAP_ADMIN | OPEN_READ, call(fd, 3, b"x")[0], "while others write")
os.close(fd)
stop.set()
for t in threads:
    t.join()
for name in ("w0", "w1", "written"):
    os.unlink(name)
os.rmdir("dir")
